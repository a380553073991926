//! Exchanges and connections of the user's under the blocking client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cvm_proto::machine::{Cause, Failure, Fault};
use cvm_scenarios::server::{Act, EMPTY, Server};
use cvm_scenarios::settings;
use cvm_ureq::api::{DescribeImages, SyncImages};
use cvm_ureq::{Cancel, Client, ErrorKind, FromSettings, ImageSync, Reply, Request, Response, ureq};

fn nowhere() -> Client {
    Client::from_settings(settings("https://cvm.invalid")).unwrap()
}

fn empty() -> Response {
    Response::new(200, EMPTY.into())
}

#[test]
fn an_exchange_serves_every_way_of_calling_and_every_region() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let client = nowhere().with_exchange(move |request: Request| {
        counter.fetch_add(1, Ordering::Relaxed);
        assert_eq!(request.region(), Some("ap-beijing"));
        Ok::<_, Failure>(empty())
    });
    let client = client.with_region("ap-beijing").unwrap().clone();
    client.send(DescribeImages::default()).unwrap();
    client.call("DescribeImages", serde_json::json!({})).unwrap();
    assert!(client.items(DescribeImages::default()).next().is_none());
    assert!(client.pages(DescribeImages::default()).next().is_none());
    assert_eq!(seen.load(Ordering::Relaxed), 4);
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let mut settings = settings("https://cvm.invalid");
    settings.max_response_bytes = 100;
    let client = Client::from_settings(settings).unwrap();
    let client = client.with_exchange(|_| Reply::Response(Response::new(200, vec![b' '; 101])));
    let error = client.send(SyncImages::new(["img-1"], ["ap-beijing"])).unwrap_err();
    assert!(error.to_string().contains("larger than 100 bytes"), "{error}");
}

#[test]
fn what_an_exchange_says_was_not_sent_is_sent_again() {
    let seen = AtomicUsize::new(0);
    let client =
        nowhere().with_exchange(move |request: Request| match seen.fetch_add(1, Ordering::Relaxed) {
            0 => Err(request.failure(Fault::not_sent(Cause::Refused))),
            _ => Ok(empty()),
        });
    client.send(SyncImages::new(["img-1"], ["ap-beijing"])).unwrap();
}

#[test]
fn nothing_is_begun_after_a_cancel() {
    let cancel = Cancel::new();
    let (seen, canceller) = (Arc::new(AtomicUsize::new(0)), cancel.clone());
    let counter = Arc::clone(&seen);
    let client = nowhere().with_exchange(move |request: Request| {
        counter.fetch_add(1, Ordering::Relaxed);
        canceller.cancel();
        Reply::Failed(request.failure(Fault::maybe_sent(Cause::NoAnswer)))
    });
    drop(client.run(ImageSync::new("img-o3ycss2p").to(["ap-guangzhou"]).cancel_with(&cancel), |_| ()));
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

#[test]
fn an_agent_of_ureq_carries_the_requests_and_their_errors() {
    let server = Server::start(|number, _| if number == 0 { Act::ok(EMPTY) } else { Act::status(404) });
    let agent: ureq::Agent = ureq::Agent::config_builder().user_agent("of-its-own").build().into();
    let client = Client::from_settings(settings(&server.endpoint())).unwrap();
    let client = client.with_agent(agent).unwrap();
    client.send(DescribeImages::default()).unwrap();
    assert_eq!(server.received()[0].header("user-agent"), Some("of-its-own"));
    let error = client.send(DescribeImages::default()).unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Response, Some(404)), "{error:?}");
}

#[test]
fn an_agent_that_cannot_connect_has_sent_nothing() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::from_settings(settings(&format!("http://{nobody}"))).unwrap();
    let client = client.with_agent(ureq::Agent::new_with_defaults()).unwrap();
    let error = client.send(SyncImages::new(["img-1"], ["ap-beijing"])).unwrap_err();
    assert!(!error.outcome_unknown() && error.to_string().contains("refuses connections"), "{error}");
}
