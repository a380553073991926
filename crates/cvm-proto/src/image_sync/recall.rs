//! A copy that is known from before: looked at by its id, whatever its name is now.

use super::account::Proof;
use super::calls::Answer;
use super::handle::TargetId;
use super::runs::{Search, Task};
use super::state::{KnownCopy, Stage};
use super::survey::has_failed;
use super::watch::MISSES;
use super::{Basis, ImageFacts, ImageSyncMachine, Outcome};
use crate::api::types::ImageState;
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
                // Where it is only to prove the account, it is asked again as long as that may help.
                let is_worth_it = if self.proof == Proof::Given {
                    error.is_retryable() || !too_long
                } else {
                    error.is_retryable() && !too_long
                };
                if is_worth_it {
                    self.runs[target].lane.task = Task::Recall(known);
                }
                return;
            }
        };
        if self.proof != Proof::Given {
            self.runs[target].lane.trouble = None;
            if image.is_some() {
                self.account_is_proven(now);
            }
            return;
        }
        self.runs[target].lane.trouble = None;
        let Some(image) = image else { return self.not_recalled(target, known, now) };
        self.runs[target].misses = 0;
        if has_failed(&image.image_state) {
            return self.no_more_known(target, now);
        }
        if known.basis == Basis::Found && self.run.own_copies {
            let why = alloc::format!(
                "image {} is there, but this job is not known to have started it",
                known.image_id
            );
            return self.conflict_for_all(target, known.image_id, &why, now);
        }
        if image.image_state != ImageState::NORMAL {
            return self.adopt(target, known.image_id, known.basis, now);
        }
        if known.outcome == Outcome::Copied {
            let facts = ImageFacts::of(&image);
            self.copied(target, known.image_id, known.basis, facts, alloc::vec::Vec::new(), now);
        } else {
            self.end_present(target, &image, known.basis, now);
        }
    }

    /// It is not to be seen: lists may lag behind, so it is looked for again, and then by its name.
    fn not_recalled(&mut self, target: TargetId, known: KnownCopy, now: Now) {
        let run = &mut self.runs[target];
        run.misses += 1;
        if run.misses < MISSES {
            run.lane.task = Task::Recall(known);
            run.lane.rest_shortly(now.mono, &mut self.random);
        } else if run.is_reviewed {
            let survey = self.survey(target, Search::Vanished);
            match survey {
                Task::Idle => self.review_ends(target),
                survey => self.runs[target].lane.next(survey, now.mono),
            }
        } else {
            let id = known.image_id;
            run.notes.push(alloc::format!("the copy {id}, which was there before, is gone"));
            self.no_more_known(target, now);
        }
    }

    /// What was known is no usable copy any more: the target begins as any other.
    fn no_more_known(&mut self, target: TargetId, now: Now) {
        if self.runs[target].is_reviewed {
            return self.review_ends(target);
        }
        self.state[target].known = None;
        self.dirty = true;
        let run = &mut self.runs[target];
        run.misses = 0;
        run.lane.refresh();
        run.lane.due = now.mono;
        if let Some(error) = self.runs[target.source].refused.clone() {
            self.refuse_target(target, &error, now);
        }
    }

    /// A target that had ended before has been looked at, and is as it was.
    pub(super) fn review_ends(&mut self, target: TargetId) {
        if let Stage::Ended(destination) = &self.state[target].stage {
            self.announce((**destination).clone());
        }
        self.runs[target].is_reviewed = false;
    }
}
