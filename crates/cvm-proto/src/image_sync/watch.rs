//! A copy on its way: looks in its own rhythm, until it is `NORMAL`, has failed, is gone, or the time is over.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use super::calls::Answer;
use super::ids::TargetId;
use super::run_state::SearchScope;
use super::state::Stage;
use super::survey::{INVISIBLE_FOR, has_failed, says_yes};
use super::{Basis, Destination, ImageSyncMachine, Outcome, SyncProgress};
use crate::api::types::{Image, ImageState};
use crate::error::{Error, ErrorCode};
use crate::machine::Now;

/// How many looks in a row have to miss a copy before it is searched for by its name: lists may lag behind.
pub(super) const MISSES_BEFORE_SEARCH: u32 = 3;

impl ImageSyncMachine {
    /// After a look at a copy.
    pub(super) fn watched(&mut self, target: TargetId, outcome: Result<Answer, Error>, now: Now) {
        let Some(image_id) = self.state[target].image_id().cloned() else { return };
        let image = match outcome {
            Ok(Answer::Images(images)) => {
                images.image_set.into_iter().find(|image| image.image_id == image_id)
            }
            Ok(_) => return,
            Err(error) if error.is_not_found() => None,
            // The copy goes on whether it can be seen or not, and also without the right to see it.
            Err(error) => {
                let is_over = !error.is_retryable() || !self.run.wait;
                if self.troubled(target, &error, now) && is_over {
                    return self.close_as(target, Outcome::Started, Some(error), now);
                }
                return self.close_if_last(target, now);
            }
        };
        self.runs[target].schedule.trouble = None;
        if let Stage::Deleting { error, .. } = &self.state[target].stage {
            let error = error.clone();
            return self.deletion_seen(target, image_id, image, error, now);
        }
        let Some(image) = image else { return self.copy_missed(target, now) };
        self.copy_seen(target, now);
        if self.run.own_copies
            && matches!(self.state[target].stage, Stage::Copying { basis: Basis::Found, .. })
        {
            return self.not_own(target, image_id, now);
        }
        if image.image_state == ImageState::Normal {
            self.arrived(target, Box::new(image), now);
        } else if has_failed(&image.image_state) {
            self.copy_failed(target, image_id, &image.image_state, now);
        } else {
            self.tell(target, image, now);
            self.runs[target].schedule.rest(now.mono, &mut self.random);
            self.started(target, now);
            self.close_if_last(target, now);
        }
    }

    pub(super) fn close_if_last(&mut self, target: TargetId, now: Now) {
        if self.is_last(target, now) && !self.is_over(target) {
            self.close(target.into(), now);
        }
    }

    /// The copy is there. That it was ever seen is written down.
    fn copy_seen(&mut self, target: TargetId, now: Now) {
        let unix = self.unix_millis(now);
        self.runs[target].misses = 0;
        self.runs[target].seen = Some(unix);
        if let Stage::Copying { seen: seen @ None, .. } = &mut self.state[target].stage {
            *seen = Some(unix);
            self.dirty = true;
        }
    }

    /// Whether a copy may be called gone if nobody finds it: it was seen once, or has had time enough to show.
    pub(super) fn may_be_gone(&self, target: TargetId, now: Now) -> bool {
        match &self.state[target].stage {
            Stage::Copying { since, seen, .. } => seen.is_some() || self.since(*since, now) >= INVISIBLE_FOR,
            Stage::Sent { at, .. } => self.since(*at, now) >= INVISIBLE_FOR,
            Stage::Ended(_) => true,
            _ => false,
        }
    }

    /// A look did not show the copy: not yet, or no longer.
    fn copy_missed(&mut self, target: TargetId, now: Now) {
        let may_be_gone = self.may_be_gone(target, now);
        let run = &mut self.runs[target];
        run.misses += 1;
        run.schedule.rest_after_miss(now.mono, &mut self.random);
        if self.is_last(target, now) || run_ends_here(self.run.wait, may_be_gone) {
            return self.close(target.into(), now);
        }
        if may_be_gone && self.runs[target].misses.is_multiple_of(MISSES_BEFORE_SEARCH) {
            let survey = self.survey(target, SearchScope::Vanished);
            self.runs[target].schedule.next(survey, now.mono);
        }
    }

    /// After the question whether the name of a copy is free that is not to be seen any more. Only a clear yes counts.
    pub(super) fn name_asked_for(&mut self, target: TargetId, outcome: &Result<Answer, Error>, now: Now) {
        if says_yes(outcome) {
            return self.copy_gone(target, now);
        }
        self.runs[target].schedule.rest(now.mono, &mut self.random);
        if self.is_last(target, now) || !self.run.wait {
            self.close(target.into(), now);
        }
    }

    fn copy_gone(&mut self, target: TargetId, now: Now) {
        let of = &self.state[target];
        let copy = of.image_id().map_or_else(String::new, |id| format!(" {id}"));
        let message = format!(
            "the copy{copy} is gone from {}: it is not visible, and its name is free; run the job again to copy the image anew",
            of.region
        );
        let error = Error::service(ErrorCode::InvalidImageIdNotFound, message, None, 200);
        let id = of.image_id().cloned();
        self.runs[target].is_reviewed = false;
        let change = |destination: &mut Destination| {
            destination.image_id = id;
            destination.error = Some(error);
        };
        self.end(target, Outcome::Gone, change, now);
    }

    /// Reports state and percentage of the copy, if they have changed.
    fn tell(&mut self, target: TargetId, image: Image, now: Now) {
        let Stage::Copying { since, .. } = self.state[target].stage else { return };
        let percent = image.sync_percent.map(|percent| percent.clamp(0, 100));
        let told = Some((image.image_state.clone(), percent));
        if self.runs[target].told == told {
            return;
        }
        self.runs[target].told = told;
        self.events.push_back(SyncProgress::Copying {
            source: self.state[target.source].image_id.clone(),
            region: self.state[target].region.clone(),
            image_id: image.image_id,
            state: image.image_state,
            percent,
            elapsed: self.since(since, now),
        });
    }
}

/// A run that does not wait looks once, unless it has to find out whether the copy is gone.
fn run_ends_here(waits: bool, may_be_gone: bool) -> bool {
    !waits && !may_be_gone
}
