//! `cvm sync` that ends early, and `cvm jobs`: what is kept of a job, and how it is shown.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use cvm_local::{Clock, CvmLocal, Fault, Seed, SeedImage};

use crate::command::{Folder, Ran, at, run};

/// The program with a state folder of the test's own.
pub(crate) fn cvm(local: &CvmLocal, folder: &Folder, args: &[&str]) -> Command {
    let mut command = at(local, args);
    command.env("XDG_STATE_HOME", &folder.0);
    command
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    command.output().unwrap().into()
}

pub(crate) const SYNC: [&str; 4] = ["sync", "img-o3ycss2p", "--to", "ap-guangzhou,ap-beijing"];

/// How many requests for copies did their work, whatever was heard of them.
pub(crate) fn submissions(local: &CvmLocal) -> usize {
    local.requests().iter().filter(|request| request.action == "SyncImages" && request.accepted).count()
}

/// The journals in the jobs' folder.
pub(crate) fn journals(folder: &Folder) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.0.join("cvm").join("jobs")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// What `cvm jobs --all` knows.
pub(crate) fn jobs(local: &CvmLocal, folder: &Folder) -> Vec<serde_json::Value> {
    let jobs = ran(&mut cvm(local, folder, &["jobs", "--all", "--output", "json"])).ended_with(0).json();
    jobs.as_array().unwrap().clone()
}

#[test]
fn without_waiting_the_copies_are_started_and_the_job_can_be_resumed() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("no-wait");
    let begun = ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--no-wait"]].concat())).ended_with(0);
    assert!(begun.out.matches("started").count() == 2, "{begun:?}");
    assert!(begun.err.contains("cvm sync --resume --journal"), "{begun:?}");

    let list = ran(&mut cvm(&local, &folder, &["jobs"])).ended_with(0);
    for part in ["interrupted", "0 of 2", "img-o3ycss2p", "127.0.0.1:"] {
        assert!(list.out.contains(part), "{part}: {list:?}");
    }
    let job = &jobs(&local, &folder)[0];
    assert_eq!(job["report"]["destinations"][0]["outcome"], "started");
    assert_eq!((&job["finished"], &job["state"]), (&false.into(), &"interrupted".into()));
    assert_eq!((&job["done"], &job["destinations"]), (&0.into(), &2.into()));

    local.advance(Duration::from_secs(60));
    let ended = ran(&mut cvm(&local, &folder, &["sync", "--resume"])).ended_with(0);
    assert!(ended.out.matches("copied").count() == 2, "{ended:?}");
    assert_eq!(submissions(&local), 1);
    let list = ran(&mut cvm(&local, &folder, &["jobs"])).ended_with(0);
    assert!(list.out.is_empty() && list.err.contains("cvm jobs --all"), "{list:?}");
    let all = ran(&mut cvm(&local, &folder, &["jobs", "--all"])).ended_with(0);
    assert!(all.out.contains("ended") && all.out.contains("2 of 2"), "{all:?}");
}

#[test]
fn a_nightly_run_with_everything_there_ends_well_after_a_few_reads() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("nightly");
    ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--no-wait"]].concat())).ended_with(0);
    local.advance(Duration::from_secs(60));
    ran(&mut cvm(&local, &folder, &SYNC)).ended_with(0);

    local.clear_requests();
    let other_order = ["sync", "img-o3ycss2p", "--to", "ap-beijing,ap-guangzhou", "--output", "json"];
    let nightly = ran(&mut cvm(&local, &folder, &other_order)).ended_with(0).json();
    assert_eq!(nightly["complete"], true);
    for destination in nightly["destinations"].as_array().unwrap() {
        assert_eq!((&destination["outcome"], &destination["basis"]), (&"present".into(), &"answered".into()));
        assert_eq!(destination["image"]["name"], "base-ubuntu-22.04");
    }
    let requests = local.requests();
    assert!(requests.iter().all(|request| request.action == "DescribeImages"), "{requests:?}");
    assert!(requests.len() <= 3, "one for the image, one for each copy: {requests:?}");
    assert_eq!(journals(&folder).len(), 1, "it is one job");
}

