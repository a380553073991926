//! Waiting for a state, in virtual time.

use std::time::Duration;

use cvm_proto::api::types::InstanceState;
use cvm_proto::api::{DescribeImages, DescribeImagesResponse, RunInstances, SyncImages};
use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::{
    Ask, Cancel, ErrorKind, Job, Machine, Now, Reply, Step, TextRequest, Verdict, WaitUntil, images_normal,
    instances_in_state, only_reads,
};

use crate::driver::{config, not_sent, ok, refused, run};

fn judge(answer: &DescribeImagesResponse) -> Verdict {
    match answer.image_set.first().map(|image| image.image_state.as_str()) {
        Some("NORMAL") => Verdict::Ready,
        Some(state) if state.ends_with("FAILED") => Verdict::Failed(format!("the image is {state}")),
        _ => Verdict::Pending,
    }
}

fn image(state: &str) -> String {
    format!(r#""ImageSet":[{{"ImageState":"{state}"}}],"#)
}

#[test]
fn it_ends_when_it_is_there_and_not_before() {
    let job = WaitUntil::new(DescribeImages::default(), judge).every(Duration::from_secs(10));
    let run = run(job.start(&config(), 1), |_, at| {
        ok(&image(if at.as_secs() < 1095 { "CREATING" } else { "NORMAL" }))
    });
    assert_eq!(run.output.unwrap().image_set[0].image_state, "NORMAL");
    assert!(run.ended_at >= Duration::from_secs(1095) && run.ended_at < Duration::from_secs(1095 + 13));
    assert!((8..=14).contains(&run.seen.len()), "every ten seconds, more or less: {}", run.seen.len());
    assert_eq!(run.progress.len() + 1, run.seen.len(), "each look is told");
}

#[test]
fn it_gives_up_on_failure_and_when_the_time_is_over() {
    let job = || WaitUntil::new(DescribeImages::default(), judge).at_most(Duration::from_secs(60));
    let failed = run(job().start(&config(), 1), |_, _| ok(&image("CREATEFAILED")));
    let error = failed.output.unwrap_err();
    assert_eq!((error.kind(), failed.seen.len()), (ErrorKind::State, 1));
    assert!(error.to_string().contains("the image is CREATEFAILED"), "{error}");

    let late = run(job().start(&config(), 1), |_, _| ok(&image("CREATING")));
    assert_eq!(late.ended_at, Duration::from_secs(1060));
    assert_eq!(late.output.unwrap_err().kind(), ErrorKind::Timeout);

    let refused = run(job().start(&config(), 1), |_, _| refused("AuthFailure.SecretIdNotFound"));
    assert_eq!(refused.output.unwrap_err().kind(), ErrorKind::Credential);
}

#[test]
fn a_network_that_is_away_for_a_while_ends_nothing() {
    let job = WaitUntil::new(DescribeImages::default(), judge);
    let run =
        run(
            job.start(&config(), 1),
            |_, at| if at.as_secs() < 1100 { not_sent() } else { ok(&image("NORMAL")) },
        );
    assert!(run.output.is_ok());

    let job = WaitUntil::new(DescribeImages::default(), judge).at_most(Duration::from_secs(30));
    let error = crate::driver::run(job.start(&config(), 1), |_, _| not_sent()).output.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("the last call failed"), "{error}");
}

#[test]
fn a_look_that_hangs_ends_with_the_wait() {
    let job = WaitUntil::new(DescribeImages::default(), judge).at_most(Duration::from_secs(20));
    let mut machine = job.start(&config(), 1);
    let at = |seconds| Now::new(1_551_113_065, Duration::from_secs(seconds));
    let Step::Send(request) = machine.poll(at(1000)) else { panic!("it looks at once") };
    assert_eq!(request.timeout(), Duration::from_secs(20));
    let Step::Send(again) = machine.poll(at(1015)) else { panic!("the same step until there is a reply") };
    assert_eq!(again.timeout(), Duration::from_secs(5));
    let hung = Failure::maybe_sent(FailureKind::Timeout, "no whole answer within 20s");
    machine.reply(at(1020), Reply::Failed(hung));
    let Step::Done(Err(error)) = machine.poll(at(1020)) else { panic!("the time is over") };
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("the condition was not met within 20s"), "{error}");

    // What comes at the last moment still counts.
    let job = WaitUntil::new(DescribeImages::default(), judge).at_most(Duration::from_secs(20));
    let mut machine = job.start(&config(), 1);
    assert!(matches!(machine.poll(at(1000)), Step::Send(_)));
    machine.reply(at(1020), ok(&image("NORMAL")));
    assert!(matches!(machine.poll(at(1020)), Step::Done(Ok(_))));
}

