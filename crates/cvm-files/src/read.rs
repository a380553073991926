//! Reading within a limit, and without waiting for anybody.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::input::{read_all, too_large};
use crate::resolve::{leads_somewhere, named, regular};
use crate::sys;

/// What a file holds, locked or not; `None` if it is not there. Links are followed.
///
/// A file that [`LockedFile::replace`](crate::LockedFile::replace) writes is whole whenever it is read.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if it is not a regular file; [`ErrorKind::FileTooLarge`] if it holds more than `limit`
/// bytes; [`ErrorKind::NotFound`] if it is a link that leads nowhere; else what the system says.
pub fn read(path: impl AsRef<Path>, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let path = path.as_ref();
    // Before it is opened: that alone has effects on some devices.
    let opened = fs::metadata(path).and_then(|facts| {
        regular(&facts)?;
        let mut options = File::options();
        sys::no_wait(options.read(true));
        options.open(path)
    });
    match opened {
        Ok(file) => whole(&file, limit).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => leads_somewhere(path).map(|()| None),
        Err(error) => Err(named(error)),
    }
}

/// All of an open file, which may be another than the one that was looked at.
pub(crate) fn whole(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let facts = file.metadata()?;
    regular(&facts)?;
    if facts.len() > limit {
        return Err(too_large(limit));
    }
    // It may grow, and some files do not tell their length.
    read_all(file, limit)
}
