//! The formats of results: tables, JSON, and text as the AWS command writes it.

use cvm_local::{Clock, CvmLocal, Fault};
use serde_json::json;

use crate::answering::Answering;
use crate::command::{Folder, Ran, at};

fn ran(local: &CvmLocal, args: &[&str]) -> Ran {
    at(local, args).output().unwrap().into()
}

#[test]
fn call_prints_json_unless_another_format_is_asked_for() {
    let service = Answering::with(
        |_| json!({ "TotalCount": 2, "ImageSet": [{ "ImageId": "img-1", "ImageName": "镜像" }, { "ImageId": "img-2" }] }),
    );
    for (args, out) in [
        (&["--query", "TotalCount"][..], "2\n"),
        (&["--output", "text"], "2\nIMAGESET\timg-1\t镜像\nIMAGESET\timg-2\t\n"),
        (&["--output", "text", "--query", "ImageSet[].ImageId"], "img-1\timg-2\n"),
        (&["--output", "text", "--query", "ImageSet[].[ImageId, ImageName]"], "img-1\t镜像\nimg-2\tNone\n"),
        (&["--output", "text", "--query", "ImageSet[0].ImageName"], "镜像\n"),
        (&["--output", "text", "--query", "ImageSet[?ImageId=='img-3']"], ""),
        (&["--output", "text", "--query", "TotalCount == `2`"], "True\n"),
        (&["--output", "text", "--all-pages"], "2\nIMAGESET\timg-1\t镜像\nIMAGESET\timg-2\t\n"),
        (&["--output", "table", "--query", "ImageSet"], "ImageId  ImageName\nimg-1    镜像\nimg-2    -\n"),
        (&["--output", "json", "--query", "ImageSet[].ImageId"], "[\n  \"img-1\",\n  \"img-2\"\n]\n"),
    ] {
        let args = [&["call", "DescribeImages"], args].concat();
        let ran: Ran = service.command(&args).output().unwrap().into();
        assert_eq!(ran.ended_with(0).out, out, "{args:?}");
    }
}

#[test]
fn text_is_exact_so_that_a_key_can_be_written_to_a_file() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
    let service = Answering::with(move |_| json!({ "KeyPair": { "PrivateKey": key } }));
    let args = [
        "call",
        "CreateKeyPair",
        "KeyName=k",
        "ProjectId=0",
        "--query",
        "KeyPair.PrivateKey",
        "--output",
        "text",
    ];
    let ran: Ran = service.command(&args).output().unwrap().into();
    assert_eq!(ran.ended_with(0).out, format!("{key}\n"));
}

#[test]
fn lists_are_tables_with_a_summary_or_rows_of_text() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("lists");
    let mut sync = at(&local, &["sync", "img-o3ycss2p", "--to", "ap-guangzhou", "--no-wait"]);
    Ran::from(sync.env("XDG_STATE_HOME", &folder.0).output().unwrap()).ended_with(0);
    let jobs = folder.0.join("cvm/jobs");
    let journal = std::fs::read_dir(&jobs).unwrap().next().unwrap().unwrap().path();
    for number in 1..=2 {
        std::fs::copy(&journal, jobs.join(format!("another-{number}123456789abcdef.json"))).unwrap();
    }
    for (args, columns, summary) in [
        (&["images"][..], 6, "images, "),
        (&["images", "--regions", "ap-shanghai,ap-beijing"], 7, "images, "),
        (&["quota", "--regions", "ap-shanghai,ap-beijing,ap-tokyo"], 4, "3 regions, "),
        (&["jobs"], 7, "3 interrupted"),
        (&["actions", "image"], 2, " actions"),
        (&["config", "show"], 3, ""),
    ] {
        let list = |format: &[&str]| {
            let args = [args, format].concat();
            let ran: Ran = at(&local, &args).env("XDG_STATE_HOME", &folder.0).output().unwrap().into();
            ran.ended_with(0).out
        };
        let table = list(&[]);
        assert_eq!(table, list(&["--output", "table"]), "{args:?}");
        assert!(summary.is_empty() || table.lines().last().unwrap().contains(summary), "{args:?}: {table}");
        let text = list(&["--output", "text"]);
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
        assert!(rows.len() > 1 && rows[0].len() == columns, "{args:?}: {text}");
        assert!(!rows[0][0].chars().all(|c| c.is_ascii_uppercase()), "no headings: {args:?}: {text}");
        let json: serde_json::Value = serde_json::from_str(&list(&["--output", "json"])).unwrap();
        assert!(json.is_array() || json["settings"].is_array(), "{args:?}: {json}");
    }
}

#[test]
fn a_report_ends_with_how_many_came_to_what() {
    let local = CvmLocal::builder().clock(Clock::scaled(1000.0)).start().unwrap();
    for (args, summary) in [
        (&["--dry-run"][..], "3 planned"),
        (&["--no-wait"], "3 failed"),
        (&["--to", "ap-tokyo"], "4 copied"),
        (&["--to", "ap-seoul", "--dry-run"], "3 present, 1 planned"),
        (&["--name", "another", "--no-wait"], "3 started"),
    ] {
        let folder = Folder::new("counted");
        if summary == "3 failed" {
            local.faults().push(Fault::error("UnauthorizedOperation").on("SyncImages").times(1)).unwrap();
        }
        let args = [&["sync", "img-o3ycss2p", "--to", "ap-guangzhou,ap-beijing,ap-chengdu"], args].concat();
        let ran: Ran = at(&local, &args).env("XDG_STATE_HOME", &folder.0).output().unwrap().into();
        assert_eq!(ran.out.lines().last(), Some(summary), "{args:?}: {ran:?}");
    }
    let text =
        ran(&local, &["sync", "img-o3ycss2p", "--to", "ap-guangzhou", "--dry-run", "--output", "text"]);
    let cells: Vec<&str> = text.out.trim_end().split('\t').collect();
    assert_eq!(cells[..4], ["img-o3ycss2p", "ap-guangzhou", "present", "found"], "{text:?}");
}

