//! What the core costs, each beside its floor: the least that any implementation has to do, measured in the same run.
//!
//! Rounds of ours and of the floor take turns, and the fastest round of each counts: what else the machine does slows
//! both alike, and no round is slowed by itself.

// A benchmark reads the clock, and ends with a panic where its own set-up is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use cvm_proto::api::{DescribeImagesResponse, SyncImages};
use cvm_proto::codec::envelope;
use cvm_proto::sign::{CanonicalRequest, CredentialScope, Payload, SigningKey, StringToSign, authorization};
use cvm_proto::{Action, Call, Config, Credential, Error, Machine, Now, Settings, Step};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize, Serializer};
use sha2::Sha256;
use sha2::block_api::compress256;

const ROUNDS: u32 = 300;
const ROUND: Duration = Duration::from_micros(500);

fn main() {
    // Cargo passes `--bench`; anything else is a part of a benchmark's name.
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    println!("{:<28}{:>12}{:>12}{:>9}", "", "ours", "floor", "ratio");
    for (name, run) in [
        ("sign", sign as fn() -> Pair),
        ("sign one string", sign_string),
        ("encode and sign SyncImages", encode),
        ("decode 100 images", decode),
    ] {
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
        .image_name("nightly-2019-02-25-amd64")
        .image_set_required(true)
}

/// The compressions of SHA-256 that a request of that size cannot do without: three for the body, two for the rest of
/// the canonical request, three for the signature. With the name of this action among the signed headers, the canonical
/// request ends two bytes into a third block: ours are nine.
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

/// What `sign/sha256.rs` is for: a key that has been taken in, beside the same kept as a clone of the crate `hmac`.
fn sign_string() -> Pair {
    let scope = CredentialScope::new(UNIX, "cvm");
    let text = StringToSign { timestamp: UNIX, scope, canonical_hash: [7; 32] };
    let key = SigningKey::derive("not-a-real-key", scope);
    let clone = <Hmac<Sha256> as KeyInit>::new_from_slice(&[7; 32]).unwrap();
    let ours = || {
        black_box(key.sign(black_box(&text)));
    };
    let floor = || {
        let code = clone.clone().chain_update(black_box(&text).to_string()).finalize();
        black_box(code.into_bytes());
    };
    compare(ours, floor)
}

/// An action that is kept for the next round: making and dropping one is its owner's work.
struct Borrowed<'a>(&'a SyncImages);

impl Serialize for Borrowed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Action for Borrowed<'_> {
    const NAME: &'static str = SyncImages::NAME;
    const RATE_LIMIT: Option<u32> = SyncImages::RATE_LIMIT;
    type Response = <SyncImages as Action>::Response;

    fn safe_to_repeat(&self) -> bool {
        self.0.safe_to_repeat()
    }

    fn check(&self) -> Result<(), Error> {
        self.0.check()
    }
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
    let ours = || {
        let mut call = Call::new(black_box(&config), Borrowed(black_box(&action)), 7);
        let Step::Send(request) = call.poll(now) else { panic!("the call is not sent") };
        black_box(&request);
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

fn decode() -> Pair {
    let answer = answer();
    let ours = || {
        let decoded: DescribeImagesResponse = envelope::decode(200, black_box(answer.as_bytes())).unwrap();
        black_box(decoded);
    };
    let floor = || {
        let text = std::str::from_utf8(black_box(answer.as_bytes())).unwrap();
        let decoded: Envelope = serde_json::from_str(text).unwrap();
        black_box(decoded);
    };
    compare(ours, floor)
}

/// An answer with 100 images, each with its members in the documented order, as the service writes them.
fn answer() -> String {
    let image = |n: u32| {
        let description =
            "Base image of the web tier, with the monitoring agent and the company's certificates";
        format!(
            r#"{{"ImageId":"img-{n:08x}","OsName":"TencentOS Server 3.1 (TK4) UEFI Edition","ImageType":"PRIVATE_IMAGE",
"CreatedTime":"2019-02-25T16:44:25Z","ImageName":"nightly-build-{n:05}","ImageDescription":"{description}",
"ImageSize":50,"Architecture":"x86_64","ImageState":"NORMAL","Platform":"TencentOS","ImageCreator":"100000000001",
"ImageSource":"CREATE_IMAGE","SyncPercent":null,"IsSupportCloudinit":true,"SnapshotSet":[
{{"SnapshotId":"snap-{n:08x}","DiskUsage":"SYSTEM_DISK","DiskSize":50}},
{{"SnapshotId":"snap-{n:07x}d","DiskUsage":"DATA_DISK","DiskSize":200}}],
"Tags":[{{"Key":"team","Value":"web"}},{{"Key":"stage","Value":"production"}}],
"LicenseType":"TencentCloud","ImageFamily":"web-tier","ImageDeprecated":false}}"#
        )
        .replace('\n', "")
    };
    let images: Vec<_> = (0..100).map(image).collect();
    let id = "71e69b56-32be-4412-ab45-49eded6a87be";
    format!(r#"{{"Response":{{"TotalCount":100,"ImageSet":[{}],"RequestId":"{id}"}}}}"#, images.join(","))
}

// The same answer in plain derived types, which is the floor of reading it into owned values.

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    #[expect(dead_code, reason = "reading it is what is measured")]
    response: Answer,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "reading them is what is measured")]
struct Answer {
    total_count: i64,
    image_set: Vec<Image>,
    request_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "reading them is what is measured")]
struct Image {
    image_id: String,
    os_name: String,
    image_type: String,
    created_time: String,
    image_name: String,
    image_description: String,
    image_size: i64,
    architecture: String,
    image_state: String,
    platform: String,
    image_creator: String,
    image_source: String,
    sync_percent: Option<i64>,
    is_support_cloudinit: bool,
    snapshot_set: Vec<Snapshot>,
    tags: Vec<Tag>,
    license_type: String,
    image_family: Option<String>,
    image_deprecated: Option<bool>,
    cdc_cache_status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "reading them is what is measured")]
struct Snapshot {
    snapshot_id: String,
    disk_usage: String,
    disk_size: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "reading them is what is measured")]
struct Tag {
    key: String,
    value: String,
}
