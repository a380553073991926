//! The name of the copies is what keeps anybody from making a second one.

use std::time::Duration;

use cvm_proto::{Basis, Destination, ErrorKind, ImageSync, OnConflict, Outcome, SyncProgress};

use super::service::{Fault, HOME, Image, Service};
use super::world::{Kill, World, check_no_second_copy, check_truth, outcomes};

const SOURCE: &str = "img-source01";
const NEAR: &str = "ap-guangzhou";
const FAR: &str = "ap-beijing";

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to([NEAR, FAR])
}

/// An image that is as a copy would be.
fn copy(id: &str, name: &str, state: &'static str) -> Image {
    Image { state, created: "2019-01-01T00:00:00Z".into(), ..Image::new(id, name) }
}

fn error_of(of: &Destination) -> String {
    of.error.as_ref().unwrap().to_string()
}

/// A process that has its request accepted, and is killed before it hears of it.
fn killed_after_the_acceptance(service: Service, job: &ImageSync, keeps: bool) -> World {
    let mut world = World::new(service);
    for number in 1.. {
        let kill = Kill::During(number);
        let ended = if keeps { world.process(job, kill) } else { world.unkept(job, kill) };
        assert!(ended.is_none(), "it ended before anything was accepted");
        if !world.service.accepted.is_empty() {
            return world;
        }
        world = World::new(std::mem::take(&mut world.service));
    }
    unreachable!()
}

#[test]
fn a_copy_that_hides_is_not_made_again_by_whoever_has_another_journal_or_none() {
    for keeps in [true, false] {
        let hidden = || Service { hidden_millis: 8_000, ..Service::default() };
        let mut world = killed_after_the_acceptance(hidden(), &job(), keeps);
        world.disk = None;
        let report = world.run(ImageSync::new(SOURCE).to([FAR, NEAR])).unwrap();
        assert_eq!(outcomes(&report), [(FAR, Outcome::Present), (NEAR, Outcome::Present)]);
        check_no_second_copy(&world);
        check_truth(&report, &world);

        let mut world = killed_after_the_acceptance(hidden(), &job(), keeps);
        let report = world.unkept(&job(), Kill::Never).unwrap().unwrap();
        assert!(report.is_complete(), "{report:?}");
        check_no_second_copy(&world);
        check_truth(&report, &world);
    }
}

#[test]
fn a_name_that_is_taken_by_something_unseen_is_searched_for_and_then_unknown() {
    let hides = Image { visible_from: u64::MAX, ..copy("img-hidden01", "base", "NORMAL") };
    let mut world = World::new(Service::default().add(FAR, hides));
    let begun = world.unix;
    let report = world.run(job()).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Unknown)]);
    check_truth(&report, &world);
    assert!((300_000..330_000).contains(&(world.unix - begun)), "{}", world.unix - begun);
    let error = error_of(&report.destinations[1]);
    let says = "the name `base` is taken in ap-beijing by an image that this credential does not see";
    assert!(error.contains(says) && error.contains("give the copies another name"), "{error}");
    assert!(
        report.destinations[0].elapsed < Duration::from_secs(90),
        "the other did not wait for the search"
    );
    let taken = world.events.iter().filter(|event| matches!(event, SyncProgress::NameTaken { .. }));
    assert_eq!(taken.count(), 1);
    assert_eq!(world.service.accepted, [[NEAR]]);
    // It is no end for good: the next run asks again.
    assert!(!world.state().is_finished());
    world.service.remove(FAR, "img-hidden01");
    assert!(world.run(job()).unwrap().is_complete());
    check_no_second_copy(&world);
}

#[test]
fn a_name_whose_holder_is_deleted_while_it_is_searched_for_is_used_after_all() {
    let hides = Image { visible_from: u64::MAX, ..copy("img-hidden01", "base", "NORMAL") };
    let mut world = World::new(Service::default().add(FAR, hides));
    world.service.somebody(world.unix + 100_000, |service| service.remove(FAR, "img-hidden01"));
    let report = world.run(job()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    check_truth(&report, &world);
    assert_eq!(world.service.accepted, [[NEAR], [FAR]]);
}

#[test]
fn the_search_ends_with_the_time_of_the_run() {
    let hides = Image { visible_from: u64::MAX, ..copy("img-hidden01", "base", "NORMAL") };
    let mut world = World::new(Service::default().add(FAR, hides));
    let begun = world.unix;
    let report = world.run(job().timeout(Duration::from_secs(100))).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Unknown)]);
    assert!((99_000..102_000).contains(&(world.unix - begun)), "{}", world.unix - begun);
}

#[test]
fn a_dry_run_says_at_once_that_a_name_is_taken() {
    let hides = Image { visible_from: u64::MAX, ..copy("img-hidden01", "base", "NORMAL") };
    let mut world = World::new(Service::default().add(FAR, hides));
    let begun = world.unix;
    let report = world.dry_run(job()).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Planned), (FAR, Outcome::Unknown)]);
    assert!(error_of(&report.destinations[1]).contains("the name `base` is taken"), "{report:?}");
    assert!(world.unix - begun < 5_000, "{}", world.unix - begun);
    assert!(world.service.accepted.is_empty());
}

