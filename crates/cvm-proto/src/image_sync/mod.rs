//! The sync job: carry custom images to other regions and wait until they are really there.
//!
//! ```text
//!   each source    look ──▶ rest ──▶ submit ──▶ rest ──▶ ...
//!                   │        ▲ NORMAL, and nobody is
//!                   ▼        │ looked for any more
//!                 refused    └───────────────────────────┐
//!                                                        │
//!   each region    Unseen ──▶ Missing ──▶ Sent ──▶ Copying ──▶ Ended
//!                   │ ▲                    │          ▲
//!                   │ └─ looked for, gone ─┘          │
//!                   ├─ a copy is on its way ──────────┘
//!                   └─ there already, another image has the name, no quota ──▶ Ended
//! ```
//!
//! - **Look** (`source.rs`): the source exists in its region and is one that can be copied.
//! - **Unseen** (`survey.rs`): every destination is searched for the name, page by page. A `NORMAL` copy is enough, one on
//!   its way is waited for, an image that is no copy of this source is a conflict; then the quota is asked for.
//! - **Missing** (`submit.rs`): one `SyncImages` a source for all regions without a copy, one at a time, since the service
//!   refuses a second one while a copy of the same source runs. A request that is refused for one region's sake is tried
//!   region by region as a dry run, and sent again without the guilty one.
//! - **Sent** (`survey.rs` again): the answer was lost. It is never just sent again: the region is searched for the copy,
//!   until it shows or has had [`settle`](ImageSync::settle) time to do so.
//! - **Copying** (`watch.rs`): each copy is asked for by id, in its own rhythm, until it is `NORMAL`, has failed, or the
//!   time is over. What one region does ends nothing in another.
//!
//! # Crashes
//!
//! [`SyncState`] is the job written down. The machine says [`SyncProgress::Checkpoint`] whenever it has changed in a way
//! that must outlive a crash, above all between the decision to send `SyncImages` and the request itself: whoever goes on
//! finds that a request may have gone out, and when, and searches before it sends. A copy is told from other images by
//! its name, by what it has in common with its source, and by not having been there before the request. As a second
//! guard every request names its copies, and the service refuses a name that is taken.
//!
//! One risk remains: a copy that neither shows in its region within the settle time nor has its name counted as taken by
//! then is made twice. The service documents no bound for either.

mod ask;
mod cancel;
mod check;
mod ending;
mod finish;
mod lane;
mod machine;
mod report;
mod source;
mod state;
mod submit;
mod survey;
mod watch;

pub use cancel::Cancel;
pub use machine::ImageSyncMachine;
pub use report::{Destination, Outcome, SyncProgress, SyncReport};
pub use state::SyncState;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::machine::Job;
use report::seconds;

/// Carries custom images to other regions and waits until the copies can be used: a [`Job`] for a client's `run`.
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
/// It ends with a [`SyncReport`], whatever becomes of the copies, and with an [`Error`](crate::Error) if there is nothing
/// to report on: the job contradicts itself, or not one of its images can be copied. To survive a crash, keep its
/// [`SyncState`]; the crate `cvm-journal` does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImageSync {
    images: Vec<String>,
    from: Option<String>,
    to: Vec<String>,
    name: Option<String>,
    #[serde(with = "seconds")]
    timeout: Duration,
    /// Zero stands for none.
    #[serde(with = "seconds")]
    destination_timeout: Duration,
    #[serde(with = "seconds")]
    settle: Duration,
    encrypt: bool,
    kms_key_id: Option<String>,
    max_size: Option<i64>,
    on_conflict: OnConflict,
    same_attributes: bool,
    delete_failed: bool,
    wait: bool,
    dry_run: bool,
    #[serde(skip)]
    cancel: Option<Cancel>,
}

/// What an image that has the name, and is no copy of the source, means for its destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnConflict {
    /// The destination has not got what was asked for: [`Outcome::Conflict`].
    #[default]
    Fail,
    /// The destination is passed over: [`Outcome::Skipped`].
    Skip,
}

/// As long as the slowest copies that people report, and their tools' longest default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Longer than a request can be on its way (an attempt's timeout is 30 s by default).
const DEFAULT_SETTLE: Duration = Duration::from_secs(45);

impl ImageSync {
    /// A job for one image.
    pub fn new(image_id: impl Into<String>) -> Self {
        Self::of([image_id])
    }

