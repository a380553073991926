//! Checks that are left out one by one: each lets through what it is about, and nothing else.

use cvm_local::{Check, CvmLocal};
use serde_json::json;

use crate::client::{Client, Raw, plain, unix};

const USUAL: [&str; 2] = ["content-type", "host"];

/// The codes of requests that each break one rule, by the check that is about it.
fn broken(local: &CvmLocal) -> Vec<(Check, Option<String>)> {
    let post = |body| Raw::post(local, "DescribeImages", &body);
    let code = |raw: Raw| raw.signed(local, &USUAL).send(local).code();
    let old = (unix() - 4000).to_string();
    let quota = || Client::new(local).region("ap-tokyo").call("DescribeImageQuota", &json!({})).err();
    let rates = (0..40).find_map(|_| quota()).map(|error| error.code().unwrap().to_string());
    vec![
        (Check::Clock, code(post(json!({})).with("x-tc-timestamp", &old))),
        (Check::ContentType, code(post(json!({})).with("content-type", "text/plain"))),
        (Check::Rates, rates),
        (Check::Signature, post(json!({})).send(local).code()),
        (Check::Token, code(post(json!({})).with("x-tc-token", "a-token"))),
        (Check::Types, code(post(json!({ "Limit": "20" })))),
        (Check::UnknownParameters, code(post(json!({ "Colour": "red" })))),
        (Check::Version, code(post(json!({})).with("x-tc-version", "2020-02-02"))),
    ]
}

#[test]
fn each_check_is_made_unless_it_is_left_out() {
    let strict = CvmLocal::start().unwrap();
    let codes = broken(&strict);
    assert_eq!(codes.len(), Check::ALL.len());
    let named: Vec<_> = codes.iter().map(|(check, code)| (*check, code.as_deref().unwrap())).collect();
    assert_eq!(
        named,
        [
            (Check::Clock, "AuthFailure.SignatureExpire"),
            (Check::ContentType, "InvalidParameter"),
            (Check::Rates, "RequestLimitExceeded"),
            (Check::Signature, "MissingParameter"),
            (Check::Token, "AuthFailure.TokenFailure"),
            (Check::Types, "InvalidParameter"),
            (Check::UnknownParameters, "UnknownParameter"),
            (Check::Version, "NoSuchVersion"),
        ]
    );
    for left_out in Check::ALL {
        let local = CvmLocal::builder().skip_checks([left_out]).start().unwrap();
        for (check, code) in broken(&local) {
            // Without signatures nobody looks at times and tokens either.
            let passes = check == left_out
                || left_out == Check::Signature && matches!(check, Check::Clock | Check::Token);
            assert_eq!(code.is_none(), passes, "{check} without {left_out}: {code:?}");
        }
    }
}

#[test]
fn without_signatures_a_plain_request_is_the_first_accounts() {
    let local = CvmLocal::builder().skip_checks([Check::Signature, Check::ContentType]).start().unwrap();
    let headers = [
        ("host", "x"),
        ("x-tc-action", "DescribeImages"),
        ("x-tc-version", "2017-03-12"),
        ("x-tc-region", "ap-shanghai"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let answer = plain(&local, "POST", "/", &headers, r#"{"ImageIds":["img-o3ycss2p"]}"#);
    assert_eq!(answer.json()["Response"]["TotalCount"], 1);
    let path = "/?Action=DescribeImages&Version=2017-03-12&Region=ap-shanghai&ImageIds.0=img-o3ycss2p";
    let answer = plain(&local, "GET", path, &[("host", "x")], "");
    assert_eq!(answer.json()["Response"]["TotalCount"], 1);
    // A key that is known still stands for its account.
    let neighbour = Client::new(&local).key("AKIDlocalneighbour", "whatever");
    assert_eq!(
        neighbour.call("DescribeImages", &json!({ "ImageIds": ["img-o3ycss2p"] })).unwrap()["TotalCount"],
        0
    );
}
