//! A process that is killed at every point of the job, and the ones after it that go on.

use cvm_proto::{ImageSync, Outcome, SyncState};

use super::service::{Fate, Fault, Guard, HOME, Service};
use super::world::{Kill, World, check_no_second_copy, check_truth, outcomes};

const SOURCE: &str = "img-source01";

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to(["ap-guangzhou", "ap-beijing"])
}

fn service() -> Service {
    Service { hidden_millis: 15_000, ..Service::default() }
}

/// Kills the first process here; the second comes to the end. Gives `false` if the first had come to its end before.
fn survives(kill: Kill, service: Service) -> bool {
    let mut world = World::new(service);
    if world.process(&job(), kill).is_some() {
        return false;
    }
    let outcome = world.process(&job(), Kill::Never).unwrap();
    let report = outcome.unwrap();
    assert!(report.is_complete(), "{kill:?}: {report:?}");
    check_no_second_copy(&world);
    check_truth(&report, &world);
    true
}

#[test]
fn before_every_step() {
    for guard in [Guard::On, Guard::Off] {
        let end = (1..).find(|&step| !survives(Kill::Before(step), Service { guard, ..service() })).unwrap();
        assert!(end > 30, "{end} steps are not a job");
    }
}

#[test]
fn during_every_request() {
    for guard in [Guard::On, Guard::Off] {
        let end = (1..).find(|&step| !survives(Kill::During(step), Service { guard, ..service() })).unwrap();
        assert!(end > 15, "{end} requests are not a job");
    }
}

#[test]
fn during_the_request_for_copies_that_is_lost_as_well() {
    for fault in [Fault::DropBefore, Fault::DropAfter, Fault::NotSent, Fault::Error("InternalError")] {
        for number in 1..20 {
            survives(Kill::During(number), service().faulty(fault, "SyncImages", HOME, 1));
        }
    }
}

/// The answer names the copies: they are known before anything else is asked.
#[test]
fn right_after_the_answer_to_the_request_for_copies() {
    let all = ["ap-guangzhou", "ap-beijing", "ap-chengdu", "ap-nanjing", "ap-hongkong", "ap-tokyo"];
    let job = ImageSync::of([SOURCE, "img-source02", "img-source03"]).to(all);
    for number in 1.. {
        let mut world = World::new(service());
        if world.process(&job, Kill::During(number)).is_some() {
            break;
        }
        let Some(disk) = &world.disk else { continue };
        let report = SyncState::from_bytes(disk).unwrap().report();
        let is_known = |id: &String| report.destinations.iter().any(|of| of.image_id.as_ref() == Some(id));
        assert!(world.heard.iter().all(is_known), "{number}: {report:?}");
    }
}

/// The clock was a day ahead when the request went out, and has been put right.
#[test]
fn with_a_clock_that_was_wrong() {
    for fault in [Fault::DropBefore, Fault::DropAfter] {
        let mut world = World::new(service().faulty(fault, "SyncImages", HOME, 1));
        let began = world.unix;
        world.unix += 86_400_000;
        let report = world.run(job().timeout(std::time::Duration::from_secs(3))).unwrap();
        assert_eq!(outcomes(&report)[0].1, Outcome::Unknown);
        let ahead = world.unix - began;
        world.unix = began;
        for images in world.service.images.values_mut().flatten() {
            images.visible_from = images.visible_from.saturating_sub(ahead);
            images.copying = images.copying.map(|(since, fate)| (since - ahead, fate));
            images.outgoing.iter_mut().for_each(|(since, _)| *since -= ahead);
        }
        let report = world.run(job()).unwrap();
        assert!(report.is_complete(), "{fault:?}: {report:?}");
        assert!(world.unix - began < 200_000, "{}", world.unix - began);
        check_no_second_copy(&world);
    }
}

#[test]
fn again_and_again_at_the_same_place() {
    for place in 4..16 {
        let mut world = World::new(service());
        for _ in 0..10 {
            if world.process(&job(), Kill::During(place)).is_some() {
                break;
            }
            world.unix += 7_000;
        }
        let report = world.process(&job(), Kill::Never).unwrap().unwrap();
        assert!(report.is_complete(), "{report:?}");
        check_no_second_copy(&world);
    }
}

#[test]
fn a_copy_that_ended_while_nobody_was_there() {
    let mut with_failure = service();
    with_failure.fates.insert("ap-beijing", Fate::Fails);
    let mut world = World::new(with_failure);
    assert!(world.process(&job(), Kill::During(12)).is_none());
    assert_eq!(world.service.accepted.len(), 1);
    world.unix += 86_400_000;
    let report = world.process(&job(), Kill::Never).unwrap().unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Failed)]);
    check_truth(&report, &world);
}

#[test]
fn a_job_that_ran_out_of_time_goes_on_where_it_was() {
    let mut world = World::new(service());
    let short = job().timeout(std::time::Duration::from_secs(30));
    let report = world.process(&short, Kill::Never).unwrap().unwrap();
    assert!(report.is_timed_out());
    let state = world.state();
    assert!(!state.is_finished());
    assert!(
        state.report().destinations.iter().all(|of| of.outcome == Outcome::Started && of.image_id.is_some())
    );
    // The limit was that run's own: the next one has the usual one.
    assert!(world.process(&job(), Kill::Never).unwrap().unwrap().is_complete());
    assert_eq!(world.service.accepted.len(), 1);
    assert!(world.state().is_finished());
}

#[test]
fn a_finished_job_that_is_run_again_looks_and_sends_nothing() {
    let mut world = World::new(service());
    let first = world.process(&job(), Kill::Never).unwrap().unwrap();
    let asked = world.service.log.len();
    let second = world.process(&job(), Kill::Never).unwrap().unwrap();
    assert!(second.destinations.iter().all(|of| of.outcome == Outcome::Present), "{second:?}");
    let ids = |report: &cvm_proto::SyncReport| {
        report.destinations.iter().map(|of| of.image_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&second), ids(&first));
    assert_eq!(world.service.log.len() - asked, 3, "the source, and each copy by its id");
}

#[test]
fn a_state_that_was_changed_is_refused() {
    let mut world = World::new(service());
    world.process(&job(), Kill::During(6));
    let bytes = world.disk.take().unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(!text.contains("not-a-real-key") && !text.contains("AKID"), "no secret is written down: {text}");
    let newer = text.replacen(r#""version":2"#, r#""version":3"#, 1);
    let error = SyncState::from_bytes(newer.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("version 3") && error.contains("1 and 2"), "{error}");
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(SyncState::from_bytes(&flipped).is_err(), "byte {at}, bit {bit}");
        }
        assert!(SyncState::from_bytes(&bytes[..at]).is_err(), "cut off at {at}");
    }
    // An editor's byte order mark says nothing; in another encoding it is no state any more, and the error says so.
    assert!(SyncState::from_bytes(&[b"\xEF\xBB\xBF", &bytes[..]].concat()).is_ok());
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = SyncState::from_bytes(&wide).unwrap_err().to_string();
    assert!(error.ends_with("it is UTF-16: save it as UTF-8"), "{error}");
}
