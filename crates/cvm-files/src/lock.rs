//! One process at a time has a file.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use fs4::fs_std::FileExt;

use crate::read::whole;
use crate::resolve::{RealFile, check, no_folder, regular};
use crate::{because, replace, sys, unfit};

/// What the name of a lock file ends with.
const LOCK: &str = ".lock";
/// How long to wait before the lock is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(2);
/// How long those who only look whether a file is locked, or who just removed its lock, are waited for.
const BRIEF_WAIT: Duration = Duration::from_secs(1);

/// A [`RealFile`] that this process has for itself, for as long as this lives; however the process ends, the lock ends
/// with it.
#[derive(Debug)]
pub struct LockedFile {
    file: RealFile,
    lock: Arc<Lock>,
}

/// A lock file that is locked. The system unlocks it when it is closed here and in every forked process.
#[derive(Debug)]
struct Lock {
    /// A forked process has a copy of the lock that is not its own.
    owner: u32,
    /// `None` once it is closed.
    file: Mutex<Option<File>>,
}

/// All locks that there are.
static LOCKS: Mutex<Vec<Weak<Lock>>> = Mutex::new(Vec::new());

impl RealFile {
    /// Locks the file, and removes what a killed process left beside it. A lock that another process has is waited for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ResourceBusy`] if another process still has it after `wait`; [`ErrorKind::InvalidInput`] if something
    /// else is in the place of the file or of its lock; else what the system says.
    pub fn lock(self, wait: Duration) -> io::Result<LockedFile> {
        let path = self.beside(LOCK);
        let begun = Instant::now();
        loop {
            let lock = open(&path, File::options().write(true).create(true).truncate(false))
                .map_err(|error| self.lock_error(&path, &error))?;
            let wait = match attempt(lock, &path)? {
                LockAttempt::Taken(lock) => {
                    let locked = LockedFile { file: self, lock: Lock::new(lock, process::id()) };
                    locked.file.facts()?.map_or(Ok(()), |facts| check(&facts))?;
                    replace::remove_leftovers(&locked.file);
                    return Ok(locked);
                }
                LockAttempt::Held => wait,
                LockAttempt::HeldBriefly => wait.max(BRIEF_WAIT),
            };
            if begun.elapsed() >= wait {
                return Err(io::Error::new(ErrorKind::ResourceBusy, "another process uses it"));
            }
            std::thread::sleep(RETRY_EVERY);
        }
    }

    /// Whether a process has the file locked at this moment.
    ///
    /// # Errors
    ///
    /// As [`lock`](Self::lock), if there is a lock that cannot be looked at.
    pub fn is_locked(&self) -> io::Result<bool> {
        let path = self.beside(LOCK);
        // Where there is no lock file, nobody has the lock.
        match open(&path, File::options().read(true)) {
            Ok(lock) => Ok(!FileExt::try_lock_shared(&lock)?),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.lock_error(&path, &error)),
        }
    }

    fn lock_error(&self, lock: &Path, error: &io::Error) -> io::Error {
        let shown = lock.display();
        if lock.is_symlink() {
            return unfit(format_args!("its lock file {shown} is a symbolic link: remove it"));
        }
        match error.kind() {
            ErrorKind::NotFound => no_folder(self.folder(), error),
            _ => because(error, format_args!("its lock file {shown} cannot be opened: {error}")),
        }
    }
}

/// What came of trying to lock.
enum LockAttempt {
    Taken(File),
    Held,
    /// Nobody has it who keeps it.
    HeldBriefly,
}

fn attempt(lock: File, path: &Path) -> io::Result<LockAttempt> {
    if lock.try_lock_exclusive()? {
        // Else whoever had it has removed it meanwhile: the next one is new.
        return Ok(if sys::is_at(&lock, path) { LockAttempt::Taken(lock) } else { LockAttempt::HeldBriefly });
    }
    // Whoever only looks has it together with others.
    Ok(if FileExt::try_lock_shared(&lock)? { LockAttempt::HeldBriefly } else { LockAttempt::Held })
}

/// Opens a lock file, which may be anything.
fn open(path: &Path, options: &mut fs::OpenOptions) -> io::Result<File> {
    sys::no_follow(options);
    sys::created_with(options, 0o600);
    let lock = options.open(path)?;
    regular(&lock.metadata()?)?;
    Ok(lock)
}

impl Lock {
    fn new(file: File, owner: u32) -> Arc<Self> {
        let lock = Arc::new(Self { owner, file: Mutex::new(Some(file)) });
        if let Some(mut locks) = all_locks() {
            locks.retain(|lock| lock.strong_count() > 0);
            locks.push(Arc::downgrade(&lock));
        }
        lock
    }

    fn is_own(&self) -> bool {
        self.owner == process::id()
    }
}

/// The list of all locks; `None` in a process that was forked while another thread had the list, as nobody gives it back
/// there.
fn all_locks() -> Option<MutexGuard<'static, Vec<Weak<Lock>>>> {
    let begun = Instant::now();
    loop {
        match LOCKS.try_lock() {
            Ok(locks) => return Some(locks),
            Err(TryLockError::Poisoned(locks)) => return Some(locks.into_inner()),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= BRIEF_WAIT => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(RETRY_EVERY),
        }
    }
}

