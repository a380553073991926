//! A name stands once in a region: what copies rely on who do not know of each other. And copies that are not seen yet.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use cvm_local::{Clock, CvmLocal, Fault, Seed, SeedImage};
use cvm_proto::api::{DescribeImages, SyncImages};
use serde_json::{Value, json};

use crate::client::{Client, plain};

const TAKEN: &str = "InvalidImageName.Duplicate";
const MINUTE: Duration = Duration::from_secs(60);

fn stepped() -> CvmLocal {
    CvmLocal::builder().clock(Clock::stepped()).rate_limits(false).start().unwrap()
}

fn sync(source: &str, to: &[&str], name: &str) -> Value {
    json!({ "ImageIds": [source], "DestinationRegions": to, "ImageName": name, "ImageSetRequired": true })
}

fn dry(mut request: Value) -> Value {
    request["DryRun"] = true.into();
    request
}

/// Begins a copy; gives its id.
fn copy(local: &CvmLocal, source: &str, to: &str, name: &str) -> String {
    let request = SyncImages::new([source], [to]).image_name(name).image_set_required(true);
    Client::new(local).send(request).unwrap().image_set[0].image_id.clone()
}

/// That a name is taken in a region, for a dry run as well.
fn assert_taken(local: &CvmLocal, region: &str, name: &str, why: &str) {
    let client = Client::new(local);
    let before = local.images(region).len();
    for to in [vec![region], vec!["ap-bangkok", region]] {
        let request = sync("img-7kq2v9ta", &to, name);
        assert_eq!(client.refused("SyncImages", &dry(request.clone())), TAKEN, "{why}");
        assert_eq!(client.refused("SyncImages", &request), TAKEN, "{why}");
    }
    assert_eq!((local.images(region).len(), local.images("ap-bangkok").len()), (before, 0), "{why}");
}

fn assert_free(local: &CvmLocal, region: &str, name: &str) {
    let request = dry(sync("img-7kq2v9ta", &[region], name));
    assert_eq!(Client::new(local).refused("SyncImages", &request), "DryRunOperation", "{name} in {region}");
}

fn state(local: &CvmLocal, region: &str) -> String {
    local.images(region)[0].image_state.to_string()
}

#[test]
fn a_name_is_taken_by_an_image_of_any_state() {
    let local = stepped();
    local.faults().push(Fault::copy_fails().in_region("ap-tokyo").times(1)).unwrap();
    copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
    assert_eq!(state(&local, "ap-seoul"), "SYNCING");
    assert_taken(&local, "ap-seoul", "gold", "at once");
    local.advance(Duration::from_secs(20));
    assert_eq!(state(&local, "ap-seoul"), "NORMAL");
    assert_taken(&local, "ap-seoul", "gold", "for ever");
    copy(&local, "img-o3ycss2p", "ap-tokyo", "gold");
    local.advance(Duration::from_secs(20));
    assert_eq!(state(&local, "ap-tokyo"), "CREATEFAILED");
    assert_taken(&local, "ap-tokyo", "gold", "and by what has failed");
    for name in ["Gold", "gold ", "golden"] {
        assert_free(&local, "ap-seoul", name);
    }
    assert_free(&local, "ap-bangkok", "gold");
}

#[test]
fn a_name_is_taken_by_images_that_were_not_copied() {
    let mut seed = Seed::default();
    for (id, state) in [
        ("img-00000001", "CREATING"),
        ("img-00000002", "IMPORTING"),
        ("img-00000003", "IMPORTFAILED"),
        ("img-00000004", "SYNCING"),
    ] {
        let image = SeedImage { state: state.into(), ..SeedImage::new(id, "ap-seoul", state) };
        seed.accounts[0].images.push(image);
    }
    let local = CvmLocal::builder().seed(seed).rate_limits(false).start().unwrap();
    for state in ["CREATING", "IMPORTING", "IMPORTFAILED", "SYNCING"] {
        assert_taken(&local, "ap-seoul", state, state);
    }
}

#[test]
fn images_of_others_take_no_name() {
    let mut seed = Seed::default();
    seed.accounts[1].images.push(SeedImage {
        shared_with: vec!["100000000001".into()],
        ..SeedImage::new("img-00000001", "ap-seoul", "shared")
    });
    seed.accounts[1].images.push(SeedImage::new("img-00000002", "ap-seoul", "theirs"));
    seed.public_images.push(SeedImage::new("img-00000003", "ap-seoul", "public"));
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    for name in ["shared", "theirs", "public"] {
        assert_free(&local, "ap-seoul", name);
    }
}

