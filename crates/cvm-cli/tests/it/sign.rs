//! `cvm sign`.

use std::path::Path;

use serde_json::Value;

use crate::command::{Ran, cvm, feed, run};

/// The published example of the specification, with a key that is none.
const EXAMPLE: [&str; 15] = [
    "sign",
    "--action",
    "DescribeInstances",
    "--region",
    "ap-guangzhou",
    "--timestamp",
    "1551113065",
    "--secret-id",
    "AKIDexample",
    "--secret-key",
    "not-a-real-key",
    "--signed-headers",
    "content-type;host",
    "Limit=1",
    "Filters.0.Values=[\"x\"]",
];

fn vectors() -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/signing.json");
    let text = std::fs::read_to_string(file).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    vectors["vectors"].as_array().unwrap().clone()
}

#[test]
fn a_batch_agrees_with_the_published_vectors() {
    let mut vectors = vectors();
    assert!(vectors.len() >= 100);
    let expected: Vec<Value> = vectors.iter_mut().map(|vector| vector["expected"].take()).collect();
    let requests: String = vectors.iter().map(|vector| format!("{vector}\n")).collect();
    let ran = feed(&mut cvm(&["sign", "--batch"]), &requests).ended_with(0);
    let answers: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), vectors.len());
    for ((vector, expected), answer) in vectors.iter().zip(&expected).zip(&answers) {
        assert_eq!(answer["id"], vector["id"]);
        for stage in ["canonical_request", "string_to_sign", "signature", "authorization"] {
            assert_eq!(answer[stage], expected[stage], "vector {}, {stage}", vector["id"]);
        }
    }
}

#[test]
fn a_line_that_cannot_be_read_costs_nobody_elses_answer() {
    let good = vectors()[0].clone();
    let mut unknown = good.clone();
    unknown["sign_method"] = "HmacMD5".into();
    let mut keyless = good.clone();
    keyless.as_object_mut().unwrap().remove("secret_key");
    let with = |name: &str, value: &str| {
        let mut other = good.clone();
        other[name] = value.into();
        other
    };
    let (region, language) = (with("region", "Guangzhou City"), with("language", "de"));
    let requests = format!("{good}\nnot json\n[]\n\n{unknown}\n{keyless}\n{good}\n{region}\n{language}");
    let ran = feed(&mut cvm(&["sign", "--batch"]), &requests).ended_with(1);
    let answers: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 8, "{ran:?}");
    for at in [0, 5] {
        assert_eq!(answers[at]["authorization"], good["expected"]["authorization"]);
    }
    for (at, part) in [
        (1, ""),
        (2, ""),
        (3, "HmacMD5"),
        (4, "secret_key"),
        (6, "region `Guangzhou City`"),
        (7, "language `de`"),
    ] {
        let error = answers[at]["error"].as_str().unwrap();
        assert!(error.contains(part) && answers[at].get("string_to_sign").is_none(), "{error}");
    }
    assert!(ran.err.contains("6 of 8"), "{ran:?}");
}

#[test]
fn every_stage_is_shown() {
    let shown = run(&EXAMPLE).ended_with(0).out;
    let stages = [
        "--- Canonical request\nPOST\n/\n\n",
        "--- String to sign\nTC3-HMAC-SHA256\n1551113065\n2019-02-25/cvm/tc3_request\n",
    ];
    for stage in stages {
        assert!(shown.contains(stage), "{stage}: {shown}");
    }
    assert!(
        shown.contains(
            "--- Authorization\nTC3-HMAC-SHA256 Credential=AKIDexample/2019-02-25/cvm/tc3_request, "
        )
    );
    assert!(!shown.contains("not-a-real-key"));

    // The same request, its body given byte for byte.
    let (body, rest) = (r#"{"Filters":[{"Values":["x"]}],"Limit":1}"#, &EXAMPLE[..13]);
    let by_body = feed(&mut cvm(&[rest, &["--body", "-"]].concat()), body).ended_with(0).out;
    assert_eq!(by_body, shown);
    let other_body =
        feed(&mut cvm(&[rest, &["--body", "-"]].concat()), body.replace(':', ": ")).ended_with(0).out;
    assert_ne!(other_body, shown);
}

#[test]
fn v1_has_stages_of_its_own() {
    let args = ["--sign-method", "HmacSHA256", "--method", "get", "--nonce", "7", "--output", "json"];
    let shown = run(&[&EXAMPLE[..11], &args, &["Limit=1"]].concat()).ended_with(0).json();
    assert_eq!(
        shown["string_to_sign"],
        "GETcvm.tencentcloudapi.com/?Action=DescribeInstances&Limit=1&Nonce=7&Region=ap-guangzhou\
         &SecretId=AKIDexample&SignatureMethod=HmacSHA256&Timestamp=1551113065&Version=2017-03-12"
    );
    assert!(shown["signature"].is_string() && shown.get("authorization").is_none());
}

#[test]
fn the_host_is_the_one_that_the_client_would_use() {
    let host = |more: &[&str]| {
        let shown =
            run(&[&EXAMPLE[..3], &EXAMPLE[5..11], more, &["--output", "json"]].concat()).ended_with(0).json();
        let canonical = shown["canonical_request"].as_str().unwrap().to_owned();
        canonical.lines().find_map(|line| line.strip_prefix("host:").map(str::to_owned)).unwrap()
    };
    assert_eq!(host(&["--region", "ap-guangzhou"]), "cvm.tencentcloudapi.com");
    assert_eq!(host(&["--region", "ap-shanghai-fsi"]), "cvm.ap-shanghai-fsi.tencentcloudapi.com");
    assert_eq!(host(&["--endpoint", "http://127.0.0.1:8080"]), "127.0.0.1:8080");
    assert_eq!(host(&["--host", "vpc.tencentcloudapi.com"]), "vpc.tencentcloudapi.com");
}

#[test]
fn mistakes() {
    let ran = run(&["sign"]).ended_with(2);
    assert!(ran.err.contains("--action"), "{ran:?}");
    let ran = run(&["sign", "--action", "DescribeImages"]).ended_with(2);
    assert!(ran.err.contains("--secret-id") && ran.err.contains("TENCENTCLOUD_SECRET_ID"), "{ran:?}");
    let ran = run(&["sign", "--action", "DescribeImages", "--sign-method", "MD5"]).ended_with(2);
    assert!(ran.err.contains("HmacSHA256"), "{ran:?}");
    let ran = run(&[&EXAMPLE[..11], &["--sign-method", "HmacSHA1", "--body", "-"]].concat()).ended_with(2);
    assert!(ran.err.contains("--body"), "{ran:?}");
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let vector = vectors()[0].to_string();
    let requests = vec![vector; 2000].join("\n");
    let mut command = cvm(&["sign", "--batch"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // The program stops reading once nobody takes its answers.
    let _ = std::io::Write::write_all(&mut stdin, requests.as_bytes());
    drop(stdin);
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.ended_with(0).err, "");
}
