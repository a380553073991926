//! Writing a profile into the ini file.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cvm_proto::{Credential, Error};

use crate::environment::Environment;
use crate::file;
use crate::ini::{self, Ini};
use crate::profile;
use crate::setting::Setting;

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

    /// A setting; an empty value takes it out.
    pub fn set(mut self, setting: Setting, value: impl Into<String>) -> Self {
        self.settings.push((setting, value.into()));
        self
    }

    /// Writes the file that profiles are read from first: `TENCENTCLOUD_CREDENTIALS_FILE`, or
    /// `~/.tencentcloud/credentials`.
    ///
    /// The file is replaced in one step and has the mode 0600 from its first byte on; other sections, other keys and
    /// comments stay. A folder that has to be made has the mode 0700.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](cvm_proto::ErrorKind::Config) if a value is wrong, or the file is, or cannot be written.
    pub fn write(&self, environment: &Environment) -> Result<Written, Error> {
        let name = self.name.as_str();
        if name.is_empty() || name.trim() != name || name.contains(['[', ']', '/', '\\', '\n', '\r']) {
            return Err(Error::config(format!(
                "profile `{}` is not a profile's name: use letters, digits, `-`, `_` or `.`",
                name.escape_debug()
            )));
        }
        for (setting, value) in &self.settings {
            setting.check(value, environment)?;
        }
        let path = profile::writable(environment)?;
        let shown = environment.show(&path);
        let trouble = |error: io::Error| Error::config(format!("{shown} cannot be written: {error}"));
        let old = file::read(environment, &path)?.unwrap_or_default();
        Ini::parse(&old).map_err(|(line, what)| Error::config(format!("{shown}:{line}: {what}")))?;
        let mut warnings = Vec::new();
        if let Some(mode) = file::wide_mode(&path) {
            warnings.push(format!(
                "{shown} had the mode {mode:04o}, and has 0600 now: change the keys in it if others may have seen them"
            ));
        }
        // A link is followed, so that what it leads to is written.
        let target = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        make_folder(folder).map_err(trouble)?;
        replace(&target, ini::set(&old, name, &self.changes()).as_bytes()).map_err(trouble)?;
        warnings.extend(file::open_folder(environment, folder));
        Ok(Written { path, warnings })
    }

    fn changes(&self) -> Vec<(&str, Option<&str>)> {
        let mut changes = Vec::new();
        if let Some(credential) = &self.credential {
            changes.push(("secret_id", Some(credential.secret_id())));
            changes.push(("secret_key", Some(credential.secret_key())));
            changes.push(("token", credential.token()));
        }
        let settings = self.settings.iter();
        changes.extend(settings.map(|(setting, value)| {
            (setting.name(), Some(value.as_str()).filter(|value| !value.is_empty()))
        }));
        changes
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Puts a whole file in the place of another, for nobody but its owner.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.tmp", std::process::id()));
    let unfinished = path.with_file_name(name);
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&unfinished).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    });
    if written.is_err() {
        // It may not even be there.
        let _ = fs::remove_file(&unfinished);
    }
    written
}
