//! What a user can get wrong before anything is sent: one sentence, exit code 2.

use crate::command::{Ran, cvm, run};

/// A mistake, and what the sentence on stderr has to hold.
fn check(args: &[&str], parts: &[&str]) {
    let ran = run(args);
    assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
    assert_eq!(ran.out, "", "{args:?}");
    for part in parts {
        assert!(ran.err.contains(part), "{args:?} does not say {part:?}: {ran:?}");
    }
}

#[test]
fn of_sync() {
    check(&["sync"], &["<IMAGE>"]);
    check(&["sync", "img-o3ycss2p", "--from", "ap-shanghai"], &["--to"]);
    check(&["sync", "img-o3ycss2p", "--to", "ap-beijing", "--local"], &["source region", "--from"]);
    let to = |region| ["sync", "img-o3ycss2p", "--from", "ap-shanghai", "--local", "--to", region];
    check(&to("ap-shanghai"), &["cvm: ", "ap-shanghai"]);
    check(&to("ap-shenzhen-fsi"), &["finance"]);
    check(&to("Guangzhou!"), &["region `Guangzhou!`"]);
    check(&to(","), &["list of regions is empty"]);
    let args = [
        "sync",
        "img-o3ycss2p",
        "--from",
        "ap-shanghai",
        "--to",
        "ap-beijing",
        "--local",
        "--timeout",
        "soon",
    ];
    check(&args, &["--timeout", "soon"]);
}

#[test]
fn of_credentials() {
    check(&["call", "DescribeRegions"], &["no credential", "TENCENTCLOUD_SECRET_ID"]);
    let ran: Ran = cvm(&["call", "DescribeRegions"])
        .env("TENCENTCLOUD_SECRET_ID", "AKIDexample")
        .output()
        .unwrap()
        .into();
    assert!(ran.ended_with(2).err.contains("TENCENTCLOUD_SECRET_KEY"));
    let ran: Ran = cvm(&["call", "DescribeRegions"])
        .env("TENCENTCLOUD_SECRET_ID", "AKIDexample")
        .env("TENCENTCLOUD_SECRET_KEY", "copied with its line break\n")
        .output()
        .unwrap()
        .into();
    let ran = ran.ended_with(2);
    assert!(ran.err.contains("secret_key") && !ran.err.contains("copied"), "{ran:?}");
}

#[test]
fn of_settings() {
    check(
        &["call", "DescribeRegions", "--local", "--endpoint", "http://127.0.0.1:1"],
        &["--local", "--endpoint"],
    );
    check(&["call", "DescribeImages", "--local"], &["no region", "--region", "TENCENTCLOUD_REGION"]);
    check(&["call", "DescribeImages", "--local", "--dry-run", "--query", "x"], &["--dry-run", "--query"]);
    check(&["call", "DescribeRegions", "--output", "xml"], &["xml", "table", "json"]);
    let ran: Ran = cvm(&["call", "DescribeRegions", "--endpoint", "ftp://host"])
        .env("TENCENTCLOUD_SECRET_ID", "AKIDexample")
        .env("TENCENTCLOUD_SECRET_KEY", "not-a-real-key")
        .output()
        .unwrap()
        .into();
    assert!(ran.ended_with(2).err.contains("endpoint `ftp://host`"));
}

#[test]
fn of_parameters() {
    check(&["call", "DescribeImages", "--local", "Limit"], &["`Limit`", "KEY=VALUE"]);
    check(&["call", "DescribeImages", "--local", "Limit:=many"], &["`Limit`", "JSON"]);
    check(&["call", "DescribeImages", "--local", "ImageIds.1=img-o3ycss2p"], &["ImageIds"]);
    check(&["call", "DescribeImages", "--local", "--json", "no-such-file.json"], &["no-such-file.json"]);
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    check(
        &["call", "DescribeImages", "--local", "--json", manifest],
        &["--json: ", "Cargo.toml:1: is not JSON"],
    );
}

#[test]
fn the_sentence_is_an_object_for_programs() {
    let ran = run(&["call", "DescribeRegions", "--output", "json"]).ended_with(2);
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["exit_code"], 2);
    assert_eq!(error["error"]["kind"], "config");
}

#[test]
fn help_tells_the_exit_codes() {
    let help = run(&["--help"]).ended_with(0).out;
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "129 ", "130 ", "143 "] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(code)), "{code}: {help}");
    }
}
