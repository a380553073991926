//! Copies that have failed and are to be deleted: as safe as copying is.

use std::time::Duration;

use cvm_proto::{Cancel, ImageSync, Outcome, SyncRun};

use super::service::{Fate, Fault, Image, Service};
use super::world::{Kill, Went, World, check_no_second_copy, check_truth, outcomes};

const SOURCE: &str = "img-source01";
const NEAR: &str = "ap-guangzhou";
const FAR: &str = "ap-beijing";

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to([NEAR, FAR]).delete_failed(true)
}

fn left() -> Service {
    let created = "2019-01-01T00:00:00Z".into();
    Service::default()
        .add(FAR, Image { state: "CREATEFAILED", created, ..Image::new("img-left0001", "base") })
}

/// A service where the copy to one region fails.
fn failing() -> Service {
    let mut service = Service::default();
    service.fates.insert(FAR, Fate::Fails);
    service
}

/// Runs the job, and cancels it once so many requests are out.
fn cancelled_at(world: &mut World, number: usize) -> Option<cvm_proto::SyncReport> {
    let cancel = Cancel::new();
    let disk = world.disk.take();
    let mut process = world.start(&job().cancel_with(&cancel), disk).unwrap();
    let before = world.service.log.len();
    loop {
        world.unix = world.unix.max(process.wake);
        // The request is out, and its answer has not come.
        if world.service.log.len() - before == number {
            cancel.cancel();
        }
        if let Went::Ended(outcome) = world.step(&mut process, Kill::Never) {
            world.disk = process.disk;
            return cancel.is_cancelled().then(|| outcome.unwrap());
        }
    }
}

/// Whoever insists on copies of its own deletes none but those either.
#[test]
fn with_own_copies_a_failed_image_of_somebody_else_stays() {
    for dry_run in [true, false] {
        let mut world = World::new(left());
        let report = world.unkept(&job().own_copies(true).dry_run(dry_run), Kill::Never).unwrap().unwrap();
        let far = &report.destinations[1];
        assert_eq!(far.outcome, Outcome::Conflict, "{far:?}");
        let error = far.error.as_ref().unwrap().to_string();
        assert!(error.contains("not known to have started it, so it is not deleted"), "{error}");
        assert!(world.service.deleted.is_empty());
    }
}

#[test]
fn with_own_copies_a_copy_of_the_job_that_fails_later_is_made_again() {
    let mut world = World::new(Service::default());
    assert!(world.run(job()).unwrap().is_complete());
    world.unix += 3_600_000;
    let copy = &mut world.service.images.get_mut(FAR).unwrap()[0];
    (copy.state, copy.copying) = ("CREATEFAILED", None);
    let report = world.run(job().own_copies(true)).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Present), (FAR, Outcome::Copied)], "{report:?}");
    assert_eq!(world.service.deleted, ["img-copy0002"]);
}

#[test]
fn an_interrupt_at_any_request_ends_no_destination() {
    for service in [left as fn() -> Service, failing] {
        for number in 1.. {
            let mut world = World::new(service());
            let Some(report) = cancelled_at(&mut world, number) else {
                assert!(number > 10);
                break;
            };
            check_truth(&report, &world);
            let far = &report.destinations[1];
            let is_over = far.outcome == Outcome::Failed && world.service.images[FAR].is_empty();
            let is_left = matches!(far.outcome, Outcome::Cancelled | Outcome::Started | Outcome::Unknown);
            assert!(is_over || is_left || far.outcome == Outcome::Copied, "{number}: {far:?}");
            let report = if world.disk.is_some() {
                world.resume(SyncRun::new().delete_failed(true), Kill::Never).unwrap().unwrap()
            } else {
                world.run(job()).unwrap()
            };
            check_truth(&report, &world);
            check_no_second_copy(&world);
            let failed = world.service.images[FAR].iter().any(|image| image.state == "CREATEFAILED");
            assert!(!failed, "{number}: the failed copy was deleted: {report:?}");
        }
    }
}

