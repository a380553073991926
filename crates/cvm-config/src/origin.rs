//! Where a value comes from, and errors that say so.

use alloc::format;
use alloc::string::String;
use core::fmt;

use cvm_proto::{Error, ErrorKind};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The program itself: an option, an argument.
    Given,
    /// This environment variable.
    Variable(&'static str),
    /// A file of the user's or of all users'.
    File {
        /// The file, with `~` for the home folder.
        path: String,
        /// Counted from 1.
        line: usize,
    },
    /// Nobody said anything.
    Default,
}

impl Origin {
    /// How near to the program: what is nearer goes before.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Given => 3,
            Self::Variable(_) => 2,
            Self::File { .. } => 1,
            Self::Default => 0,
        }
    }

    /// The same error, with where the value came from.
    #[cold]
    pub(crate) fn blame(&self, error: &Error) -> Error {
        let blamed = || format!("{self}: {}", error.message());
        match self {
            Self::Given | Self::Default => error.clone(),
            _ if error.kind() == ErrorKind::Credential => Error::credential(blamed()),
            Self::Variable(_) | Self::File { .. } => Error::config(blamed()),
        }
    }

    /// An error about a value from here.
    #[cold]
    pub(crate) fn error(&self, message: &str) -> Error {
        self.blame(&Error::config(message))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("given"),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Default => f.write_str("default"),
        }
    }
}
