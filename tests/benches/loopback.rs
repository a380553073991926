//! Whole calls on loopback: each client beside the HTTP library it is made of, in the same run.
//!
//! The server is a bare hyper that answers every request with the same 228 bytes. Rounds of the two sides alternate, so
//! that whatever else the machine does meets both. A ratio is the median of the rounds' own ratios; 1.00 means that
//! signing, retries, limits and decoding cost nothing that can be seen. Where all of a client runs in one thread, the
//! processor time of that thread is measured as well: it moves less with what else the machine does.

// A benchmark reads the clock, and ends with a panic where its own set-up is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs
)]

mod bare;
#[path = "../../examples/hyper/exchange.rs"]
mod hyper_exchange;

use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use rustix::time::{ClockId, clock_gettime};

use self::hyper_exchange::{HyperClient, ServiceExchange, hyper_client};

use cvm_proto::api::SyncImages;
use cvm_proto::{Credential, Endpoint, FromSettings, Settings};
use tokio::runtime::{Builder, Runtime};

const ANSWER: &str = r#"{"Response":{"ImageSet":[{"ImageId":"img-pi0ii46r","Region":"ap-guangzhou"},{"ImageId":"img-evhmqsbi","Region":"ap-beijing"},{"ImageId":"img-3kq1nsr9","Region":"ap-shenzhen"}],"RequestId":"71e69b56-32be-4412-ab45-49eded6a87be"}}"#;
const BODY: &str =
    r#"{"ImageIds":["img-o3ycss2p"],"DestinationRegions":["ap-guangzhou","ap-beijing","ap-shenzhen"]}"#;
const HEADERS: [(&str, &str); 6] = [
    ("content-type", "application/json; charset=utf-8"),
    (
        "authorization",
        "TC3-HMAC-SHA256 Credential=AKIDbench/2026-11-24/cvm/tc3_request, \
         SignedHeaders=content-type;host;x-tc-action, \
         Signature=5da7a33f6993f0614b047e5df4582db9e9bf4672ba50567dba16c6ccf174c474",
    ),
    ("x-tc-action", "SyncImages"),
    ("x-tc-version", "2017-03-12"),
    ("x-tc-timestamp", "1795492800"),
    ("x-tc-region", "ap-shanghai"),
];

/// Rounds of each side, and the calls in a round.
const ROUNDS: usize = 25;
const SERIAL: usize = 1500;
const PARALLEL: usize = 6400;
const TASKS: usize = 32;
const THREADS: usize = 8;

fn main() {
    assert_eq!(ANSWER.len(), 228, "a usual answer to SyncImages");
    let url = format!("http://{}/", bare::serve(ANSWER.as_bytes()));
    let cvm_ureq = cvm_ureq::Client::from_settings(settings(&url)).expect("the settings are right");
    let cvm_reqwest = cvm_reqwest::Client::from_settings(settings(&url)).expect("the settings are right");
    let ureq = ureq::Agent::new_with_defaults();
    // One thread, as the server has: two cores make one for each side.
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let reqwest = bare_reqwest();

    compare(
        "blocking, serial",
        SERIAL,
        || (0..SERIAL).for_each(|_| ureq_call(&ureq, &url)),
        || (0..SERIAL).for_each(|_| cvm_ureq_call(&cvm_ureq)),
    );
    compare(
        "blocking, 8 threads",
        PARALLEL,
        || in_threads(|| ureq_call(&ureq, &url)),
        || in_threads(|| cvm_ureq_call(&cvm_ureq)),
    );
    let serial = async || {
        for _ in 0..SERIAL {
            reqwest_call(&reqwest, &url).await;
        }
    };
    let cvm_serial = async || {
        for _ in 0..SERIAL {
            cvm_reqwest_call(&cvm_reqwest).await;
        }
    };
    compare("async, serial", SERIAL, || runtime.block_on(serial()), || runtime.block_on(cvm_serial()));
    compare(
        "async, 32 tasks",
        PARALLEL,
        || {
            let (client, url) = (reqwest.clone(), url.clone());
            in_tasks(&runtime, move || {
                let (client, url) = (client.clone(), url.clone());
                async move {
                    for _ in 0..PARALLEL / TASKS {
                        reqwest_call(&client, &url).await;
                    }
                }
            });
        },
        || {
            let client = cvm_reqwest.clone();
            in_tasks(&runtime, move || {
                let client = client.clone();
                async move {
                    for _ in 0..PARALLEL / TASKS {
                        cvm_reqwest_call(&client).await;
                    }
                }
            });
        },
    );
    let over_hyper = cvm_reqwest.with_exchange(ServiceExchange(hyper_client()));
    let hyper = hyper_client();
    let bare_serial = async || {
        for _ in 0..SERIAL {
            hyper_call(&hyper, &url).await;
        }
    };
    let our_serial = async || {
        for _ in 0..SERIAL {
            cvm_reqwest_call(&over_hyper).await;
        }
    };
    compare(
        "hyper as exchange",
        SERIAL,
        || runtime.block_on(bare_serial()),
        || runtime.block_on(our_serial()),
    );
}

