//! What a job can be told beside images and regions.

use std::time::Duration;

use cvm_proto::{ErrorKind, ImageSync, Outcome};

use super::service::{Fate, Fault, HOME, Image, Service};
use super::world::{World, check_no_second_copy, check_truth, outcomes};

const SOURCE: &str = "img-source01";

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to(["ap-guangzhou", "ap-beijing"])
}

#[test]
fn copies_have_the_name_that_they_are_given() {
    let mut world = World::new(Service::default());
    assert!(world.run(job().name("golden")).unwrap().is_complete());
    assert_eq!(world.service.images["ap-beijing"][0].name, "golden");
    world.disk = None;
    let report = world.run(job().name("golden")).unwrap();
    assert!(report.destinations.iter().all(|of| of.outcome == Outcome::Present));
}

#[test]
fn a_dry_run_says_what_would_happen_and_nothing_does() {
    let there = Image { created: "2019-01-01T00:00:00Z".into(), ..Image::new("img-before01", "base") };
    let other = Image { os: "CentOS 7.6 64bit", ..there.clone() };
    let service = Service::default().add("ap-beijing", there).add("ap-tokyo", other);
    let mut world = World::new(service);
    world.service.quotas.insert("ap-nanjing", 0);
    world.service.refuse_copies_to = Some(("ap-chengdu", "InvalidRegion.Unavailable"));
    let report = world.dry_run(job().to(["ap-tokyo", "ap-nanjing", "ap-chengdu"])).unwrap();
    assert_eq!(
        outcomes(&report),
        [
            ("ap-guangzhou", Outcome::Planned),
            ("ap-beijing", Outcome::Present),
            ("ap-tokyo", Outcome::Conflict),
            ("ap-nanjing", Outcome::Failed),
            ("ap-chengdu", Outcome::Failed),
        ]
    );
    assert_eq!(report.destinations[3].error.as_ref().unwrap().kind(), ErrorKind::Quota);
    assert!(world.service.accepted.is_empty());
    assert_eq!(world.disk, None, "there is nothing to go on with");
}

#[test]
fn without_waiting_it_ends_with_the_submission_and_can_be_gone_on_with() {
    let mut world = World::new(Service::default());
    let begun = world.unix;
    let report = world.run(job().wait(false)).unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Started), ("ap-beijing", Outcome::Started)]);
    assert!(report.destinations.iter().all(|of| of.image_id.is_some()));
    assert!(world.unix - begun < 3000);
    check_truth(&report, &world);
    // A lost answer is not left in the dark.
    let mut world = World::new(Service::default().faulty(Fault::DropAfter, "SyncImages", HOME, 1));
    let report = world.run(job().wait(false)).unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Started), ("ap-beijing", Outcome::Started)]);

    assert!(world.run(job()).unwrap().is_complete());
    assert_eq!(world.service.accepted.len(), 1);
}

#[test]
fn copies_get_the_description_and_family_of_their_source_and_tags_are_told() {
    let mut world = World::new(Service::default());
    let source = world.service.source();
    source.description = "Base system".into();
    source.family = "base".into();
    source.tags = vec![("team", "platform")];
    let plain = world.run(job().to(["ap-tokyo"])).unwrap();
    assert!(plain.is_complete() && plain.destinations.iter().all(|of| of.notes.is_empty()));
    assert_eq!(world.service.count("ModifyImageAttribute"), 0, "only if it is asked for");
    world.disk = None;
    world.service.images.get_mut("ap-beijing").unwrap().clear();
    let fault = Fault::Error("InternalError");
    world.service = world.service.faulty(fault, "ModifyImageAttribute", "ap-beijing", 2);
    let report = world.run(job().same_attributes(true)).unwrap();
    let copy = world.service.copies(SOURCE, "ap-beijing")[0];
    assert_eq!((copy.description.as_str(), copy.family.as_str()), ("Base system", "base"));
    assert!(report.destinations[1].notes[0].contains("tags team"), "{report:?}");
    // Without the right to do it the copy is there all the same.
    world.disk = None;
    world.service.images.get_mut("ap-beijing").unwrap().clear();
    let fault = Fault::Error("UnauthorizedOperation");
    world.service = world.service.faulty(fault, "ModifyImageAttribute", "ap-beijing", 1);
    let report = world.run(job().same_attributes(true)).unwrap();
    assert!(report.is_complete());
    assert!(report.destinations[1].notes.iter().any(|note| note.contains("could not be set")), "{report:?}");
}

