//! `cvm sync` that ends early, `cvm sync --resume`, `cvm jobs`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cvm_local::{Clock, CvmLocal};

use crate::command::{Folder, Ran, at, run};

/// The program with a state folder of the test's own.
fn cvm(local: &CvmLocal, folder: &Folder, args: &[&str]) -> Command {
    let mut command = at(local, args);
    command.env("XDG_STATE_HOME", &folder.0);
    command
}

fn ran(command: &mut Command) -> Ran {
    command.output().unwrap().into()
}

const SYNC: [&str; 4] = ["sync", "img-o3ycss2p", "--to", "ap-guangzhou,ap-beijing"];

fn submissions(local: &CvmLocal) -> usize {
    local.requests().iter().filter(|request| request.action == "SyncImages").count()
}

#[test]
fn without_waiting_the_copies_are_started_and_the_job_can_be_gone_on_with() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("no-wait");
    let begun = ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--no-wait"]].concat())).ended_with(0);
    assert!(begun.out.matches("started").count() == 2, "{begun:?}");
    assert!(begun.err.contains("cvm sync --resume --journal"), "{begun:?}");

    let jobs = ran(&mut cvm(&local, &folder, &["jobs"])).ended_with(0);
    assert!(
        jobs.out.contains("img-o3ycss2p") && jobs.out.contains("0 of 2 there, 2 on their way"),
        "{jobs:?}"
    );
    let list = ran(&mut cvm(&local, &folder, &["jobs", "--output", "json"])).ended_with(0).json();
    assert_eq!(list[0]["report"]["destinations"][0]["outcome"], "started");
    assert_eq!((&list[0]["finished"], &list[0]["running"]), (&false.into(), &false.into()));

    local.advance(Duration::from_secs(60));
    let ended = ran(&mut cvm(&local, &folder, &["sync", "--resume"])).ended_with(0);
    assert!(ended.out.matches("copied").count() == 2, "{ended:?}");
    assert_eq!(submissions(&local), 1);
    let jobs = ran(&mut cvm(&local, &folder, &["jobs"])).ended_with(0);
    assert_eq!(jobs.out, "", "a job that has ended leaves nothing behind");
    assert_eq!(files(&folder.0.join("cvm").join("jobs")), 0);
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_job_that_could_not_begin_leaves_nothing_behind() {
    let local = CvmLocal::start().unwrap();
    let folder = Folder::new("not-begun");
    ran(&mut cvm(&local, &folder, &["sync", "img-00000000", "--to", "ap-guangzhou"])).ended_with(5);
    ran(&mut cvm(&local, &folder, &["sync", "img-o3ycss2p", "--to", "ap-shanghai"])).ended_with(2);
    ran(&mut cvm(&local, &folder, &["sync", "img-o3ycss2p", "--to", "ap-shenzhen-fsi"])).ended_with(2);
    assert_eq!(files(&folder.0.join("cvm").join("jobs")), 0);
}

#[test]
fn the_same_command_goes_on_with_the_job() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("again");
    ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--timeout", "1s"]].concat())).ended_with(4);
    local.advance(Duration::from_secs(60));
    let ended = ran(&mut cvm(&local, &folder, &SYNC)).ended_with(0);
    assert!(ended.err.contains("going on with the job in"), "{ended:?}");
    assert!(ended.out.matches("copied").count() == 2, "{ended:?}");
    assert_eq!(submissions(&local), 1);
}

#[test]
fn a_journal_of_ones_own_stays() {
    let local = CvmLocal::builder().clock(Clock::scaled(60.0)).start().unwrap();
    let folder = Folder::new("own-journal");
    let journal = folder.0.join("job.json");
    let journal = journal.to_str().unwrap();
    ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--journal", journal]].concat())).ended_with(0);
    // It has ended, so it says the same again.
    let again = ran(&mut cvm(&local, &folder, &["sync", "--resume", "--journal", journal])).ended_with(0);
    assert!(again.out.matches("copied").count() == 2, "{again:?}");
    // And the same command begins anew.
    let anew = ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--journal", journal]].concat())).ended_with(0);
    assert!(anew.out.matches("present").count() == 2, "{anew:?}");
}

