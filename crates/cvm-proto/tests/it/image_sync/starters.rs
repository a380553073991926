//! Whoever starts the job, with whatever goes wrong: no second copy, and not one untrue sentence.

use std::time::Duration;

use cvm_proto::{Cancel, Destination, ErrorKind, ImageSync, Outcome, SyncRun};
use proptest::prelude::*;

use super::service::{Fault, HOME, Image, Service};
use super::world::{Ended, Kill, World, check_no_second_copy, check_truth};

const IMAGES: [&str; 2] = ["img-source01", "img-source02"];
const REGIONS: [&str; 4] = ["ap-guangzhou", "ap-beijing", "ap-chengdu", "ap-tokyo"];

/// Where a starter keeps the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Journal {
    None,
    /// One of these.
    At(usize),
}

/// One who starts the job, or resumes it.
#[derive(Clone, Debug)]
struct Starter {
    journal: Journal,
    /// Resumes what is kept, if anything is.
    resumes: bool,
    /// How far the list of regions is turned, and how many of them it has.
    turned: usize,
    regions: usize,
    images: usize,
    /// The usual one, one more of the same account, or another account's.
    key: &'static str,
    delete_failed: bool,
    own_copies: bool,
    wait: bool,
    timeout: u64,
    settle: u64,
    each: Option<u64>,
    /// How long it waits between two looks at first, in milliseconds.
    rhythm: u64,
    /// After so many steps.
    cancels: Option<usize>,
    kill: Kill,
    /// How long nobody does anything after it.
    pause: u64,
    /// Another one runs beside it, with a journal of its own.
    beside: Option<u64>,
}

#[derive(Clone, Debug)]
struct Plan {
    starters: Vec<Starter>,
    /// By the number of the request.
    faults: Vec<(usize, Fault)>,
    hidden: Vec<u64>,
    typeless: u64,
    copy_millis: u64,
    /// Regions where a copy that failed has the name.
    left: Vec<usize>,
    hides_ids: bool,
    /// A region where another image has the name, or one that the service takes for the same.
    other: Option<(usize, bool)>,
    /// What somebody does, so many milliseconds after the beginning: deletes a copy, or takes it out of sight for so long.
    deeds: Vec<(u64, usize, Option<u64>)>,
}

fn faults() -> impl Strategy<Value = Fault> {
    prop_oneof![
        prop::sample::select(vec![
            Fault::Error("InternalError"),
            Fault::Error("RequestLimitExceeded"),
            Fault::BadGateway,
            Fault::NotSent,
            Fault::DropBefore,
            Fault::DropAfter,
            Fault::Truncated,
            Fault::Replaced("InternalError"),
            Fault::Replaced(""),
            Fault::IdsLeftOut,
        ]),
        (1_000_u64..60_000).prop_map(Fault::Held),
    ]
}

fn kills() -> impl Strategy<Value = Kill> {
    prop_oneof![
        2 => Just(Kill::Never),
        3 => (1_usize..80).prop_map(Kill::Before),
        3 => (1_usize..40).prop_map(Kill::During),
        2 => (1_usize..30, 100_u64..40_000).prop_map(|(number, millis)| Kill::Holding(number, millis)),
    ]
}

fn starters() -> impl Strategy<Value = Starter> {
    let journal = prop_oneof![1 => Just(Journal::None), 4 => (0_usize..2).prop_map(Journal::At)];
    let key = prop::sample::select(vec!["AKIDexample", "AKIDexample", "AKIDrotated", "AKIDother"]);
    (
        (journal, any::<bool>(), 0_usize..4, 3_usize..=4, 1_usize..=2, key),
        (any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.8), 5_u64..1200, 0_u64..90),
        (
            kills(),
            0_u64..400_000,
            prop::option::weighted(0.3, any::<u64>()),
            prop::option::weighted(0.2, 1_u64..300),
            prop::option::weighted(0.2, 1_usize..120),
            prop::sample::select(vec![2_000, 2_000, 0, 300, 12_000]),
        ),
    )
        .prop_map(|(first, second, third)| {
            let (journal, resumes, turned, regions, images, key) = first;
            let (delete_failed, own_copies, wait, timeout, settle) = second;
            let (kill, pause, beside, each, cancels, rhythm) = third;
            Starter {
                journal,
                resumes,
                turned,
                regions,
                images,
                key,
                delete_failed,
                own_copies,
                wait,
                timeout,
                settle,
                each,
                rhythm,
                cancels,
                kill,
                pause,
                beside,
            }
        })
}

