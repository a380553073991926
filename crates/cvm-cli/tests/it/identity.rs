//! Which job is which: what the command refuses, and which journal it finds.

use std::path::PathBuf;
use std::process::Command;

use cvm_local::{Clock, CvmLocal};

use crate::command::Folder;
use crate::jobs::{cvm, journals, ran, submissions};

/// An unfinished job, another value of one of its options, and what the refusal has to hold.
fn check(local: &CvmLocal, begun: &[&str], again: &[&str], parts: &[&str]) {
    let folder = Folder::new("identity");
    let journal = folder.0.join("job.json");
    let at = ["--journal", journal.to_str().unwrap(), "--no-wait"];
    local.reset();
    local.clear_requests();
    ran(&mut cvm(local, &folder, &[&["sync"], begun, &at].concat())).ended_with(0);
    let (sent, kept) = (submissions(local), std::fs::read(&journal).unwrap());
    let refused = ran(&mut cvm(local, &folder, &[&["sync"], again, &at].concat())).ended_with(2);
    for part in parts {
        assert!(refused.err.contains(part), "{again:?} does not say {part:?}: {refused:?}");
    }
    assert!(refused.err.contains("job.json") && refused.out.is_empty(), "{refused:?}");
    assert_eq!((submissions(local), std::fs::read(&journal).unwrap()), (sent, kept), "nothing is touched");
}

const KEYS: [&str; 2] = ["0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002"];

#[test]
fn each_option_of_a_job_that_differs_is_refused_by_name_with_both_values() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let plain = ["img-o3ycss2p", "--to", "ap-guangzhou"];
    let with = |more: &'static [&'static str]| [&plain[..], more].concat();
    check(
        &local,
        &plain,
        &["img-7kq2v9ta", "--to", "ap-guangzhou"],
        &["images", "img-o3ycss2p", "img-7kq2v9ta"],
    );
    check(&local, &plain, &["img-o3ycss2p", "--to", "ap-beijing"], &["(to)", "ap-guangzhou", "ap-beijing"]);
    check(&local, &plain, &with(&["--from", "ap-tokyo"]), &["source region", "ap-shanghai", "ap-tokyo"]);
    check(&local, &plain, &with(&["--name", "one"]), &["(name)", "none", "`one`"]);
    check(&local, &with(&["--name", "one"]), &with(&["--name", "two"]), &["(name)", "`one`", "`two`"]);
    check(&local, &plain, &with(&["--max-size", "100"]), &["(max_size)", "none", "100 GiB"]);
    check(&local, &plain, &with(&["--on-conflict", "skip"]), &["(on_conflict)", "fail", "skip"]);
    check(&local, &plain, &with(&["--same-attributes"]), &["(same_attributes)", "off", "on"]);
    let home = ["img-o3ycss2p", "--to", "ap-shanghai", "--name", "safe", "--encrypt"];
    check(&local, &home, &home[..5], &["(encrypt)", "on", "off"]);
    let key = |id| [&home[..], &["--kms-key-id", id]].concat();
    check(&local, &key(KEYS[0]), &key(KEYS[1]), &["(kms_key_id)", KEYS[0], KEYS[1]]);
    check(&local, &home, &key(KEYS[1]), &["(kms_key_id)", "none", KEYS[1]]);
}

#[test]
fn the_default_journal_refuses_what_it_is_not_named_by() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("default");
    let sync = ["sync", "img-o3ycss2p", "--to", "ap-guangzhou", "--no-wait"];
    ran(&mut cvm(&local, &folder, &sync)).ended_with(0);
    let refused = ran(&mut cvm(&local, &folder, &[&sync[..], &["--max-size", "1"]].concat())).ended_with(2);
    assert!(refused.err.contains("(max_size) is none, not 1 GiB"), "{refused:?}");
    assert_eq!(journals(&folder).len(), 1);
}

