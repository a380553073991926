//! The regions of a job: each is looked at before anything is started, and the source's own is passed over.

use std::time::Duration;

use cvm_proto::{Error, ErrorKind, ImageSync, Outcome, SyncProgress, SyncRun};

use super::service::{Fault, HOME, Image, Service};
use super::world::{Kill, World, check_no_second_copy, check_truth, outcomes};

const SOURCE: &str = "img-source01";

fn to(regions: &[&str]) -> ImageSync {
    ImageSync::new(SOURCE).to(regions.iter().copied())
}

fn job() -> ImageSync {
    to(&["ap-guangzhou", "ap-beijing"])
}

/// The job ends with this sentence, and nothing of it has happened.
fn nothing_happens(world: &mut World, job: ImageSync) -> Error {
    let before = (world.disk.clone(), world.service.made);
    let error = world.run(job).unwrap_err();
    for action in ["SyncImages", "DeleteImages", "ModifyImageAttribute"] {
        assert_eq!(world.service.count(action), 0, "{error}");
    }
    assert_eq!((world.disk.clone(), world.service.made), before, "the journal is as it was: {error}");
    error
}

#[test]
fn a_region_that_the_service_does_not_know_ends_the_job_before_anything_is_started() {
    let mut world = World::new(Service::default());
    let error = nothing_happens(&mut world, to(&["ap-guangzhou", "ap-beijng", "ap-tokyo"]));
    assert_eq!(
        error.to_string(),
        "InvalidParameterValue: nothing was started, since the service knows no region `ap-beijng`: did you mean \
         `ap-beijing`? (request id r-no)"
    );
    assert_eq!(world.service.count("DescribeRegions"), 1);
    // Where it is mended, the job begins.
    assert!(world.run(to(&["ap-guangzhou", "ap-beijing", "ap-tokyo"])).unwrap().is_complete());
    assert_eq!(
        world.service.count("DescribeRegions"),
        1,
        "the list is asked for only where a region is refused"
    );
}

#[test]
fn whatever_is_wrong_with_a_region_is_said_with_the_name_that_is_close() {
    let unserved = [("ap-mumbai", false), ("ap-taipei", true), ("ap-chengdu-fsi", true)];
    for (from, region, parts) in [
        (HOME, "ap-gaungzhou", "knows no region `ap-gaungzhou`: did you mean `ap-guangzhou`?"),
        (HOME, "guangzhou", "knows no region `guangzhou`: did you mean `ap-guangzhou`?"),
        (HOME, "tokyo", "knows no region `tokyo`: did you mean `ap-tokyo`?"),
        (HOME, "cn-beijing", "knows no region `cn-beijing`: did you mean `ap-beijing`?"),
        (HOME, "ap-chengdu-1", "knows no region `ap-chengdu-1`: did you mean `ap-chengdu`?"),
        (HOME, "atlantis", "knows no region `atlantis`: DescribeRegions lists the regions"),
        // What is near cannot be used, or lies beyond the border.
        (HOME, "ap-mumbay", "knows no region `ap-mumbay`: DescribeRegions lists the regions"),
        (HOME, "ap-mumbai", "does not serve the region `ap-mumbai`: leave it out"),
        (HOME, "ap-taipei", "does not serve the region `ap-taipei`: leave it out"),
        // The source region is one of them.
        ("ap-shangai", "ap-beijing", "knows no region `ap-shangai`: did you mean `ap-shanghai`?"),
        ("ap-mumbai", "ap-beijing", "does not serve the region `ap-mumbai`: leave it out"),
    ] {
        for dry_run in [false, true] {
            let mut world = World::new(Service::default());
            world.service.unserved.extend(unserved);
            let job = to(&["ap-hongkong", region, "ap-tokyo"]).from(from);
            let error =
                if dry_run { world.dry_run(job).unwrap_err() } else { nothing_happens(&mut world, job) };
            assert!(error.to_string().contains(parts), "{region}: {error}");
            assert_eq!(world.service.count("SyncImages"), 0, "not as a dry run either");
        }
    }
}

