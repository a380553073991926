//! `cvm sync` on the embedded endpoint.

use crate::command::{Folder, Ran, at, run};
use cvm_local::{Clock, CvmLocal, Fault, Seed, SeedImage};

const FROM: [&str; 4] = ["--from", "ap-shanghai", "--local", "--to"];

#[test]
fn the_main_command_carries_the_image_to_every_region() {
    let ran =
        run(&[&["sync", "img-o3ycss2p"][..], &FROM, &["ap-guangzhou,ap-beijing"]].concat()).ended_with(0);
    let rows: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 3, "{ran:?}");
    assert_eq!(rows[0], ["IMAGE", "REGION", "OUTCOME", "BASIS", "COPY", "TIME"]);
    for (row, region) in rows[1..].iter().zip(["ap-guangzhou", "ap-beijing"]) {
        assert_eq!(row[..4], ["img-o3ycss2p", region, "copied", "answered"], "{ran:?}");
        assert!(row[4].starts_with("img-") && row[4] != "img-o3ycss2p", "{ran:?}");
    }
    // Plain lines, since stderr is no terminal: the percentage rises, and each region ends.
    assert!(ran.err.contains("ap-guangzhou: img-") && ran.err.contains(" % after "), "{ran:?}");
    assert!(ran.err.contains("ap-beijing: copied after "), "{ran:?}");
    assert!(!ran.err.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn programs_get_the_whole_report() {
    let args =
        [&["sync", "img-o3ycss2p"][..], &FROM, &["ap-guangzhou", "--output", "json", "--name", "golden"]]
            .concat();
    let ran = run(&args).ended_with(0);
    assert_eq!(ran.err, "", "stderr is for errors alone");
    let report = ran.json();
    assert_eq!(report["complete"], true);
    assert_eq!(report["source_region"], "ap-shanghai");
    let destination = &report["destinations"][0];
    assert_eq!(destination["source"], "img-o3ycss2p");
    assert_eq!(destination["region"], "ap-guangzhou");
    assert!(destination["request_ids"][0].is_string());
    assert_eq!(destination["outcome"], "copied");
    assert!(destination["image_id"].is_string() && destination["elapsed_seconds"].is_number());
    assert_eq!(
        (&destination["basis"], &destination["image"]["name"]),
        (&"answered".into(), &"golden".into())
    );
}

#[test]
fn an_image_that_is_not_there_is_refused() {
    let ran = run(&[&["sync", "img-00000000"][..], &FROM, &["ap-guangzhou"]].concat()).ended_with(5);
    assert!(ran.err.contains("InvalidImageId.NotFound") && ran.err.contains("img-00000000"), "{ran:?}");
    let args = [&["sync", "img-00000000", "--output", "json"][..], &FROM, &["ap-guangzhou"]].concat();
    let ran = run(&args).ended_with(5);
    let error: serde_json::Value = serde_json::from_str(&ran.err).expect("stderr is the error alone");
    assert_eq!(error["exit_code"], 5);
}

#[test]
fn one_image_that_cannot_be_copied_stops_no_other() {
    let args =
        [&["sync", "img-toolarge", "img-o3ycss2p", "img-o3ycss2p"][..], &FROM, &["ap-guangzhou"]].concat();
    let ran = run(&[&args[..], &["--output", "json"]].concat()).ended_with(3);
    let report = ran.json();
    assert_eq!(report["complete"], false);
    let destinations = report["destinations"].as_array().unwrap();
    // Named twice, copied once.
    assert_eq!(destinations.len(), 2, "{report}");
    assert_eq!(destinations[0]["outcome"], "failed");
    assert_eq!(destinations[1]["outcome"], "copied");
}

#[test]
fn a_destination_without_the_image_is_told_by_code_and_request_id() {
    let local = CvmLocal::builder().clock(Clock::scaled(60.0)).start().unwrap();
    local
        .faults()
        .push(Fault::error("UnauthorizedOperation").on("DescribeImages").in_region("ap-tokyo"))
        .unwrap();
    let ran: Ran =
        at(&local, &["sync", "img-o3ycss2p", "--to", "ap-tokyo,ap-guangzhou"]).output().unwrap().into();
    let ran = ran.ended_with(3);
    assert!(ran.out.contains("ap-tokyo") && ran.out.contains("failed"), "{ran:?}");
    assert!(ran.err.contains("UnauthorizedOperation") && ran.err.contains("request id"), "{ran:?}");
}

#[test]
fn an_end_of_time_is_an_exit_code_of_its_own() {
    let ran = run(&[&["sync", "img-o3ycss2p"][..], &FROM, &["ap-guangzhou", "--timeout", "1s"]].concat())
        .ended_with(4);
    assert!(ran.out.contains("timed_out") && ran.out.contains("img-"), "{ran:?}");
}

#[test]
fn a_dry_run_says_what_would_happen_and_starts_nothing() {
    let local = CvmLocal::start().unwrap();
    let args = ["sync", "img-o3ycss2p", "--to", "ap-guangzhou,me-saudi-arabia", "--dry-run"];
    let ran: Ran = at(&local, &args).output().unwrap().into();
    let ran = ran.ended_with(3);
    assert!(ran.out.contains("planned") && ran.err.contains("quota of 2 images"), "{ran:?}");
    assert!(local.images("ap-guangzhou").iter().all(|image| image.image_name != "base-ubuntu-22.04"));
    let ran: Ran =
        at(&local, &["sync", "img-o3ycss2p", "--to", "ap-guangzhou", "--dry-run"]).output().unwrap().into();
    assert!(ran.ended_with(0).out.contains("planned"));
}

#[test]
fn events_come_one_a_line_and_the_report_last() {
    let ran =
        run(&[&["sync", "img-o3ycss2p"][..], &FROM, &["ap-guangzhou", "--json"]].concat()).ended_with(0);
    let lines: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events[..2], ["found", "submitted"], "{ran:?}");
    assert!(events.contains(&"copying") && events.contains(&"ended"), "{ran:?}");
    assert_eq!(events.last(), Some(&"report"), "{ran:?}");
    assert_eq!(lines.last().unwrap()["complete"], true);
    assert_eq!(ran.err, "", "people are not spoken to");
}

