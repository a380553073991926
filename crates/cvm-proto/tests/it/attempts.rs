//! What came of each attempt, as a hook hears it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cvm_proto::api::{DescribeImages, SyncImages};
use cvm_proto::credential::{AssumeRole, InstanceRole, Role};
use cvm_proto::{
    AnyList, AttemptEnd, AttemptHook, Call, Config, Credential, Endpoint, Job, NextStep, Pages, Reply,
    RetryPolicy, Settings, Verdict, WaitUntil,
};
use serde_json::Value;

use crate::driver::{answer, lost, not_sent, ok, refused, run, settings};

/// A hook, and what it has heard, a line for each attempt.
fn heard(mut settings: Settings) -> (Config, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&lines);
    settings.on_attempt = Some(AttemptHook::new(move |end| told.lock().unwrap().push(line(end))));
    (Config::new(settings).unwrap(), lines)
}

fn line(end: &AttemptEnd<'_>) -> String {
    assert_eq!(end.elapsed, Duration::from_millis(5), "{end:?}");
    let next = match end.next {
        NextStep::Done => "done".to_owned(),
        NextStep::Retry { pause, reason } => {
            let after = if pause.is_zero() { "at once" } else { "after a pause" };
            format!("retry {after}: {}", reason.as_str())
        }
        NextStep::Fail(reason) => format!("fail: {}", reason.as_str()),
        other => panic!("{other:?}"),
    };
    format!(
        "{}/{} {} {}/{} {} {} {} {next}",
        end.service,
        end.action,
        end.region.unwrap_or("-"),
        end.attempt,
        end.resend_count,
        end.status().map_or("-".into(), |status| status.to_string()),
        end.error_type().unwrap_or("-"),
        end.request_id.unwrap_or("-"),
    )
}

/// Answers by a script, a reply for each request.
fn scripted(replies: impl IntoIterator<Item = Reply>) -> impl FnMut(&cvm_proto::Request, Duration) -> Reply {
    let mut replies = replies.into_iter().collect::<Vec<_>>().into_iter();
    move |_, _| replies.next().expect("no request more than scripted")
}

const FINE: &str = r#""ImageSet":[],"TotalCount":0,"#;

fn describe(replies: Vec<Reply>, settings: Settings) -> Vec<String> {
    let (config, heard) = heard(settings);
    let _ = run(Call::new(&config, DescribeImages::default(), 1), scripted(replies)).output;
    heard.lock().unwrap().clone()
}

#[test]
fn a_success_is_told_once_with_the_id_of_its_answer() {
    assert_eq!(describe(vec![ok(FINE)], settings()), ["cvm/DescribeImages ap-shanghai 1/0 200 - r-ok done"]);
}

#[test]
fn each_error_is_told_with_its_code_and_why_it_is_sent_again() {
    let replies = vec![refused("RequestLimitExceeded"), refused("InternalError"), ok(FINE)];
    assert_eq!(
        describe(replies, settings()),
        [
            "cvm/DescribeImages ap-shanghai 1/0 200 RequestLimitExceeded r-no retry after a pause: throttled",
            "cvm/DescribeImages ap-shanghai 2/1 200 InternalError r-no retry after a pause: service_error",
            "cvm/DescribeImages ap-shanghai 3/2 200 - r-ok done",
        ]
    );
    let replies = vec![not_sent(), answer(502, "<html>"), lost()];
    assert_eq!(
        describe(replies, settings()),
        [
            "cvm/DescribeImages ap-shanghai 1/0 - connect - retry after a pause: no_response",
            "cvm/DescribeImages ap-shanghai 2/1 502 response - retry after a pause: bad_response",
            "cvm/DescribeImages ap-shanghai 3/2 - interrupted - fail: attempts_used_up",
        ]
    );
}

