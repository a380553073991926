//! What is to be done: the builder, and the part of it that is the job's identity.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::SyncRun;
use super::run::{run_methods, run_options};
use crate::input;
use crate::regions::once_each;
use crate::wire::Cancel;

/// Carries custom images to other regions and waits until the copies can be used: a [`Job`](crate::Job) for a client's `run`.
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
/// It ends with a [`SyncReport`](crate::SyncReport), whatever becomes of the copies, and with an
/// [`Error`](crate::Error) if there is nothing to report on: the job contradicts itself, not one of its images can be
/// copied, or nothing of it is visible to this account.
///
/// # The job and its runs
///
/// Endpoint, source region, images, destinations, name, encryption and its key, size limit, conflict rule and attributes
/// are the job: its identity. Two runs with the same identity are one job, whoever starts them, and in whichever order
/// the lists are written. All else belongs to the run ([`SyncRun`]).
///
/// # How it goes
///
/// ```text
///   each source    look ──▶ rest ──▶ submit ──▶ rest ──▶ ...
///                   │        ▲ NORMAL, and nobody is
///                   ▼        │ looked for any more
///                 refused    └───────────────────────────┐
///                                                        │
///   each region    Unseen ──▶ Missing ──▶ Sent ──▶ Copying ──▶ Ended
///                   │ ▲                    │          ▲          ▲
///                   │ └─ looked for, not  ─┘          │          │
///                   │    there; name free             │          │
///                   ├─ a copy is on its way ──────────┘          │
///                   ├─ there already, a conflict, no quota ──────┤
///                   └─ a failed copy: Deleting ──▶ Unseen ───────┘
/// ```
///
/// - **Sources first.** Each run looks at its sources by id. One private image that is visible, or one known copy, proves
///   that the credential is of the account that the job is for; nothing is written down or started before. If nothing of
///   the whole job is visible, the run ends, and the state stays as it was. Where a destination is the source region, and
///   the image is the account's own and not to be encrypted, it is there already: the destination is passed over.
/// - **Every destination is looked at** before the first request that changes anything, and before anything is written
///   down. If the service refuses one of them as a region that it does not know or serve, the run ends with an error that
///   names it, and the name in the service's list that is close to it; the state stays as it was. A region that has not
///   answered for a minute counts as looked at, and is left to itself; so is every region once something was requested for
///   the job, in this run or an earlier one.
/// - **Unseen**: a destination is searched for the name, page by page. A `NORMAL` copy is enough, one on its way is waited
///   for, an image that is no copy of this source is a conflict; then the quota is asked for.
/// - **Missing**: one `SyncImages` a source for all regions without a copy, one at a time, since the service refuses a
///   second one while a copy of the same source runs. A request that is refused for one region's sake is tried region by
///   region as a dry run, and sent again without the guilty one.
/// - **Sent**: the answer was lost. The region is searched for the copy until it shows or has had
///   [`settle`](Self::settle) time to do so; then the same request, with the same name, is sent again.
/// - **Taken**: the service says that the name is taken, and no image of that name was visible. The region is searched
///   without a filter for five minutes. Then a dry run asks once more: a name that is free by now is used, else the outcome
///   is [`Unknown`](crate::Outcome::Unknown). An image whose name differs in case or blanks alone, or that is of another
///   type, is named as the likely holder: a [`Conflict`](crate::Outcome::Conflict).
/// - **Copying**: each copy is asked for by id, in its own rhythm, until it is `NORMAL`, has failed, is
///   [`Gone`](crate::Outcome::Gone), or the time is over. What one region does ends nothing in another.
///
/// # What keeps it from making a second copy
///
/// The service lets one name stand once in a region. So every `SyncImages` carries the name of its copies: the one that was
/// given, or the source's, resolved once and stored; a request without a name does not exist. Whoever starts the job
/// again without its state, on another machine or at the same moment, is held by the same guard. Where the source has been
/// renamed since, whoever has no state has another job, whose copies have another name.
///
/// [`SyncState`](crate::SyncState) is the job written down. The machine says
/// [`SyncProgress::Checkpoint`](crate::SyncProgress::Checkpoint) whenever it has changed in a way that must outlive a
/// crash, above all between the decision to send `SyncImages` or `DeleteImages` and the request itself: whoever resumes
/// finds that a request may have gone out, and when, and looks before it sends. The crate `cvm-journal` keeps it in a
/// file.
///
/// One risk remains: a service that does not check names at once. A copy that neither shows in its region within the
/// settle time nor has its name counted as taken by then would be made twice. The service documents no bound for either.
#[derive(Clone, Debug)]
pub struct ImageSync {
    pub(super) job: SyncJob,
    pub(super) run: SyncRun,
}

/// The identity of a job: all that decides what is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncJob {
    pub(super) images: Vec<String>,
    /// The source region; `None` only before the client's own is known.
    pub(super) from: Option<String>,
    pub(super) to: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) encrypt: bool,
    pub(super) kms_key_id: Option<String>,
    pub(super) max_size: Option<i64>,
    pub(super) on_conflict: OnConflict,
    pub(super) same_attributes: bool,
}

