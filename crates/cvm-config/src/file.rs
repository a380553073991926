//! Files of settings: their paths as users write them, and their texts.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;

use cvm_proto::{Error, input};

use crate::environment::{Environment, SYSTEM};

/// The most that is read of a file: far more than settings, keys and certificates ever take.
pub(crate) const MAX_BYTES: u64 = 16 << 20;

/// What is said of a file that is not there, on a disk and without one.
pub(crate) const NO_SUCH_FILE: &str = "there is no such file";

/// A file as it is written. `Display` is its name where no disk says more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FilePath {
    /// By a user: `~/` at its beginning is the home folder.
    Written(String),
    /// By a program: every character stands for itself.
    Exact(String),
    /// Below the folder of all users.
    System(String),
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(path) | Self::Exact(path) => f.write_str(path),
            Self::System(path) => write!(f, "{SYSTEM}/{path}"),
        }
    }
}

/// Why the content of a file is not known. `Display` is a clause about the file.
pub(crate) enum Unread {
    /// There is none.
    Absent(String),
    /// Anything else.
    Other(String),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(why) | Self::Other(why) => f.write_str(why),
        }
    }
}

/// The text of a file, or `None` if it is not there.
pub(crate) fn read(environment: &Environment, path: &FilePath) -> Result<Option<String>, Error> {
    match environment.read(path, MAX_BYTES) {
        Ok(bytes) => text(&bytes, &environment.show(path)).map(Some),
        Err(Unread::Absent(_)) => Ok(None),
        Err(error) => Err(unread(environment, path, &error)),
    }
}

/// The error of a file that cannot be read.
pub(crate) fn unread(environment: &Environment, path: &FilePath, error: &Unread) -> Error {
    Error::config(format!("{} cannot be read: {error}", environment.show(path)))
}

/// The text that a file holds.
pub(crate) fn text(bytes: &[u8], shown: &str) -> Result<String, Error> {
    input::text(bytes).map(str::to_owned).map_err(|error| Error::config(error.at(shown)))
}