    /// A job for several images of one region. An image that is named twice is copied once.
    pub fn of(images: impl IntoIterator<Item: Into<String>>) -> Self {
        Self {
            images: once_each(Vec::new(), images),
            from: None,
            to: Vec::new(),
            name: None,
            timeout: DEFAULT_TIMEOUT,
            destination_timeout: Duration::ZERO,
            settle: DEFAULT_SETTLE,
            encrypt: false,
            kms_key_id: None,
            max_size: None,
            on_conflict: OnConflict::Fail,
            same_attributes: false,
            delete_failed: false,
            wait: true,
            dry_run: false,
            cancel: None,
        }
    }

    /// The region that the images are in; the client's region by default.
    #[must_use]
    pub fn from(mut self, region: impl Into<String>) -> Self {
        self.from = Some(region.into());
        self
    }

    /// The regions to copy the images to. A region that is named twice gets one copy.
    ///
    /// A custom image goes to other regions than its own. An image that another account shares, and an
    /// [encrypted](Self::encrypt) copy, stay in the source region: name it, and no other.
    #[must_use]
    pub fn to(mut self, regions: impl IntoIterator<Item: Into<String>>) -> Self {
        self.to = once_each(self.to, regions);
        self
    }

    /// The name of the copies, at most 60 characters; the source's name by default. Only for one image.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The longest time to wait for the copies, from the start of the job or from where it is gone on with; one hour by
    /// default.
    ///
    /// It ends the waiting, not the copies: they go on in the service.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The longest time to wait for one copy, from its submission; none by default.
    #[must_use]
    pub fn destination_timeout(mut self, timeout: Duration) -> Self {
        self.destination_timeout = timeout;
        self
    }

    /// How long to search for a copy whose request got no answer before it is requested again; 45 s by default.
    ///
    /// The longer, the surer that no second copy is made; see the module's documentation. Shorter ones are for endpoints
    /// that show every copy at once.
    #[must_use]
    pub fn settle(mut self, time: Duration) -> Self {
        self.settle = time;
        self
    }

    /// Makes an encrypted copy in the source region, under another [name](Self::name).
    ///
    /// The service shows of no image whether it is encrypted, so an image that has the name is always a conflict.
    #[must_use]
    pub fn encrypt(mut self, encrypt: bool) -> Self {
        self.encrypt = encrypt;
        self
    }

    /// The KMS key for an encrypted copy; the service's own by default.
    #[must_use]
    pub fn kms_key_id(mut self, id: impl Into<String>) -> Self {
        self.kms_key_id = Some(id.into());
        self
    }

    /// The largest image to copy, in GiB; larger ones are refused before anything is started. The service has a limit of
    /// its own.
    #[must_use]
    pub fn max_size(mut self, gib: i64) -> Self {
        self.max_size = Some(gib);
        self
    }

    /// What to do about a destination where another image has the name.
    #[must_use]
    pub fn on_conflict(mut self, what: OnConflict) -> Self {
        self.on_conflict = what;
        self
    }

    /// Gives the copies the description and the family of their source where they lack them. Off by default.
    ///
    /// Tags are not brought over, since the API sets them only when an image is made: the report names those that a copy
    /// lacks.
    #[must_use]
    pub fn same_attributes(mut self, on: bool) -> Self {
        self.same_attributes = on;
        self
    }

    /// Deletes copies that have failed, also one that an earlier job left behind under the name. Off by default.
    #[must_use]
    pub fn delete_failed(mut self, on: bool) -> Self {
        self.delete_failed = on;
        self
    }

    /// Whether to wait for the copies; on by default. Without, the job ends once the service has accepted them.
    #[must_use]
    pub fn wait(mut self, on: bool) -> Self {
        self.wait = on;
        self
    }

    /// Only finds out what would happen in each destination, also by asking the service; starts nothing.
    #[must_use]
    pub fn dry_run(mut self, on: bool) -> Self {
        self.dry_run = on;
        self
    }

    /// Lets the job be cancelled.
    #[must_use]
    pub fn cancel_with(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }
}

fn once_each(mut list: Vec<String>, more: impl IntoIterator<Item: Into<String>>) -> Vec<String> {
    for item in more {
        let item = item.into();
        if !list.contains(&item) {
            list.push(item);
        }
    }
    list
}

impl Job for ImageSync {
    type Machine = ImageSyncMachine;

    fn start(self, config: &Config, seed: u64) -> ImageSyncMachine {
        SyncState::new(self).start(config, seed)
    }
}
