//! `cvm sync --resume`: one job, or all of them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cvm_local::{Clock, CvmLocal, Fault, Seed, SeedImage};
use serde_json::Value;

use crate::command::{Folder, Ran};
use crate::jobs::{SYNC, cvm, jobs, journals, ran, submissions};

fn stepped() -> CvmLocal {
    CvmLocal::builder().clock(Clock::stepped()).start().unwrap()
}

/// Begins a job whose copies are on their way.
fn begin(local: &CvmLocal, folder: &Folder, args: &[&str]) -> Ran {
    ran(&mut cvm(local, folder, &[&["sync"], args, &["--no-wait"]].concat())).ended_with(0)
}

/// Profiles of these names, all with the endpoint's key.
fn profiles(local: &CvmLocal, folder: &Folder, names: &[&str]) {
    let home = folder.0.join(".tencentcloud");
    std::fs::create_dir_all(&home).unwrap();
    let section = |name: &&str| {
        format!("[{name}]\nsecret_id = {}\nsecret_key = {}\n", local.secret_id(), local.secret_key())
    };
    let text: String = names.iter().map(section).collect();
    std::fs::write(home.join("credentials"), text).unwrap();
}

/// The program without a key in its environment.
fn keyless(local: &CvmLocal, folder: &Folder, args: &[&str]) -> Command {
    let mut command = cvm(local, folder, args);
    command.env("HOME", &folder.0);
    command.env_remove("TENCENTCLOUD_SECRET_ID").env_remove("TENCENTCLOUD_SECRET_KEY");
    command
}

#[test]
fn what_cannot_be_resumed() {
    let local = stepped();
    let folder = Folder::new("cannot");
    let resume = |args: &[&str]| ran(&mut cvm(&local, &folder, args)).ended_with(2).err;
    assert!(resume(&["sync", "--resume", "--journal", "no-such-job.json"]).contains("no-such-job.json"));
    assert!(resume(&["sync", "--resume", "0123ab"]).contains("no job `0123ab`"));
    assert!(resume(&["sync", "--resume", "img-o3ycss2p"]).contains("leave img-o3ycss2p out"));
    assert!(resume(&["sync", "--resume", "0123ab", "--journal", "j"]).contains("leave one out"));
    assert!(resume(&["sync", "--resume", "0123ab", "--all"]).contains("leave the ID 0123ab out"));
    assert!(resume(&["sync", "--all", "img-o3ycss2p", "--to", "ap-beijing"]).contains("--resume"));

    let journal = folder.0.join("job.json");
    let journal = journal.to_str().unwrap();
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou", "--journal", journal]);
    let args = ["sync", "--resume", "--journal", journal];
    let held = cvm_journal::Journal::open(journal).unwrap();
    let refused = ran(&mut cvm(&local, &folder, &args)).ended_with(1);
    assert!(refused.err.contains("is in use"), "{refused:?}");
    drop(held);
    std::fs::write(journal, "half of a jour").unwrap();
    let broken = ran(&mut cvm(&local, &folder, &args)).ended_with(1);
    assert!(
        broken.err.contains("job.json") && broken.err.contains("not the state of a sync job"),
        "{broken:?}"
    );
}

#[test]
fn with_a_job_that_is_resumed_no_option_of_a_job_goes() {
    let local = stepped();
    let folder = Folder::new("no-options");
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou"]);
    local.clear_requests();
    for option in [
        "img-o3ycss2p",
        "--from=ap-shanghai",
        "--to=ap-guangzhou",
        "--name=other",
        "--encrypt",
        "--kms-key-id=key",
        "--max-size=100",
        "--on-conflict=fail",
        "--same-attributes",
        "--dry-run",
    ] {
        let refused = ran(&mut cvm(&local, &folder, &["sync", option, "--resume"])).ended_with(2);
        let name = option.split('=').next().unwrap().replace("img-o3ycss2p", "IMAGE");
        assert!(refused.err.contains("--resume") && refused.err.contains(&name), "{option}: {refused:?}");
    }
    assert_eq!(local.requests().len(), 0);
}

