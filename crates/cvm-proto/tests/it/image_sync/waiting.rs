//! Waiting for copies, and what is told on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use cvm_proto::{Cancel, ImageSync, Job, Machine, Now, Outcome, Step, SyncProgress, SyncReport, SyncRun};

use super::service::{Fate, Fault, HOME, Image, Service};
use super::world::{Kill, Went, World, check_truth, outcomes};
use crate::driver::{UNIX, config};

const SOURCE: &str = "img-source01";

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to(["ap-guangzhou", "ap-beijing"])
}

#[test]
fn copies_are_there_when_it_says_so() {
    let mut world = World::new(Service::default());
    let report = world.run(job()).unwrap();
    check_truth(&report, &world);
    assert!(report.is_complete());
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Copied)]);
    assert_eq!(report.source_region, HOME);
    for destination in &report.destinations {
        assert_eq!(
            (destination.source.as_str(), destination.request_ids.as_slice()),
            (SOURCE, &["r-ok".to_owned()][..])
        );
        assert!((59..90).contains(&destination.elapsed.as_secs()), "{destination:?}");
    }
    assert_eq!(world.service.count("SyncImages"), 1);
    let looks = world.service.log.iter().filter(|(action, at)| action == "DescribeImages" && at != HOME);
    assert!(looks.count() < 2 * 15, "polling backs off");

    let mut percents = BTreeMap::<String, Vec<i64>>::new();
    for event in &world.events {
        if let SyncProgress::Copying { region, percent, source, .. } = event {
            assert_eq!(source, SOURCE);
            percents.entry(region.clone()).or_default().push(percent.unwrap());
        }
    }
    assert_eq!(percents.len(), 2);
    assert!(percents.values().all(|seen| seen.len() > 3 && seen.is_sorted()), "{percents:?}");
    let is_end = |event: &&SyncProgress| matches!(event, SyncProgress::Ended(_));
    assert_eq!(world.events.iter().filter(is_end).count(), 2);
}

#[test]
fn a_copy_may_be_invisible_at_first() {
    let mut world = World::new(Service { hidden_millis: 100_000, copy_millis: 50_000, ..Service::default() });
    assert!(world.run(job()).unwrap().is_complete());
}

#[test]
fn a_copy_that_never_shows_and_has_its_name_is_not_called_gone() {
    let mut world = World::new(Service { hidden_millis: u64::MAX / 2, ..Service::default() });
    let report = world.run(job().timeout(Duration::from_secs(900))).unwrap();
    for destination in &report.destinations {
        assert_eq!(destination.outcome, Outcome::Unknown);
        assert!(destination.image_id.is_some(), "what to look for");
        let error = destination.error.as_ref().unwrap().to_string();
        assert!(error.contains("s ago and has not been seen since"), "{error}");
    }
    assert_eq!(world.service.accepted.len(), 1);
    // Within five minutes it is only late.
    let mut world = World::new(Service { hidden_millis: u64::MAX / 2, ..Service::default() });
    let report = world.run(job().timeout(Duration::from_secs(120))).unwrap();
    for destination in &report.destinations {
        assert_eq!(destination.outcome, Outcome::TimedOut);
        let error = destination.error.as_ref().unwrap().to_string();
        assert!(error.contains("s ago and has not been seen since"), "{error}");
    }
}

#[test]
fn a_copy_is_said_to_continue_only_if_the_run_has_seen_it() {
    let says = |report: &SyncReport, words: &str| {
        for destination in &report.destinations {
            let error = destination.error.as_ref().unwrap().to_string();
            let continues = error.contains("continues in the service");
            assert!(error.contains(words) && continues == (words == "continues"), "{error}");
        }
    };
    let mut service = Service::default();
    for region in ["ap-guangzhou", "ap-beijing"] {
        service.fates.insert(region, Fate::Never);
    }
    let mut world = World::new(service);
    let report = world.run(job().timeout(Duration::from_secs(100))).unwrap();
    says(&report, "continues");
    // Somebody deletes both; the next runs have no time to look, and then time for a look or two.
    for region in ["ap-guangzhou", "ap-beijing"] {
        world.service.images.get_mut(region).unwrap().clear();
    }
    let report = world.resume(SyncRun::new().timeout(Duration::ZERO), Kill::Never).unwrap().unwrap();
    says(&report, "an earlier run started it, and this one has not seen it");
    let report = world.resume(SyncRun::new().timeout(Duration::from_secs(1)), Kill::Never).unwrap().unwrap();
    says(&report, "the last look did not find it");
}

#[test]
fn each_destination_has_a_time_of_its_own_if_it_is_to() {
    let mut service = Service::default();
    service.fates.insert("ap-beijing", Fate::Never);
    let mut world = World::new(service);
    let begun = world.unix;
    let report = world.run(job().destination_timeout(Duration::from_secs(120))).unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::TimedOut)]);
    assert!((119_000..122_000).contains(&(world.unix - begun)), "{}", world.unix - begun);
    assert!(report.destinations[1].image_id.is_some());
}

#[test]
fn a_copy_that_came_in_the_last_moment_counts() {
    // Between the last look in the usual rhythm and the end of the time.
    for seconds in 40..80 {
        let mut world = World::new(Service { copy_millis: seconds * 1000 - 300, ..Service::default() });
        let report = world.run(job().timeout(Duration::from_secs(seconds))).unwrap();
        assert!(report.is_complete(), "{seconds}: {report:?}");
    }
}

