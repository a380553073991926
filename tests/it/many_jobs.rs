//! Many sync jobs at once in one async process, against an endpoint in a process of its own.
//!
//! `CVM_CHAOS_CROWD` is the number of jobs; `cargo xtask chaos` asks for a thousand, and then time and memory are held
//! against what they may be: the time that the service's rates leave, and 20 kB a job.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::env;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use cvm_local::{Clock, CvmLocal, RequestOutcome, Seed, SeedImage};
use cvm_proto::Pages;
use cvm_proto::api::DescribeImages;
use cvm_reqwest::{Client, Credential, Endpoint, FromSettings, ImageSync, Settings};
use serde_json::{Value, json};

const REGIONS: [&str; 5] = ["ap-guangzhou", "ap-beijing", "ap-chengdu", "ap-nanjing", "ap-hongkong"];

/// How many jobs are enough to see that they get along.
const JOBS: usize = 30;

/// From so many on, time and memory count: fewer are over before they are under way.
const MANY: usize = 1000;

/// The requests a second that the service grants.
const RATES: [(&str, u32); 3] = [("DescribeImages", 40), ("DescribeImageQuota", 10), ("SyncImages", 10)];

fn jobs() -> usize {
    env::var("CVM_CHAOS_CROWD").map_or(JOBS, |jobs| jobs.parse().expect("CVM_CHAOS_CROWD is a number"))
}

fn image(number: usize) -> String {
    format!("img-{number:08}")
}

/// The other side: serves until its stdin ends, and then says what it saw.
#[test]
#[ignore = "the endpoint of the test below, which starts it as a process of its own"]
fn endpoint() {
    let mut seed = Seed { copy_seconds: 1, image_quota: 1_000_000, ..Seed::default() };
    let images =
        (0..=jobs()).map(|number| SeedImage::new(image(number), "ap-shanghai", format!("image-{number:05}")));
    seed.accounts[0].images.extend(images);
    let local = CvmLocal::builder().seed(seed).clock(Clock::real()).start().unwrap();
    // The harness leaves a line open.
    println!("\n{}", json!([local.endpoint(), local.secret_id(), local.secret_key()]));

    let (end, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        end.send(()).unwrap();
    });
    let mut known = HashSet::new();
    let mut times = BTreeMap::<(String, String), Vec<SystemTime>>::new();
    let mut refused = 0;
    loop {
        let over = ended.recv_timeout(Duration::from_millis(500)).is_ok();
        // The endpoint keeps the last ten thousand only.
        for request in local.requests() {
            if known.insert(request.request_id) {
                refused += u32::from(request.outcome == RequestOutcome::Error("RequestLimitExceeded".into()));
                times.entry((request.action, request.region)).or_default().push(request.time);
            }
        }
        if over {
            break;
        }
    }
    let counts: Vec<_> =
        times.iter().map(|((action, region), times)| json!([action, region, times.len()])).collect();
    println!("{}", json!({ "refused": refused, "counts": counts }));
}

/// The endpoint's process, ended at the latest with the test.
struct Server {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["endpoint", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        Self { child, lines: Box::new(lines) }
    }

    /// The next line that holds JSON; the test harness writes others.
    fn says(&mut self) -> Value {
        self.lines
            .find_map(|line| serde_json::from_str::<Value>(&line).ok().filter(|value| !value.is_number()))
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What this process has in memory, in bytes, where the system tells.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn client(facts: &Value) -> Client {
    let fact = |at: usize| facts[at].as_str().unwrap();
    let mut settings = Settings::default();
    settings.credential = Some(Credential::new(fact(1), fact(2)).unwrap());
    settings.region = Some("ap-shanghai".into());
    settings.endpoint = Endpoint::explicit(fact(0)).unwrap();
    Client::from_settings(settings).unwrap()
}

#[test]
fn many_jobs_share_the_rates_and_little_memory() {
    let jobs = jobs();
    let mut server = Server::start();
    let client = client(&server.says());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (elapsed, per_job) = runtime.block_on(async {
        // Connections and buffers that are there for any number of jobs.
        client.run(ImageSync::new(image(0)).to(REGIONS), |_| ()).await.unwrap();
        let before = memory();
        let mut most = before;
        let begun = Instant::now();
        let mut running = tokio::task::JoinSet::new();
        for number in 1..=jobs {
            let client = client.clone();
            running.spawn(async move { client.run(ImageSync::new(image(number)).to(REGIONS), |_| ()).await });
        }
        let mut ids = BTreeSet::new();
        while let Some(report) = running.join_next().await {
            let report = report.unwrap().unwrap();
            assert!(report.is_complete(), "{report:?}");
            ids.extend(report.destinations.into_iter().filter_map(|of| of.image_id));
            most = most.max(memory());
        }
        assert_eq!(ids.len(), jobs * REGIONS.len());
        let grown = before.zip(most).map(|(before, most)| most.saturating_sub(before));
        (begun.elapsed(), grown.map(|grown| grown / jobs as u64))
    });
    runtime.block_on(async {
        for region in REGIONS {
            let mut names = Vec::new();
            let there = client.with_region(region).unwrap();
            let list = Pages::new(there.config(), DescribeImages::default(), 1);
            there
                .run(list, |page| names.extend(page.into_iter().map(|image| image.image_name)))
                .await
                .unwrap();
            names.retain(|name| name.starts_with("image-"));
            assert_eq!(names.len(), jobs + 1, "{region}: one copy of each image");
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), jobs + 1, "{region}: none twice");
        }
    });
    drop(server.child.stdin.take());
    let told = server.says();
    let seconds = |count: &Value| {
        let rate = RATES.iter().find(|(action, _)| count[0] == *action).map_or(40, |(_, rate)| *rate);
        count[2].as_f64().unwrap() / f64::from(rate)
    };
    let allowed = told["counts"].as_array().unwrap().iter().map(seconds).fold(0.0, f64::max);
    let elapsed = elapsed.as_secs_f64();
    println!("{jobs} jobs of {} copies: {elapsed:.1} s, where the rates leave {allowed:.1} s", REGIONS.len());
    println!(
        "memory a job: {per_job:?} bytes at most; requests that were too fast for the endpoint: {}",
        told["refused"]
    );
    if jobs >= MANY {
        // The rates are kept when requests are sent; a machine that is busy otherwise may read them in bunches.
        let requests: u64 =
            told["counts"].as_array().unwrap().iter().filter_map(|count| count[2].as_u64()).sum();
        assert!(told["refused"].as_u64().unwrap() * 1000 <= requests, "the rates were exceeded: {told}");
        assert!(elapsed <= allowed * 1.1, "{elapsed:.1} s, where the rates leave {allowed:.1} s");
        assert!(per_job.is_none_or(|bytes| bytes < 20_000), "{per_job:?} bytes a job");
    }
}
