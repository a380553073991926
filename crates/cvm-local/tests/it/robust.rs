//! Bytes that are no request, clients that never finish, and what becomes of them.

use std::io::{Read, Write};
use std::time::Duration;

use cvm_local::CvmLocal;
use serde_json::json;

use crate::client::{Client, Raw, connect, exchange};

/// Whether a client that behaves is still served.
fn assert_alive(local: &CvmLocal) {
    Client::new(local).call("DescribeImageQuota", &json!({})).unwrap();
}

/// Reads until the connection is closed, however that is done.
fn wait_for_the_end(stream: &mut std::net::TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection stays open: {error}"),
    }
    bytes
}

#[test]
fn malformed_http_gets_an_answer_or_an_end() {
    let local = CvmLocal::builder().rate_limits(false).start().unwrap();
    let long_header = format!("GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "y".repeat(1 << 20));
    let many_headers = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(1000));
    let long_uri = format!("GET /?{} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(100_000));
    let raws: [&[u8]; 14] = [
        b"\r\n\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: \xff\xfe\r\nauthorization: \xff\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        long_header.as_bytes(),
        many_headers.as_bytes(),
        long_uri.as_bytes(),
    ];
    for raw in raws {
        let mut stream = connect(&local);
        let _ = stream.write_all(raw);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let answer = wait_for_the_end(&mut stream);
        assert!(!String::from_utf8_lossy(&answer).contains("TotalCount"));
    }
    assert_alive(&local);
}

#[test]
fn a_request_cut_anywhere_is_not_done() {
    let local = CvmLocal::builder().rate_limits(false).start().unwrap();
    let body = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-seoul"] });
    let raw = Raw::post(&local, "SyncImages", &body).signed(&local, &["content-type", "host"]).bytes();
    for length in 0..raw.len() {
        let mut stream = connect(&local);
        let _ = stream.write_all(&raw[..length]);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        wait_for_the_end(&mut stream);
    }
    assert!(local.images("ap-seoul").is_empty());
    assert_eq!(exchange(&local, &raw).unwrap().code(), None);
    assert_eq!(local.images("ap-seoul").len(), 1);
}

#[test]
fn a_client_that_never_finishes_its_head_is_let_go() {
    let local = CvmLocal::builder().read_timeout(Duration::from_millis(100)).start().unwrap();
    let mut stream = connect(&local);
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\n").unwrap();
    wait_for_the_end(&mut stream);
    assert_alive(&local);
}

#[test]
fn a_client_that_never_finishes_its_body_is_let_go() {
    let local = CvmLocal::builder().read_timeout(Duration::from_millis(100)).start().unwrap();
    let mut stream = connect(&local);
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc").unwrap();
    wait_for_the_end(&mut stream);
    assert_alive(&local);
}

#[test]
fn a_body_that_is_announced_too_large_is_not_waited_for() {
    let local = CvmLocal::start().unwrap();
    let raw = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n";
    assert_eq!(exchange(&local, raw).unwrap().code().as_deref(), Some("RequestSizeLimitExceeded"));
}

#[test]
fn one_client_does_not_keep_another_waiting() {
    let local = CvmLocal::start().unwrap();
    let idle: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = connect(&local);
            stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n").unwrap();
            stream
        })
        .collect();
    assert_alive(&local);
    drop(idle);
}

#[test]
fn a_client_that_takes_no_answer_is_let_go() {
    let local = CvmLocal::builder().read_timeout(Duration::from_millis(100)).start().unwrap();
    let mut stream = connect(&local);
    stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
    // Answers that nobody reads fill what the system holds back, and then there is no room for more requests.
    let request = b"GET /_cvm-local/seed HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(1000);
    let end = std::iter::repeat_with(|| stream.write_all(&request)).find_map(Result::err).unwrap();
    let closed = [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::BrokenPipe];
    assert!(closed.contains(&end.kind()), "{end}");
    assert_alive(&local);
}

#[test]
fn a_large_body_without_an_end_is_bounded() {
    let local = CvmLocal::builder().read_timeout(Duration::from_millis(500)).start().unwrap();
    // Together they announce more than large bodies may take: some wait, and all of them end.
    let streams: Vec<_> = (0..12)
        .map(|_| {
            let mut stream = connect(&local);
            let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000\r\n\r\n";
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&vec![b' '; 100_000]).unwrap();
            stream
        })
        .collect();
    assert_alive(&local);
    for mut stream in streams {
        wait_for_the_end(&mut stream);
    }
    assert_alive(&local);
}
