//! Reading a file of settings, and looking at who else can.

use std::io::ErrorKind;
use std::path::Path;

use cvm_proto::{Error, input};

use crate::environment::Environment;

/// The most that is read of a file: far more than settings, keys and certificates ever take.
pub(crate) const MAX_BYTES: u64 = 16 << 20;

/// The text of a file, or `None` if it is not there.
pub(crate) fn read(environment: &Environment, path: &Path) -> Result<Option<String>, Error> {
    let shown = || environment.show(path);
    match cvm_files::read_input(path, MAX_BYTES) {
        Ok(bytes) => text(&bytes, &shown()).map(Some),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::config(format!("{} cannot be read: {error}", shown()))),
    }
}

/// The text that a file holds.
pub(crate) fn text(bytes: &[u8], shown: &str) -> Result<String, Error> {
    input::text(bytes).map(str::to_owned).map_err(|error| Error::config(error.at(shown)))
}

/// A warning if users other than the owner can get at a file with secrets.
///
/// A file that only its folder protects is well: the official command line writes such.
pub(crate) fn too_wide(environment: &Environment, path: &Path) -> Option<String> {
    let own = wide_mode(path)?;
    let shown = environment.show(path);
    Some(format!(
        "{shown} has the mode {own:04o}, so that other users can get at its secrets: `chmod 600 {shown}`"
    ))
}

/// The mode of a file that users other than the owner can get at.
pub(crate) fn wide_mode(path: &Path) -> Option<u32> {
    let (own, folder) = (mode(path)?, mode(path.parent()?)?);
    (own & 0o077 != 0 && folder & 0o011 != 0).then_some(own)
}

/// A warning if users other than the owner can put another file into a folder.
pub(crate) fn open_folder(environment: &Environment, folder: &Path) -> Option<String> {
    let own = mode(folder).filter(|own| own & 0o022 != 0)?;
    let shown = environment.show(folder);
    Some(format!(
        "{shown} has the mode {own:04o}, so that other users can replace its files: `chmod 700 {shown}`"
    ))
}

/// Who can get at a file.
#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(std::fs::metadata(path).ok()?.permissions().mode() & 0o777)
}

/// Access is a matter of inherited lists there, which this does not judge.
#[cfg(not(unix))]
pub(crate) fn mode(_: &Path) -> Option<u32> {
    None
}