#[test]
fn a_list_of_regions_that_cannot_be_read_keeps_silent() {
    for fault in [
        Fault::NotSent,
        Fault::Error("UnauthorizedOperation"),
        Fault::Error("InternalError"),
        Fault::Truncated,
    ] {
        let service = Service::default().faulty(fault, "DescribeRegions", "", u32::MAX);
        let mut world = World::new(service);
        let error = nothing_happens(&mut world, to(&["ap-beijing", "ap-beijng"])).to_string();
        assert!(error.contains("knows no region `ap-beijng`: check its name"), "{error}");
        assert!(!world.events.iter().any(|event| matches!(event, SyncProgress::Trouble { .. })), "{fault:?}");
    }
}

#[test]
fn nothing_is_deleted_or_changed_before_every_region_has_been_looked_at() {
    let left = Image {
        state: "CREATEFAILED",
        created: "2019-01-01T00:00:00Z".into(),
        ..Image::new("img-left0001", "base")
    };
    let there = Image { id: "img-there001".into(), state: "NORMAL", ..left.clone() };
    let mut world = World::new(Service::default().add("ap-beijing", left).add("ap-guangzhou", there));
    world.service.source().description = "Base system".into();
    let job = to(&["ap-beijing", "ap-guangzhou", "ap-atlantis"]).delete_failed(true).same_attributes(true);
    nothing_happens(&mut world, job);
}

#[test]
fn the_journal_of_another_run_is_as_it_was() {
    // A job that has ended, and one that nothing was started for.
    let mut world = World::new(Service::default());
    assert!(world.run(job()).unwrap().is_complete());
    world.service.images.remove("ap-beijing");
    let before = world.disk.clone();
    let made = world.service.count("SyncImages");
    let error = world.run(job()).unwrap_err();
    assert!(error.to_string().contains("`ap-beijing`"), "{error}");
    assert_eq!((world.disk.clone(), world.service.count("SyncImages")), (before, made));
    let report = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap();
    assert_eq!(outcomes(&report)[0], ("ap-guangzhou", Outcome::Copied), "it has not forgotten what it made");

    let mut world = World::new(Service::default());
    world.service.source().state = "SYNCING";
    world.run(job().timeout(Duration::from_secs(60))).unwrap();
    assert!(world.disk.is_some() && world.service.accepted.is_empty());
    world.service.images.remove("ap-beijing");
    nothing_happens(&mut world, job());
}

#[test]
fn a_job_that_has_started_something_goes_on_without_a_region_that_is_refused() {
    let mut world = World::new(Service::default());
    world.run(job().wait(false)).unwrap();
    world.service.unserved.insert("ap-beijing", false);
    for _ in 0..2 {
        let report = world.run(job().timeout(Duration::from_secs(300))).unwrap();
        assert_eq!(outcomes(&report)[0], ("ap-guangzhou", Outcome::Copied));
        let error = report.destinations[1].error.as_ref().unwrap().to_string();
        assert!(error.contains("UnsupportedRegion"), "{error}");
    }
    assert_eq!(world.service.accepted.len(), 1);
}

#[test]
fn a_region_that_is_listed_is_not_called_unknown_whatever_it_refuses() {
    let fault = Fault::Error("InvalidParameterValue");
    let mut world = World::new(Service::default().faulty(fault, "DescribeImages", "ap-beijing", u32::MAX));
    let report = world.run(job()).unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Failed)]);
}

#[test]
fn a_region_that_is_not_listed_is_used_if_the_service_takes_it() {
    let mut world = World::new(Service::default());
    world.service.images.insert("ap-new".into(), Vec::new());
    world.service.fault = Box::new(|action, _| {
        assert_ne!(action, "DescribeRegions", "nothing is refused");
        None
    });
    assert!(world.run(to(&["ap-new", "ap-tokyo"])).unwrap().is_complete());
}

