//! The exit codes: what the manual says of them, and that each is what a script gets.

use std::process::Command;

use cvm_local::{Clock, CvmLocal, Fault};
use serde_json::json;

use crate::answering::Answering;
use crate::command::{Folder, Ran, at, cvm, run};
use crate::hanging::Hanging;

/// The codes with their meaning, as `cvm --help` lists them.
fn in_the_help() -> Vec<(String, String)> {
    let help = run(&["--help"]).ended_with(0).out;
    let lines = help.split_once("Exit codes:\n").unwrap().1.lines().take_while(|line| !line.is_empty());
    let pair = |line: &str| {
        let (code, meaning) = line.trim().split_once(' ').unwrap();
        (code.to_owned(), meaning.trim().to_owned())
    };
    lines.map(pair).collect()
}

#[test]
fn the_page_and_the_manual_say_the_same_of_each_code() {
    let codes = in_the_help();
    assert_eq!(codes.len(), 10, "{codes:?}");
    let page = include_str!("../../../../docs/command-output.md");
    let table = page.split_once("| code | meaning |\n|---|---|\n").unwrap().1;
    let rows: Vec<&str> = table.lines().take_while(|line| !line.is_empty()).collect();
    let of_help: Vec<String> =
        codes.iter().map(|(code, meaning)| format!("| {code} | {meaning} |")).collect();
    assert_eq!(rows, of_help);
    let manual = run(&["man"]).ended_with(0).out.replace("\\-", "-").replace("\\*(Aq", "'");
    for (code, meaning) in codes {
        assert!(manual.contains(&code) && manual.contains(&meaning), "{code}: {meaning}");
    }
}

fn check(command: &mut Command, code: i32, parts: &[&str]) -> Ran {
    let ran: Ran = command.output().unwrap().into();
    let ran = ran.ended_with(code);
    let told = format!("{}{}", ran.out, ran.err);
    assert!(parts.iter().all(|part| told.contains(part)), "{parts:?}: {ran:?}");
    ran
}

#[test]
fn trouble_on_this_side_and_no_answer_are_1() {
    let folder = Folder::new("code-1");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = port.local_addr().unwrap().port().to_string();
    check(&mut cvm(&["local", "--port", &taken]), 1, &["port"]);
    check(&mut cvm(&["man", "--dir", "/no/such/folder"]), 1, &["/no/such/folder"]);
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut call = at(&local, &["call", "DescribeRegions"]);
    check(call.env("TENCENTCLOUD_ENDPOINT", format!("http://{nobody}")), 1, &["DescribeRegions"]);
    local.faults().push(Fault::status(502, "").on("DescribeRegions")).unwrap();
    check(&mut at(&local, &["call", "DescribeRegions"]), 1, &["502"]);
    // A job that another process is running.
    let sync = ["sync", "img-o3ycss2p", "--to", "ap-guangzhou"];
    let way = Hanging::at(&local, "SyncImages");
    let mut first = way.command(&local, &sync).env("XDG_STATE_HOME", &folder.0).spawn().unwrap();
    way.wait();
    let id = at(&local, &["jobs", "--output", "json"]).env("XDG_STATE_HOME", &folder.0).output().unwrap();
    let id = Ran::from(id).json()[0]["id"].as_str().unwrap().to_owned();
    for again in [&sync[..], &["sync", "--resume"], &["sync", "--resume", &id], &["jobs", "forget", &id]] {
        check(way.command(&local, again).env("XDG_STATE_HOME", &folder.0), 1, &[]);
    }
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn a_mistake_is_2_and_changes_nothing() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("code-2");
    for args in [
        &[][..],
        &["nothing"],
        &["call"],
        &["call", "DescribeImages", "--no-such-option"],
        &["call", "DescribeImages", "Limit"],
        &["call", "DescribeImages", "--query", "nofunc(x)"],
        &["call", "DescribeImages", "--region", "no region"],
        &["call", "DescribeRegions", "--endpoint", "ftp://host"],
        &["sync", "img-o3ycss2p", "--to", "ap-beijing", "--timeout", "soon"],
        &["sync", "img-o3ycss2p", "--to", "Guangzhou!"],
        // What the service has to be asked for.
        &["sync", "img-o3ycss2p", "--to", "ap-beijing", "--max-size", "1"],
        &["sync", "--resume", "0123ab"],
        &["jobs", "forget", "0123ab"],
        &["describe", "NoSuchAction"],
        &["config", "show", "--profile", "nobody"],
    ] {
        let mut command = at(&local, args);
        check(command.env("XDG_STATE_HOME", &folder.0), 2, &[]);
    }
    let changes = local.requests().into_iter().filter(|request| !request.action.starts_with("Describe"));
    assert_eq!(changes.count(), 0);
}

