//! Whose account it is: proven by what is seen, before anything is written or started.

use std::time::Duration;

use cvm_proto::{ErrorKind, ImageSync, Outcome, SyncRun};

use super::service::{Fault, HOME, Image, Service};
use super::world::{Kill, World, check_no_second_copy, check_truth, outcomes};

const SOURCE: &str = "img-source01";
const NEAR: &str = "ap-guangzhou";
const FAR: &str = "ap-beijing";

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to([NEAR, FAR])
}

fn service() -> Service {
    let mut service = Service::default();
    service.accounts.insert("AKIDother", "2000");
    service
}

#[test]
fn another_account_is_refused_in_one_sentence_and_touches_nothing() {
    for kill in [Kill::During(8), Kill::During(12), Kill::Never] {
        for resumes in [true, false] {
            let mut world = World::new(service());
            world.process(&job(), kill);
            let (disk, asked) = (world.disk.clone(), world.service.log.len());
            world.key = "AKIDother";
            let begun = world.unix;
            let ended = if resumes {
                world.resume(SyncRun::new(), Kill::Never)
            } else {
                world.process(&job(), Kill::Never)
            };
            let error = ended.unwrap().unwrap_err();
            assert_eq!(world.disk, disk, "nothing is written down");
            assert!(world.unix - begun < 10_000, "{}", world.unix - begun);
            let reads = ["DescribeImages", "GetCallerIdentity"];
            let asked = &world.service.log[asked..];
            assert!(asked.iter().all(|(action, _)| reads.contains(&action.as_str())), "{asked:?}");
            assert_eq!(error.kind(), ErrorKind::NotFound);
            let text = error.to_string();
            if matches!(kill, Kill::During(8)) && text.contains("check the id") {
                continue; // It has just begun: nothing more is known.
            }
            for part in
                ["nothing of this job is visible", "account 2000", "deleted", "policy", "kept as it was"]
            {
                assert!(text.contains(part), "{text}");
            }
            // Whoever it belongs to goes on where it was.
            world.key = "AKIDexample";
            let report = world.run(job()).unwrap();
            assert!(report.is_complete(), "{report:?}");
            check_truth(&report, &world);
            check_no_second_copy(&world);
            assert_eq!(world.service.accepted.len(), 1);
        }
    }
}

#[test]
fn a_rotated_key_of_the_account_is_no_difference() {
    let mut world = World::new(service());
    assert!(world.process(&job(), Kill::During(12)).is_none());
    world.key = "AKIDrotated";
    let report = world.run(job()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    check_truth(&report, &world);
    assert_eq!((world.service.accepted.len(), world.service.count("GetCallerIdentity")), (1, 0));
}

#[test]
fn a_copy_that_is_known_proves_the_account_where_the_source_is_gone() {
    let mut world = World::new(service());
    assert!(world.process(&job(), Kill::During(12)).is_none());
    world.service.remove(HOME, SOURCE);
    let report = world.run(job()).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Copied)]);
    check_truth(&report, &world);
}

#[test]
fn a_source_that_is_missing_ends_its_own_regions_alone() {
    let mut world = World::new(service());
    let both = || ImageSync::of([SOURCE, "img-source02"]).to([NEAR, FAR]);
    assert!(world.process(&both(), Kill::During(20)).is_none());
    let copies = |world: &World, source: &str| world.service.copies(source, FAR).len();
    assert_eq!((copies(&world, SOURCE), copies(&world, "img-source02")), (1, 1));
    world.service.remove(HOME, "img-source02");
    let report = world.run(both()).unwrap();
    assert!(report.of(SOURCE).all(|of| of.outcome == Outcome::Copied), "{report:?}");
    // What was started is found all the same.
    assert!(report.of("img-source02").all(|of| of.outcome == Outcome::Copied), "{report:?}");
    check_truth(&report, &world);

    let mut world = World::new(service());
    world.service.remove(HOME, "img-source02");
    let report = world.run(both()).unwrap();
    assert!(report.of(SOURCE).all(|of| of.outcome == Outcome::Copied), "{report:?}");
    for of in report.of("img-source02") {
        assert_eq!(of.outcome, Outcome::Failed);
        assert!(of.error.as_ref().unwrap().to_string().contains("img-source02 is not in ap-shanghai"));
    }
    check_truth(&report, &world);
}

