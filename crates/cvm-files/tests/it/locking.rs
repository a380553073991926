//! One process at a time.

use std::fs;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cvm_files::{Access, RealFile};

#[cfg(unix)]
use crate::says;
use crate::{Folder, LIMIT, lock};

/// Long enough for any machine; a test that passes never waits for it.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

#[test]
fn a_file_is_locked_once() {
    let folder = Folder::new();
    let file = RealFile::resolve(folder.path("job.json")).unwrap();
    assert!(!file.is_locked().unwrap());
    let locked = lock(file.path()).unwrap();
    assert!(file.is_locked().unwrap());
    assert_eq!(lock(file.path()).unwrap_err().kind(), ErrorKind::ResourceBusy);
    assert!(file.is_locked().unwrap(), "whoever was refused has changed nothing");
    drop(locked);
    assert!(!file.is_locked().unwrap());
    lock(file.path()).unwrap();
    if cfg!(unix) {
        assert_eq!(folder.names(), [""; 0], "a lock that nobody has is gone");
    }
}

#[test]
fn a_lock_is_waited_for() {
    let folder = Folder::new();
    let path = folder.path("job.json");
    let locked = lock(&path).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| RealFile::resolve(&path).unwrap().lock(GIVE_UP_AFTER).unwrap());
        drop(locked);
        waiting.join().unwrap();
    });
}

#[test]
fn no_change_is_lost_among_many_who_lock_and_unlock() {
    let folder = Folder::new();
    let path = folder.path("count");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let locked = RealFile::resolve(&path).unwrap().lock(GIVE_UP_AFTER).unwrap();
                    let count = locked.read(LIMIT).unwrap().map_or(0, |count| count.len());
                    locked.replace(&vec![b'x'; count + 1], Access::Private).unwrap();
                }
            });
        }
    });
    assert_eq!(fs::read(&path).unwrap().len(), 200);
}

#[test]
fn looking_whether_a_file_is_locked_keeps_nobody_from_locking_it() {
    let folder = Folder::new();
    let file = RealFile::resolve(folder.path("job.json")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                file.is_locked().unwrap();
            }
        });
        let refused = (0..1000).find_map(|_| file.clone().lock(Duration::ZERO).err());
        done.store(true, Ordering::Relaxed);
        assert!(refused.is_none(), "{refused:?}");
    });
}

#[test]
fn a_lock_that_a_process_left_behind_holds_nobody_back() {
    let folder = Folder::new();
    folder.file("job.json.lock", "");
    let file = RealFile::resolve(folder.path("job.json")).unwrap();
    assert!(!file.is_locked().unwrap());
    file.lock(Duration::ZERO).unwrap();
}

#[cfg(unix)]
#[test]
fn a_lock_that_somebody_removed_is_not_removed_from_the_next_owner() {
    let folder = Folder::new();
    let path = folder.path("job.json");
    let first = lock(&path).unwrap();
    fs::remove_file(folder.path("job.json.lock")).unwrap();
    let second = lock(&path).unwrap();
    drop(first);
    says(lock(&path), &["another process uses it"]);
    drop(second);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_in_the_place_of_the_lock_is_refused_at_once() {
    let folder = Folder::new();
    let path = folder.path("job.json");
    let in_the_way = folder.path("job.json.lock");
    crate::make_pipe(&in_the_way);
    says(lock(&path), &["its lock file", "job.json.lock"]);
    says(RealFile::resolve(&path).unwrap().is_locked(), &["its lock file", "not a regular file"]);
    fs::remove_file(&in_the_way).unwrap();
    fs::create_dir(&in_the_way).unwrap();
    says(lock(&path), &["its lock file", "job.json.lock"]);
}
