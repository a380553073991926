#![doc = include_str!("../README.md")]

mod file;
mod machine;

use std::fs::File;
use std::path::{Path, PathBuf};

use cvm_proto::{Config, Error, ErrorKind, ImageSync, PreparedSync, SyncEndpoint, SyncRun, SyncState};
use fs4::fs_std::FileExt;

pub use machine::{Journaled, JournaledMachine};

/// A file that a sync job is kept in, locked for as long as this lives.
///
/// Beside the file `NAME` there is `NAME.lock`, which stays.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    profile: Option<String>,
    is_embedded: bool,
    /// Unlocked by the system when it is closed, however the process ends.
    _lock: File,
}

impl Journal {
    /// Locks a journal; the file need not exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`] if another process has it, or its folder is not there or cannot be written.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let lock = file::lock_file(&path)?;
        match lock.try_lock_exclusive() {
            Ok(true) if file::is_at(&lock, &file::beside(&path, "lock")) => {
                Ok(Self { path, profile: None, is_embedded: false, _lock: lock })
            }
            // Whoever had it has taken it away meanwhile: the next one is new.
            Ok(true) => Self::open(path),
            Ok(false) => Err(Error::journal(format!(
                "the journal {} is in use: wait for the other process, or end it",
                path.display()
            ))),
            Err(error) => Err(file::trouble("cannot lock the journal", &path, &error)),
        }
    }

    /// Notes the profile that a job is begun with: its name stands in the journal, for whoever resumes it.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// The endpoint lives in this very process, and nothing of it is there for the next: its jobs are no others'.
    #[must_use]
    pub fn embedded(mut self) -> Self {
        self.is_embedded = true;
        self
    }

    /// Begins the job, or resumes it: what comes back is run in its place.
    ///
    /// If the file is not there, or the job in it has ended, the job begins; copies that an ended job knows are looked at
    /// by their ids first. If the file has this same job, it is resumed. If it has another one that has not ended, that is
    /// refused, and nothing is touched. `config` is that of the client that will run it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] that names what differs, with both values; [`ErrorKind::Parameter`] for a dry run, which keeps
    /// nothing; [`ErrorKind::Journal`] if the file cannot be read, or is not a journal.
    pub fn begin_or_resume(self, job: ImageSync, config: &Config) -> Result<Journaled, Error> {
        let stored = read(&self.path)?;
        let endpoint = self.endpoint(config);
        let prepared = job.begin_or_resume(stored, endpoint, config).map_err(|error| self.name(&error))?;
        Ok(self.keep(prepared))
    }

    /// Resumes the job that the file has, as it is, for one more run. What has ended is looked at again; nothing is started
    /// there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`] if there is no such file or it is not a journal; [`ErrorKind::Config`] if its job is of
    /// another endpoint.
    pub fn resume(self, run: SyncRun, config: &Config) -> Result<Journaled, Error> {
        let Some(stored) = read(&self.path)? else {
            return Err(Error::journal(format!(
                "there is no journal {}: name another file, or begin the job",
                self.path.display()
            )));
        };
        let prepared = stored.resume(run, &self.endpoint(config)).map_err(|error| self.name(&error))?;
        Ok(self.keep(prepared))
    }

    fn endpoint(&self, config: &Config) -> SyncEndpoint {
        if self.is_embedded { SyncEndpoint::embedded() } else { SyncEndpoint::of(config) }
    }

    fn keep(self, prepared: PreparedSync) -> Journaled {
        let prepared = prepared.with_profile(self.profile.clone());
        Journaled::new(self, prepared)
    }

    /// The error with the journal that it is about.
    fn name(&self, error: &Error) -> Error {
        let message = format!("the journal {}: {}", self.path.display(), error.message());
        match error.kind() {
            ErrorKind::Parameter => Error::parameter(message),
            ErrorKind::Config => Error::config(message),
            _ => Error::journal(message),
        }
    }

    /// Writes a state: it is on the disk when this returns.
    fn write(&self, state: &SyncState) -> Result<(), Error> {
        file::replace(&self.path, &state.to_bytes())
            .map_err(|error| file::trouble("cannot write the journal", &self.path, &error))
    }
}

/// What a journal holds, whoever has it locked; `None` if there is no file. For lists: nothing is resumed from it.
///
/// # Errors
///
/// [`ErrorKind::Journal`] if it cannot be read, or is not a journal.
pub fn read(path: &Path) -> Result<Option<SyncState>, Error> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file::trouble("cannot read the journal", path, &error)),
    };
    SyncState::from_bytes(&bytes)
        .map(Some)
        .map_err(|error| Error::journal(format!("the journal {}: {}", path.display(), error.message())))
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
/// [`ErrorKind::Journal`] if it is in use, or cannot be removed.
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