#[test]
fn a_job_is_resumed_by_its_id_also_one_that_has_ended() {
    let local = stepped();
    let folder = Folder::new("by-id");
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou"]);
    begin(&local, &folder, &["img-7kq2v9ta", "--to", "ap-beijing"]);
    let several = ran(&mut cvm(&local, &folder, &["sync", "--resume"])).ended_with(2);
    assert!(several.err.contains("several jobs") && several.err.contains("--all"), "{several:?}");
    local.advance(Duration::from_secs(600));
    let id =
        jobs(&local, &folder).iter().find(|job| job["images"][0] == "img-7kq2v9ta").unwrap()["id"].clone();
    let id = id.as_str().unwrap();
    let ended = ran(&mut cvm(&local, &folder, &["sync", "--resume", id])).ended_with(0);
    assert!(ended.out.contains("img-7kq2v9ta  ap-beijing  copied"), "{ended:?}");

    // One that has ended is looked at, and nothing is started where its copy is gone.
    let copies = local.images("ap-beijing");
    let copy = copies.iter().find(|image| image.image_name == "web-tencentos-4").unwrap();
    let delete = format!("ImageIds.0={}", copy.image_id);
    ran(&mut cvm(&local, &folder, &["call", "DeleteImages", "--region", "ap-beijing", &delete]))
        .ended_with(0);
    local.clear_requests();
    let looked = ran(&mut cvm(&local, &folder, &["sync", "--resume", id])).ended_with(3);
    assert!(looked.out.contains("gone") && looked.err.contains(&copy.image_id), "{looked:?}");
    assert_eq!(submissions(&local), 0);
    ran(&mut cvm(&local, &folder, &["sync", "--resume"])).ended_with(0);
}

#[test]
fn a_broken_file_among_the_journals_is_named_and_stops_no_good_job() {
    let local = stepped();
    let folder = Folder::new("broken");
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou"]);
    std::fs::write(journals(&folder)[0].with_file_name("odd.json"), "half of a jour").unwrap();
    let list = ran(&mut cvm(&local, &folder, &["jobs"])).ended_with(0);
    assert!(list.out.contains("broken") && list.out.contains("interrupted"), "{list:?}");
    local.advance(Duration::from_secs(60));
    let resumed = ran(&mut cvm(&local, &folder, &["sync", "--resume"])).ended_with(0);
    assert!(resumed.err.contains("odd.json") && resumed.err.contains("cvm jobs forget"), "{resumed:?}");
    assert!(resumed.out.contains("copied"), "{resumed:?}");
    let id = jobs(&local, &folder).iter().find(|job| job["state"] == "broken").unwrap()["id"].clone();
    ran(&mut cvm(&local, &folder, &["jobs", "forget", id.as_str().unwrap()])).ended_with(0);
    assert_eq!(journals(&folder).len(), 1);
}

#[test]
fn all_jobs_are_resumed_each_with_the_profile_that_it_was_begun_with() {
    let local = stepped();
    let folder = Folder::new("profiles");
    profiles(&local, &folder, &["one", "two"]);
    let sync = |region, profile| ["sync", "img-o3ycss2p", "--to", region, "--profile", profile, "--no-wait"];
    ran(&mut keyless(&local, &folder, &sync("ap-guangzhou", "one"))).ended_with(0);
    local.advance(Duration::from_secs(600));
    // By the environment it is named as well.
    let by_variable = &sync("ap-beijing", "two")[..4];
    let mut command = keyless(&local, &folder, &[by_variable, &["--no-wait"]].concat());
    ran(command.env("TENCENTCLOUD_PROFILE", "two")).ended_with(0);
    local.advance(Duration::from_secs(600));

    // Neither a profile nor a key is at hand but what the jobs know.
    let all = ran(&mut keyless(&local, &folder, &["sync", "--resume", "--all"])).ended_with(0);
    assert_eq!(all.out.matches("copied").count(), 2, "{all:?}");
    for profile in ["with the profile one", "with the profile two"] {
        assert!(all.err.contains(profile), "{all:?}");
    }
    for (args, json) in [(&["--all"][..], serde_json::json!([])), (&[], serde_json::Value::Null)] {
        let resume = [&["sync", "--resume"], args].concat();
        let nothing = ran(&mut keyless(&local, &folder, &resume)).ended_with(0);
        assert!(nothing.out.is_empty() && nothing.err.contains("no job to resume"), "{nothing:?}");
        let printed = ran(&mut keyless(&local, &folder, &[&resume[..], &["--output", "json"]].concat()));
        assert_eq!(printed.ended_with(0).json(), json);
    }
}

