//! Whose account this is, proven by what is seen: nothing is written down or started before.

use alloc::format;
use alloc::string::String;

use super::ImageSyncMachine;
use super::handle::TargetId;
use super::runs::{FirstLook, Task};
use super::state::KnownCopy;
use super::{Basis, Outcome};
use crate::error::Error;
use crate::error_code::ErrorCode;
use crate::machine::Now;

/// How far the proof is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The sources are looked at, by their ids.
    Sources,
    /// No source is visible: the copies that are known are looked at.
    Copies,
    /// This credential sees something of the job: it is of the account that the job is for.
    Given,
}

impl ImageSyncMachine {
    /// Goes on with the proof as far as the looks that are done allow.
    pub(super) fn prove_account(&mut self, now: Now) {
        match self.proof {
            Proof::Sources => {
                let looks = || self.all_sources().map(|source| self.runs[source].first_look);
                if looks().any(|look| look == FirstLook::Pending) {
                    return;
                }
                if looks().any(|look| look != FirstLook::Nothing) {
                    return self.account_is_proven(now);
                }
                self.proof = Proof::Copies;
                for target in self.all_targets() {
                    if let Some(known) = self.trace(target) {
                        self.runs[target].lane.next(Task::Recall(known), now.mono);
                    }
                }
                self.prove_account(now);
            }
            Proof::Copies => {
                let mut looking = self.all_targets();
                if !looking.any(|target| !matches!(self.runs[target].lane.task, Task::Idle)) {
                    self.nothing_is_visible();
                }
            }
            Proof::Given => {}
        }
    }

    /// A copy of this job whose id is known, whatever has become of it.
    fn trace(&self, target: TargetId) -> Option<KnownCopy> {
        let image_id = self.state[target].image_id()?.clone();
        Some(KnownCopy { image_id, basis: Basis::Found, outcome: Outcome::Present })
    }

    /// The credential is of the account that the job is for: now it begins.
    pub(super) fn account_is_proven(&mut self, now: Now) {
        self.proof = Proof::Given;
        self.dirty = true;
        for target in self.all_targets() {
            // Looks for the proof's sake, which are not needed any more.
            self.runs[target].lane.task = Task::Idle;
            self.runs[target].lane.call = None;
        }
        self.refuse_names_that_collide();
        for source in self.all_sources() {
            if let Some(error) = self.runs[source].refused.clone() {
                self.refuse(source, &error, now);
            }
        }
    }

    /// Nothing of the whole job is visible. That may have several reasons, and no step is right under all of them.
    fn nothing_is_visible(&mut self) {
        let mut errors = self.all_sources().filter_map(|source| self.runs[source].refused.clone());
        let Some(first) = errors.next() else { return };
        let is_new = self.all_targets().all(|target| self.state[target].is_untouched());
        // Whoever has just begun has the id wrong, or the region; and what the service refuses is said as it is.
        if is_new || !first.is_not_found() {
            return self.end_with(first);
        }
        let begun = match &self.state.account {
            Some(account) => format!(" (the job was begun in account {account})"),
            None => String::new(),
        };
        let message = format!(
            "nothing of this job is visible to this credential, neither its images in {} nor a copy of them: it is of another account or endpoint{begun}, the images were deleted, or a policy hides them; the job is kept as it was",
            self.state.source_region()
        );
        self.end_with(Error::service(ErrorCode::InvalidImageIdNotFound, message, None, 200));
    }

    /// Sources whose copies would have one name in one region are all refused: only one of them could have it.
    fn refuse_names_that_collide(&mut self) {
        for source in self.all_sources() {
            let name = self.state[source].copy_name.clone();
            let other = self
                .all_sources()
                .find(|&other| other != source && name.is_some() && self.state[other].copy_name == name);
            if let (Some(name), Some(other)) = (name, other)
                && self.runs[source].refused.is_none()
            {
                let (ours, theirs) = (&self.state[source].image_id, &self.state[other].image_id);
                let error = Error::parameter(format!(
                    "the copies of {ours} and {theirs} would both be called `{}`, and a region takes a name once: copy them one by one, each under a name of its own",
                    name.escape_debug()
                ));
                self.runs[source].refused = Some(error);
            }
        }
    }
}
