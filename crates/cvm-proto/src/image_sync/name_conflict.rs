//! A name that is taken by an image that no list shows.

use alloc::format;

use super::calls::Answer;
use super::ids::TargetId;
use super::run_state::ProbeReason;
use super::survey::{INVISIBLE_FOR, says_yes};
use super::{ImageSyncMachine, Outcome};
use crate::api::types::Image;
use crate::error::{Error, ErrorCode};
use crate::machine::Now;

impl ImageSyncMachine {
    /// An image seems to hold the name that differs from it in case, blanks or type alone.
    pub(super) fn seems_taken(&mut self, target: TargetId, image: &Image, now: Now) {
        let why = format!(
            "the name `{}` is taken, and image {} of type {} has the name `{}`, which the service seems to take for the same",
            self.copy_name(target).escape_debug(),
            image.image_id,
            image.image_type,
            image.image_name.escape_debug()
        );
        if !self.state[target].is_uncertain() {
            return self.conflict(target, image, &why, now);
        }
        // A request was lost: what is not to be seen is its copy first of all.
        self.runs[target].seems_taken = Some((image.image_id.clone(), why));
        self.nothing_there(target, now);
    }

    /// Nothing was found that has the name: it is searched for again, as long as a copy may hide.
    pub(super) fn holder_not_found(&mut self, target: TargetId, since: u64, now: Now) {
        self.runs[target].has_searched = true;
        if self.is_last(target, now) || self.run.dry_run {
            self.stays_taken(target, now);
        } else if self.since(since, now) >= INVISIBLE_FOR {
            self.probe(target, ProbeReason::Taken, now);
        } else {
            self.runs[target].schedule.rest(now.mono, &mut self.random);
        }
    }

    /// After the question whether the name is taken still: its holder may have been deleted meanwhile.
    pub(super) fn taken_asked_for(&mut self, target: TargetId, outcome: &Result<Answer, Error>, now: Now) {
        if says_yes(outcome) {
            self.missing(target, now);
        } else {
            self.stays_taken(target, now);
        }
    }

    /// That is all for this run. It is no end for good: the next one looks again.
    fn stays_taken(&mut self, target: TargetId, now: Now) {
        if let Some((image_id, why)) = self.runs[target].seems_taken.take() {
            let error = self.in_the_way(target, &why);
            self.close_with(target, Outcome::Conflict, Some(image_id), Some(error), now);
        } else {
            let error = self.name_taken(target);
            self.close_as(target, Outcome::Unknown, Some(error), now);
        }
    }

    /// The name is taken by something that was searched for and not seen.
    pub(super) fn name_taken(&self, target: TargetId) -> Error {
        let region = &self.state[target].region;
        let message = format!(
            "the name `{}` is taken in {region} by an image that this credential does not see: a copy on its way, or one that a policy hides; run the job again later, or give the copies another name",
            self.copy_name(target).escape_debug()
        );
        Error::service(ErrorCode::InvalidImageNameDuplicate, message, None, 200)
    }
}
