//! Whatever goes wrong, and wherever the process is killed: no second copy, none lost, and a report that is true.

use std::time::Duration;

use cvm_proto::{ImageSync, Outcome};
use proptest::prelude::*;

use super::service::{Fate, Fault, Guard, Service};
use super::world::{Kill, World, check_no_second_copy, check_truth};

const IMAGES: [&str; 3] = ["img-source01", "img-source02", "img-source03"];
const REGIONS: [&str; 6] =
    ["ap-guangzhou", "ap-beijing", "ap-chengdu", "ap-nanjing", "ap-hongkong", "ap-tokyo"];

const BUSY: Fault = Fault::Error("FailedOperation.InvalidImageState");

fn faults() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![
        Fault::Error("InternalError"),
        Fault::Error("RequestLimitExceeded"),
        BUSY,
        Fault::BadGateway,
        Fault::NotSent,
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::Truncated,
    ])
}

fn kills() -> impl Strategy<Value = Kill> {
    prop_oneof![(1_usize..60).prop_map(Kill::Before), (1_usize..40).prop_map(Kill::During)]
}

#[derive(Clone, Debug)]
struct Plan {
    images: usize,
    regions: usize,
    /// By the number of the request.
    faults: Vec<(usize, Fault)>,
    kills: Vec<(Kill, u64)>,
    fates: Vec<(usize, Fate)>,
    hidden_millis: u64,
    guards_names: bool,
    copy_millis: u64,
    seed: u64,
}

fn plans() -> impl Strategy<Value = Plan> {
    let fate = prop::sample::select(vec![Fate::Fails, Fate::Never]);
    (
        (1_usize..=3, 1_usize..=6),
        prop::collection::vec((0_usize..120, faults()), 0..25),
        prop::collection::vec((kills(), 0_u64..30_000), 0..12),
        prop::collection::vec((0_usize..6, fate), 0..2),
        (0_u64..40_000, any::<bool>(), 1_000_u64..90_000, 0_u64..1_000_000),
    )
        .prop_map(|((images, regions), faults, kills, fates, rest)| {
            let (hidden_millis, guards_names, copy_millis, seed) = rest;
            Plan { images, regions, faults, kills, fates, hidden_millis, guards_names, copy_millis, seed }
        })
}

/// A case is a whole job with all its processes, and takes as long as many cases of other properties.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(8), failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn prop_no_copy_is_made_twice_or_lost(plan in plans()) {
        let mut number = 0;
        let at = plan.faults.clone();
        let mut service = Service {
            hidden_millis: plan.hidden_millis,
            guard: if plan.guards_names { Guard::On } else { Guard::Off },
            copy_millis: plan.copy_millis,
            fault: Box::new(move |action, _| {
                number += 1;
                let fault = at.iter().find(|(of, _)| *of == number).map(|(_, fault)| *fault);
                // Only a request for copies minds the source's state; to any other that is a refusal for good.
                fault.filter(|fault| action == "SyncImages" || *fault != BUSY)
            }),
            ..Service::default()
        };
        for (region, fate) in &plan.fates {
            service.fates.insert(REGIONS[*region], *fate);
        }
        let mut world = World::new(service);
        world.unix += plan.seed;
        let job = ImageSync::of(IMAGES[..plan.images].iter().copied())
            .to(REGIONS[..plan.regions].iter().copied())
            .timeout(Duration::from_secs(1800));
        let mut outcome = None;
        for (kill, pause) in &plan.kills {
            outcome = world.process(&job, *kill);
            if outcome.is_some() {
                break;
            }
            world.unix += pause;
        }
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => world.process(&job, Kill::Never).unwrap(),
        };
        check_no_second_copy(&world);
        let report = outcome.map_err(|error| TestCaseError::fail(error.to_string()))?;
        check_truth(&report, &world);
        for of in &report.destinations {
            let fate = world.service.fates.get(of.region.as_str()).copied().unwrap_or(Fate::Fine);
            let expected = match fate {
                Fate::Fine => of.outcome == Outcome::Copied || of.outcome == Outcome::Present,
                // Whoever finds the remains of an earlier run finds the name taken.
                Fate::Fails => matches!(of.outcome, Outcome::Failed | Outcome::Conflict),
                // It also holds up what has to be started after it.
                Fate::Never => of.outcome == Outcome::TimedOut,
            };
            let held_up = plan.fates.iter().any(|(_, fate)| *fate == Fate::Never)
                && of.outcome == Outcome::TimedOut
                && of.image_id.is_none();
            prop_assert!(expected || held_up, "{of:?}");
        }
    }
}
