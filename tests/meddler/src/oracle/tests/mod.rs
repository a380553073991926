//! The oracle finds what is not true, and lets pass what is.

mod lines;
mod whole;

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::exchange::Received;

const SOURCE: &str = "img-source00";
const OTHER: &str = "img-source01";
const REGION: &str = "ap-beijing";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What has happened so far. The clock counts seconds, and moves on with everything that happens.
#[derive(Default)]
struct Scene {
    now: u64,
    history: History,
    exchanges: Vec<Exchange>,
    runs: Vec<Run>,
    /// What is in the region, by id.
    images: BTreeMap<String, Value>,
}

fn image(id: &str, name: &str, state: &str) -> Value {
    json!({
        "ImageId": id, "ImageName": name, "ImageState": state, "ImageType": "PRIVATE_IMAGE",
        "OsName": "Ubuntu", "Architecture": "x86_64", "ImageSize": 20, "CreatedTime": "2026-01-01T00:00:00Z",
    })
}

impl Scene {
    fn new() -> Self {
        let mut scene = Self::default();
        let sources = [image(SOURCE, "web", "NORMAL"), image(OTHER, "database", "NORMAL")];
        scene.history.look("ap-shanghai", &sources, seconds(0), seconds(0));
        scene.now = 10;
        scene
    }

    /// An image is in the region, whoever put it there.
    fn there(&mut self, image: Value) -> &mut Self {
        self.images.insert(image["ImageId"].as_str().unwrap().into(), image);
        self
    }

    fn gone(&mut self, id: &str) -> &mut Self {
        self.images.remove(id).unwrap();
        self.look()
    }

    /// Looks past all meddling.
    fn look(&mut self) -> &mut Self {
        self.now += 1;
        let images: Vec<Value> = self.images.values().cloned().collect();
        self.history.look(REGION, &images, seconds(self.now - 1), seconds(self.now));
        self
    }

    fn exchange(
        &mut self,
        action: &str,
        region: &str,
        request: Value,
        answer: Value,
        received: Option<Received>,
    ) {
        self.now += 1;
        let now = seconds(self.now);
        let exchange = Exchange {
            number: self.exchanges.len(),
            action: action.into(),
            region: region.into(),
            request,
            arrived: now,
            delivered: Some(now),
            answered: (!answer.is_null()).then_some(now),
            answer: json!({ "Response": answer }),
            received_at: Some(now),
            received,
        };
        self.history.take(&exchange);
        self.exchanges.push(exchange);
    }

    /// A client asks for a copy, with the name `web`, and receives so much of the answer.
    fn sync(&mut self, id: &str, received: Received) -> &mut Self {
        let request = json!({ "ImageIds": [SOURCE], "DestinationRegions": [REGION], "ImageName": "web" });
        let answer =
            json!({ "ImageSet": [{ "ImageId": id, "Region": REGION }], "RequestId": format!("r-{id}") });
        self.exchange("SyncImages", "ap-shanghai", request, answer, Some(received));
        self.there(image(id, "web", "SYNCING"))
    }

    fn refused(&mut self, code: &str) -> &mut Self {
        let request = json!({ "ImageIds": [SOURCE], "DestinationRegions": [REGION], "ImageName": "web" });
        let answer = json!({ "Error": { "Code": code, "Message": "" }, "RequestId": "r-refused" });
        self.exchange("SyncImages", "ap-shanghai", request, answer, Some(Received::All));
        self
    }

    /// A client looks at the region, and is shown all but these.
    fn shown_without(&mut self, hidden: &[&str]) -> &mut Self {
        let all: Vec<Value> = self.images.values().cloned().collect();
        let shown: Vec<&Value> =
            all.iter().filter(|image| !hidden.contains(&image["ImageId"].as_str().unwrap())).collect();
        let received =
            Received::Other(200, json!({ "Response": { "ImageSet": shown, "RequestId": "r-shown" }}));
        let received = if hidden.is_empty() { Received::All } else { received };
        self.exchange(
            "DescribeImages",
            REGION,
            json!({}),
            json!({ "ImageSet": all, "RequestId": "r-all" }),
            Some(received),
        );
        self
    }

    fn shown(&mut self) -> &mut Self {
        self.shown_without(&[])
    }

    fn delete(&mut self, id: &str) -> &mut Self {
        self.exchange(
            "DeleteImages",
            REGION,
            json!({ "ImageIds": [id] }),
            json!({ "RequestId": "r-d" }),
            Some(Received::All),
        );
        self.images.remove(id);
        self
    }

    /// A run that began at a time and ends now, with these words.
    fn run(&self, from: u64, end: End) -> Run {
        let asked = Asked { images: vec![SOURCE.into()], regions: vec![REGION.into()], ..Asked::default() };
        Run {
            asked,
            from: seconds(from),
            to: seconds(self.now + 1),
            interrupted: false,
            deaf: false,
            alone: true,
            end,
        }
    }

    /// The whole of what is not true of a run.
    fn judge(&mut self, run: &Run) -> Vec<String> {
        self.now += 1;
        self.look();
        let mut runs = self.runs.clone();
        runs.push(run.clone());
        Oracle { history: &self.history, exchanges: &self.exchanges, runs: &runs }.judge(run)
    }

    /// The same for a run since the start whose report has one line.
    fn says(&mut self, outcome: &str, id: Option<&str>, more: Value) -> Vec<String> {
        let run = self.run(0, report(outcome, id, more));
        self.judge(&run)
    }

    fn state_findings(&self) -> Vec<String> {
        Oracle { history: &self.history, exchanges: &self.exchanges, runs: &self.runs }.judge_state()
    }
}

fn report(outcome: &str, id: Option<&str>, more: Value) -> End {
    let mut line = json!({ "source": SOURCE, "region": REGION, "image_id": id, "outcome": outcome });
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let good = matches!(outcome, "copied" | "present" | "skipped");
    let code = if good {
        0
    } else if outcome == "timed_out" {
        4
    } else {
        3
    };
    End::Report(code, json!({ "complete": good, "destinations": [line] }))
}

fn is_true(findings: Vec<String>) {
    assert_eq!(findings, Vec::<String>::new());
}

fn is_found(findings: Vec<String>, what: &str) {
    assert!(findings.iter().any(|finding| finding.contains(what)), "{what}: {findings:?}");
}

fn copied() -> Scene {
    let mut scene = Scene::new();
    scene.sync("img-copy", Received::All).shown().there(image("img-copy", "web", "NORMAL")).shown();
    scene
}