#[test]
fn a_dry_run_does_not_wait_for_a_copy_on_its_way() {
    let mut world = World::new(Service::default());
    world.run(job().wait(false)).unwrap();
    let begun = world.unix;
    let report = world.dry_run(job()).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Started), (FAR, Outcome::Started)]);
    assert_eq!(report.failures().count(), 0);
    assert!(world.unix - begun < 5_000);
}

#[test]
fn whoever_seems_to_hold_a_taken_name_is_named() {
    let cases = [
        copy("img-holder01", "Base", "NORMAL"),
        copy("img-holder01", " base", "NORMAL"),
        copy("img-holder01", "ba se", "NORMAL"),
        Image { kind: "SHARED_IMAGE", account: "2000", ..copy("img-holder01", "base", "NORMAL") },
        Image { kind: "PUBLIC_IMAGE", account: "", ..copy("img-holder01", "BASE", "NORMAL") },
    ];
    for holder in cases {
        let folding = || Service { guard_folds: true, guard_minds_others: true, ..Service::default() };
        let mut world = World::new(folding().add(FAR, holder.clone()));
        let report = world.run(job()).unwrap();
        assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Conflict)], "{holder:?}");
        check_truth(&report, &world);
        let error = error_of(&report.destinations[1]);
        let names = [holder.id.as_str(), holder.name.as_str(), holder.kind, "`base`"];
        assert!(names.iter().all(|part| error.contains(part)), "{error}");
        assert!(report.destinations[1].elapsed < Duration::from_secs(10), "{report:?}");

        let mut world = World::new(folding().add(FAR, holder));
        let report = world.dry_run(job()).unwrap();
        assert_eq!(outcomes(&report), [(NEAR, Outcome::Planned), (FAR, Outcome::Conflict)]);
    }
}

/// Whoever has a request out whose answer was lost has its own copy in mind first.
#[test]
fn a_lost_copy_that_hides_is_not_given_up_for_an_image_of_a_similar_name() {
    let service = Service { hidden_millis: 200_000, ..Service::default() };
    let service = service.add(FAR, copy("img-similar1", "Base", "NORMAL"));
    let mut world = World::new(service.faulty(Fault::DropAfter, "SyncImages", HOME, 1));
    let report = world.run(job()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert!(report.destinations.iter().all(|of| of.basis == Some(Basis::Appeared)));
    check_no_second_copy(&world);
    check_truth(&report, &world);
}

/// Its request was lost before the service had it: the name is taken by another image.
#[test]
fn a_similar_name_is_named_in_the_end_by_whoever_has_lost_a_request() {
    let service = Service { guard_folds: true, ..Service::default() };
    let service = service.add(FAR, copy("img-similar1", "Base", "NORMAL"));
    let mut world = World::new(service.faulty(Fault::DropBefore, "SyncImages", HOME, 1));
    let report = world.run(job()).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Conflict)], "{report:?}");
    check_truth(&report, &world);
    assert!(!world.state().is_finished(), "a copy may show yet");
}

#[test]
fn a_copy_that_has_no_type_yet_is_found() {
    let service = Service { typeless_millis: 200_000, ..Service::default() };
    let mut world = killed_after_the_acceptance(service, &job(), false);
    let begun = world.unix;
    let report = world.run(job()).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Present), (FAR, Outcome::Present)]);
    check_no_second_copy(&world);
    check_truth(&report, &world);
    assert!(world.unix - begun < 100_000, "{}", world.unix - begun);
}

#[test]
fn a_source_that_is_renamed_leaves_its_copies_their_name() {
    for (fault, again) in [(Fault::DropBefore, 2), (Fault::DropAfter, 1)] {
        let service = Service { hidden_millis: 20_000, ..Service::default() };
        let mut world = World::new(service.faulty(fault, "SyncImages", HOME, 1));
        let stops = job().timeout(Duration::from_secs(3));
        assert!(!world.run(stops).unwrap().is_complete());
        world.service.source().name = "base-2".into();
        let report = world.run(job()).unwrap();
        assert!(report.is_complete(), "{report:?}");
        check_no_second_copy(&world);
        check_truth(&report, &world);
        assert_eq!(world.service.count("SyncImages"), again);
        for of in &report.destinations {
            assert_eq!(world.service.copies(SOURCE, &of.region)[0].name, "base");
            assert!(
                of.notes.iter().any(|note| note.contains("`base-2`") && note.contains("`base`")),
                "{of:?}"
            );
        }
    }
}

#[test]
fn a_failed_copy_that_holds_the_name_lets_nobody_make_another() {
    let service = || {
        let left = copy("img-left0001", "base", "CREATEFAILED");
        Service { hidden_millis: 8_000, ..Service::default() }.add(FAR, left)
    };
    for number in 1..12 {
        let mut world = World::new(service());
        world.process(&job(), Kill::During(number));
        world.disk = None;
        let report = world.run(job()).unwrap();
        assert!(report.destinations[0].outcome.is_good());
        assert_eq!(report.destinations[1].outcome, Outcome::Conflict);
        let error = error_of(&report.destinations[1]);
        let advice = ["img-left0001", "`base`", "failed", "delete_failed", "another name"];
        assert!(advice.iter().all(|part| error.contains(part)), "{error}");
        assert_eq!(world.service.images[FAR].len(), 1, "nothing was added, nothing taken away");
        check_no_second_copy(&world);
    }
}