#[test]
fn every_region_is_looked_at_before_the_first_copy_also_for_several_images() {
    let mut world = World::new(Service::default());
    let job = ImageSync::of([SOURCE, "img-source02", "img-source03"]);
    let regions = ["ap-guangzhou", "ap-beijing", "ap-tokyo"];
    assert!(world.run(job.to(regions)).unwrap().is_complete());
    let first = world.service.log.iter().position(|(action, _)| action == "SyncImages").unwrap();
    for region in regions {
        let look = ("DescribeImages".to_owned(), region.to_owned());
        assert!(world.service.log[..first].contains(&look), "{region}");
    }
    let mut world = World::new(Service::default());
    let job = ImageSync::of([SOURCE, "img-source02", "img-source03"]);
    nothing_happens(&mut world, job.to(["ap-guangzhou", "ap-tokyo", "ap-atlantis"]));
}

#[test]
fn a_region_that_cannot_be_reached_holds_the_others_up_for_no_more_than_a_minute() {
    let service = Service::default().faulty(Fault::NotSent, "DescribeImages", "ap-beijing", u32::MAX);
    let mut world = World::new(service);
    let begun = world.unix;
    let report = world.run(job()).unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Failed)]);
    check_truth(&report, &world);
    // A minute of patience, a minute of copying.
    assert!(world.unix - begun < 160_000, "{} ms", world.unix - begun);
}

#[test]
fn the_sources_own_region_is_passed_over_among_others() {
    for regions in [&["ap-beijing", HOME, "ap-tokyo"][..], &[HOME, "ap-beijing"]] {
        let mut world = World::new(Service::default());
        let report = world.run(to(regions)).unwrap();
        check_truth(&report, &world);
        assert!(report.is_complete() && report.failures().next().is_none(), "{report:?}");
        for (region, outcome) in outcomes(&report) {
            assert_eq!(outcome, if region == HOME { Outcome::Skipped } else { Outcome::Copied });
        }
        let home = report.destinations.iter().find(|of| of.region == HOME).unwrap();
        assert_eq!(home.image_id.as_deref(), Some(SOURCE), "what is there");
        assert_eq!(home.notes, ["ap-shanghai is the region that the image is in: it was passed over"]);
        assert!(home.error.is_none());
        assert!(!world.service.accepted.iter().flatten().any(|region| region == HOME));
        // It belongs to the job all the same.
        assert!(world.state().is_finished());
        assert_eq!(world.state().regions(), regions);
        // Looked at again, begun again, and as a dry run.
        let again = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap();
        let (begun, dry) = (world.run(to(regions)).unwrap(), world.dry_run(to(regions)).unwrap());
        for report in [again, begun, dry] {
            assert!(report.is_complete(), "{report:?}");
            let home = report.destinations.iter().find(|of| of.region == HOME).unwrap();
            assert_eq!((home.outcome, home.notes.len()), (Outcome::Skipped, 1), "{report:?}");
        }
        check_no_second_copy(&world);
    }
}

#[test]
fn a_job_that_goes_nowhere_else_is_a_mistake() {
    for job in [to(&[HOME]), ImageSync::of([SOURCE, "img-source02"]).to([HOME]), to(&[HOME, " ap-shanghai"])]
    {
        let mut world = World::new(Service::default());
        let error = nothing_happens(&mut world, job);
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert_eq!(
            error.to_string(),
            "the only destination is ap-shanghai, where the images are already: name another region"
        );
        assert!(
            world.events.iter().all(|event| matches!(event, SyncProgress::Found { .. })),
            "{:?}",
            world.events
        );
    }
}

