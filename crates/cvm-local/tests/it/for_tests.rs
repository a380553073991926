//! What makes the endpoint handy in the tests of other programs.

use std::io::ErrorKind;
use std::time::Duration;

use cvm_local::{Account, Clock, CvmLocal, Fault, Key, Seed, SeedImage, SeedInstance};
use cvm_proto::api::{
    DescribeImages, DescribeInstances, DescribeInstancesStatus, DescribeRegions, SyncImages,
};
use cvm_proto::{Config, ImageSync, Outcome};
use serde_json::{Value, json};

use crate::client::Client;

const IMAGE: &str = "img-o3ycss2p";
const LONG: Duration = Duration::from_secs(60);

fn auto_advanced() -> CvmLocal {
    CvmLocal::builder().clock(Clock::auto_advanced()).start().unwrap()
}

fn sync(local: &CvmLocal, to: &str) {
    Client::new(local).send(SyncImages::new([IMAGE], [to])).unwrap();
}

/// The states of a region's images as a client sees them.
fn states(local: &CvmLocal, region: &str) -> Vec<String> {
    let answer = Client::new(local).region(region).send(DescribeImages::default()).unwrap();
    answer.image_set.into_iter().map(|image| image.image_state.to_string()).collect()
}

#[test]
fn an_empty_seed_has_what_is_added_to_it_and_nothing_else() {
    let local = CvmLocal::builder().seed(Seed::empty()).start().unwrap();
    for (region, _) in cvm_local::regions().filter(|(region, _)| *region != "ap-mumbai") {
        let client = Client::new(&local).region(region);
        assert_eq!(client.send(DescribeImages::default()).unwrap().total_count, 0, "{region}");
        assert_eq!(client.send(DescribeInstances::default()).unwrap().total_count, 0, "{region}");
    }
    assert_eq!(Client::new(&local).send(DescribeRegions::default()).unwrap().total_count, 20);

    let shared = SeedImage {
        shared_with: vec!["100000000001".into()],
        ..SeedImage::new("img-00000003", "ap-seoul", "c")
    };
    let neighbour = Account {
        keys: vec![Key { secret_id: "AKIDother".into(), secret_key: "other-key".into(), ..Key::default() }],
        images: vec![shared],
        ..Account::default()
    };
    let seed = Seed::empty()
        .image(SeedImage::new("img-00000001", "ap-seoul", "a"))
        .public_image(SeedImage::new("img-00000002", "ap-seoul", "b"))
        .account(neighbour)
        .instance(SeedInstance::new("ins-00000001", "ap-seoul", "d"));
    local.reseed(&seed).unwrap();
    let client = Client::new(&local).region("ap-seoul");
    assert_eq!(client.send(DescribeImages::default()).unwrap().total_count, 3);
    assert_eq!(client.send(DescribeInstances::default()).unwrap().total_count, 1);
}

#[test]
fn its_settings_make_a_client_that_it_takes() {
    for tls in [false, true] {
        let builder = CvmLocal::builder();
        let local = if tls { builder.tls() } else { builder }.start().unwrap();
        let settings = local.settings("ap-beijing");
        assert_eq!(settings.endpoint.uses_tls(), tls);
        assert_eq!(settings.sts_endpoint.as_ref(), Some(&settings.endpoint), "nothing leads to another host");
        assert_eq!(settings.ca_certificates().unwrap().len(), usize::from(tls));
        Config::new(settings).unwrap();
    }
    let local = CvmLocal::start().unwrap();
    let client = Client::new(&local).with(|settings| *settings = local.settings("ap-beijing"));
    client.send(DescribeImages::default()).unwrap();
    assert_eq!(local.requests()[0].region, "ap-beijing");
}