fn plans() -> impl Strategy<Value = Plan> {
    let hidden = prop_oneof![Just(0), Just(8_000), 0_u64..100_000, 100_000_u64..500_000];
    (
        prop::collection::vec(starters(), 1..6),
        prop::collection::vec((1_usize..150, faults()), 0..8),
        prop::collection::vec(hidden, 4),
        prop_oneof![3 => Just(0), 1 => 0_u64..100_000],
        (1_000_u64..120_000, prop::collection::vec(0_usize..4, 0..2), prop::bool::weighted(0.1)),
        prop::option::weighted(0.2, (0_usize..4, any::<bool>())),
        prop::collection::vec((0_u64..900_000, 0_usize..4, prop::option::of(1_u64..400_000)), 0..3),
    )
        .prop_map(
            |(starters, faults, hidden, typeless, (copy_millis, left, hides_ids), other, deeds)| Plan {
                starters,
                faults,
                hidden,
                typeless,
                copy_millis,
                left,
                hides_ids,
                other,
                deeds,
            },
        )
}

impl Plan {
    fn world(&self) -> World {
        let mut number = 0;
        let faults = self.faults.clone();
        let mut service = Service {
            hidden_in: REGIONS.into_iter().zip(self.hidden.iter().copied()).collect(),
            typeless_millis: self.typeless,
            copy_millis: self.copy_millis,
            hides_ids: self.hides_ids,
            fault: Box::new(move |action, region| {
                number += 1;
                let fault = faults.iter().find(|(of, _)| *of == number).map(|(_, fault)| *fault);
                // A source that a list leaves out is another matter.
                fault.filter(|fault| {
                    *fault != Fault::IdsLeftOut || action != "DescribeImages" || region != HOME
                })
            }),
            ..Service::default()
        };
        service.accounts.insert("AKIDother", "2000");
        for region in &self.left {
            let created = "2019-01-01T00:00:00Z".into();
            let id = format!("img-left{region:04}");
            if service.images[REGIONS[*region]].is_empty() {
                let left = Image { state: "CREATEFAILED", created, ..Image::new(&id, "base") };
                service = service.add(REGIONS[*region], left);
            }
        }
        if let Some((region, differs)) = self.other {
            let (name, os) = if differs { ("base", "CentOS 7.6 64bit") } else { ("Base", "") };
            let other = Image { created: "2019-01-01T00:00:00Z".into(), ..Image::new("img-other001", name) };
            let other = if differs { Image { os, ..other } } else { other };
            let images = service.images.get_mut(REGIONS[region]).unwrap();
            images.clear();
            images.push(other);
            service.guard_folds = true;
        }
        let mut world = World::new(service);
        for (after, region, hides) in &self.deeds {
            let (at, region, hides) = (world.unix + after, REGIONS[*region], *hides);
            world.service.somebody(at, move |service| {
                let images = service.images.get_mut(region).unwrap();
                let Some(copy) = images.iter_mut().find(|image| image.source.is_some()) else { return };
                if let Some(millis) = hides {
                    copy.visible_from = copy.visible_from.max(at + millis);
                    return;
                }
                let (id, made) = (copy.id.clone(), copy.copying);
                service.remove(region, &id);
                for source in service.images.get_mut(HOME).unwrap() {
                    source.outgoing.retain(|copy| Some(*copy) != made);
                }
            });
        }
        world
    }
}

impl Starter {
    fn run(&self) -> SyncRun {
        SyncRun::new()
            .timeout(Duration::from_secs(self.timeout))
            .settle(Duration::from_secs(self.settle))
            .destination_timeout(Duration::from_secs(self.each.unwrap_or(0)))
            .delete_failed(self.delete_failed)
            .own_copies(self.own_copies)
            .wait(self.wait)
            .poll_every(Duration::from_millis(self.rhythm))
    }

    fn job(&self) -> ImageSync {
        let mut regions = REGIONS[..self.regions].to_vec();
        regions.rotate_left(self.turned % self.regions);
        ImageSync::of(IMAGES[..self.images].iter().copied()).to(regions).with_run(self.run())
    }

