//! What the job finds before it starts anything, and what it makes of it.

use std::time::Duration;

use cvm_proto::{ErrorKind, ImageSync, OnConflict, Outcome, SyncProgress};

use super::service::{HOME, Image, Service};
use super::world::{World, check_no_second_copy, check_truth, outcomes};

const SOURCE: &str = "img-source01";

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to(["ap-guangzhou", "ap-beijing"])
}

/// An image that is as a copy would be, but in this state.
fn copy(id: &str, state: &'static str) -> Image {
    Image { state, created: "2019-01-01T00:00:00Z".into(), ..Image::new(id, "base") }
}

/// Runs the job against a service where this image is in `ap-beijing`.
fn with(image: Image, job: ImageSync) -> (World, cvm_proto::SyncReport) {
    let mut world = World::new(Service::default().add("ap-beijing", image));
    let report = world.run(job).unwrap();
    check_truth(&report, &world);
    (world, report)
}

#[test]
fn a_copy_that_is_there_is_enough() {
    let (world, report) = with(copy("img-before01", "NORMAL"), job());
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Present)]);
    assert!(report.is_complete());
    assert_eq!(report.destinations[1].image_id.as_deref(), Some("img-before01"));
    assert_eq!(world.service.accepted, [["ap-guangzhou"]], "nothing is started where a copy is");

    let mut world = World::new(Service::default());
    assert!(world.run(job()).unwrap().is_complete());
    world.disk = None;
    let report = world.run(job()).unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Present), ("ap-beijing", Outcome::Present)]);
    assert_eq!(world.service.accepted.len(), 1, "the second time there is nothing to do");
}

#[test]
fn a_copy_on_its_way_is_waited_for_and_not_started_again() {
    let mut world = World::new(Service::default());
    let started = world.run(job().wait(false)).unwrap();
    assert_eq!(outcomes(&started), [("ap-guangzhou", Outcome::Started), ("ap-beijing", Outcome::Started)]);
    world.disk = None;
    let report = world.run(job().to(["ap-chengdu"])).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.destinations[0].image_id, started.destinations[0].image_id);
    assert_eq!(world.service.accepted, [vec!["ap-guangzhou", "ap-beijing"], vec!["ap-chengdu"]]);
    let adopted = world.events.iter().filter(|event| matches!(event, SyncProgress::Adopted { .. }));
    assert_eq!(adopted.count(), 2);
    // The service takes one request a source at a time; the job waits and is not refused.
    assert!(world.events.iter().any(|event| matches!(event, SyncProgress::Busy { .. })));
    assert_eq!(world.service.count("SyncImages"), 2);
    check_no_second_copy(&world);
}

#[test]
fn another_image_of_the_name_is_a_conflict_and_stays() {
    let cases = [
        (Image { os: "CentOS 7.6 64bit", ..copy("img-other001", "NORMAL") }, "CentOS 7.6"),
        (Image { size: 20, ..copy("img-other001", "NORMAL") }, "20 GiB"),
        // A copy of what had the name before: no copy is older than its source.
        (
            Image { created: "2018-11-30T00:00:00Z".into(), ..copy("img-other001", "NORMAL") },
            "before the source",
        ),
    ];
    for (image, part) in cases {
        let (world, report) = with(image.clone(), job());
        assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Conflict)]);
        let error = report.destinations[1].error.as_ref().unwrap().to_string();
        assert!(error.contains(part) && error.contains("img-other001"), "{error}");
        assert!(!report.is_complete());
        assert_eq!(world.service.images["ap-beijing"].len(), 1, "nothing is added, nothing taken away");
        let (_, report) = with(image, job().on_conflict(OnConflict::Skip));
        assert_eq!(report.destinations[1].outcome, Outcome::Skipped);
        assert!(report.is_complete());
    }
}

#[test]
fn a_name_that_only_contains_the_name_is_another_name() {
    let other = Image { os: "CentOS 7.6 64bit", name: "base-2".into(), ..copy("img-other001", "NORMAL") };
    assert!(with(other, job()).1.is_complete());
    let shared = Image { os: "CentOS 7.6 64bit", kind: "SHARED_IMAGE", ..copy("img-other001", "NORMAL") };
    assert!(with(shared, job()).1.is_complete(), "names of other accounts' images are their own");
}

