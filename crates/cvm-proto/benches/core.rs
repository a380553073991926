//! What the core costs, each beside its floor: the least that any implementation has to do, measured in the same run.
//!
//! Rounds of ours and of the floor take turns, and the fastest round of each counts: what else the machine does slows
//! both alike, and no round is slowed by itself.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cvm_proto::api::{DescribeImagesResponse, SyncImages};
use cvm_proto::codec::envelope;
use cvm_proto::sign::{CanonicalRequest, CredentialScope, Payload, SigningKey, StringToSign, authorization};
use cvm_proto::{Call, Config, Credential, Machine, Now, Settings, Step};
use serde::Deserialize;
use serde_json::json;
use sha2::block_api::compress256;

const ROUNDS: u32 = 300;
const ROUND: Duration = Duration::from_micros(500);

fn main() {
    // Cargo passes `--bench`; anything else is a part of a benchmark's name.
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    println!("{:<28}{:>12}{:>12}{:>9}", "", "ours", "floor", "ratio");
    for (name, run) in [("sign", sign as fn() -> Pair), ("encode and sign SyncImages", encode), ("decode 100 images", decode)] {
        if name.contains(&filter) {
            let (ours, floor) = run();
            println!("{name:<28}{:>9.3} µs{:>9.3} µs{:>9.2}", ours * 1e6, floor * 1e6, ours / floor);
        }
    }
}

/// Seconds for ours and for the floor.
type Pair = (f64, f64);

fn compare(mut ours: impl FnMut(), mut floor: impl FnMut()) -> Pair {
    let runs = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        let mut runs = 0;
        while start.elapsed() < ROUND * 20 {
            work();
            runs += 1;
        }
        (runs / 20).max(1)
    };
    let (our_runs, floor_runs) = (runs(&mut ours), runs(&mut floor));
    let mut best = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        best.0 = best.0.min(round(&mut ours, our_runs));
        best.1 = best.1.min(round(&mut floor, floor_runs));
    }
    best
}

fn round(work: &mut impl FnMut(), runs: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..runs {
        work();
    }
    start.elapsed().as_secs_f64() / f64::from(runs)
}

const UNIX: u64 = 1_551_113_065;

/// 156 bytes of JSON.
fn action() -> SyncImages {
    SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou", "ap-beijing", "ap-chengdu"])
        .image_name("nightly-2019-02-25")
        .image_set_required(true)
}

/// The compressions of SHA-256 that a request of that size cannot do without: three for the body, two for the rest of
/// the canonical request, three for the signature.
fn compressions() {
    let mut state = [0x6a09_e667_u32; 8];
    for i in 0..8_u8 {
        compress256(&mut state, black_box(&[[i; 64]]));
    }
    black_box(state);
}

fn sign() -> Pair {
    let scope = CredentialScope::new(UNIX, "cvm");
    let key = SigningKey::derive("not-a-real-key", scope);
    let body = serde_json::to_vec(&action()).unwrap();
    let ours = || {
        let request = CanonicalRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: black_box(&[
                ("content-type", "application/json"),
                ("host", "cvm.tencentcloudapi.com"),
                ("x-tc-action", "syncimages"),
            ]),
            payload: Payload::Body(black_box(&body)),
        };
        let text = StringToSign { timestamp: black_box(UNIX), scope, canonical_hash: request.hash() };
        black_box(authorization("AKIDexample", scope, "content-type;host;x-tc-action", &key.sign(&text)));
    };
    compare(ours, compressions)
}

fn encode() -> Pair {
    let mut settings = Settings::default();
    settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key").unwrap());
    settings.region = Some("ap-shanghai".into());
    settings.rate_limit = false;
    let config = Config::new(settings).unwrap();
    let now = Now::new(UNIX, Duration::from_secs(1));
    let action = action();
    assert_eq!(serde_json::to_vec(&action).unwrap().len(), 156);

    // The whole way: a call, from the typed action to the request that a transport sends.
    let mut call = Some(Call::new(&config, action.clone(), 0));
    let ours = || {
        let mut fresh = Call::new(black_box(&config), black_box(&action), 7);
        let Step::Send(request) = fresh.poll(now) else { panic!("the call is not sent") };
        black_box(&request);
        call = None;
    };
    let mut buffer = Vec::with_capacity(1024);
    let floor = || {
        buffer.clear();
        serde_json::to_writer(&mut buffer, black_box(&action)).unwrap();
        black_box(&buffer);
        compressions();
    };
    compare(ours, floor)
}
