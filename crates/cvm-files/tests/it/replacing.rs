//! A new file in the place of an old one.

use std::fs;
use std::io::ErrorKind;

use cvm_files::{Access, RealFile, make_private_folder};

use crate::{Folder, LIMIT, lock, says};
#[cfg(unix)]
use crate::{mode, set_mode};

#[test]
fn a_file_is_made_replaced_and_removed() {
    let folder = Folder::new();
    let locked = lock(folder.path("job.json")).unwrap();
    for text in ["first", "the second", "3"] {
        locked.replace(text.as_bytes(), Access::Private).unwrap();
        assert_eq!(locked.read(LIMIT).unwrap().unwrap(), text.as_bytes());
        assert_eq!(folder.names(), ["job.json", "job.json.lock"]);
    }
    locked.remove().unwrap();
    lock(folder.path("job.json")).unwrap().remove().unwrap();
    if cfg!(unix) {
        assert_eq!(folder.names(), [""; 0]);
    }
}

#[test]
fn a_path_that_names_no_file_is_refused() {
    let folder = Folder::new();
    let below = |rest: &str| format!("{}/{rest}", folder.0.path().display());
    for path in ["/", "", ".", "..", &below("new/"), &below("new/."), &below("..")] {
        says(RealFile::resolve(path), &["is not the name of a file"]);
    }
}

#[test]
fn a_folder_that_is_not_there_is_named_and_not_made() {
    let folder = Folder::new();
    let nowhere = folder.path("deep").join("er").join("job.json");
    says(RealFile::resolve(&nowhere), &["its folder", "er is not there: make it first"]);
    let file = folder.file("file", "");
    says(RealFile::resolve(file.join("job.json")), &["its folder", "file"]);
    assert_eq!(folder.names(), ["file"]);
}

#[test]
fn a_folder_that_went_away_is_an_error_and_one_that_came_back_is_used() {
    let folder = Folder::new();
    let inner = folder.path("inner");
    fs::create_dir(&inner).unwrap();
    let locked = lock(inner.join("job.json")).unwrap();
    if cfg!(unix) {
        fs::remove_dir_all(&inner).unwrap();
        let error = locked.replace(b"new", Access::Private).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        says(Err::<(), _>(error), &["its folder", "is not there"]);
        fs::create_dir(&inner).unwrap();
    }
    locked.replace(b"new", Access::Private).unwrap();
    assert_eq!(locked.read(LIMIT).unwrap().unwrap(), b"new");
}

#[test]
fn what_cannot_take_the_files_place_leaves_nothing_behind() {
    let folder = Folder::new();
    let file = folder.path("job.json");
    let locked = lock(&file).unwrap();
    fs::create_dir(&file).unwrap();
    says(locked.replace(b"new", Access::Private), &["is a folder"]);
    drop(locked);
    if cfg!(unix) {
        assert_eq!(folder.names(), ["job.json"]);
    }
}

#[cfg(unix)]
#[test]
fn a_file_is_for_its_owner_alone_from_the_start() {
    let folder = Folder::new();
    let file = folder.path("job.json");
    let locked = lock(&file).unwrap();
    locked.replace(b"new", Access::Private).unwrap();
    assert_eq!((mode(&file), mode(folder.path("job.json.lock"))), (0o600, 0o600));
    for (before, after) in [(0o644, 0o600), (0o666, 0o600), (0o400, 0o400), (0o440, 0o400)] {
        set_mode(&file, before);
        locked.replace(b"new", Access::Private).unwrap();
        assert_eq!(mode(&file), after, "{before:o}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_for_everybody_is_as_open_as_the_umask_and_the_old_one_allow() {
    let folder = Folder::new();
    let ordinary = mode(folder.file("ordinary", ""));
    let file = folder.path("ca.pem");
    let locked = lock(&file).unwrap();
    locked.replace(b"new", Access::Public).unwrap();
    assert_eq!(mode(&file), ordinary);
    set_mode(&file, 0o600);
    locked.replace(b"new", Access::Public).unwrap();
    assert_eq!(mode(&file), 0o600);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let folder = Folder::new();
    let locked = folder.path("read-only");
    fs::create_dir(&locked).unwrap();
    set_mode(&locked, 0o555);
    // The mode does not hold a superuser back; the system's own folder does.
    let is_superuser = fs::write(locked.join("trial"), "").is_ok();
    let folders = [Some(locked.as_path()).filter(|_| !is_superuser), Some("/sys/kernel".as_ref())];
    for folder in folders.into_iter().flatten().filter(|folder| folder.exists()) {
        let file = RealFile::resolve(folder.join("job.json")).unwrap();
        says(file.lock(std::time::Duration::ZERO), &["its lock file", "job.json.lock cannot be opened"]);
    }
    set_mode(&locked, 0o755);
}

#[cfg(unix)]
#[test]
fn a_folder_that_became_read_only_keeps_the_old_file() {
    let folder = Folder::new();
    let inner = folder.path("inner");
    fs::create_dir(&inner).unwrap();
    let locked = lock(inner.join("job.json")).unwrap();
    locked.replace(b"old", Access::Private).unwrap();
    set_mode(&inner, 0o555);
    let is_superuser = fs::write(inner.join("trial"), "").is_ok();
    if !is_superuser {
        says(locked.replace(b"new", Access::Private), &["no file can be made in its folder"]);
        assert_eq!(locked.read(LIMIT).unwrap().unwrap(), b"old");
    }
    set_mode(&inner, 0o755);
}

#[test]
fn private_folders_are_made_with_those_above_them() {
    let folder = Folder::new();
    let deep = folder.path("state").join("cvm").join("jobs");
    make_private_folder(&deep).unwrap();
    make_private_folder(&deep).unwrap();
    #[cfg(unix)]
    {
        assert_eq!((mode(&deep), mode(folder.path("state"))), (0o700, 0o700));
        set_mode(&deep, 0o750);
        make_private_folder(&deep).unwrap();
        assert_eq!(mode(&deep), 0o750, "a folder that is there is its owner's affair");
    }
    let file = folder.file("file", "");
    assert!(make_private_folder(&file).is_err());
    assert!(make_private_folder(file.join("below")).is_err());
}
