//! Files that are whole at every moment: journals, state files, profiles, ready files.
//!
//! [`RealFile::resolve`] finds the file that a path leads to, [`RealFile::lock`] gives it to one process, and
//! [`LockedFile::replace`] puts a new file in its place, so that a reader finds the old one or the new one, and never
//! half of one. [`read`] reads without the lock. [`read_input`] reads what is not kept, such as what a user names.
//!
//! ```
//! # #[cfg(feature = "write")] {
//! use std::time::Duration;
//! use cvm_files::{Access, RealFile};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("state.json");
//! let file = RealFile::resolve(&path)?.lock(Duration::ZERO)?;
//! file.replace(b"{}", Access::Private)?;
//! assert_eq!(file.read(1024)?.as_deref(), Some(&b"{}"[..]));
//! # }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! - **Links** are resolved first, so that one file has one lock, whichever path leads to it. Beside the real file no
//!   link is followed: one that somebody prepared in the lock's place is refused, and temporary files are new ones.
//! - **Folders** are never made for a path; [`make_private_folder`] is for those who own one.
//! - **Failures** leave the old file in place and nothing beside it. What a killed process left is removed by the next
//!   one that takes the lock.
//! - **Forks**: a forked process has a copy of each lock, which is not its own: it ends none of them, and
//!   [`close_locks_of_parent`] keeps it from holding one on when its parent was killed.
//! - **Errors** are [`std::io::Error`]: a clause about the file ("it is a folder") that the caller puts after its path.
//!
//! Beside `NAME` there are `NAME.lock`, for as long as it is locked, and for moments `NAME.XXXXXXXX.cvm-tmp`. Where a
//! file that is open cannot be removed safely (not Unix), the lock file stays; hard links are not recognised there.
//!
//! All but [`read_input`] and [`read_all`] needs the feature `write`, which is on by default.

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