/// What a round took.
struct Round {
    /// Calls a second.
    rate: f64,
    /// Microseconds of this thread's processor time for a call.
    processor: f64,
}

/// Runs both sides in turn and prints calls a second, and ours as a part of the bare one's; and the processor time of a call,
/// ours as a multiple of the bare one's.
fn compare(name: &str, calls: usize, mut bare: impl FnMut(), mut ours: impl FnMut()) {
    // Cargo passes `--bench`; anything else is a part of a benchmark's name.
    if std::env::args().skip(1).find(|arg| !arg.starts_with('-')).is_some_and(|part| !name.contains(&part)) {
        return;
    }
    let time = |round: &mut dyn FnMut()| {
        let (start, processor) = (Instant::now(), processor_time());
        round();
        let processor = processor_time().saturating_sub(processor).as_secs_f64() * 1e6 / calls as f64;
        Round { rate: calls as f64 / start.elapsed().as_secs_f64(), processor }
    };
    // The first rounds open connections and warm caches.
    time(&mut bare);
    time(&mut ours);
    let rounds: Vec<(Round, Round)> = (0..ROUNDS)
        .map(|round| {
            if round % 2 == 0 {
                let bare = time(&mut bare);
                (bare, time(&mut ours))
            } else {
                let ours = time(&mut ours);
                (time(&mut bare), ours)
            }
        })
        .collect();
    let middle = |figure: &dyn Fn(&(Round, Round)) -> f64| bare::median(rounds.iter().map(figure).collect());
    let (bare, ours) = (middle(&|(bare, _)| bare.rate), middle(&|(_, ours)| ours.rate));
    let ratio = middle(&|(bare, ours)| ours.rate / bare.rate);
    print!("{name:<20} bare {bare:>7.0}/s   ours {ours:>7.0}/s   ratio {ratio:.3}");
    // With threads of their own, the calls are not in this one.
    if !name.contains("threads") {
        let (bare, ours) = (middle(&|(bare, _)| bare.processor), middle(&|(_, ours)| ours.processor));
        let ratio = middle(&|(bare, ours)| ours.processor / bare.processor);
        print!("   processor bare {bare:>5.1} µs   ours {ours:>5.1} µs   ratio {ratio:.3}");
    }
    println!();
}

/// The processor time that this thread has used.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("a thread's time is not negative")
}

fn in_threads(call: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..PARALLEL / THREADS).for_each(|_| call()));
        }
    });
}

fn in_tasks<F: Future<Output = ()> + Send + 'static>(runtime: &Runtime, task: impl Fn() -> F) {
    runtime.block_on(async {
        let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(task())).collect();
        for task in tasks {
            task.await.expect("a task that failed has said why");
        }
    });
}

fn settings(url: &str) -> Settings {
    let mut settings = Settings::default();
    settings.credential =
        Some(Credential::new("AKIDbench", "not-a-real-key").expect("both halves are there"));
    settings.region = Some("ap-shanghai".into());
    settings.endpoint = Endpoint::explicit(url).expect("the server has an address");
    // The service's rates are far below what is measured here.
    settings.rate_limit = false;
    settings
}

fn action() -> SyncImages {
    SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou", "ap-beijing", "ap-shenzhen"])
}

fn cvm_ureq_call(client: &cvm_ureq::Client) {
    let answer = client.send(action()).expect("the server answers");
    assert_eq!(answer.image_set.len(), 3);
}

async fn cvm_reqwest_call(client: &cvm_reqwest::Client) {
    let answer = client.send(action()).await.expect("the server answers");
    assert_eq!(answer.image_set.len(), 3);
}

fn ureq_call(agent: &ureq::Agent, url: &str) {
    let mut request = agent.post(url);
    for (name, value) in HEADERS {
        request = request.header(name, value);
    }
    let body =
        request.send(BODY).expect("the server answers").body_mut().read_to_vec().expect("the body is there");
    assert_eq!(body.len(), ANSWER.len());
}

/// What a user of reqwest starts with, without its tables of certificate authorities: there is no TLS here.
fn bare_reqwest() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .expect("ring knows the default versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).build().expect("a client can be made")
}

async fn reqwest_call(client: &reqwest::Client, url: &str) {
    let mut request = client.post(url);
    for (name, value) in HEADERS {
        request = request.header(name, value);
    }
    let body = request.body(BODY).send().await.expect("the server answers").bytes().await;
    assert_eq!(body.expect("the body is there").len(), ANSWER.len());
}

async fn hyper_call(client: &HyperClient, url: &str) {
    let mut request = hyper::Request::post(url);
    for (name, value) in HEADERS {
        request = request.header(name, value);
    }
    let request =
        request.body(Full::new(Bytes::from_static(BODY.as_bytes()))).expect("the headers are right");
    let body = client.request(request).await.expect("the server answers").into_body().collect().await;
    assert_eq!(body.expect("the body is there").to_bytes().len(), ANSWER.len());
}