#[test]
fn what_cannot_be_resumed_here_is_passed_over_in_a_line_and_the_others_are_resumed() {
    let (local, other) = (stepped(), stepped());
    let folder = Folder::new("passed-over");
    profiles(&local, &folder, &["away"]);
    ran(&mut keyless(
        &local,
        &folder,
        &["sync", "img-o3ycss2p", "--to", "ap-tokyo", "--profile", "away", "--no-wait"],
    ))
    .ended_with(0);
    local.advance(Duration::from_secs(600));
    begin(&other, &folder, &["img-o3ycss2p", "--to", "ap-seoul"]);
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-beijing"]);
    local.advance(Duration::from_secs(600));
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou"]);
    local.advance(Duration::from_secs(600));
    profiles(&local, &folder, &["something-else"]);
    std::fs::write(journals(&folder)[0].with_file_name("odd.json"), "half of a jour").unwrap();
    let journal = |region: &str| {
        let all = jobs(&local, &folder);
        let job = all.iter().find(|job| job["regions"][0] == region).unwrap();
        (job["id"].as_str().unwrap().to_owned(), job["journal"].as_str().unwrap().to_owned())
    };
    let held = cvm_journal::Journal::open(journal("ap-beijing").1).unwrap();

    let mut command = cvm(&local, &folder, &["sync", "--resume", "--all"]);
    let all = ran(command.env("HOME", &folder.0)).ended_with(3);
    assert!(all.out.contains("ap-guangzhou  copied") && all.out.matches("copied").count() == 1, "{all:?}");
    let line = |id: &str, why: &str| {
        let mut lines = all.err.lines().filter(|line| line.starts_with("cvm: passing over the job "));
        assert!(lines.any(|line| line.contains(id) && line.contains(why)), "{id} {why}: {all:?}");
    };
    line(&journal("ap-tokyo").0, "there is no profile `away`");
    line(&journal("ap-seoul").0, "its endpoint is 127.0.0.1:");
    line(&journal("ap-beijing").0, "is in use");
    line("odd.json", "cvm jobs forget");
    drop(held);

    let args = ["sync", "--resume", "--all", "--output", "json"];
    let list = ran(cvm(&local, &folder, &args).env("HOME", &folder.0)).ended_with(3).json();
    let events: Vec<&str> =
        list.as_array().unwrap().iter().map(|job| job["event"].as_str().unwrap()).collect();
    assert_eq!(events.iter().filter(|event| **event == "passed_over").count(), 3, "{list}");
    assert_eq!(events.iter().filter(|event| **event == "report").count(), 1, "{list}");
    let resumed = list.as_array().unwrap().iter().find(|job| job["event"] == "report").unwrap();
    assert_eq!((&resumed["exit_code"], &resumed["complete"]), (&0.into(), &true.into()), "{list}");
}