#[test]
fn a_sync_ends_with_3_4_or_5_by_what_is_missing() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let good = "img-o3ycss2p";
    for (args, fault, code, parts) in [
        // All ids are bad; some are.
        (&["img-00000000", "--to", "ap-beijing"][..], None, 5, &["InvalidImageId.NotFound"][..]),
        (
            &["img-00000000", "img-00000001", "--to", "ap-beijing,ap-tokyo"],
            None,
            5,
            &["InvalidImageId.NotFound"],
        ),
        (&[good, "img-00000000", "--to", "ap-beijing", "--dry-run"], None, 3, &["planned", "failed"]),
        // A region that is not served, alone and beside others.
        (&[good, "--to", "ap-mumbai"], None, 5, &["UnsupportedRegion", "ap-mumbai"]),
        (&[good, "--to", "ap-beijing,ap-mumbai"], None, 5, &["UnsupportedRegion", "ap-mumbai"]),
        (
            &[good, "--to", "ap-beijing"],
            Some(Fault::error("UnauthorizedOperation").on("SyncImages")),
            3,
            &["failed"],
        ),
        (
            &[good, "--to", "ap-beijing"],
            Some(Fault::error("AuthFailure.SecretIdNotFound")),
            5,
            &["AuthFailure"],
        ),
        (&[good, "--to", "ap-beijing", "--timeout", "1s"], None, 4, &["timed_out"]),
    ] {
        local.reset();
        local.faults().clear();
        if let Some(fault) = fault {
            local.faults().push(fault).unwrap();
        }
        let folder = Folder::new("code-345");
        let args = [&["sync"], args].concat();
        check(at(&local, &args).env("XDG_STATE_HOME", &folder.0), code, parts);
    }
}

#[test]
fn the_service_refuses_with_5_the_time_is_over_with_4_and_an_expression_does_not_fit_with_6() {
    let local = CvmLocal::start().unwrap();
    check(&mut at(&local, &["call", "DescribeSomethingNew"]), 5, &["InvalidAction"]);
    let way = Hanging::at(&local, "DescribeImages");
    for args in [&["call", "DescribeImages"][..], &["images"], &["quota", "--regions", "ap-beijing"]] {
        let mut command = way.command(&local, args);
        check(command.env("TENCENTCLOUD_CALL_TIMEOUT", "300ms"), 4, &["DescribeImages"]);
    }
    for query in ["length(TotalCount)", "abs(ImageSet)", "sort_by(ImageSet, &Tags)"] {
        let service =
            Answering::with(|_| json!({ "TotalCount": 1, "ImageSet": [{ "Tags": {} }, { "Tags": {} }] }));
        check(
            &mut service.command(&["call", "DescribeImages", "--query", query]),
            6,
            &["TotalCount", "--query"],
        );
    }
}

#[test]
fn of_several_regions_the_worst_code_counts() {
    let local = CvmLocal::start().unwrap();
    for command in ["images", "quota"] {
        for regions in ["ap-shanghai,ap-beijing,ap-tokyo", "ap-tokyo,ap-beijing,ap-shanghai"] {
            local.faults().clear();
            local.faults().push(Fault::error("UnauthorizedOperation").in_region("ap-beijing")).unwrap();
            local.faults().push(Fault::status(500, "").in_region("ap-tokyo")).unwrap();
            check(&mut at(&local, &[command, "--regions", regions]), 1, &["UnauthorizedOperation"]);
        }
    }
}

#[test]
fn a_command_line_that_cannot_be_read_is_an_object_under_json() {
    for args in [
        &["--output", "json"][..],
        &["--output=json", "nothing"],
        &["call", "--output", "json"],
        &["call", "DescribeImages", "--no-such-option", "--output", "json"],
        &["call", "DescribeImages", "--query", "nofunc(x)", "--local", "--output", "json"],
        &["sync", "img-1", "--to", "a", "--timeout", "soon", "--json"],
        &["images", "--type", "strange", "--output", "json"],
        &["describe", "NoSuchAction", "--output", "json"],
        &["jobs", "forget", "--output", "json"],
    ] {
        let ran = run(args).ended_with(2);
        assert_eq!(ran.out, "", "{args:?}");
        let error: serde_json::Value =
            serde_json::from_str(&ran.err).unwrap_or_else(|_| panic!("{args:?}: {ran:?}"));
        assert_eq!((&error["exit_code"], &error["error"]["kind"]), (&json!(2), &json!("usage")), "{args:?}");
        assert!(error["sentence"].as_str().is_some_and(|sentence| !sentence.contains('\n')), "{error}");
    }
    let text = run(&["call", "--output", "text"]).ended_with(2);
    assert!(text.err.starts_with("error: "), "{text:?}");
    assert!(run(&["--help", "--output", "json"]).ended_with(0).out.contains("Usage:"));
}
