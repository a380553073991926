//! A copy that is known from before: looked at by its id, whatever its name is now.

use super::calls::Answer;
use super::ids::TargetId;
use super::run_state::{Proof, SearchScope, Task};
use super::source::is_foreign;
use super::state::{KnownCopy, Stage};
use super::survey::has_failed;
use super::watch::MISSES_BEFORE_SEARCH;
use super::{Basis, ImageFacts, ImageSyncMachine, Outcome};
use crate::api::types::{Image, ImageState};
use crate::error::Error;
use crate::machine::Now;

impl ImageSyncMachine {
    /// After a look at a copy that is known from before.
    pub(super) fn recalled(
        &mut self,
        target: TargetId,
        known: KnownCopy,
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        let image = match outcome {
            Ok(Answer::Images(images)) => {
                images.image_set.into_iter().find(|image| image.image_id == known.image_id)
            }
            Ok(_) => return,
            Err(error) if error.is_not_found() => None,
            Err(error) => {
                let too_long = self.troubled(target, &error, now);
                if self.closing.is_some() {
                    self.close(target.into(), now);
                } else if error.is_retryable() && !too_long {
                    self.runs[target].schedule.task = Task::Recall(known);
                } else if self.proof == Proof::Given {
                    self.close_as(target, Outcome::Unknown, Some(error), now);
                }
                return;
            }
        };
        if self.proof != Proof::Given {
            self.runs[target].schedule.trouble = None;
            // What others share, or all have, says nothing of whose this credential is.
            if image.is_some_and(|image| !is_foreign(&image)) {
                self.account_is_proven(now);
            }
            return;
        }
        self.runs[target].schedule.trouble = None;
        match image {
            Some(image) => self.known_is_there(target, known, &image, now),
            None => self.not_recalled(target, known, now),
        }
    }

    /// A copy that is known from before is there.
    pub(super) fn known_is_there(&mut self, target: TargetId, known: KnownCopy, image: &Image, now: Now) {
        self.runs[target].misses = 0;
        if has_failed(&image.image_state) {
            if self.runs[target].is_reviewed {
                return self.copy_failed(target, known.image_id, &image.image_state, now);
            }
            self.runs[target].failed_own = Some(known.image_id).filter(|_| known.basis != Basis::Found);
            self.state[target].known = None;
            return self.no_more_known(target, now);
        }
        if known.basis == Basis::Found && self.run.own_copies {
            return self.not_own(target, known.image_id, now);
        }
        if image.image_state != ImageState::Normal {
            return self.adopt(target, known.image_id, known.basis, now);
        }
        if known.outcome == Outcome::Copied {
            let facts = ImageFacts::of(image);
            self.copied(target, known.image_id, known.basis, facts, alloc::vec::Vec::new(), now);
        } else {
            self.end_present(target, image, known.basis, now);
        }
    }

    /// It is not to be seen: lists may lag behind, so it is looked for again, and then by its name.
    fn not_recalled(&mut self, target: TargetId, known: KnownCopy, now: Now) {
        let run = &mut self.runs[target];
        run.misses += 1;
        if self.closing.is_some() {
            self.close(target.into(), now);
        } else if run.misses < MISSES_BEFORE_SEARCH {
            run.schedule.task = Task::Recall(known);
            run.schedule.rest_after_miss(now.mono, &mut self.random);
        } else if run.is_reviewed {
            let survey = self.survey(target, SearchScope::Vanished);
            self.runs[target].schedule.next(survey, now.mono);
        } else {
            run.known_is_missed = true;
            self.no_more_known(target, now);
        }
    }

    /// What was known is no usable copy any more, or hides: the target begins as any other.
    fn no_more_known(&mut self, target: TargetId, now: Now) {
        self.dirty = true;
        let run = &mut self.runs[target];
        run.misses = 0;
        run.schedule.refresh();
        run.schedule.due = now.mono;
        if let Some(error) = self.runs[target.source].refused.clone() {
            self.refuse_target(target, &error, now);
        }
    }

    /// A target that had ended before, and where nothing has the name: what was in the way is not there any more.
    pub(super) fn review_finds_nothing(&mut self, target: TargetId, now: Now) {
        let Stage::Ended(ended) = &self.state[target].stage else { return };
        let message = alloc::format!(
            "no image of the name `{}` is visible in {}, and a job that is resumed starts nothing where it had ended: run the job again to copy the image",
            self.copy_name(target).escape_debug(),
            ended.region
        );
        let error = Error::failed(message);
        self.close_as(target, Outcome::Failed, Some(error), now);
    }

    /// A target that had ended before is as it was.
    pub(super) fn review_ends(&mut self, target: TargetId) {
        if let Stage::Ended(destination) = &self.state[target].stage {
            self.announce((**destination).clone());
        }
        self.runs[target].is_reviewed = false;
    }
}
