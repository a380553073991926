//! The oracle finds what is not true, and lets pass what is.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::exchange::Told;

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
    world: BTreeMap<String, Value>,
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
        self.world.insert(image["ImageId"].as_str().unwrap().into(), image);
        self
    }

    fn gone(&mut self, id: &str) -> &mut Self {
        self.world.remove(id).unwrap();
        self.look()
    }

    /// Looks past all meddling.
    fn look(&mut self) -> &mut Self {
        self.now += 1;
        let images: Vec<Value> = self.world.values().cloned().collect();
        self.history.look(REGION, &images, seconds(self.now - 1), seconds(self.now));
        self
    }

    fn exchange(&mut self, action: &str, region: &str, request: Value, answer: Value, told: Option<Told>) {
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
            told_at: Some(now),
            told,
        };
        self.history.take(&exchange);
        self.exchanges.push(exchange);
    }

    /// A client asks for a copy, with the name `web`, and is told so much.
    fn sync(&mut self, id: &str, told: Told) -> &mut Self {
        let request = json!({ "ImageIds": [SOURCE], "DestinationRegions": [REGION], "ImageName": "web" });
        let answer =
            json!({ "ImageSet": [{ "ImageId": id, "Region": REGION }], "RequestId": format!("r-{id}") });
        self.exchange("SyncImages", "ap-shanghai", request, answer, Some(told));
        self.there(image(id, "web", "SYNCING"))
    }

    fn refused(&mut self, code: &str) -> &mut Self {
        let request = json!({ "ImageIds": [SOURCE], "DestinationRegions": [REGION], "ImageName": "web" });
        let answer = json!({ "Error": { "Code": code, "Message": "" }, "RequestId": "r-refused" });
        self.exchange("SyncImages", "ap-shanghai", request, answer, Some(Told::All));
        self
    }

    /// A client looks at the region, and is shown all but these.
    fn shown_without(&mut self, hidden: &[&str]) -> &mut Self {
        let all: Vec<Value> = self.world.values().cloned().collect();
        let shown: Vec<&Value> =
            all.iter().filter(|image| !hidden.contains(&image["ImageId"].as_str().unwrap())).collect();
        let told = Told::Other(200, json!({ "Response": { "ImageSet": shown, "RequestId": "r-shown" }}));
        let told = if hidden.is_empty() { Told::All } else { told };
        self.exchange(
            "DescribeImages",
            REGION,
            json!({}),
            json!({ "ImageSet": all, "RequestId": "r-all" }),
            Some(told),
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
            Some(Told::All),
        );
        self.world.remove(id);
        self
    }

    /// A run that began at a time and ends now, with these words.
    fn run(&self, from: u64, end: End) -> Run {
        let asked = Asked { images: vec![SOURCE.into()], regions: vec![REGION.into()], ..Asked::default() };
        Run { asked, from: seconds(from), to: seconds(self.now + 1), interrupted: false, alone: true, end }
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

    fn world(&self) -> Vec<String> {
        Oracle { history: &self.history, exchanges: &self.exchanges, runs: &self.runs }.judge_world()
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
    scene.sync("img-copy", Told::All).shown().there(image("img-copy", "web", "NORMAL")).shown();
    scene
}

#[test]
fn a_success_names_a_copy_that_is_ready() {
    is_true(copied().says("copied", Some("img-copy"), json!({ "request_ids": ["r-img-copy"] })));
    is_true(copied().says("present", Some("img-copy"), json!({})));
    is_found(copied().says("copied", None, json!({})), "names no image");
    is_found(copied().says("copied", Some("img-never"), json!({})), "no such image");
    is_found(copied().says("copied", Some("img-copy"), json!({ "request_ids": ["r-x"] })), "id r-x");

    let mut scene = Scene::new();
    scene.sync("img-copy", Told::All).shown();
    is_found(scene.says("copied", Some("img-copy"), json!({})), "never was NORMAL");
    scene.there(image("img-copy", "web", "NORMAL"));
    let early = scene.run(0, report("copied", Some("img-copy"), json!({})));
    scene.now += 1;
    scene.shown();
    is_found(scene.judge(&early), "not NORMAL yet");

    let mut scene = copied();
    let from = scene.gone("img-copy").now + 1;
    scene.now += 5;
    let late = scene.run(from, report("copied", Some("img-copy"), json!({})));
    is_found(scene.judge(&late), "gone when the run began");

    let mut scene = copied();
    scene.there(image("img-foreign", "else", "NORMAL")).shown();
    is_found(scene.says("present", Some("img-foreign"), json!({})), "no copy of");
}

#[test]
fn a_success_rests_on_what_happened() {
    let facts = json!({ "name": "web", "os_name": "Ubuntu", "image_size": 20 });
    is_true(copied().says("copied", Some("img-copy"), json!({ "basis": "answered" })));
    is_true(copied().says("copied", Some("img-copy"), json!({ "basis": "found", "image": facts })));
    is_found(copied().says("copied", Some("img-copy"), json!({ "basis": "found" })), "rests on `found`");
    is_found(
        copied().says("copied", Some("img-copy"), json!({ "basis": "appeared" })),
        "rests on `appeared`",
    );
    is_found(copied().says("copied", Some("img-copy"), json!({ "basis": "hope" })), "no basis `hope`");
    let wrong = json!({ "image": { "name": "web", "os_name": "Debian" } });
    is_found(copied().says("copied", Some("img-copy"), wrong), "os_name is not");
    let wrong = json!({ "image": { "name": "database" } });
    is_found(copied().says("copied", Some("img-copy"), wrong), "name never was");

    let mut scene = Scene::new();
    scene.sync("img-copy", Told::Nothing).there(image("img-copy", "web", "NORMAL")).shown();
    is_true(scene.says("copied", Some("img-copy"), json!({ "basis": "appeared" })));
    is_found(scene.says("copied", Some("img-copy"), json!({ "basis": "answered" })), "rests on `answered`");
}

#[test]
fn a_conflict_is_with_an_image_that_is_no_usable_copy() {
    let mut scene = Scene::new();
    is_found(scene.says("conflict", None, json!({})), "nothing that is no usable copy");
    let mut other = image("img-foreign", "web", "NORMAL");
    other["OsName"] = "Windows".into();
    scene.there(other).shown();
    is_true(scene.says("conflict", Some("img-foreign"), json!({})));
    is_true(scene.says("conflict", None, json!({})));
    is_found(scene.says("skipped", Some("img-foreign"), json!({})), "nobody asked");
    is_found(copied().says("conflict", Some("img-copy"), json!({})), "nothing that is no usable copy");

    let mut scene = Scene::new();
    scene.there(image("img-failed", "web", "CREATEFAILED")).shown();
    is_true(scene.says("conflict", Some("img-failed"), json!({})));
    let mut scene = Scene::new();
    scene.there(image("img-case", "WEB ", "NORMAL")).shown();
    is_true(scene.says("conflict", Some("img-case"), json!({})));
    let mut scene = Scene::new();
    scene.there(image("img-else", "database", "NORMAL")).shown();
    is_found(scene.says("conflict", Some("img-else"), json!({})), "nothing that is no usable copy");
}

#[test]
fn a_failure_was_seen_or_told() {
    let ended = json!({ "error": { "kind": "state", "code": "FailedOperation.InvalidImageState" } });
    let mut scene = Scene::new();
    scene.sync("img-copy", Told::All).shown();
    is_found(scene.says("failed", Some("img-copy"), ended.clone()), "never failed");
    is_found(scene.says("failed", Some("img-copy"), json!({})), "no reason");
    scene.there(image("img-copy", "web", "CREATEFAILED")).shown();
    is_true(scene.says("failed", Some("img-copy"), ended.clone()));
    is_true(scene.says("failed", None, ended.clone()));
    is_found(copied().says("failed", None, ended), "can be used");

    let told = |id: &str| json!({ "error": { "kind": "quota", "code": "ImageQuotaLimitExceeded", "request_id": id } });
    let mut scene = Scene::new();
    scene.refused("ImageQuotaLimitExceeded");
    is_true(scene.says("failed", None, told("r-refused")));
    is_found(scene.says("failed", None, told("r-other")), "nobody was told");
    let mut scene = Scene::new();
    scene.refused("InternalError");
    is_found(scene.says("failed", None, told("r-refused")), "nobody was told");

    let network = json!({ "error": { "kind": "network" } });
    let mut scene = Scene::new();
    scene.shown();
    is_found(scene.says("failed", None, network.clone()), "arrived whole");
    scene.sync("img-copy", Told::Part);
    is_true(scene.says("failed", None, network));
    let own = json!({ "error": { "kind": "state" } });
    is_found(scene.says("failed", None, own), "nothing of the kind");
    let not_there = json!({ "error": { "kind": "not_found", "code": "InvalidImageId.NotFound" } });
    is_found(scene.says("failed", Some("img-copy"), not_there), "is there");
}

#[test]
fn gone_is_what_was_there_and_is_not() {
    is_found(copied().says("gone", Some("img-copy"), json!({})), "it is there");
    is_found(copied().says("gone", Some("img-never"), json!({})), "no such image");
    is_found(copied().says("gone", None, json!({})), "names no image");
    let mut scene = copied();
    scene.gone("img-copy");
    is_true(scene.says("gone", Some("img-copy"), json!({})));
    let mut early = copied();
    let run = early.run(0, report("gone", Some("img-copy"), json!({})));
    early.now += 5;
    early.look().gone("img-copy");
    is_found(early.judge(&run), "it is there");
    let mut hidden = Scene::new();
    hidden.sync("img-copy", Told::All).shown_without(&["img-copy"]);
    is_found(hidden.says("gone", Some("img-copy"), json!({})), "it is there");
}

#[test]
fn started_and_timed_out_name_what_is_on_its_way() {
    let mut scene = Scene::new();
    scene.sync("img-copy", Told::All).shown();
    is_true(scene.says("timed_out", Some("img-copy"), json!({})));
    is_found(scene.says("timed_out", Some("img-never"), json!({})), "no such image");
    is_found(scene.says("started", Some("img-copy"), json!({})), "to be waited for");
    let mut run = scene.run(0, report("started", Some("img-copy"), json!({})));
    run.interrupted = true;
    is_true(scene.judge(&run));
    run.interrupted = false;
    run.asked.starts_only = true;
    run.end = End::Report(
        0,
        json!({ "destinations": [
            { "source": SOURCE, "region": REGION, "image_id": "img-copy", "outcome": "started" }
        ]}),
    );
    is_true(scene.judge(&run));

    is_found(copied().says("timed_out", Some("img-copy"), json!({})), "can be used");
    let mut scene = copied();
    let from = scene.gone("img-copy").now + 1;
    scene.now += 5;
    let late = scene.run(from, report("timed_out", Some("img-copy"), json!({})));
    is_found(scene.judge(&late), "gone when the run began");
    let mut never = Scene::new();
    let mut run = never.run(0, report("started", None, json!({})));
    run.interrupted = true;
    is_found(never.judge(&run), "no request for it was accepted");
}

#[test]
fn unknown_needs_a_reason() {
    let mut scene = Scene::new();
    scene.shown();
    is_found(scene.says("unknown", None, json!({})), "no answer was lost");
    scene.refused("InvalidImageName.Duplicate");
    is_true(scene.says("unknown", None, json!({})));

    for told in [
        Told::Nothing,
        Told::Part,
        Told::Other(502, Value::Null),
        Told::Other(200, json!({ "Response": {} })),
    ] {
        let mut scene = Scene::new();
        scene.sync("img-copy", told);
        is_true(scene.says("unknown", None, json!({})));
    }
    let mut scene = Scene::new();
    let killed = scene.sync("img-copy", Told::All).run(0, End::Silence);
    scene.runs.push(killed);
    is_true(scene.says("unknown", None, json!({})));

    let mut scene = Scene::new();
    scene.sync("img-copy", Told::All).shown();
    is_found(scene.says("unknown", None, json!({})), "no copy is out of sight");
    scene.shown_without(&["img-copy"]);
    is_true(scene.says("unknown", None, json!({})));

    let mut ready = Scene::new();
    ready.sync("img-copy", Told::Nothing).there(image("img-copy", "web", "NORMAL")).shown();
    is_found(ready.says("unknown", None, json!({})), "can be used");
}

#[test]
fn cancelled_has_started_nothing_and_was_asked_to() {
    let mut scene = Scene::new();
    scene.shown();
    is_found(scene.says("cancelled", None, json!({})), "not interrupted");
    let mut run = scene.run(0, report("cancelled", None, json!({})));
    run.interrupted = true;
    is_true(scene.judge(&run));
    scene.sync("img-copy", Told::All);
    let mut run = scene.run(0, report("cancelled", None, json!({})));
    run.interrupted = true;
    is_found(scene.judge(&run), "started a copy");
    is_found(Scene::new().says("planned", None, json!({})), "no dry run");
    is_found(Scene::new().says("fine", None, json!({})), "no such outcome");
}

#[test]
fn a_report_is_whole_and_its_code_fits() {
    let line = |region: &str| json!({ "source": SOURCE, "region": region, "image_id": "img-copy", "outcome": "copied" });
    let mut scene = copied();
    let mut says = |code: i32, lines: &[Value], complete: bool| {
        let run = scene.run(0, End::Report(code, json!({ "complete": complete, "destinations": lines })));
        scene.judge(&run)
    };
    is_true(says(0, &[line(REGION)], true));
    is_found(says(3, &[line(REGION)], true), "the exit code is 3");
    is_found(says(0, &[line(REGION)], false), "`complete` is false");
    is_found(says(0, &[], true), "has 0 lines");
    is_found(says(0, &[line(REGION), line(REGION)], true), "has 2 lines");
    is_found(says(0, &[line(REGION), line("ap-tokyo")], true), "2 lines for 1 destinations");
}

#[test]
fn an_error_in_place_of_a_report_has_its_reason() {
    let mut scene = Scene::new();
    scene.refused("InternalError");
    let mut run = scene.run(0, End::Silence);
    let mut says = |code: i32, error: Value, change: fn(&mut Run)| {
        run.end = End::Error(code, error);
        let mut run = run.clone();
        change(&mut run);
        scene.judge(&run)
    };
    let plain = |_: &mut Run| ();
    is_true(says(5, json!({ "kind": "service", "code": "InternalError", "request_id": "r-refused" }), plain));
    is_found(
        says(5, json!({ "kind": "service", "code": "InternalError", "request_id": "r-x" }), plain),
        "nobody was told",
    );
    is_found(says(1, json!({ "kind": "network" }), plain), "every answer arrived");
    is_found(says(2, json!({ "kind": "config" }), plain), "no reason");
    is_true(says(2, json!({ "kind": "config" }), |run| run.asked.may_be_refused = true));
    is_found(says(1, json!({ "kind": "journal" }), plain), "no reason");
    is_true(says(1, json!({ "kind": "journal" }), |run| run.asked.may_be_locked = true));
    is_found(says(0, json!({ "kind": "config" }), plain), "no success");
}

#[test]
fn two_copies_at_once_are_found() {
    let mut scene = copied();
    is_true(scene.world());
    scene.sync("img-second", Told::All);
    scene.look();
    is_found(scene.world(), "doubled");

    // The same with another name: the source tells.
    let mut scene = copied();
    let request = json!({ "ImageIds": [SOURCE], "DestinationRegions": [REGION], "ImageName": "gold" });
    let answer = json!({ "ImageSet": [{ "ImageId": "img-second", "Region": REGION }], "RequestId": "r" });
    scene.exchange("SyncImages", "ap-shanghai", request, answer, Some(Told::All));
    scene.there(image("img-second", "gold", "SYNCING")).look();
    let run = scene.run(0, End::Silence);
    scene.runs.push(run);
    is_found(scene.world(), "doubled");

    // One after the other.
    let mut scene = copied();
    scene.gone("img-copy").sync("img-second", Told::All).look();
    is_true(scene.world());

    // What was there from the start is nobody's doing, until a copy is made beside it.
    let mut scene = Scene::new();
    let twice = [image("img-a", "web", "NORMAL"), image("img-b", "web", "NORMAL")];
    scene.history.look(REGION, &twice, seconds(0), seconds(0));
    is_true(scene.world());
    scene.there(twice[0].clone()).there(twice[1].clone()).sync("img-copy", Told::All).look();
    is_found(scene.world(), "doubled");
}

#[test]
fn what_should_have_stayed_is_found() {
    let mut scene = Scene::new();
    scene.there(image("img-failed", "web", "CREATEFAILED")).shown().delete("img-failed");
    is_found(scene.world(), "nobody asked");
    let mut run = scene.run(0, End::Silence);
    run.asked.deletes_failed = true;
    scene.runs.push(run);
    is_true(scene.world());
    scene.sync("img-copy", Told::All).look();
    is_true(scene.world());
    scene.delete("img-copy");
    is_found(scene.world(), "had not failed");

    let mut scene = Scene::new();
    let request = json!({ "ImageIds": [SOURCE], "DestinationRegions": [REGION] });
    scene.exchange("SyncImages", "ap-shanghai", request, json!({ "RequestId": "r" }), Some(Told::All));
    is_found(scene.world(), "without a name");
}

#[test]
fn what_is_missing_at_the_end_is_found() {
    let scene = copied();
    let asked = Asked { images: vec![SOURCE.into()], regions: vec![REGION.into()], ..Asked::default() };
    let oracle = Oracle { history: &scene.history, exchanges: &scene.exchanges, runs: &[] };
    is_true(oracle.missing(&asked));
    is_found(oracle.missing(&Asked { images: vec![OTHER.into()], ..asked.clone() }), "lost");
    is_found(oracle.missing(&Asked { regions: vec!["ap-tokyo".into()], ..asked }), "ap-tokyo");
}