#[test]
fn a_dry_run_that_passes_makes_nothing_and_one_of_a_busy_source_does_not_pass() {
    let local = stepped();
    assert_free(&local, "ap-seoul", "gold");
    assert!(local.images("ap-seoul").is_empty());
    copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
    let client = Client::new(&local);
    let busy = sync("img-o3ycss2p", &["ap-tokyo"], "silver");
    assert_eq!(client.refused("SyncImages", &dry(busy.clone())), "InvalidParameterValue.InvalidImageState");
    assert_eq!(client.refused("SyncImages", &busy), "InvalidParameterValue.InvalidImageState");
    local.advance(Duration::from_secs(20));
    assert_eq!(client.refused("SyncImages", &dry(busy)), "DryRunOperation");
}

#[test]
fn a_failed_copy_is_deleted_and_leaves_its_name() {
    let local = stepped();
    local.faults().push(Fault::copy_fails().times(1)).unwrap();
    let failed = copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
    let in_seoul = Client::new(&local).region("ap-seoul");
    let delete = json!({ "ImageIds": [failed] });
    assert_eq!(in_seoul.refused("DeleteImages", &delete), "InvalidImageId.IncorrectState", "not yet");
    local.advance(Duration::from_secs(20));
    assert_taken(&local, "ap-seoul", "gold", "while it is there");
    assert_eq!(in_seoul.refused("DeleteImages", &dry(delete.clone())), "DryRunOperation");
    in_seoul.call("DeleteImages", &delete).unwrap();
    assert!(local.images("ap-seoul").is_empty());
    copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
}

#[test]
fn of_requests_at_the_same_moment_one_gets_the_name() {
    let local = CvmLocal::builder().clock(Clock::stepped()).rate_limits(false).start().unwrap();
    for round in 0..20 {
        let name = format!("gold-{round}");
        let start = Barrier::new(2);
        let codes = thread::scope(|scope| {
            let send = |source: &'static str| {
                let (local, start, name) = (&local, &start, &name);
                scope.spawn(move || {
                    start.wait();
                    let outcome = Client::new(local).call("SyncImages", &sync(source, &["ap-seoul"], name));
                    outcome.map_err(|error| error.code().unwrap().to_string()).err()
                })
            };
            ["img-o3ycss2p", "img-7kq2v9ta"].map(send).map(|thread| thread.join().unwrap())
        });
        let won = codes.iter().filter(|code| code.is_none()).count();
        let lost = codes.iter().filter(|code| code.as_deref() == Some(TAKEN)).count();
        assert_eq!((won, lost), (1, 1), "{codes:?}");
        let named = local.images("ap-seoul").into_iter().filter(|image| image.image_name == name).count();
        assert_eq!(named, 1);
        local.advance(Duration::from_secs(20));
    }
}

/// Whether `DescribeImages` shows an image: in the whole list, by its name, by its id. It is one answer for all three.
fn shown(local: &CvmLocal, region: &str, id: &str, name: &str) -> bool {
    let client = Client::new(local).region(region);
    let by_name = json!({ "Filters": [{ "Name": "image-name", "Values": [name] }] });
    let answers = [json!({}), by_name, json!({ "ImageIds": [id] })].map(|request| {
        let answer = client.call("DescribeImages", &request).unwrap();
        let set = answer["ImageSet"].as_array().unwrap();
        assert_eq!(answer["TotalCount"].as_u64(), Some(set.len() as u64));
        set.iter().any(|image| image["ImageId"] == id)
    });
    assert!(answers.iter().all(|shown| *shown == answers[0]), "{answers:?}");
    answers[0]
}

#[test]
fn an_accepted_copy_may_not_be_seen_for_a_while() {
    let local = stepped();
    local.faults().push(Fault::invisible(MINUTE).on("SyncImages").in_region("ap-seoul").times(1)).unwrap();
    let id = copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
    let elsewhere = copy(&local, "img-7kq2v9ta", "ap-tokyo", "gold");
    assert!(local.faults().is_empty());
    assert!(!shown(&local, "ap-seoul", &id, "gold"));
    assert!(shown(&local, "ap-tokyo", &elsewhere, "gold"), "the fault is about one region");
    assert_eq!(local.images("ap-seoul")[0].image_id, id, "who steers the endpoint sees it");

    local.advance(Duration::from_millis(59_999));
    assert!(!shown(&local, "ap-seoul", &id, "gold"));
    assert_eq!(state(&local, "ap-seoul"), "NORMAL", "it is copied meanwhile");
    assert_taken(&local, "ap-seoul", "gold", "the name is taken by what nobody sees");
    let in_seoul = Client::new(&local).region("ap-seoul");
    for (action, request) in [
        ("DeleteImages", json!({ "ImageIds": [id] })),
        ("SyncImages", sync(&id, &["ap-tokyo"], "silver")),
        ("ModifyImageAttribute", json!({ "ImageId": id, "ImageName": "silver" })),
    ] {
        assert_eq!(in_seoul.refused(action, &request), "InvalidImageId.NotFound", "{action}");
    }

    local.advance(Duration::from_millis(1));
    assert!(shown(&local, "ap-seoul", &id, "gold"));
    in_seoul.call("DeleteImages", &json!({ "ImageIds": [id] })).unwrap();
    assert_free(&local, "ap-seoul", "gold");
}

