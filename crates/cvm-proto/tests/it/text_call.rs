//! Calls and lists whose parameters and answers are texts, in virtual time.

use std::time::Duration;

use cvm_proto::{
    AnswerText, Config, Error, ErrorKind, Job, Machine as _, Notation, Pages, SignMethod, Step, TextCall,
    TextList, TextRequest, Verdict, WaitUntil, parameters,
};
use serde_json::{Value, json};

use crate::driver::{Run, answer, config, lost, ok, refused, run, settings};

fn call(
    config: &Config,
    action: &str,
    parameters: &str,
    replies: &mut dyn FnMut(usize) -> cvm_proto::Reply,
) -> Run<Result<AnswerText, Error>, std::convert::Infallible> {
    let mut sent = 0;
    run(TextCall::new(config, &TextRequest::new(action, parameters).unwrap(), 7), |_, _| {
        sent += 1;
        replies(sent)
    })
}

#[test]
fn parameters_and_answer_stay_as_they_are_written() {
    // The order of the members, a number beyond 64 bits, the spelling of another.
    let (asked, told) =
        (r#"{"Limit": 1,"B":340282366920938463463374607431768211456}"#, r#""A":1.50,"Z":{},"#);
    let run = call(&config(), "DescribeImages", asked, &mut |_| ok(told));
    assert_eq!(run.seen[0].request.body(), asked.as_bytes());
    assert_eq!(run.output.unwrap().as_str(), r#"{"A":1.50,"Z":{},"RequestId":"r-ok"}"#);
}

#[test]
fn answers_are_judged_as_ever() {
    let error = call(&config(), "DescribeImages", "{}", &mut |_| refused("InvalidImageId.NotFound"));
    let error = error.output.unwrap_err();
    assert_eq!((error.kind(), error.request_id()), (ErrorKind::NotFound, Some("r-no")));
    for body in [r#"{"Response":[]}"#, "{}", r#"{"Response":{"A":}}"#, r#"{"Response":{}"#] {
        let run = call(&config(), "DescribeImages", "{}", &mut |_| answer(200, body));
        assert_eq!(run.output.unwrap_err().kind(), ErrorKind::Response, "{body}");
        assert_eq!(run.seen.len(), 3, "what only reads is asked again: {body}");
    }
}

#[test]
fn what_is_not_safe_to_repeat_is_sent_once() {
    let sent = |action, parameters| {
        let mut replies = |sent| if sent == 1 { lost() } else { ok("") };
        call(&config(), action, parameters, &mut replies).seen.len()
    };
    assert_eq!(sent("SyncImages", "{}"), 1);
    assert_eq!(sent("SyncImages", r#"{"DryRun":true}"#), 2);
    assert_eq!(sent("SyncImages", r#"{"DryRun":false}"#), 1);
    assert_eq!(sent("SomethingNew", r#"{"ClientToken":"t"}"#), 2);
    for none in [r#""""#, "null", "5", "{}", "[]", "true"] {
        for action in ["SomethingNew", "StopInstances"] {
            let parameters = format!(r#"{{"ClientToken":{none}}}"#);
            let mut replies = |sent| if sent == 1 { lost() } else { ok("") };
            assert_eq!(call(&config(), action, &parameters, &mut replies).seen.len(), 1, "{action} {none}");
        }
    }
    assert_eq!(sent("DescribeSomethingNew", "{}"), 2);
}

#[test]
fn a_token_is_made_where_one_is_taken() {
    for given in ["{}", r#"{"ClientToken":""}"#, r#"{"ClientToken":null}"#, r#"{ "InstanceCount":2}"#] {
        let mut replies = |sent| if sent == 1 { lost() } else { ok("") };
        let run = call(&config(), "RunInstances", given, &mut replies);
        assert_eq!(run.seen.len(), 2, "{given}");
        let body = |at: usize| serde_json::from_slice::<Value>(run.seen[at].request.body()).unwrap();
        assert!(body(0)["ClientToken"].as_str().is_some_and(|token| token.len() > 16), "{given}");
        assert_eq!(body(0), body(1), "both attempts have the same");
    }
    let run = call(&config(), "RunInstances", r#"{"ClientToken":"mine"}"#, &mut |_| ok(""));
    assert_eq!(run.seen[0].request.body(), br#"{"ClientToken":"mine"}"#);
}

#[test]
fn other_notations_take_texts_too() {
    let mut settings = settings();
    settings.sign_method = SignMethod::HmacSha256;
    settings.notation = Some(Notation::Form);
    let config = Config::new(settings).unwrap();
    let run = call(&config, "DescribeImages", r#"{"ImageIds":["img-1"]}"#, &mut |_| ok(""));
    let form = String::from_utf8(run.seen[0].request.body().to_vec()).unwrap();
    assert!(form.contains("ImageIds.0=img-1"), "{form}");
}

#[test]
fn what_is_no_object_is_refused() {
    for text in ["", "[]", "1", "{", "{}{}", r#"{"A":}"#] {
        assert_eq!(
            TextRequest::new("DescribeImages", text).unwrap_err().kind(),
            ErrorKind::Parameter,
            "{text}"
        );
    }
}

#[test]
fn pages_are_turned_until_the_last() {
    for (total, expected) in [(0, 0), (1, 1), (100, 1), (250, 3)] {
        let list = TextList::new("DescribeImages", "{}").unwrap();
        assert_eq!(list.items(), "ImageSet");
        let run = run(Pages::new(&config(), list, 3), |request, _| {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            let offset = body["Offset"].as_u64().unwrap();
            let ids: Vec<u64> = (offset..(offset + 100).min(total)).collect();
            ok(&format!(r#""ImageSet":{},"TotalCount":{total},"#, json!(ids)))
        });
        run.output.unwrap();
        assert_eq!(run.progress.iter().flatten().count(), expected, "{total}");
    }
    assert_eq!(TextList::new("SyncImages", "{}").unwrap_err().kind(), ErrorKind::Parameter);
}

#[test]
fn a_text_can_be_waited_for() {
    let request = TextRequest::new("DescribeImages", "{}").unwrap();
    let job = WaitUntil::new(request, |answer: &AnswerText| {
        if answer.as_str().contains("NORMAL") { Verdict::Ready } else { Verdict::Pending }
    });
    let run = run(job.every(Duration::from_secs(10)).start(&config(), 1), |_, at| {
        ok(if at.as_secs() < 1030 { "" } else { r#""State":"NORMAL","# })
    });
    assert!(run.output.unwrap().as_str().contains("NORMAL"));
}

#[test]
fn the_names_of_parameters_are_known() {
    assert!(parameters("SyncImages").unwrap().contains(&"DestinationRegions"));
    assert_eq!(parameters("DescribeRegions"), Some(&[][..]));
    assert_eq!(parameters("SomethingNew"), None);
    let bad_name = TextRequest::new("No such", "{}").unwrap();
    let now = cvm_proto::Now::new(0, Duration::ZERO);
    let Step::Done(Err(error)) = TextCall::new(&config(), &bad_name, 1).poll(now) else { panic!() };
    assert_eq!(error.kind(), ErrorKind::Parameter);
}
