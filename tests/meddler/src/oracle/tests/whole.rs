//! Whole reports, and what became of the images.

use super::*;

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
        "no client received",
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
    is_true(scene.state_findings());
    scene.sync("img-second", Received::All);
    scene.look();
    is_found(scene.state_findings(), "doubled");

    // The same with another name: the source tells.
    let mut scene = copied();
    let request = json!({ "ImageIds": [SOURCE], "DestinationRegions": [REGION], "ImageName": "gold" });
    let answer = json!({ "ImageSet": [{ "ImageId": "img-second", "Region": REGION }], "RequestId": "r" });
    scene.exchange("SyncImages", "ap-shanghai", request, answer, Some(Received::All));
    scene.there(image("img-second", "gold", "SYNCING")).look();
    let run = scene.run(0, End::Silence);
    scene.runs.push(run);
    is_found(scene.state_findings(), "doubled");

    // One after the other.
    let mut scene = copied();
    scene.gone("img-copy").sync("img-second", Received::All).look();
    is_true(scene.state_findings());

    // What was there from the start is nobody's doing, until a copy is made beside it.
    let mut scene = Scene::new();
    let twice = [image("img-a", "web", "NORMAL"), image("img-b", "web", "NORMAL")];
    scene.history.look(REGION, &twice, seconds(0), seconds(0));
    is_true(scene.state_findings());
    scene.there(twice[0].clone()).there(twice[1].clone()).sync("img-copy", Received::All).look();
    is_found(scene.state_findings(), "doubled");
}

#[test]
fn what_should_have_stayed_is_found() {
    let mut scene = Scene::new();
    scene.there(image("img-failed", "web", "CREATEFAILED")).shown().delete("img-failed");
    is_found(scene.state_findings(), "nobody asked");
    let mut run = scene.run(0, End::Silence);
    run.asked.deletes_failed = true;
    scene.runs.push(run);
    is_true(scene.state_findings());
    scene.sync("img-copy", Received::All).look();
    is_true(scene.state_findings());
    scene.delete("img-copy");
    is_found(scene.state_findings(), "had not failed");

    let mut scene = Scene::new();
    let request = json!({ "ImageIds": [SOURCE], "DestinationRegions": [REGION] });
    scene.exchange("SyncImages", "ap-shanghai", request, json!({ "RequestId": "r" }), Some(Received::All));
    is_found(scene.state_findings(), "without a name");
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
