//! Waiting for a state, in virtual time.

use std::time::Duration;

use cvm_proto::api::{DescribeImages, DescribeImagesResponse, RunInstances, SyncImages};
use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::{
    Ask, ErrorKind, Job, Machine, Now, Reply, Step, TextRequest, Verdict, WaitUntil, only_reads,
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
