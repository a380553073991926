//! The files of the official command line: `~/.tccli/PROFILE.credential` and `~/.tccli/PROFILE.configure`.
//!
//! `tccli configure` writes both, `tccli auth login` and `tccli sso login` the first, and every call of tccli puts a new
//! temporary key into it when the old one ends soon. Members that are not known here are passed over.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;

use cvm_proto::credential::{Fetch, FetchContext, Found, Lease, Provider, Role};
use cvm_proto::{Error, Machine, Now, Reply, Step, input};
use serde_json::Value;

use crate::environment::Environment;
use crate::file::{self, FilePath};
use crate::origin::Origin;
use crate::place::SESSION;
use crate::setting::Setting;
use crate::source::{AssumedRole, CredentialSource, keys};
use crate::time::seconds;

/// The folder below the home folder.
const FOLDER: &str = ".tccli";
/// The endings of the two files.
const CREDENTIAL: &str = "credential";
const CONFIGURE: &str = "configure";

/// One of the files, read.
struct File {
    shown: String,
    text: String,
    value: Value,
}

impl File {
    fn read(environment: &Environment, path: &FilePath) -> Result<Option<Self>, Error> {
        let Some(text) = file::read(environment, path)? else { return Ok(None) };
        let shown = environment.show(path);
        let value: Value = serde_json::from_str(&text).map_err(|error| {
            Error::config(format!(
                "{shown}:{}: is not the JSON that tccli writes: write it anew with `tccli configure`",
                error.line().max(1)
            ))
        })?;
        if !value.is_object() {
            return Err(Error::config(format!(
                "{shown}:1: is not a JSON object: write it anew with `tccli configure`"
            )));
        }
        Ok(Some(Self { shown, text, value }))
    }

    /// The member that a path of names leads to, if it says anything.
    fn get(&self, path: &[&str]) -> Result<Option<(&str, Origin)>, Error> {
        let found = path.iter().try_fold(&self.value, |value, name| value.get(name));
        match found {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                let text = input::trim(text);
                Ok((!text.is_empty()).then(|| (text, self.origin(path))))
            }
            Some(_) => {
                let name = path.last().copied().unwrap_or_default();
                Err(self.origin(path).error(&format!("`{name}` is not a text: write it in quotes")))
            }
        }
    }

    /// Where a member is. The files have a line for each, and no name is there before its parent's.
    fn origin(&self, path: &[&str]) -> Origin {
        let mut line = 1;
        let mut lines = self.text.lines().enumerate();
        for name in path {
            let quoted = format!("\"{name}\"");
            line =
                lines.find(|(_, text)| text.trim_start().starts_with(&quoted)).map_or(line, |(at, _)| at + 1);
        }
        Origin::File { path: self.shown.clone(), line }
    }
}

fn path(environment: &Environment, profile: &str, ending: &str) -> Option<FilePath> {
    // A profile is a file's name here; one with a separator would lead elsewhere.
    let is_name = !profile.contains(['/', '\\']);
    is_name.then(|| environment.at_home(format_args!("{FOLDER}/{profile}.{ending}"))).flatten()
}

/// Whether there is a profile of this name.
pub(crate) fn has(environment: &Environment, profile: &str) -> Result<bool, Error> {
    for ending in [CREDENTIAL, CONFIGURE] {
        if let Some(path) = path(environment, profile, ending)
            && environment.has(&path).map_err(|error| file::unread(environment, &path, &error))?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The names of all profiles.
pub(crate) fn names(environment: &Environment) -> Vec<String> {
    let files = environment.at_home(FOLDER).map(|folder| environment.names(&folder)).unwrap_or_default();
    let profile = |file: &str| {
        let (name, ending) = file.rsplit_once('.')?;
        (!name.is_empty() && [CREDENTIAL, CONFIGURE].contains(&ending)).then(|| name.to_owned())
    };
    files.iter().filter_map(|file| profile(file)).collect()
}

/// The settings in a profile.
pub(crate) fn settings(
    environment: &Environment,
    profile: &str,
) -> Result<Vec<(Setting, String, Origin)>, Error> {
    let Some(path) = path(environment, profile, CONFIGURE) else { return Ok(Vec::new()) };
    let Some(file) = File::read(environment, &path)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for setting in Setting::ALL {
        let Some(name) = setting.in_tccli() else { continue };
        // Old files have them at the top.
        let value = match file.get(&["_sys_param", name])? {
            Some(value) => Some(value),
            None => file.get(&[name])?,
        };
        if let Some((value, origin)) = value {
            found.push((setting, value.to_owned(), origin));
        }
    }
    if let Some((host, origin)) = file.get(&["cvm", "endpoint"])? {
        match root_of("cvm", host) {
            // What every profile says, whether its user wanted it or not.
            Some("tencentcloudapi.com") => {}
            Some(root) => found.push((Setting::RootDomain, root.to_owned(), origin)),
            None => found.push((Setting::Endpoint, host.to_owned(), origin)),
        }
    }
    if let Some((host, origin)) = file.get(&["sts", "endpoint"])?
        && root_of("sts", host) != Some("tencentcloudapi.com")
    {
        found.push((Setting::StsEndpoint, host.to_owned(), origin));
    }
    Ok(found)
}

/// The root domain of a service's host, unless the host is that of one region.
fn root_of<'a>(service: &str, host: &'a str) -> Option<&'a str> {
    let root = host.strip_prefix(service)?.strip_prefix('.')?;
    let rest = root.strip_suffix("tencentcloudapi.com")?;
    let is_root = rest.is_empty() || (rest.ends_with('.') && !rest.contains('-'));
    is_root.then_some(root)
}

