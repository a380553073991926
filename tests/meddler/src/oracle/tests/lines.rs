//! Lines of reports.

use super::*;

#[test]
fn a_success_names_a_copy_that_is_ready() {
    is_true(copied().says("copied", Some("img-copy"), json!({ "request_ids": ["r-img-copy"] })));
    is_true(copied().says("present", Some("img-copy"), json!({})));
    is_found(copied().says("copied", None, json!({})), "names no image");
    is_found(copied().says("copied", Some("img-never"), json!({})), "no such image");
    is_found(copied().says("copied", Some("img-copy"), json!({ "request_ids": ["r-x"] })), "id r-x");

    let mut scene = Scene::new();
    scene.sync("img-copy", Received::All).shown();
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
    let left = json!({ "notes": ["as an earlier run left it; this one ended before it looked again"] });
    let honest = scene.run(from, report("copied", Some("img-copy"), left));
    is_true(scene.judge(&honest));
    scene.shown();
    let blind = Run { to: seconds(scene.now + 1), ..honest };
    is_found(scene.judge(&blind), "it was gone");

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
    scene.sync("img-copy", Received::Nothing).there(image("img-copy", "web", "NORMAL")).shown();
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
fn a_failure_was_seen_or_received() {
    let ended = json!({ "error": { "kind": "state", "code": "FailedOperation.InvalidImageState" } });
    let mut scene = Scene::new();
    scene.sync("img-copy", Received::All).shown();
    is_found(scene.says("failed", Some("img-copy"), ended.clone()), "never failed");
    is_found(scene.says("failed", Some("img-copy"), json!({})), "no reason");
    scene.there(image("img-copy", "web", "CREATEFAILED")).shown();
    is_true(scene.says("failed", Some("img-copy"), ended.clone()));
    is_true(scene.says("failed", None, ended.clone()));
    is_found(copied().says("failed", None, ended), "can be used");

    let refused = |id: &str| json!({ "error": { "kind": "quota", "code": "ImageQuotaLimitExceeded", "request_id": id } });
    let mut scene = Scene::new();
    scene.refused("ImageQuotaLimitExceeded");
    is_true(scene.says("failed", None, refused("r-refused")));
    is_found(scene.says("failed", None, refused("r-other")), "no client received");
    let mut scene = Scene::new();
    scene.refused("InternalError");
    is_found(scene.says("failed", None, refused("r-refused")), "no client received");

    let network = json!({ "error": { "kind": "network" } });
    let mut scene = Scene::new();
    scene.shown();
    is_found(scene.says("failed", None, network.clone()), "arrived whole");
    scene.sync("img-copy", Received::Part);
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
    hidden.sync("img-copy", Received::All).shown_without(&["img-copy"]);
    is_found(hidden.says("gone", Some("img-copy"), json!({})), "it is there");
}

#[test]
fn started_and_timed_out_name_what_is_on_its_way() {
    let mut scene = Scene::new();
    scene.sync("img-copy", Received::All).shown();
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

    is_found(copied().says("timed_out", Some("img-copy"), json!({})), "is ready");
    is_found(copied().says("timed_out", None, json!({})), "can be used");
    let mut scene = copied();
    let from = scene.gone("img-copy").now + 1;
    scene.now += 5;
    let late = scene.run(from, report("timed_out", Some("img-copy"), json!({})));
    is_found(scene.judge(&late), "gone when the run began");
    let unseen = json!({ "error": { "kind": "timeout", "message": "it has not been seen since" } });
    let honest = scene.run(from, report("timed_out", Some("img-copy"), unseen));
    is_true(scene.judge(&honest));
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
    let mut scene = Scene::new();
    scene.refused("ImageQuotaLimitExceeded");
    is_found(scene.says("unknown", None, json!({})), "no answer was lost");
    scene.refused("InternalError");
    is_true(scene.says("unknown", None, json!({})));

    for received in [
        Received::Nothing,
        Received::Part,
        Received::Other(502, Value::Null),
        Received::Other(200, json!({ "Response": {} })),
    ] {
        let mut scene = Scene::new();
        scene.sync("img-copy", received);
        is_true(scene.says("unknown", None, json!({})));
    }
    let mut scene = Scene::new();
    let killed = scene.sync("img-copy", Received::All).run(0, End::Silence);
    scene.runs.push(killed);
    is_true(scene.says("unknown", None, json!({})));

    let mut scene = Scene::new();
    let mut stopped = scene.sync("img-copy", Received::All).run(0, report("unknown", None, json!({})));
    stopped.deaf = true;
    is_true(scene.judge(&stopped));

    let mut scene = Scene::new();
    scene.sync("img-copy", Received::All).shown();
    is_found(scene.says("unknown", None, json!({})), "no copy is out of sight");
    scene.shown_without(&["img-copy"]);
    is_true(scene.says("unknown", None, json!({})));

    let mut ready = Scene::new();
    ready.sync("img-copy", Received::Nothing).there(image("img-copy", "web", "NORMAL")).shown();
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
    scene.sync("img-copy", Received::All);
    let mut run = scene.run(0, report("cancelled", None, json!({})));
    run.interrupted = true;
    is_found(scene.judge(&run), "started a copy");
    scene.there(image("img-copy", "web", "CREATEFAILED")).shown();
    is_found(scene.judge(&run), "started a copy");
    run.end = report("cancelled", None, json!({ "error": { "kind": "state" } }));
    is_true(scene.judge(&run));
    is_found(Scene::new().says("planned", None, json!({})), "no dry run");
    is_found(Scene::new().says("fine", None, json!({})), "no such outcome");
}