#[test]
fn what_is_not_seen_counts_against_the_quota() {
    let mut seed = Seed::default();
    seed.accounts[0].image_quotas.insert("ap-seoul".into(), 1);
    let local = CvmLocal::builder().seed(seed).clock(Clock::stepped()).start().unwrap();
    local.faults().push(Fault::invisible(MINUTE)).unwrap();
    copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
    let request = sync("img-7kq2v9ta", &["ap-seoul"], "silver");
    assert_eq!(Client::new(&local).refused("SyncImages", &request), "ImageQuotaLimitExceeded");
}

#[test]
fn a_copy_may_be_unseen_and_fail() {
    let local = stepped();
    local.faults().push(Fault::invisible(MINUTE).times(1)).unwrap();
    local.faults().push(Fault::copy_fails().times(1)).unwrap();
    let id = copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
    local.advance(MINUTE);
    let seen = Client::new(&local).region("ap-seoul").send(DescribeImages::default().image_ids([id]));
    assert_eq!(seen.unwrap().image_set[0].image_state.as_str(), "CREATEFAILED");
}

#[test]
fn other_images_may_not_be_seen_either() {
    let local = stepped();
    local.faults().push(Fault::invisible(MINUTE).on("CreateImage")).unwrap();
    let client = Client::new(&local);
    let made = json!({ "ImageName": "made", "InstanceId": "ins-stopped0", "ImageFamily": "made" });
    let id = client.call("CreateImage", &made).unwrap()["ImageId"].as_str().unwrap().to_owned();
    local.advance(Duration::from_secs(20));
    let family = json!({ "ImageFamily": "made" });
    assert!(!shown(&local, "ap-shanghai", &id, "made"));
    assert_eq!(client.call("DescribeImageFromFamily", &family).unwrap()["Image"], Value::Null);
    local.advance(MINUTE);
    assert!(shown(&local, "ap-shanghai", &id, "made"));
    assert_eq!(client.call("DescribeImageFromFamily", &family).unwrap()["Image"]["ImageId"], id.as_str());
}

#[test]
fn a_service_may_check_names_late() {
    let local = stepped();
    local.faults().push(Fault::invisible(MINUTE).late_name_check().times(1)).unwrap();
    copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
    local.advance(Duration::from_secs(20));
    assert_free(&local, "ap-seoul", "gold");
    copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
    assert_eq!(local.images("ap-seoul").len(), 2, "this is how a second copy comes about");
    assert_taken(&local, "ap-seoul", "gold", "by the one that is seen");
}

#[test]
fn what_is_not_seen_stays_so_across_a_snapshot() {
    let local = stepped();
    local.faults().push(Fault::invisible(MINUTE)).unwrap();
    let id = copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
    let snapshot = serde_json::to_string(&local.snapshot().unwrap()).unwrap();
    let later = stepped();
    later.restore(&serde_json::from_str(&snapshot).unwrap()).unwrap();
    assert!(!shown(&later, "ap-seoul", &id, "gold"));
    later.advance(MINUTE);
    assert!(shown(&later, "ap-seoul", &id, "gold"));
}

#[test]
fn it_is_asked_for_over_http() {
    let local = stepped();
    let fault = r#"{"effect":"invisible","milliseconds":60000,"late_name_check":true,"action":"SyncImages"}"#;
    let host = local.endpoint().strip_prefix("http://").unwrap().to_owned();
    let path = "/_cvm-local/faults";
    let added = plain(&local, "POST", path, &[("host", &host)], fault);
    assert_eq!(added.status, 200, "{added:?}");
    let id = copy(&local, "img-o3ycss2p", "ap-seoul", "gold");
    assert!(!shown(&local, "ap-seoul", &id, "gold"));
    let mut listed = plain(&local, "GET", &format!("{path}/1"), &[("host", &host)], "").json();
    listed.as_object_mut().unwrap().remove("id");
    assert_eq!(listed, serde_json::from_str::<Value>(fault).unwrap());
}