/// A request was lost, the copy hides, and the source is deleted: nobody may say that there is no copy.
#[test]
fn a_copy_that_may_be_there_is_looked_for_although_its_source_is_gone() {
    for (fault, copies) in [(Fault::DropAfter, 1), (Fault::DropBefore, 0)] {
        let hidden = Service { hidden_millis: 90_000, ..service() };
        let mut world = World::new(hidden.faulty(fault, "SyncImages", HOME, 2));
        let both = || ImageSync::of([SOURCE, "img-source02"]).to([FAR]).settle(Duration::from_secs(10));
        let long = if copies == 1 { 60 } else { 5 };
        world.run(both().timeout(Duration::from_secs(long))).unwrap();
        world.service.remove(HOME, SOURCE);
        let begun = world.unix;
        let report = world.run(both()).unwrap();
        assert_eq!(report.destinations[0].outcome, Outcome::Unknown, "{fault:?}: {report:?}");
        let error = report.destinations[0].error.as_ref().unwrap().to_string();
        assert!(error.contains("look before") && error.contains("img-source01 is not in"), "{error}");
        assert!(world.unix - begun < 100_000, "{}", world.unix - begun);
        check_truth(&report, &world);
        world.unix += 100_000;
        let report = world.run(both()).unwrap();
        let expected = if copies == 1 { Outcome::Copied } else { Outcome::Unknown };
        assert_eq!(report.destinations[0].outcome, expected, "{fault:?}: {report:?}");
        assert_eq!(world.service.copies(SOURCE, FAR).len(), copies);
        check_truth(&report, &world);
        check_no_second_copy(&world);
    }
}

#[test]
fn a_shared_source_that_another_account_sees_as_well_proves_nothing() {
    let mut world = World::new(service());
    world.service.source().kind = "SHARED_IMAGE";
    let home = || ImageSync::new(SOURCE).to([HOME]);
    assert!(world.process(&home(), Kill::During(9)).is_none());
    assert_eq!(world.service.accepted.len(), 1);
    let disk = world.disk.clone();
    world.key = "AKIDother";
    let error = world.process(&home(), Kill::Never).unwrap().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("account 1000") && text.contains("account 2000"), "{text}");
    assert_eq!(world.disk, disk);
    world.key = "AKIDexample";
    let report = world.run(home()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    check_no_second_copy(&world);
}

/// It has the name, and is another's: whoever sees it need not be of the account that the job is for.
#[test]
fn an_image_that_others_share_does_not_prove_the_account() {
    let shared = Image { kind: "SHARED_IMAGE", account: "3000", ..Image::new("img-shared01", "base") };
    let mut world = World::new(Service { guard_minds_others: true, ..service() }.add(FAR, shared));
    let report = world.run(ImageSync::new(SOURCE).to([FAR])).unwrap();
    assert_eq!(outcomes(&report), [(FAR, Outcome::Conflict)]);
    let disk = world.disk.clone();
    world.key = "AKIDother";
    let error = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap_err();
    assert!(error.to_string().contains("nothing of this job is visible"), "{error}");
    assert_eq!(world.disk, disk);
}

#[test]
fn who_may_not_ask_whose_key_it_is_is_not_refused_for_it() {
    for (action, kind) in [("UnauthorizedOperation", "SHARED_IMAGE"), ("InternalError", "SHARED_IMAGE")] {
        let faulty = service().faulty(Fault::Error(action), "GetCallerIdentity", "", u32::MAX);
        let mut world = World::new(faulty);
        world.service.source().kind = kind;
        let report = world.run(ImageSync::new(SOURCE).to([HOME])).unwrap();
        assert!(report.is_complete(), "{report:?}");
    }
}

#[test]
fn a_run_that_is_over_before_the_account_is_proven_leaves_the_job_as_it_was() {
    let mut world = World::new(service());
    assert!(world.process(&job(), Kill::During(12)).is_none());
    let disk = world.disk.clone();
    world.service = std::mem::take(&mut world.service).faulty(Fault::NotSent, "DescribeImages", "", u32::MAX);
    let report = world.resume(SyncRun::new().timeout(Duration::from_secs(20)), Kill::Never).unwrap().unwrap();
    assert_eq!(world.disk, disk);
    for of in &report.destinations {
        assert_eq!(of.outcome, Outcome::TimedOut);
        let error = of.error.as_ref().unwrap().to_string();
        assert!(error.contains("connection refused"), "the network's last error: {error}");
    }
    let error = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert_eq!(world.disk, disk);
}
