//! What a part of a program has otherwise than the client: settings, headers, another product.

use std::time::Duration;

use cvm_local::CvmLocal;
use cvm_proto::api::DescribeImages;
use cvm_proto::{ErrorCode, ErrorKind};
use serde_json::{Value, json};

use crate::server::{Act, EMPTY, Received, Server};
use crate::{Shell, client_of, settings};

const LONG: Duration = Duration::from_secs(20);

fn client<S: Shell>(server: &Server) -> S {
    S::from_settings(settings(&server.endpoint())).unwrap()
}

/// A request that says so is not answered.
fn stalls(_: usize, request: &Received) -> Act {
    if request.header("x-stall").is_some() { Act::Stall(Vec::new()) } else { Act::ok(EMPTY) }
}

/// It has limits and headers of its own, and the client has not.
pub fn settings_of_one_part_of_a_program<S: Shell>() {
    let server = Server::start(stalls);
    let client = client::<S>(&server);
    let hurried = client.with_header("x-stall", "1", Duration::from_millis(100)).unwrap();
    let error = hurried.send(DescribeImages::default()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 3), "{error}");
    assert!(error.to_string().contains("within 100ms, the limit of attempt_timeout"), "{error}");
    assert_eq!(client.send(DescribeImages::default()).unwrap().request_id, "r-fine");
    let error = client.with_header("Host", "elsewhere", LONG).err().unwrap();
    assert_eq!(error.to_string(), "the header `host` is set by the client or its transport: leave it out");
}

/// What a user adds arrives as it is, with each attempt, beside all others.
pub fn headers_go_with_every_attempt<S: Shell>() {
    let server =
        Server::start(|number, _| if number == 0 { Act::refuse("InternalError") } else { Act::ok(EMPTY) });
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = client::<S>(&server).with_header("Traceparent", trace, LONG).unwrap();
    traced.send(DescribeImages::default()).unwrap();
    let received = server.received();
    assert_eq!(received.len(), 2);
    for request in received {
        assert_eq!(request.header("traceparent"), Some(trace));
        assert!(request.header("authorization").is_some_and(|value| !value.contains("traceparent")));
        assert_eq!(request.headers.iter().filter(|(name, _)| name == "host").count(), 1);
    }
    assert!(!traced.shown().contains(trace), "{}", traced.shown());
}

/// Whoever sets a timeout for one call makes no connection for it.
pub fn a_part_of_a_program_keeps_connections<S: Shell>() {
    let server = Server::start(stalls);
    let client = client::<S>(&server);
    client.send(DescribeImages::default()).unwrap();
    server.wait_for_reuse(|| {
        let part = client.with_header("x-part", "1", LONG).unwrap();
        part.send(DescribeImages::default()).unwrap();
    });
    assert_eq!(server.received().last().unwrap().header("x-part"), Some("1"));
}

/// Signed for that product, in its version; its refusals are errors as any other.
pub fn another_product_is_called<S: Shell>() {
    let local = CvmLocal::start().unwrap();
    let client = client_of::<S>(&local);
    let sts = client.service("sts", "2018-08-13").unwrap();
    let identity = sts.call("GetCallerIdentity", Value::Null).unwrap();
    assert_eq!(identity["AccountId"], "100000000001", "{identity}");
    let error =
        client.service("sts", "2017-03-12").unwrap().call("GetCallerIdentity", Value::Null).unwrap_err();
    assert!(error.code().is_some() && error.request_id().is_some(), "{error}");
    let error = sts.call("DoSomethingNew", json!({})).unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::InvalidAction), "{error}");
    // The client is still the same.
    assert!(client.send(DescribeImages::default()).unwrap().total_count > 0);
    let error = client.service("sts.example.com", "2018-08-13").err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
}

/// What this build knows of actions is of cvm alone.
pub fn other_products_are_not_repeated_blindly<S: Shell>() {
    for (action, parameters, times) in [
        ("DescribeVpcs", Value::Null, 3),
        ("DeleteVpc", json!({ "DryRun": true }), 1),
        ("CreateVpc", json!({ "ClientToken": "a-token" }), 3),
    ] {
        let server = Server::start(|_, _| Act::Close(Vec::new()));
        let vpc = client::<S>(&server).service("vpc", "2017-03-12").unwrap();
        let error = vpc.call(action, parameters).unwrap_err();
        assert_eq!((error.kind(), server.received().len()), (ErrorKind::Network, times), "{action}: {error}");
        assert!(server.received().iter().all(|request| {
            request.header("authorization").is_some_and(|value| value.contains("/vpc/tc3_request"))
        }));
    }
}