#[test]
fn the_sources_own_region_tells_jobs_apart() {
    let mut world = World::new(Service::default());
    world.run(to(&["ap-beijing", HOME]).wait(false)).unwrap();
    let error = world.run(to(&["ap-beijing"])).unwrap_err();
    assert!(
        error.to_string().contains("its list of destinations (to) is ap-beijing,ap-shanghai, not ap-beijing"),
        "{error}"
    );
    assert!(world.run(to(&[HOME, "ap-beijing"])).unwrap().is_complete());
}

#[test]
fn the_own_region_of_a_source_that_is_gone_is_not_called_good() {
    let mut world = World::new(Service::default());
    let job = || ImageSync::of([SOURCE, "img-source02"]).to(["ap-beijing", HOME]);
    assert!(world.run(job()).unwrap().is_complete());
    world.service.remove(HOME, SOURCE);
    let report = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap();
    assert_eq!(
        outcomes(&report),
        [
            ("ap-beijing", Outcome::Copied),
            (HOME, Outcome::Failed),
            ("ap-beijing", Outcome::Copied),
            (HOME, Outcome::Skipped)
        ]
    );
    assert!(report.destinations[1].error.as_ref().unwrap().is_not_found());
}

#[test]
fn the_own_region_of_a_shared_image_is_its_destination_and_no_other_is() {
    let mut world = World::new(Service::default());
    world.service.source().kind = "SHARED_IMAGE";
    let report = world.run(to(&["ap-beijing", HOME])).unwrap();
    assert_eq!(outcomes(&report), [("ap-beijing", Outcome::Failed), (HOME, Outcome::Copied)]);
    let error = report.destinations[0].error.as_ref().unwrap();
    assert_eq!(error.kind(), ErrorKind::Parameter);
    assert!(error.to_string().contains("it is copied in ap-shanghai alone"), "{error}");
    assert_eq!(world.service.accepted, [[HOME]]);
    // Beside one of the account's own, each goes where it can.
    let mut world = World::new(Service::default());
    world.service.source().kind = "SHARED_IMAGE";
    let report = world.run(ImageSync::of([SOURCE, "img-source02"]).to([HOME])).unwrap();
    assert_eq!(outcomes(&report), [(HOME, Outcome::Copied), (HOME, Outcome::Skipped)]);
}

#[test]
fn an_encrypted_copy_goes_to_the_sources_own_region_and_to_no_other() {
    let mut world = World::new(Service::default());
    let error = nothing_happens(&mut world, to(&[HOME, "ap-beijing"]).encrypt(true).name("secret"));
    assert!(error.to_string().contains("name ap-shanghai and no other destination"), "{error}");
    let report = world.run(to(&[HOME]).encrypt(true).name("secret")).unwrap();
    assert_eq!(outcomes(&report), [(HOME, Outcome::Copied)]);
}

#[test]
fn names_of_regions_are_taken_without_what_surrounds_them() {
    for regions in [
        &["ap-guangzhou", " ap-beijing"][..],
        &["ap-guangzhou", "ap-beijing", ""],
        &["\u{feff}ap-guangzhou ", "\tap-beijing\r\n", "  "],
        &["", "ap-guangzhou", "ap-beijing", "ap-guangzhou "],
        &["ap-guangzhou\u{3000}", "ap-beijing"],
    ] {
        assert_eq!(to(regions).regions(), ["ap-guangzhou", "ap-beijing"]);
    }
    let mut world = World::new(Service::default());
    assert!(world.run(to(&["ap-beijing "]).from(" ap-shanghai")).unwrap().is_complete());
    let error = nothing_happens(&mut World::new(Service::default()), to(&[" ", ""]));
    assert!(error.to_string().contains("no destination region: name at least one"), "{error}");
}

#[test]
fn a_pattern_is_no_region() {
    for name in ["all", "ap-*", "ap-shangha?"] {
        let error = nothing_happens(&mut World::new(Service::default()), to(&["ap-beijing", name]));
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert!(
            error.to_string().contains(&format!("`{name}` is no region, and may stand for several")),
            "{error}"
        );
    }
}
