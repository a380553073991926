//! `cvm call --wait`.

use std::net::TcpListener;
use std::process::Child;
#[cfg(unix)]
use std::process::Command;
use std::time::{Duration, Instant};

use cvm_local::{Clock, CvmLocal};

use crate::command::{Ran, at, cvm};

fn wait(local: &CvmLocal, args: &[&str]) -> Ran {
    at(local, &[&["call"], args].concat()).output().unwrap().into()
}

/// A wait on its way, which has asked this often.
fn on_its_way(local: &CvmLocal, args: &[&str], asked: usize) -> Child {
    let mut child = at(local, &[&["call"], args].concat()).spawn().unwrap();
    let give_up = Instant::now() + Duration::from_secs(60);
    let before = local.requests().len();
    while local.requests().len() < before + asked {
        assert!(child.try_wait().unwrap().is_none(), "it ended: {:?}", child.wait_with_output());
        assert!(Instant::now() < give_up);
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

#[test]
fn it_asks_until_the_expression_holds_and_prints_that_answer() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let copy = ["SyncImages", "ImageIds.0=img-o3ycss2p", "DestinationRegions.0=ap-tokyo", "ImageName=golden"];
    wait(&local, &copy).ended_with(0);
    let args = [
        "DescribeImages",
        "Filters.0.Name=image-name",
        "Filters.0.Values=golden",
        "--region",
        "ap-tokyo",
        "--every",
        "100ms",
        "--wait",
        "ImageSet[0].ImageState=='NORMAL'",
    ];
    let child = on_its_way(&local, &args, 3);
    local.advance(Duration::from_secs(3600));
    let met = Ran::from(child.wait_with_output().unwrap()).ended_with(0);
    assert_eq!(met.json()["ImageSet"][0]["ImageState"], "NORMAL");
    assert_eq!(met.err, "");
    let query = [&args[..], &["--query", "ImageSet[].ImageName"]].concat();
    assert_eq!(wait(&local, &query).ended_with(0).json(), serde_json::json!(["golden"]));
}

#[test]
fn it_holds_where_jmespath_finds_it_true() {
    let local = CvmLocal::start().unwrap();
    let until = |expression, timeout| {
        let more = ["--wait", expression, "--every", "100ms", "--timeout", timeout];
        wait(&local, &[&["DescribeRegions"], &more[..]].concat())
    };
    for expression in ["TotalCount", "`0`", "'x'", "`[0]`", "`{\"a\": null}`", "TotalCount > `3`", "!Nothing"]
    {
        local.clear_requests();
        until(expression, "1m").ended_with(0);
        assert_eq!(local.requests().len(), 1, "{expression}");
    }
    for expression in ["`false`", "`null`", "''", "`[]`", "`{}`", "Nothing", "TotalCount < `3`"] {
        local.clear_requests();
        let late = until(expression, "300ms").ended_with(4);
        assert!(
            late.err.contains("DescribeRegions in ap-shanghai: the condition was not met within 300ms"),
            "{late:?}"
        );
        assert_eq!(late.out, "");
        assert!(local.requests().len() > 1, "{expression}");
    }
}

#[test]
fn what_cannot_be_waited_for_is_said_before_anything_is_sent() {
    let local = CvmLocal::start().unwrap();
    let image = "ImageIds.0=img-o3ycss2p";
    for (args, part) in [
        (&["SyncImages", image, "DestinationRegions.0=ap-beijing", "--wait", "a"][..], "only reads"),
        (&["DeleteImages", image, "--wait", "a"], "only reads"),
        (&["ModifyImageAttribute", "ImageId=img-o3ycss2p", "--wait", "a"], "only reads"),
        (&["RenewSomethingNew", "--wait", "a"], "only reads"),
        (&["DescribeRegions", "--wait", "a ="], "--wait `a =` is not a JMESPath expression"),
        (&["DescribeRegions", "--wait", "lenght(a)"], "--wait `lenght(a)` is not a JMESPath expression"),
        (&["DescribeRegions", "--wait", ""], "--wait `` is not a JMESPath expression"),
        (&["DescribeRegions", "--wait", "a", "--query", "b ="], "--query `b =` is not"),
        (&["DescribeImages", "--wait", "a", "Limt=1"], "Limt"),
        (&["DescribeRegions", "--wait", "a", "--every", "0s"], "--every"),
        (&["DescribeRegions", "--wait", "a", "--timeout", "soon"], "--timeout"),
        (&["DescribeRegions", "--every", "1s"], "--wait"),
        (&["DescribeRegions", "--timeout", "1s"], "--wait"),
        (&["DescribeRegions", "--wait", "a", "--all-pages"], "--all-pages"),
        (&["DescribeRegions", "--wait", "a", "--dry-run"], "--dry-run"),
    ] {
        let ran = wait(&local, args).ended_with(2);
        assert!(ran.err.contains(part) && ran.out.is_empty(), "{part}: {ran:?}");
    }
    assert_eq!(local.requests().len(), 0);
}

#[test]
fn an_answer_that_it_does_not_fit_ends_it_and_is_printed_whole() {
    let local = CvmLocal::start().unwrap();
    for expression in ["length(TotalCount)", "TotalCount > 'x'", "sum(RegionSet)"] {
        local.clear_requests();
        let ran = wait(&local, &["DescribeRegions", "--wait", expression]).ended_with(6);
        assert!(ran.err.contains("--wait does not fit the answer, which is printed whole: "), "{ran:?}");
        assert!(ran.json()["RegionSet"].is_array());
        assert_eq!(local.requests().len(), 1);
    }
    let refused = wait(&local, &["DescribeImages", "ImageIds.0=img-1", "--wait", "a"]).ended_with(5);
    assert!(refused.err.contains("InvalidImageId.Malformed"), "{refused:?}");
}

#[test]
fn a_service_that_never_answers_holds_it_no_longer_than_it_may_take() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let started = Instant::now();
    let mut command = cvm(&["call", "DescribeRegions", "--wait", "a", "--timeout", "500ms"]);
    command.env("TENCENTCLOUD_ENDPOINT", endpoint);
    command.env("TENCENTCLOUD_SECRET_ID", "AKIDexample").env("TENCENTCLOUD_SECRET_KEY", "not-a-real-key");
    let ran = Ran::from(command.output().unwrap()).ended_with(4);
    assert!(ran.err.contains("the condition was not met within 500ms"), "{ran:?}");
    // The limit of one attempt is 30 s.
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_with_its_code() {
    for (signal, code, said) in
        [("INT", 130, "interrupted"), ("TERM", 143, "terminated"), ("HUP", 129, "hung up")]
    {
        let local = CvmLocal::start().unwrap();
        let child = on_its_way(&local, &["DescribeRegions", "--wait", "Nothing"], 1);
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let ran = Ran::from(child.wait_with_output().unwrap()).ended_with(code);
        assert_eq!(ran.err, format!("cvm: {said} before the condition was met\n"));
    }
}