#[test]
fn a_dry_run_knows_what_the_job_has_done_and_keeps_nothing() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("dry");
    let dry = |options: &[&str], code| {
        let args = [&SYNC[..], &["--dry-run", "--output", "json"], options].concat();
        ran(&mut cvm(&local, &folder, &args)).ended_with(code)
    };
    let planned = dry(&[], 0).json();
    assert_eq!((&planned["complete"], &planned["as_asked"]), (&false.into(), &true.into()), "{planned}");
    assert!(!folder.0.join("cvm").exists());
    ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--no-wait"]].concat())).ended_with(0);
    let bytes = || journals(&folder).iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>();
    let kept = bytes();
    assert!(dry(&["--max-size", "100"], 2).err.contains("size limit"));
    local.advance(Duration::from_secs(60));
    // Its ids are known: these copies are its own.
    let own = dry(&["--own-copies"], 0).json();
    assert_eq!(own["destinations"][0]["basis"], "answered", "{own}");
    assert_eq!(bytes(), kept);
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
fn the_same_command_resumes_the_job_whichever_order_its_lists_have() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("again");
    ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--timeout", "1s"]].concat())).ended_with(4);
    local.advance(Duration::from_secs(60));
    let other_order = ["sync", "img-o3ycss2p", "--to", "ap-beijing,ap-guangzhou"];
    let ended = ran(&mut cvm(&local, &folder, &other_order)).ended_with(0);
    assert!(ended.err.contains("resuming the job in"), "{ended:?}");
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
    // It has ended: its copies are looked at again, and nothing is started.
    local.clear_requests();
    let again = ran(&mut cvm(&local, &folder, &["sync", "--resume", "--journal", journal])).ended_with(0);
    assert!(again.out.matches("copied").count() == 2, "{again:?}");
    assert!(!local.requests().is_empty() && submissions(&local) == 0);
    // And the same command begins anew.
    let anew = ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--journal", journal]].concat())).ended_with(0);
    assert!(anew.out.matches("present").count() == 2, "{anew:?}");
    assert!(Path::new(journal).exists() && jobs(&local, &folder).is_empty());
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
fn jobs_without_a_job() {
    let folder = Folder::new("none");
    let mut command = crate::command::cvm(&["jobs"]);
    let jobs = ran(command.env("XDG_STATE_HOME", &folder.0)).ended_with(0);
    assert!(jobs.out.is_empty() && jobs.err.contains("no job"), "{jobs:?}");
    run(&["jobs", "too-much"]).ended_with(2);
    run(&["jobs", "--all", "forget", "0123ab"]).ended_with(2);
}

#[test]
fn the_list_of_jobs_fits_a_terminal_whatever_the_jobs_are_made_of() {
    let folder = Folder::new("wide");
    let images: Vec<String> = (0..8).map(|number| format!("img-wide000{number}")).collect();
    let seeded = images.iter().map(|id| SeedImage::new(id, "ap-shanghai", format!("wide-{id}")));
    let mut seed = Seed::default();
    seed.accounts[0].images.extend(seeded);
    let local = CvmLocal::builder().seed(seed).clock(Clock::stepped()).start().unwrap();
    // A message that steers the terminal, in wide letters, and longer than a line.
    let message = format!("\u{1b}[31m\u{202e}{}", "镜像".repeat(60));
    local.faults().push(Fault::error_with("UnauthorizedOperation", message).on("SyncImages")).unwrap();
    let to = "ap-nanjing,ap-guangzhou,ap-beijing,ap-chengdu,ap-chongqing,ap-hongkong,ap-seoul,ap-tokyo,\
              ap-singapore,ap-bangkok,ap-jakarta,na-siliconvalley,eu-frankfurt,na-ashburn,sa-saopaulo";
    let mut args = vec!["sync"];
    args.extend(images.iter().map(String::as_str));
    args.extend(["--to", to, "--profile", "a-profile-with-quite-a-long-name"]);
    let home = folder.0.join(".tencentcloud");
    std::fs::create_dir(&home).unwrap();
    let section = format!(
        "[a-profile-with-quite-a-long-name]\nsecret_id = {}\nsecret_key = {}\n",
        local.secret_id(),
        local.secret_key()
    );
    std::fs::write(home.join("credentials"), section).unwrap();
    let refused = ran(cvm(&local, &folder, &args).env("HOME", &folder.0));
    assert!(!refused.err.contains(['\u{1b}', '\u{202e}']), "{refused:?}");
    assert!(refused.err.contains(r"\u{1b}[31m\u{202e}镜像"), "{refused:?}");

    let list = ran(&mut cvm(&local, &folder, &["jobs", "--all"])).ended_with(0);
    assert!(list.out.contains("0 of 120") && list.out.contains("img-wide0000 +7"), "{list:?}");
    assert!(list.out.contains("UnauthorizedOperation") && list.out.contains('…'), "{list:?}");
    assert_eq!(list.out.replace("\n  ", "").matches("镜像").count(), 60, "the error is whole: {list:?}");
    assert!(!list.out.contains(['\u{1b}', '\u{202e}']), "{list:?}");
    for line in list.out.lines() {
        // Letters that take two cells are those beyond these.
        let cells: usize = line.chars().map(|c| if c > '\u{2e80}' { 2 } else { 1 }).sum();
        assert!(cells <= 80, "{cells}: {line}");
    }
    let job = &jobs(&local, &folder)[0];
    assert_eq!(job["profile"], "a-profile-with-quite-a-long-name");
    assert!(job["last_error"].as_str().unwrap().contains(&"镜像".repeat(60)), "{job}");
}

