//! Files in a folder that stands for the home folder, and variables of the test's own.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod credentials;
mod documentation;
mod encodings;
mod in_memory;
mod json;
mod mistakes;
mod precedence;
mod properties;
mod proxies;
mod rewritten;
mod roles;
mod tccli;
mod writing;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cvm_config::{Environment, Loaded, Loader};
use cvm_proto::credential::{FetchContext, Found, Lease};
use cvm_proto::{Error, Now, Settings, Step};
use tempfile::TempDir;

/// Where the ini file is.
const INI: &str = ".tencentcloud/credentials";

/// A file with something that looks like a certificate.
const CA: &str = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";

/// A home folder.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// The same with a file in it, for its owner alone.
    fn with(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(path, text);
        self
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text.as_ref()).unwrap();
        mode(&path, 0o600);
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn environment(&self, variables: &[(&str, &str)]) -> Environment {
        // Nothing that is looked up here may ask the network.
        let off = [("TENCENTCLOUD_INSTANCE_ROLE", "off")];
        Environment::of(off.iter().chain(variables).copied()).home(self.0.path()).system(self.path("etc"))
    }

    fn loader(&self, variables: &[(&str, &str)]) -> Loader {
        Loader::new().environment(self.environment(variables))
    }

    fn load(&self, variables: &[(&str, &str)]) -> Loaded {
        self.loader(variables).load().unwrap()
    }

    fn error(&self, variables: &[(&str, &str)]) -> String {
        self.loader(variables).load().unwrap_err().to_string()
    }
}

#[cfg(unix)]
fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn mode(_: &Path, _: u32) {}

/// Id, key and token of the credential that needs no provider.
fn keys(settings: &Settings) -> Option<(&str, &str, Option<&str>)> {
    let credential = settings.credential.as_ref()?;
    Some((credential.secret_id(), credential.secret_key(), credential.token()))
}

/// What the provider finds at a time, without the network.
fn fetch(settings: &Settings, unix: u64) -> Result<Found, Error> {
    let mut fetch = settings.provider.as_ref().expect("a provider").fetch(&FetchContext::new(1));
    let start = std::time::Instant::now();
    loop {
        match fetch.poll(Now::new(unix, start.elapsed())) {
            Step::Done(found) => return found,
            Step::WaitUntil(at) => {
                std::thread::sleep(at.saturating_sub(start.elapsed()).min(Duration::from_secs(1)));
            }
            Step::Send(request) => panic!("{} is asked", request.url()),
            Step::Progress(never) => match never {},
        }
    }
}

fn lease(settings: &Settings, unix: u64) -> Lease {
    match fetch(settings, unix).unwrap() {
        Found::Lease(lease) => lease,
        Found::Nothing(lack) => panic!("{lack}"),
    }
}
