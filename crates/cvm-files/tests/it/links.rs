//! Links to the file, and links that somebody prepared beside it.

use std::fs;
use std::os::unix::fs::symlink;

use cvm_files::{Access, RealFile, read};

use crate::{Folder, LIMIT, lock, says};

#[test]
fn a_symbolic_link_and_its_target_are_one_file_with_one_lock() {
    let folder = Folder::new();
    let real = folder.file("real.json", "old");
    let link = folder.path("link.json");
    symlink("real.json", &link).unwrap();
    let again = folder.path("again.json");
    symlink(&link, &again).unwrap();

    let locked = lock(&again).unwrap();
    assert_eq!(locked.path(), fs::canonicalize(&real).unwrap());
    says(lock(&real), &["another process uses it"]);
    says(lock(&link), &["another process uses it"]);
    assert!(RealFile::resolve(&link).unwrap().is_locked().unwrap());

    locked.replace(b"new", Access::Private).unwrap();
    assert_eq!(fs::read_link(&again).unwrap(), link, "the link is still one");
    assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    assert_eq!(read(&again, LIMIT).unwrap().unwrap(), b"new");
    drop(locked);
    assert_eq!(folder.names(), ["again.json", "link.json", "real.json"]);
}

#[test]
fn a_folder_that_is_a_symbolic_link_is_the_folder() {
    let folder = Folder::new();
    fs::create_dir(folder.path("real")).unwrap();
    symlink("real", folder.path("link")).unwrap();
    let _locked = lock(folder.path("link/job.json")).unwrap();
    says(lock(folder.path("real/job.json")), &["another process uses it"]);
}

#[test]
fn a_link_that_leads_nowhere_is_refused_and_makes_nothing() {
    let folder = Folder::new();
    let link = folder.path("link.json");
    symlink("nowhere.json", &link).unwrap();
    says(RealFile::resolve(&link), &["symbolic link to nowhere.json, which is not there"]);
    says(read(&link, LIMIT), &["symbolic link to nowhere.json, which is not there"]);

    let circle = folder.path("circle.json");
    symlink("circle.json", &circle).unwrap();
    says(RealFile::resolve(&circle), &["symbolic link that leads back to itself"]);
    says(read(&circle, LIMIT), &["symbolic link that leads back to itself"]);
    assert_eq!(folder.names(), ["circle.json", "link.json"]);
}

#[test]
fn a_file_with_several_names_is_refused() {
    let folder = Folder::new();
    let file = folder.file("job.json", "old");
    let unlocked = RealFile::resolve(&file).unwrap();
    fs::hard_link(&file, folder.path("other.json")).unwrap();
    says(RealFile::resolve(&file), &["2 names (hard links)", "use a copy"]);
    says(unlocked.lock(std::time::Duration::ZERO), &["2 names (hard links)"]);
    assert_eq!(folder.names(), ["job.json", "other.json"], "no lock is left");
    assert_eq!(read(&file, LIMIT).unwrap().unwrap(), b"old", "reading does no harm");
}

#[test]
fn a_copy_made_by_a_hard_link_keeps_what_it_had() {
    let folder = Folder::new();
    let file = folder.file("job.json", "old");
    let locked = lock(&file).unwrap();
    // As programs do it that make backups.
    fs::hard_link(&file, folder.path("backup.json")).unwrap();
    locked.replace(b"new", Access::Private).unwrap();
    assert_eq!(fs::read_to_string(folder.path("backup.json")).unwrap(), "old");
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
}

#[test]
fn a_link_in_the_place_of_the_lock_is_refused() {
    let folder = Folder::new();
    let file = folder.path("job.json");
    let precious = folder.file("precious", "kept");
    let in_the_way = folder.path("job.json.lock");
    for target in ["precious", "nowhere"] {
        symlink(target, &in_the_way).unwrap();
        says(lock(&file), &["job.json.lock is a symbolic link: remove it"]);
        says(RealFile::resolve(&file).unwrap().is_locked(), &["job.json.lock is a symbolic link: remove it"]);
        assert_eq!(folder.names(), ["job.json.lock", "precious"]);
        assert!(in_the_way.is_symlink());
        fs::remove_file(&in_the_way).unwrap();
    }
    assert_eq!(fs::read_to_string(precious).unwrap(), "kept");
}

#[test]
fn a_link_in_the_place_of_a_temporary_file_is_left_alone() {
    let folder = Folder::new();
    let precious = folder.file("precious", "kept");
    for name in ["job.json.tmp", "job.json.abcd1234.cvm-tmp"] {
        symlink("precious", folder.path(name)).unwrap();
    }
    let locked = lock(folder.path("job.json")).unwrap();
    locked.replace(b"new", Access::Private).unwrap();
    drop(locked);
    assert_eq!(fs::read_to_string(precious).unwrap(), "kept");
    assert_eq!(folder.names(), ["job.json", "job.json.abcd1234.cvm-tmp", "job.json.tmp", "precious"]);
}

#[test]
fn a_link_that_takes_the_files_place_while_it_is_locked_is_not_followed() {
    let folder = Folder::new();
    let precious = folder.file("precious", "kept");
    let file = folder.file("job.json", "old");
    let locked = lock(&file).unwrap();
    fs::remove_file(&file).unwrap();
    symlink("precious", &file).unwrap();
    says(locked.read(LIMIT), &["not a regular file"]);
    says(locked.replace(b"new", Access::Private), &["not a regular file"]);
    says(locked.remove(), &["not a regular file"]);
    assert_eq!(fs::read_to_string(precious).unwrap(), "kept");
    assert_eq!(folder.names(), ["job.json", "precious"]);
}
