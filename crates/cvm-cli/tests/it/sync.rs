//! `cvm sync` on the embedded endpoint.

use crate::command::run;

const FROM: [&str; 4] = ["--from", "ap-shanghai", "--local", "--to"];

#[test]
fn the_main_command_carries_the_image_to_every_region() {
    let ran =
        run(&[&["sync", "img-o3ycss2p"][..], &FROM, &["ap-guangzhou,ap-beijing"]].concat()).ended_with(0);
    let rows: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 3, "{ran:?}");
    assert_eq!(rows[0], ["IMAGE", "REGION", "OUTCOME", "COPY", "TIME"]);
    for (row, region) in rows[1..].iter().zip(["ap-guangzhou", "ap-beijing"]) {
        assert_eq!(row[..3], ["img-o3ycss2p", region, "copied"], "{ran:?}");
        assert!(row[3].starts_with("img-") && row[3] != "img-o3ycss2p", "{ran:?}");
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
    let report = run(&args).ended_with(0).json();
    assert_eq!(report["complete"], true);
    let image = &report["images"][0];
    assert_eq!(image["source_region"], "ap-shanghai");
    let destination = &image["destinations"][0];
    assert_eq!(destination["source"], "img-o3ycss2p");
    assert_eq!(destination["region"], "ap-guangzhou");
    assert!(destination["request_ids"][0].is_string());
    assert_eq!(destination["outcome"], "copied");
    assert!(destination["image_id"].is_string() && destination["elapsed_seconds"].is_number());
}

#[test]
fn an_image_that_is_not_there_is_refused() {
    let ran = run(&[&["sync", "img-00000000"][..], &FROM, &["ap-guangzhou"]].concat()).ended_with(5);
    assert!(ran.err.contains("InvalidImageId.NotFound") && ran.err.contains("img-00000000"), "{ran:?}");
}

#[test]
fn one_image_that_cannot_be_copied_stops_no_other() {
    let args =
        [&["sync", "img-toolarge", "img-o3ycss2p", "img-o3ycss2p"][..], &FROM, &["ap-guangzhou"]].concat();
    let ran = run(&[&args[..], &["--output", "json"]].concat()).ended_with(3);
    let report = ran.json();
    assert_eq!(report["complete"], false);
    let images = report["images"].as_array().unwrap();
    // Named twice, copied once.
    assert_eq!(images.len(), 2, "{report}");
    assert_eq!(images[1]["destinations"][0]["outcome"], "copied");
}

#[test]
fn a_destination_without_the_image_is_told_by_code_and_request_id() {
    let ran = run(&[&["sync", "img-o3ycss2p"][..], &FROM, &["ap-mumbai"]].concat()).ended_with(3);
    assert!(ran.out.contains("ap-mumbai") && ran.out.contains("failed"), "{ran:?}");
    assert!(ran.err.contains("UnsupportedRegion") && ran.err.contains("request id"), "{ran:?}");
}

#[test]
fn an_end_of_time_is_an_exit_code_of_its_own() {
    let ran = run(&[&["sync", "img-o3ycss2p"][..], &FROM, &["ap-guangzhou", "--timeout", "1s"]].concat())
        .ended_with(4);
    assert!(ran.out.contains("timed_out") && ran.out.contains("img-"), "{ran:?}");
}