#[test]
fn every_page_is_read() {
    let mut service = Service::default();
    for number in 0..250 {
        let image = Image { name: format!("base-{number}"), ..copy(&format!("img-{number:08}"), "NORMAL") };
        service = service.add("ap-beijing", image);
    }
    let mut world = World::new(service.add("ap-beijing", copy("img-before01", "NORMAL")));
    let report = world.run(job()).unwrap();
    assert_eq!(report.destinations[1].image_id.as_deref(), Some("img-before01"));
}

#[test]
fn no_quota_is_found_out_without_a_request_for_copies() {
    let mut service = Service::default().add("ap-beijing", Image::new("img-other001", "something"));
    service.quotas.insert("ap-beijing", 1);
    let mut world = World::new(service);
    let report = world.run(job()).unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Failed)]);
    assert_eq!(report.destinations[1].error.as_ref().unwrap().kind(), ErrorKind::Quota);
    assert_eq!(world.service.count("SyncImages"), 1);
}

#[test]
fn several_images_go_side_by_side_each_in_one_request() {
    let mut world = World::new(Service::default());
    let job = ImageSync::of([SOURCE, "img-source02", "img-source03"]).to([
        "ap-guangzhou",
        "ap-beijing",
        "ap-tokyo",
    ]);
    let begun = world.unix;
    let report = world.run(job).unwrap();
    assert!(report.is_complete());
    assert_eq!(report.destinations.len(), 9);
    assert_eq!(report.of("img-source02").count(), 3);
    assert_eq!(world.service.accepted.len(), 3);
    assert!(world.unix - begun < 90_000, "three minutes of copying take one and a bit");
    check_no_second_copy(&world);
}

#[test]
fn an_image_that_cannot_be_copied_stops_no_other() {
    let mut world = World::new(Service::default());
    let report = world.run(ImageSync::of(["img-nowhere1", SOURCE]).to(["ap-beijing"])).unwrap();
    assert_eq!(outcomes(&report), [("ap-beijing", Outcome::Failed), ("ap-beijing", Outcome::Copied)]);
    assert!(report.destinations[0].error.as_ref().unwrap().is_not_found());
}

#[test]
fn a_source_that_is_being_copied_is_waited_for() {
    let mut world = World::new(Service::default());
    world.run(job().wait(false)).unwrap();
    world.disk = None;
    let begun = world.unix;
    let report = world.run(ImageSync::new(SOURCE).to(["ap-tokyo"])).unwrap();
    assert!(report.is_complete());
    assert!(world.unix - begun > 115_000, "first the one copy and then the other");
    assert_eq!(world.service.count("SyncImages"), 2, "the service refused nothing");
}

