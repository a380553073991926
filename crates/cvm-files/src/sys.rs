//! What differs from system to system.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
mod imp {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};

    use rustix::fs::OFlags;

    use super::{File, Metadata, OpenOptions, Path, io};

    pub(crate) fn no_wait(options: &mut OpenOptions) {
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    }

    pub(crate) fn no_follow(options: &mut OpenOptions) {
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }

    pub(crate) fn created_with(options: &mut OpenOptions, mode: u32) {
        options.mode(mode);
    }

    pub(crate) fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
        std::fs::DirBuilder::new().mode(mode).create(path)
    }

    pub(crate) fn mode(facts: &Metadata) -> u32 {
        facts.mode() & 0o777
    }

    pub(crate) fn names(facts: &Metadata) -> u64 {
        facts.nlink()
    }

    pub(crate) fn is_circle(error: &io::Error) -> bool {
        error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
    }

    pub(crate) const CAN_REMOVE_WHAT_IS_LOCKED: bool = true;

    pub(crate) fn is_at(file: &File, path: &Path) -> bool {
        let place = |facts: Metadata| (facts.dev(), facts.ino());
        let (opened, named) = (file.metadata().map(place), path.symlink_metadata().map(place));
        opened.is_ok_and(|opened| named.is_ok_and(|named| named == opened))
    }
}

#[cfg(not(unix))]
mod imp {
    use super::{File, Metadata, OpenOptions, Path, io};

    pub(crate) fn no_wait(_: &mut OpenOptions) {}

    pub(crate) fn no_follow(options: &mut OpenOptions) {
        /// Opens a link itself.
        #[cfg(windows)]
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::custom_flags(options, FILE_FLAG_OPEN_REPARSE_POINT);
        #[cfg(not(windows))]
        let _ = options;
    }

    /// Access is a matter of the folder's inherited lists there.
    pub(crate) fn created_with(_: &mut OpenOptions, _: u32) {}

    pub(crate) fn make_folder(path: &Path, _: u32) -> io::Result<()> {
        std::fs::create_dir(path)
    }

    pub(crate) fn mode(_: &Metadata) -> u32 {
        0o777
    }

    /// The standard library does not tell.
    pub(crate) fn names(_: &Metadata) -> u64 {
        1
    }

    pub(crate) fn is_circle(_: &io::Error) -> bool {
        false
    }

    pub(crate) const CAN_REMOVE_WHAT_IS_LOCKED: bool = false;

    /// A lock file is never removed there.
    pub(crate) fn is_at(_: &File, _: &Path) -> bool {
        true
    }
}

/// Lets opening return at once where it would wait for another process: on a pipe.
pub(crate) use imp::no_wait;

/// As [`no_wait`], and a link is not followed: on Unix it is an error, elsewhere the link itself is opened.
pub(crate) use imp::no_follow;

/// The mode that a new file gets, as far as the umask allows.
pub(crate) use imp::created_with;

/// Makes one folder.
pub(crate) use imp::make_folder;

/// Who may read, write and execute.
pub(crate) use imp::mode;

/// How many hard links there are.
pub(crate) use imp::names;

/// Whether symbolic links lead to each other.
pub(crate) use imp::is_circle;

/// Whether a lock file can go while it is locked, without two processes having the lock.
pub(crate) use imp::CAN_REMOVE_WHAT_IS_LOCKED;

/// Whether an open file is the one that has this name now.
pub(crate) use imp::is_at;

/// A folder whose names can be put on the disk. It is opened before anything is changed, as that may fail.
#[derive(Debug)]
pub(crate) struct Folder {
    #[cfg(unix)]
    file: File,
}

#[cfg(unix)]
impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)? })
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.file.sync_all() {
            // Some file systems have no such thing, and nothing better.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Ok(())
            }
            result => result,
        }
    }
}

/// Folders cannot be opened there, and a rename is written through.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, clippy::unused_self)]
impl Folder {
    pub(crate) fn open(_: &Path) -> io::Result<Self> {
        Ok(Self {})
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
