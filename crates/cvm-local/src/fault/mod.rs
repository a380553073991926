//! Misbehaviour on demand.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::Stream;
use crate::lock::lock;

mod json;

/// Something that goes wrong: what, for which requests, and how often.
///
/// A fault touches requests that are signed correctly. It goes off for every request that it matches until it is used
/// up. Of several that match, latencies add up, and the first of the others decides.
///
/// ```
/// use std::time::Duration;
/// use cvm_local::{CvmLocal, Fault};
///
/// let local = CvmLocal::start()?;
/// local.faults().push(Fault::error("RequestLimitExceeded").on("SyncImages").times(2));
/// local.faults().push(Fault::status(502, "<html>Bad Gateway</html>").in_region("ap-beijing").times(1));
/// local.faults().push(Fault::latency(Duration::from_millis(200)).probability(0.1));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// It is one flat object as JSON: `effect`, what belongs to the effect, and to whom it happens. Without `action`,
/// `region`, `times`, `probability` and `seed` it happens always.
///
/// | `effect` | with | the same in Rust |
/// |---|---|---|
/// | `error` | `code`, `message` (may be left out) | [`error`](Self::error) |
/// | `respond` | `status`, `content_type` (`text/html` if left out), `body` or `body_base64` | [`respond`](Self::respond) |
/// | `latency` | `milliseconds` | [`latency`](Self::latency) |
/// | `drop-before`, `drop-after` | | [`drop_before`](Self::drop_before), [`drop_after`](Self::drop_after) |
/// | `truncate` | | [`truncated`](Self::truncated) |
/// | `copy-fails`, `copy-never-ends` | | [`copy_fails`](Self::copy_fails), [`copy_never_ends`](Self::copy_never_ends) |
/// | `invisible` | `milliseconds` of image time, `late_name_check` (`false` if left out) | [`invisible`](Self::invisible), [`late_name_check`](Self::late_name_check) |
///
/// ```
/// use cvm_local::Fault;
///
/// let json = r#"{ "effect": "error", "code": "RequestLimitExceeded", "action": "SyncImages", "times": 2 }"#;
/// let fault: Fault = serde_json::from_str(json)?;
/// assert_eq!(fault, Fault::error("RequestLimitExceeded").on("SyncImages").times(2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "json::FlatFault", into = "json::FlatFault")]
pub struct Fault {
    effect: Effect,
    action: Option<String>,
    region: Option<String>,
    left: Option<u64>,
    probability: Option<f64>,
    seed: Option<u64>,
    /// The numbers that `seed` gives; without it, those of the endpoint are used.
    own: Option<Stream>,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    Error { code: String, message: String },
    Respond { status: u16, content_type: String, body: Vec<u8> },
    Latency(Duration),
    DropBefore,
    DropAfter,
    Truncate,
    CopyFails,
    CopyNeverEnds,
    Invisible(Hiding),
}

/// For how long a new image is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hiding {
    /// In image time.
    pub(crate) time: Duration,
    /// Whether its name counts as free as long.
    pub(crate) late_name_check: bool,
}

impl Fault {
    fn new(effect: Effect) -> Self {
        Self { effect, action: None, region: None, left: None, probability: None, seed: None, own: None }
    }

    /// The answer is this error code; no work is done.
    pub fn error(code: impl Into<String>) -> Self {
        let code = code.into();
        let message = usual_message(&code);
        Self::new(Effect::Error { code, message })
    }

