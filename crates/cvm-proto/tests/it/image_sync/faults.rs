//! Every fault at every step of the job: no second copy, none lost, and a report that is true.

use std::time::Duration;

use cvm_proto::{ErrorKind, ImageSync, Outcome};

use super::service::{Fate, Fault, Guard, HOME, Service};
use super::world::{World, check_no_second_copy, check_truth, outcomes};

const SOURCE: &str = "img-source01";
const FAR: &str = "ap-beijing";

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to(["ap-guangzhou", FAR])
}

const FAULTS: [Fault; 12] = [
    Fault::Error("InternalError"),
    Fault::Error("RequestLimitExceeded"),
    Fault::Error("ServiceUnavailable"),
    Fault::Error("FailedOperation"),
    Fault::Error("UnauthorizedOperation"),
    Fault::Error("InvalidParameterValue"),
    Fault::BadGateway,
    Fault::NotSent,
    Fault::DropBefore,
    Fault::DropAfter,
    Fault::Truncated,
    Fault::Error("Brand.New"),
];

/// The steps of the job, as the requests that they make.
const STEPS: [(&str, &str); 4] =
    [("DescribeImages", HOME), ("DescribeImages", FAR), ("DescribeImageQuota", FAR), ("SyncImages", HOME)];

/// Whether the same request may succeed later.
fn passes(fault: Fault) -> bool {
    !matches!(
        fault,
        Fault::Error("FailedOperation" | "UnauthorizedOperation" | "InvalidParameterValue" | "Brand.New")
    )
}

#[test]
fn each_fault_at_each_step() {
    for fault in FAULTS {
        for (action, region) in STEPS {
            for times in [1, 3, u32::MAX] {
                for guard in [Guard::On, Guard::Off] {
                    let service = Service { guard, hidden_millis: 20_000, ..Service::default() };
                    let world = World::new(service.faulty(fault, action, region, times));
                    at_one_step(world, fault, (action, region), times);
                }
            }
        }
    }
}

fn at_one_step(mut world: World, fault: Fault, (action, region): (&str, &str), times: u32) {
    let outcome = world.run(job().timeout(Duration::from_secs(600)));
    let shown = format!("{fault:?} at {action} in {region}, {times} times: {outcome:?}");
    check_no_second_copy(&world);
    let passes = passes(fault) && times <= 3;
    let Ok(report) = outcome else {
        assert!(!passes, "{shown}");
        assert!(world.service.accepted.is_empty(), "{shown}");
        return;
    };
    check_truth(&report, &world);
    let advisory = action == "DescribeImageQuota";
    let only_unheard = matches!(fault, Fault::DropAfter | Fault::Truncated) && action == "SyncImages";
    if passes || advisory || only_unheard {
        assert!(report.is_complete(), "{shown}");
    } else if times == u32::MAX {
        assert!(!report.is_complete(), "{shown}");
    }
    if region == FAR {
        assert_eq!(report.destinations[0].outcome, Outcome::Copied, "{shown}");
    }
}

#[test]
fn each_fault_while_the_copies_are_watched() {
    for fault in FAULTS {
        for after in [3, 4, 6] {
            let mut seen = 0;
            let service = Service {
                fault: Box::new(move |action, region| {
                    seen += u32::from(action == "DescribeImages" && region == FAR);
                    (region == FAR && (after..after + 3).contains(&seen)).then_some(fault)
                }),
                ..Service::default()
            };
            let mut world = World::new(service);
            let report = world.run(job()).unwrap();
            check_no_second_copy(&world);
            check_truth(&report, &world);
            assert_eq!(report.destinations[0].outcome, Outcome::Copied, "{fault:?}");
            assert!(report.is_complete(), "{fault:?}: {report:?}");
            assert_eq!(world.service.accepted.len(), 1);
        }
    }
}

