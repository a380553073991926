//! Reading within a limit.

use std::io::ErrorKind;

use cvm_files::{read, read_all, read_input};

use crate::{Folder, LIMIT, lock, says};

#[test]
fn a_file_is_read_up_to_the_limit_and_refused_above_it() {
    let folder = Folder::new();
    assert!(read(folder.path("none"), LIMIT).unwrap().is_none());
    let file = folder.file("file", "12345");
    assert_eq!(read(&file, 5).unwrap().unwrap(), b"12345");
    let error = read(&file, 4).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    says(read(&file, 4), &["larger than 4 bytes"]);
    assert_eq!(read(&file, u64::MAX).unwrap().unwrap(), b"12345");

    let locked = lock(&file).unwrap();
    assert_eq!(locked.read(5).unwrap().unwrap(), b"12345");
    says(locked.read(4), &["larger than 4 bytes"]);
    assert!(lock(folder.path("none")).unwrap().read(LIMIT).unwrap().is_none());
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let folder = Folder::new();
    says(read(folder.0.path(), LIMIT), &["is a folder"]);
    says(lock(folder.0.path()), &["is a folder"]);
    #[cfg(unix)]
    {
        let pipe = folder.path("pipe");
        crate::make_pipe(&pipe);
        for path in [pipe.to_str().unwrap(), "/dev/zero", "/dev/full", "/dev/null"] {
            says(read(path, LIMIT), &["is not a regular file"]);
            says(lock(path), &["is not a regular file"]);
        }
    }
}

/// Such files say that they are empty.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_does_not_tell_its_length_is_limited_too() {
    assert!(!read("/proc/self/status", LIMIT).unwrap().unwrap().is_empty());
    says(read("/proc/self/status", 10), &["larger than 10 bytes"]);
}

#[test]
fn what_a_user_names_may_be_a_pipe_and_has_a_limit_too() {
    let folder = Folder::new();
    let file = folder.file("file", "12345");
    assert_eq!(read_input(&file, 5).unwrap(), b"12345");
    says(read_input(&file, 4), &["larger than 4 bytes"]);
    says(read_input(folder.0.path(), LIMIT), &["is a folder"]);
    assert_eq!(read_input(folder.path("none"), LIMIT).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(read_all(&b"123"[..], 3).unwrap(), b"123");
    says(read_all(std::io::repeat(0), 100), &["larger than 100 bytes"]);
    #[cfg(unix)]
    {
        says(read_input("/dev/zero", 1000), &["larger than 1000 bytes"]);
        let pipe = folder.path("pipe");
        crate::make_pipe(&pipe);
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::write(pipe, "through a pipe")
        });
        assert_eq!(read_input(&pipe, LIMIT).unwrap(), b"through a pipe");
        writer.join().unwrap().unwrap();
    }
}