#[test]
fn a_request_is_waited_for_until_it_has_come() {
    let local = CvmLocal::start().unwrap();
    sync(&local, "ap-seoul");
    assert!(local.wait_for("SyncImages", 1, LONG).unwrap().accepted, "what has come has come");
    let third = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| local.wait_for("SyncImages", 3, LONG).unwrap());
        states(&local, "ap-seoul");
        let busy = json!({ "ImageIds": [IMAGE], "DestinationRegions": ["ap-tokyo"] });
        Client::new(&local).refused("SyncImages", &busy);
        assert!(!waiting.is_finished(), "two have come, of which one was refused");
        Client::new(&local).send(SyncImages::new(["img-7kq2v9ta"], ["ap-tokyo"])).unwrap();
        waiting.join().unwrap()
    });
    assert_eq!(third, local.requests()[3]);

    let error = local.wait_for("SyncImages", 4, Duration::ZERO).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "3 of 4 requests for `SyncImages` arrived within 0s");
    let error = local.wait_for("SyncImage", 1, LONG).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "there is no action `SyncImage`: did you mean `SyncImages`?");
    local.clear_requests();
    local.wait_for("SyncImages", 1, Duration::ZERO).unwrap_err();
}

#[test]
fn a_request_is_waited_for_from_outside() {
    let local = CvmLocal::start().unwrap();
    let get = |query: &str| {
        let path = format!("/_cvm-local/requests?{query}");
        crate::client::plain(&local, "GET", &path, &[("host", "localhost")], "")
    };
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| get("action=SyncImages&wait_for=1&seconds=60"));
        states(&local, "ap-seoul");
        assert!(!waiting.is_finished(), "that was another action");
        sync(&local, "ap-seoul");
        let answer = waiting.join().unwrap();
        assert_eq!(answer.status, 200);
        let requests = answer.json()["requests"].as_array().unwrap().clone();
        assert!(requests.len() == 1 && requests[0]["action"] == "SyncImages", "{requests:?}");
    });
    for (query, status, expected) in [
        (
            "action=SyncImages&wait_for=2&seconds=0",
            408,
            "1 of 2 requests for `SyncImages` arrived within 0s.",
        ),
        ("wait_for=2", 400, "`wait_for` needs an `action`."),
        ("action=Sync&wait_for=2", 400, "There is no action `Sync`."),
        ("action=SyncImages&wait_for=x", 400, "`wait_for` is a number of requests, such as 10."),
        ("seconds=-1", 400, "`seconds` is a number from 0 upwards, such as 10."),
    ] {
        let answer = get(query);
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(expected)), "{query}");
    }
}

#[test]
fn a_request_is_waited_for_where_time_is_paused() {
    let local = CvmLocal::start().unwrap();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| sync(&local, "ap-seoul"));
        let request = runtime.block_on(local.wait_for_async("SyncImages", 1, LONG)).unwrap();
        assert_eq!(request.action, "SyncImages");
    });
    let error = runtime.block_on(local.wait_for_async("SyncImages", 2, Duration::ZERO)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    runtime.block_on(local.wait_for_async("Sync", 2, LONG)).unwrap_err();
}

#[test]
fn time_advances_once_a_client_has_seen_what_it_waits_for() {
    let local = auto_advanced();
    let start = local.image_time();
    sync(&local, "ap-seoul");
    assert_eq!(states(&local, "ap-tokyo"), [""; 0], "who looks elsewhere waits for nothing");
    assert_eq!(local.image_time(), start);
    assert_eq!(states(&local, "ap-seoul"), ["SYNCING"]);
    assert_eq!(local.image_time(), start + Duration::from_secs(20));
    assert_eq!(states(&local, "ap-seoul"), ["NORMAL"]);
    assert_eq!(local.image_time(), start + Duration::from_secs(20), "nothing is under way any more");

    local.faults().push(Fault::invisible(Duration::from_secs(90)).times(1)).unwrap();
    sync(&local, "ap-tokyo");
    assert_eq!(states(&local, "ap-tokyo"), [""; 0]);
    assert_eq!(states(&local, "ap-tokyo"), ["NORMAL"], "it is seen at last");

    local.faults().push(Fault::copy_never_ends().times(1)).unwrap();
    sync(&local, "ap-beijing");
    let then = local.image_time();
    for _ in 0..3 {
        assert!(states(&local, "ap-beijing").contains(&"SYNCING".to_owned()));
    }
    assert_eq!(local.image_time(), then, "what never ends moves nothing");
}

