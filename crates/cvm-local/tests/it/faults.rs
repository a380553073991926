//! Misbehaviour on demand, and the log that tells what really happened.

use std::time::{Duration, Instant};

use cvm_local::{CvmLocal, Fault, RequestOutcome, Seed};
use serde_json::json;

use crate::client::{Answer, Client, Raw, exchange};

const USUAL: [&str; 2] = ["content-type", "host"];

fn sync(local: &CvmLocal) -> Option<Answer> {
    let body = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-seoul"] });
    exchange(local, &Raw::post(local, "SyncImages", &body).signed(local, &USUAL).bytes())
}

/// The outcome and acceptance of each request so far.
fn log(local: &CvmLocal) -> Vec<(RequestOutcome, bool)> {
    local.requests().into_iter().map(|request| (request.outcome, request.accepted)).collect()
}

#[test]
fn an_error_code_as_often_as_asked() {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::error("RequestLimitExceeded").on("SyncImages").times(2)).unwrap();
    let codes: Vec<_> = (0..3).map(|_| sync(&local).unwrap().code()).collect();
    let throttled = Some("RequestLimitExceeded".to_owned());
    assert_eq!(codes, [throttled.clone(), throttled, None]);
    assert_eq!(local.images("ap-seoul").len(), 1);
    assert!(local.faults().is_empty());
}

#[test]
fn other_actions_and_regions_are_left_alone() {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::error("InternalError").on("DescribeImages").in_region("ap-beijing")).unwrap();
    let client = Client::new(&local);
    client.call("DescribeImages", &json!({})).unwrap();
    let beijing = Client::new(&local).region("ap-beijing");
    beijing.call("DescribeImageQuota", &json!({})).unwrap();
    assert_eq!(beijing.refused("DescribeImages", &json!({})), "InternalError");
}

#[test]
fn bodies_that_are_no_answer() {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::status(502, "<html>Bad Gateway</html>").times(1)).unwrap();
    local.faults().push(Fault::respond(200, "application/json", "").times(1)).unwrap();
    local.faults().push(Fault::respond(200, "text/plain", r#"{"Response":7}"#).times(1)).unwrap();
    let html = sync(&local).unwrap();
    assert_eq!((html.status, html.content_type.as_deref()), (502, Some("text/html")));
    assert_eq!(html.body, b"<html>Bad Gateway</html>");
    let empty = sync(&local).unwrap();
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    assert_eq!(sync(&local).unwrap().body, br#"{"Response":7}"#);
    assert_eq!(
        log(&local),
        [
            (RequestOutcome::Status(502), false),
            (RequestOutcome::Status(200), false),
            (RequestOutcome::Status(200), false)
        ]
    );
    assert!(local.images("ap-seoul").is_empty());
}

#[test]
fn a_truncated_answer_is_half_of_the_real_one() {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::truncated().times(1)).unwrap();
    let answer = sync(&local).unwrap();
    assert!(answer.body.starts_with(br#"{"Response":{"ImageSet":"#), "{answer:?}");
    assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_err());
    assert_eq!(log(&local), [(RequestOutcome::Truncated, true)]);
    assert_eq!(local.images("ap-seoul").len(), 1);
}

#[test]
fn dropped_before_and_after_acceptance() {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::drop_before().times(1)).unwrap();
    local.faults().push(Fault::drop_after().times(1)).unwrap();
    assert!(sync(&local).is_none());
    assert!(local.images("ap-seoul").is_empty());
    assert!(sync(&local).is_none());
    assert_eq!(local.images("ap-seoul").len(), 1, "the work was done, only the answer is lost");
    assert_eq!(log(&local), [(RequestOutcome::Dropped, false), (RequestOutcome::Dropped, true)]);
}

#[test]
fn a_slow_answer_is_slow_after_the_work() {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::latency(Duration::from_millis(80)).times(1)).unwrap();
    let start = Instant::now();
    assert_eq!(sync(&local).unwrap().code(), None);
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[test]
fn faults_do_not_touch_requests_that_nobody_signed() {
    let local = CvmLocal::start().unwrap();
    local.faults().push(Fault::drop_before().times(1)).unwrap();
    let stranger = Client::new(&local).key(local.secret_id(), "another-key");
    assert_eq!(stranger.refused("DescribeImages", &json!({})), "AuthFailure.SignatureFailure");
    assert_eq!(local.faults().len(), 1);
}

#[test]
fn the_log_names_what_was_asked_and_what_came_of_it() {
    let local = CvmLocal::start().unwrap();
    let client = Client::new(&local).region("ap-beijing");
    let answer = client.call("DescribeImages", &json!({})).unwrap();
    client.refused("DescribeImages", &json!({ "Limit": 0 }));
    let requests = local.requests();
    let [first, second] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!((first.action.as_str(), first.region.as_str()), ("DescribeImages", "ap-beijing"));
    assert_eq!(Some(first.request_id.as_str()), answer["RequestId"].as_str());
    assert_eq!((&first.outcome, first.accepted), (&RequestOutcome::Done, true));
    let limit = RequestOutcome::Error("InvalidParameterValue.InvalidParameterValueLimit".into());
    assert_eq!((&second.outcome, second.accepted), (&limit, false));
    assert!(first.time <= second.time);
}

#[test]
fn the_log_is_bounded() {
    let local = CvmLocal::start().unwrap();
    let mut stream = crate::client::connect(&local);
    let raw = b"PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    for _ in 0..10_050 {
        std::io::Write::write_all(&mut stream, raw).unwrap();
        crate::client::read_answer(&mut stream).unwrap();
    }
    assert_eq!(local.requests().len(), 10_000);
}

#[test]
fn a_reset_brings_the_seed_back() {
    let local = CvmLocal::start().unwrap();
    let first = sync(&local).unwrap().json();
    local.faults().push(Fault::drop_before()).unwrap();
    local.reset();
    assert!(local.faults().is_empty() && local.requests().is_empty());
    assert!(local.images("ap-seoul").is_empty());
    assert_eq!(sync(&local).unwrap().json(), first, "ids begin again, too");
}

#[test]
fn a_seed_survives_json() {
    let seed = Seed::default();
    let text = serde_json::to_string(&seed).unwrap();
    assert_eq!(serde_json::from_str::<Seed>(&text).unwrap(), seed);
    assert_eq!(serde_json::from_str::<Seed>("{}").unwrap(), seed, "what is left out is as in the default");
    assert!(serde_json::from_str::<Seed>(r#"{"colour":"red"}"#).unwrap_err().to_string().contains("colour"));
    assert!(!format!("{seed:?}").contains("local-development-key"));
}
