//! Copies that are not there any more, or only seem so.

use std::time::Duration;

use cvm_proto::{Basis, ImageSync, Outcome, SyncProgress, SyncRun};

use super::service::{Fault, HOME, Image, Service};
use super::world::{Kill, World, check_truth, outcomes};

const SOURCE: &str = "img-source01";
const NEAR: &str = "ap-guangzhou";
const FAR: &str = "ap-beijing";

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to([NEAR, FAR])
}

/// When the job said how a region ended.
fn ended_at(world: &World, region: &str) -> u64 {
    let of = world.events.iter().zip(&world.times).rev().find_map(|(event, at)| match event {
        SyncProgress::Ended(of) if of.region == region => Some(*at),
        _ => None,
    });
    of.unwrap()
}

#[test]
fn a_copy_that_somebody_deletes_is_gone_within_a_minute() {
    for after in [10, 100, 200, 400] {
        let mut world = World::new(Service { copy_millis: 500_000, ..Service::default() });
        let deleted = world.unix + after * 1000;
        world.service.somebody(deleted, |service| {
            service.remove(FAR, "img-copy0002");
            // It is the copy that has kept the source busy.
            service.source().outgoing.clear();
        });
        let report = world.run(job()).unwrap();
        assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Gone)], "{after}: {report:?}");
        check_truth(&report, &world);
        let took = ended_at(&world, FAR) - deleted;
        assert!(took < 60_000, "{took}");
        let error = report.destinations[1].error.as_ref().unwrap().to_string();
        assert!(
            error.contains("img-copy0002 is gone from ap-beijing") && error.contains("run the job again")
        );
        assert_eq!(world.service.accepted.len(), 1);
    }
}

#[test]
fn a_copy_that_is_deleted_while_nobody_waits_is_gone_when_the_job_is_resumed() {
    let mut world = World::new(Service::default());
    world.run(job().wait(false)).unwrap();
    world.unix += 310_000;
    world.service.remove(FAR, "img-copy0002");
    for wait in [true, false] {
        let (disk, begun) = (world.disk.clone(), world.unix);
        let run = SyncRun::new().timeout(Duration::from_secs(120)).wait(wait);
        let report = world.resume(run, Kill::Never).unwrap().unwrap();
        assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Gone)], "{report:?}");
        check_truth(&report, &world);
        assert!(world.unix - begun < 60_000, "{}", world.unix - begun);
        world.disk = disk;
    }
    // What is gone is asked for again, not repeated.
    world.resume(SyncRun::new(), Kill::Never);
    let report = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap();
    assert_eq!(report.destinations[1].outcome, Outcome::Gone, "{report:?}");
    let taken = Image { visible_from: u64::MAX, ..Image::new("img-hidden01", "base") };
    world.service = std::mem::take(&mut world.service).add(FAR, taken);
    let report = world.resume(SyncRun::new().timeout(Duration::from_secs(60)), Kill::Never).unwrap().unwrap();
    assert_eq!(report.destinations[1].outcome, Outcome::Unknown, "{report:?}");
    world.service.remove(FAR, "img-hidden01");
    // The whole call makes it again.
    let report = world.run(job()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(world.service.accepted, [vec![NEAR, FAR], vec![FAR]]);
}

#[test]
fn a_known_copy_that_shows_before_the_end_of_the_run_is_seen() {
    let mut world = World::new(Service::default());
    assert!(world.run(job()).unwrap().is_complete());
    let disk = world.disk.clone();
    for hides_for in (1..60).map(|n| 2 * n) {
        world.disk.clone_from(&disk);
        let shows = world.unix + hides_for * 1000;
        world.service.images.get_mut(FAR).unwrap()[0].visible_from = shows;
        let run = SyncRun::new().timeout(Duration::from_secs(120));
        let report = world.resume(run, Kill::Never).unwrap().unwrap();
        assert!(report.is_complete(), "{hides_for}: {report:?}");
        check_truth(&report, &world);
    }
}

