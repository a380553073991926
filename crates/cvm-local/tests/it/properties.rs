//! Properties of whatever bytes a client sends: each gets an answer or a closed connection.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Once};

use cvm_local::{Check, CvmLocal};
use cvm_proto::SignMethod;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::client::{Raw, connect, exchange, plain};

const USUAL: [&str; 2] = ["content-type", "host"];

static LOCAL: LazyLock<CvmLocal> = LazyLock::new(|| {
    watch_for_panics();
    CvmLocal::builder().skip_checks([Check::Rates]).start().unwrap()
});

/// Panics of endpoints so far: to a client they look like a closed connection.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn watch_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name().is_some_and(|name| name.starts_with("cvm-local")) {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            usual(panic);
        }));
    });
}

/// Sends bytes and reads until the end; says what came. It fails if the end does not come.
fn send(bytes: &[u8]) -> Result<Vec<u8>, TestCaseError> {
    let mut stream = connect(&LOCAL);
    // The endpoint may refuse, and close, before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {}
        Err(error) => return Err(TestCaseError::fail(format!("the connection stays open: {error}"))),
    }
    prop_assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "), "{answer:?}");
    prop_assert_eq!(PANICS.load(Ordering::SeqCst), 0, "the endpoint panicked");
    Ok(answer)
}

/// Requests of every kind, each good as it is.
fn requests() -> Vec<Vec<u8>> {
    let local = &*LOCAL;
    let images = json!({ "ImageIds": ["img-o3ycss2p"], "Limit": 20 });
    let multipart = {
        let mut raw = Raw::post(local, "DescribeImages", &json!({}))
            .with("content-type", "multipart/form-data; boundary=edge");
        raw.body =
            b"--edge\r\nContent-Disposition: form-data; name=\"Limit\"\r\n\r\n1\r\n--edge--\r\n".to_vec();
        raw
    };
    let role = json!({
        "ProviderId": "p", "WebIdentityToken": "e30.eyJleHAiOjB9.x", "RoleSessionName": "test",
        "RoleArn": "qcs::cam::uin/100000000001:roleName/cvm-local-role",
    });
    let mut requests = vec![
        Raw::post(local, "DescribeImages", &images).signed(local, &USUAL).bytes(),
        Raw::get(local, "DescribeImages", "Limit=1&Filters.0.Name=image-name&Filters.0.Values.0=a%20b")
            .signed(local, &USUAL)
            .bytes(),
        multipart.signed(local, &USUAL).bytes(),
        Raw::post(local, "AssumeRoleWithWebIdentity", &role)
            .with("x-tc-version", "2018-08-13")
            .with("authorization", "SKIP")
            .bytes(),
    ];
    for method in ["GET", "POST"] {
        let own = [("Action", "DescribeImages"), ("Limit", "1"), ("Language", "zh-CN")];
        requests.push(Raw::v1(local, method, SignMethod::HmacSha256, &own).bytes());
    }
    let fault = r#"{"effect":"latency","milliseconds":0,"times":1}"#;
    for (line, body) in [
        ("POST /_cvm-local/faults", fault),
        ("PUT /_cvm-local/clock", r#"{"skew_seconds":0,"factor":1.5}"#),
        ("GET /_cvm-local/requests?last=3&action=x", ""),
        ("GET /latest/meta-data/cam/security-credentials/cvm-local-role", ""),
    ] {
        let length = body.len();
        let head = format!("{line} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
        requests.push((head + body).into_bytes());
    }
    requests
}

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize),
    Insert(Index, Vec<u8>),
}

fn edits() -> impl Strategy<Value = Edit> {
    let piece = prop_oneof![
        vec(any::<u8>(), 1..6),
        select(vec![
            "\r\n",
            "\r\n\r\n",
            ":",
            "%",
            "%zz",
            "\u{0}",
            "transfer-encoding: chunked\r\n",
            "{\"a\":",
            "[[["
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        any::<Index>().prop_map(Edit::Cut),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| Edit::Repeat(at, length)),
        (any::<Index>(), piece).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
    ]
}

fn edit(bytes: &mut Vec<u8>, edit: Edit) {
    let end = bytes.len();
    let range = |at: Index, length: usize| at.index(end + 1)..(at.index(end + 1) + length).min(end);
    match edit {
        Edit::Cut(at) => bytes.truncate(at.index(end + 1)),
        Edit::Remove(at, length) => drop(bytes.drain(range(at, length))),
        Edit::Repeat(at, length) => {
            let again = bytes[range(at, length)].to_vec();
            bytes.splice(at.index(end + 1)..at.index(end + 1), again);
        }
        Edit::Insert(at, more) => drop(bytes.splice(at.index(end + 1)..at.index(end + 1), more)),
    }
}

/// The actions that the endpoint has.
fn actions() -> Vec<&'static str> {
    let mut actions: Vec<_> = cvm_local::coverage().map(|code| code.action).collect();
    actions.dedup();
    actions
}

/// Parameters that an action may know or not, with values that it may take or not.
fn parameters() -> impl Strategy<Value = Value> {
    let texts = ["img-o3ycss2p", "ins-local000", "ap-seoul", "PRIVATE_IMAGE", "image-type", "", "é中\u{0}"];
    let leaf = prop_oneof![
        select(texts.to_vec()).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let names = [
        "ImageIds",
        "ImageId",
        "InstanceIds",
        "InstanceId",
        "Filters",
        "Name",
        "Values",
        "Offset",
        "Limit",
        "ImageName",
        "DestinationRegions",
        "AccountIds",
        "Permission",
        "DryRun",
        "TagSpecification",
        "Colour",
    ];
    let value = leaf.prop_recursive(3, 12, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map(select(names.to_vec()), inner, 0..4).prop_map(|map| json!(map)),
        ]
    });
    proptest::collection::hash_map(select(names.to_vec()), value, 0..6).prop_map(|map| json!(map))
}

proptest! {
    #[test]
    fn any_bytes_get_an_answer_or_an_end(bytes in vec(any::<u8>(), 0..300)) {
        send(&bytes)?;
    }

    #[test]
    fn a_request_with_bytes_changed_gets_an_answer_or_an_end(
        which in any::<Index>(),
        changes in vec(edits(), 1..4),
    ) {
        let requests = requests();
        let mut bytes = requests[which.index(requests.len())].clone();
        for change in changes {
            edit(&mut bytes, change);
        }
        send(&bytes)?;
    }

    #[test]
    fn any_parameters_get_an_answer_of_the_service(
        action in select(actions()),
        parameters in parameters(),
    ) {
        let raw = Raw::post(&LOCAL, action, &parameters).signed(&LOCAL, &USUAL);
        let answer = exchange(&LOCAL, &raw.bytes());
        prop_assert_eq!(PANICS.load(Ordering::SeqCst), 0, "the endpoint panicked");
        let answer = answer.expect("an answer");
        prop_assert_eq!(answer.status, 200);
        let body = answer.json();
        prop_assert!(body["Response"]["RequestId"].is_string(), "{}", body);
        prop_assert_ne!(&body["Response"]["Error"]["Code"], "InternalError");
        plain(&LOCAL, "POST", "/_cvm-local/reset", &[("host", "localhost")], "");
    }
}
