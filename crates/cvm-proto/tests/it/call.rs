//! One action with all its attempts, in virtual time.

use std::time::Duration;

use cvm_proto::api::{DescribeImages, DescribeRegions, SyncImages};
use cvm_proto::{
    AnyCall, Call, Config, ErrorCode, ErrorKind, Machine, Now, Reply, Response, RetryPolicy, Step,
};
use serde_json::json;

use crate::driver::{UNIX, answer, config, lost, not_sent, ok, refused, run, settings};

fn describe() -> Call<DescribeImages> {
    Call::new(&config(), DescribeImages::default(), 1)
}

fn sync() -> Call<SyncImages> {
    Call::new(&config(), SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]), 1)
}

#[test]
fn an_answer_ends_a_call() {
    let run = run(describe(), |_, _| ok(r#""TotalCount":7,"#));
    assert_eq!(run.actions(), ["DescribeImages"]);
    assert_eq!(run.output.unwrap().total_count, 7);
    assert_eq!(run.seen[0].header("x-tc-region"), "ap-shanghai");
}

/// What a service that answers like this makes of the two kinds of action: attempts at one that is safe to repeat, and
/// at one that is not.
fn attempts(reply: impl Fn() -> Reply, safe: usize, unsafe_: usize) {
    let run_safe = run(describe(), |_, _| reply());
    assert_eq!(run_safe.seen.len(), safe);
    assert_eq!(run_safe.output.unwrap_err().attempts() as usize, safe);
    let run_unsafe = run(sync(), |_, _| reply());
    assert_eq!(run_unsafe.seen.len(), unsafe_);
    assert_eq!(run_unsafe.output.unwrap_err().attempts() as usize, unsafe_);
}

#[test]
fn what_may_succeed_later_is_sent_again_if_that_is_safe() {
    attempts(not_sent, 3, 3);
    attempts(|| refused("RequestLimitExceeded"), 3, 3);
    attempts(|| refused("RequestLimitExceeded.UinLimitExceeded"), 3, 3);
    attempts(lost, 3, 1);
    attempts(|| refused("InternalError"), 3, 1);
    attempts(|| answer(502, "<html>Bad Gateway"), 3, 1);
    attempts(|| answer(200, r#"{"Response":{"RequestId":"r-cut","#), 3, 1);
    attempts(|| refused("InvalidImageId.NotFound"), 1, 1);
    attempts(|| refused("AuthFailure.SignatureFailure"), 1, 1);
    attempts(|| answer(404, "no such page"), 1, 1);
}

#[test]
fn a_dry_run_is_safe_to_repeat() {
    let call = Call::new(&config(), SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]).dry_run(true), 1);
    assert_eq!(run(call, |_, _| lost()).seen.len(), 3);
}

#[test]
fn a_success_ends_the_retries() {
    let mut answers = [not_sent(), refused("InternalError"), ok(r#""TotalCount":1,"#)].into_iter();
    let run = run(describe(), |_, _| answers.next().unwrap());
    assert_eq!(run.output.unwrap().total_count, 1);
    assert_eq!(run.seen.len(), 3);
    assert!(run.seen.windows(2).all(|pair| pair[0].at < pair[1].at), "pauses between attempts");
    assert_eq!(run.seen.iter().map(|seen| seen.request.attempt()).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn each_attempt_has_a_fresh_time_stamp_and_signature() {
    let mut settings = settings();
    settings.retry = RetryPolicy::default().pauses(Duration::from_secs(10), Duration::from_secs(10));
    let config = Config::new(settings).unwrap();
    let run = run(Call::new(&config, DescribeImages::default(), 5), |_, _| not_sent());
    let stamps: Vec<_> = run.seen.iter().map(|seen| seen.header("x-tc-timestamp").to_owned()).collect();
    let signatures: Vec<_> = run.seen.iter().map(|seen| seen.header("authorization").to_owned()).collect();
    assert!(stamps[0] < stamps[2], "{stamps:?}");
    assert_ne!(signatures[0], signatures[2]);
}

#[test]
fn no_pause_goes_past_the_deadline() {
    let mut settings = settings();
    settings.retry =
        RetryPolicy::default().attempts(1000).pauses(Duration::from_secs(5), Duration::from_secs(5));
    settings.call_timeout = Duration::from_secs(20);
    let config = Config::new(settings).unwrap();
    let run = run(Call::new(&config, DescribeImages::default(), 3), |request, at| {
        assert!(request.timeout() <= Duration::from_secs(1020).saturating_sub(at), "an attempt ends in time");
        not_sent()
    });
    assert!(run.ended_at < Duration::from_secs(1020));
    assert_eq!(run.output.unwrap_err().kind(), ErrorKind::Network);
    assert!(run.seen.len() > 3);
}

#[test]
fn retries_dry_up_when_all_fail_and_come_back_with_success() {
    let config = config();
    let mut sent = 0;
    for seed in 0..50 {
        sent += run(Call::new(&config, DescribeRegions::default(), seed), |_, _| not_sent()).seen.len();
    }
    assert_eq!(sent, 50 + 10, "ten retries for all clones, then first attempts only");
    for seed in 0..20 {
        run(Call::new(&config, DescribeRegions::default(), seed), |_, _| ok("")).output.unwrap();
    }
    let after = run(Call::new(&config, DescribeRegions::default(), 1), |_, _| not_sent());
    assert_eq!(after.seen.len(), 3);
}

#[test]
fn calls_of_one_client_keep_below_the_rate() {
    let config = config();
    let clones = [config.clone(), config.with_region("ap-shanghai").unwrap()];
    let mono = Duration::from_secs(50);
    let mut at = Vec::new();
    for n in 0..30_u64 {
        let mut call =
            Call::new(&clones[n as usize % 2], SyncImages::new(["img-o3ycss2p"], ["ap-beijing"]), n);
        match call.poll(Now::new(UNIX, mono)) {
            Step::Send(_) => at.push(mono),
            Step::WaitUntil(until) => at.push(until),
            _ => panic!("a call waits for its turn, or goes"),
        }
    }
    assert_eq!(at[0], mono);
    assert!(at.windows(11).all(|w| w[10].checked_sub(w[0]).unwrap() > Duration::from_secs(1)), "{at:?}");
    let mut elsewhere = Call::new(
        &config.with_region("ap-tokyo").unwrap(),
        SyncImages::new(["img-o3ycss2p"], ["ap-beijing"]),
        0,
    );
    assert!(matches!(elsewhere.poll(Now::new(UNIX, mono)), Step::Send(_)), "each region has its own rate");
}

#[test]
fn a_rate_that_leaves_no_place_before_the_deadline_is_an_error() {
    let mut settings = settings();
    settings.call_timeout = Duration::from_secs(1);
    let config = Config::new(settings).unwrap();
    let now = Now::new(UNIX, Duration::from_secs(50));
    let ends: Vec<_> = (0..20)
        .map(|seed| Call::new(&config, SyncImages::new(["img-o3ycss2p"], ["ap-beijing"]), seed).poll(now))
        .filter_map(|step| match step {
            Step::Done(outcome) => Some(outcome.unwrap_err()),
            _ => None,
        })
        .collect();
    assert!(!ends.is_empty());
    assert!(ends.iter().all(|error| error.kind() == ErrorKind::Timeout && error.attempts() == 0));
    assert!(ends[0].to_string().contains("rate of 10 a second"), "{}", ends[0]);
}

/// The service's clock is `ahead` of ours; it refuses more than 300 s, as it does.
fn skewed(config: &Config, ahead: i64, seed: u64) -> (usize, bool) {
    let run =
        run(Call::new(config, SyncImages::new(["img-o3ycss2p"], ["ap-beijing"]), seed), |request, at| {
            let theirs = (UNIX + at.as_secs() - 1000).saturating_add_signed(ahead);
            let stamp: u64 =
                request.headers().find(|(name, _)| *name == "x-tc-timestamp").unwrap().1.parse().unwrap();
            let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(theirs));
            let body = match refused("AuthFailure.SignatureExpire") {
                Reply::Response(response) if stamp.abs_diff(theirs) > 300 => response.body().to_vec(),
                _ => br#"{"Response":{"RequestId":"r"}}"#.to_vec(),
            };
            Reply::Response(Response::new(200, body).header("Date", &date))
        });
    (run.seen.len(), run.output.is_ok())
}

#[test]
fn a_wrong_clock_is_corrected_once_for_all_calls() {
    for ahead in [-86_400, -400, 400, 86_400] {
        let config = config();
        assert_eq!(skewed(&config, ahead, 1), (2, true), "{ahead}: refused, corrected, accepted");
        assert_eq!(skewed(&config, ahead, 2), (1, true), "{ahead}: the next call knows");
    }
    assert_eq!(skewed(&config(), 200, 1), (1, true));
}

#[test]
fn a_clock_that_cannot_be_corrected_is_an_error() {
    let run = run(describe(), |_, _| refused("AuthFailure.SignatureExpire"));
    assert_eq!(run.seen.len(), 1, "no Date header tells the right time");
    assert_eq!(run.output.unwrap_err().code(), Some(&ErrorCode::AuthFailureSignatureExpire));
}

#[test]
fn bad_input_is_found_before_anything_is_sent() {
    fn check<M: Machine<Output = Result<T, cvm_proto::Error>>, T: std::fmt::Debug>(
        call: M,
        kind: ErrorKind,
        part: &str,
    ) {
        let run = run(call, |_, _| panic!("nothing is sent"));
        let error = run.output.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let config = config();
    let (to, none): ([&str; 1], [&str; 0]) = (["ap-beijing"], []);
    check(
        Call::new(&config, SyncImages::new(none, to), 1),
        ErrorKind::Parameter,
        "SyncImages.ImageIds is empty",
    );
    check(
        Call::new(&config, SyncImages::new(["a", "b"], to), 1),
        ErrorKind::Parameter,
        "ImageIds has 2 values",
    );
    check(
        Call::new(&config, SyncImages::new(["a"], none), 1),
        ErrorKind::Parameter,
        "DestinationRegions is empty",
    );
    let long = SyncImages::new(["a"], to).image_name("x".repeat(61));
    check(Call::new(&config, long, 1), ErrorKind::Parameter, "ImageName has 61 characters");
    check(Call::new(&config, DescribeImages::default().limit(101), 1), ErrorKind::Parameter, "Limit is 101");
    check(AnyCall::new(&config, "No Such", &json!({}), 1), ErrorKind::Parameter, "action `No Such`");
    check(AnyCall::new(&config, "DescribeX", &json!([1]), 1), ErrorKind::Parameter, "object");

    let mut nowhere = settings();
    nowhere.region = None;
    let nowhere = Config::new(nowhere).unwrap();
    check(Call::new(&nowhere, DescribeImages::default(), 1), ErrorKind::Config, "no region");
    assert!(run(Call::new(&nowhere, DescribeRegions::default(), 1), |_, _| ok("")).output.is_ok());
}

#[test]
fn any_action_goes_by_its_name() {
    let run = run(AnyCall::new(&config(), "DescribeSomethingNew", &json!({"Limit": 1}), 1), |request, _| {
        assert_eq!(request.body(), br#"{"Limit":1}"#);
        ok(r#""New":[1,2],"#)
    });
    assert_eq!(run.output.unwrap(), json!({"New": [1, 2], "RequestId": "r-ok"}));
    assert_eq!(run.seen[0].header("x-tc-action"), "DescribeSomethingNew");
}

#[test]
fn any_action_is_repeated_only_where_that_is_safe() {
    let sent = |name: &str, parameters: serde_json::Value| {
        run(AnyCall::new(&config(), name, &parameters, 1), |_, _| lost()).seen.len()
    };
    assert_eq!(sent("DescribeSomethingNew", json!({})), 3);
    assert_eq!(sent("InquirePriceSomethingNew", json!({})), 3);
    assert_eq!(sent("StartSomethingNew", json!({})), 1);
    assert_eq!(sent("StartSomethingNew", json!({"DryRun": true})), 3);
    assert_eq!(sent("StartSomethingNew", json!({"ClientToken": "t-1"})), 3);
    assert_eq!(sent("StartSomethingNew", json!({"ClientToken": ""})), 1);
}

#[test]
fn errors_read_as_one_sentence() {
    let error = run(sync(), |_, _| refused("InvalidImageId.NotFound")).output.unwrap_err();
    assert_eq!(
        error.to_string(),
        "SyncImages in ap-shanghai: InvalidImageId.NotFound: because (request id r-no)"
    );
    let error = run(describe(), |_, _| answer(502, "<html>Bad Gateway</html>")).output.unwrap_err();
    assert_eq!(
        error.to_string(),
        "DescribeImages in ap-shanghai: the answer is not one of this API: it is not JSON, it begins \
         `<html>Bad Gateway</html>`; it came from cvm.tencentcloudapi.com:443 (HTTP 502, after 3 attempts)"
    );
}
