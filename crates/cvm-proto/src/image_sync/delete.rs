//! Copies that have failed: they hold their name, and are deleted if the run is to do so.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use super::calls::Answer;
use super::ids::TargetId;
use super::run_state::Task;
use super::state::Stage;
use super::survey::has_failed;
use super::watch::MISSES_BEFORE_SEARCH;
use super::{Destination, ImageSyncMachine, Outcome};
use crate::api::types::{Image, ImageState};
use crate::error::{Error, ErrorCode};
use crate::machine::Now;

impl ImageSyncMachine {
    /// An image that failed has the name: the remains of a copy, or somebody else's.
    pub(super) fn left_behind(&mut self, target: TargetId, image_id: String, now: Now) {
        let run = &self.runs[target];
        let is_own = run.failed_own.as_ref() == Some(&image_id);
        let deletes = self.run.delete_failed && !run.is_reviewed && (is_own || !self.run.own_copies);
        if deletes && !self.run.dry_run {
            return self.delete(target, image_id, None, now);
        }
        if deletes {
            if let Some(error) = self.runs[target.source].refused.clone() {
                return self.refuse_target(target, &error, now);
            }
            let note = format!("the failed image {image_id}, which has the name, would be deleted first");
            self.runs[target].notes.push(note);
            return self.close_as(target, Outcome::Planned, None, now);
        }
        let advice = match (self.run.delete_failed, self.run.own_copies && !is_own) {
            (true, true) => "; this job is not known to have started it, so it is not deleted",
            (true, false) => "",
            (false, _) => "; it is in the way until somebody deletes it, or a run that is to (delete_failed)",
        };
        let why = format!(
            "image {image_id} has the name `{}`, and failed{advice}",
            self.copy_name(target).escape_debug()
        );
        self.conflict_for_all(target, image_id, &why, now);
    }

    fn delete(&mut self, target: TargetId, image_id: String, error: Option<Box<Error>>, now: Now) {
        self.runs[target].schedule.next(Task::Delete { image_id, error, recorded: 0 }, now.mono);
    }

    /// Writes down that a failed copy is about to be deleted.
    pub(super) fn record_deletion(&mut self, target: TargetId) {
        let Task::Delete { image_id, error, .. } = &self.runs[target].schedule.task else { return };
        let (image_id, error) = (image_id.clone(), error.as_deref().cloned());
        let of = &mut self.state[target];
        if error.is_none() && matches!(of.stage, Stage::Sent { .. }) {
            of.unanswered += 1;
        }
        if !of.strangers.contains(&image_id) {
            of.strangers.push(image_id.clone());
        }
        of.stage = Stage::Deleting { image_id, error };
        self.dirty = true;
    }

    /// A copy has ended without being one.
    pub(super) fn copy_failed(&mut self, target: TargetId, image_id: String, state: &ImageState, now: Now) {
        let region = self.state[target].region.clone();
        let deletes = self.run.delete_failed && !self.run.dry_run && !self.runs[target].is_reviewed;
        let advice = if deletes { "" } else { ": delete it, and copy the image again" };
        let message = format!("the copy {image_id} in {region} ended as {state}{advice}");
        let error = Error::service(ErrorCode::FailedOperationInvalidImageState, message, None, 200);
        if !deletes {
            self.fail(target, Some(image_id), error, now);
        } else if let Some(closing) = self.closing {
            // It is not the end: whoever resumes the job deletes it.
            let message = format!(
                "the copy {image_id} in {region} ended as {state}, and the run ended before it was deleted: resume the job"
            );
            let error = Error::service(ErrorCode::FailedOperationInvalidImageState, message, None, 200);
            self.close_as(target, closing.why, Some(error), now);
        } else {
            self.delete(target, image_id, Some(Box::new(error)), now);
        }
    }

    /// After a failed copy was deleted: the end with its error, or the way is free for another.
    pub(super) fn deleted(
        &mut self,
        target: TargetId,
        image_id: String,
        error: Option<Box<Error>>,
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        match outcome {
            // What came of it is not known, or nothing yet: a look tells.
            Err(trouble) if trouble.is_retryable() && !self.troubled(target, &trouble, now) => {
                if !matches!(self.state[target].stage, Stage::Deleting { .. }) {
                    self.runs[target].schedule.task = Task::Delete { image_id, error, recorded: 0 };
                }
            }
            // Gone is gone.
            Err(trouble) if !trouble.is_not_found() => {
                self.not_deleted(target, image_id, error.map(|error| *error), trouble, now);
            }
            _ => self.is_deleted(target, &image_id, error.map(|error| *error), now),
        }
    }

    /// Takes in a look at a copy that was to be deleted.
    pub(super) fn deletion_seen(
        &mut self,
        target: TargetId,
        image_id: String,
        image: Option<Image>,
        error: Option<Error>,
        now: Now,
    ) {
        let run = &mut self.runs[target];
        run.misses = if image.is_some() { 0 } else { run.misses + 1 };
        match image {
            _ if self.closing.is_some() => self.close(target.into(), now),
            // Lists may lag behind, and leave out what is there.
            None if run.misses < MISSES_BEFORE_SEARCH => {
                run.schedule.rest_after_miss(now.mono, &mut self.random);
            }
            None => self.is_deleted(target, &image_id, error, now),
            Some(image) if has_failed(&image.image_state) && self.run.delete_failed && !self.run.dry_run => {
                self.delete(target, image_id, error.map(Box::new), now);
            }
            // This run is not to delete, or there is nothing to delete any more: the target begins anew.
            Some(_) => match error {
                Some(error) => self.fail(target, Some(image_id), error, now),
                None => self.way_is_free(target, now),
            },
        }
    }

    fn is_deleted(&mut self, target: TargetId, image_id: &str, error: Option<Error>, now: Now) {
        // Without an error of its own it had only the name.
        let note = if error.is_some() {
            format!("the failed copy {image_id} was deleted")
        } else {
            format!("the failed image {image_id}, which had the name, was deleted")
        };
        self.runs[target].notes.push(note);
        match error {
            None => self.way_is_free(target, now),
            Some(error) => self.fail(target, None, error, now),
        }
    }

    /// The name is free for another copy.
    fn way_is_free(&mut self, target: TargetId, now: Now) {
        self.state[target].stage = Stage::Unseen;
        self.dirty = true;
        self.runs[target].misses = 0;
        let schedule = &mut self.runs[target].schedule;
        schedule.refresh();
        schedule.rest(now.mono, &mut self.random);
    }

    fn not_deleted(&mut self, target: TargetId, id: String, error: Option<Error>, why: Error, now: Now) {
        let note = format!("the failed image {id} could not be deleted: {why}");
        let change = |destination: &mut Destination| {
            destination.image_id = Some(id);
            destination.error = Some(error.unwrap_or(why));
            destination.notes.push(note);
        };
        self.end(target, Outcome::Failed, change, now);
    }
}
