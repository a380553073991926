//! The jobs' folder: the journals of sync jobs that nobody named a file for.

mod name;
mod version_one;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cvm_files::RealFile;
use cvm_proto::{Destination, Error, SyncState};

use crate::args::Global;
use crate::connect;
use crate::failure::Failure;

pub(crate) use name::{Identity, endpoint_word};

/// How long the journal of a job that has ended is kept: its copies are then known to whoever begins the job anew.
const KEEP_ENDED: Duration = Duration::from_secs(90 * 24 * 3600);

/// The most that is read of a journal.
const MAX_BYTES: u64 = SyncState::MAX_BYTES as u64;

/// The fewest digits of an ID that are shown.
const ID_DIGITS: usize = 6;

/// A journal in the jobs' folder.
pub(crate) struct StoredJob {
    pub(crate) path: PathBuf,
    /// As few digits as tell it from the others.
    pub(crate) id: String,
    digits: String,
    /// When it was last written.
    pub(crate) written: SystemTime,
    /// What is in it, or why it cannot be read.
    pub(crate) stored: Result<SyncState, Error>,
}

impl StoredJob {
    /// Whether the job has not ended.
    pub(crate) fn is_open(&self) -> bool {
        self.stored.as_ref().is_ok_and(|state| !state.is_finished())
    }

    /// Whether a process has it at this moment.
    pub(crate) fn is_running(&self) -> bool {
        cvm_journal::is_in_use(&self.path)
    }
}

/// The folder of the journals: in the state folder of the XDG Base Directory Specification.
fn folder() -> Result<PathBuf, Failure> {
    let state = connect::var("XDG_STATE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let state = state.or_else(|| Some(std::env::home_dir()?.join(".local").join("state")));
    let Some(state) = state else {
        return Err(Failure::usage(
            "there is no home folder to keep the job's journal in: name a file with --journal",
        ));
    };
    Ok(state.join("cvm").join("jobs"))
}

/// The journal of a job: the same job has the same one, so that a command that is just run again resumes it. Its folder
/// is made.
pub(crate) fn of(job: &Identity<'_>, global: &Global) -> Result<PathBuf, Failure> {
    let folder = folder()?;
    cvm_files::make_private_folder(&folder).map_err(|error| {
        Failure::other(format!(
            "cannot create the folder {} for the job's journal: {error}",
            folder.display()
        ))
    })?;
    let path = folder.join(job.file_name());
    if !path.exists() {
        version_one::rename_to(&path, job, global)?;
    }
    Ok(path)
}

/// What the journal of a job says, read without its lock; none if there is no journal.
pub(crate) fn known(job: &Identity<'_>) -> Result<Option<SyncState>, Error> {
    let Ok(folder) = folder() else { return Ok(None) };
    cvm_journal::read(&folder.join(job.file_name()))
}

/// The jobs in the folder, those that were written last at the end; none if there is no folder.
pub(crate) fn list() -> Result<Vec<StoredJob>, Failure> {
    let mut jobs: Vec<StoredJob> =
        files()?.into_iter().filter_map(|(path, written)| look(path, written)).collect();
    jobs.sort_by(|a, b| (a.written, &a.path).cmp(&(b.written, &b.path)));
    let longest = jobs.iter().map(|job| job.digits.len()).max().unwrap_or(0);
    let tells_apart = |digits: &usize| {
        let mut shown: Vec<&str> = jobs.iter().map(|job| first(&job.digits, *digits)).collect();
        shown.sort_unstable();
        shown.windows(2).all(|pair| pair[0] != pair[1])
    };
    let digits = (ID_DIGITS..longest).find(tells_apart).unwrap_or(longest);
    for job in &mut jobs {
        job.id = first(&job.digits, digits).to_owned();
    }
    Ok(jobs)
}

fn first(text: &str, bytes: usize) -> &str {
    text.get(..bytes).unwrap_or(text)
}

fn look(path: PathBuf, written: SystemTime) -> Option<StoredJob> {
    // One that has just been removed is none.
    let stored = cvm_journal::read(&path).transpose()?;
    let digits = name::digits(&path);
    Some(StoredJob { path, id: String::new(), digits, written, stored })
}

/// The files in the folder that may be journals, and when they were last written.
fn files() -> Result<Vec<(PathBuf, SystemTime)>, Failure> {
    let journals = entries()?.into_iter().filter(|path| has_extension(path, "json"));
    let with_time = journals.filter_map(|path| {
        let facts = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        Some((path, facts.modified().unwrap_or(SystemTime::UNIX_EPOCH)))
    });
    Ok(with_time.collect())
}

/// The journals in the folder that have a lock beside them, whether they are there or not.
fn locked() -> Result<Vec<PathBuf>, Failure> {
    let locks = entries()?.into_iter().filter(|path| has_extension(path, "lock"));
    Ok(locks.map(|path| path.with_extension("")).filter(|path| has_extension(path, "json")).collect())
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|of| of == extension)
}

/// All that is in the folder; nothing if there is no folder.
fn entries() -> Result<Vec<PathBuf>, Failure> {
    let folder = folder()?;
    let trouble = |error| Failure::other(format!("cannot read the folder {}: {error}", folder.display()));
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(trouble(error)),
    };
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(trouble)).collect()
}

/// The job with this ID, or the only one whose ID begins like this.
pub(crate) fn find(id: &str) -> Result<StoredJob, Failure> {
    let wanted = id.to_ascii_lowercase();
    let mut fitting: Vec<StoredJob> =
        list()?.into_iter().filter(|job| job.digits.starts_with(&wanted)).collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(job), true) => Ok(job),
        (None, _) => Err(Failure::usage(format!("there is no job `{id}`: cvm jobs --all lists their IDs"))),
        _ => {
            Err(Failure::usage(format!("several jobs have an ID that begins with `{id}`: write more of it")))
        }
    }
}

/// Takes away the locks that killed processes left. Whoever has a lock takes it along at its end.
pub(crate) fn drop_locks() {
    for path in locked().unwrap_or_default() {
        let _ = RealFile::resolve(&path).and_then(|file| file.lock(Duration::ZERO));
    }
}

/// Drops the journals of jobs that ended long ago, by a clock that is right. What cannot be dropped now is dropped another
/// time.
pub(crate) fn drop_old() {
    for (path, _) in files().unwrap_or_default().into_iter().filter(|(_, written)| is_old(*written)) {
        let _ = drop_if(&path, |state, written| state.is_finished() && is_old(written));
    }
}

/// Drops the journal of a job that has ended without having asked for anything or found anything.
pub(crate) fn drop_if_useless(path: &Path) {
    let is_untouched = |of: &Destination| of.image_id.is_none() && of.request_ids.is_empty();
    // One that stays does no harm.
    let _ =
        drop_if(path, |state, _| state.is_finished() && state.report().destinations.iter().all(is_untouched));
}

fn is_old(written: SystemTime) -> bool {
    written.elapsed().is_ok_and(|age| age > KEEP_ENDED)
}

/// Drops a journal after a look at it under its lock: before, another process may begin the job anew.
fn drop_if(path: &Path, is_to_go: impl FnOnce(&SyncState, SystemTime) -> bool) -> std::io::Result<()> {
    let file = RealFile::resolve(path)?.lock(Duration::ZERO)?;
    let written = std::fs::metadata(file.path())?.modified()?;
    let bytes = file.read(MAX_BYTES)?.unwrap_or_default();
    if SyncState::from_bytes(&bytes).is_ok_and(|state| is_to_go(&state, written)) {
        file.remove()?;
    }
    Ok(())
}