#[test]
fn a_copy_is_not_gone_as_long_as_nobody_can_say_that_its_name_is_free() {
    type Cause = (&'static str, fn(&mut Service));
    let causes: [Cause; 4] = [
        ("a busy source", |service| service.source().state = "SYNCING"),
        ("a source that is deleted", |service| service.remove(HOME, SOURCE)),
        ("no right to ask", |service| {
            let faulty = std::mem::take(service);
            *service = faulty.faulty(Fault::Error("UnauthorizedOperation"), "SyncImages", "", u32::MAX);
        }),
        ("an error of the service", |service| {
            let faulty = std::mem::take(service);
            *service = faulty.faulty(Fault::Error("InternalError"), "SyncImages", "", u32::MAX);
        }),
    ];
    for (cause, change) in causes {
        let mut world = World::new(Service::default());
        world.run(job().wait(false)).unwrap();
        world.unix += 310_000;
        world.service.remove(FAR, "img-copy0002");
        change(&mut world.service);
        let begun = world.unix;
        let run = SyncRun::new().timeout(Duration::from_secs(200));
        let report = world.resume(run, Kill::Never).unwrap().unwrap();
        assert_eq!(report.destinations[1].outcome, Outcome::Unknown, "{cause}: {report:?}");
        check_truth(&report, &world);
        let error = report.destinations[1].error.as_ref().unwrap().to_string();
        assert!(error.contains("img-copy0002") && error.contains("not been seen"), "{cause}: {error}");
        assert!(
            (199_000..205_000).contains(&(world.unix - begun)),
            "it is asked again until the time is over"
        );
        // Who does not wait is told soon.
        let begun = world.unix;
        let report = world.resume(SyncRun::new().wait(false), Kill::Never).unwrap().unwrap();
        assert_eq!(report.destinations[1].outcome, Outcome::Unknown, "{cause}: {report:?}");
        assert!(world.unix - begun < 120_000, "{cause}: {}", world.unix - begun);
    }
}

#[test]
fn a_copy_that_lists_leave_out_now_and_then_is_not_gone() {
    // Every second answer, or three times in a row.
    for (period, missing) in [(2, 1), (10, 3), (12, 6)] {
        let mut looks = 0;
        let fault = move |action: &str, region: &str| {
            let is_look = action == "DescribeImages" && region == FAR;
            looks += u32::from(is_look);
            (is_look && looks > 6 && looks % period < missing).then_some(Fault::IdsLeftOut)
        };
        let service = Service { copy_millis: 300_000, fault: Box::new(fault), ..Service::default() };
        let mut world = World::new(service);
        let report = world.run(job()).unwrap();
        assert!(report.is_complete(), "{period}: {report:?}");
        check_truth(&report, &world);
    }
}

#[test]
fn another_image_that_took_the_place_of_a_copy_is_told_of() {
    let place = |image: Image| {
        let mut world = World::new(Service::default());
        world.run(job().wait(false)).unwrap();
        world.unix += 100_000;
        world.service.remove(FAR, "img-copy0002");
        world.service = std::mem::take(&mut world.service).add(FAR, image);
        let report = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap();
        check_truth(&report, &world);
        report.destinations[1].clone()
    };
    let created = || "2019-03-01T00:00:00Z".into();
    let fitting = place(Image { created: created(), ..Image::new("img-placed01", "base") });
    assert_eq!((fitting.outcome, fitting.basis), (Outcome::Present, Some(Basis::Found)));
    let other =
        place(Image { os: "CentOS 7.6 64bit", created: created(), ..Image::new("img-placed01", "base") });
    assert_eq!(other.outcome, Outcome::Conflict);
    assert!(other.error.unwrap().to_string().contains("img-placed01"));
}

#[test]
fn a_copy_that_is_renamed_is_still_the_copy() {
    let mut world = World::new(Service::default());
    world.service.somebody(world.unix + 20_000, |service| {
        service.images.get_mut(FAR).unwrap()[0].name = "mine".into();
    });
    let report = world.run(job()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.destinations[1].image.as_ref().unwrap().name, "mine");
    check_truth(&report, &world);
}

#[test]
fn a_copy_that_was_accepted_without_an_id_and_never_shows() {
    // It was deleted before anybody saw it.
    let mut world = World::new(Service { hides_ids: true, hidden_millis: 20_000, ..Service::default() });
    world.service.somebody(world.unix + 10_000, |service| {
        service.remove(FAR, "img-copy0002");
        service.source().outgoing.clear();
    });
    let begun = world.unix;
    let report = world.run(job()).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Gone)], "{report:?}");
    check_truth(&report, &world);
    assert!((300_000..360_000).contains(&(world.unix - begun)), "{}", world.unix - begun);
    // It hides, and has its name.
    let mut world =
        World::new(Service { hides_ids: true, hidden_millis: u64::MAX / 2, ..Service::default() });
    let report = world.run(job().timeout(Duration::from_secs(500))).unwrap();
    for of in &report.destinations {
        assert_eq!(of.outcome, Outcome::Unknown);
        let error = of.error.as_ref().unwrap().to_string();
        assert!(error.contains("was accepted"), "{error}");
    }
}

