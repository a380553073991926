//! The faults that an endpoint has, and which of them go off.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Effect, Fault, Hiding, stream};
use crate::ids::Stream;
use crate::lock::lock;

/// The faults of an endpoint, in the order in which they were added.
#[derive(Debug)]
pub struct Faults(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    faults: VecDeque<(u64, Fault)>,
    /// The regions that the endpoint has.
    regions: Vec<Arc<str>>,
    last_id: u64,
    stream: Stream,
}

/// What the faults make of one request.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct RequestFaults {
    pub(crate) latency: Duration,
    pub(crate) effect: Option<Effect>,
}

/// What the faults make of one new image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImageFaults {
    pub(crate) creation: Option<CreationFault>,
    pub(crate) hiding: Option<Hiding>,
}

/// What goes wrong while an image is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CreationFault {
    Fails,
    NeverEnds,
}

impl Faults {
    pub(crate) fn new(seed: u64, regions: Vec<Arc<str>>) -> Self {
        Self(Mutex::new(Inner { faults: VecDeque::new(), regions, last_id: 0, stream: stream(seed) }))
    }

    /// Adds a fault behind the others; returns the id to [remove](Self::remove) it by. No id is used twice.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] with a sentence if the fault is for an action that neither cvm nor sts has, or for a
    /// region that the endpoint does not have: it would never go off.
    pub fn push(&self, fault: Fault) -> io::Result<u64> {
        let mut inner = lock(&self.0);
        fault.check(&inner.regions).map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        Ok(inner.add(fault))
    }

    /// The faults that are not used up yet, with their ids and how often each still goes off.
    pub fn list(&self) -> Vec<(u64, Fault)> {
        lock(&self.0).faults.iter().cloned().collect()
    }

    /// Removes a fault; returns whether it was there.
    pub fn remove(&self, id: u64) -> bool {
        let mut inner = lock(&self.0);
        let before = inner.faults.len();
        inner.faults.retain(|(known, _)| *known != id);
        inner.faults.len() < before
    }

    /// Removes all faults.
    pub fn clear(&self) {
        lock(&self.0).faults.clear();
    }

    /// How many faults are not used up yet.
    pub fn len(&self) -> usize {
        lock(&self.0).faults.len()
    }

    /// Whether there is no fault left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all faults and restarts the numbers for probabilities.
    pub(crate) fn reset(&self, seed: u64, regions: Vec<Arc<str>>) {
        let mut inner = lock(&self.0);
        inner.faults.clear();
        inner.regions = regions;
        inner.stream = stream(seed);
    }

    /// The endpoint has other regions from now on.
    pub(crate) fn set_regions(&self, regions: Vec<Arc<str>>) {
        lock(&self.0).regions = regions;
    }

    pub(crate) fn for_request(&self, action: &str, region: &str) -> RequestFaults {
        let mut trouble = RequestFaults::default();
        lock(&self.0).draw(action, region, |effect| match effect {
            Effect::Latency(delay) => {
                trouble.latency = trouble.latency.saturating_add(*delay);
                true
            }
            Effect::CopyFails | Effect::CopyNeverEnds | Effect::Invisible(_) => false,
            _ if trouble.effect.is_some() => false,
            other => {
                trouble.effect = Some(other.clone());
                true
            }
        });
        trouble
    }

    /// What becomes of a new image that an action makes in a region.
    pub(crate) fn for_image(&self, action: &str, region: &str) -> ImageFaults {
        let mut trouble = ImageFaults::default();
        lock(&self.0).draw(action, region, |effect| match effect {
            Effect::CopyFails => take(&mut trouble.creation, CreationFault::Fails),
            Effect::CopyNeverEnds => take(&mut trouble.creation, CreationFault::NeverEnds),
            Effect::Invisible(hiding) => take(&mut trouble.hiding, *hiding),
            _ => false,
        });
        trouble
    }
}

/// Takes what is found, unless something was found before.
fn take<T>(slot: &mut Option<T>, found: T) -> bool {
    slot.is_none() && slot.replace(found).is_none()
}

impl Inner {
    fn add(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        self.faults.push_back((self.last_id, fault));
        self.last_id
    }