#[test]
fn time_advances_for_instances_and_exports_too() {
    let local = auto_advanced();
    let client = Client::new(&local);
    let ids = json!({ "InstanceIds": ["ins-running0"] });
    client.call("StopInstances", &ids).unwrap();
    let look = DescribeInstancesStatus::default().instance_ids(["ins-running0"]);
    let state = || client.send(look.clone()).unwrap().instance_status_set[0].instance_state.to_string();
    assert_eq!([state(), state()], ["STOPPING", "STOPPED"]);
    client.call("StartInstances", &ids).unwrap();
    let look = DescribeInstances::default().instance_ids(["ins-running0"]);
    let state = || client.send(look.clone()).unwrap().instance_set[0].instance_state.to_string();
    assert_eq!([state(), state()], ["STARTING", "RUNNING"]);

    let export =
        json!({ "BucketName": "exports-1250000000", "ImageIds": [IMAGE], "FileNamePrefixList": ["x"] });
    client.call("ExportImages", &export).unwrap();
    let delete = json!({ "ImageIds": [IMAGE] });
    client.refused("DeleteImages", &delete);
    client.send(DescribeImages::default().image_ids([IMAGE])).unwrap();
    client.call("DeleteImages", &delete).unwrap();
}

#[test]
fn a_job_in_virtual_time_ends_with_its_copies_ready() {
    let local = auto_advanced();
    let regions: Vec<&str> = cvm_local::regions()
        .map(|(region, _)| region)
        .filter(|region| {
            !region.ends_with("-fsi") && !["ap-shanghai", "ap-mumbai", "me-saudi-arabia"].contains(region)
        })
        .collect();
    let job = || ImageSync::new(IMAGE).to(regions.clone());
    // With the settings of any client, its own rate limit included.
    let client = || Client::new(&local).with(|settings| *settings = local.settings("ap-shanghai"));
    let (report, time) = client().run(job());
    let report = report.unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert!(report.destinations.iter().all(|destination| destination.outcome == Outcome::Copied));
    assert!(time < LONG, "{time:?}");
    let looks = local.requests().len();
    assert!(looks < 8 * regions.len(), "{looks} requests");
}

#[test]
fn an_auto_advanced_clock_is_set_and_read_from_outside() {
    let local = CvmLocal::start().unwrap();
    let put = |body: &str| {
        let path = "/_cvm-local/clock";
        crate::client::plain(&local, "PUT", path, &[("host", "localhost")], body).json()
    };
    let clock: Value = put(r#"{"pace":"auto-advance"}"#);
    assert_eq!(clock["pace"], "auto-advance");
    assert_eq!(local.clock(), Clock::auto_advanced());
    sync(&local, "ap-seoul");
    assert_eq!([states(&local, "ap-seoul"), states(&local, "ap-seoul")], [["SYNCING"], ["NORMAL"]]);
}

#[test]
fn a_fault_for_an_action_or_a_region_that_is_none_is_refused() {
    let local = CvmLocal::start().unwrap();
    let error = local.faults().push(Fault::drop_before().on("DescribeImagez")).unwrap_err();
    assert_eq!(error.to_string(), "there is no action `DescribeImagez`: did you mean `DescribeImages`?");
    let add = |body: &str| {
        crate::client::plain(&local, "POST", "/_cvm-local/faults", &[("host", "localhost")], body)
    };
    for (body, expected) in [
        (
            r#"{"effect":"truncate","action":"DescribeImagez"}"#,
            "There is no action `DescribeImagez`: did you mean `DescribeImages`?",
        ),
        (
            r#"{"effect":"copy-fails","region":"ap-guangzou"}"#,
            "The endpoint has no region `ap-guangzou`: did you mean `ap-guangzhou`?",
        ),
    ] {
        let answer = add(body);
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(expected)));
    }
    assert!(local.faults().is_empty());
}
