//! `cvm sync` killed at random moments of a job, with faults on, and resumed each time.
//!
//! `CVM_CHAOS_KILLS` is the number of kills; `cargo xtask chaos` asks for many. A job survives some of them and ends;
//! then the same job begins anew on a fresh endpoint, until all kills are used up.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use cvm_local::{Clock, CvmLocal, Fault, Seed, SeedImage};
use serde_json::Value;

use crate::command::{Folder, Ran, at};

const KILLS: u32 = 12;

const IMAGES: [(&str, &str); 3] =
    [("img-chaos001", "chaos-web"), ("img-chaos002", "chaos-database"), ("img-chaos003", "chaos-cache")];
const REGIONS: [&str; 6] =
    ["ap-guangzhou", "ap-beijing", "ap-chengdu", "ap-nanjing", "ap-hongkong", "ap-tokyo"];

/// Numbers that differ from run to run.
struct Random {
    keys: RandomState,
    drawn: u64,
}

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.drawn += 1;
        self.keys.hash_one(self.drawn) % bound
    }
}

fn endpoint() -> CvmLocal {
    let mut seed = Seed::default();
    let images = IMAGES.map(|(id, name)| SeedImage::new(id, "ap-shanghai", name));
    seed.accounts[0].images.extend(images);
    // A copy takes a second.
    CvmLocal::builder().seed(seed).clock(Clock::scaled(20.0)).start().unwrap()
}

/// Everything that can go wrong and passes.
fn trouble(local: &CvmLocal) {
    let faults = local.faults();
    faults.push(Fault::drop_after().on("SyncImages").probability(0.2));
    faults.push(Fault::drop_before().on("SyncImages").probability(0.1));
    faults.push(Fault::truncated().on("SyncImages").probability(0.1));
    faults.push(Fault::error("RequestLimitExceeded").probability(0.03));
    faults.push(Fault::error("InternalError").probability(0.03));
    faults.push(Fault::status(502, "<html>Bad Gateway</html>").probability(0.03));
    faults.push(Fault::drop_after().probability(0.03));
    faults.push(Fault::latency(Duration::from_millis(60)).probability(0.2));
}

fn start(local: &CvmLocal, journal: &Path) -> Child {
    let to = REGIONS.join(",");
    let mut args = vec!["sync"];
    args.extend(IMAGES.map(|(id, _)| id));
    args.extend(["--to", &to, "--journal", journal.to_str().unwrap(), "--quiet", "--output", "json"]);
    // The endpoint shows every copy at once.
    args.extend(["--settle", "1s", "--timeout", "120s"]);
    at(local, &args).spawn().unwrap()
}

/// Waits for the end of the process, for so long.
fn ends_within(child: &mut Child, time: Duration) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// Every image is in every region once, and the report says so.
fn check(local: &CvmLocal, report: &Value) {
    assert_eq!(report["complete"], true, "{report}");
    let destinations = report["destinations"].as_array().unwrap();
    assert_eq!(destinations.len(), IMAGES.len() * REGIONS.len());
    for (source, name) in IMAGES {
        for region in REGIONS {
            let images = local.images(region);
            let copies: Vec<_> = images.iter().filter(|image| image.image_name == name).collect();
            assert_eq!(copies.len(), 1, "{source} in {region}: {copies:?}");
            assert_eq!(copies[0].image_state, "NORMAL");
            let told =
                destinations.iter().find(|of| of["source"] == source && of["region"] == region).unwrap();
            assert_eq!(told["image_id"], copies[0].image_id.as_str(), "{told}");
        }
    }
}

#[test]
fn a_job_that_is_killed_at_random_moments_makes_every_copy_once() {
    let kills: u32 = std::env::var("CVM_CHAOS_KILLS")
        .map_or(KILLS, |kills| kills.parse().expect("CVM_CHAOS_KILLS is a number"));
    let mut random = Random { keys: RandomState::new(), drawn: 0 };
    let folder = Folder::new("chaos");
    let local = endpoint();
    let (mut left, mut jobs) = (kills, 0);
    while left > 0 {
        jobs += 1;
        local.reset();
        trouble(&local);
        let journal = folder.0.join(format!("job-{jobs}.json"));
        let mut unfinished = 0;
        let report = loop {
            let mut child = start(&local, &journal);
            if left > 0 {
                // Mostly while images are looked at and copies requested, sometimes while they are waited for.
                let longest = if random.below(4) == 0 { 3000 } else { 800 };
                if !ends_within(&mut child, Duration::from_millis(random.below(longest))) {
                    child.kill().unwrap();
                    left -= 1;
                }
            }
            let ran: Ran = child.wait_with_output().unwrap().into();
            match ran.code {
                // Killed.
                None => {}
                Some(0) => break ran.json(),
                // Too much trouble for one run: it says so, and the next one goes on.
                Some(_) => {
                    unfinished += 1;
                    assert!(unfinished < 20, "{ran:?}");
                }
            }
        };
        check(&local, &report);
    }
    println!("{kills} kills in {jobs} jobs of {} copies each", IMAGES.len() * REGIONS.len());
}
