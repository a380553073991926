//! A stage for sync jobs: an endpoint in a process of its own that can be killed, and before it the meddler, which
//! knows everything that passed.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use cvm_local::{Fault, Key, Seed, SeedImage};
use cvm_meddler::oracle::{Asked, Oracle, Run};
use cvm_meddler::{Meddler, control, look};
use cvm_proto::api::DeleteImages;
use cvm_proto::{Credential, Endpoint, Settings};
use cvm_ureq::{Client, FromSettings};
use serde_json::{Value, json};

use crate::command::Folder;
use crate::endpoint::{self, Server};

/// Where the sources are.
pub(crate) const HOME: &str = "ap-shanghai";
/// Where copies may go.
pub(crate) const REGIONS: [&str; 7] =
    ["ap-guangzhou", "ap-beijing", "ap-chengdu", "ap-nanjing", "ap-hongkong", "ap-tokyo", "ap-seoul"];

/// The images to copy, with their names.
pub(crate) const SOURCES: [(&str, &str); 3] =
    [("img-source01", "stage-web"), ("img-source02", "stage-database"), ("img-source03", "stage-cache")];

/// How much faster than time images live.
const SPEED: f64 = 20.0;

/// The keys of the account: the second one takes the first one's place when keys are rotated.
pub(crate) const KEYS: [(&str, &str); 2] =
    [("AKIDstageone", "stage-key-one"), ("AKIDstagetwo", "stage-key-two")];

/// The stage.
pub(crate) struct Stage {
    pub(crate) folder: Folder,
    endpoint: Mutex<Running>,
    pub(crate) meddler: Meddler,
    /// The endpoint's own: a new process has to be told of them again.
    faults: Mutex<Vec<Fault>>,
}

/// The endpoint's process.
struct Running {
    server: Server,
    /// Past the meddler.
    straight: Client,
    url: String,
}

impl Stage {
    /// Starts a stage with some images beside the sources, and with faults of the endpoint's own. `seed` feeds the
    /// probabilities of the meddler's rules.
    pub(crate) fn new(name: &str, seed: u64, standing: Vec<SeedImage>, faults: Vec<Fault>) -> Self {
        let folder = Folder::new(name);
        std::fs::write(folder.0.join("seed.json"), json!(world(standing)).to_string()).unwrap();
        let running = Running::start(&folder);
        let meddler = Meddler::start(&running.url, seed);
        let stage = Self { folder, endpoint: Mutex::new(running), meddler, faults: Mutex::new(faults) };
        stage.endpoint().push(&stage.faults.lock().unwrap());
        stage.look();
        stage
    }

    fn endpoint(&self) -> MutexGuard<'_, Running> {
        self.endpoint.lock().unwrap()
    }

    /// Kills the endpoint and starts it again from its state. Meanwhile no request arrives.
    pub(crate) fn kill_endpoint(&self) {
        let mut running = self.endpoint();
        let clock = control::order(&running.url, "GET /_cvm-local/clock", &Value::Null);
        let read = Instant::now();
        self.meddler.lead_to(None);
        running.server.0.kill().unwrap();
        running.server.0.wait().unwrap();
        *running = Running::start(&self.folder);
        // It resumes at the time of its last change. What clients have seen since must not be undone.
        control::order(&running.url, "PUT /_cvm-local/clock", &json!({ "image_time": clock["image_time"] }));
        let passed = read.elapsed().as_secs_f64() * SPEED + 1.0;
        control::order(&running.url, "POST /_cvm-local/clock/advance", &json!({ "seconds": passed }));
        running.push(&self.faults.lock().unwrap());
        self.meddler.lead_to(Some(&running.url));
    }

    /// Lets the meddler know all there is.
    pub(crate) fn look(&self) {
        let all: Vec<&str> = REGIONS.into_iter().chain([HOME]).collect();
        look(&self.endpoint().straight, &all, &self.meddler).unwrap();
    }

    /// Somebody else deletes an image; says whether that could be.
    pub(crate) fn delete(&self, region: &str, id: &str) -> bool {
        let there = self.endpoint().straight.with_region(region).unwrap();
        let deleted = there.send(DeleteImages::new([id])).is_ok();
        if deleted {
            self.meddler.vanished(id);
        }
        deleted
    }

    /// Ends everything that goes wrong on demand.
    pub(crate) fn calm(&self) {
        self.meddler.clear();
        self.faults.lock().unwrap().clear();
        control::order(&self.endpoint().url, "DELETE /_cvm-local/faults", &Value::Null);
    }

    /// Waits until nothing is on its way, neither requests nor copies.
    pub(crate) fn settle(&self) {
        self.meddler.release();
        assert!(self.meddler.wait_until_idle(Duration::from_secs(30)), "requests that never arrive");
        // Copies of a second of this machine's time, and a state that has been looked at again.
        control::order(&self.endpoint().url, "POST /_cvm-local/clock/advance", &json!({ "seconds": 60 }));
        self.look();
    }

    /// What is not true of the last run, with what should never have happened at all.
    pub(crate) fn judge(&self, runs: &[Run]) -> Vec<String> {
        let (history, exchanges) = (self.meddler.history(), self.meddler.exchanges());
        let oracle = Oracle { history: &history, exchanges: &exchanges, runs };
        let mut findings = oracle.judge_state();
        findings.extend(runs.iter().flat_map(|run| oracle.judge(run)));
        findings
    }

    /// What is missing of what was asked for.
    pub(crate) fn missing(&self, asked: &Asked) -> Vec<String> {
        let (history, exchanges) = (self.meddler.history(), self.meddler.exchanges());
        Oracle { history: &history, exchanges: &exchanges, runs: &[] }.missing(asked)
    }
}

impl Running {
    fn start(folder: &Folder) -> Self {
        let (state, seed) = (folder.0.join("state.json"), folder.0.join("seed.json"));
        let factor = SPEED.to_string();
        let args = ["--state", state.to_str().unwrap(), "--seed", seed.to_str().unwrap(), "--speed", &factor];
        let (server, _, facts) = endpoint::start(folder, &args);
        let url = facts["endpoint"].as_str().unwrap().to_owned();
        let mut settings = Settings::default();
        settings.credential = Some(Credential::new(KEYS[0].0, KEYS[0].1).unwrap());
        settings.endpoint = Endpoint::explicit(&url).unwrap();
        settings.region = Some(HOME.into());
        Self { server, straight: Client::from_settings(settings).unwrap(), url }
    }

    fn push(&self, faults: &[Fault]) {
        for fault in faults {
            control::order(&self.url, "POST /_cvm-local/faults", &json!(fault));
        }
    }
}

/// One account with two keys and the sources.
fn world(standing: Vec<SeedImage>) -> Seed {
    let mut seed = Seed::default();
    let account = &mut seed.accounts[0];
    account.keys =
        KEYS.map(|(id, key)| Key { secret_id: id.into(), secret_key: key.into(), ..Key::default() }).into();
    account.images = SOURCES.map(|(id, name)| SeedImage::new(id, HOME, name)).into();
    account.images.extend(standing);
    seed
}