/// Closes what a process that has just been forked has of its parent's locks: else whatever the parent had locked would
/// stay locked when the parent is killed, for as long as its child lives. Files that the parent had locked are not to be
/// used by the child.
pub fn close_locks_of_parent() {
    for lock in all_locks().iter().flat_map(|locks| locks.iter().filter_map(Weak::upgrade)) {
        // One that another thread had at the fork stays open.
        if let Some(mut file) = lock.file.try_lock().ok().filter(|_| !lock.is_own()) {
            *file = None;
        }
    }
}

impl LockedFile {
    /// Where it is: an absolute path without links.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// What it holds; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// As [`read`](crate::read()).
    pub fn read(&self, limit: u64) -> io::Result<Option<Vec<u8>>> {
        match self.file.facts()? {
            None => Ok(None),
            Some(_) => whole(&open_only(self.path())?, limit).map(Some),
        }
    }

    /// Puts a new file in its place in one step: it is on the disk before it has the name, and has the name on the disk
    /// when this returns. It has the mode from its first byte on, belongs to the user of this process, and is less open
    /// than `access` if the old file was, or the umask says so.
    ///
    /// # Errors
    ///
    /// What the system says: the old file is in its place then, and nothing beside it. Only if the folder cannot be put
    /// on the disk after all, the new file is in place.
    pub fn replace(&self, content: &[u8], access: crate::Access) -> io::Result<()> {
        replace::replace(&self.file, content, access)
    }

    /// Removes the file, which need not be there, and its lock.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn remove(self) -> io::Result<()> {
        match self.file.facts()? {
            Some(_) => fs::remove_file(self.path()),
            None => Ok(()),
        }
    }
}

fn open_only(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    sys::no_follow(options.read(true));
    options.open(path)
}

impl Drop for LockedFile {
    /// Removes the lock file while it is locked: whoever has opened it meanwhile sees that it is not the one that has the
    /// name, and opens the next.
    fn drop(&mut self) {
        if !self.lock.is_own() {
            return;
        }
        let Some(lock) = self.lock.file.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let path = self.file.beside(LOCK);
        // One that stays does no harm.
        if sys::CAN_REMOVE_WHAT_IS_LOCKED && sys::is_at(&lock, &path) {
            let _ = fs::remove_file(path);
        }
        // Closing it would not do while a forked process has a copy.
        let _ = FileExt::unlock(&lock);
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn open_lock(path: &Path) -> File {
        open(path, File::options().write(true).create(true).truncate(false)).unwrap()
    }

    #[test]
    fn a_lock_that_was_removed_before_it_was_locked_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.json.lock");
        let removed = open_lock(&path);
        fs::remove_file(&path).unwrap();
        assert!(matches!(attempt(removed.try_clone().unwrap(), &path), Ok(LockAttempt::HeldBriefly)));
        let next = open_lock(&path);
        assert!(matches!(attempt(removed, &path), Ok(LockAttempt::HeldBriefly)));
        assert!(matches!(attempt(next, &path), Ok(LockAttempt::Taken(_))));
    }

    /// A lock as a forked process finds it, and the parent's own.
    fn forked(file: &RealFile) -> (LockedFile, File) {
        let lock = open_lock(&file.beside(LOCK));
        assert!(lock.try_lock_exclusive().unwrap());
        let copy = lock.try_clone().unwrap();
        (LockedFile { file: file.clone(), lock: Lock::new(copy, process::id() + 1) }, lock)
    }

    #[test]
    fn a_forked_process_leaves_the_lock_of_its_parent_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = RealFile::resolve(folder.path().join("job.json")).unwrap();
        let (in_child, in_parent) = forked(&file);
        drop(in_child);
        assert!(file.is_locked().unwrap());
        drop(in_parent);
        assert!(!file.is_locked().unwrap());
    }

    #[test]
    fn a_forked_process_holds_nothing_for_a_parent_that_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let file = RealFile::resolve(folder.path().join("job.json")).unwrap();
        let (in_child, in_parent) = forked(&file);
        let other =
            RealFile::resolve(folder.path().join("other.json")).unwrap().lock(Duration::ZERO).unwrap();
        close_locks_of_parent();
        assert!(file.is_locked().unwrap(), "the parent has it");
        drop(in_parent);
        assert!(!file.is_locked().unwrap());
        assert!(other.file.is_locked().unwrap(), "it is this process' own");
        drop(in_child);
    }

    #[test]
    fn a_lock_that_is_let_go_of_is_free_although_a_forked_process_has_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.json");
        let locked = RealFile::resolve(&path).unwrap().lock(Duration::ZERO).unwrap();
        let lock = locked.file.beside(LOCK);
        let in_child = locked.lock.file.lock().unwrap().as_ref().unwrap().try_clone().unwrap();
        // Whoever opened it before it was removed has the same file.
        let opened = open_lock(&lock);
        drop(locked);
        assert!(opened.try_lock_exclusive().unwrap());
        drop(in_child);
    }
}
