//! The job started again: whether it is the same, what is looked at again, and what is begun anew.

use std::time::Duration;

use cvm_proto::{
    Basis, Cancel, ErrorKind, ImageSync, OnConflict, Outcome, SyncEndpoint, SyncReport, SyncRun, SyncState,
};

use super::service::{Fate, Fault, HOME, Image, Service};
use super::world::{Kill, World, check_no_second_copy, check_truth, outcomes};
use crate::driver::{config, settings};

const SOURCE: &str = "img-source01";
const NEAR: &str = "ap-guangzhou";
const FAR: &str = "ap-beijing";

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to([NEAR, FAR])
}

fn ids(report: &SyncReport) -> Vec<Option<&str>> {
    report.destinations.iter().map(|of| of.image_id.as_deref()).collect()
}

/// How many copies were asked for: dry runs are none.
fn requests(world: &World) -> usize {
    world.service.accepted.len()
}

/// A world in which the job was begun, and has not ended.
fn begun(job: &ImageSync) -> World {
    let mut world = World::new(Service::default());
    assert!(world.process(job, Kill::During(12)).is_none());
    assert!(!world.state().is_finished());
    world
}

#[test]
fn each_option_of_the_job_that_differs_is_refused_by_name_with_both_values() {
    let plain = || ImageSync::new(SOURCE).to([NEAR, FAR]);
    let named = || plain().name("one");
    let home = || ImageSync::new(SOURCE).to([HOME]).name("secret").encrypt(true);
    let keyed = || home().kms_key_id("key-1");
    let cases: Vec<(ImageSync, ImageSync, &str)> = vec![
        (plain(), plain().from("ap-tokyo"), "source region is `ap-shanghai`, not `ap-tokyo`"),
        (
            plain(),
            ImageSync::of([SOURCE, "img-source02"]).to([NEAR, FAR]),
            "list of images is img-source01, not img-source01,img-source02",
        ),
        (
            plain(),
            ImageSync::new(SOURCE).to([FAR]),
            "list of destinations (to) is ap-beijing,ap-guangzhou, not ap-beijing",
        ),
        (plain(), named(), "name of the copies (name) is none, not `one`"),
        (named(), plain().name("two"), "name of the copies (name) is `one`, not `two`"),
        (plain(), plain().encrypt(true), "encryption (encrypt) is off, not on"),
        (keyed(), home().kms_key_id("key-2"), "KMS key (kms_key_id) is `key-1`, not `key-2`"),
        (keyed(), home(), "KMS key (kms_key_id) is `key-1`, not none"),
        (plain(), plain().max_size(60), "size limit (max_size) is none, not 60 GiB"),
        (plain().max_size(60), plain().max_size(1), "size limit (max_size) is 60 GiB, not 1 GiB"),
        (plain(), plain().on_conflict(OnConflict::Skip), "conflict rule (on_conflict) is fail, not skip"),
        (plain(), plain().same_attributes(true), "attribute rule (same_attributes) is off, not on"),
    ];
    for (first, second, says) in cases {
        let mut world = World::new(Service::default());
        assert!(world.process(&first, Kill::During(8)).is_none());
        let (disk, asked) = (world.disk.clone(), world.service.log.len());
        let error = world.process(&second, Kill::Never).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(says), "{error}\nshould say: {says}");
        assert_eq!((&world.disk, world.service.log.len()), (&disk, asked), "nothing is touched");
    }
    // All that differs is named at once.
    let mut world = begun(&plain());
    let error = world.process(&named().max_size(1), Kill::Never).unwrap().unwrap_err().to_string();
    assert!(error.contains("(name)") && error.contains("(max_size)"), "{error}");
    // Order and repetition are no difference.
    let mut world = begun(&plain());
    let same = ImageSync::of([SOURCE, SOURCE]).from(HOME).to([FAR, NEAR, FAR]);
    let report = world.process(&same, Kill::Never).unwrap().unwrap();
    assert!(report.is_complete());
    assert_eq!(
        outcomes(&report),
        [(FAR, Outcome::Copied), (NEAR, Outcome::Copied)],
        "in the order of this run"
    );
    assert_eq!(requests(&world), 1);
}

