//! Exchanges that are interrupted.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cvm_local::{CvmLocal, Fault};
use cvm_proto::machine::{Failure, FailureKind, Sent};
use cvm_proto::{Call, Credential, Endpoint, Machine, Reply, Request, Step, api};
use cvm_ureq::Client;

fn request(client: &Client) -> Request {
    let mut call = Call::new(client.config(), api::DescribeRegions::default(), 1);
    let Step::Send(request) = call.poll(client.now()) else { panic!("a call begins with a request") };
    request
}

fn client(endpoint: &str, credential: Credential) -> Client {
    let builder = Client::builder().region("ap-shanghai").credential(credential).rate_limit(false);
    builder.endpoint(Endpoint::explicit(endpoint).unwrap()).build().unwrap()
}

/// A client that is interrupted when it has been asked this often.
fn interrupted_after(client: &Client, times: u32) -> Client {
    let asked = Arc::new(AtomicU32::new(0));
    client.interruptible(move || asked.fetch_add(1, Ordering::Relaxed) >= times)
}

fn failure(reply: Reply) -> Failure {
    match reply {
        Reply::Failed(failure) => failure,
        Reply::Response(response) => panic!("an answer came: {response:?}"),
    }
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let client = interrupted_after(&client(&url, Credential::new("id", "key").unwrap()), 2);
    let began = Instant::now();
    let failure = failure(client.exchange(request(&client)));
    assert!(began.elapsed() < Duration::from_secs(10), "long before the attempt's timeout of 30 s");
    assert_eq!(failure.sent, Sent::Maybe);
    assert!(failure.message.contains("interrupted"), "{}", failure.message);
}

#[test]
fn a_request_that_nobody_reads_is_not_written_to_its_end() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let client = interrupted_after(&client(&url, Credential::new("id", "key").unwrap()), 2);
    let action = api::ImportKeyPair::new("name", 0, "k".repeat(9 << 20));
    let mut call = Call::new(client.config(), action, 1);
    let Step::Send(request) = call.poll(client.now()) else { panic!("a call begins with a request") };
    assert_eq!(failure(client.exchange(request)).sent, Sent::Maybe);
}

/// Waits between two bytes are short, and the answer comes to no end.
#[test]
fn an_answer_that_trickles_in_is_not_waited_for() {
    let trickle = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", trickle.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = trickle.accept().unwrap();
        let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n");
        while written.is_ok() {
            std::thread::sleep(Duration::from_millis(5));
            written = stream.write_all(b" ");
        }
    });
    let client = interrupted_after(&client(&url, Credential::new("id", "key").unwrap()), 2);
    let began = Instant::now();
    let failure = failure(client.exchange(request(&client)));
    assert!(began.elapsed() < Duration::from_secs(10), "long before the attempt's timeout of 30 s");
    assert_eq!((failure.sent, failure.kind), (Sent::Maybe, FailureKind::Cancelled));
    server.join().expect("the connection is closed");
}

#[test]
fn an_exchange_that_nobody_interrupts_is_as_any_other() {
    let local = CvmLocal::start().unwrap();
    let client = client(local.endpoint(), local.credential()).interruptible(|| false);
    local.faults().push(Fault::latency(Duration::from_millis(200)).times(1)).unwrap();
    for _ in 0..3 {
        let Reply::Response(response) = client.exchange(request(&client)) else { panic!("no answer") };
        assert_eq!(response.status(), 200);
    }
    assert!(!client.call("DescribeRegions", serde_json::json!({})).unwrap()["RegionSet"].is_null());
}

#[test]
fn a_refused_connection_was_not_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let client = client(&url, Credential::new("id", "key").unwrap()).interruptible(|| false);
    assert_eq!(failure(client.exchange(request(&client))).sent, Sent::No);
}

#[test]
fn tls_works_over_it() {
    let local = CvmLocal::builder().tls().start().unwrap();
    let builder = Client::builder().region("ap-shanghai").credential(local.credential());
    let builder = builder.ca_pem(local.ca_pem().unwrap());
    let client = builder.endpoint(Endpoint::explicit(local.endpoint()).unwrap()).build().unwrap();
    let client = client.interruptible(|| false);
    for _ in 0..2 {
        assert!(client.send(api::DescribeRegions::default()).is_ok());
    }
}