#[test]
fn what_cannot_be_used_is_nothing_to_skip_for() {
    for state in ["CREATEFAILED", "CREATING"] {
        let other = Image { os: "CentOS 7.6 64bit", ..copy("img-other001", "base", state) };
        for delete_failed in [false, true] {
            let mut world = World::new(Service::default().add(FAR, other.clone()));
            let job = job().on_conflict(OnConflict::Skip).delete_failed(delete_failed);
            let report = world.run(job).unwrap();
            assert_eq!(report.destinations[1].outcome, Outcome::Conflict, "{report:?}");
            assert_eq!(world.service.images[FAR].len(), 1, "what is no copy of the source is not deleted");
        }
    }
}

#[test]
fn copies_that_would_have_one_name_are_refused_before_anything_is_done() {
    let mut service = Service::default().add(FAR, copy("img-left0001", "base", "CREATEFAILED"));
    service.images.get_mut(HOME).unwrap()[1].name = "base".into();
    let mut world = World::new(service);
    let job = ImageSync::of([SOURCE, "img-source02", "img-source03"]).to([NEAR, FAR]).delete_failed(true);
    let report = world.run(job).unwrap();
    let refused = [Outcome::Failed; 4];
    let outcomes: Vec<_> = report.destinations.iter().map(|of| of.outcome).collect();
    assert_eq!(outcomes, [&refused[..], &[Outcome::Copied; 2]].concat());
    for of in &report.destinations[..4] {
        let error = error_of(of);
        assert!(
            error.contains(SOURCE) && error.contains("img-source02") && error.contains("`base`"),
            "{error}"
        );
    }
    assert_eq!((world.service.deleted.len(), world.service.accepted.len()), (0, 1));
    check_truth(&report, &world);

    let mut world = World::new(Service::default());
    world.service.images.get_mut(HOME).unwrap()[1].name = "base".into();
    let error = world.run(ImageSync::of([SOURCE, "img-source02"]).to([NEAR])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter, "{error}");
    assert_eq!(world.service.count("SyncImages"), 0);
}

#[test]
fn the_copy_of_one_source_is_never_anothers() {
    // The service does not tell the two names apart, so only one of them can have a copy.
    let mut world = World::new(Service { guard_folds: true, ..Service::default() });
    world.service.images.get_mut(HOME).unwrap()[1].name = "Base".into();
    let report = world.run(ImageSync::of([SOURCE, "img-source02"]).to([FAR])).unwrap();
    check_truth(&report, &world);
    let (mut copied, mut other) = (&report.destinations[0], &report.destinations[1]);
    if other.outcome == Outcome::Copied {
        (copied, other) = (other, copied);
    }
    assert_eq!((copied.outcome, other.outcome), (Outcome::Copied, Outcome::Conflict), "{report:?}");
    assert!(error_of(other).contains(copied.image_id.as_ref().unwrap()), "{report:?}");

    // A source that was renamed to the name of another's copy does not take it for its own.
    let mut world = World::new(Service::default());
    let both = || ImageSync::of([SOURCE, "img-source02"]).to([FAR]);
    world.run(both().timeout(Duration::from_secs(20))).unwrap();
    world.service.images.get_mut(HOME).unwrap()[1].name = "base".into();
    let report = world.run(both()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_ne!(report.destinations[0].image_id, report.destinations[1].image_id);
    check_truth(&report, &world);
}

#[test]
fn an_encrypted_copy_does_not_take_its_source_for_the_holder_nobody_sees() {
    let mut world = World::new(Service::default());
    let begun = world.unix;
    let job = ImageSync::new(SOURCE).to([HOME]).encrypt(true).name("base");
    let report = world.run(job).unwrap();
    assert_eq!(outcomes(&report), [(HOME, Outcome::Conflict)]);
    assert!(error_of(&report.destinations[0]).contains(SOURCE), "{report:?}");
    assert!(world.unix - begun < 5_000);
    assert_eq!(world.service.count("SyncImages"), 0);
}

#[test]
fn one_region_that_cannot_be_reached_keeps_no_other_waiting() {
    // The answer is lost for both; then one region is not to be reached for half an hour.
    let mut lost = false;
    let fault = move |action: &str, region: &str| match (action, region) {
        ("SyncImages", _) if !lost => {
            lost = true;
            Some(Fault::DropBefore)
        }
        ("DescribeImages", FAR) if lost => Some(Fault::NotSent),
        _ => None,
    };
    let mut world = World::new(Service { fault: Box::new(fault), ..Service::default() });
    let report = world.run(job().timeout(Duration::from_secs(1800))).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Unknown)], "{report:?}");
    assert!(report.destinations[0].elapsed < Duration::from_secs(300), "{report:?}");
    assert!(error_of(&report.destinations[1]).contains("connection refused"), "{report:?}");
}
