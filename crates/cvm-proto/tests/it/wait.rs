//! Waiting for a state, in virtual time.

use std::time::Duration;

use cvm_proto::api::{DescribeImages, DescribeImagesResponse};
use cvm_proto::{ErrorKind, Job, Verdict, WaitUntil};

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
    assert!(error.to_string().contains("the last look failed"), "{error}");
}
