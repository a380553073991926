//! A copy on its way: looks in its own rhythm, until it is `NORMAL`, has failed, or the time is over.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use super::ask::Answer;
use super::lane::Errand;
use super::state::Stage;
use super::survey::{INVISIBLE_FOR, has_failed};
use super::{ImageSyncMachine, Outcome, SyncProgress};
use crate::api::types::{Image, ImageState};
use crate::error::Error;
use crate::error_code::ErrorCode;
use crate::machine::Now;

/// How many looks in a row have to miss a copy before it counts as gone: lists may lag behind.
const MISSES: u32 = 3;

impl ImageSyncMachine {
    /// After a look at a copy.
    pub(super) fn watched(&mut self, source: usize, target: usize, outcome: Result<Answer, Error>, now: Now) {
        let Stage::Copying { image_id, since } = &self.state.sources[source].targets[target].stage else {
            return;
        };
        let (image_id, since) = (image_id.clone(), *since);
        let image = match outcome {
            Ok(Answer::Images(images)) => {
                images.image_set.into_iter().find(|image| image.image_id == image_id)
            }
            Ok(_) => return,
            Err(error) if error.is_not_found() => None,
            // The copy goes on whether it can be seen or not, and also without the right to see it.
            Err(error) => {
                if self.troubled(source, Some(target), &error, now) && !error.is_retryable() {
                    return self.close_as(source, target, Outcome::Started, Some(error), now);
                }
                return self.close_if_last(source, target, now);
            }
        };
        let at = self.lane(source, Some(target));
        self.lanes[at].trouble_since = None;
        match image {
            None => self.missed(source, target, &image_id, since, now),
            Some(image) if image.image_state == ImageState::NORMAL => {
                self.arrived(source, target, Box::new(image), now);
            }
            Some(image) if has_failed(&image.image_state) => {
                self.copy_failed(source, target, image_id, &image.image_state, now);
            }
            Some(image) => {
                self.lanes[at].misses = 0;
                self.tell(source, target, image, since, now);
                self.lanes[at].rest(now.mono, &mut self.random);
                self.close_if_last(source, target, now);
            }
        }
    }

    fn close_if_last(&mut self, source: usize, target: usize, now: Now) {
        if self.is_last(source, Some(target), now) && !self.is_over(source, target) {
            self.close(source, Some(target), now);
        }
    }

    /// The copy is not to be seen: not yet, or no more.
    fn missed(&mut self, source: usize, target: usize, image_id: &str, since: u64, now: Now) {
        let at = self.lane(source, Some(target));
        let lane = &mut self.lanes[at];
        lane.misses += 1;
        let (seen, misses) = (lane.seen.is_some(), lane.misses);
        lane.rest(now.mono, &mut self.random);
        if misses < MISSES || !seen && self.since(since, now) < INVISIBLE_FOR {
            return self.close_if_last(source, target, now);
        }
        let region = &self.state.sources[source].targets[target].region;
        let message = format!("the copy {image_id} is not in {region}: it was deleted, or never made");
        let error = Error::service(ErrorCode::InvalidImageIdNotFound, message, None, 200);
        self.fail(source, target, Some(image_id.into()), error, now);
    }

    /// Says how far the copy is, if that is news.
    fn tell(&mut self, source: usize, target: usize, image: Image, since: u64, now: Now) {
        let percent = image.sync_percent.map(|percent| percent.clamp(0, 100));
        let seen = Some((image.image_state.clone(), percent));
        let at = self.lane(source, Some(target));
        if self.lanes[at].seen == seen {
            return;
        }
        self.lanes[at].seen = seen;
        let elapsed = self.since(since, now);
        let of = &self.state.sources[source];
        self.events.push_back(SyncProgress::Copying {
            source: of.image_id.clone(),
            region: of.targets[target].region.clone(),
            image_id: image.image_id,
            state: image.image_state,
            percent,
            elapsed,
        });
    }

    /// A copy has ended without being one.
    pub(super) fn copy_failed(
        &mut self,
        source: usize,
        target: usize,
        image_id: String,
        state: &ImageState,
        now: Now,
    ) {
        let region = self.state.sources[source].targets[target].region.clone();
        let deletes = self.state.job.delete_failed && self.closing.is_none();
        let advice = if deletes { "" } else { ": delete it and copy again" };
        let message = format!("the copy {image_id} in {region} ended as {state}{advice}");
        let error = Error::service(ErrorCode::FailedOperationInvalidImageState, message, None, 200);
        if deletes {
            let at = self.lane(source, Some(target));
            self.lanes[at].errand = Errand::Discard { image_id, error: Some(Box::new(error)) };
            self.lanes[at].due = now.mono;
            return;
        }
        self.fail(source, target, Some(image_id), error, now);
    }
}