    /// Offers every fault that matches to `take`, which says whether it uses it.
    fn draw(&mut self, action: &str, region: &str, mut take: impl FnMut(&Effect) -> bool) {
        let Self { faults, stream, .. } = self;
        faults.retain_mut(|(_, fault)| {
            if fault.left == Some(0) {
                return false;
            }
            let hit = fault.matches(action, region) && {
                let numbers = fault.own.as_mut().unwrap_or(&mut *stream);
                fault.probability.is_none_or(|probability| numbers.fraction() < probability)
                    && take(&fault.effect)
            };
            if let (true, Some(left)) = (hit, &mut fault.left) {
                *left -= 1;
            }
            fault.left != Some(0)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_seed(seed: u64) -> Faults {
        Faults::new(seed, ["ap-x", "ap-yangon"].map(Arc::from).into())
    }

    impl Faults {
        /// Adds a fault for any action and region.
        fn add(&self, fault: Fault) -> u64 {
            lock(&self.0).add(fault)
        }
    }

    #[test]
    fn a_fault_is_used_up() {
        let faults = with_seed(0);
        faults.add(Fault::drop_before().on("SyncImages").times(2));
        assert_eq!(faults.for_request("DescribeImages", "ap-x").effect, None);
        for _ in 0..2 {
            assert_eq!(faults.for_request("SyncImages", "ap-x").effect, Some(Effect::DropBefore));
        }
        assert_eq!(faults.for_request("SyncImages", "ap-x"), RequestFaults::default());
        assert!(faults.is_empty());
    }

    #[test]
    fn latencies_add_up_and_the_first_other_decides() {
        let faults = with_seed(0);
        faults.add(Fault::latency(Duration::from_secs(1)));
        faults.add(Fault::drop_after().times(1));
        faults.add(Fault::drop_before().times(1));
        faults.add(Fault::latency(Duration::from_secs(2)).in_region("ap-x"));
        let first = faults.for_request("A", "ap-x");
        assert_eq!(first, RequestFaults { latency: Duration::from_secs(3), effect: Some(Effect::DropAfter) });
        assert_eq!(faults.for_request("A", "ap-y").effect, Some(Effect::DropBefore));
        assert_eq!(faults.len(), 2);
    }

    #[test]
    fn copies_have_faults_of_their_own() {
        let faults = with_seed(0);
        faults.add(Fault::copy_fails().in_region("ap-x").times(1));
        faults.add(Fault::copy_never_ends());
        assert_eq!(faults.for_request("SyncImages", "ap-x").effect, None);
        let creation = |region| faults.for_image("SyncImages", region).creation;
        assert_eq!(creation("ap-y"), Some(CreationFault::NeverEnds));
        assert_eq!(creation("ap-x"), Some(CreationFault::Fails));
        assert_eq!(creation("ap-x"), Some(CreationFault::NeverEnds));
    }

    #[test]
    fn an_image_may_be_hidden_and_fail_and_each_counts_for_itself() {
        let faults = with_seed(0);
        let hiding =
            |seconds, late_name_check| Hiding { time: Duration::from_secs(seconds), late_name_check };
        faults.add(Fault::invisible(Duration::from_secs(1)).late_name_check().times(1));
        faults.add(Fault::copy_fails().times(1));
        faults.add(Fault::invisible(Duration::from_secs(2)).on("SyncImages"));
        assert_eq!(faults.for_request("SyncImages", "ap-x"), RequestFaults::default());
        let first = faults.for_image("SyncImages", "ap-x");
        assert_eq!((first.creation, first.hiding), (Some(CreationFault::Fails), Some(hiding(1, true))));
        let second = faults.for_image("SyncImages", "ap-x");
        assert_eq!((second.creation, second.hiding), (None, Some(hiding(2, false))));
        assert_eq!(faults.for_image("CreateImage", "ap-x"), ImageFaults::default());
        assert_eq!(Fault::drop_before().late_name_check(), Fault::drop_before());
    }

    #[test]
    fn a_probability_draws_from_the_seed() {
        let draws = |seed| {
            let faults = with_seed(seed);
            faults.add(Fault::drop_before().probability(0.25));
            (0..1000).map(|_| faults.for_request("A", "").effect.is_some()).collect::<Vec<_>>()
        };
        let hits = draws(1).into_iter().filter(|&hit| hit).count();
        assert!((150..350).contains(&hits), "{hits}");
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
    }

    #[test]
    fn a_fault_with_a_seed_does_not_hear_of_the_others() {
        let draws = |others: usize| {
            let faults = with_seed(1);
            for _ in 0..others {
                faults.add(Fault::latency(Duration::ZERO).probability(0.5));
            }
            faults.add(Fault::drop_before().probability(0.5).seed(7));
            (0..100).map(|_| faults.for_request("A", "").effect.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(draws(0), draws(3));
        assert!(draws(0).contains(&true) && draws(0).contains(&false));
    }

    #[test]
    fn faults_are_listed_and_removed_by_their_ids() {
        let faults = with_seed(0);
        let first = faults.add(Fault::drop_before().times(2));
        let second = faults.add(Fault::drop_after());
        faults.for_request("A", "");
        assert_eq!(faults.list()[0], (first, Fault::drop_before().times(1)));
        assert!(faults.remove(first));
        assert!(!faults.remove(first));
        assert_eq!(faults.list(), [(second, Fault::drop_after())]);
        faults.clear();
        assert_ne!(faults.add(Fault::drop_after()), first, "no id is given twice");
    }

    #[test]
    fn a_fault_that_could_never_go_off_is_refused() {
        let faults = with_seed(0);
        for (fault, expected) in [
            (
                Fault::drop_before().on("DescribeImagez"),
                "there is no action `DescribeImagez`: did you mean `DescribeImages`?",
            ),
            (Fault::drop_before().on("syncimages"), "did you mean `SyncImages`?"),
            (Fault::drop_before().on("GetCallerIdentify"), "did you mean `GetCallerIdentity`?"),
            (Fault::drop_before().on("\n"), "there is no action `\\n`"),
            (
                Fault::copy_fails().in_region("ap-yangoon"),
                "the endpoint has no region `ap-yangoon`: did you mean `ap-yangon`?",
            ),
            (Fault::copy_fails().in_region("yangon"), "did you mean `ap-yangon`?"),
        ] {
            let error = faults.push(fault).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert!(faults.is_empty());
        faults.push(Fault::error("SomethingNew").on("AllocateHosts").in_region("ap-x")).unwrap();
        faults.set_regions(Vec::new());
        faults.push(Fault::drop_before().in_region("ap-x")).unwrap_err();
    }
}