#[test]
fn no_folder_is_made_for_a_journal_of_ones_own() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("no-folder");
    let journal = folder.0.join("deep").join("er").join("job.json");
    let args = [&SYNC[..], &["--journal", journal.to_str().unwrap()]].concat();
    let refused = ran(&mut cvm(&local, &folder, &args)).ended_with(1);
    assert!(refused.err.contains("er is not there: make it first"), "{refused:?}");
    assert_eq!((files(&folder.0), submissions(&local)), (0, 0));
}

#[cfg(unix)]
#[test]
fn journals_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("private");
    ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--no-wait"]].concat())).ended_with(0);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let jobs = folder.0.join("cvm").join("jobs");
    let journal = std::fs::read_dir(&jobs).unwrap().next().unwrap().unwrap().path();
    assert_eq!((mode(&jobs), mode(&journal)), (0o700, 0o600));
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_ends_the_job_before_its_request_and_leaves_nothing() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("full");
    let sync = cvm(&local, &folder, &SYNC);
    let mut command = Command::new("sh");
    // What the limit on the size of files gives is an error as any other where its signal is ignored.
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]).arg(sync.get_program());
    command.args(sync.get_args());
    for (name, value) in sync.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let refused = ran(&mut command).ended_with(1);
    assert!(refused.err.contains("cannot write the journal"), "{refused:?}");
    assert_eq!((files(&folder.0.join("cvm").join("jobs")), submissions(&local)), (0, 0));
}

#[test]
fn what_cannot_be_gone_on_with() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("cannot");
    let resume = |args: &[&str]| ran(&mut cvm(&local, &folder, args)).ended_with(2).err;
    assert!(resume(&["sync", "--resume"]).contains("no job to go on with"));
    assert!(resume(&["sync", "--resume", "--journal", "no-such-job.json"]).contains("no-such-job.json"));
    let journal = folder.0.join("job.json");
    let journal = journal.to_str().unwrap();
    ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--no-wait", "--journal", journal]].concat())).ended_with(0);
    let other = ["sync", "img-7kq2v9ta", "--to", "ap-guangzhou", "--journal", journal];
    assert!(resume(&other).contains("another job"), "a job that has not ended is not written over");

    let held = cvm_journal::Journal::open(journal).unwrap();
    let args = ["sync", "--resume", "--journal", journal];
    let refused = ran(&mut cvm(&local, &folder, &args)).ended_with(1);
    assert!(refused.err.contains("is in use"), "{refused:?}");
    drop(held);
    std::fs::write(journal, "half of a jour").unwrap();
    assert!(ran(&mut cvm(&local, &folder, &args)).ended_with(1).err.contains("not a journal"));
}

#[test]
fn jobs_without_a_job() {
    let folder = Folder::new("none");
    let mut command = crate::command::cvm(&["jobs"]);
    let jobs = ran(command.env("XDG_STATE_HOME", &folder.0)).ended_with(0);
    assert!(jobs.out.is_empty() && jobs.err.contains("no job"), "{jobs:?}");
    run(&["jobs", "too-much"]).ended_with(2);
}

#[cfg(unix)]
#[test]
fn an_interrupted_sync_says_what_goes_on() {
    use std::io::{BufRead, BufReader};

    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("interrupted");
    let mut child = cvm(&local, &folder, &SYNC).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("ap-guangzhou: img-")).unwrap();
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let last_words = lines.collect::<Vec<_>>().join("\n");
    let output: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(output.code, Some(130), "{last_words}");
    let advice = "cvm call DescribeImages --region ap-guangzhou ImageIds.0=img-";
    assert!(last_words.contains("interrupted") && last_words.contains(advice), "{last_words}");
    assert!(last_words.contains("cvm sync --resume --journal"), "{last_words}");
    assert!(output.out.matches("started").count() == 2, "{output:?}");

    local.advance(Duration::from_secs(60));
    ran(&mut cvm(&local, &folder, &["sync", "--resume"])).ended_with(0);
    assert_eq!(submissions(&local), 1);
}
