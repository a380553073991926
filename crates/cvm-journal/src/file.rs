//! Files that are whole at every moment, and on the disk when it is said so.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cvm_proto::Error;

/// The file `NAME.suffix` beside `NAME`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(format!(".{suffix}"));
    path.with_file_name(name)
}

/// The folder of a file; the current one for a bare name.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens the lock file of a journal, and makes its folder.
pub(crate) fn lock_file(path: &Path) -> Result<File, Error> {
    if path.file_name().is_none() {
        return Err(Error::journal(format!(
            "{} is not a file's name: name one for the journal",
            path.display()
        )));
    }
    fs::create_dir_all(folder(path))
        .and_then(|()| File::options().create(true).truncate(false).write(true).open(beside(path, "lock")))
        .map_err(|error| trouble("cannot open the journal", path, &error))
}

/// Whether an open file is the one that has this name now.
#[cfg(unix)]
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |facts: fs::Metadata| (facts.dev(), facts.ino());
    let (opened, named) = (file.metadata().map(place), fs::metadata(path).map(place));
    opened.is_ok_and(|opened| named.is_ok_and(|named| named == opened))
}

/// A file that is open cannot lose its name there.
#[cfg(not(unix))]
pub(crate) fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// Puts a whole file in the place of another. The new one is on the disk before it has the name, and has the name on the
/// disk when this returns.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = beside(path, "tmp");
    let mut file = File::create(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&unfinished, path)?;
    sync_folder(folder(path))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Folders cannot be opened there, and a rename is written through.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(crate) fn trouble(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::journal(format!("{what} {}: {error}", path.display()))
}
