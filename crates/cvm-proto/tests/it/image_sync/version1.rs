//! Jobs that a build before this one wrote down.

use cvm_proto::{Basis, ImageSync, Outcome, SyncEndpoint, SyncRun, SyncState};

use super::service::{Fate, HOME, Service};
use super::world::{Kill, World, check_no_second_copy, check_truth, outcomes};
use crate::driver::config;

/// The request for all three copies was out.
const SENT: &str = include_str!("../../data/sync-v1-sent.json");
/// One region had its copy, in one it had failed, and the third was on its way.
const COPYING: &str = include_str!("../../data/sync-v1-copying.json");

const REGIONS: [&str; 3] = ["ap-guangzhou", "ap-beijing", "ap-tokyo"];

fn job() -> ImageSync {
    ImageSync::new("img-source01").to(REGIONS).name("golden").max_size(100)
}

/// A world in which the build before was at work until it was killed.
fn world(journal: &str, accepted: bool) -> World {
    let mut service = Service::default();
    service.fates.insert("ap-beijing", Fate::Fails);
    let mut world = World::new(service);
    if accepted {
        // The copies that it started.
        world.run(job().wait(false)).unwrap();
    }
    if journal == COPYING {
        world.unix += 75_000;
    }
    world.disk = Some(journal.as_bytes().to_vec());
    world
}

#[test]
fn are_read_as_what_they_say() {
    for journal in [SENT, COPYING] {
        let state = SyncState::from_bytes(journal.as_bytes()).unwrap();
        assert_eq!(
            (state.images(), state.regions()),
            (&["img-source01".to_owned()][..], &REGIONS.map(String::from)[..])
        );
        assert_eq!((state.source_region(), state.is_finished()), (HOME, false));
        assert_eq!(state.endpoint(), &SyncEndpoint::of(&config()), "it was always the service's own");
        assert!(state.clone().resume(SyncRun::new(), &SyncEndpoint::embedded()).is_err());
        // It is written in the format of this build.
        let bytes = state.to_bytes();
        assert_eq!(SyncState::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    }
    let report = SyncState::from_bytes(COPYING.as_bytes()).unwrap().report();
    let expected = [Outcome::Copied, Outcome::Failed, Outcome::Started];
    assert!(report.destinations.iter().map(|of| of.outcome).eq(expected));
}

#[test]
fn are_resumed() {
    let mut world = world(SENT, true);
    let report = world.resume(SyncRun::new(), Kill::Never).unwrap().unwrap();
    assert_eq!(
        report.destinations.iter().map(|of| of.outcome).collect::<Vec<_>>(),
        [Outcome::Copied, Outcome::Failed, Outcome::Copied]
    );
    assert!(
        report
            .destinations
            .iter()
            .all(|of| of.outcome != Outcome::Copied || of.basis == Some(Basis::Appeared))
    );
    check_truth(&report, &world);
    check_no_second_copy(&world);
    assert_eq!(world.service.accepted.len(), 1);
}

#[test]
fn are_the_same_job_when_it_is_started_again() {
    for (journal, accepted) in [(SENT, true), (COPYING, true), (SENT, false)] {
        let mut world = world(journal, accepted);
        let report = world.process(&job(), Kill::Never).unwrap().unwrap();
        let expected = match (journal, accepted) {
            // What had ended is looked at again: the copy that failed has the name.
            (COPYING, _) => Outcome::Conflict,
            _ => Outcome::Failed,
        };
        let all = [(REGIONS[0], Outcome::Copied), (REGIONS[1], expected), (REGIONS[2], Outcome::Copied)];
        assert_eq!(outcomes(&report), all, "{report:?}");
        check_truth(&report, &world);
        check_no_second_copy(&world);
        assert_eq!(world.service.accepted.len(), 1);
        assert!(world.service.images["ap-tokyo"].iter().all(|image| image.name == "golden"));
    }
    let mut world = world(SENT, true);
    let error = world.process(&job().max_size(200), Kill::Never).unwrap().unwrap_err().to_string();
    assert!(error.contains("size limit (max_size) is 100 GiB, not 200 GiB"), "{error}");
}