#[test]
fn quota_shows_the_region_that_is_named_and_all_only_where_none_is() {
    let local = CvmLocal::start().unwrap();
    for (args, regions) in [
        (&["--region", "ap-beijing"][..], &["ap-beijing"][..]),
        (&["--regions", "ap-tokyo,ap-seoul"], &["ap-tokyo", "ap-seoul"]),
        (&["--region", "ap-beijing", "--regions", "ap-tokyo"], &["ap-tokyo"]),
    ] {
        let quota = ran(&local, &[&["quota", "--output", "text"], args].concat()).ended_with(0);
        let shown: Vec<&str> = quota.out.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(shown, regions, "{args:?}");
    }
    // The region of the environment is where requests go, not what is asked for.
    assert!(ran(&local, &["quota", "--output", "text"]).ended_with(0).out.lines().count() > 10);
}

#[test]
fn a_dry_run_of_a_call_shows_no_secret() {
    let local = CvmLocal::start().unwrap();
    for args in [
        &["ResetInstancesPassword", "InstanceIds.0=ins-1", "Password=hunter2"][..],
        &[
            "RunInstances",
            "LoginSettings.Password=hunter2",
            "Placement.Zone=ap-shanghai-2",
            "ImageId=img-o3ycss2p",
        ],
        &["RunInstances", "--unchecked", "UserData=hunter2"],
        &["ModifyInstancesAttribute", "InstanceIds=ins-1", "UserData=hunter2"],
        &["DoSomethingNew", "NewPassword=hunter2"],
        &["EnterRescueMode", "InstanceId=ins-1", "Password:=\"hunter2\""],
    ] {
        for format in [&[][..], &["--output", "json"], &["-vv"]] {
            let shown = ran(&local, &[&["call"], args, &["--dry-run"], format].concat()).ended_with(0);
            assert!(shown.out.contains("***") && !shown.out.contains("hunter2"), "{args:?}: {shown:?}");
            assert!(!shown.err.contains("hunter2"), "{args:?}: {shown:?}");
        }
    }
}

#[test]
fn an_image_that_failed_is_not_to_be_waited_for_and_stdin_is_called_by_its_name() {
    let local = CvmLocal::start().unwrap();
    let failed = ran(&local, &["sync", "img-failed00", "--to", "ap-beijing"]).ended_with(5);
    assert!(failed.err.contains("CREATEFAILED") && failed.err.contains("name another image"), "{failed:?}");
    assert!(!failed.err.contains("wait until"), "{failed:?}");
    for (args, input) in [
        (&["call", "DescribeImages", "--json", "-"][..], "x"),
        (&["call", "DescribeImages", "--json", "-"], "{\n\"a\":"),
        (&["sign", "--action", "X", "--body", "-"], "\u{0}"),
        (&["sign", "--batch"], "x\n"),
        (&["call", "DescribeImages", "--json", "-"], "[1"),
    ] {
        let ran = crate::command::feed(&mut at(&local, args), input);
        let told = format!("{}{}", ran.out, ran.err);
        assert!(ran.code == Some(0) || told.contains("stdin"), "{args:?}: {told}");
        assert!(!told.contains("- is not") && !told.contains("-:"), "{args:?}: {told}");
    }
}

/// What a lock leaves behind would be taken for a job's.
#[cfg(unix)]
#[test]
fn no_lock_file_stays_however_a_job_ends() {
    use crate::hanging::Hanging;

    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new("locks");
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(folder.0.join("cvm/jobs")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let run =
        |args: &[&str]| -> Ran { at(&local, args).env("XDG_STATE_HOME", &folder.0).output().unwrap().into() };
    for (args, code) in [
        (&["sync", "img-o3ycss2p", "--to", "ap-guangzhou", "--no-wait"][..], 0),
        (&["sync", "--resume", "--timeout", "1s"], 4),
        (&["sync", "img-00000000", "--to", "ap-guangzhou"], 5),
        (&["sync", "--resume", "--all", "--timeout", "1s"], 4),
        (&["jobs", "--all"], 0),
    ] {
        run(args).ended_with(code);
        assert!(names().iter().all(|name| !name.contains(".json.")), "{args:?}: {:?}", names());
    }
    // One that was killed cannot take it along: the next command does. By another way, it is another job.
    let way = Hanging::at(&local, "DescribeImages");
    let sync = ["sync", "img-o3ycss2p", "--to", "ap-guangzhou", "--timeout", "1s"];
    let mut killed = way.command(&local, &sync).env("XDG_STATE_HOME", &folder.0).spawn().unwrap();
    way.wait();
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(!names().iter().all(|name| !name.contains(".json.")), "{:?}", names());
    run(&["jobs"]).ended_with(0);
    assert!(names().iter().all(|name| !name.contains(".json.")), "{:?}", names());
}
