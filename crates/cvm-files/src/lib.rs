#![doc = include_str!("../README.md")]

mod input;
#[cfg(feature = "write")]
mod lock;
#[cfg(feature = "write")]
mod read;
#[cfg(feature = "write")]
mod replace;
#[cfg(feature = "write")]
mod resolve;
#[cfg(feature = "write")]
mod sys;

pub use input::{read_all, read_input};
#[cfg(feature = "write")]
pub use lock::{LockedFile, close_locks_of_parent};
#[cfg(feature = "write")]
pub use read::read;
#[cfg(feature = "write")]
pub use replace::{Access, make_private_folder};
#[cfg(feature = "write")]
pub use resolve::RealFile;

use std::fmt;
use std::io;

/// An error of the same kind with a clause in place of its text.
#[cfg(feature = "write")]
fn because(error: &io::Error, clause: impl fmt::Display) -> io::Error {
    io::Error::new(error.kind(), clause.to_string())
}

/// An error about a file that can never be right.
fn unfit(clause: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, clause.to_string())
}
