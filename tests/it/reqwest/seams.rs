//! Exchanges and connections of the user's under the async client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cvm_proto::machine::{Cause, Failure, FailureKind, Fault};
use cvm_proto::{Call, Machine, Step};
use cvm_reqwest::api::{DescribeImages, DescribeZones, SyncImages};
use cvm_reqwest::{Cancel, Client, ErrorKind, FromSettings, ImageSync, Reply, Request, Response, reqwest};
use cvm_scenarios::server::{Act, EMPTY, Server};
use cvm_scenarios::settings;
use tokio::time::{Instant, sleep};

/// A client whose endpoint is nowhere: whatever answers is its exchange.
fn nowhere() -> Client {
    Client::from_settings(settings("https://cvm.invalid")).unwrap()
}

fn empty() -> Response {
    Response::new(200, EMPTY.into())
}

#[tokio::test]
async fn an_exchange_serves_every_way_of_calling_and_every_region() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let client = nowhere().with_exchange(move |request: Request| {
        counter.fetch_add(1, Ordering::Relaxed);
        let region = request.region().unwrap_or_default().to_owned();
        async move {
            assert_eq!(region, "ap-beijing");
            Ok::<_, Failure>(empty())
        }
    });
    let client = client.with_region("ap-beijing").unwrap().clone();
    client.send(DescribeImages::default()).await.unwrap();
    client.call("DescribeImages", serde_json::json!({})).await.unwrap();
    assert!(client.items(DescribeImages::default()).next().await.is_none());
    assert!(client.pages(DescribeImages::default()).next().await.is_none());
    assert_eq!(seen.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_does_not_end_is_dropped_when_its_time_is_over() {
    let client = nowhere().with_exchange(|_| async {
        sleep(Duration::from_secs(9_999)).await;
        Reply::Response(empty())
    });
    let began = Instant::now();
    let error = client.send(SyncImages::new(["img-1"], ["ap-beijing"])).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Timeout, true), "{error:?}");
    assert!(error.to_string().contains("within 30s"), "{error}");
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_is_dropped_after_a_cancel() {
    let client = nowhere().with_exchange(|_| async {
        sleep(Duration::from_secs(9_999)).await;
        Reply::Response(empty())
    });
    let cancel = Cancel::new();
    let job = ImageSync::new("img-o3ycss2p").to(["ap-guangzhou"]).cancel_with(&cancel);
    let began = Instant::now();
    let (report, ()) = tokio::join!(client.run(job, |_| ()), async {
        sleep(Duration::from_secs(3)).await;
        cancel.cancel();
    });
    assert!(!report.is_ok_and(|report| report.is_complete()));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let mut settings = settings("https://cvm.invalid");
    settings.max_response_bytes = 100;
    let client = Client::from_settings(settings).unwrap();
    let client = client.with_exchange(|_| async { Reply::Response(Response::new(200, vec![b' '; 101])) });
    let error = client.send(SyncImages::new(["img-1"], ["ap-beijing"])).await.unwrap_err();
    assert!(error.to_string().contains("larger than 100 bytes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_an_exchange_says_was_not_sent_is_sent_again() {
    let seen = AtomicUsize::new(0);
    let client = nowhere().with_exchange(move |request: Request| {
        let outcome = match seen.fetch_add(1, Ordering::Relaxed) {
            0 => Err(request.failure(Fault::not_sent(Cause::Refused))),
            _ => Ok(empty()),
        };
        async { outcome }
    });
    client.send(SyncImages::new(["img-1"], ["ap-beijing"])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn both_clocks_move_on_with_a_paused_one() {
    let client = nowhere();
    let before = client.now();
    sleep(Duration::from_secs(3_600)).await;
    let after = client.now();
    assert_eq!(after.mono.saturating_sub(before.mono).as_secs(), 3_600);
    assert!((3_600..3_660).contains(&(after.unix - before.unix)), "{before:?} {after:?}");
}

#[tokio::test]
async fn a_client_wraps_another_and_sees_what_it_sends() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let client = Client::from_settings(settings(&server.endpoint())).unwrap();
    let inner = client.clone();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    let client = client.with_exchange(move |request| {
        counter.fetch_add(1, Ordering::Relaxed);
        let inner = inner.clone();
        async move { inner.exchange(request).await }
    });
    client.send(DescribeImages::default()).await.unwrap();
    assert_eq!((seen.load(Ordering::Relaxed), server.received().len()), (1, 1));
}

/// TLS that trusts nobody: there is none here.
fn no_authorities() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

#[tokio::test]
async fn a_client_of_reqwest_carries_the_requests() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(no_authorities())
        .user_agent("of-its-own")
        .build()
        .unwrap();
    let client = Client::from_settings(settings(&server.endpoint())).unwrap();
    let client = client.with_http_client(http).unwrap().with_region("ap-beijing").unwrap();
    client.send(DescribeImages::default()).await.unwrap();
    let received = server.received();
    assert_eq!(received[0].header("user-agent"), Some("of-its-own"));
    assert_eq!(received[0].header("x-tc-region"), Some("ap-beijing"));
}

#[tokio::test]
async fn a_machine_is_driven_by_whoever_makes_it() {
    let client = nowhere().with_exchange(|_| async {
        let body = r#"{"Response":{"ZoneSet":[],"TotalCount":0,"RequestId":"r-1"}}"#;
        Reply::Response(Response::new(200, body.into()))
    });
    let mut call = Call::new(client.config(), DescribeZones::default(), 1);
    let std::ops::ControlFlow::Break(outcome) = client.drive(&mut call).await;
    assert_eq!(outcome.unwrap().request_id, "r-1");
}

#[tokio::test]
async fn a_failure_keeps_what_the_exchange_said() {
    let client = nowhere().with_exchange(|_| async {
        Reply::Failed(Failure::maybe_sent(FailureKind::Interrupted, "the cassette has no answer to this"))
    });
    let mut call = Call::new(client.config(), DescribeZones::default(), 1);
    let Step::Send(request) = call.poll(client.now()) else { panic!("a call begins with a request") };
    let Reply::Failed(failure) = client.exchange(request).await else { panic!("no answer was given") };
    assert_eq!(failure.message, "the cassette has no answer to this");
}