#[test]
fn another_endpoint_is_refused_with_both_and_all_hosts_of_the_service_are_one() {
    let at = |host: &str| {
        let mut settings = settings();
        settings.endpoint = cvm_proto::Endpoint::explicit(host).unwrap();
        SyncEndpoint::of(&cvm_proto::Config::new(settings).unwrap())
    };
    let world = begun(&job());
    let stored = || world.state();
    let elsewhere = [SyncEndpoint::embedded(), at("http://127.0.0.1:8080")];
    for endpoint in &elsewhere {
        let error = stored().resume(SyncRun::new(), endpoint).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(text.contains("the service's own hosts") && text.contains(&endpoint.to_string()), "{text}");
        let error = job().begin_or_resume(Some(stored()), endpoint.clone(), &config()).unwrap_err();
        assert!(error.to_string().contains(&endpoint.to_string()), "{error}");
    }
    for host in
        ["cvm.tencentcloudapi.com", "cvm.ap-shanghai.tencentcloudapi.com", "internal.tencentcloudapi.com"]
    {
        assert!(stored().resume(SyncRun::new(), &at(host)).unwrap().is_resumed(), "{host}");
    }
    assert_ne!(at("http://127.0.0.1:8080"), at("http://127.0.0.1:8081"));
    assert_eq!(at("http://127.0.0.1:8080"), at("https://127.0.0.1:8080"));
}

#[test]
fn options_of_a_run_are_no_difference_and_none_is_written_down() {
    let cancel = Cancel::new();
    let plain = begun(&job());
    let odd = job()
        .timeout(Duration::from_secs(977))
        .destination_timeout(Duration::from_secs(953))
        .settle(Duration::from_secs(41))
        .delete_failed(true)
        .own_copies(true)
        .wait(true)
        .cancel_with(&cancel);
    let mut world = begun(&odd);
    assert_eq!(world.disk, plain.disk);
    assert!(world.process(&job(), Kill::Never).unwrap().unwrap().is_complete());
    assert_eq!(requests(&world), 1);
}

#[test]
fn each_option_of_a_run_takes_effect_when_the_job_is_resumed() {
    let never = || {
        let mut service = Service::default();
        service.fates.insert(FAR, Fate::Never);
        let mut world = World::new(service);
        world.process(&job(), Kill::During(12));
        assert_eq!(requests(&world), 1);
        world
    };
    let took = |world: &mut World, run: SyncRun| {
        let began = world.unix;
        let report = world.resume(run, Kill::Never).unwrap().unwrap();
        check_truth(&report, world);
        (report, (world.unix - began) / 1000)
    };
    let (report, seconds) = took(&mut never(), SyncRun::new().timeout(Duration::from_secs(100)));
    assert_eq!((report.destinations[1].outcome, seconds), (Outcome::TimedOut, 100));
    let (report, seconds) = took(&mut never(), SyncRun::new().timeout(Duration::ZERO));
    assert_eq!((report.destinations[1].outcome, seconds), (Outcome::TimedOut, 0));
    let (report, seconds) = took(&mut never(), SyncRun::new().destination_timeout(Duration::from_secs(200)));
    assert_eq!(report.destinations[1].outcome, Outcome::TimedOut);
    assert!(seconds <= 200, "{seconds}");
    let (report, seconds) = took(&mut never(), SyncRun::new().wait(false));
    assert_eq!((report.destinations[1].outcome, seconds), (Outcome::Started, 0));
    let cancel = Cancel::new();
    cancel.cancel();
    let (report, seconds) = took(&mut never(), SyncRun::new().cancel_with(&cancel));
    assert_eq!((report.destinations[1].outcome, seconds), (Outcome::Started, 0));

    // How long it is searched before it is requested again.
    for settle in [5, 200] {
        let mut world = World::new(Service::default().faulty(Fault::DropBefore, "SyncImages", HOME, 1));
        world.run(job().timeout(Duration::from_secs(2))).unwrap();
        let (report, seconds) = took(&mut world, SyncRun::new().settle(Duration::from_secs(settle)));
        assert!(report.is_complete());
        assert!(seconds.abs_diff(settle + 60) < 25, "{seconds}");
    }
    // A copy that failed while nobody looked.
    for delete in [false, true] {
        let mut service = Service::default();
        service.fates.insert(FAR, Fate::Fails);
        let mut world = World::new(service);
        world.process(&job(), Kill::During(12));
        world.unix += 100_000;
        let (report, _) = took(&mut world, SyncRun::new().delete_failed(delete));
        assert_eq!(report.destinations[1].outcome, Outcome::Failed);
        assert_eq!(world.service.images[FAR].len(), usize::from(!delete));
    }
    // A copy that somebody else had started.
    for own in [false, true] {
        let mut world = World::new(Service::default());
        world.run(job().wait(false)).unwrap();
        world.disk = None;
        assert!(world.process(&job(), Kill::During(8)).is_none());
        let (report, _) = took(&mut world, SyncRun::new().own_copies(own));
        let expected = if own { Outcome::Conflict } else { Outcome::Copied };
        assert_eq!(outcomes(&report), [(NEAR, expected), (FAR, expected)], "{report:?}");
        assert_eq!(requests(&world), 1);
    }
}

