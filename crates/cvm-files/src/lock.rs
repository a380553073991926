//! One process at a time has a file.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
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
const PASSING: Duration = Duration::from_secs(1);

/// A [`RealFile`] that this process has for itself, for as long as this lives; however the process ends, the lock ends
/// with it.
#[derive(Debug)]
pub struct LockedFile {
    file: RealFile,
    /// Unlocked by the system when it is closed.
    lock: File,
    /// A forked process has a copy of the lock that is not its own.
    owner: u32,
}

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
                Attempt::Taken(lock) => {
                    let locked = LockedFile { file: self, lock, owner: std::process::id() };
                    locked.file.facts()?.map_or(Ok(()), |facts| check(&facts))?;
                    replace::remove_leftovers(&locked.file);
                    return Ok(locked);
                }
                Attempt::Held => wait,
                Attempt::Passing => wait.max(PASSING),
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
enum Attempt {
    Taken(File),
    Held,
    /// Nobody has it who keeps it.
    Passing,
}

fn attempt(lock: File, path: &Path) -> io::Result<Attempt> {
    if lock.try_lock_exclusive()? {
        // Else whoever had it has removed it meanwhile: the next one is new.
        return Ok(if sys::is_at(&lock, path) { Attempt::Taken(lock) } else { Attempt::Passing });
    }
    // Whoever only looks has it together with others.
    Ok(if FileExt::try_lock_shared(&lock)? { Attempt::Passing } else { Attempt::Held })
}

/// Opens a lock file, which may be anything.
fn open(path: &Path, options: &mut fs::OpenOptions) -> io::Result<File> {
    sys::no_follow(options);
    sys::created_with(options, 0o600);
    let lock = options.open(path)?;
    regular(&lock.metadata()?)?;
    Ok(lock)
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
        let path = self.file.beside(LOCK);
        let is_own = self.owner == std::process::id() && sys::is_at(&self.lock, &path);
        if sys::CAN_REMOVE_WHAT_IS_LOCKED && is_own {
            // One that stays does no harm.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_was_removed_before_it_was_locked_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.json.lock");
        let open = || open(&path, File::options().write(true).create(true).truncate(false)).unwrap();
        let removed = open();
        fs::remove_file(&path).unwrap();
        assert!(matches!(attempt(removed.try_clone().unwrap(), &path), Ok(Attempt::Passing)));
        let next = open();
        assert!(matches!(attempt(removed, &path), Ok(Attempt::Passing)));
        assert!(matches!(attempt(next, &path), Ok(Attempt::Taken(_))));
    }

    #[test]
    fn a_forked_process_leaves_the_lock_of_its_parent_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = RealFile::resolve(folder.path().join("job.json")).unwrap();
        let mut locked = file.clone().lock(Duration::ZERO).unwrap();
        let in_parent = locked.lock.try_clone().unwrap();
        locked.owner += 1;
        drop(locked);
        assert!(file.is_locked().unwrap());
        drop(in_parent);
        assert!(!file.is_locked().unwrap());
    }
}
