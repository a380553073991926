//! Holds what a job says against what is so.

use cvm_proto::{Basis, Destination, Outcome, SyncReport};

use super::service::{HOME, Image, Service};
use super::world::World;

/// How long ago what a process knows may have been seen: its requests are on their way, and what it says comes after.
const GRACE: u64 = 1000;

/// What whoever speaks can know.
#[derive(Clone, Copy)]
pub(crate) struct Witness<'a> {
    /// The ids that stood in answers that arrived here.
    pub heard: &'a [String],
    /// And anywhere.
    pub heard_anywhere: &'a [String],
    /// The job that speaks; without one, it speaks for nobody.
    pub lineage: Option<u64>,
    /// It was told to stop, and may not have looked.
    pub is_cancelled: bool,
}

/// What is not true of what is said about a destination at this time.
pub(crate) fn untruth(of: &Destination, service: &Service, now: u64, witness: Witness<'_>) -> Option<String> {
    let images = service.images.get(&of.region).map_or(&[][..], Vec::as_slice);
    let copies = service.copies(&of.source, &of.region);
    let is_seen = |image: &&Image| image.visible_from <= now;
    let named = of.image_id.as_ref().and_then(|id| images.iter().find(|image| image.id == *id));
    let state = named.map(|image| image.state(now, service.copy_millis).0);
    let has_failed = state.is_some_and(|state| state.ends_with("FAILED"));
    let others = || copies.iter().copied().filter(|copy| Some(&copy.id) != of.image_id.as_ref());
    let is_own = |copy: &&Image| witness.lineage == Some(copy.maker);
    let told = |wrong: &str| Some(format!("{wrong}: {of:?}, at {now}; really {images:?}"));
    if service.meddled.iter().any(|at| now < at + GRACE) {
        return None;
    }
    let error = of.error.as_ref().map(ToString::to_string);
    if error.is_none()
        && !matches!(of.outcome, Outcome::Copied | Outcome::Present | Outcome::Started)
        && !matches!(of.outcome, Outcome::Cancelled | Outcome::Planned)
        && (of.outcome, of.region.as_str()) != (Outcome::Skipped, HOME)
    {
        return told("it does not say why");
    }
    match of.outcome {
        Outcome::Copied | Outcome::Present => {
            let Some(image) = named.filter(is_seen) else { return told("it is not there") };
            if state != Some("NORMAL") {
                return told("it cannot be used");
            }
            let facts = of.image.as_ref();
            let fits = facts.is_some_and(|facts| {
                (facts.name.as_str(), facts.os_name.as_str()) == (image.name.as_str(), image.os)
                    && (facts.image_size, facts.created_time.as_str()) == (image.size, image.created.as_str())
            });
            if !fits {
                return told("it does not look like this");
            }
            let is_right = match of.basis {
                Some(Basis::Answered) => witness.heard_anywhere.contains(&image.id),
                Some(Basis::Appeared | Basis::Found) => !witness.heard.contains(&image.id),
                _ => false,
            };
            if !is_right {
                return told("it rests on something else");
            }
        }
        Outcome::Gone => {
            if named.is_some() || copies.iter().any(|copy| copy.made_at + GRACE < now) {
                return told("it is not gone");
            }
        }
        Outcome::Skipped if of.region == HOME => {
            if of.image_id.as_ref() != Some(&of.source) || !of.notes.iter().any(|note| note.contains(HOME)) {
                return told("it does not say that the image is there already");
            }
        }
        Outcome::Conflict | Outcome::Skipped => {
            let Some(image) = named.filter(is_seen) else { return told("nothing is in the way") };
            if !error.is_some_and(|error| error.contains(&image.id)) {
                return told("it does not say what is in the way");
            }
            if of.outcome == Outcome::Skipped && !matches!(state, Some("NORMAL" | "SYNCING")) {
                return told("what is there is of no use");
            }
            if others().any(|copy| is_seen(&copy)) {
                return told("there is a copy");
            }
        }
        Outcome::Failed => {
            if of.image_id.is_some() && !has_failed {
                return told("it has not failed");
            }
            if others().any(|copy| is_own(&copy)) {
                return told("there is a copy that nobody tells of");
            }
        }
        Outcome::Started => {
            if named.is_none() && error.is_none() {
                return told("nothing was started");
            }
        }
        Outcome::TimedOut | Outcome::Cancelled => {
            if of.image_id.is_none() && others().any(|copy| is_own(&copy)) {
                return told("there is a copy that nobody tells of");
            }
            if of.image_id.is_some() && named.is_none() && error.is_none() {
                return told("it is not there");
            }
        }
        Outcome::Unknown => {
            let is_hidden = images
                .iter()
                .any(|image| now < image.visible_from.max(image.typed_from).saturating_add(GRACE));
            let is_out = service.holds_something();
            let is_lost = !service.unheard.is_empty() && !copies.iter().any(is_seen_by_all(now));
            let is_missing = of.image_id.is_some() && named.is_none();
            // A name that was taken when it was asked for; its holder has been deleted since.
            let is_fault = service.faulted.is_some_and(|at| now < at + 3 * GRACE);
            let is_news = service.meddled.iter().any(|at| now < at + 310_000);
            if !(witness.is_cancelled || is_fault || is_news || is_hidden || is_out || is_lost || is_missing)
            {
                return told("nothing is unknown");
            }
        }
        Outcome::Planned => {
            if !copies.is_empty() {
                return told("there is a copy");
            }
        }
        _ => return told("an outcome that nobody knows"),
    }
    None
}

fn is_seen_by_all(now: u64) -> impl Fn(&&Image) -> bool {
    move |image| image.visible_from <= now
}

/// Holds a report against the truth, and everything that was said on the way.
pub(crate) fn check_truth(report: &SyncReport, world: &World) {
    assert!(world.untruths.is_empty(), "{:#?}", world.untruths);
    // What has shown since it was not to be seen, and what somebody has changed, is nobody's lie.
    let lasts = |of: &&Destination| of.outcome != Outcome::Unknown && world.service.meddled.is_empty();
    for of in report.destinations.iter().filter(lasts) {
        let witness =
            Witness { heard: &[], heard_anywhere: &world.heard, lineage: None, is_cancelled: false };
        let untruth = untruth(of, &world.service, world.unix, witness);
        assert!(untruth.is_none(), "{untruth:?}");
    }
}

/// No region has two copies of one source.
pub(crate) fn check_no_second_copy(world: &World) {
    for (region, images) in &world.service.images {
        for image in images {
            if let Some(source) = &image.source {
                let copies = world.service.copies(source, region);
                assert_eq!(copies.len(), 1, "second copy of {source} in {region}: {copies:?}");
            }
        }
    }
}