/// The service's rate makes some of them wait for a moment.
#[test]
fn every_copy_has_its_last_look_however_many_there_are() {
    let images: Vec<String> = (0..60).map(|number| format!("img-many{number:04}")).collect();
    let mut service = Service::default();
    let made = images.iter().map(|id| Image::new(id, &format!("name of {id}")));
    service.images.insert(HOME.into(), made.collect());
    for hides_ids in [false, true] {
        let service = Service { hides_ids, images: service.images.clone(), ..Service::default() };
        let mut world = World::new(Service { hidden_millis: 105_000, copy_millis: 50_000, ..service });
        let job = ImageSync::of(images.iter().map(String::as_str)).to(["ap-tokyo"]);
        let report = world.run(job.timeout(Duration::from_secs(120))).unwrap();
        check_truth(&report, &world);
        let late = report.destinations.iter().filter(|of| of.outcome != Outcome::Copied).count();
        assert_eq!(late, 0, "{report:?}");
    }
}

/// Many requests were lost, and the answers to the last looks are slow.
#[test]
fn a_cancelled_job_ends_in_time_although_not_every_lost_copy_was_looked_for() {
    let regions = ["ap-guangzhou", "ap-beijing", "ap-chengdu", "ap-nanjing", "ap-hongkong", "ap-tokyo"];
    let lost = Service { hidden_millis: u64::MAX / 2, ..Service::default() };
    let mut world = World::new(lost.faulty(Fault::DropAfter, "SyncImages", HOME, u32::MAX));
    let images = ["img-source01", "img-source02", "img-source03"];
    let job = || ImageSync::of(images).to(regions);
    assert!(world.process(&job().timeout(Duration::from_secs(3)), Kill::Never).is_some());
    let cancel = Cancel::new();
    let disk = world.disk.take();
    let mut process = world.start(&job().cancel_with(&cancel), disk).unwrap();
    process.latency = (500, 500);
    let mut cancelled = None;
    let report = loop {
        world.unix = world.unix.max(process.wake);
        if world.service.count("DescribeImages") > 30 && cancelled.is_none() {
            cancelled = Some(world.unix);
            cancel.cancel();
        }
        if let Went::Ended(outcome) = world.step(&mut process, Kill::Never) {
            break outcome.unwrap();
        }
    };
    // The shells break off what is out by then.
    let took = world.unix - cancelled.unwrap();
    assert!(took <= 6_000 + 1_000, "{took}");
    check_truth(&report, &world);
    assert!(report.destinations.iter().all(|of| of.outcome == Outcome::Unknown), "{report:?}");
}

/// Polls until the machine waits; answers every request.
fn until_it_waits<M: Machine<Progress = SyncProgress>>(
    machine: &mut M,
    service: &mut Service,
    mono: &mut Duration,
) -> Result<Duration, M::Output> {
    loop {
        let now = Now::new(UNIX + mono.as_secs(), *mono);
        match machine.poll(now) {
            Step::Send(request) => {
                let reply = service.serve(&request, now.unix * 1000);
                machine.reply(now, reply);
            }
            Step::WaitUntil(until) if service.accepted.is_empty() => *mono = until,
            Step::WaitUntil(until) => return Ok(until),
            Step::Progress(_) => {}
            Step::Done(output) => return Err(output),
        }
    }
}

#[test]
fn a_cancelled_job_says_what_was_started() {
    let cancel = Cancel::new();
    let mut service = Service::default();
    service.fates.insert("ap-beijing", Fate::Fails);
    let mut machine = job().cancel_with(&cancel).start(&config(), 3);
    let mut mono = Duration::from_secs(5);
    let until = until_it_waits(&mut machine, &mut service, &mut mono).unwrap();
    assert!(until <= mono + Duration::from_millis(200), "it notices soon");
    let asked = service.log.len();
    cancel.cancel();
    let report = until_it_waits(&mut machine, &mut service, &mut mono).unwrap_err().unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Started), ("ap-beijing", Outcome::Started)]);
    assert!(report.destinations.iter().all(|destination| destination.image_id.is_some()));
    assert_eq!(service.log.len(), asked, "nothing more was asked");
    assert!(!machine.state().is_finished(), "there is something to go on with");
}

#[test]
fn a_job_that_is_cancelled_at_any_request_leaves_no_doubt() {
    for number in 1..16 {
        let cancel = Cancel::new();
        let mut service = Service::default();
        let mut machine = job().cancel_with(&cancel).start(&config(), 3);
        let (mut mono, mut sent) = (Duration::from_secs(5), 0);
        let report = loop {
            let now = Now::new(UNIX + mono.as_secs(), mono);
            match machine.poll(now) {
                Step::Send(request) => {
                    sent += 1;
                    if sent == number {
                        cancel.cancel();
                    }
                    let reply = service.serve(&request, now.unix * 1000);
                    machine.reply(now, reply);
                }
                Step::WaitUntil(until) => mono = until,
                Step::Progress(_) => {}
                Step::Done(outcome) => break outcome.unwrap(),
            }
        };
        let started = !service.accepted.is_empty();
        let expected = if started { Outcome::Started } else { Outcome::Cancelled };
        assert!(
            report.destinations.iter().all(|of| of.outcome == expected || of.outcome == Outcome::Copied),
            "{number}: {report:?}"
        );
        assert_eq!(
            report.destinations.iter().all(|of| of.image_id.is_some()),
            started,
            "{number}: {report:?}"
        );
    }
}
