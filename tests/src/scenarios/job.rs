//! The sync job, whole, against the local endpoint on a clock that runs fast.

use std::thread;
use std::time::Duration;

use cvm_local::{Clock, CvmLocal, Fault};
use cvm_proto::api::DescribeImages;
use cvm_proto::{ErrorKind, ImageSync, Outcome, SyncProgress, WhichRegions};

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
        matches!(&events[0], SyncProgress::Found { image_name, .. } if image_name == "base-ubuntu-22.04"),
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

/// Patterns stand for what the endpoint lists, and a region that it does not know ends the job before anything is started.
pub fn regions_are_known_before_anything_is_started<S: Shell>() {
    let local = local();
    let client = client::<S>(&local);
    let which = |names: &[&str]| {
        let which = WhichRegions::of(names.iter().copied()).except(["*-ashburn"]).from("ap-shanghai");
        client.run(which, |never| match never {})
    };
    let regions = which(&["na-*", " ap-tokyo", ""]).unwrap();
    assert_eq!(regions, ["na-siliconvalley", "ap-tokyo"]);
    let error = which(&["xx-*"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter, "{error:?}");

    let job = |to: &[&str]| ImageSync::new("img-o3ycss2p").to(to.iter().copied());
    let error = client.run(job(&["ap-tokyo", "ap-gunagzhou"]), |_| ()).unwrap_err();
    assert!(
        error.message().contains("knows no region `ap-gunagzhou`: did you mean `ap-guangzhou`?"),
        "{error}"
    );
    assert_eq!(submissions(&local), 0);
    let report = client.run(job(&["ap-tokyo", "ap-shanghai"]), |_| ()).unwrap();
    let outcomes: Vec<Outcome> = report.destinations.iter().map(|of| of.outcome).collect();
    assert_eq!(outcomes, [Outcome::Copied, Outcome::Skipped]);
    assert!(report.is_complete());
}

/// The answer to the submission is lost: the copy is found by its name, and no other is made.
pub fn lost_answer_is_not_sent_again<S: Shell>() {
    let local = local();
    local.faults().push(Fault::drop_after().on("SyncImages").times(1)).unwrap();
    let before = local.images("ap-guangzhou").len();
    let report =
        client::<S>(&local).run(ImageSync::new("img-o3ycss2p").to(["ap-guangzhou"]), |_| ()).unwrap();
    assert_eq!(submissions(&local), 1);
    assert_eq!(local.images("ap-guangzhou").len(), before + 1);
    assert_eq!(report.destinations[0].outcome, Outcome::Copied, "{report:?}");
}

/// What goes wrong in one destination ends nothing in another.
pub fn one_destination_fails_alone<S: Shell>() {
    let local = local();
    local.faults().push(Fault::copy_fails().in_region("ap-beijing")).unwrap();
    let job = ImageSync::new("img-o3ycss2p").to(["ap-beijing", "ap-guangzhou"]);
    let report = client::<S>(&local).run(job, |_| ()).unwrap();
    let outcomes: Vec<_> = report.destinations.iter().map(|destination| destination.outcome).collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Copied], "{report:?}");
    assert!(!report.is_complete() && report.destinations[0].error.is_some());
}

/// The steps of the job, as the requests that they make: the looks at the source, at what a destination has, at its
/// quota, the request for copies.
const STEPS: [(&str, &str); 4] = [
    ("DescribeImages", "ap-shanghai"),
    ("DescribeImages", "ap-beijing"),
    ("DescribeImageQuota", "ap-beijing"),
    ("SyncImages", "ap-shanghai"),
];

/// Every fault that the endpoint knows, and whether the job comes to its end in spite of it.
fn faults() -> [(Fault, bool); 10] {
    [
        (Fault::error("InternalError"), true),
        (Fault::error("RequestLimitExceeded"), true),
        (Fault::error("UnauthorizedOperation"), false),
        (Fault::status(502, "<html>Bad Gateway</html>"), true),
        (Fault::respond(200, "application/json", ""), true),
        (Fault::drop_before(), true),
        (Fault::drop_after(), true),
        (Fault::truncated(), true),
        // Longer than an attempt may take: the work is done, and nobody hears of it.
        (Fault::latency(Duration::from_millis(1500)), true),
        (Fault::latency(Duration::from_millis(300)), true),
    ]
}

/// Each fault at each step of the job: no second copy, none lost, and the report is true. All of them run side by side.
pub fn every_fault_at_every_step<S: Shell>() {
    thread::scope(|scope| {
        for (fault, passes) in faults() {
            for (action, region) in STEPS {
                let fault = fault.clone().on(action).in_region(region).times(1);
                let passes = passes || action == "DescribeImageQuota";
                scope.spawn(move || under_fault::<S>(fault, When::AtFirst, passes));
            }
            // While the copies are waited for.
            let fault = fault.on("DescribeImages").in_region("ap-beijing").times(1);
            scope.spawn(move || under_fault::<S>(fault, When::OnceSubmitted, true));
        }
    });
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    AtFirst,
    OnceSubmitted,
}

fn under_fault<S: Shell>(fault: Fault, when: When, passes: bool) {
    let local = local();
    let shown = format!("{fault:?} {when:?}");
    if when == When::AtFirst {
        local.faults().push(fault.clone()).unwrap();
    }
    let mut settings = settings(local.endpoint());
    settings.credential = Some(local.credential());
    settings.attempt_timeout = Duration::from_secs(1);
    let job = ImageSync::new("img-o3ycss2p")
        .to(["ap-guangzhou", "ap-beijing"])
        // The endpoint shows every copy at once.
        .settle(Duration::from_secs(2));
    let outcome = S::from_settings(settings).unwrap().run(job, |event| {
        if when == When::OnceSubmitted && matches!(event, SyncProgress::Submitted { .. }) {
            local.faults().push(fault.clone()).unwrap();
        }
    });
    let copies = |region: &str| {
        let images = local.images(region).into_iter();
        images.filter(|image| image.image_name == "base-ubuntu-22.04").collect::<Vec<_>>()
    };
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            assert!(!passes, "{shown}: {error}");
            assert!(["ap-guangzhou", "ap-beijing"].iter().all(|region| copies(region).is_empty()), "{shown}");
            return;
        }
    };
    assert!(!passes || report.is_complete(), "{shown}: {report:?}");
    assert!(local.faults().is_empty(), "{shown}: the fault did not come to pass");
    for destination in &report.destinations {
        let copies = copies(&destination.region);
        assert!(copies.len() < 2, "{shown}: a second copy: {copies:?}");
        let is_there = destination.outcome == Outcome::Copied;
        assert_eq!(copies.iter().any(|copy| copy.image_state == "NORMAL"), is_there, "{shown}: {report:?}");
        assert_eq!(copies.first().map(|copy| &copy.image_id), destination.image_id.as_ref(), "{shown}");
    }
}
