//! Files as the programs that keep them meet them.

#![allow(clippy::unwrap_used)]

#[cfg(unix)]
mod children;
#[cfg(unix)]
mod links;
mod locking;
mod reading;
mod replacing;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cvm_files::{LockedFile, RealFile};
use tempfile::TempDir;

/// The most that is read in these tests.
const LIMIT: u64 = 1 << 20;

/// A folder of one test's own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file that is there.
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// What is in the folder, in order.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Locks a file that nobody else has.
fn lock(path: impl AsRef<Path>) -> io::Result<LockedFile> {
    RealFile::resolve(path)?.lock(Duration::ZERO)
}

/// The sentence of an error, which has to have all of these parts.
#[track_caller]
fn says<T: std::fmt::Debug>(result: io::Result<T>, parts: &[&str]) {
    let sentence = result.unwrap_err().to_string();
    for part in parts {
        assert!(sentence.contains(part), "`{sentence}` does not say `{part}`");
    }
}

#[cfg(unix)]
fn mode(path: impl AsRef<Path>) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
fn set_mode(path: impl AsRef<Path>, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Makes a pipe with a name.
#[cfg(unix)]
fn make_pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}