#[test]
fn key_and_profile_are_no_part_of_the_default_journals_name() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("rotated");
    let home = folder.0.join(".tencentcloud");
    std::fs::create_dir(&home).unwrap();
    let section = format!("[own]\nsecret_id = {}\nsecret_key = {}\n", local.secret_id(), local.secret_key());
    std::fs::write(home.join("credentials"), section).unwrap();
    let sync = ["sync", "img-o3ycss2p", "--to", "ap-guangzhou", "--no-wait"];
    ran(&mut cvm(&local, &folder, &sync)).ended_with(0);
    let mut with_profile = cvm(&local, &folder, &[&sync[..], &["--profile", "own"]].concat());
    let again = ran(with_profile.env("HOME", &folder.0)).ended_with(0);
    assert!(again.err.contains("resuming the job in"), "{again:?}");
    assert_eq!((journals(&folder).len(), submissions(&local)), (1, 1));
}

/// A journal as version 1 wrote it.
const VERSION_ONE: &str = include_str!("version_one.json");

/// A command against the service's own hosts, which are out of reach.
fn out_of_reach(folder: &Folder, to: &str) -> Command {
    let mut command = crate::command::cvm(&["sync", "img-o3ycss2p", "--to", to, "--timeout", "1s"]);
    command.env("XDG_STATE_HOME", &folder.0).env("TENCENTCLOUD_REGION", "ap-shanghai");
    command.env("TENCENTCLOUD_SECRET_ID", "AKIDexample").env("TENCENTCLOUD_SECRET_KEY", "example");
    command.env("TENCENTCLOUD_PROXY", "http://127.0.0.1:1").env("TENCENTCLOUD_ATTEMPTS", "1");
    command
}

/// The folder of the jobs with journals of version 1 under these names.
fn version_one(folder: &Folder, names: &[&str]) -> Vec<PathBuf> {
    let jobs = folder.0.join("cvm").join("jobs");
    std::fs::create_dir_all(&jobs).unwrap();
    let paths: Vec<PathBuf> = names.iter().map(|name| jobs.join(name)).collect();
    for path in &paths {
        std::fs::write(path, VERSION_ONE).unwrap();
    }
    paths
}

#[test]
fn a_journal_of_the_version_before_is_found_whatever_the_order_of_its_lists() {
    let folder = Folder::new("version-one");
    let old =
        version_one(&folder, &["img-o3ycss2p-0123456789abcdef.json", "img-o3ycss2p-fedcba9876543210.json"]);
    std::fs::write(&old[1], VERSION_ONE.replace("ap-beijing", "ap-tokyo")).unwrap();
    let resumed = ran(&mut out_of_reach(&folder, "ap-beijing,ap-guangzhou"));
    assert!(resumed.err.contains("resuming the job in"), "{resumed:?}");
    assert!(!old[0].exists() && old[1].exists(), "it has the name of today");
    assert_eq!(journals(&folder).len(), 2);
    let again = ran(&mut out_of_reach(&folder, "ap-guangzhou,ap-beijing"));
    assert!(again.err.contains("resuming the job in"), "{again:?}");
    assert_eq!(journals(&folder).len(), 2);
}

#[test]
fn of_several_journals_of_the_version_before_that_of_the_key_is_taken() {
    let folder = Folder::new("version-one-keys");
    // The second name is what version 1 made of these lists and this key.
    let old =
        version_one(&folder, &["img-o3ycss2p-0000000000000000.json", "img-o3ycss2p-937b6de5814c531c.json"]);
    let resumed = ran(&mut out_of_reach(&folder, "ap-beijing,ap-guangzhou"));
    assert!(resumed.err.contains("resuming the job in"), "{resumed:?}");
    assert!(old[0].exists() && !old[1].exists());
}

#[test]
fn a_journal_of_the_version_before_is_no_job_of_another_endpoint() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("version-one-elsewhere");
    let old = version_one(&folder, &["img-o3ycss2p-0123456789abcdef.json"]);
    let sync = ["sync", "img-o3ycss2p", "--to", "ap-guangzhou,ap-beijing", "--no-wait"];
    ran(&mut cvm(&local, &folder, &sync)).ended_with(0);
    assert!(old[0].exists() && journals(&folder).len() == 2);
}