#[test]
fn a_copy_that_fails_or_never_ends_ends_only_itself() {
    let mut service = Service::default();
    service.fates.insert("ap-guangzhou", Fate::Fails);
    service.fates.insert("ap-tokyo", Fate::Never);
    let mut world = World::new(service);
    let report = world.run(job().to(["ap-tokyo"]).timeout(Duration::from_secs(600))).unwrap();
    check_truth(&report, &world);
    assert_eq!(
        outcomes(&report),
        [("ap-guangzhou", Outcome::Failed), (FAR, Outcome::Copied), ("ap-tokyo", Outcome::TimedOut)]
    );
    assert!(report.destinations[0].error.as_ref().unwrap().message().contains("CREATEFAILED"));
    assert!(report.destinations[2].image_id.is_some(), "what to look for");
    assert!(report.is_timed_out() && !report.is_complete());
}

#[test]
fn a_lost_answer_is_looked_for_and_not_sent_again() {
    for fault in [Fault::DropAfter, Fault::Truncated] {
        let service = Service { hidden_millis: 10_000, guard: Guard::Off, ..Service::default() };
        let mut world = World::new(service.faulty(fault, "SyncImages", HOME, 1));
        let report = world.run(job()).unwrap();
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(world.service.count("SyncImages"), 1);
        check_truth(&report, &world);
    }
    // One that never arrived is sent again, after the time to settle.
    let mut world = World::new(Service::default().faulty(Fault::DropBefore, "SyncImages", HOME, 1));
    let begun = world.unix;
    assert!(world.run(job().settle(Duration::from_secs(100))).unwrap().is_complete());
    assert_eq!(world.service.count("SyncImages"), 2);
    assert!(world.unix - begun > 160_000);
}

#[test]
fn a_copy_that_hides_for_longer_than_expected_is_not_made_twice_where_names_are_guarded() {
    let service = Service { hidden_millis: 200_000, ..Service::default() };
    let mut world = World::new(service.faulty(Fault::DropAfter, "SyncImages", HOME, 1));
    let report = world.run(job()).unwrap();
    check_no_second_copy(&world);
    check_truth(&report, &world);
    assert!(report.is_complete(), "{report:?}");
}

#[test]
fn a_name_that_counts_as_taken_late_is_outwaited() {
    let service = Service { guard: Guard::Late(40_000), hidden_millis: 40_000, ..Service::default() };
    let mut world = World::new(service.faulty(Fault::DropAfter, "SyncImages", HOME, 1));
    let report = world.run(job()).unwrap();
    check_no_second_copy(&world);
    assert!(report.is_complete(), "{report:?}");
}

#[test]
fn one_guilty_region_is_left_out_and_the_others_are_carried() {
    // The quota is used up between the look and the request.
    for code in ["ImageQuotaLimitExceeded", "InvalidRegion.Unavailable", "UnsupportedOperation.Region"] {
        let mut world = World::new(Service::default());
        world.service.refuse_copies_to = Some((FAR, code));
        let report = world.run(job().to(["ap-tokyo"])).unwrap();
        check_truth(&report, &world);
        assert_eq!(
            outcomes(&report),
            [("ap-guangzhou", Outcome::Copied), (FAR, Outcome::Failed), ("ap-tokyo", Outcome::Copied)]
        );
        let error = report.destinations[1].error.as_ref().unwrap();
        assert_eq!(error.code().unwrap().as_str(), code);
        assert_eq!(world.service.accepted, [["ap-guangzhou", "ap-tokyo"]], "the others go in one request");
    }
}

#[test]
fn regions_that_are_only_refused_together_go_one_by_one() {
    let mut world = World::new(Service::default());
    world.service.takes_one_region = true;
    let report = world.run(job()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(world.service.accepted, [["ap-guangzhou"], [FAR]]);
}

#[test]
fn a_wrong_key_is_not_tried_everywhere() {
    let fault = Fault::Error("AuthFailure.SignatureFailure");
    let mut world = World::new(Service::default().faulty(fault, "SyncImages", HOME, u32::MAX));
    let report = world.run(job()).unwrap();
    assert_eq!(world.service.count("SyncImages"), 1);
    let kinds = report.destinations.iter().map(|of| of.error.as_ref().unwrap().kind());
    assert!(kinds.eq([ErrorKind::Credential; 2]));
}

#[test]
fn an_accepted_request_without_ids_is_followed_by_name() {
    let mut world = World::new(Service { hidden_millis: 30_000, ..Service::default() });
    world.service.hides_ids = true;
    let report = world.run(job()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    check_truth(&report, &world);
    assert_eq!(world.service.count("SyncImages"), 1);
}
