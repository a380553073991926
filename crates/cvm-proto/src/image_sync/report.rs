//! What the sync job says: on its way, and at its end.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::api::types::ImageState;
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

/// How a destination ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The copy is there, `NORMAL`: this job started it, or found it on its way.
    Copied,
    /// A copy was there already, `NORMAL`.
    Present,
    /// Another image has the name. Nothing was started, nothing overwritten.
    Conflict,
    /// Another image has the name, and such destinations were to be passed over.
    Skipped,
    /// There is no usable copy; the error says why.
    Failed,
    /// The time was over. With an image id, a copy is on its way and goes on in the service.
    TimedOut,
    /// A copy was started and goes on in the service: the job was not to wait for it, was cancelled, or has lost the
    /// right to see it.
    Started,
    /// The job was cancelled before a copy was started.
    Cancelled,
    /// A request got no answer, and no copy has been seen: one may be on its way. Look before starting another.
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
    /// A request failed in a way that may pass; the job goes on.
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
