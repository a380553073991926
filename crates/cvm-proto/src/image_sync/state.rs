//! The job as it is written down, so that it can be gone on with after a crash.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Cancel, Destination, ImageSync, ImageSyncMachine, Outcome, SyncReport};
use crate::api::types::Image;
use crate::config::Config;
use crate::machine::Job;

/// Everything that a sync job has to know to go on: a [`Job`] that goes on where the state was taken.
///
/// It serializes (JSON, or whatever serde writes), carries the version of its format, and refuses to be read in another.
/// It holds no secret: neither credential nor endpoint. Its form is not part of this crate's interface; what it says is
/// asked with [`report`](Self::report).
///
/// ```
/// use cvm_proto::{ImageSync, SyncState};
///
/// let state = SyncState::new(ImageSync::new("img-o3ycss2p").from("ap-shanghai").to(["ap-guangzhou"]));
/// let text = serde_json::to_string(&state)?;
/// let again: SyncState = serde_json::from_str(&text)?;
/// assert_eq!(again.images(), ["img-o3ycss2p"]);
/// assert!(!again.is_finished());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SyncState {
    version: Version,
    pub(super) job: ImageSync,
    /// The source region, once the job has begun.
    pub(super) from: String,
    pub(super) sources: Vec<Source>,
}

/// The version of the format: written always, and checked when read.
#[derive(Clone, Copy, Debug)]
struct Version;

const VERSION: u32 = 1;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            VERSION => Ok(Self),
            other => Err(serde::de::Error::custom(format!(
                "version {other} of a sync job's state: this build reads version {VERSION}; use the build that wrote it"
            ))),
        }
    }
}

/// An image to be copied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Source {
    pub(super) image_id: String,
    /// What it is; `None` before the first look.
    pub(super) traits: Option<Traits>,
    pub(super) targets: Vec<Target>,
}

/// What a copy has in common with its source, and what is brought over to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Traits {
    pub(super) name: String,
    os_name: String,
    architecture: String,
    size: i64,
    created: String,
    pub(super) description: String,
    pub(super) family: String,
    pub(super) tags: Vec<String>,
}

/// One region that an image goes to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Target {
    pub(super) region: String,
    pub(super) stage: Stage,
    /// How many requests for a copy got no answer and left no copy that could be seen.
    pub(super) unanswered: u32,
    /// The images that had the name before the first request.
    pub(super) before: Vec<String>,
    /// The service says that the name is taken, and it is not: it does not have to be given.
    pub(super) unnamed: bool,
    pub(super) request_ids: Vec<String>,
}

/// How far a target is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum Stage {
    /// Nobody has looked what is there.
    Unseen,
    /// Nothing is there: a copy is to be started.
    Missing,
    /// A request for a copy went out, and its answer is not known. Times are in milliseconds since 1970.
    Sent {
        at: u64,
        /// It was accepted, but without the copy's id.
        accepted: bool,
    },
    /// A copy is on its way.
    Copying { image_id: String, since: u64 },
    /// It is over.
    Ended(Destination),
}

impl Traits {
    pub(super) fn of(image: &Image) -> Self {
        Self {
            name: image.image_name.clone(),
            os_name: image.os_name.clone(),
            architecture: image.architecture.as_str().into(),
            size: image.image_size,
            created: image.created_time.clone(),
            description: image.image_description.clone(),
            family: image.image_family.clone().unwrap_or_default(),
            tags: image.tags.iter().map(|tag| tag.key.clone()).collect(),
        }
    }

    /// Why an image of the same name cannot be a copy of this one. What the service leaves out, as it may while a copy
    /// is young, speaks against nothing.
    pub(super) fn differs(&self, image: &Image) -> Option<String> {
        let other = |ours: &str, theirs: &str| !ours.is_empty() && !theirs.is_empty() && ours != theirs;
        let architecture = image.architecture.as_str();
        if other(&self.os_name, &image.os_name) {
            Some(format!("its system is {}, not {}", image.os_name, self.os_name))
        } else if other(&self.architecture, architecture) {
            Some(format!("its architecture is {architecture}, not {}", self.architecture))
        } else if self.size > 0 && image.image_size > 0 && self.size != image.image_size {
            Some(format!("its size is {} GiB, not {}", image.image_size, self.size))
        } else if is_time(&self.created)
            && is_time(&image.created_time)
            && image.created_time.as_str() < self.created.as_str()
        {
            Some(format!("it was made at {}, before the source", image.created_time))
        } else {
            None
        }
    }
}

