//! What the sync job says: on its way, and at its end.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::types::{Image, ImageState};
use crate::error::Error;

/// What came of a sync job, destination by destination.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SyncReport {
    /// The region that the images were copied from.
    pub source_region: String,
    /// One entry for each image and destination region, in the order in which they were given.
    pub destinations: Vec<Destination>,
}

impl SyncReport {
    /// Whether every destination has what was asked for: a copy ready for use, or nothing because it was to be skipped.
    pub fn is_complete(&self) -> bool {
        self.destinations.iter().all(|destination| destination.outcome.is_good())
    }

    /// The destinations that have neither what was asked for nor what the run was to do: a copy that was only to be started
    /// ([`wait`](crate::SyncRun::wait) off), and one that a dry run would start, are no failures.
    pub fn failures(&self) -> impl Iterator<Item = &Destination> {
        self.destinations.iter().filter(|destination| !destination.is_as_asked())
    }

    /// Whether the time was over before every copy had ended.
    pub fn is_timed_out(&self) -> bool {
        self.destinations.iter().any(|destination| destination.outcome == Outcome::TimedOut)
    }

    /// What came of one image.
    pub fn of<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Destination> {
        self.destinations.iter().filter(move |destination| destination.source == source)
    }
}

/// What came of one image in one region.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Destination {
    /// The image that was to be copied.
    pub source: String,
    /// The region.
    pub region: String,
    /// The id of the image there, if one is known. It stands also beside a failure: there is something to clean up.
    pub image_id: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What it rests on that this image is the copy; for one that is there or on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// What the copy looked like when it was last seen; for one that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageFacts>,
    /// From the submission, or the start of the job, to the end; in seconds when serialized.
    #[serde(rename = "elapsed_seconds", with = "seconds")]
    pub elapsed: Duration,
    /// The requests that were to start the copy, as far as the service answered them.
    #[serde(default)]
    pub request_ids: Vec<String>,
    /// Why it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// What else is to be known: attributes that could not be set, a failed copy that was deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Destination {
    /// Whether it has what was asked for, or what the run was to do without an error: to start it, or to plan it.
    pub fn is_as_asked(&self) -> bool {
        self.outcome.is_as_asked(self.error.is_some())
    }
}

/// What it rests on that an image is the copy that the job is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// Its id stood in the service's answer to this job.
    Answered,
    /// It was seen after a request of this job whose answer was lost.
    Appeared,
    /// It was found: it has the name of the copy, and system, architecture and size of the source, and is not older. The
    /// service says of no image what it is a copy of, so another image that was made like this passes for one.
    Found,
}

impl Basis {
    /// The basis as one word, for tables and machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Appeared => "appeared",
            Self::Found => "found",
        }
    }
}

/// What an image looked like: what a copy is compared by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ImageFacts {
    /// Its name.
    pub name: String,
    /// Its system, such as `Ubuntu Server 22.04 LTS 64bit`.
    pub os_name: String,
    /// Its architecture, such as `x86_64`.
    pub architecture: String,
    /// Its size in GiB.
    pub image_size: i64,
    /// When it was made, as the service writes it.
    pub created_time: String,
}

impl ImageFacts {
    pub(super) fn of(image: &Image) -> Self {
        Self {
            name: image.image_name.clone(),
            os_name: image.os_name.clone(),
            architecture: image.architecture.as_str().into(),
            image_size: image.image_size,
            created_time: image.created_time.clone(),
        }
    }
}