/// Its envelope is fine, its value is not: that is no success, although its status is 200 and it holds no error.
#[test]
fn an_answer_that_cannot_be_read_is_told_as_an_error_alone() {
    let replies = vec![ok(r#""ImageSet":3,"#), ok(FINE)];
    assert_eq!(
        describe(replies, settings()),
        [
            "cvm/DescribeImages ap-shanghai 1/0 200 response r-ok retry after a pause: bad_response",
            "cvm/DescribeImages ap-shanghai 2/1 200 - r-ok done",
        ]
    );
}

#[test]
fn why_it_is_not_sent_again_is_told() {
    let one = |reply, settings| describe(vec![reply], settings).pop().unwrap();
    let with = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        settings
    };
    let last = one(refused("InvalidFilter"), settings());
    assert!(last.ends_with(" InvalidFilter r-no fail: permanent"), "{last}");
    let last = one(not_sent(), with(|settings| settings.retry = RetryPolicy::never()));
    assert!(last.ends_with(" fail: attempts_used_up"), "{last}");
    let last = one(not_sent(), with(|settings| settings.call_timeout = Duration::from_millis(6)));
    assert!(last.ends_with(" fail: no_time_left"), "{last}");

    let (config, heard) = heard(settings());
    let sync = SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]);
    run(Call::new(&config, sync, 1), scripted([lost()])).output.unwrap_err();
    for _ in 0..20 {
        let call = Call::new(&config, DescribeImages::default(), 1);
        run(call, |_, _| not_sent()).output.unwrap_err();
    }
    let heard = heard.lock().unwrap();
    assert!(heard[0].ends_with(" fail: not_safe_to_repeat"), "{}", heard[0]);
    assert!(heard.last().unwrap().ends_with(" 1/0 - connect - fail: budget_used_up"), "{heard:?}");
}

#[test]
fn pages_waits_and_jobs_tell_each_of_their_calls() {
    let (config, heard) = heard(settings());
    let page = |id: &str| ok(&format!(r#""ImageSet":[{{"ImageId":"{id}"}}],"TotalCount":2,"#));
    let list = AnyList::new("DescribeImages", Value::Null).unwrap();
    run(Pages::new(&config, list, 1), scripted([page("img-1"), not_sent(), page("img-2")])).output.unwrap();
    let wait = WaitUntil::new(DescribeImages::default(), |_| Verdict::Ready);
    assert_eq!(wait.name(), "DescribeImages");
    run(wait.start(&config, 1), scripted([refused("InternalError"), ok(FINE)])).output.unwrap();
    let heard: Vec<_> = heard
        .lock()
        .unwrap()
        .iter()
        .map(|line| line.replace("cvm/DescribeImages ap-shanghai ", ""))
        .collect();
    assert_eq!(
        heard,
        [
            "1/0 200 - r-ok done",
            "1/0 - connect - retry after a pause: no_response",
            "2/1 200 - r-ok done",
            "1/0 200 InternalError r-no retry after a pause: service_error",
            "2/1 200 - r-ok done",
        ]
    );
}

/// What a provider sends is told to the client that asks it, at any depth.
#[test]
fn what_fetches_a_credential_is_told() {
    let mut settings = settings();
    settings.credential = None;
    let base = InstanceRole::new().role("a-role").endpoint(Endpoint::explicit("http://metadata").unwrap());
    settings.provider =
        Some(Arc::new(AssumeRole::new(base, Role::new("qcs::cam::uin/1:roleName/a", "session"))));
    let (config, heard) = heard(settings);
    let key = r#""TmpSecretId":"AKIDtemporary","TmpSecretKey":"temporary","Token":"token""#;
    let expired = "AuthFailure.TokenFailure";
    let replies = [
        Reply::Failed(cvm_proto::machine::Failure::maybe_sent(
            cvm_proto::machine::FailureKind::Timeout,
            "late",
        )),
        answer(200, &format!(r#"{{{key},"ExpiredTime":1999999999,"Code":"Success"}}"#)),
        refused("InternalError"),
        ok(&format!(r#""Credentials":{{{key}}},"ExpiredTime":1999999999,"#)),
        ok(FINE),
    ];
    run(Call::new(&config, DescribeImages::default(), 1), scripted(replies)).output.unwrap();
    assert_eq!(
        *heard.lock().unwrap(),
        [
            "metadata/instance metadata - 1/0 - timeout - retry after a pause: no_response",
            "metadata/instance metadata - 2/1 200 - - done",
            "sts/AssumeRole ap-guangzhou 1/0 200 InternalError r-no retry after a pause: service_error",
            "sts/AssumeRole ap-guangzhou 2/1 200 - r-ok done",
            "cvm/DescribeImages ap-shanghai 1/0 200 - r-ok done",
        ]
    );

    // A credential that is refused is fetched anew, and the attempt does not count.
    let source = Arc::new(Credential::new("AKIDnew", "new-key").unwrap());
    let mut settings = crate::driver::settings();
    settings.credential = settings.credential.map(|written| written.with_source(source));
    assert_eq!(
        describe(vec![refused(expired), ok(FINE)], settings),
        [
            "cvm/DescribeImages ap-shanghai 1/0 200 AuthFailure.TokenFailure r-no retry at once: credential_refused",
            "cvm/DescribeImages ap-shanghai 1/1 200 - r-ok done",
        ]
    );
}
