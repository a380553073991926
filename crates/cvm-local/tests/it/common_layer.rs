//! What all actions have in common: what a request must say, where it may go, how large it may be, and how often.

use cvm_local::{CvmLocal, RequestOutcome};
use cvm_proto::SignMethod;
use serde_json::json;

use crate::client::{Client, Raw};

const USUAL: [&str; 2] = ["content-type", "host"];

fn post(local: &CvmLocal) -> Raw {
    Raw::post(local, "DescribeImages", &json!({}))
}

/// The code that a changed request is refused with.
fn code(change: impl FnOnce(Raw) -> Raw) -> String {
    let local = CvmLocal::start().unwrap();
    let answer = change(post(&local)).signed(&local, &USUAL).send(&local);
    assert_eq!((answer.status, answer.content_type.as_deref()), (200, Some("application/json")));
    answer.code().expect("a refusal")
}

#[test]
fn answers_have_the_envelope_of_the_service() {
    let local = CvmLocal::start().unwrap();
    let good = post(&local).signed(&local, &USUAL).send(&local);
    assert_eq!((good.status, good.content_type.as_deref()), (200, Some("application/json")));
    let id = good.json()["Response"]["RequestId"].as_str().unwrap().to_owned();
    assert_eq!((id.len(), &id[14..15]), (36, "4"));
    let bad = post(&local).send(&local).json();
    assert_ne!(bad["Response"]["RequestId"].as_str().unwrap(), id);
    assert!(bad["Response"]["Error"]["Message"].as_str().unwrap().ends_with('.'));
}

#[test]
fn what_every_request_must_say() {
    assert_eq!(code(|raw| raw.without("x-tc-action")), "MissingParameter");
    assert_eq!(code(|raw| raw.without("x-tc-version")), "MissingParameter");
    assert_eq!(code(|raw| raw.with("x-tc-version", "2016-01-01")), "NoSuchVersion");
    assert_eq!(code(|raw| raw.with("x-tc-action", "DescribeDragons")), "InvalidAction");
    assert_eq!(code(|raw| raw.with("x-tc-action", "AllocateHosts")), "UnsupportedOperation");
    let local = CvmLocal::start().unwrap();
    let mut get = Raw::v1(&local, "GET", SignMethod::HmacSha1, &[("Action", "DescribeRegions")]);
    assert_eq!(get.send(&local).code(), None);
    get.query = b"Action=DescribeRegions".to_vec();
    assert_eq!(get.send(&local).code().as_deref(), Some("MissingParameter"));
}

#[test]
fn where_requests_may_go() {
    assert_eq!(code(|raw| raw.without("x-tc-region")), "MissingParameter");
    assert_eq!(code(|raw| raw.with("x-tc-region", "")), "InvalidParameterValue");
    assert_eq!(code(|raw| raw.with("x-tc-region", "ap-atlantis")), "InvalidParameterValue");
    assert_eq!(code(|raw| raw.with("x-tc-region", "ap-mumbai")), "UnsupportedRegion");
    assert_eq!(code(|raw| raw.with("x-tc-region", "na-toronto")), "UnsupportedRegion");
}

#[test]
fn parameters_are_checked() {
    let body = |json: &'static str| {
        move |mut raw: Raw| {
            raw.body = json.into();
            raw
        }
    };
    assert_eq!(code(body(r#"{"Colour":"red"}"#)), "UnknownParameter");
    assert_eq!(code(body(r#"{"Limit":"1"}"#)), "InvalidParameter");
    assert_eq!(code(body(r#"{"Limit":1"#)), "InvalidParameter");
    assert_eq!(code(body("[]")), "InvalidParameter");
    assert_eq!(code(|raw| raw.with("content-type", "text/plain")), "InvalidParameter");
    assert_eq!(code(|raw| raw.with("content-type", "multipart/form-data; boundary=b")), "InvalidRequest");
    assert_eq!(code(|raw| raw.with("x-tc-action", "SyncImages")), "MissingParameter");
}

#[test]
fn methods_are_get_and_post() {
    let local = CvmLocal::start().unwrap();
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let mut raw = post(&local);
        raw.method = method.into();
        assert_eq!(raw.send(&local).code().as_deref(), Some("UnsupportedProtocol"), "{method}");
    }
}

#[test]
fn sizes_are_limited_by_the_kind_of_request() {
    let local = CvmLocal::start().unwrap();
    let too_large = Some("RequestSizeLimitExceeded");
    // The names are unknown, which is found only in a request that is not too large.
    let name = "UnknownParameter=";
    let get = |size: usize| {
        let query = format!("{name}{}", "x".repeat(size - name.len()));
        Raw::get(&local, "DescribeImages", &query).signed(&local, &USUAL).send(&local).code()
    };
    assert_eq!(get(32 << 10).as_deref(), Some("UnknownParameter"));
    assert_eq!(get((32 << 10) + 1).as_deref(), too_large);
    let json = |size: usize| {
        let mut raw = post(&local);
        raw.body = format!(r#"{{"Unknown":"{}"}}"#, "x".repeat(size - 14)).into();
        assert_eq!(raw.body.len(), size);
        raw.signed(&local, &USUAL).send(&local).code()
    };
    assert_eq!(json(10 << 20).as_deref(), Some("UnknownParameter"));
    assert_eq!(json((10 << 20) + 1).as_deref(), too_large);
    let form = |size: usize| {
        let value = "x".repeat(size);
        Raw::v1(&local, "POST", SignMethod::HmacSha1, &[("Action", "DescribeImages"), ("Unknown", &value)])
            .send(&local)
            .code()
    };
    assert_eq!(form((1 << 20) - 1000).as_deref(), Some("UnknownParameter"));
    assert_eq!(form(1 << 20).as_deref(), too_large);
}

#[test]
fn a_chunked_body_is_held_to_the_same_limit() {
    let local = CvmLocal::start().unwrap();
    let mut raw = post(&local).with("content-length", "").without("content-length");
    raw = raw.with("transfer-encoding", "chunked");
    let mut bytes = raw.bytes();
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    bytes.truncate(head);
    let text = String::from_utf8(bytes).unwrap().replace("content-length: 2\r\n", "");
    let mut bytes = text.into_bytes();
    for _ in 0..11 {
        bytes.extend_from_slice(b"100000\r\n");
        bytes.resize(bytes.len() + (1 << 20), b'x');
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    // The endpoint may close before it has read all of it, and then its answer can be lost on the way.
    let answer = crate::client::exchange(&local, &bytes);
    assert!(answer.is_none_or(|answer| answer.code().as_deref() == Some("RequestSizeLimitExceeded")));
    let refused = local.requests().into_iter().map(|request| request.outcome).collect::<Vec<_>>();
    assert_eq!(refused, [RequestOutcome::Error("RequestSizeLimitExceeded".into())]);
}

#[test]
fn rates_can_be_left_unlimited() {
    let local = CvmLocal::builder().rate_limits(false).start().unwrap();
    let client = Client::new(&local);
    for _ in 0..50 {
        client.call("DescribeImageQuota", &json!({})).unwrap();
    }
}