/// How a destination ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The copy is there, `NORMAL`: this job started it, or found it on its way; its [`Basis`] says which.
    Copied,
    /// A copy was there already, `NORMAL`; its [`Basis`] says what makes it one.
    Present,
    /// Another image has the name, or a copy that failed. Nothing was started, nothing overwritten.
    Conflict,
    /// The destination was passed over: another image that can be used has the name, and such destinations were to be; or it
    /// is the region that the image itself is in, as a note says.
    Skipped,
    /// A copy that was started is not there any more: its id does not show it, nor its name, and the name is free.
    Gone,
    /// There is no usable copy; the error says why.
    Failed,
    /// The time was over. With an image id, a copy is on its way and continues in the service.
    TimedOut,
    /// A copy was started and continues in the service: the run was not to wait for it, was cancelled, or has lost the
    /// right to see it.
    Started,
    /// The job was cancelled before a copy was started.
    Cancelled,
    /// A request got no answer and no copy has been seen, the name is taken by something unseen, or a copy has not been
    /// seen for long: one may be on its way. Look before starting another.
    Unknown,
    /// A dry run: a copy would be started.
    Planned,
}

impl Outcome {
    /// The outcome as one word, for tables and machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Present => "present",
            Self::Conflict => "conflict",
            Self::Skipped => "skipped",
            Self::Gone => "gone",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Started => "started",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::Planned => "planned",
        }
    }

    /// Whether nothing is left to be done or to be worried about.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Copied | Self::Present | Self::Skipped)
    }

    /// Whether a destination that ended so has what was asked for; see [`Destination::is_as_asked`].
    pub const fn is_as_asked(self, has_error: bool) -> bool {
        self.is_good() || matches!(self, Self::Started | Self::Planned) && !has_error
    }
}

/// What happens on the way.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SyncProgress {
    /// The job's state has changed in a way that must outlive a crash: write down
    /// [`ImageSyncMachine::state`](super::ImageSyncMachine::state) before the next poll. A driver that keeps no journal
    /// passes over it.
    Checkpoint,
    /// A source is there and can be copied.
    #[non_exhaustive]
    Found {
        /// The source's id.
        source: String,
        /// The source's name.
        image_name: String,
        /// The source's size in GiB.
        image_size: i64,
    },
    /// A source is busy with another copy: the service takes no second one until it is done.
    #[non_exhaustive]
    Busy {
        /// The source's id.
        source: String,
    },
    /// A copy that somebody started before is on its way; the job waits for it and starts none.
    #[non_exhaustive]
    Adopted {
        /// The source's id.
        source: String,
        /// The copy's region.
        region: String,
        /// The copy's id.
        image_id: String,
    },
    /// The service says that the name of the copy is taken, by something that was not to be seen: it is searched for.
    #[non_exhaustive]
    NameTaken {
        /// The source's id.
        source: String,
        /// The copy's region.
        region: String,
        /// The name.
        image_name: String,
    },
    /// The service accepted a request.
    #[non_exhaustive]
    Submitted {
        /// The source's id.
        source: String,
        /// The regions that it is copied to.
        regions: Vec<String>,
        /// The id of the request that started the copies.
        request_id: String,
    },
    /// A copy's state or percentage changed.
    #[non_exhaustive]
    Copying {
        /// The source's id.
        source: String,
        /// The copy's region.
        region: String,
        /// The copy's id.
        image_id: String,
        /// The copy's state.
        state: ImageState,
        /// How far the copy is, from 0 to 100, if the service says so.
        percent: Option<i64>,
        /// The time since the submission, in seconds when serialized.
        #[serde(rename = "elapsed_seconds", with = "seconds")]
        elapsed: Duration,
    },
    /// A request failed in a way that may pass; the job continues.
    #[non_exhaustive]
    Trouble {
        /// The source's id.
        source: String,
        /// The region of the request.
        region: String,
        /// What went wrong.
        error: Error,
    },
    /// A destination has ended.
    Ended(Destination),
}

/// Durations in seconds: milliseconds are enough, and print without a tail of digits.
pub(super) mod seconds {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        // A job's time is far below what loses precision.
        #[allow(clippy::cast_precision_loss)]
        let seconds = duration.as_millis() as f64 / 1000.0;
        serializer.serialize_f64(seconds)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
    }
}
