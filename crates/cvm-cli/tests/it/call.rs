//! `cvm call`.

use cvm_local::CvmLocal;
use serde_json::json;

use crate::command::{Ran, at, cvm, feed, run};

const SHANGHAI: [&str; 3] = ["--local", "--region", "ap-shanghai"];

#[test]
fn prints_the_answer_as_json() {
    let answer =
        run(&[&["call", "DescribeImages", "ImageIds.0=img-o3ycss2p"][..], &SHANGHAI].concat()).ended_with(0);
    let answer = answer.json();
    assert_eq!(answer["TotalCount"], 1);
    assert_eq!(answer["ImageSet"][0]["ImageId"], "img-o3ycss2p");
    assert_eq!(answer["ImageSet"][0]["ImageState"], "NORMAL");
    assert!(answer["RequestId"].as_str().is_some_and(|id| !id.is_empty()));
}

#[test]
fn takes_parameters_from_stdin() {
    let mut command = cvm(&[&["call", "DescribeImages", "--json", "-"][..], &SHANGHAI].concat());
    let parameters =
        json!({ "Filters": [{ "Name": "image-type", "Values": ["PRIVATE_IMAGE"] }], "Limit": 1 });
    let answer = feed(&mut command, parameters.to_string()).ended_with(0).json();
    assert_eq!(answer["ImageSet"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["ImageSet"][0]["ImageType"], "PRIVATE_IMAGE");
}

#[test]
fn a_refusal_names_code_and_request_id() {
    let args = [
        &["call", "SyncImages", "ImageIds.0=img-00000000", "DestinationRegions.0=ap-beijing"][..],
        &SHANGHAI,
    ]
    .concat();
    let refused = run(&args).ended_with(5);
    assert_eq!(refused.out, "");
    assert!(
        refused.err.starts_with("cvm: SyncImages in ap-shanghai: InvalidImageId.NotFound: "),
        "{refused:?}"
    );
    assert!(refused.err.contains("request id") && refused.err.lines().count() == 1, "{refused:?}");

    let refused = run(&[&args[..], &["--output", "json"]].concat()).ended_with(5);
    let error: serde_json::Value = serde_json::from_str(&refused.err).unwrap();
    assert_eq!(error["exit_code"], 5);
    assert_eq!(error["error"]["code"], "InvalidImageId.NotFound");
    assert!(error["error"]["request_id"].is_string() && error["sentence"].is_string(), "{error}");
}

#[test]
fn an_unknown_action_is_the_services_to_refuse() {
    let refused = run(&[&["call", "DescribeSomethingNew"][..], &SHANGHAI].concat()).ended_with(5);
    assert!(refused.err.contains("InvalidAction"), "{refused:?}");
}

#[test]
fn nobody_there_is_no_refusal() {
    // A port that was free a moment ago and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let ran: Ran = cvm(&["call", "DescribeRegions", "--endpoint", &endpoint])
        .env("TENCENTCLOUD_SECRET_ID", "AKIDexample")
        .env("TENCENTCLOUD_SECRET_KEY", "not-a-real-key")
        .output()
        .unwrap()
        .into();
    let ran = ran.ended_with(1);
    assert!(ran.err.starts_with("cvm: DescribeRegions: "), "{ran:?}");
    assert!(!ran.err.contains("not-a-real-key"), "{ran:?}");
}

#[test]
fn the_more_verbose_it_is_the_more_it_shows_and_never_a_secret() {
    let local = CvmLocal::start().unwrap();
    let said = |verbose: &[&str]| {
        let args = ["call", "DescribeImages", "Limit=7"];
        let ran = Ran::from(at(&local, &[&args[..], verbose].concat()).output().unwrap()).ended_with(0);
        let lower = ran.err.to_lowercase();
        for secret in ["signature=", local.secret_key(), local.secret_id(), "limit"] {
            assert!(!lower.contains(&secret.to_lowercase()), "{secret}: {ran:?}");
        }
        ran.err
    };
    assert_eq!(said(&[]), "");
    let (once, twice) = (said(&["-v"]), said(&["-vv"]));
    for part in ["action=\"DescribeImages\"", "status_code=200", "attempt=1"] {
        assert!(once.contains(part) && twice.contains(part), "{part}: {twice}");
    }
    let url = format!("url: \"{}/\"", local.endpoint());
    for part in [
        &url,
        "\"x-tc-action\": \"DescribeImages\"",
        "\"authorization\": \"***\"",
        "setting=region value=\"ap-shanghai\" from=\"TENCENTCLOUD_REGION\"",
        "credential=\"environment\"",
    ] {
        assert!(twice.contains(part) && !once.contains(part), "{part}: {twice}");
    }
}

#[test]
fn another_product_is_called_by_its_name() {
    let args = ["call", "--service", "sts", "GetCallerIdentity"];
    let answer = run(&[&args[..], &SHANGHAI].concat()).ended_with(0).json();
    assert_eq!(answer["AccountId"], "100000000001");

    // What this build knows of actions is of cvm, and the version is the product's unless another is given.
    let shown = |more: &[&str]| {
        let args = ["call", "RunInstances", "InstanceType=S5", "Password=hidden", "--dry-run"];
        let shown = run(&[&args[..], more, &SHANGHAI, &["--output", "json"]].concat()).ended_with(0).json();
        assert!(shown["headers"]["authorization"] == "***", "{shown}");
        assert!(
            !shown.to_string().contains("hidden") && shown.to_string().contains("InstanceType"),
            "{shown}"
        );
        shown["headers"]["x-tc-version"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown(&["--service", "lighthouse"]), "2020-03-24");
    assert_eq!(shown(&["--service", "lighthouse", "--api-version", "2025-01-01"]), "2025-01-01");
    assert_eq!(shown(&["--service", "brandnew", "--api-version", "2025-01-01"]), "2025-01-01");

    for (more, part) in [
        (&["--service", "vpcs"][..], "no API version is known of the service `vpcs` (did you mean vpc?)"),
        (&["--service", "VPC", "--api-version", "2017-03-12"], "is not a product's name"),
        (&["--service", "vpc", "--api-version", "latest"], "version `latest` is not that of an API"),
        (&["--api-version", "2017-03-12"], "--service"),
        (&["--service", "vpc", "--all-pages"], "--all-pages"),
    ] {
        let refused = run(&[&["call", "DescribeVpcs"], more, &SHANGHAI].concat()).ended_with(2);
        assert!(refused.err.contains(part), "{refused:?}");
    }
    // cvm is what is meant without it.
    let checked = run(&[&["call", "--service", "cvm", "SyncImages"], &SHANGHAI[..]].concat()).ended_with(2);
    assert!(checked.err.contains("ImageIds is missing"), "{checked:?}");
}