/// What an image that has the name, and is no copy of the source, means for its destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnConflict {
    /// The destination has not got what was asked for: [`Outcome::Conflict`](crate::Outcome::Conflict).
    #[default]
    Fail,
    /// The destination is passed over: [`Outcome::Skipped`](crate::Outcome::Skipped). Only where a usable image has the
    /// name: a copy that failed is a conflict all the same.
    Skip,
}

impl ImageSync {
    /// The options of a job, by the names of their methods: what decides, beside images and destinations, what is made.
    /// Programs offer these; a job that is resumed has its own.
    pub const OPTIONS: [&'static str; 7] =
        ["from", "name", "encrypt", "kms_key_id", "max_size", "on_conflict", "same_attributes"];

    /// A job for one image.
    pub fn new(image_id: impl Into<String>) -> Self {
        Self::of([image_id])
    }

    /// A job for several images of one region. An image that is named twice is copied once.
    pub fn of(images: impl IntoIterator<Item: Into<String>>) -> Self {
        let job = SyncJob {
            images: once_each(Vec::new(), images),
            from: None,
            to: Vec::new(),
            name: None,
            encrypt: false,
            kms_key_id: None,
            max_size: None,
            on_conflict: OnConflict::Fail,
            same_attributes: false,
        };
        Self { job, run: SyncRun::default() }
    }

    /// The region that the images are in; the client's region by default.
    #[must_use]
    pub fn from(mut self, region: impl Into<String>) -> Self {
        self.job.from = Some(input::trim(&region.into()).into());
        self
    }

    /// The regions to copy the images to. A region that is named twice gets one copy; white space around a name, and an
    /// empty name, do no harm. [`WhichRegions`](crate::WhichRegions) finds out which regions `all` and patterns stand for.
    ///
    /// A custom image goes to other regions than its own, which is passed over beside them: its outcome is
    /// [`Skipped`](crate::Outcome::Skipped). An image that another account shares, and an [encrypted](Self::encrypt) copy,
    /// stay in the source region: name it, and no other.
    #[must_use]
    pub fn to(mut self, regions: impl IntoIterator<Item: Into<String>>) -> Self {
        self.job.to = once_each(self.job.to, regions);
        self
    }

    /// The name of the copies, at most 60 characters; the source's name by default. Only for one image.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.job.name = Some(name.into());
        self
    }

    /// Makes an encrypted copy in the source region, under another [name](Self::name).
    ///
    /// The service shows of no image whether it is encrypted, so an image that has the name is always a conflict.
    #[must_use]
    pub fn encrypt(mut self, encrypt: bool) -> Self {
        self.job.encrypt = encrypt;
        self
    }

    /// The KMS key for an encrypted copy; the service's own by default.
    #[must_use]
    pub fn kms_key_id(mut self, id: impl Into<String>) -> Self {
        self.job.kms_key_id = Some(id.into());
        self
    }

    /// The largest image to copy, in GiB; larger ones are refused before anything is started. The service has a limit of
    /// its own.
    #[must_use]
    pub fn max_size(mut self, gib: i64) -> Self {
        self.job.max_size = Some(gib);
        self
    }

    /// What to do about a destination where another image has the name.
    #[must_use]
    pub fn on_conflict(mut self, what: OnConflict) -> Self {
        self.job.on_conflict = what;
        self
    }

    /// Gives the copies the description and the family of their source where they lack them. Off by default.
    ///
    /// Tags are not brought over, since the API sets them only when an image is made: the report names those that a copy
    /// lacks.
    #[must_use]
    pub fn same_attributes(mut self, on: bool) -> Self {
        self.job.same_attributes = on;
        self
    }

    /// Takes everything that belongs to the run from this.
    #[must_use]
    pub fn with_run(mut self, run: SyncRun) -> Self {
        self.run = run;
        self
    }

    run_options!(run_methods(run));

    /// Lets the run be cancelled.
    #[must_use]
    pub fn cancel_with(mut self, cancel: &Cancel) -> Self {
        self.run = self.run.cancel_with(cancel);
        self
    }

    /// The images to be copied.
    pub fn images(&self) -> &[String] {
        &self.job.images
    }

    /// The regions that they go to.
    pub fn regions(&self) -> &[String] {
        &self.job.to
    }

    /// Whether it is a dry run, which starts nothing and keeps nothing.
    pub fn is_dry_run(&self) -> bool {
        self.run.dry_run
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_options_are_all_that_is_stored_of_a_job_beside_its_lists() {
        let stored = serde_json::to_value(ImageSync::new("img-o3ycss2p").job).unwrap();
        let stored: BTreeSet<&str> = stored.as_object().unwrap().keys().map(String::as_str).collect();
        let known: BTreeSet<&str> = ["images", "to"].into_iter().chain(ImageSync::OPTIONS).collect();
        assert_eq!(stored, known);
    }
}