    /// The answer is this error code with this message; no work is done.
    pub fn error_with(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Effect::Error { code: code.into(), message: message.into() })
    }

    /// The answer has this HTTP status (200 to 999, others count as 500) and this body, as `text/html`, as a broken
    /// gateway writes it; no work is done. The body may be empty.
    pub fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::respond(status, "text/html", body)
    }

    /// The answer has this HTTP status (200 to 999, others count as 500), content type and body; no work is done. With
    /// it an answer can be empty, cut off, or of the wrong type.
    pub fn respond(status: u16, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let status = if (200..=999).contains(&status) { status } else { 500 };
        Self::new(Effect::Respond { status, content_type: content_type.into(), body: body.into() })
    }

    /// The work is done at once, and the answer comes this much later.
    pub fn latency(delay: Duration) -> Self {
        Self::new(Effect::Latency(delay))
    }

    /// The connection is closed before the request is accepted: no work is done, no answer comes.
    pub fn drop_before() -> Self {
        Self::new(Effect::DropBefore)
    }

    /// The connection is closed after the request was accepted: the work is done, no answer comes.
    pub fn drop_after() -> Self {
        Self::new(Effect::DropAfter)
    }

    /// The work is done, and the answer is the first half of the real one.
    pub fn truncated() -> Self {
        Self::new(Effect::Truncate)
    }

    /// A copy, or an image made from an instance or from snapshots, ends as `CREATEFAILED` when its time is over; an
    /// import as `IMPORTFAILED`. [`on`](Self::on) says which of them, [`in_region`](Self::in_region) and
    /// [`times`](Self::times) go by the region of the new image: each one that fails counts.
    pub fn copy_fails() -> Self {
        Self::new(Effect::CopyFails)
    }

    /// A copy stays `SYNCING`, another new image `CREATING` or `IMPORTING`. What is said of
    /// [`copy_fails`](Self::copy_fails) holds here, too.
    pub fn copy_never_ends() -> Self {
        Self::new(Effect::CopyNeverEnds)
    }

    /// A new image is not seen before this much image time has passed: no list has it, and no action finds it by its id.
    /// It is there all the same: the answer names it, it counts against the quota, and its name is taken. What is said of
    /// [`copy_fails`](Self::copy_fails) of which images these are holds here, too; one image may have both faults.
    pub fn invisible(time: Duration) -> Self {
        Self::new(Effect::Invisible(Hiding { time, late_name_check: false }))
    }

    /// The name of an [`invisible`](Self::invisible) image counts as free until the image is seen, as with a service that
    /// checks names late. Another fault stays as it is.
    #[must_use]
    pub fn late_name_check(mut self) -> Self {
        if let Effect::Invisible(hiding) = &mut self.effect {
            hiding.late_name_check = true;
        }
        self
    }

    /// Only for this action, such as `SyncImages`.
    #[must_use]
    pub fn on(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// Only for this region.
    #[must_use]
    pub fn in_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Only this many times; without it, always.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.left = Some(times);
        self
    }

    /// Only with this probability, from 0 to 1, drawn from the seed's numbers; without it, always.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// The probability is drawn from numbers of this fault's own, which begin with `seed`: when it goes off then depends
    /// on no other fault.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self.own = Some(stream(seed));
        self
    }

    fn matches(&self, action: &str, region: &str) -> bool {
        self.action.as_deref().is_none_or(|wanted| wanted == action)
            && self.region.as_deref().is_none_or(|wanted| wanted == region)
    }
}

fn usual_message(code: &str) -> String {
    format!("`{code}` by a fault that was asked for.")
}