#[test]
fn a_young_copy_that_is_not_seen_is_not_called_gone() {
    let mut world =
        World::new(Service { hidden_millis: 280_000, copy_millis: 280_000, ..Service::default() });
    let report = world.run(job()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    check_truth(&report, &world);
    // Deleted before anybody saw it, it is gone once it is old enough.
    let mut world = World::new(Service { hidden_millis: 30_000, ..Service::default() });
    world.service.somebody(world.unix + 10_000, |service| service.remove(FAR, "img-copy0002"));
    let begun = world.unix;
    let report = world.run(job()).unwrap();
    assert_eq!(report.destinations[1].outcome, Outcome::Gone);
    assert!((300_000..360_000).contains(&(world.unix - begun)), "{}", world.unix - begun);
}

#[test]
fn the_report_says_what_each_copy_rests_on() {
    let cases: [(Service, Outcome, Basis); 3] = [
        (Service::default(), Outcome::Copied, Basis::Answered),
        (
            Service::default().faulty(Fault::DropAfter, "SyncImages", HOME, 1),
            Outcome::Copied,
            Basis::Appeared,
        ),
        (
            // Built in the destination itself, after the source.
            Service::default().add(
                FAR,
                Image { created: "2019-02-01T00:00:00Z".into(), ..Image::new("img-builtin1", "base") },
            ),
            Outcome::Present,
            Basis::Found,
        ),
    ];
    for (service, outcome, basis) in cases {
        let mut world = World::new(service);
        let report = world.run(job()).unwrap();
        check_truth(&report, &world);
        let of = &report.destinations[1];
        assert_eq!((of.outcome, of.basis), (outcome, Some(basis)));
        let image = of.image.as_ref().unwrap();
        assert_eq!(
            (image.name.as_str(), image.architecture.as_str(), image.image_size),
            ("base", "x86_64", 50)
        );
        assert!(image.os_name.contains("Ubuntu") && image.created_time.starts_with("2019-02"));
        let json = serde_json::to_value(of).unwrap();
        assert_eq!(json["basis"], basis.as_str());
        assert_eq!(json["image"]["name"], "base");
    }
}

#[test]
fn a_job_can_insist_on_copies_of_its_own() {
    let built = Image { created: "2019-02-01T00:00:00Z".into(), ..Image::new("img-builtin1", "base") };
    let mut world = World::new(Service::default().add(FAR, built));
    let report = world.run(job().own_copies(true)).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Conflict)]);
    check_truth(&report, &world);
    let error = report.destinations[1].error.as_ref().unwrap().to_string();
    assert!(error.contains("img-builtin1") && error.contains("not known to have started"), "{error}");
    // Its own are a success, however often it is killed.
    let lost = Service::default().faulty(Fault::DropAfter, "SyncImages", HOME, 1);
    for (service, basis) in [(Service::default(), Basis::Answered), (lost, Basis::Appeared)] {
        let mut world = World::new(service);
        for place in [10, 4, 5] {
            world.process(&job().own_copies(true), Kill::During(place));
        }
        let report = world.run(job().own_copies(true)).unwrap();
        assert!(report.is_complete(), "{report:?}");
        assert!(report.destinations.iter().all(|of| of.basis == Some(basis)), "{report:?}");
        let report = world.run(job().own_copies(true)).unwrap();
        assert!(report.destinations.iter().all(|of| of.basis == Some(basis)), "{report:?}");
    }
}

#[test]
fn a_run_that_ends_for_the_networks_sake_says_its_last_error() {
    let mut world = World::new(Service::default());
    assert!(world.process(&job(), Kill::During(12)).is_none());
    let asked = world.service.log.len();
    // The source is seen, and then nothing any more.
    let mut requests = 0;
    world.service.fault = Box::new(move |_, _| {
        requests += 1;
        (requests > 1).then_some(Fault::NotSent)
    });
    let report =
        world.resume(SyncRun::new().timeout(Duration::from_secs(300)), Kill::Never).unwrap().unwrap();
    assert!(world.service.log.len() > asked);
    for of in &report.destinations {
        assert_eq!(of.outcome, Outcome::TimedOut);
        let error = of.error.as_ref().unwrap().to_string();
        assert!(error.contains("connection refused"), "{error}");
    }
    let last = world.state().last_error().unwrap().to_owned();
    assert!(last.contains(SOURCE) && last.contains("ap-") && last.contains("connection refused"), "{last}");
    // Who does not wait does not wait for the network either.
    let begun = world.unix;
    let mut requests = 0;
    world.service.fault = Box::new(move |_, _| {
        requests += 1;
        (requests > 1).then_some(Fault::NotSent)
    });
    let report = world.resume(SyncRun::new().wait(false), Kill::Never).unwrap().unwrap();
    assert!(
        report.destinations.iter().all(|of| of.outcome == Outcome::Started && of.error.is_some()),
        "{report:?}"
    );
    assert!(world.unix - begun < 120_000, "{}", world.unix - begun);
}
