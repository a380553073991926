//! The proof of the account: the job begins once it sees an image of its own.

use alloc::format;
use alloc::string::String;

use super::ImageSyncMachine;
use super::calls::Answer;
use super::ids::{SourceId, TargetId};
use super::run_state::{FirstLook, Proof, Task};
use super::state::KnownCopy;
use super::{Basis, Outcome};
use crate::error::{Error, ErrorCode};
use crate::machine::Now;

impl ImageSyncMachine {
    /// Takes the proof as far as the finished looks allow.
    pub(super) fn prove_account(&mut self, now: Now) {
        match self.proof {
            // What was not asked any more says nothing.
            _ if self.closing.is_some() => {}
            Proof::Sources => {
                let looks = || self.all_sources().map(|source| self.runs[source].first_look);
                if looks().any(|look| look == FirstLook::Pending) {
                    return;
                }
                if looks().any(|look| look == FirstLook::Own) {
                    return self.account_is_proven(now);
                }
                if looks().any(|look| look == FirstLook::Foreign) {
                    return self.ask_for_number(now);
                }
                self.proof = Proof::Copies;
                for target in self.all_targets() {
                    if let Some(known) = self.trace(target) {
                        self.runs[target].schedule.next(Task::Recall(known), now.mono);
                    }
                }
                self.prove_account(now);
            }
            Proof::Copies => {
                let mut looking = self.all_targets();
                if !looking.any(|target| !matches!(self.runs[target].schedule.task, Task::Idle)) {
                    self.nothing_is_visible(now);
                }
            }
            Proof::Number | Proof::Given => {}
        }
    }

    /// A copy of this job whose id is known, whatever has become of it.
    fn trace(&self, target: TargetId) -> Option<KnownCopy> {
        let image_id = self.state[target].image_id()?.clone();
        Some(KnownCopy { image_id, basis: Basis::Found, outcome: Outcome::Present })
    }

    /// The credential is of the account that the job is for: now it begins.
    pub(super) fn account_is_proven(&mut self, now: Now) {
        if self.goes_nowhere() {
            return self.end_with(self.own_region());
        }
        self.proof = Proof::Given;
        self.dirty = true;
        for target in self.all_targets() {
            // Looks for the proof's sake, which are not needed any more.
            self.runs[target].schedule.task = Task::Idle;
            self.runs[target].schedule.call = None;
        }
        self.refuse_names_that_collide();
        for source in self.all_sources() {
            if let Some(error) = self.runs[source].refused.clone() {
                self.refuse(source, &error, now);
            }
            self.settle_own_region(source, now);
        }
        for target in self.all_targets() {
            let is_to_be_looked_for = self.state[target].known_copy().is_some();
            if self.runs[target].is_reviewed
                && !is_to_be_looked_for
                && self.state[target.source].copy_name.is_none()
            {
                self.review_ends(target);
            }
        }
    }

    fn ask_for_number(&mut self, now: Now) {
        self.proof = Proof::Number;
        self.runs[SourceId(0)].schedule.next(Task::Identify, now.mono);
    }

    /// Takes in the identity of the credential. A caller that may not ask for it continues without.
    pub(super) fn identified(&mut self, outcome: Result<Answer, Error>, now: Now) {
        let number = match outcome {
            Ok(Answer::Identity(identity)) => Some(identity.account_id),
            _ => None,
        };
        let sees_sources =
            self.all_sources().any(|source| self.runs[source].first_look != FirstLook::Nothing);
        let is_another = matches!((&self.state.account, &number), (Some(begun), Some(now)) if begun != now);
        if !sees_sources || is_another {
            return self.end_with(self.another_account(number, sees_sources));
        }
        self.state.account = self.state.account.take().or(number);
        self.account_is_proven(now);
    }

    /// Nothing of the whole job is visible. Whoever has just begun has the id wrong, or the region; and what the service
    /// refuses is said as it is.
    fn nothing_is_visible(&mut self, now: Now) {
        let mut errors = self.all_sources().filter_map(|source| self.runs[source].refused.clone());
        let Some(first) = errors.next() else { return };
        let is_new = self.all_targets().all(|target| self.state[target].is_untouched());
        if is_new || !first.is_not_found() {
            return self.end_with(first);
        }
        let trouble = self.all_targets().find_map(|target| self.runs[target].schedule.trouble.clone());
        if let Some((_, error)) = trouble {
            return self.end_with(error);
        }
        self.ask_for_number(now);
    }

    /// That the job is not visible may have several reasons, and no step is right under all of them.
    fn another_account(&self, number: Option<String>, sees_sources: bool) -> Error {
        let not_found = |message| Error::service(ErrorCode::InvalidImageIdNotFound, message, None, 200);
        if let (true, Some(begun), Some(number)) = (sees_sources, &self.state.account, &number) {
            return not_found(format!(
                "this job is of account {begun}, and this credential of account {number}, to which the images are shared as well: resume it with a key of its account; the job is kept as it was"
            ));
        }
        let mut whose = String::new();
        if let Some(begun) = &self.state.account {
            whose.push_str(&format!(", the job is of account {begun}"));
        }
        if let Some(number) = number {
            whose.push_str(&format!(", this credential is of account {number}"));
        }
        let message = format!(
            "nothing of this job is visible to this credential, neither its images in {} nor a copy of them{whose}: it is of another account or endpoint, the images were deleted, or a policy hides them; the job is kept as it was",
            self.state.source_region()
        );
        not_found(message)
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