    /// Does what it does; what it says is held against the truth as it is said.
    fn start(&self, world: &mut World, journals: &mut [Option<Vec<u8>>; 3]) -> Result<(), TestCaseError> {
        world.key = self.key;
        world.disk = match self.journal {
            Journal::None => None,
            Journal::At(at) => journals[at].take(),
        };
        let before = world.disk.clone();
        let cancel = Cancel::new();
        world.cancels = self.cancels.map(|step| (cancel.clone(), step));
        let run = self.run().cancel_with(&cancel);
        let job = self.job().cancel_with(&cancel);
        let ended = match self.beside {
            Some(seed) => self.start_beside(world, journals, seed),
            None if self.journal == Journal::None => world.unkept(&job, self.kill),
            None if self.resumes && before.is_some() => world.resume(run, self.kill),
            None => world.process(&job, self.kill),
        };
        world.cancels = None;
        if let Some(ended) = &ended {
            self.check(ended, world, before.as_ref())?;
        }
        if let Journal::At(at) = self.journal {
            journals[at] = world.disk.take();
        }
        world.unix += self.pause;
        world.service.tick(world.unix);
        Ok(())
    }

    fn start_beside(
        &self,
        world: &mut World,
        journals: &mut [Option<Vec<u8>>; 3],
        seed: u64,
    ) -> Option<Ended> {
        let disk = world.disk.take();
        let one = match world.start(&self.job(), disk.clone()) {
            Ok(process) => process,
            Err(error) => {
                world.disk = disk;
                return Some(Err(error));
            }
        };
        let third = journals[2].take();
        let other = match world.start(&self.job(), third.clone()) {
            Ok(process) => process,
            Err(_) => world.start(&self.job(), None).unwrap(),
        };
        let mut both = world.together(vec![one, other], seed);
        journals[2] = both.pop().unwrap().1;
        let (ended, disk) = both.pop().unwrap();
        world.disk = disk;
        Some(ended)
    }

    fn check(&self, ended: &Ended, world: &World, before: Option<&Vec<u8>>) -> Result<(), TestCaseError> {
        match ended {
            Ok(report) => {
                for of in &report.destinations {
                    let by_another = self.key == "AKIDother" && of.image_id.is_some();
                    let has_seen = matches!(of.outcome, Outcome::Copied | Outcome::Present);
                    prop_assert!(!(by_another && has_seen), "{of:?}");
                }
            }
            Err(error) => {
                let is_refusal = error.kind() == ErrorKind::Config;
                let is_fault = error.is_retryable() || error.kind() == ErrorKind::Response;
                let is_unseen = error.is_not_found() && self.key == "AKIDother";
                prop_assert!(is_refusal || is_fault || is_unseen, "{error}");
                if is_refusal || is_unseen {
                    prop_assert_eq!(world.disk.as_ref(), before, "nothing is touched");
                }
            }
        }
        Ok(())
    }
}

/// A case is a whole story, and takes as long as many cases of other properties.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.div_ceil(4), failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn prop_whoever_starts_it_makes_no_second_copy_and_says_nothing_untrue(plan in plans()) {
        let mut world = plan.world();
        let mut journals = [None, None, None];
        for starter in &plan.starters {
            starter.start(&mut world, &mut journals)?;
            check_no_second_copy(&world);
            prop_assert!(world.untruths.is_empty(), "{:#?}", world.untruths);
        }
        // An hour later, and without any more trouble, everything is where it was to go.
        world.unix += 3_600_000;
        world.service.tick(world.unix);
        world.service.fault = Box::new(|_, _| None);
        world.service.hidden_in.clear();
        world.key = "AKIDexample";
        for journal in journals.into_iter().flatten().map(Some).chain([None]) {
            world.disk = journal;
            let report = if world.disk.is_some() {
                // Whoever resumes makes no copy where it had ended.
                let report = world.resume(SyncRun::new(), Kill::Never).unwrap();
                let report = report.map_err(|error| TestCaseError::fail(error.to_string()))?;
                check_truth(&report, &world);
                continue;
            } else { world.run(ImageSync::of(IMAGES).to(REGIONS).delete_failed(true)) };
            let report = report.map_err(|error| TestCaseError::fail(error.to_string()))?;
            check_no_second_copy(&world);
            check_truth(&report, &world);
            let is_taken = |of: &Destination| {
                let region = plan.other.map(|(region, _)| REGIONS[region]);
                of.source == IMAGES[0] && Some(of.region.as_str()) == region && of.outcome == Outcome::Conflict
            };
            let is_good = |of: &Destination| of.outcome.is_good() || is_taken(of);
            prop_assert!(report.destinations.iter().all(is_good), "{:#?}", report);
        }
    }
}