/// What was begun, by whoever was killed at any of its requests: the dry run changes nothing, and the run does what it said.
#[test]
fn a_dry_run_says_what_the_run_would_do_with_what_is_stored_and_changes_nothing() {
    let job = || job().delete_failed(true).same_attributes(true);
    for (number, fate) in (0..30).flat_map(|number| [(number, Fate::Fine), (number, Fate::Fails)]) {
        let mut service = Service::default();
        service.fates.insert(FAR, fate);
        service.source().description = "of the source".into();
        let mut world = World::new(service);
        world.process(&job(), Kill::During(number));
        world.unix += 310_000;
        world.service.tick(world.unix);
        world.service.fates.clear();
        let disk = world.disk.clone();
        let asked = world.service.log.len();
        let images = format!("{:?}", world.service.images);
        let accepted = requests(&world);
        let said = world.run(job().dry_run(true)).unwrap();
        let changes = world.service.log[asked..]
            .iter()
            .filter(|(action, _)| !action.starts_with("Describe") && action != "SyncImages");
        assert_eq!(changes.count(), 0, "{number}");
        assert_eq!((requests(&world), &world.disk), (accepted, &disk), "{number}");
        assert_eq!(format!("{:?}", world.service.images), images, "{number}");
        let report = world.run(job()).unwrap();
        let copied: Vec<&String> = world.service.accepted[accepted..].iter().flatten().collect();
        for of in &said.destinations {
            let is_planned = of.outcome == Outcome::Planned;
            assert_eq!(is_planned, copied.contains(&&of.region), "{number}: {said:?}; {report:?}");
        }
    }
}

#[test]
fn a_resumed_job_is_no_dry_run() {
    let world = begun(&job());
    let error = world.state().resume(SyncRun::new().dry_run(true), &SyncEndpoint::of(&config())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter);
}

#[test]
fn a_finished_job_is_taken_for_no_other() {
    let mut world = World::new(Service::default());
    world.run(job()).unwrap();
    let report = world.run(ImageSync::new("img-source02").to([FAR, "ap-tokyo"])).unwrap();
    assert_eq!(outcomes(&report), [(FAR, Outcome::Copied), ("ap-tokyo", Outcome::Copied)]);
    assert!(report.destinations.iter().all(|of| of.source == "img-source02"));
    check_truth(&report, &world);
    check_no_second_copy(&world);
    assert_eq!(requests(&world), 2);
}

#[test]
fn a_job_begun_anew_looks_at_the_copies_it_knows_whatever_they_are_called() {
    let mut world = World::new(Service::default());
    let first = world.run(job()).unwrap();
    world.service.images.get_mut(NEAR).unwrap()[0].name = "renamed".into();
    world.service.source().name = "base-2".into();
    let before = world.service.log.len();
    let second = world.run(job()).unwrap();
    assert_eq!(ids(&second), ids(&first));
    assert_eq!(outcomes(&second), [(NEAR, Outcome::Present), (FAR, Outcome::Present)]);
    assert!(second.destinations.iter().all(|of| of.basis == Some(Basis::Answered)));
    check_truth(&second, &world);
    assert_eq!(world.service.log.len() - before, 3, "a few reads");
    // And again, from what this run left.
    assert_eq!(ids(&world.run(job()).unwrap()), ids(&first));
    assert_eq!(requests(&world), 1);
}

