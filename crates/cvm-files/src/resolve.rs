//! From a path to the file that it leads to.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::{because, sys, unfit};

/// The file that a path leads to, there or not, with all symbolic links resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealFile {
    path: PathBuf,
}

impl RealFile {
    /// Follows a path to its end. The file need not be there; its folder has to be.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the path leads to something that is not a regular file, or to one with several
    /// hard links; [`ErrorKind::NotFound`] if a link leads nowhere or the folder is not there; else what the system says.
    pub fn resolve(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let name = file_name(path)?;
        match fs::metadata(path) {
            Ok(facts) => {
                check(&facts)?;
                Ok(Self { path: fs::canonicalize(path)? })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                leads_somewhere(path)?;
                let folder = folder(path);
                let real = fs::canonicalize(folder).map_err(|error| no_folder(folder, &error))?;
                Ok(Self { path: real.join(name) })
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => Err(no_folder(folder(path), &error)),
            Err(error) => Err(named(error)),
        }
    }

    /// Where it is: an absolute path without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file `NAME.suffix` beside `NAME`.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.name().to_owned();
        name.push(suffix);
        self.path.with_file_name(name)
    }

    pub(crate) fn name(&self) -> &OsStr {
        // `resolve` leaves none without.
        self.path.file_name().unwrap_or_default()
    }

    pub(crate) fn folder(&self) -> &Path {
        folder(&self.path)
    }

    /// What is there at this moment, if it is still a file that can be replaced.
    pub(crate) fn facts(&self) -> io::Result<Option<Metadata>> {
        match fs::symlink_metadata(&self.path) {
            Ok(facts) => regular(&facts).map(|()| Some(facts)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The last part of a path that names a file.
fn file_name(path: &Path) -> io::Result<OsString> {
    // `Path` takes `folder/` and `folder/.` for `folder`.
    let text = path.as_os_str().to_string_lossy();
    let is_folder = text.strip_suffix('.').unwrap_or(&text).ends_with(std::path::is_separator);
    let name = path.file_name().filter(|_| !is_folder);
    name.map(OsStr::to_owned).ok_or_else(|| unfit("it is not the name of a file"))
}

/// The folder of a file; the current one for a bare name.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Fails for what a new file must not take the place of, and for what has another name and so another lock.
pub(crate) fn check(facts: &Metadata) -> io::Result<()> {
    regular(facts)?;
    match sys::names(facts) {
        names if names > 1 => Err(unfit(format_args!(
            "it has {names} names (hard links), of which only one would be written: use a copy"
        ))),
        _ => Ok(()),
    }
}

/// Fails for everything but a regular file.
pub(crate) fn regular(facts: &Metadata) -> io::Result<()> {
    if facts.is_file() {
        Ok(())
    } else if facts.is_dir() {
        Err(unfit("it is a folder"))
    } else {
        Err(unfit("it is not a regular file"))
    }
}

/// Fails if a path is a link to nothing.
pub(crate) fn leads_somewhere(path: &Path) -> io::Result<()> {
    let Ok(target) = fs::read_link(path) else { return Ok(()) };
    Err(io::Error::new(
        ErrorKind::NotFound,
        format!(
            "it is a symbolic link to {}, which is not there: make that file, or remove the link",
            target.display()
        ),
    ))
}

/// Says of a circle of links what it is.
pub(crate) fn named(error: io::Error) -> io::Error {
    if sys::is_circle(&error) {
        because(&error, "it is a symbolic link that leads back to itself: remove the link")
    } else {
        error
    }
}

pub(crate) fn no_folder(folder: &Path, error: &io::Error) -> io::Error {
    let folder = folder.display();
    match error.kind() {
        ErrorKind::NotFound => {
            because(error, format_args!("its folder {folder} is not there: make it first"))
        }
        _ => because(error, format_args!("its folder {folder} cannot be used: {error}")),
    }
}
