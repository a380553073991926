//! The embedded endpoint on loopback: signed requests beside a bare hyper server that answers the same bytes.
//!
//! The client keeps 32 connections busy with requests that it has signed before, one at a time on each. Rounds of the
//! two servers alternate, and each has a thread of its own. Then, in a process of its own, how long the endpoint takes to
//! start, and how much memory it has with 10,000 images.
//!
//! The ratio that it has to keep for one image by its id is 0.60; memory is to stay below 50 MB, a start below 50 ms.

// A benchmark reads the clock, and ends with a panic where its own set-up is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs
)]

mod bare;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cvm_local::{CvmLocal, Seed, SeedImage};
use cvm_proto::api::DescribeImages;
use cvm_proto::{Call, Config, Endpoint, Machine, Now, Settings, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

const CONNECTIONS: usize = 32;
/// Requests of a round, and rounds of each server.
const REQUESTS: usize = 6400;
const ROUNDS: usize = 25;
/// The argument with which this program is the endpoint whose memory is measured.
const ALONE: &str = "--alone";

fn main() {
    if let Some(images) = std::env::args().skip_while(|argument| argument != ALONE).nth(1) {
        return alone(images.parse().expect("a number of images"));
    }
    let local = CvmLocal::builder().rate_limits(false).start().expect("a port is free");
    let one = DescribeImages::default().image_ids(["img-o3ycss2p"]);
    compare("one image by its id", &local, one);
    compare("a page of 10 images", &local, DescribeImages::default().limit(10));
    for images in [0, 10_000] {
        measure_alone(images);
    }
}

/// A request as it goes over the wire.
fn signed(local: &CvmLocal, action: DescribeImages) -> Arc<[u8]> {
    let mut settings = Settings::default();
    settings.credential = Some(local.credential());
    settings.region = Some("ap-shanghai".into());
    settings.endpoint = Endpoint::explicit(local.endpoint()).expect("the endpoint has an address");
    let config = Config::new(settings).expect("the settings are right");
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
    let Step::Send(request) = Call::new(&config, action, 1).poll(Now::new(unix, Duration::ZERO)) else {
        panic!("a new call has something to send");
    };
    let mut raw = format!("{} {} HTTP/1.1\r\n", request.method().as_str(), request.target());
    for (name, value) in request.headers() {
        raw.push_str(&format!("{name}: {value}\r\n"));
    }
    raw.push_str(&format!("content-length: {}\r\n\r\n", request.body().len()));
    [raw.as_bytes(), request.body()].concat().into()
}

/// The answer to a request, head and body. Its length is that of all others.
fn first_answer(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.write_all(request).expect("the server reads");
    let mut bytes = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let n = stream.read(&mut buffer).expect("the server answers");
        assert!(n > 0, "the server closed the connection");
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.expect("an answer has a length").parse() == Ok(body.len()) {
            return bytes;
        }
    }
}

/// Runs both servers in turn and prints requests a second, and the endpoint's as a part of the bare one's.
fn compare(name: &str, local: &CvmLocal, action: DescribeImages) {
    let ours = local.endpoint().strip_prefix("http://").expect("it is HTTP").parse().expect("an address");
    // Requests are good for five minutes, and a comparison takes seconds.
    let request = signed(local, action);
    let answer = first_answer(ours, &request);
    let at = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    assert!(answer[at..].starts_with(br#"{"Response":{"ImageSet":[{"#), "the endpoint answers the request");
    let bare = bare::serve(answer[at..].to_vec());
    let length = answer.len();
    assert_eq!(first_answer(bare, &request).len(), length, "both answer as many bytes");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let rate = |address| {
        let start = Instant::now();
        round(&runtime, address, &request, length);
        REQUESTS as f64 / start.elapsed().as_secs_f64()
    };
    rate(bare);
    rate(ours);
    let (mut bare_rates, mut our_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        let (bare_rate, our_rate) = if number % 2 == 0 {
            let bare_rate = rate(bare);
            (bare_rate, rate(ours))
        } else {
            let our_rate = rate(ours);
            (rate(bare), our_rate)
        };
        bare_rates.push(bare_rate);
        our_rates.push(our_rate);
        ratios.push(our_rate / bare_rate);
    }
    let (bare, ours, ratio) = (bare::median(bare_rates), bare::median(our_rates), bare::median(ratios));
    println!("{name:<20} bare {bare:>7.0}/s   ours {ours:>7.0}/s   ratio {ratio:.3}");
}

fn round(runtime: &Runtime, address: SocketAddr, request: &Arc<[u8]>, length: usize) {
    runtime.block_on(async {
        let tasks: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let request = Arc::clone(request);
                tokio::spawn(async move {
                    let mut stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
                    stream.set_nodelay(true).expect("the stream is open");
                    let mut answer = vec![0; length];
                    for _ in 0..REQUESTS / CONNECTIONS {
                        stream.write_all(&request).await.expect("the server reads");
                        stream.read_exact(&mut answer).await.expect("the server answers");
                        assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "the request was refused");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task that failed has said why");
        }
    });
}

/// This program as an endpoint with many images: says where it listens, and lives until its stdin ends.
fn alone(images: usize) {
    let mut seed = Seed::default();
    for number in 0..images {
        let id = format!("img-{number:08}");
        seed.accounts[0].images.push(SeedImage::new(id, "ap-shanghai", format!("image {number}")));
    }
    let start = Instant::now();
    let local = CvmLocal::builder().seed(seed).start().expect("a port is free");
    println!("{} {}", local.endpoint(), start.elapsed().as_secs_f64());
    let _ = std::io::stdin().read(&mut [0]);
}

fn measure_alone(images: usize) {
    let program = std::env::current_exe().expect("this program has a file");
    let start = Instant::now();
    let mut child = Command::new(program)
        .args([ALONE, &images.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be started");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it says a line");
    let whole = start.elapsed();
    let (endpoint, seconds) = line.trim().split_once(' ').expect("an address and a time");
    let address = endpoint.strip_prefix("http://").expect("it is HTTP").parse().expect("an address");
    first_answer(address, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let memory = |name: &str| {
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.trim().strip_suffix(" kB").and_then(|kib| kib.parse::<f64>().ok()));
        kib.map_or("not known here".into(), |kib| format!("{:.1} MB", kib * 1024.0 / 1e6))
    };
    println!(
        "{images:>6} more images     start {:>5.1} ms ({:.1} ms with the process)   memory {} (peak {})",
        seconds.parse::<f64>().expect("a time") * 1e3,
        whole.as_secs_f64() * 1e3,
        memory("VmRSS:"),
        memory("VmHWM:")
    );
    drop(child.stdin.take());
    child.wait().expect("it ends with its stdin");
}
