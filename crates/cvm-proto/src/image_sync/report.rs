//! What the sync job says: on its way, and at its end.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Serialize, Serializer};

use crate::api::types::ImageState;
use crate::error::Error;

/// What came of a sync job, destination by destination.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SyncReport {
    /// The image that was copied.
    pub image_id: String,
    /// The region it was copied from.
    pub source_region: String,
    /// The request that started the copies, if the service answered it.
    pub request_id: Option<String>,
    /// One entry for each destination, in the order in which they were given.
    pub destinations: Vec<Destination>,
}

impl SyncReport {
    /// Whether the image is in every destination, ready for use.
    pub fn is_complete(&self) -> bool {
        self.destinations.iter().all(|destination| destination.outcome == Outcome::Copied)
    }

    /// Whether the job's time was over before every copy had ended.
    pub fn is_timed_out(&self) -> bool {
        self.destinations.iter().any(|destination| destination.outcome == Outcome::TimedOut)
    }
}

/// What came of one destination.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Destination {
    /// The region.
    pub region: String,
    /// The copy's id there, if the service gave one. It stands also beside a failure: there is something to clean up.
    pub image_id: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// From the submission to the end, in seconds when serialized.
    #[serde(rename = "elapsed_seconds", serialize_with = "seconds")]
    pub elapsed: Duration,
    /// Why it did not succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

impl Destination {
    pub(super) fn without_copy(region: &str, outcome: Outcome, error: Error) -> Self {
        Self { region: region.into(), image_id: None, outcome, elapsed: Duration::ZERO, error: Some(error) }
    }
}

/// How a destination ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The copy is there, `NORMAL`.
    Copied,
    /// There is no usable copy; the error says why.
    Failed,
    /// The copy was on its way when the job's time was over; it goes on in the service.
    TimedOut,
    /// The answer to the request was lost: a copy may be on its way. Look before starting another.
    Unknown,
}

impl Outcome {
    /// The outcome as one word, for tables and machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Copied => "copied",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Unknown => "unknown",
        }
    }
}

/// What happens on the way.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SyncProgress {
    /// The source is there and can be copied.
    #[non_exhaustive]
    Found {
        /// The source's id.
        image_id: String,
        /// The source's name.
        image_name: String,
        /// The source's size in GB.
        image_size: i64,
    },
    /// The service accepted the request.
    #[non_exhaustive]
    Submitted {
        /// The id of the request that started the copies.
        request_id: String,
    },
    /// A copy's state or percentage changed.
    #[non_exhaustive]
    Copying {
        /// The copy's region.
        region: String,
        /// The copy's id.
        image_id: String,
        /// The copy's state.
        state: ImageState,
        /// How far the copy is, from 0 to 100, if the service says so.
        percent: Option<i64>,
        /// The time since the submission, in seconds when serialized.
        #[serde(rename = "elapsed_seconds", serialize_with = "seconds")]
        elapsed: Duration,
    },
    /// A destination has ended.
    Ended(Destination),
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Milliseconds are enough, and print without a tail of digits. A job's time is far below what loses precision.
    #[allow(clippy::cast_precision_loss)]
    let seconds = duration.as_millis() as f64 / 1000.0;
    serializer.serialize_f64(seconds)
}
