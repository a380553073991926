//! The sync job, whole, against the local endpoint on a clock that runs fast.

use cvm_local::{Clock, CvmLocal, Fault};
use cvm_proto::api::DescribeImages;
use cvm_proto::{ErrorKind, ImageSync, Outcome, SyncProgress};

use crate::{Shell, settings};

fn local() -> CvmLocal {
    CvmLocal::builder().clock(Clock::scaled(60.0)).start().unwrap()
}

fn client<S: Shell>(local: &CvmLocal) -> S {
    let mut settings = settings(local.endpoint());
    settings.credential = Some(local.credential());
    S::from_settings(settings).unwrap()
}

fn submissions(local: &CvmLocal) -> usize {
    local.requests().iter().filter(|request| request.action == "SyncImages").count()
}

/// One submission, progress on the way, and an image in every destination that can be used.
pub fn copies_to_every_destination<S: Shell>() {
    let local = local();
    let client = client::<S>(&local);
    let mut events = Vec::new();
    let job = ImageSync::new("img-o3ycss2p").to(["ap-guangzhou", "ap-beijing"]);
    let report = client.run(job, |event| events.push(event)).unwrap();

    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.source_region, "ap-shanghai");
    assert_eq!(submissions(&local), 1);
    for destination in report.of("img-o3ycss2p") {
        let there = client.with_region(&destination.region).unwrap();
        let id = destination.image_id.as_deref().unwrap();
        let images = there.send(DescribeImages::default().image_ids([id])).unwrap();
        assert_eq!(images.image_set[0].image_state, "NORMAL");
    }
    assert!(
        matches!(&events[1], SyncProgress::Found { image_name, .. } if image_name == "base-ubuntu-22.04"),
        "{events:?}"
    );
    let ended = |event: &SyncProgress| matches!(event, SyncProgress::Ended(_));
    assert_eq!(events.iter().filter(|event| ended(event)).count(), 2, "{events:?}");
    assert!(ended(events.last().unwrap()), "{events:?}");
}

/// What cannot be copied is found out before anything is submitted.
pub fn image_that_is_not_there_starts_nothing<S: Shell>() {
    let local = local();
    let client = client::<S>(&local);
    let error = client.run(ImageSync::new("img-00000000").to(["ap-guangzhou"]), |_| ()).unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
    let error = client.run(ImageSync::new("img-creating").to(["ap-guangzhou"]), |_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State, "{error:?}");
    let error = client.run(ImageSync::new("img-o3ycss2p"), |_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter, "{error:?}");
    assert_eq!(submissions(&local), 0);
}

/// The answer to the submission is lost: there is one copy, and the report does not claim to know.
pub fn lost_answer_is_not_sent_again<S: Shell>() {
    let local = local();
    local.faults().push(Fault::drop_after().on("SyncImages").times(1));
    let before = local.images("ap-guangzhou").len();
    let report =
        client::<S>(&local).run(ImageSync::new("img-o3ycss2p").to(["ap-guangzhou"]), |_| ()).unwrap();
    assert_eq!(submissions(&local), 1);
    assert_eq!(local.images("ap-guangzhou").len(), before + 1);
    assert_ne!(report.destinations[0].outcome, Outcome::Failed, "{report:?}");
}

/// What goes wrong in one destination ends nothing in another.
pub fn one_destination_fails_alone<S: Shell>() {
    let local = local();
    local.faults().push(Fault::copy_fails().in_region("ap-beijing"));
    let job = ImageSync::new("img-o3ycss2p").to(["ap-beijing", "ap-guangzhou"]);
    let report = client::<S>(&local).run(job, |_| ()).unwrap();
    let outcomes: Vec<_> = report.destinations.iter().map(|destination| destination.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Copied], "{report:?}");
    assert!(!report.is_complete() && report.destinations[0].error.is_some());
}
