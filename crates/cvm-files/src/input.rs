//! Reading what a user names, or what comes through a pipe, within a limit.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::unfit;

/// What a file, a pipe or a device holds; links are followed, and a pipe is waited for.
///
/// It is for what is read once, and not kept: settings, keys, requests, as `<(command)` in a shell gives them too.
///
/// # Errors
///
/// [`ErrorKind::FileTooLarge`] if it holds more than `limit` bytes; [`ErrorKind::InvalidInput`] if it is a folder; else
/// what the system says.
pub fn read_input(path: impl AsRef<Path>, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(unfit("it is a folder"));
    }
    read_all(file, limit)
}

/// Everything that comes, such as from standard input.
///
/// # Errors
///
/// [`ErrorKind::FileTooLarge`] if that is more than `limit` bytes; else what the system says.
pub fn read_all(from: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    if u64::try_from(content.len()).is_ok_and(|length| length <= limit) {
        Ok(content)
    } else {
        Err(too_large(limit))
    }
}

pub(crate) fn too_large(limit: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes, the most that is read"))
}
