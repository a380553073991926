#![doc = include_str!("../README.md")]

mod file;
mod machine;

use std::fs::File;
use std::path::{Path, PathBuf};

use cvm_proto::{Error, SyncState};
use fs4::fs_std::FileExt;

pub use machine::{Journaled, JournaledMachine};

/// A file that a sync job is kept in, locked for as long as this lives.
///
/// Beside the file `NAME` there are `NAME.lock`, which stays, and for moments `NAME.tmp`.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// Unlocked by the system when it is closed, however the process ends.
    _lock: File,
}

impl Journal {
    /// Locks a journal; the file need not exist, and its folder is made.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`](cvm_proto::ErrorKind::Journal) if another process has it, or the folder cannot be written.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let lock = file::lock_file(&path)?;
        match lock.try_lock_exclusive() {
            Ok(true) if file::is_at(&lock, &file::beside(&path, "lock")) => Ok(Self { path, _lock: lock }),
            // Whoever had it has taken it away meanwhile: the next one is new.
            Ok(true) => Self::open(path),
            Ok(false) => Err(Error::journal(format!(
                "the journal {} is in use: wait for the other process, or end it",
                path.display()
            ))),
            Err(error) => Err(file::trouble("cannot lock the journal", &path, &error)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; `None` if there is no file yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`](cvm_proto::ErrorKind::Journal) if it cannot be read, or is not a journal of this version.
    pub fn read(&self) -> Result<Option<SyncState>, Error> {
        read(&self.path)
    }

    /// Writes a state: it is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`](cvm_proto::ErrorKind::Journal) if it cannot be written; what was there before still is.
    pub fn write(&self, state: &SyncState) -> Result<(), Error> {
        let text = serde_json::to_string(state).map_err(|error| {
            Error::journal(format!("the journal {} cannot be written: {error}", self.path.display()))
        })?;
        file::replace(&self.path, text.as_bytes())
            .map_err(|error| file::trouble("cannot write the journal", &self.path, &error))
    }

    /// Keeps a job, begun ([`SyncState`]) or not (`ImageSync`): what comes back is run in its place.
    pub fn keep(self, job: impl Into<SyncState>) -> Journaled {
        Journaled::new(self, job.into())
    }
}

/// What a journal holds, whoever has it locked; `None` if there is no file.
///
/// # Errors
///
/// As [`Journal::read`].
pub fn read(path: &Path) -> Result<Option<SyncState>, Error> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file::trouble("cannot read the journal", path, &error)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        Error::journal(format!("{} is not a journal that can be gone on with: {error}", path.display()))
    })
}

/// Whether a process has the journal at this moment.
pub fn is_in_use(path: &Path) -> bool {
    // Only a lock that somebody holds counts; where there is no lock file, nobody has ever had the journal.
    File::open(file::beside(path, "lock"))
        .is_ok_and(|lock| FileExt::try_lock_shared(&lock).is_ok_and(|free| !free))
}

/// Takes a journal away that is not in use, with all that is beside it.
///
/// # Errors
///
/// [`ErrorKind::Journal`](cvm_proto::ErrorKind::Journal) if it is in use, or cannot be removed.
pub fn remove(path: &Path) -> Result<(), Error> {
    let journal = Journal::open(path)?;
    let removed = std::fs::remove_file(path);
    // Where a file that is open cannot be removed, it stays, and does no harm.
    let _ = std::fs::remove_file(file::beside(path, "lock"));
    drop(journal);
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(file::trouble("cannot remove the journal", path, &error))
        }
        _ => Ok(()),
    }
}