#[test]
fn a_job_begun_anew_makes_a_deleted_copy_again() {
    let mut world = World::new(Service::default());
    let first = world.run(job()).unwrap();
    world.service.remove(FAR, first.destinations[1].image_id.as_ref().unwrap());
    let second = world.run(job()).unwrap();
    assert_eq!(outcomes(&second), [(NEAR, Outcome::Present), (FAR, Outcome::Copied)]);
    assert_ne!(second.destinations[1].image_id, first.destinations[1].image_id);
    assert!(second.destinations[1].notes.iter().any(|note| note.contains("img-copy0002")), "{second:?}");
    check_truth(&second, &world);
    check_no_second_copy(&world);
    assert_eq!(world.service.accepted, [vec![NEAR, FAR], vec![FAR]]);
}

/// A copy that lists leave out for a while is still the one that is known.
#[test]
fn a_known_copy_that_hides_for_a_while_stays_what_it_is_known_as() {
    let mut world = World::new(Service::default());
    let first = world.run(job()).unwrap();
    world.service.images.get_mut(FAR).unwrap()[0].visible_from = world.unix + 60_000;
    let second = world.run(job().own_copies(true)).unwrap();
    assert_eq!(ids(&second), ids(&first));
    assert_eq!(second.destinations[1].basis, Some(Basis::Answered), "{second:?}");
    assert_eq!(second.destinations[1].outcome, Outcome::Present);
    assert!(second.destinations[1].notes.is_empty(), "{second:?}");
    check_truth(&second, &world);
    check_no_second_copy(&world);
}

/// A world in which one region has ended, and the other has a copy that never ends.
fn half_done() -> World {
    let mut service = Service::default();
    service.fates.insert(FAR, Fate::Never);
    let mut world = World::new(service);
    let report = world.run(job().timeout(Duration::from_secs(100))).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::TimedOut)]);
    world
}

#[test]
fn the_whole_call_makes_a_copy_again_that_had_ended_and_is_deleted() {
    let mut world = half_done();
    world.service.remove(NEAR, "img-copy0001");
    world.service.fates.clear();
    world.service.images.get_mut(FAR).unwrap()[0].copying = None;
    world.service.source().outgoing.clear();
    let report = world.run(job()).unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Copied)]);
    assert_eq!(ids(&report), [Some("img-copy0003"), Some("img-copy0002")]);
    check_truth(&report, &world);
}

#[test]
fn a_resumed_job_starts_nothing_where_it_had_ended() {
    let mut world = half_done();
    world.service.remove(NEAR, "img-copy0001");
    world.service.images.get_mut(FAR).unwrap()[0].copying = None;
    world.service.source().outgoing.clear();
    let report = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Gone), (FAR, Outcome::Copied)]);
    assert_eq!(requests(&world), 1);
    check_truth(&report, &world);
    // The whole call does it.
    assert!(world.run(job()).unwrap().is_complete());
    assert_eq!(requests(&world), 2);
}

#[test]
fn a_finished_job_that_is_resumed_looks_and_reports_and_requests_nothing() {
    let mut world = World::new(Service::default());
    let first = world.run(job()).unwrap();
    let (asked, sent) = (world.service.log.len(), world.service.count("SyncImages"));
    let second = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap();
    assert_eq!((outcomes(&second), ids(&second)), (outcomes(&first), ids(&first)));
    check_truth(&second, &world);
    assert_eq!(world.service.log.len() - asked, 3, "the source, and each copy by its id");
    assert_eq!(world.service.count("SyncImages"), sent);
    assert!(world.state().is_finished());
}

