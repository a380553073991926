//! The job as it is written down, so that it can be resumed after a crash.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::image_traits::Traits;
use super::job::SyncJob;
use super::{Basis, Destination, ImageFacts, Outcome, SyncEndpoint, SyncReport};
use crate::error::Error;

/// Everything that a sync job needs to be resumed.
///
/// It holds the job, and nothing of a run: whoever [resumes](Self::resume) it says anew how long to wait. It has no
/// secret: no credential, and of the endpoint only where it is. [`to_bytes`](Self::to_bytes) gives what belongs into a
/// file; as a serde value it carries the version of its format, and refuses to be read in another. Its form is not part of
/// this crate's interface; what it says is asked with [`report`](Self::report).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncState {
    version: Version,
    pub(super) endpoint: SyncEndpoint,
    /// The profile that it was begun with: a name, for people.
    pub(super) profile: Option<String>,
    /// The number of the account, where one was asked for.
    pub(super) account: Option<String>,
    /// When it was begun, in seconds since 1970.
    pub(super) begun: Option<u64>,
    pub(super) last_error: Option<String>,
    pub(super) job: SyncJob,
    pub(super) sources: Vec<Source>,
}

/// The version of the format: written always, and checked when read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version;

/// The version that this build writes.
pub(super) const VERSION: u32 = 2;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            VERSION => Ok(Self),
            other => Err(serde::de::Error::custom(wrong_version(other))),
        }
    }
}

pub(super) fn wrong_version(other: u32) -> String {
    format!(
        "it has version {other}, and this build reads versions 1 and {VERSION}: use the build that wrote it"
    )
}

/// An image to be copied.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub(super) image_id: String,
    /// The name of its copies: resolved once, before anything is requested.
    pub(super) copy_name: Option<String>,
    /// What it is; `None` before the first look.
    pub(super) traits: Option<Traits>,
    pub(super) targets: Vec<Target>,
}

/// One region that an image goes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    pub(super) region: String,
    pub(super) stage: Stage,
    /// The copy that an earlier job made there, or this one before it was begun anew.
    pub(super) known: Option<KnownCopy>,
    /// How many requests for a copy got no answer and left no copy that could be seen.
    pub(super) unanswered: u32,
    /// Images that have had the name and are no copies of this job.
    pub(super) strangers: Vec<String>,
    pub(super) request_ids: Vec<String>,
}

/// A copy whose id is known from before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KnownCopy {
    pub(super) image_id: String,
    pub(super) basis: Basis,
    /// What it counts as if it is still there.
    pub(super) outcome: Outcome,
}

/// How far a target is. Times are in milliseconds since 1970.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Stage {
    /// Nobody has looked what is there.
    Unseen,
    /// Nothing is there: a copy is to be started.
    Missing,
    /// A request for a copy went out, and its answer is not known.
    Sent {
        at: u64,
        /// It was accepted, but without the copy's id.
        accepted: bool,
    },
    /// The service says that the name is taken, by something that nobody has seen.
    Taken { since: u64 },
    /// A copy is on its way.
    Copying {
        image_id: String,
        since: u64,
        basis: Basis,
        /// When it was first seen.
        seen: Option<u64>,
    },
    /// A failed copy is being deleted, and whether it was is not known.
    Deleting {
        image_id: String,
        /// Why this target ends without a copy; `None` if the name is to be freed for another.
        error: Option<Error>,
    },
    /// It is over.
    Ended(Box<Destination>),
}

impl Target {
    pub(super) fn new(region: &str) -> Self {
        Self {
            region: region.into(),
            stage: Stage::Unseen,
            known: None,
            unanswered: 0,
            strangers: Vec::new(),
            request_ids: Vec::new(),
        }
    }

    /// Whether a request for it went out of which nobody knows what came of it.
    pub(super) fn is_uncertain(&self) -> bool {
        self.unanswered > 0 || matches!(self.stage, Stage::Sent { .. })
    }

    /// Whether nothing has been requested and nothing seen.
    pub(super) fn is_untouched(&self) -> bool {
        matches!(self.stage, Stage::Unseen | Stage::Missing)
            && self.unanswered == 0
            && self.known.is_none()
            && self.request_ids.is_empty()
    }

    /// Whether something was requested for it, or is known to have been.
    pub(super) fn has_begun(&self) -> bool {
        let is_at_something =
            matches!(self.stage, Stage::Taken { .. } | Stage::Copying { .. } | Stage::Deleting { .. });
        is_at_something || self.is_uncertain() || self.known.is_some() || !self.request_ids.is_empty()
    }

    /// The id of the copy, as far as one is known.
    pub(super) fn image_id(&self) -> Option<&String> {
        match &self.stage {
            Stage::Copying { image_id, .. } | Stage::Deleting { image_id, .. } => Some(image_id),
            Stage::Ended(destination) => destination.image_id.as_ref(),
            _ => self.known.as_ref().map(|known| &known.image_id),
        }
    }