/// Where the credential of a profile comes from, or what the profile lacks; and a warning about its file.
pub(crate) fn source(
    environment: &Environment,
    profile: &str,
) -> Result<(Result<CredentialSource, String>, Option<String>), Error> {
    let Some(path) = path(environment, profile, CREDENTIAL) else {
        return Ok((Err("there is no home folder".into()), None));
    };
    let Some(file) = File::read(environment, &path)? else {
        return Ok((Err(format!("{} is not there", environment.show(&path))), None));
    };
    let warning = environment.too_wide(&path);
    let kind = file.get(&["type"])?.map_or("default", |(kind, _)| kind);
    let source = if kind == "cvm-role" {
        Ok(CredentialSource::InstanceRole { role: None })
    } else if file.value.get("expiresAt").is_some() {
        let origin = file.origin(&["secretId"]);
        lease(&file)?;
        Ok(CredentialSource::Tccli { path, origin })
    } else {
        let source =
            static_keys(&file)?.ok_or_else(|| format!("{} has no secretId and secretKey", file.shown));
        source.map(|source| source.written_in(environment, profile))
    };
    let Some((arn, origin)) = file.get(&["role-arn"])?.filter(|_| kind != "cvm-role") else {
        return Ok((source, warning));
    };
    let session = file.get(&["role-session-name"])?.map_or(SESSION, |(name, _)| name);
    let role = AssumedRole { role: Role::new(arn, session), mfa_serial: None, origin: origin.clone() };
    let source =
        source.map_err(|lack| origin.error(&format!("a role needs a key to be assumed with, but {lack}")))?;
    Ok((Ok(source.in_role(role)), warning))
}

fn static_keys(file: &File) -> Result<Option<CredentialSource>, Error> {
    let parts = (file.get(&["secretId"])?, file.get(&["secretKey"])?, file.get(&["token"])?);
    match parts {
        (None, None, _) => Ok(None),
        (Some(id), Some(key), token) => keys(id, key, token).map(Some),
        (Some((_, origin)), None, _) => Err(origin.error("secretId is there, but no secretKey: give both")),
        (None, Some((_, origin)), _) => Err(origin.error("secretKey is there, but no secretId: give both")),
    }
}

/// The temporary key in a file, with its end.
fn lease(file: &File) -> Result<Lease, Error> {
    let Some(CredentialSource::Keys { credential, .. }) = static_keys(file)? else {
        return Err(file.origin(&["expiresAt"]).error("there is an end, but no secretId and secretKey"));
    };
    let end = file.value.get("expiresAt").and_then(seconds);
    let expires = end.ok_or_else(|| {
        file.origin(&["expiresAt"])
            .error("expiresAt is not a time in seconds since 1970: log in anew with tccli")
    })?;
    Ok(Lease::until(credential, expires))
}

/// A temporary key that tccli keeps in its file: read anew each time.
#[derive(Debug)]
pub(crate) struct TccliKey {
    environment: Environment,
    path: FilePath,
    origin: Origin,
}

impl TccliKey {
    pub(crate) fn new(environment: Environment, path: FilePath, origin: Origin) -> Self {
        Self { environment, path, origin }
    }
}

impl Provider for TccliKey {
    fn fetch(&self, _: &FetchContext) -> Fetch {
        let read = File::read(&self.environment, &self.path);
        let found = read.and_then(|file| {
            let file = file.ok_or_else(|| self.origin.error("the file is gone: log in anew with tccli"))?;
            lease(&file)
        });
        let read_again = if self.environment.is_in_memory() { ", then make the client anew" } else { "" };
        Box::new(TccliFetch { found: Some(found), origin: self.origin.clone(), read_again })
    }
}

/// What was read, to be judged by the clock.
struct TccliFetch {
    found: Option<Result<Lease, Error>>,
    origin: Origin,
    /// What has to be done before the file is read again.
    read_again: &'static str,
}

impl Machine for TccliFetch {
    type Output = Result<Found, Error>;
    type Progress = Infallible;

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        let found = self.found.take().expect("a machine is not polled after its end");
        Step::Done(match found {
            Ok(lease) if lease.expires.is_some_and(|expires| expires <= now.unix) => Err(self.origin.error(&format!(
                "the temporary key is over: call any action with tccli, which fetches a new one, or log in anew with it{}",
                self.read_again
            ))),
            found => found.map(Found::Lease),
        })
    }

    fn reply(&mut self, _now: Now, _reply: Reply) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_region_are_no_root() {
        for (host, root) in [
            ("cvm.tencentcloudapi.com", Some("tencentcloudapi.com")),
            ("cvm.internal.tencentcloudapi.com", Some("internal.tencentcloudapi.com")),
            ("cvm.intl.tencentcloudapi.com", Some("intl.tencentcloudapi.com")),
            ("cvm.ap-shanghai-fsi.tencentcloudapi.com", None),
            ("cvm.example.com", None),
            ("cvmtencentcloudapi.com", None),
        ] {
            assert_eq!(root_of("cvm", host), root, "{host}");
        }
    }
}
