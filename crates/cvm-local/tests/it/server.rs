//! Starting, stopping, and running until told to stop.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use cvm_local::{Clock, CvmLocal, Fault, Seed};
use serde_json::json;

use crate::client::{Client, Raw, connect, read_answer};

fn address(local: &CvmLocal) -> String {
    local.endpoint().strip_prefix("http://").unwrap().to_owned()
}

#[test]
fn dropping_it_closes_everything() {
    let local = CvmLocal::start().unwrap();
    let address = address(&local);
    let mut open = connect(&local);
    drop(local);
    assert!(TcpStream::connect(&address).is_err());
    open.write_all(b"x").ok();
    assert!(read_answer(&mut open).is_none());
}

#[test]
fn it_can_be_used_inside_an_async_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let local = CvmLocal::start().unwrap();
        assert!(tokio::net::TcpStream::connect(address(&local)).await.is_ok());
        drop(local);
    });
}

#[test]
fn many_run_side_by_side() {
    let locals: Vec<_> = (0..8).map(|_| CvmLocal::start().unwrap()).collect();
    for local in &locals {
        Client::new(local).call("DescribeImageQuota", &json!({})).unwrap();
        assert_eq!(local.requests().len(), 1);
    }
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let first = CvmLocal::start().unwrap();
    let port = address(&first).rsplit_once(':').unwrap().1.parse().unwrap();
    let error = CvmLocal::builder().port(port).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

#[test]
fn settings_that_contradict_themselves_are_an_error() {
    let no_key = Seed { accounts: Vec::new(), ..Seed::default() };
    let error = CvmLocal::builder().seed(no_key).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("no key"), "{error}");
    let error = CvmLocal::builder().clock(Clock::scaled(-1.0)).start().unwrap_err();
    assert!(error.to_string().contains("factor"), "{error}");
    let mut seed = Seed::default();
    seed.accounts[1].keys = seed.accounts[0].keys.clone();
    let error = CvmLocal::builder().seed(seed).start().unwrap_err();
    assert!(error.to_string().contains("twice"), "{error}");
}

/// A request whose answer is held back, and the thread that stops the endpoint meanwhile.
fn stop_during_a_request(stop: impl FnOnce(CvmLocal) + Send + 'static) {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::latency(Duration::from_millis(300))).unwrap();
    let mut stream = connect(&local);
    let raw = Raw::post(&local, "DescribeRegions", &json!({})).signed(&local, &["content-type", "host"]);
    stream.write_all(&raw.bytes()).unwrap();
    while local.requests().is_empty() {
        std::thread::yield_now();
    }
    let stopping = std::thread::spawn(move || stop(local));
    assert_eq!(read_answer(&mut stream).expect("the request comes to its answer").code(), None);
    stopping.join().unwrap();
    // The connection is closed once its request has been answered.
    assert!(read_answer(&mut stream).is_none());
}

#[test]
fn a_graceful_end_lets_requests_finish() {
    stop_during_a_request(|local| local.shutdown().unwrap());
}

#[test]
fn it_runs_until_it_is_told_to_stop() {
    stop_during_a_request(|local| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(local.run_until(async {})).unwrap();
    });
}