/// The faults of an endpoint, in the order in which they were added.
#[derive(Debug)]
pub struct Faults(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    faults: VecDeque<(u64, Fault)>,
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
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(Inner { faults: VecDeque::new(), last_id: 0, stream: stream(seed) }))
    }

    /// Adds a fault behind those that are there; returns the id that it can be taken away by. No id is given twice.
    // Most faults stay until they are used up.
    #[allow(clippy::must_use_candidate)]
    pub fn push(&self, fault: Fault) -> u64 {
        let mut inner = lock(&self.0);
        inner.last_id += 1;
        let id = inner.last_id;
        inner.faults.push_back((id, fault));
        id
    }

    /// The faults that are not used up yet, with their ids and with what is left of their times.
    pub fn list(&self) -> Vec<(u64, Fault)> {
        lock(&self.0).faults.iter().cloned().collect()
    }

    /// Takes one fault away; says whether it was there.
    pub fn remove(&self, id: u64) -> bool {
        let mut inner = lock(&self.0);
        let before = inner.faults.len();
        inner.faults.retain(|(known, _)| *known != id);
        inner.faults.len() < before
    }

    /// Takes all faults away.
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

    /// Takes all faults away and starts the numbers for probabilities again.
    pub(crate) fn reset(&self, seed: u64) {
        let mut inner = lock(&self.0);
        inner.faults.clear();
        inner.stream = stream(seed);
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
fn take<T>(place: &mut Option<T>, found: T) -> bool {
    place.is_none() && place.replace(found).is_none()
}

fn stream(seed: u64) -> Stream {
    Stream::new(seed, 3)
}

impl Inner {
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

    #[test]
    fn a_fault_is_used_up() {
        let faults = Faults::new(0);
        faults.push(Fault::drop_before().on("SyncImages").times(2));
        assert_eq!(faults.for_request("DescribeImages", "ap-x").effect, None);
        for _ in 0..2 {
            assert_eq!(faults.for_request("SyncImages", "ap-x").effect, Some(Effect::DropBefore));
        }
        assert_eq!(faults.for_request("SyncImages", "ap-x"), RequestFaults::default());
        assert!(faults.is_empty());
    }

    #[test]
    fn latencies_add_up_and_the_first_other_decides() {
        let faults = Faults::new(0);
        faults.push(Fault::latency(Duration::from_secs(1)));
        faults.push(Fault::drop_after().times(1));
        faults.push(Fault::drop_before().times(1));
        faults.push(Fault::latency(Duration::from_secs(2)).in_region("ap-x"));
        let first = faults.for_request("A", "ap-x");
        assert_eq!(first, RequestFaults { latency: Duration::from_secs(3), effect: Some(Effect::DropAfter) });
        assert_eq!(faults.for_request("A", "ap-y").effect, Some(Effect::DropBefore));
        assert_eq!(faults.len(), 2);
    }

    #[test]
    fn copies_have_faults_of_their_own() {
        let faults = Faults::new(0);
        faults.push(Fault::copy_fails().in_region("ap-x").times(1));
        faults.push(Fault::copy_never_ends());
        assert_eq!(faults.for_request("SyncImages", "ap-x").effect, None);
        let creation = |region| faults.for_image("SyncImages", region).creation;
        assert_eq!(creation("ap-y"), Some(CreationFault::NeverEnds));
        assert_eq!(creation("ap-x"), Some(CreationFault::Fails));
        assert_eq!(creation("ap-x"), Some(CreationFault::NeverEnds));
    }

    #[test]
    fn an_image_may_be_hidden_and_fail_and_each_counts_for_itself() {
        let faults = Faults::new(0);
        let hiding =
            |seconds, late_name_check| Hiding { time: Duration::from_secs(seconds), late_name_check };
        faults.push(Fault::invisible(Duration::from_secs(1)).late_name_check().times(1));
        faults.push(Fault::copy_fails().times(1));
        faults.push(Fault::invisible(Duration::from_secs(2)).on("SyncImages"));
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
            let faults = Faults::new(seed);
            faults.push(Fault::drop_before().probability(0.25));
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
            let faults = Faults::new(1);
            for _ in 0..others {
                faults.push(Fault::latency(Duration::ZERO).probability(0.5));
            }
            faults.push(Fault::drop_before().probability(0.5).seed(7));
            (0..100).map(|_| faults.for_request("A", "").effect.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(draws(0), draws(3));
        assert!(draws(0).contains(&true) && draws(0).contains(&false));
    }

    #[test]
    fn faults_are_listed_and_removed_by_their_ids() {
        let faults = Faults::new(0);
        let first = faults.push(Fault::drop_before().times(2));
        let second = faults.push(Fault::drop_after());
        faults.for_request("A", "");
        assert_eq!(faults.list()[0], (first, Fault::drop_before().times(1)));
        assert!(faults.remove(first));
        assert!(!faults.remove(first));
        assert_eq!(faults.list(), [(second, Fault::drop_after())]);
        faults.clear();
        assert_ne!(faults.push(Fault::drop_after()), first, "no id is given twice");
    }
}
