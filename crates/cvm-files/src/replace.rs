//! A whole file in the place of another.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::resolve::{RealFile, no_folder};
use crate::{because, sys};

/// What the name of a temporary file ends with; nobody else's files do.
const UNFINISHED: &str = ".cvm-tmp";
/// How many letters and digits stand before that.
const RANDOM_LEN: usize = 8;

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The owner alone: mode 0600.
    Private,
    /// Everybody whom the umask allows: mode 0666.
    Public,
}

impl Access {
    fn mode(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o666,
        }
    }
}

pub(crate) fn replace(file: &RealFile, content: &[u8], access: Access) -> io::Result<()> {
    let folder = sys::Folder::open(file.folder()).map_err(|error| no_folder(file.folder(), &error))?;
    let mode = file.facts()?.map_or(access.mode(), |old| access.mode() & sys::mode(&old));
    let mut prefix = file.name().to_owned();
    prefix.push(".");
    let mut unfinished = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(UNFINISHED)
        .rand_bytes(RANDOM_LEN)
        .make_in(file.folder(), |path| {
            let mut options = File::options();
            // A new file, so that no link that has the name is followed.
            sys::created_with(options.write(true).create_new(true), mode);
            options.open(path)
        })
        .map_err(|error| {
            because(
                &error,
                format_args!("no file can be made in its folder {}: {error}", file.folder().display()),
            )
        })?;
    // Whatever fails from here on, the temporary file is removed when it is dropped.
    unfinished.as_file_mut().write_all(content)?;
    unfinished.as_file().sync_all()?;
    unfinished.into_temp_path().persist(file.path()).map_err(|error| error.error)?;
    folder.sync()
}

/// Removes the temporary files of processes that were killed: whoever has the lock has no other beside it.
pub(crate) fn remove_leftovers(file: &RealFile) {
    let Ok(entries) = fs::read_dir(file.folder()) else { return };
    for entry in entries.flatten() {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && is_unfinished(&entry.file_name(), file.name()) {
            // One that stays does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_unfinished(entry: &OsStr, name: &OsStr) -> bool {
    let random = entry.as_encoded_bytes().strip_prefix(name.as_encoded_bytes());
    let random = random.and_then(|rest| rest.strip_prefix(b".")?.strip_suffix(UNFINISHED.as_bytes()));
    random.is_some_and(|random| random.len() == RANDOM_LEN && random.iter().all(u8::is_ascii_alphanumeric))
}

/// Makes a folder, and those that it is in, for their owner alone: mode 0700. Folders that are there stay as they are.
///
/// It is for folders that belong to the program, not for those in a path that a user gave.
///
/// # Errors
///
/// What the system says.
pub fn make_private_folder(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    if path.is_dir() {
        return Ok(());
    }
    let Some(parent) = path.parent() else { return Err(ErrorKind::NotFound.into()) };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    make_private_folder(parent)?;
    match sys::make_folder(path, 0o700) {
        // Another process was first.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
        result => result?,
    }
    // What is written in it shall be found after a power cut; a folder that cannot be listed cannot be put on the disk.
    sys::Folder::open(parent).map_or(Ok(()), |parent| parent.sync())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_temporary_files_are_recognised() {
        let is = |entry: &str| is_unfinished(OsStr::new(entry), OsStr::new("job.json"));
        assert!(is("job.json.a1B2c3D4.cvm-tmp"));
        for other in [
            "job.json",
            "job.json.lock",
            "job.json.tmp",
            "job.json.cvm-tmp",
            "job.json.a1B2c3D.cvm-tmp",
            "job.json.a1B2c3D4e.cvm-tmp",
            "job.json.a1B2-3D4.cvm-tmp",
            "job.json.x.a1B2c3D4.cvm-tmp",
            "xjob.json.a1B2c3D4.cvm-tmp",
            "job.jsona1B2c3D4.cvm-tmp",
        ] {
            assert!(!is(other), "{other}");
        }
    }
}