#[test]
fn what_cannot_be_right_starts_nothing() {
    fn check(change: impl FnOnce(&mut Image), job: ImageSync, kind: ErrorKind, part: &str) {
        let mut world = World::new(Service::default());
        change(world.service.source());
        let error = world.run(job).unwrap_err();
        assert_eq!((error.kind(), world.service.count("SyncImages")), (kind, 0), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let to = |regions: &[&str]| ImageSync::new(SOURCE).to(regions.iter().copied());
    let wrong = |job, kind, part| check(|_| (), job, kind, part);
    wrong(to(&[]), ErrorKind::Parameter, "no destination region");
    wrong(ImageSync::of([""; 0]).to(["ap-beijing"]), ErrorKind::Parameter, "no image");
    wrong(to(&[HOME]), ErrorKind::Parameter, "the only destination is ap-shanghai");
    wrong(to(&["ap-shanghai-fsi"]), ErrorKind::Parameter, "finance regions are isolated");
    wrong(to(&["AP Beijing"]), ErrorKind::Config, "region `AP Beijing`");
    wrong(to(&["ap-beijing"]).name("x".repeat(61)), ErrorKind::Parameter, "ImageName has 61 characters");
    wrong(to(&["ap-beijing"]).name(""), ErrorKind::Parameter, "name of the copies is empty");
    wrong(ImageSync::of(["a", "b"]).to(["ap-beijing"]).name("x"), ErrorKind::Parameter, "several images");
    wrong(to(&["ap-beijing"]).encrypt(true), ErrorKind::Parameter, "stays in the image's own region");
    wrong(to(&[HOME]).encrypt(true), ErrorKind::Parameter, "give the copy another one");
    wrong(to(&["ap-beijing"]).kms_key_id("k"), ErrorKind::Parameter, "KMS key");
    wrong(to(&["ap-beijing"]).max_size(-1), ErrorKind::Parameter, "size limit (max_size) is -1 GiB");
    wrong(to(&["ap-beijing"]).max_size(40), ErrorKind::Parameter, "50 GiB, more than the 40");
    wrong(
        ImageSync::new("img-nowhere1").to(["ap-beijing"]),
        ErrorKind::NotFound,
        "img-nowhere1 is not in ap-shanghai",
    );
    check(|source| source.state = "CREATING", job(), ErrorKind::State, "CREATING");
    check(|source| source.kind = "PUBLIC_IMAGE", job(), ErrorKind::Parameter, "public");
    check(|source| source.kind = "SHARED_IMAGE", job(), ErrorKind::Parameter, "copy it to ap-shanghai first");
    check(|source| source.name.clear(), job(), ErrorKind::Parameter, "no name");
}

#[test]
fn a_service_that_cannot_be_reached_is_given_up() {
    use super::service::Fault;
    for (action, region) in [("DescribeImages", HOME), ("DescribeImages", "ap-beijing")] {
        let mut world = World::new(Service::default().faulty(Fault::NotSent, action, region, u32::MAX));
        let begun = world.unix;
        let outcome = world.run(job());
        assert!(world.unix - begun < 200_000, "not the whole hour");
        if region == HOME {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Network);
        } else {
            let report = outcome.unwrap();
            assert_eq!(
                outcomes(&report),
                [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Failed)]
            );
        }
    }
}

#[test]
fn a_failed_copy_that_holds_the_name_is_a_conflict_until_it_is_deleted() {
    let left = |name: &str| Image { name: name.into(), ..copy("img-left0001", "CREATEFAILED") };
    for (name, job) in [("base", job()), ("golden", job().name("golden"))] {
        for on_conflict in [OnConflict::Fail, OnConflict::Skip] {
            let (world, report) = with(left(name), job.clone().on_conflict(on_conflict));
            assert_eq!(
                report.destinations[1].outcome,
                Outcome::Conflict,
                "a failed copy is nothing to skip for"
            );
            let error = report.destinations[1].error.as_ref().unwrap().to_string();
            assert!(error.contains("delete_failed") && error.contains("another name"), "{error}");
            assert_eq!(world.service.images["ap-beijing"].len(), 1);
        }
        let (world, report) = with(left(name), job.clone().delete_failed(true).dry_run(true));
        assert_eq!(report.destinations[1].outcome, Outcome::Planned);
        assert!(
            report.destinations[1].notes[0].contains("img-left0001, which has the name, would be deleted")
        );
        assert_eq!(world.service.images["ap-beijing"].len(), 1);
        let (world, report) = with(left(name), job.delete_failed(true));
        assert!(report.is_complete(), "{report:?}");
        let note = &report.destinations[1].notes[0];
        assert_eq!(note, "the failed image img-left0001, which had the name, was deleted");
        assert_eq!(world.service.images["ap-beijing"].len(), 1, "the copy, without the remains");
    }
}

#[test]
fn the_time_bounds_every_wait() {
    let mut world = World::new(Service::default());
    world.service.source().state = "SYNCING";
    let begun = world.unix;
    let report = world.run(job().timeout(Duration::from_secs(300))).unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::TimedOut), ("ap-beijing", Outcome::TimedOut)]);
    assert!((299_000..301_000).contains(&(world.unix - begun)));
    assert!(report.destinations.iter().all(|destination| destination.image_id.is_none()));
}
