//! Processes that meet a full disk, or are killed.
//!
//! A test starts its own program again, for itself alone, with a variable that tells it to be the other process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cvm_files::{Access, RealFile};

use crate::{Folder, LIMIT, lock};

const CHILD: &str = "CVM_FILES_CHILD";

/// The file that the child is to use; `None` in the parent.
fn child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// The same test as another process, started by a line of the shell that ends in `exec "$@"`.
fn start(shell: &str, test: &str, file: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", shell, "sh"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(CHILD, file);
    command
}

/// More than the child may write.
static LARGE: [u8; 1 << 16] = [b'x'; 1 << 16];

#[test]
fn when_the_disk_is_full_the_old_file_stays_and_nothing_beside_it() {
    if let Some(path) = child() {
        let locked = lock(path).unwrap();
        locked.replace(b"small enough", Access::Private).unwrap();
        locked.replace(&LARGE, Access::Private).unwrap_err();
        assert_eq!(locked.read(LIMIT).unwrap().unwrap(), b"small enough");
        return;
    }
    let folder = Folder::new();
    // What the limit on the size of files gives is an error as any other where its signal is ignored.
    let shell = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";
    let test = "children::when_the_disk_is_full_the_old_file_stays_and_nothing_beside_it";
    let output = start(shell, test, &folder.path("job.json")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(folder.path("job.json")).unwrap(), b"small enough");
    assert_eq!(folder.names(), ["job.json"]);
}

#[test]
fn what_a_process_that_died_while_writing_left_is_removed_by_the_next() {
    if let Some(path) = child() {
        let locked = lock(path).unwrap();
        locked.replace(b"small enough", Access::Private).unwrap();
        // It dies in here: of the signal that a file too large gives.
        locked.replace(&LARGE, Access::Private).unwrap();
        return;
    }
    let folder = Folder::new();
    let path = folder.path("job.json");
    let shell = "ulimit -c 0; ulimit -f 1; exec \"$@\"";
    let test = "children::what_a_process_that_died_while_writing_left_is_removed_by_the_next";
    let output = start(shell, test, &path).output().unwrap();
    assert!(output.status.signal().is_some(), "{output:?}");
    assert_eq!(folder.names().len(), 3, "{:?}", folder.names());
    let others = ["job.json.backup.tmp", "job.json.other.json.abcd1234.cvm-tmp"];
    for name in others {
        folder.file(name, "kept");
    }

    assert!(!RealFile::resolve(&path).unwrap().is_locked().unwrap());
    let locked = lock(&path).unwrap();
    assert_eq!(locked.read(LIMIT).unwrap().unwrap(), b"small enough");
    drop(locked);
    assert_eq!(folder.names(), ["job.json", others[0], others[1]]);
}

#[test]
fn the_lock_of_a_process_that_is_killed_ends_with_it() {
    if let Some(path) = child() {
        let _locked = lock(path).unwrap();
        println!("locked");
        // Until it is killed.
        let _ = std::io::stdin().read_line(&mut String::new());
        return;
    }
    let folder = Folder::new();
    let file = RealFile::resolve(folder.path("job.json")).unwrap();
    let test = "children::the_lock_of_a_process_that_is_killed_ends_with_it";
    let mut command = start("exec \"$@\"", test, file.path());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("locked")));
    assert!(file.is_locked().unwrap());
    assert!(lock(file.path()).is_err());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!file.is_locked().unwrap());
    lock(file.path()).unwrap();
    assert_eq!(folder.names(), [""; 0]);
}