/// What comes of waiting with an action whose every answer is what was waited for.
fn refusal<A: Ask>(action: A) -> Option<cvm_proto::Error> {
    let run = run(WaitUntil::new(action, |_| Verdict::Ready).start(&config(), 1), |_, _| ok(""));
    let error = run.output.err();
    assert_eq!(run.seen.len(), usize::from(error.is_none()), "what is refused is not sent");
    error
}

#[test]
fn only_what_reads_is_waited_with() {
    let dry_run = RunInstances::default().dry_run(true);
    for error in [
        refusal(SyncImages::new(["img-o3ycss2p"], ["ap-beijing"])),
        refusal(RunInstances::default()),
        refusal(dry_run),
        refusal(TextRequest::new("RunInstances", r#"{"ClientToken":"once"}"#).unwrap()),
        refusal(TextRequest::new("SomethingNew", "{}").unwrap()),
        refusal(TextRequest::new("describeImages", "{}").unwrap()),
    ] {
        let error = error.expect("it may change something");
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert!(error.to_string().contains("only reads"), "{error}");
    }
    let error = refusal(TextRequest::new("No such", "{}").unwrap()).expect("it has no name");
    assert!(error.to_string().contains("is not an action's name"), "{error}");

    assert!(refusal(TextRequest::new("DescribeSomethingNew", "{}").unwrap()).is_none());
    assert!(refusal(TextRequest::new("InquiryPriceOfSomethingNew", "{}").unwrap()).is_none());
    assert!(only_reads("InquirePricePurchaseResourcePoolPacks"));
}

fn images(states: &[(&str, &str)]) -> Reply {
    let of = |(id, state): &(&str, &str)| format!(r#"{{"ImageId":"{id}","ImageState":"{state}"}}"#);
    ok(&format!(r#""ImageSet":[{}],"#, states.iter().map(of).collect::<Vec<_>>().join(",")))
}

fn instances(states: &[(&str, &str)]) -> Reply {
    let of = |(id, state): &(&str, &str)| format!(r#"{{"InstanceId":"{id}","InstanceState":"{state}"}}"#);
    ok(&format!(r#""InstanceSet":[{}],"#, states.iter().map(of).collect::<Vec<_>>().join(",")))
}

/// Answers with each of these once, and with the last from then on; gives what came of it and how often it was asked.
fn waited<J: Job>(job: J, answers: &[Reply]) -> (<J::Machine as Machine>::Output, usize) {
    let mut next = 0;
    let run = run(job.start(&config(), 1), |_, _| {
        next += 1;
        match &answers[(next - 1).min(answers.len() - 1)] {
            Reply::Response(response) => Reply::Response(response.clone()),
            Reply::Failed(failure) => Reply::Failed(failure.clone()),
        }
    });
    (run.output, run.seen.len())
}

#[test]
fn images_are_normal_once_all_of_them_are() {
    let wait = || images_normal(["img-1", "img-2", "img-1"]);
    let answers = [
        images(&[("img-1", "NORMAL")]),
        images(&[("img-1", "NORMAL"), ("img-2", "SYNCING"), ("img-3", "NORMAL")]),
        images(&[("img-2", "NORMAL"), ("img-1", "NORMAL")]),
    ];
    let (answer, asked) = waited(wait(), &answers);
    assert_eq!((answer.unwrap().image_set.len(), asked), (2, 3));
    for state in ["CREATEFAILED", "IMPORTFAILED"] {
        let (outcome, asked) = waited(wait(), &[images(&[("img-1", "CREATING"), ("img-2", state)])]);
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), asked), (ErrorKind::State, 1));
        assert!(error.to_string().contains(&format!("img-2 is {state}")), "{error}");
    }
    // Another image's failure is nobody's business.
    let others = [images(&[("img-9", "CREATEFAILED"), ("img-1", "NORMAL"), ("img-2", "NORMAL")])];
    waited(wait(), &others).0.unwrap();
}

#[test]
fn a_wait_that_is_over_says_what_was_seen_last() {
    let soon = Duration::from_secs(30);
    let late = |state, answers: &[Reply]| {
        let wait = instances_in_state(["ins-1", "ins-2"], state).at_most(soon);
        waited(wait, answers).0.unwrap_err().to_string()
    };
    for (answers, end) in [
        (&[instances(&[])][..], "ins-1 and ins-2 were never shown"),
        (&[instances(&[("ins-1", "STOPPED")])], "ins-2 was never shown"),
        (&[instances(&[("ins-2", "STOPPED"), ("ins-1", "RUNNING")])], "ins-1 is RUNNING, not STOPPED"),
        (
            &[instances(&[("ins-1", "RUNNING"), ("ins-2", "STOPPING")]), instances(&[("ins-1", "STOPPING")])],
            "ins-2 was shown before, and not at last; ins-1 is STOPPING, not STOPPED",
        ),
        (
            &[instances(&[("ins-1", "RUNNING"), ("ins-2", "RUNNING")])],
            "ins-1 is RUNNING, not STOPPED; ins-2 is RUNNING, not STOPPED",
        ),
    ] {
        let error = late(InstanceState::Stopped, answers);
        let whole = format!("DescribeInstances in ap-shanghai: the condition was not met within 30s: {end}");
        assert_eq!(error, whole);
    }
    let error = late(InstanceState::Running, &[instances(&[]), not_sent()]);
    assert!(
        error.contains("within 30s: ins-1 and ins-2 were never shown; the last call failed: "),
        "{error}"
    );

    let error = waited(images_normal(["img-1"]).at_most(soon), &[images(&[("img-1", "CREATING")])]).0;
    assert!(error.unwrap_err().to_string().ends_with("within 30s: img-1 is CREATING, not NORMAL"));
    let many = (1..=100).map(|n| format!("img-{n}"));
    let error = waited(images_normal(many).with_text().at_most(soon), &[images(&[])]).0.unwrap_err();
    assert!(error.to_string().ends_with(": img-1, img-2, img-3 and 97 more were never shown"), "{error}");

    // A judge of the caller's may say nothing, or say it as well.
    for (verdict, end) in [
        (Verdict::Pending, "within 30s"),
        (Verdict::Lacking("there are 3, not 4".into()), "within 30s: there are 3, not 4"),
    ] {
        let wait = WaitUntil::new(DescribeImages::default(), |_| verdict.clone()).at_most(soon);
        let error = waited(wait, &[ok("")]).0.unwrap_err().to_string();
        assert!(error.ends_with(end), "{error}");
    }
}

fn refused_wait<A: Ask, P: FnMut(&A::Answer) -> Verdict>(wait: WaitUntil<A, P>) -> (cvm_proto::Error, usize) {
    let run = run(wait.start(&config(), 1), |_, _| not_sent());
    (run.output.err().expect("it is refused"), run.seen.len())
}

#[test]
fn a_wait_that_nothing_can_end_well_sends_nothing() {
    let many: Vec<_> = (0..101).map(|n| format!("img-{n}")).collect();
    for ((error, asked), why) in [
        (refused_wait(images_normal([""; 0])), "no id is given"),
        (refused_wait(images_normal(many.clone())), "101 ids are given, and one request takes 100"),
        (refused_wait(instances_in_state([""; 0], InstanceState::Running)), "no id is given"),
        (refused_wait(instances_in_state(many, InstanceState::Running)), "101 ids are given"),
        (refused_wait(instances_in_state(["ins-1"], "RUNING".into())), "did you mean `RUNNING`?"),
        (refused_wait(instances_in_state(["ins-1"], "running".into())), "did you mean `RUNNING`?"),
        (refused_wait(instances_in_state(["ins-1"], "asleep".into())), "they are PENDING, "),
    ] {
        assert_eq!((error.kind(), asked), (ErrorKind::Parameter, 0), "{error}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(error.action().is_some() && error.region().is_some(), "{error}");
    }
}

#[test]
fn a_wait_with_text_judges_the_same_and_gives_what_came() {
    let unknown = r#""ImageSet":[{"ImageId":"img-1","ImageState":"NORMAL","Newer":1.50}],"Newest":null,"#;
    let answers = [images(&[("img-1", "CREATING")]), ok(unknown)];
    let (answer, asked) = waited(images_normal(["img-1"]).with_text(), &answers);
    let answer = answer.unwrap();
    assert_eq!((answer.answer.image_set.len(), asked), (1, 2));
    assert!(answer.text.as_str().contains(unknown), "{}", answer.text.as_str());

    let failed = waited(images_normal(["img-1"]).with_text(), &[images(&[("img-1", "CREATEFAILED")])]);
    assert_eq!((failed.0.unwrap_err().kind(), failed.1), (ErrorKind::State, 1));
    // What cannot be read says nothing, as in a wait without texts.
    let soon = instances_in_state(["ins-1"], InstanceState::Running).at_most(Duration::from_secs(30));
    let error = waited(soon.with_text(), &[ok(r#""InstanceSet":7,"#)]).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("does not have the documented shape"), "{error}");
    let none = waited(images_normal([""; 0]).with_text(), &[]);
    assert_eq!((none.0.unwrap_err().kind(), none.1), (ErrorKind::Parameter, 0));
}

#[test]
fn instances_are_in_a_state_once_all_of_them_are() {
    let wait = |state| instances_in_state(["ins-1", "ins-2"], state);
    let answers = [
        instances(&[]),
        instances(&[("ins-1", "PENDING"), ("ins-2", "RUNNING")]),
        instances(&[("ins-1", "RUNNING"), ("ins-2", "REBOOTING")]),
        instances(&[("ins-1", "RUNNING"), ("ins-2", "RUNNING")]),
    ];
    assert_eq!(waited(wait(InstanceState::Running), &answers).1, 4);
    // Whatever is waited for, a launch that failed and an instance that is being destroyed end it.
    for (target, state) in [
        (InstanceState::Running, "LAUNCH_FAILED"),
        (InstanceState::Stopped, "LAUNCH_FAILED"),
        (InstanceState::Running, "SHUTDOWN"),
        (InstanceState::Running, "TERMINATING"),
        (InstanceState::Shutdown, "TERMINATING"),
    ] {
        let (outcome, asked) = waited(wait(target), &[instances(&[("ins-1", "STARTING"), ("ins-2", state)])]);
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), asked), (ErrorKind::State, 1), "{error}");
        assert!(error.to_string().contains(&format!("ins-2 is {state}")), "{error}");
    }
    let down = [
        instances(&[("ins-1", "SHUTDOWN"), ("ins-2", "TERMINATING")]),
        instances(&[("ins-1", "TERMINATING"), ("ins-2", "TERMINATING")]),
    ];
    assert_eq!(waited(wait(InstanceState::Terminating), &down).1, 2);
    let failed = [instances(&[("ins-1", "LAUNCH_FAILED"), ("ins-2", "LAUNCH_FAILED")])];
    assert!(waited(wait(InstanceState::LaunchFailed), &failed).0.is_ok());
}

#[test]
fn a_cancel_ends_a_wait_in_its_pause_and_while_a_look_hangs() {
    let cancel = Cancel::new();
    let wait = || images_normal(["img-1"]).every(Duration::from_secs(60)).cancel_with(&cancel);
    let mut machine = wait().start(&config(), 1);
    let start = Now::new(1_551_113_065, Duration::from_secs(1));
    let Step::Send(request) = machine.poll(start) else { panic!("it begins with a look") };
    assert_eq!(
        request.cancel().map(|(_, grace)| grace),
        Some(Duration::ZERO),
        "a look can be broken off at once"
    );
    machine.reply(start, images(&[("img-1", "CREATING")]));
    assert!(matches!(machine.poll(start), Step::Progress(_)));
    let Step::WaitUntil(soon) = machine.poll(start) else { panic!("a pause comes") };
    assert!(soon <= start.mono + Duration::from_millis(200), "it looks at the cancel meanwhile");
    cancel.cancel();
    let Step::Done(Err(error)) = machine.poll(Now::new(start.unix, soon)) else { panic!("it is cancelled") };
    assert_eq!(error.failure_kind(), Some(FailureKind::Cancelled));
    assert!(error.to_string().contains("cancelled before the condition was met"), "{error}");

    // Broken off by the driver, it is not tried again.
    let cancel = Cancel::new();
    let mut machine = images_normal(["img-1"]).cancel_with(&cancel).start(&config(), 1);
    assert!(matches!(machine.poll(start), Step::Send(_)));
    cancel.cancel();
    machine.reply(start, Reply::Failed(Failure::maybe_sent(FailureKind::Cancelled, "broken off")));
    let Step::Done(Err(error)) = machine.poll(start) else { panic!("it is cancelled") };
    assert_eq!(error.failure_kind(), Some(FailureKind::Cancelled), "{error}");
    // Nor is anything sent after it.
    let mut late = images_normal(["img-1"]).cancel_with(&cancel).start(&config(), 1);
    assert!(matches!(late.poll(start), Step::Done(Err(_))));
}