#[test]
fn quiet_is_quiet() {
    let ran = run(&[&["sync", "img-o3ycss2p", "-q"][..], &FROM, &["ap-guangzhou"]].concat()).ended_with(0);
    assert_eq!(ran.err, "", "{ran:?}");
    assert!(ran.out.contains("copied"), "{ran:?}");
}

#[test]
fn an_image_that_is_there_is_not_copied_again_and_another_one_is_a_conflict() {
    let local = CvmLocal::builder().clock(Clock::scaled(60.0)).start().unwrap();
    let sync = |args: &[&str]| -> Ran { at(&local, args).output().unwrap().into() };
    sync(&["sync", "img-o3ycss2p", "--to", "ap-guangzhou", "--name", "golden"]).ended_with(0);
    let ran = sync(&["sync", "img-o3ycss2p", "--to", "ap-guangzhou", "--name", "golden"]).ended_with(0);
    assert!(ran.out.contains("present"), "{ran:?}");
    let other = ["sync", "img-7kq2v9ta", "--to", "ap-guangzhou", "--name", "golden"];
    let ran = sync(&other).ended_with(3);
    assert!(ran.out.contains("conflict") && ran.err.contains("its system is"), "{ran:?}");
    let ran = sync(&[&other[..], &["--on-conflict", "skip"]].concat()).ended_with(0);
    assert!(ran.out.contains("skipped"), "{ran:?}");
}

#[test]
fn an_image_that_was_merely_found_is_named_as_such_and_can_be_insisted_against() {
    let mut seed = Seed::default();
    let mut twin = SeedImage::new("img-twin0000", "ap-guangzhou", "base-ubuntu-22.04");
    (twin.size_gib, twin.created) = (50, "2026-06-01T00:00:00Z".into());
    seed.accounts[0].images.push(twin);
    let local = CvmLocal::builder().seed(seed).clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("found");
    let sync = |more: &[&str]| -> Ran {
        let args = [&["sync", "img-o3ycss2p", "--to", "ap-guangzhou"], more].concat();
        at(&local, &args).env("XDG_STATE_HOME", &folder.0).output().unwrap().into()
    };
    let found = sync(&[]).ended_with(0);
    assert!(found.out.contains("present  found  img-twin0000"), "{found:?}");
    let facts = [
        "base-ubuntu-22.04",
        "Ubuntu Server 22.04 LTS 64bit",
        "x86_64",
        "50 GiB",
        "created 2026-06-01T00:00:00Z",
    ];
    let remark = found.err.lines().find(|line| line.contains("img-twin0000 was found")).unwrap();
    assert!(facts.iter().all(|fact| remark.contains(fact)), "{remark}");
    let report = sync(&["--output", "json"]).ended_with(0).json();
    let destination = &report["destinations"][0];
    assert_eq!((&destination["basis"], &destination["image"]["image_size"]), (&"found".into(), &50.into()));
    let refused = sync(&["--own-copies"]).ended_with(3);
    assert!(refused.out.contains("conflict") && refused.err.contains("img-twin0000"), "{refused:?}");
    assert!(local.requests().iter().all(|request| request.action != "SyncImages"));
}
