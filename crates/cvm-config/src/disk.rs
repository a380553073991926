//! The files and the variables of this machine, and who else can get at the files.

use std::env::{self, VarError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, fs};

use cvm_proto::Error;

use crate::environment::SYSTEM;
use crate::file::{FilePath, NO_SUCH_FILE, Unread};

/// The folders in which files are looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) home: Option<PathBuf>,
    pub(crate) system: Option<PathBuf>,
}

impl Disk {
    /// The folders of whoever runs this process.
    pub(crate) fn process() -> Self {
        Self {
            home: env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            system: Some(PathBuf::from(SYSTEM)),
        }
    }

    /// A variable of this process, as it is.
    #[allow(clippy::unused_self)]
    pub(crate) fn variable(&self, name: &str) -> Result<Option<String>, Error> {
        match env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(Error::config(format!("{name} is not UTF-8: set it anew"))),
        }
    }

    pub(crate) fn has_home(&self) -> bool {
        self.home.is_some()
    }

    pub(crate) fn has_system(&self) -> bool {
        self.system.is_some()
    }

    /// Where a file is.
    pub(crate) fn resolve(&self, path: &FilePath) -> PathBuf {
        let below = |folder: &Option<PathBuf>, rest| folder.as_ref().map(|folder| folder.join(rest));
        let found = match path {
            FilePath::Written(written) => written.strip_prefix("~/").and_then(|rest| below(&self.home, rest)),
            FilePath::System(rest) => below(&self.system, rest),
            FilePath::Exact(_) => None,
        };
        found.unwrap_or_else(|| PathBuf::from(path.to_string()))
    }

    /// A path as messages write it, with `~` for the home folder.
    pub(crate) fn show(&self, path: &FilePath) -> String {
        match path {
            FilePath::Exact(path) => path.clone(),
            path => self.show_resolved(&self.resolve(path)),
        }
    }

    /// The same of a path on this machine.
    pub(crate) fn show_resolved(&self, path: &Path) -> String {
        let below_home = self.home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        match below_home {
            Some(rest) => format!("~/{}", rest.display()),
            None => path.display().to_string(),
        }
    }

    /// The content of a file.
    pub(crate) fn read(&self, path: &FilePath, limit: u64) -> Result<Vec<u8>, Unread> {
        cvm_files::read_input(self.resolve(path), limit).map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Unread::Absent(NO_SUCH_FILE.into()),
            ErrorKind::PermissionDenied => {
                Unread::Other("this user may not read it: look at its mode".into())
            }
            _ => Unread::Other(error.to_string()),
        })
    }

    /// Whether a file is there.
    pub(crate) fn has(&self, path: &FilePath) -> bool {
        self.resolve(path).is_file()
    }

    /// Whether a path leads to something other than a regular file.
    pub(crate) fn is_stream(&self, path: &FilePath) -> bool {
        fs::metadata(self.resolve(path)).is_ok_and(|found| !found.is_file())
    }

    /// The names of the files in a folder, in no order; those that are no UTF-8 are passed over.
    pub(crate) fn names(&self, folder: &FilePath) -> Vec<String> {
        let Ok(files) = fs::read_dir(self.resolve(folder)) else { return Vec::new() };
        files.filter_map(|file| file.ok()?.file_name().into_string().ok()).collect()
    }

    /// A warning if users other than the owner can get at a file with secrets.
    ///
    /// A file that only its folder protects is well: the official command line writes such.
    pub(crate) fn too_wide(&self, path: &FilePath) -> Option<String> {
        let own = wide_mode(&self.resolve(path))?;
        let shown = self.show(path);
        Some(format!(
            "{shown} has the mode {own:04o}, so that other users can get at its secrets: `chmod 600 {shown}`"
        ))
    }

    /// A warning if users other than the owner can put another file into a folder.
    pub(crate) fn open_folder(&self, folder: &Path) -> Option<String> {
        let own = mode(folder).filter(|own| own & 0o022 != 0)?;
        let shown = self.show_resolved(folder);
        Some(format!(
            "{shown} has the mode {own:04o}, so that other users can replace its files: `chmod 700 {shown}`"
        ))
    }
}

/// The mode of a file that users other than the owner can get at.
pub(crate) fn wide_mode(path: &Path) -> Option<u32> {
    let (own, folder) = (mode(path)?, mode(path.parent()?)?);
    (own & 0o077 != 0 && folder & 0o011 != 0).then_some(own)
}

/// Who can get at a file.
#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

/// Access is a matter of inherited lists there, which this does not judge.
#[cfg(not(unix))]
pub(crate) fn mode(_: &Path) -> Option<u32> {
    None
}