/// What an earlier run said is not said again without a look.
#[test]
fn a_resumed_job_says_of_nothing_that_it_is_there_unless_it_has_seen_it() {
    // The copy is not to be seen, and its name is taken.
    let mut world = World::new(Service::default());
    world.run(job()).unwrap();
    world.service.images.get_mut(FAR).unwrap()[0].visible_from = u64::MAX;
    let report =
        world.resume(SyncRun::new().timeout(Duration::from_secs(600)), Kill::Never).unwrap().unwrap();
    assert_eq!(outcomes(&report), [(NEAR, Outcome::Copied), (FAR, Outcome::Unknown)]);
    check_truth(&report, &world);
    assert!(report.destinations[1].error.as_ref().unwrap().to_string().contains("img-copy0002"));

    // Nothing was looked at before the time was over.
    let mut world = World::new(Service::default());
    world.run(job()).unwrap();
    world.service.images.get_mut(FAR).unwrap().clear();
    for run in [SyncRun::new().timeout(Duration::ZERO), {
        let cancel = Cancel::new();
        cancel.cancel();
        SyncRun::new().cancel_with(&cancel)
    }] {
        let report = world.resume(run, Kill::Never).unwrap().unwrap();
        assert!(!report.is_complete(), "{report:?}");
        let text = report.destinations[1].error.as_ref().unwrap().to_string();
        assert!(text.contains("before it looked"), "{text}");
    }
}

#[test]
fn a_resumed_job_whose_source_cannot_be_copied_ends_soon() {
    let mut world = World::new(Service::default());
    let both = || ImageSync::of([SOURCE, "img-nowhere1"]).to([FAR]);
    let report = world.run(both()).unwrap();
    assert_eq!(outcomes(&report), [(FAR, Outcome::Copied), (FAR, Outcome::Failed)]);
    for resumes in [true, false] {
        let begun = world.unix;
        let report = if resumes {
            world.resume(SyncRun::new(), Kill::Never).unwrap()
        } else {
            world.process(&both(), Kill::Never).unwrap()
        };
        let outcomes: Vec<_> = report.unwrap().destinations.iter().map(|of| of.outcome).collect();
        assert!(outcomes[0].is_good() && outcomes[1] == Outcome::Failed, "{outcomes:?}");
        assert!(world.unix - begun < 5_000, "{}", world.unix - begun);
    }
}

#[test]
fn what_ended_for_a_reason_that_is_over_says_so_when_it_is_resumed() {
    let other = Image { os: "CentOS 7.6 64bit", ..Image::new("img-other001", "base") };
    let mut world = World::new(Service::default().add(FAR, other));
    let report = world.run(job()).unwrap();
    assert_eq!(report.destinations[1].outcome, Outcome::Conflict);
    world.service.remove(FAR, "img-other001");
    let report = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap();
    assert_eq!(requests(&world), 1);
    check_truth(&report, &world);
    let of = &report.destinations[1];
    let error = of.error.as_ref().unwrap().to_string();
    assert_eq!((of.outcome, &of.image_id), (Outcome::Failed, &None));
    assert!(
        error.contains("no image of the name `base` is visible") && error.contains("run the job again"),
        "{error}"
    );
    assert!(world.run(job()).unwrap().is_complete());
}

#[test]
fn a_copy_that_is_not_there_is_looked_for_by_whoever_begins_where_it_was_killed() {
    // Killed at every step of a run that makes a deleted copy again.
    for step in 1..60 {
        let mut world = World::new(Service { hidden_millis: 8_000, ..Service::default() });
        let first = world.run(job()).unwrap();
        world.service.remove(FAR, first.destinations[1].image_id.as_ref().unwrap());
        world.process(&job(), Kill::Before(step));
        let report = world.run(job()).unwrap();
        assert!(report.is_complete(), "{step}: {report:?}");
        check_truth(&report, &world);
        check_no_second_copy(&world);
        assert_eq!(requests(&world), 2, "{step}");
    }
}

#[test]
fn the_state_says_what_is_known_of_the_job() {
    let world = begun(&job());
    let state = world.state();
    assert_eq!(
        (state.images(), state.regions()),
        (&[SOURCE.to_owned()][..], &[NEAR.to_owned(), FAR.to_owned()][..])
    );
    assert_eq!((state.source_region(), state.begun()), (HOME, Some(crate::driver::UNIX)));
    assert_eq!(state.endpoint(), &SyncEndpoint::of(&config()));
    let bytes = state.to_bytes();
    assert_eq!(SyncState::from_bytes(&bytes).unwrap().to_bytes(), bytes);
}
