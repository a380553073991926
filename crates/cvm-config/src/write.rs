//! Writing a profile into the ini file.

use std::borrow::ToOwned;
use std::format;
use std::io;
use std::path::PathBuf;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use cvm_files::{Access, RealFile, make_private_folder};
use cvm_proto::{Credential, Error, input};

use crate::disk;
use crate::environment::Environment;
use crate::file;
use crate::ini::{self, Ini};
use crate::profile;
use crate::setting::Setting;

/// How long another process that writes a profile is waited for.
const GIVE_UP_AFTER: Duration = Duration::from_secs(10);

/// What a profile is to hold; what is not named here stays as it is.
///
/// ```
/// use cvm_config::{Environment, Loader, NewProfile, Setting};
/// use cvm_proto::Credential;
///
/// # let folder = tempfile::tempdir()?;
/// # let environment = || Environment::of::<&str, &str>([]).home(folder.path());
/// let written = NewProfile::new("prod")
///     .credential(Credential::new("AKIDexample", "not-a-real-key")?)
///     .set(Setting::Region, "ap-beijing")
///     .write(&environment())?;
/// assert!(written.path.ends_with(".tencentcloud/credentials"));
///
/// let loaded = Loader::new().environment(environment()).profile("prod").load()?;
/// assert_eq!(loaded.settings.region.as_deref(), Some("ap-beijing"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewProfile {
    name: String,
    credential: Option<Credential>,
    settings: Vec<(Setting, String)>,
}

/// What came of writing a profile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// What a user should know: the file had been open to others, or its folder is.
    pub warnings: Vec<String>,
}

impl NewProfile {
    /// The profile of this name, new or not.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), credential: None, settings: Vec::new() }
    }

    /// The key; an old one goes with its token.
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    /// A setting, without the white space around its value; an empty one takes it out.
    pub fn set(mut self, setting: Setting, value: impl Into<String>) -> Self {
        let value: String = value.into();
        self.settings.push((setting, input::trim(&value).to_owned()));
        self
    }

    /// Writes the file that profiles are read from first: `TENCENTCLOUD_CREDENTIALS_FILE`, or
    /// `~/.tencentcloud/credentials`.
    ///
    /// The file is replaced in one step and has the mode 0600 from its first byte on; other sections, other keys and
    /// comments stay. Symbolic links are followed. Of several processes that write at the same time each waits for the
    /// one before, ten seconds at most. The folder in the home folder is made with the mode 0700; that of a file that the
    /// variable names has to be there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](cvm_proto::ErrorKind::Config) if a value is wrong, or the file is, or cannot be written.
    pub fn write(&self, environment: &Environment) -> Result<Written, Error> {
        let name = self.name.as_str();
        let odd = |c: char| c.is_control() || matches!(c, '[' | ']' | '/' | '\\');
        if name.is_empty() || name == ini::DEFAULT || input::trim(name) != name || name.contains(odd) {
            return Err(Error::config(format!(
                "profile `{}` is not a profile's name: use letters, digits, `-`, `_` or `.`",
                name.escape_debug()
            )));
        }
        for (setting, value) in &self.settings {
            setting.check(value, environment)?;
        }
        let disk = environment.disk().ok_or_else(|| {
            Error::config("a profile cannot be written to memory: give an environment with a home folder")
        })?;
        let (path, is_named) = profile::writable(environment)?;
        let (shown, path) = (disk.show(&path), disk.resolve(&path));
        let trouble = |error: io::Error| Error::config(format!("{shown} cannot be written: {error}"));
        if let Some(folder) = path.parent().filter(|_| !is_named) {
            make_private_folder(folder).map_err(trouble)?;
        }
        let locked = RealFile::resolve(&path).and_then(|file| file.lock(GIVE_UP_AFTER)).map_err(trouble)?;
        let unreadable = |error: io::Error| Error::config(format!("{shown} cannot be read: {error}"));
        let old = file::text(&locked.read(file::MAX_BYTES).map_err(unreadable)?.unwrap_or_default(), &shown)?;
        let ini =
            Ini::parse(&old).map_err(|(line, what)| Error::config(format!("{shown}:{line}: {what}")))?;
        let changes = self.changes(&ini)?;
        let changes: Vec<_> = changes.iter().map(|(key, value)| (*key, value.as_deref())).collect();
        let wide = disk::wide_mode(locked.path());
        locked.replace(ini::set(&old, name, &changes).as_bytes(), Access::Private).map_err(trouble)?;
        let mut warnings = Vec::new();
        if let Some((before, now)) = wide.zip(disk::mode(locked.path())) {
            warnings.push(format!(
                "{shown} had the mode {before:04o}, and has {now:04o} now: \
                 change the keys in it if others may have seen them"
            ));
        }
        warnings.extend(locked.path().parent().and_then(|folder| disk.open_folder(folder)));
        Ok(Written { path, warnings })
    }

    /// Each key with its value as it is written.
    fn changes(&self, ini: &Ini) -> Result<Vec<(&'static str, Option<String>)>, Error> {
        let key = self.credential.iter().flat_map(|credential| {
            let (id, key) = (credential.secret_id(), credential.secret_key());
            [("secret_id", Some(id)), ("secret_key", Some(key)), ("token", credential.token())]
        });
        let settings = self.settings.iter().map(|(setting, value)| (setting.name(), Some(value.as_str())));
        let all = key.chain(settings).map(|(key, value)| {
            Ok((
                key,
                match value.filter(|value| !value.is_empty()) {
                    // What all profiles have would take the place of nothing.
                    None => ini.has_default(key).then(String::new),
                    Some(value) => Some(ini::written(value).ok_or_else(|| {
                        Error::config(format!(
                            "{key} has quotes of both kinds around it, which the file cannot hold"
                        ))
                    })?),
                },
            ))
        });
        all.collect()
    }
}