#[test]
fn a_copy_that_the_job_deleted_itself_is_not_waited_for() {
    for service in [left as fn() -> Service, failing] {
        let mut killed = 0;
        for number in 1.. {
            let mut world = World::new(service());
            if world.process(&job(), Kill::During(number)).is_some() {
                break;
            }
            let deleted = !world.service.deleted.is_empty();
            killed += usize::from(deleted);
            let begun = world.unix;
            let report = if world.disk.is_some() {
                world.resume(SyncRun::new().delete_failed(true), Kill::Never).unwrap().unwrap()
            } else {
                world.run(job()).unwrap()
            };
            check_truth(&report, &world);
            check_no_second_copy(&world);
            assert!(world.unix - begun < 200_000, "{number}: {}", world.unix - begun);
            let fails = world.service.fates.contains_key(FAR);
            let expected = if fails { Outcome::Failed } else { Outcome::Copied };
            assert_eq!(outcomes(&report)[1], (FAR, expected), "{number}: {report:?}");
            assert_eq!(world.service.deleted.len(), 1, "{number}");
            if deleted && world.service.count("DeleteImages") == 1 {
                let notes = &report.destinations[1].notes;
                let is_told = notes.iter().any(|note| note.contains("was deleted"));
                assert!(is_told || report.destinations[1].error.is_none(), "{number}: {report:?}");
            }
        }
        assert!(killed > 0, "no process was killed after the deletion");
    }
}

#[test]
fn each_fault_of_a_deletion() {
    let faults = [
        Fault::Error("InternalError"),
        Fault::BadGateway,
        Fault::NotSent,
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::Truncated,
        Fault::Replaced("InternalError"),
        Fault::Replaced(""),
        Fault::Held(20_000),
    ];
    for fault in faults {
        for times in [1, 2] {
            for service in [left as fn() -> Service, failing] {
                let mut world = World::new(service().faulty(fault, "DeleteImages", FAR, times));
                let report = world.run(job()).unwrap();
                check_truth(&report, &world);
                check_no_second_copy(&world);
                let fails = world.service.fates.contains_key(FAR);
                let expected = if fails { Outcome::Failed } else { Outcome::Copied };
                assert_eq!(outcomes(&report)[1], (FAR, expected), "{fault:?}: {report:?}");
                assert_eq!(world.service.deleted.len(), 1, "{fault:?}: {report:?}");
            }
        }
    }
}

/// An answer that leaves the image out does not mean that it was deleted.
#[test]
fn a_failed_copy_that_a_list_leaves_out_was_not_deleted_for_it() {
    let mut state = (0, 0);
    let mut service = failing();
    service.fault = Box::new(move |action, region| {
        if action == "DeleteImages" {
            state.0 += 1;
            return (state.0 == 1).then_some(Fault::DropBefore);
        }
        if state.0 == 1 && action == "DescribeImages" && region == FAR {
            state.1 += 1;
            return (state.1 == 1).then_some(Fault::IdsLeftOut);
        }
        None
    });
    let mut world = World::new(service);
    let report = world.run(job()).unwrap();
    check_truth(&report, &world);
    assert_eq!(report.destinations[1].outcome, Outcome::Failed);
    assert_eq!(world.service.deleted.len(), 1, "{report:?}");
    assert!(world.service.images[FAR].is_empty());
}

#[test]
fn a_run_that_is_not_to_delete_leaves_what_an_earlier_one_was_about_to_delete() {
    let mut world = World::new(left().faulty(Fault::DropBefore, "DeleteImages", FAR, 1));
    for number in 1..20 {
        world = World::new(left().faulty(Fault::DropBefore, "DeleteImages", FAR, 1));
        world.process(&job(), Kill::During(number));
        if world.service.count("DeleteImages") == 1 {
            break;
        }
    }
    assert_eq!(world.service.count("DeleteImages"), 1);
    let plain = ImageSync::new(SOURCE).to([NEAR, FAR]);
    let report = world.run(plain).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Conflict)], "{report:?}");
    check_truth(&report, &world);
    assert_eq!(world.service.count("DeleteImages"), 1);
    let report = world.run(job()).unwrap();
    assert!(report.is_complete(), "{report:?}");
}

#[test]
fn a_resumed_job_deletes_nothing_where_it_had_ended() {
    let mut world = World::new(failing());
    let plain = ImageSync::new(SOURCE).to([NEAR, FAR]);
    assert_eq!(world.run(plain).unwrap().destinations[1].outcome, Outcome::Failed);
    let run = SyncRun::new().delete_failed(true).timeout(Duration::from_secs(600));
    let report = world.resume(run, Kill::Never).unwrap().unwrap();
    check_truth(&report, &world);
    assert_eq!(world.service.count("DeleteImages"), 0);
    assert!(!report.is_complete());
}