#[test]
fn of_several_jobs_the_worst_code_counts() {
    let local = stepped();
    let folder = Folder::new("worst");
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou"]);
    begin(&local, &folder, &["img-7kq2v9ta", "--to", "ap-beijing"]);
    let all = ["sync", "--resume", "--all", "--timeout", "1s"];
    ran(&mut cvm(&local, &folder, &all)).ended_with(4);
    let odd = journals(&folder)[0].with_file_name("odd.json");
    std::fs::write(&odd, "half of a jour").unwrap();
    ran(&mut cvm(&local, &folder, &all)).ended_with(3);
    local.faults().push(Fault::error("UnauthorizedOperation").on("DescribeImages")).unwrap();
    let refused = ran(&mut cvm(&local, &folder, &all)).ended_with(5);
    assert!(refused.err.contains("UnauthorizedOperation"), "{refused:?}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_job_that_is_resumed_and_begins_no_other() {
    use std::io::{BufRead, BufReader};

    let local = stepped();
    let folder = Folder::new("all-signalled");
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou"]);
    begin(&local, &folder, &["img-7kq2v9ta", "--to", "ap-beijing"]);
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut child = cvm(&local, &folder, &["sync", "--resume", "--all"]).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let first = lines.find(|line| line.contains(": img-") && line.contains("SYNCING")).unwrap();
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let last_words = lines.collect::<Vec<_>>().join("\n");
        let output: Ran = child.wait_with_output().unwrap().into();
        assert_eq!(output.code, Some(code), "{last_words}");
        assert!(last_words.contains("cvm: resume it with:"), "{last_words}");
        assert_eq!(output.out.matches("started").count(), 1, "{first}: {output:?}");
    }
}

#[test]
fn on_the_embedded_endpoint_no_real_job_is_resumed_and_no_embedded_one_elsewhere() {
    let local = stepped();
    let folder = Folder::new("embedded");
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou"]);
    let before = std::fs::read(&journals(&folder)[0]).unwrap();
    let run = |args: &[&str]| {
        let mut command = cvm(&local, &folder, args);
        ran(command.env_remove("TENCENTCLOUD_ENDPOINT").env("TENCENTCLOUD_PROXY", "http://127.0.0.1:1"))
    };
    let refused = run(&["sync", "--resume", "--local"]).ended_with(2);
    assert!(refused.err.contains("not the embedded endpoint"), "{refused:?}");
    assert_eq!(std::fs::read(&journals(&folder)[0]).unwrap(), before);

    let journal = folder.0.join("embedded.json");
    let journal = journal.to_str().unwrap();
    let begun = [&SYNC[..], &["--local", "--journal", journal, "--no-wait"]].concat();
    let begun = run(&begun).ended_with(0);
    assert!(!begun.err.contains("resume it with"), "nobody can: {begun:?}");
    let refused = run(&["sync", "--resume", "--journal", journal]).ended_with(2);
    assert!(refused.err.contains("its endpoint is the embedded endpoint"), "{refused:?}");
    // Nor by another embedded endpoint, which knows nothing of it.
    for again in [&["sync", "--resume"][..], &SYNC] {
        let refused = run(&[again, &["--local", "--journal", journal]].concat()).ended_with(2);
        assert!(refused.err.contains("has ended with that command: remove the file"), "{refused:?}");
    }
}

#[test]
fn the_hint_leads_back_to_endpoint_and_account_and_can_be_typed() {
    let local = stepped();
    let folder = Folder::new("hint's folder");
    profiles(&local, &folder, &["prod"]);
    let options = ["--profile", "prod", "--endpoint", local.endpoint(), "--region", "ap-shanghai"];
    let args = [&SYNC[..], &["--no-wait"], &options].concat();
    let mut command = keyless(&local, &folder, &args);
    let begun = ran(command.env_remove("TENCENTCLOUD_ENDPOINT")).ended_with(0);
    let hint = begun.err.lines().find_map(|line| line.strip_prefix("cvm: resume it with: cvm ")).unwrap();
    assert!(hint.ends_with(&options.join(" ")), "{hint}");
    local.advance(Duration::from_secs(60));
    // As a shell reads it, with nothing of the first command's environment.
    let program = Path::new(env!("CARGO_BIN_EXE_cvm")).display();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("'{program}' {hint}")]).env_clear().env("HOME", &folder.0);
    let resumed = ran(&mut shell).ended_with(0);
    assert_eq!(resumed.out.matches("copied").count(), 2, "{resumed:?}");
}