/// Whether it is a time as the service writes it, `2026-01-31T08:00:00Z`; such times compare as texts.
fn is_time(text: &str) -> bool {
    let form = b"0000-00-00T00:00:00Z";
    text.len() == form.len()
        && text.bytes().zip(form).all(|(b, &f)| if f == b'0' { b.is_ascii_digit() } else { b == f })
}

impl Target {
    /// Whether a request for it went out of which nobody knows what came of it.
    pub(super) fn is_uncertain(&self) -> bool {
        self.unanswered > 0 || matches!(self.stage, Stage::Sent { .. })
    }

    /// The id of the copy, as far as one is known.
    pub(super) fn image_id(&self) -> Option<&String> {
        match &self.stage {
            Stage::Copying { image_id, .. } => Some(image_id),
            Stage::Ended(destination) => destination.image_id.as_ref(),
            _ => None,
        }
    }

    /// A destination that is over for this run, if not for good.
    pub(super) fn destination(&self, source: &str, outcome: Outcome) -> Destination {
        Destination {
            source: source.into(),
            region: self.region.clone(),
            image_id: self.image_id().cloned(),
            outcome,
            elapsed: Duration::ZERO,
            request_ids: self.request_ids.clone(),
            error: None,
            notes: Vec::new(),
        }
    }
}

impl SyncState {
    /// The state of a job that has not begun.
    pub fn new(job: ImageSync) -> Self {
        let target = |region: &String| Target {
            region: region.clone(),
            stage: Stage::Unseen,
            unanswered: 0,
            before: Vec::new(),
            unnamed: false,
            request_ids: Vec::new(),
        };
        let source = |image_id: &String| Source {
            image_id: image_id.clone(),
            traits: None,
            targets: job.to.iter().map(target).collect(),
        };
        let sources = job.images.iter().map(source).collect();
        Self { version: Version, from: job.from.clone().unwrap_or_default(), sources, job }
    }

    /// The images to be copied.
    pub fn images(&self) -> &[String] {
        &self.job.images
    }

    /// The regions that they go to.
    pub fn regions(&self) -> &[String] {
        &self.job.to
    }

    /// The region that they come from; empty if the job has not begun and names none.
    pub fn source_region(&self) -> &str {
        &self.from
    }

    /// Whether every destination has ended for good, so that there is nothing to go on with.
    pub fn is_finished(&self) -> bool {
        let mut targets = self.sources.iter().flat_map(|source| &source.targets);
        targets.all(|target| matches!(target.stage, Stage::Ended(_)))
    }

    /// What is known of every destination. One that has not ended is [`Started`](Outcome::Started) if a copy is on its
    /// way, [`Unknown`](Outcome::Unknown) if the answer to a request is not known, and else
    /// [`Planned`](Outcome::Planned).
    pub fn report(&self) -> SyncReport {
        let destinations = self.sources.iter().flat_map(|source| {
            source.targets.iter().map(|target| match &target.stage {
                Stage::Ended(destination) => destination.clone(),
                Stage::Copying { .. } => target.destination(&source.image_id, Outcome::Started),
                _ if target.is_uncertain() => target.destination(&source.image_id, Outcome::Unknown),
                _ => target.destination(&source.image_id, Outcome::Planned),
            })
        });
        SyncReport { source_region: self.from.clone(), destinations: destinations.collect() }
    }

    /// The longest time to wait, from the moment the job goes on; see [`ImageSync::timeout`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.job.timeout = timeout;
        self
    }

    /// Whether to wait for the copies; see [`ImageSync::wait`].
    #[must_use]
    pub fn wait(mut self, wait: bool) -> Self {
        self.job.wait = wait;
        self
    }

    /// Lets the job be cancelled; see [`ImageSync::cancel_with`].
    #[must_use]
    pub fn cancel_with(mut self, cancel: &Cancel) -> Self {
        self.job.cancel = Some(cancel.clone());
        self
    }

    /// What was true of a destination when the state was taken need not be now: whoever goes on looks again.
    fn forget_what_may_have_changed(&mut self) {
        for target in self.sources.iter_mut().flat_map(|source| &mut source.targets) {
            if matches!(target.stage, Stage::Missing) {
                target.stage = Stage::Unseen;
            }
        }
    }
}

impl Job for SyncState {
    type Machine = ImageSyncMachine;

    fn start(mut self, config: &Config, seed: u64) -> ImageSyncMachine {
        self.forget_what_may_have_changed();
        ImageSyncMachine::new(self, config, seed)
    }
}

impl From<ImageSync> for SyncState {
    fn from(job: ImageSync) -> Self {
        Self::new(job)
    }
}
