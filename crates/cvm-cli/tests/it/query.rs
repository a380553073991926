//! `cvm call --query`: what is found, what is refused before anything is sent, and what an answer does not fit.

use cvm_local::CvmLocal;
use serde_json::json;

use crate::command::{Ran, at};

fn call(local: &CvmLocal, args: &[&str]) -> Ran {
    at(local, &[&["call"], args].concat()).output().unwrap().into()
}

#[test]
fn finds_what_tccli_and_the_aws_command_find() {
    let local = CvmLocal::start().unwrap();
    for (query, found) in [
        ("ImageSet[?ImageState==`NORMAL`].ImageId | [0]", json!("img-o3ycss2p")),
        (
            "ImageSet[?CreatedTime>='2026-03-10' && ImageType=='PRIVATE_IMAGE'].ImageId",
            json!(["img-o3ycss2p"]),
        ),
        ("ImageSet[?CreatedTime<`2020-01-01`].ImageId", json!([])),
        ("ImageSet[?SyncPercent>`0`] | length(@)", json!(0)),
        ("ImageSet[0].Tags[*].[Key, Value]", json!([["env", "production"], ["team", "platform"]])),
        ("ImageSet[0].[ImageSize, avg([ImageSize])]", json!([50, 50.0])),
        ("keys(@)", json!(["ImageSet", "TotalCount", "RequestId"])),
        ("Missing", json!(null)),
    ] {
        let ran = call(&local, &["DescribeImages", "--query", query]).ended_with(0);
        assert_eq!(ran.json(), found, "{query}");
    }
}

#[test]
fn an_answer_keeps_the_order_of_its_members() {
    let local = CvmLocal::start().unwrap();
    let ran =
        call(&local, &["DescribeImages", "Limit=1", "--query", "ImageSet[0].{Name: ImageName, Id: ImageId}"]);
    assert_eq!(
        ran.ended_with(0).out,
        "{\n  \"Name\": \"base-ubuntu-22.04\",\n  \"Id\": \"img-o3ycss2p\"\n}\n"
    );
    let whole = call(&local, &["DescribeImages", "Limit=1"]).ended_with(0).out;
    let place = |member: &str| whole.find(&format!("\"{member}\"")).unwrap();
    assert!(
        place("ImageId") < place("CreatedTime") && place("CreatedTime") < place("Architecture"),
        "{whole}"
    );
}

#[test]
fn a_mistake_in_the_expression_sends_nothing() {
    let local = CvmLocal::start().unwrap();
    for (query, part) in [
        ("nofunc(x)", "there is no function `nofunc`"),
        ("lenght(@)", "did you mean length()?"),
        ("length()", "takes 1 argument, not 0"),
        ("x || length(a, b)", "takes 1 argument, not 2"),
        ("ImageSet[].not_null()", "takes at least 1 argument, not 0"),
        ("sort_by(ImageSet, ImageId)", "has to begin with `&`"),
        ("ImageSet[", "ends too early"),
        ("ImageSet[?ImageId=='a]", "never closed"),
        ("ImageSet[?ImageId='a']", "has to be `==`"),
        ("ImageSet[::0]", "step"),
        ("", "it is empty"),
    ] {
        let ran = call(&local, &["DeleteImages", "ImageIds=img-o3ycss2p", "--query", query]).ended_with(2);
        assert_eq!(ran.out, "", "{query}");
        assert!(ran.err.starts_with("cvm: --query `") && ran.err.contains(part), "{query}: {ran:?}");
        assert_eq!(ran.err.lines().count(), 1, "{query}: {ran:?}");
    }
    assert_eq!(local.requests().len(), 0);
}

#[test]
fn an_answer_that_the_expression_does_not_fit_is_printed_whole() {
    let local = CvmLocal::start().unwrap();
    for (query, part) in [
        ("length(TotalCount)", "length() takes a text, a list or an object as argument 1"),
        ("ImageSet[?ImageSize>'20']", "compares a number with a text"),
        ("sort_by(ImageSet, &Tags)", "sort_by() orders numbers alone or texts alone, and one is a list"),
    ] {
        let ran = call(&local, &["DescribeImages", "Limit=2", "--query", query]).ended_with(6);
        assert_eq!(ran.json()["ImageSet"].as_array().map(Vec::len), Some(2), "{query}");
        assert!(ran.json()["RequestId"].is_string(), "{query}");
        assert!(
            ran.err.starts_with("cvm: --query does not fit the answer") && ran.err.contains(part),
            "{ran:?}"
        );
        assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
    }

    let args = ["DeleteImages", "ImageIds=img-o3ycss2p", "--query", "sum(RequestId)", "--output", "json"];
    let ran = call(&local, &args).ended_with(6);
    assert!(ran.json()["RequestId"].is_string(), "{ran:?}");
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((&error["exit_code"], &error["error"]["kind"]), (&json!(6), &json!("query")));
    let left = call(&local, &["DescribeImages", "--query", "ImageSet[].ImageId"]).ended_with(0).json();
    assert!(!left.as_array().unwrap().contains(&json!("img-o3ycss2p")), "the action was done: {left}");
}