#[test]
fn each_option_of_a_run_takes_effect_on_a_job_that_is_resumed() {
    let folder = Folder::new("run-options");
    let resume = |local: &CvmLocal, args: &[&str]| -> (Option<i32>, Value) {
        let args = [&["sync", "--output", "json", "--resume"], args].concat();
        let ran = ran(&mut cvm(local, &folder, &args));
        (ran.code, ran.json()["destinations"][0].clone())
    };
    let why = |destination: &Value| destination["error"]["message"].as_str().unwrap_or_default().to_owned();
    let forget = |local: &CvmLocal| {
        for job in jobs(local, &folder) {
            ran(&mut cvm(local, &folder, &["jobs", "forget", job["id"].as_str().unwrap()])).ended_with(0);
        }
    };

    // A copy that does not end.
    let local = stepped();
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou"]);
    let (code, destination) = resume(&local, &["--timeout", "1s"]);
    assert!(code == Some(4) && why(&destination).contains("(timeout)"), "{destination}");
    let (code, destination) = resume(&local, &["--destination-timeout", "1s"]);
    assert!(code == Some(4) && why(&destination).contains("(destination_timeout)"), "{destination}");
    let (code, destination) = resume(&local, &["--no-wait"]);
    assert_eq!((code, &destination["outcome"]), (Some(0), &"started".into()));
    let events = ran(&mut cvm(&local, &folder, &["sync", "--resume", "--no-wait", "--json"])).ended_with(0);
    let report: Value = serde_json::from_str(events.out.lines().last().unwrap()).unwrap();
    assert_eq!((&report["event"], &report["finished"]), (&"report".into(), &false.into()));
    // Nothing of these limits was kept.
    local.advance(Duration::from_secs(60));
    assert_eq!(resume(&local, &[]).0, Some(0));
    forget(&local);

    // A request whose answer was lost, and which had never arrived.
    let local = stepped();
    local.faults().push(Fault::drop_before().on("SyncImages")).unwrap();
    let mut killed = cvm(&local, &folder, &["sync", "img-o3ycss2p", "--to", "ap-guangzhou"]).spawn().unwrap();
    let is_sent = || local.requests().iter().any(|request| request.action == "SyncImages");
    while !is_sent() {
        assert!(killed.try_wait().unwrap().is_none(), "it ended before its request");
        std::thread::sleep(Duration::from_millis(5));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    local.faults().clear();
    let (code, destination) = resume(&local, &["--settle", "0s", "--no-wait"]);
    assert_eq!((code, &destination["outcome"]), (Some(0), &"started".into()), "{destination}");
    forget(&local);

    // A copy that fails.
    let local = stepped();
    local.faults().push(Fault::copy_fails()).unwrap();
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou"]);
    local.advance(Duration::from_secs(600));
    let deletions = || local.requests().iter().filter(|request| request.action == "DeleteImages").count();
    let (code, destination) = resume(&local, &["--delete-failed"]);
    assert_eq!((code, deletions()), (Some(3), 1), "{destination}");
    forget(&local);

    // An image that was merely found.
    let mut seed = Seed::default();
    let mut twin = SeedImage::new("img-twin0000", "ap-guangzhou", "base-ubuntu-22.04");
    (twin.size_gib, twin.created) = (50, "2026-06-01T00:00:00Z".into());
    seed.accounts[0].images.push(twin);
    let local = CvmLocal::builder().seed(seed).clock(Clock::stepped()).start().unwrap();
    begin(&local, &folder, &["img-o3ycss2p", "--to", "ap-guangzhou"]);
    let id = jobs(&local, &folder)[0]["id"].clone();
    let id = id.as_str().unwrap();
    let (code, destination) = resume(&local, &[id]);
    assert_eq!((code, &destination["basis"]), (Some(0), &"found".into()), "{destination}");
    let (code, destination) = resume(&local, &[id, "--own-copies"]);
    assert_eq!((code, &destination["outcome"]), (Some(3), &"conflict".into()), "{destination}");
}