#[test]
fn failed_copies_are_deleted_if_they_are_to_be() {
    let failing = || {
        let mut service = Service::default();
        service.fates.insert("ap-beijing", Fate::Fails);
        service
    };
    let mut world = World::new(failing());
    let report = world.run(job().delete_failed(true)).unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Failed)]);
    assert!(world.service.images["ap-beijing"].is_empty());
    assert!(report.destinations[1].notes[0].contains("was deleted"), "{report:?}");
    assert_eq!(report.destinations[1].image_id, None);

    let mut world = World::new(failing());
    let report = world.run(job()).unwrap();
    assert_eq!(world.service.images["ap-beijing"].len(), 1, "only if it is asked for");
    assert!(report.destinations[1].image_id.is_some(), "what to clean up");

    let fault = Fault::Error("InvalidImageId.InShared");
    let mut world = World::new(failing().faulty(fault, "DeleteImages", "ap-beijing", u32::MAX));
    let report = world.run(job().delete_failed(true)).unwrap();
    assert!(report.destinations[1].notes[0].contains("could not be deleted"), "{report:?}");
    assert!(report.destinations[1].image_id.is_some(), "it is still there");
}

#[test]
fn a_shared_image_becomes_one_of_ones_own_in_its_region() {
    let mut world = World::new(Service::default());
    world.service.source().kind = "SHARED_IMAGE";
    let report = world.run(ImageSync::new(SOURCE).to([HOME])).unwrap();
    assert!(report.is_complete(), "{report:?}");
    let copy = world.service.copies(SOURCE, HOME)[0];
    assert_eq!(copy.kind, "PRIVATE_IMAGE");
}

#[test]
fn an_encrypted_copy_is_made_in_the_source_region() {
    let job = || ImageSync::new(SOURCE).to([HOME]).encrypt(true).kms_key_id("k-1").name("base-encrypted");
    let mut world = World::new(Service::default().faulty(Fault::DropAfter, "SyncImages", HOME, 1));
    let report = world.run(job()).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(world.service.accepted.len(), 1);
    // Nobody can see whether what is there is encrypted.
    world.disk = None;
    let report = world.run(job().timeout(Duration::from_secs(60))).unwrap();
    assert_eq!(report.destinations[0].outcome, Outcome::Conflict);
}

/// How many looks a job needs, and how long it takes, in milliseconds.
fn rhythm(run: impl Fn(ImageSync) -> ImageSync, service: Service) -> (usize, u64) {
    let mut world = World::new(service);
    let begun = world.unix;
    assert!(world.run(run(job())).unwrap().is_complete());
    check_no_second_copy(&world);
    (world.service.count("DescribeImages"), world.unix - begun)
}

#[test]
fn copies_are_looked_at_as_often_as_a_run_says() {
    let copies = || Service { copy_millis: 60_000, ..Service::default() };
    let with = |time| rhythm(|job| job.poll_every(time), copies());
    let (usual, time) = rhythm(|job| job, copies());
    assert_eq!(with(Duration::from_secs(2)), (usual, time));
    let (looks, time) = with(Duration::from_millis(100));
    assert!(looks > 5 * usual && time < 62_500, "{looks} looks in {time} ms, {usual} as usual");
    let (looks, time) = with(Duration::from_secs(40));
    assert!(looks < usual && time > 62_500, "{looks} looks in {time} ms");
    // Nobody asks without a pause, and the longest there is does no harm.
    let (looks, _) = with(Duration::ZERO);
    assert!(looks < 2 * 60_000 / 50, "{looks}");
    let mut world = World::new(copies());
    let run = job().poll_every(Duration::MAX).timeout(Duration::from_secs(600));
    assert_eq!(outcomes(&world.run(run).unwrap())[0].1, Outcome::Copied, "the last look is at its end");
}

#[test]
fn short_pauses_leave_lists_the_time_to_catch_up() {
    // Accepted, and for half a minute in no list.
    let hidden = || Service { copy_millis: 1_000, hidden_millis: 30_000, ..Service::default() };
    let (looks, time) = rhythm(|job| job.poll_every(Duration::ZERO), hidden());
    assert!(looks < 60, "{looks} looks in {time} ms");
    let (usual, _) = rhythm(|job| job, hidden());
    assert!(looks < 2 * usual, "{looks} looks, {usual} as usual");
}
