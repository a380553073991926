//! Messages in the language that was asked for.

use cvm_local::CvmLocal;
use cvm_proto::SignMethod;
use serde_json::json;

use crate::client::{Answer, Raw};

const USUAL: [&str; 2] = ["content-type", "host"];

fn message(answer: &Answer) -> String {
    answer.json()["Response"]["Error"]["Message"].as_str().unwrap().to_owned()
}

#[test]
fn chinese_comes_before_the_details() {
    let local = CvmLocal::start().unwrap();
    let say = |language: &str| {
        let raw =
            Raw::post(&local, "DescribeImages", &json!({ "Colour": "red" })).with("x-tc-language", language);
        message(&raw.signed(&local, &USUAL).send(&local))
    };
    let english = say("en-US");
    assert_eq!(english, "The parameter `Colour` is not recognized.");
    assert_eq!(say("zh-CN"), format!("未知参数。（{english}）"));
    assert_eq!(say("fr-FR"), english, "what is not spoken here is answered in English");
    let silent = Raw::post(&local, "DescribeImages", &json!({ "Colour": "red" })).signed(&local, &USUAL);
    assert_eq!(message(&silent.send(&local)), english);
}

#[test]
fn with_v1_it_is_a_parameter() {
    let local = CvmLocal::start().unwrap();
    let own = [("Action", "DescribeRegions"), ("Language", "zh-CN"), ("Colour", "red")];
    let raw = Raw::v1(&local, "GET", SignMethod::HmacSha1, &own);
    assert!(message(&raw.send(&local)).starts_with("未知参数。"));
}

#[test]
fn refusals_that_come_early_know_it_as_well() {
    let local = CvmLocal::start().unwrap();
    let mut put = Raw::post(&local, "DescribeRegions", &json!({})).with("x-tc-language", "zh-CN");
    put.method = b"PUT".to_vec();
    assert!(message(&put.send(&local)).starts_with("只支持 GET 和 POST 请求。"));
    let unsigned = Raw::post(&local, "DescribeRegions", &json!({})).with("x-tc-language", "zh-CN");
    let unsigned = message(&unsigned.with("authorization", "Bearer x").send(&local));
    assert!(unsigned.starts_with("请求头部的 Authorization 不符合规范。"), "{unsigned}");
}