#[test]
fn a_job_is_forgotten_by_its_id_unless_it_is_running() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("forget");
    ran(&mut cvm(&local, &folder, &[&SYNC[..], &["--no-wait"]].concat())).ended_with(0);
    let job = jobs(&local, &folder)[0].clone();
    let id = job["id"].as_str().unwrap();
    assert_eq!(id.len(), 6);

    let held = cvm_journal::Journal::open(job["journal"].as_str().unwrap()).unwrap();
    let list = ran(&mut cvm(&local, &folder, &["jobs"])).ended_with(0);
    assert!(list.out.contains("running") && !list.out.contains("interrupted"), "{list:?}");
    let refused = ran(&mut cvm(&local, &folder, &["jobs", "forget", id])).ended_with(1);
    assert!(refused.err.contains("is running"), "{refused:?}");
    drop(held);

    let unknown = ran(&mut cvm(&local, &folder, &["jobs", "forget", "nothing"])).ended_with(2);
    assert!(unknown.err.contains("`nothing`"), "{unknown:?}");
    let forgotten = ran(&mut cvm(&local, &folder, &["jobs", "forget", id])).ended_with(0);
    assert!(forgotten.err.contains("continue in the service"), "{forgotten:?}");
    assert_eq!(journals(&folder).len(), 0);
}

#[test]
fn what_an_ended_job_knows_is_dropped_after_ninety_days() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("ninety");
    let to = |region| ["sync", "img-o3ycss2p", "--to", region];
    ran(&mut cvm(&local, &folder, &[&to("ap-tokyo")[..], &["--no-wait"]].concat())).ended_with(0);
    local.advance(Duration::from_secs(60));
    ran(&mut cvm(&local, &folder, &["sync", "--resume"])).ended_with(0);
    let ended = journals(&folder).remove(0);
    ran(&mut cvm(&local, &folder, &[&to("ap-seoul")[..], &["--no-wait"]].concat())).ended_with(0);
    let written = |days: u64| {
        for journal in journals(&folder) {
            let then = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
            File::options().write(true).open(journal).unwrap().set_modified(then).unwrap();
        }
    };
    written(89);
    assert_eq!(jobs(&local, &folder).len(), 2);
    written(91);
    // A list alone drops nothing: the clock of this machine may be wrong.
    assert_eq!(jobs(&local, &folder).len(), 2);
    local.advance(Duration::from_secs(60));
    ran(&mut cvm(&local, &folder, &[&to("ap-beijing")[..], &["--no-wait"]].concat())).ended_with(0);
    let left = jobs(&local, &folder);
    assert!(left.len() == 2 && left.iter().all(|job| job["finished"] == false), "{left:?}");
    assert!(!ended.exists() && journals(&folder).len() == 2);
}

#[test]
fn a_journal_that_cannot_be_written_any_more_does_not_hide_what_is_on_its_way() {
    use std::io::{BufRead, BufReader};

    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("lost");
    std::fs::create_dir(folder.0.join("there")).unwrap();
    let journal = folder.0.join("there").join("job.json");
    let args = [&SYNC[..], &["--journal", journal.to_str().unwrap()]].concat();
    let mut child = cvm(&local, &folder, &args).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("ap-guangzhou: img-")).unwrap();
    std::fs::rename(folder.0.join("there"), folder.0.join("gone")).unwrap();
    local.advance(Duration::from_secs(60));
    let last_words = lines.collect::<Vec<_>>().join("\n");
    assert_eq!(child.wait().unwrap().code(), Some(1), "{last_words}");
    assert!(last_words.contains("cannot write the journal"), "{last_words}");
    let is_named = |region| {
        let copies = local.images(region);
        let copy = copies.iter().find(|image| image.image_name == "base-ubuntu-22.04").unwrap();
        last_words.contains(&format!("{} in {region}", copy.image_id))
    };
    assert!(is_named("ap-guangzhou") || is_named("ap-beijing"), "the other had ended: {last_words}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_sync_is_not_complete() {
    use std::io::{BufRead, BufReader};

    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("incomplete");
    let mut child = cvm(&local, &folder, &[&SYNC[..], &["--output", "json", "-v"]].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("SyncImages")).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    lines.for_each(drop);
    let report = Ran::from(child.wait_with_output().unwrap()).ended_with(130).json();
    assert_eq!(report["destinations"][0]["outcome"], "started", "{report}");
    assert_eq!(report["complete"], false, "it was to wait: {report}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_sync_says_what_continues() {
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
