//! `cvm local --state`: what a client was told is still so when the process was killed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use cvm_proto::api::types::ImageState;
use cvm_proto::api::{DescribeImages, SyncImages};
use cvm_proto::{Credential, Endpoint, RetryPolicy, Settings};
use cvm_ureq::{Client, FromSettings};
use serde_json::Value;

use crate::command::Folder;
use crate::endpoint::start;

/// Images that can be copied, and where each thread copies its own.
const COPIES: [(&str, &str); 2] = [("img-o3ycss2p", "ap-seoul"), ("img-7kq2v9ta", "ap-tokyo")];
/// How often the endpoint is killed, and after how many copies more.
const KILLS: usize = 5;
const STEP: usize = 12;

fn client(facts: &Value, region: &str) -> Client {
    let fact = |name: &str| facts[name].as_str().unwrap();
    let mut settings = Settings::default();
    settings.credential = Some(Credential::new(fact("secret_id"), fact("secret_key")).unwrap());
    settings.endpoint = Endpoint::explicit(fact("endpoint")).unwrap();
    settings.region = Some(region.into());
    settings.retry = RetryPolicy::never();
    settings.rate_limit = false;
    Client::from_settings(settings).unwrap()
}

fn ids(facts: &Value, region: &str) -> Vec<String> {
    let client = client(facts, region);
    let mut ids = Vec::new();
    loop {
        let page = DescribeImages::default().offset(i64::try_from(ids.len()).unwrap()).limit(100);
        let page = client.send(page).unwrap().image_set;
        if page.is_empty() {
            return ids;
        }
        ids.extend(page.into_iter().map(|image| image.image_id));
    }
}

#[test]
fn killed_at_any_moment_it_has_all_that_it_told() {
    let folder = Folder::new("killed");
    let state = folder.0.join("state.json");
    // A copy is there at once, so that the next can begin.
    let args = ["--state", state.to_str().unwrap(), "--speed", "1e9", "--skip-checks", "rates"];
    let told: [Mutex<Vec<String>>; 2] = Default::default();
    let count = AtomicUsize::new(0);
    for kill in 1..=KILLS {
        let (mut server, _, facts) = start(&folder, &args);
        for (told, (_, region)) in told.iter().zip(COPIES) {
            let there = ids(&facts, region);
            for id in told.lock().unwrap().iter() {
                assert!(there.contains(id), "{id} was lost after {} kills", kill - 1);
            }
        }
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for (told, (image, region)) in told.iter().zip(COPIES) {
                let (facts, over, count) = (&facts, &over, &count);
                scope.spawn(move || {
                    let client = client(facts, "ap-shanghai");
                    let copy = || client.send(SyncImages::new([image], [region]).image_set_required(true));
                    while !over.load(Ordering::Relaxed) {
                        // Whatever comes in place of an answer, nothing was told.
                        let Ok(answer) = copy() else { continue };
                        told.lock().unwrap().push(answer.image_set[0].image_id.clone());
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            while count.load(Ordering::Relaxed) < kill * STEP {
                thread::yield_now();
            }
            server.0.kill().unwrap();
            server.0.wait().unwrap();
            over.store(true, Ordering::Relaxed);
        });
    }
    let (_server, _, facts) = start(&folder, &args);
    for (told, (_, region)) in told.iter().zip(COPIES) {
        let there = ids(&facts, region);
        let told = told.lock().unwrap();
        assert!(told.iter().all(|id| there.contains(id)));
        // What was not told may be there or not: at most the one that was under way at each kill.
        let own = there.iter().filter(|id| !told.contains(id)).count();
        assert!(own <= KILLS + 4, "{own} images that nobody was told of");
    }
}

#[test]
fn what_was_ended_well_goes_on() {
    let folder = Folder::new("goes-on");
    let state = folder.0.join("state.json");
    let args = ["--state", state.to_str().unwrap(), "--speed", "0"];
    let (server, _, facts) = start(&folder, &args);
    let copy = SyncImages::new(["img-o3ycss2p"], ["ap-seoul"]);
    client(&facts, "ap-shanghai").send(copy).unwrap();
    let second = crate::command::run(&["local", "--state", state.to_str().unwrap()]).ended_with(1);
    assert!(second.err.contains("another endpoint"), "{second:?}");
    drop(server);
    let (_server, _, facts) = start(&folder, &args);
    let images = client(&facts, "ap-seoul").send(DescribeImages::default()).unwrap().image_set;
    let copies = images.iter().filter(|image| image.image_state == ImageState::Syncing);
    assert_eq!(copies.count(), 1, "and the copy stands where it stood");
}
