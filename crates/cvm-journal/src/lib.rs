#![doc = include_str!("../README.md")]

mod machine;

use std::io::{self, ErrorKind as IoErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cvm_files::{Access, LockedFile, RealFile};
use cvm_proto::{Config, Error, ErrorKind, ImageSync, PreparedSync, SyncEndpoint, SyncRun, SyncState};

pub use machine::{Journaled, JournaledMachine};

/// The most that is read of a journal.
const MAX_BYTES: u64 = SyncState::MAX_BYTES as u64;

/// A file that a sync job is kept in, locked for as long as this lives.
///
/// Beside the file `NAME` there is `NAME.lock` meanwhile. Whichever path or symbolic link leads to the file, it is the
/// same journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    profile: Option<String>,
    is_embedded: bool,
    file: LockedFile,
}

impl Journal {
    /// Locks a journal; the file need not exist, its folder has to.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`] if another process has it, if it is no regular file or one with several hard links, or if
    /// its folder is not there or cannot be written.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        match RealFile::resolve(&path).and_then(|file| file.lock(Duration::ZERO)) {
            Ok(file) => Ok(Self { path, profile: None, is_embedded: false, file }),
            Err(error) if error.kind() == IoErrorKind::ResourceBusy => Err(Error::journal(format!(
                "the journal {} is in use: wait for whoever runs it, another process or another task of this one, or end it",
                path.display()
            ))),
            Err(error) => Err(trouble("cannot open the journal", &path, &error)),
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
        if job.is_dry_run() {
            return Err(Error::parameter(
                "a dry run keeps nothing: leave the journal out, or run without dry_run",
            ));
        }
        let stored = self.read()?;
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
        let Some(stored) = self.read()? else {
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

    fn read(&self) -> Result<Option<SyncState>, Error> {
        parse(&self.path, self.file.read(MAX_BYTES))
    }

    /// Writes a state: it is on the disk when this returns.
    fn write(&self, state: &SyncState) -> Result<(), Error> {
        self.file
            .replace(&state.to_bytes(), Access::Private)
            .map_err(|error| trouble("cannot write the journal", &self.path, &error))
    }
}

/// What a journal holds, whoever has it locked; `None` if there is no file. For lists: nothing is resumed from it.
///
/// # Errors
///
/// [`ErrorKind::Journal`] if it cannot be read, or is not a journal.
pub fn read(path: &Path) -> Result<Option<SyncState>, Error> {
    parse(path, cvm_files::read(path, MAX_BYTES))
}

fn parse(path: &Path, bytes: io::Result<Option<Vec<u8>>>) -> Result<Option<SyncState>, Error> {
    let Some(bytes) = bytes.map_err(|error| trouble("cannot read the journal", path, &error))? else {
        return Ok(None);
    };
    SyncState::from_bytes(&bytes)
        .map(Some)
        .map_err(|error| Error::journal(format!("the journal {}: {}", path.display(), error.message())))
}

/// Whether a process has the journal at this moment.
pub fn is_in_use(path: &Path) -> bool {
    // What cannot even be looked at is in nobody's use: whoever opens it hears why.
    RealFile::resolve(path).and_then(|file| file.is_locked()).unwrap_or(false)
}

/// Takes a journal away that is not in use, with all that is beside it.
///
/// # Errors
///
/// [`ErrorKind::Journal`] if it is in use, or cannot be removed.
pub fn remove(path: &Path) -> Result<(), Error> {
    let Journal { path, file, .. } = Journal::open(path)?;
    file.remove().map_err(|error| trouble("cannot remove the journal", &path, &error))
}

fn trouble(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::journal(format!("{what} {}: {error}", path.display()))
}
