//! The sync job: copy a custom image to other regions and wait until it is really there.
//!
//! ```text
//!   Looking ──▶ Submitting ──▶ Watching: every destination by itself ──▶ report
//!      │             │             Copying ──▶ Copied | Failed | TimedOut
//!      ▼             ▼
//!   error: nothing   report: refused, or
//!   was started      nobody knows
//! ```
//!
//! - **Looking**: the source exists in its region and is `NORMAL`; the destinations make sense.
//! - **Submitting**: one `SyncImages` for all destinations, sent once. It is never repeated when an answer was lost.
//! - **Watching**: each destination is asked for its copy by id, in its own rhythm, until the copy is `NORMAL`, has
//!   failed, or the job's time is over. What one destination does ends nothing in another.

mod machine;
mod report;

pub use machine::ImageSyncMachine;
pub use report::{Destination, Outcome, SyncProgress, SyncReport};

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::config::Config;
use crate::machine::Job;

/// Copies a custom image to other regions and waits until the copies can be used: a [`Job`] for a client's `run`.
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::ImageSync;
///
/// let job = ImageSync::new("img-o3ycss2p")
///     .from("ap-shanghai")
///     .to(["ap-guangzhou", "ap-beijing"])
///     .timeout(Duration::from_secs(1800));
/// # let _ = job;
/// ```
///
/// It ends with a [`SyncReport`] once the copies are submitted, whatever becomes of them, and with an
/// [`Error`](crate::Error) if nothing was started: the source cannot be copied, or the request cannot be right.
#[derive(Clone, Debug)]
pub struct ImageSync {
    image_id: String,
    from: Option<String>,
    to: Vec<String>,
    name: Option<String>,
    timeout: Duration,
}

/// As long as the slowest copies that people report, and their tools' longest default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

impl ImageSync {
    /// A job for one image.
    pub fn new(image_id: impl Into<String>) -> Self {
        Self { image_id: image_id.into(), from: None, to: Vec::new(), name: None, timeout: DEFAULT_TIMEOUT }
    }

    /// The region that the image is in; the client's region by default.
    #[must_use]
    pub fn from(mut self, region: impl Into<String>) -> Self {
        self.from = Some(region.into());
        self
    }

    /// The regions to copy the image to. A region that is named twice gets one copy.
    #[must_use]
    pub fn to(mut self, regions: impl IntoIterator<Item: Into<String>>) -> Self {
        for region in regions {
            let region = region.into();
            if !self.to.contains(&region) {
                self.to.push(region);
            }
        }
        self
    }

    /// The name of the copies, at most 60 characters; the source's name by default.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The longest time to wait for the copies, from the start of the job; one hour by default.
    ///
    /// It ends the waiting, not the copies: they go on in the service.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Job for ImageSync {
    type Machine = ImageSyncMachine;

    fn start(self, config: &Config, seed: u64) -> ImageSyncMachine {
        ImageSyncMachine::new(self, config, seed)
    }
}