    /// The copy that is there as far as is known from before: to be looked at by its id.
    pub(super) fn known_copy(&self) -> Option<KnownCopy> {
        match &self.stage {
            Stage::Ended(ended) if matches!(ended.outcome, Outcome::Copied | Outcome::Present) => {
                Some(KnownCopy {
                    image_id: ended.image_id.clone()?,
                    basis: ended.basis.unwrap_or(Basis::Found),
                    outcome: ended.outcome,
                })
            }
            Stage::Ended(_) => None,
            _ => self.known.clone(),
        }
    }

    /// A destination that is over for this run, if not for good.
    pub(super) fn destination(&self, source: &str, outcome: Outcome) -> Destination {
        let basis = match &self.stage {
            Stage::Copying { basis, .. } => Some(*basis),
            Stage::Ended(destination) => destination.basis,
            _ => None,
        };
        Destination {
            source: source.into(),
            region: self.region.clone(),
            image_id: self.image_id().cloned(),
            outcome,
            basis,
            image: None::<ImageFacts>,
            elapsed: Duration::ZERO,
            request_ids: self.request_ids.clone(),
            error: None,
            notes: Vec::new(),
        }
    }
}

impl SyncState {
    /// The state of a job that has not begun. Its source region is known.
    pub(super) fn new(job: SyncJob, endpoint: SyncEndpoint) -> Self {
        let source = |image_id: &String| Source {
            image_id: image_id.clone(),
            copy_name: None,
            traits: None,
            targets: job.to.iter().map(|region| Target::new(region)).collect(),
        };
        let sources = job.images.iter().map(source).collect();
        Self {
            version: Version,
            endpoint,
            profile: None,
            account: None,
            begun: None,
            last_error: None,
            sources,
            job,
        }
    }

    /// Whether it has each image and each region of its job once, in their order: one that somebody changed need not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Journal`](crate::ErrorKind::Journal) if it has not.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Self { job, sources, .. } = self;
        let is_source = |(source, image): (&Source, &String)| {
            let regions = source.targets.iter().map(|target| &target.region);
            source.image_id == *image && regions.eq(&job.to)
        };
        if sources.len() == job.images.len() && sources.iter().zip(&job.images).all(is_source) {
            return Ok(());
        }
        let why = "this is not the state of a sync job: it contradicts itself, as it was changed; start the job anew";
        Err(Error::journal(why))
    }

    /// The images to be copied.
    pub fn images(&self) -> &[String] {
        &self.job.images
    }

    /// The regions that they go to.
    pub fn regions(&self) -> &[String] {
        &self.job.to
    }

    /// The region that they come from; empty if the job names none and no client's is known.
    pub fn source_region(&self) -> &str {
        self.job.from.as_deref().unwrap_or_default()
    }

    /// Where the service is that the job is done at.
    pub fn endpoint(&self) -> &SyncEndpoint {
        &self.endpoint
    }

    /// The profile that the job was begun with, if it was noted.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// Notes the profile that the job is begun with, a name for people and for commands that resume it; the one that is
    /// noted already stays.
    #[must_use]
    pub fn with_profile(mut self, name: Option<String>) -> Self {
        self.profile = self.profile.or(name);
        self
    }

    /// When the job was begun, in seconds since 1970.
    pub fn begun(&self) -> Option<u64> {
        self.begun
    }

    /// What went wrong last, in a sentence.
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// Whether every destination has ended for good, so that there is nothing to resume.
    pub fn is_finished(&self) -> bool {
        let mut targets = self.sources.iter().flat_map(|source| &source.targets);
        targets.all(|target| matches!(target.stage, Stage::Ended(_)))
    }

    /// What is known of every destination. One that has not ended is [`Started`](Outcome::Started) if a copy is on its
    /// way, [`Unknown`](Outcome::Unknown) if the answer to a request is not known or the name is taken by something unseen,
    /// and else [`Planned`](Outcome::Planned).
    pub fn report(&self) -> SyncReport {
        let destinations = self.sources.iter().flat_map(|source| {
            source.targets.iter().map(|target| match &target.stage {
                Stage::Ended(destination) => (**destination).clone(),
                Stage::Copying { .. } => target.destination(&source.image_id, Outcome::Started),
                Stage::Taken { .. } => target.destination(&source.image_id, Outcome::Unknown),
                _ if target.is_uncertain() => target.destination(&source.image_id, Outcome::Unknown),
                _ => target.destination(&source.image_id, Outcome::Planned),
            })
        });
        SyncReport { source_region: self.source_region().into(), destinations: destinations.collect() }
    }

    /// What was true of a destination when the state was taken need not be now: whoever goes on looks again.
    pub(super) fn forget_what_may_have_changed(&mut self) {
        for target in self.sources.iter_mut().flat_map(|source| &mut source.targets) {
            if matches!(target.stage, Stage::Missing | Stage::Taken { .. }) {
                target.stage = Stage::Unseen;
            }
        }
    }

    /// Puts images and regions into the order of a list; nothing else is in them.
    pub(super) fn arrange(&mut self, order: &SyncJob) {
        let position = |list: &[String], item: &String| list.iter().position(|of| of == item);
        self.sources.sort_by_key(|source| position(&order.images, &source.image_id));
        for source in &mut self.sources {
            source.targets.sort_by_key(|target| position(&order.to, &target.region));
        }
        self.job.images.clone_from(&order.images);
        self.job.to.clone_from(&order.to);
    }
}
