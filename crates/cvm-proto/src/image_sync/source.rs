//! A source: is it there, can it be copied, and is it free?

use alloc::format;

use super::ask::Answer;
use super::check::own_region;
use super::lane::Errand;
use super::state::{Stage, Traits};
use super::{ImageSyncMachine, SyncProgress};
use crate::api::types::{Image, ImageState, ImageType};
use crate::error::Error;
use crate::error_code::ErrorCode;
use crate::machine::Now;

impl ImageSyncMachine {
    /// A look before anything else; then, once no target is looked for any more, a request for those without a copy.
    pub(super) fn next_of_source(&self, source: usize) -> Errand {
        let of = &self.state.sources[source];
        let open = (0..of.targets.len()).filter(|&target| !self.is_over(source, target));
        if self.closing.is_some() || open.clone().next().is_none() {
            return Errand::Idle;
        }
        if of.traits.is_none() {
            return Errand::Look;
        }
        let settled = open.clone().all(|target| {
            matches!(of.targets[target].stage, Stage::Missing | Stage::Copying { .. })
                && (matches!(of.targets[target].stage, Stage::Copying { .. })
                    || matches!(self.lanes[self.lane(source, Some(target))].errand, Errand::Idle))
        });
        if self.state.job.dry_run || !settled {
            return Errand::Idle;
        }
        let batch = self.batch(source);
        if batch.is_empty() {
            Errand::Idle
        } else if self.fronts[source].ready {
            Errand::Submit { batch, recorded: 0 }
        } else {
            Errand::Look
        }
    }

    /// After a look at a source.
    pub(super) fn looked(&mut self, source: usize, outcome: Result<Answer, Error>, now: Now) {
        let id = self.state.sources[source].image_id.clone();
        let images = match outcome {
            Ok(Answer::Images(images)) => images.image_set,
            Ok(_) => return,
            Err(error) if error.is_not_found() => alloc::vec::Vec::new(),
            Err(error) if error.is_retryable() => {
                if self.troubled(source, None, &error, now) {
                    self.refuse(source, &error, now);
                }
                return;
            }
            Err(error) => return self.refuse(source, &error, now),
        };
        let Some(image) = images.iter().find(|image| image.image_id == id) else {
            let message =
                format!("image {id} is not in {}: check the id and the source region", self.state.from);
            let error = Error::service(ErrorCode::InvalidImageIdNotFound, message, None, 200);
            return self.refuse(source, &error, now);
        };
        if let Err(error) = self.judge_source(image) {
            return self.refuse(source, &error, now);
        }
        self.state.sources[source].traits = Some(Traits::of(image));
        let front = &mut self.fronts[source];
        if !front.told_found {
            front.told_found = true;
            self.events.push_back(SyncProgress::Found {
                source: id,
                image_name: image.image_name.clone(),
                image_size: image.image_size,
            });
        }
        let at = self.lane(source, None);
        if image.image_state == ImageState::NORMAL {
            self.fronts[source].ready = true;
            // The pauses stay as long as they have grown: the service may refuse what looks free.
            self.lanes[at].trouble_since = None;
            self.lanes[at].due = now.mono;
        } else {
            self.busy(source, now);
        }
    }

    /// A copy of the source is running: the service takes no second request until it is done.
    pub(super) fn busy(&mut self, source: usize, now: Now) {
        self.fronts[source].ready = false;
        let at = self.lane(source, None);
        self.lanes[at].rest(now.mono, &mut self.random);
        if !self.batch(source).is_empty() && !core::mem::replace(&mut self.fronts[source].told_busy, true) {
            let source = self.state.sources[source].image_id.clone();
            self.events.push_back(SyncProgress::Busy { source });
        }
    }

    /// Whether an image can be copied as the job has it. One that is being copied can be, later.
    fn judge_source(&self, image: &Image) -> Result<(), Error> {
        let (id, from, job) = (&image.image_id, &self.state.from, &self.state.job);
        let home = job.to.iter().any(|region| region == from);
        if image.image_type == ImageType::PUBLIC_IMAGE {
            return Err(Error::parameter(format!(
                "image {id} is public: it is in every region already, and cannot be copied"
            )));
        }
        if image.image_type == ImageType::SHARED_IMAGE {
            if job.encrypt {
                return Err(Error::parameter(format!(
                    "image {id} belongs to another account, which shares it: it cannot be copied encrypted"
                )));
            }
            if !home {
                return Err(Error::parameter(format!(
                    "image {id} belongs to another account, which shares it: copy it to {from} first, its own region"
                )));
            }
        } else if home && !job.encrypt {
            return Err(own_region(from));
        }
        if image.image_state != ImageState::NORMAL && image.image_state != ImageState::SYNCING {
            let message = format!(
                "image {id} in {from} is {}, only a NORMAL image can be copied: wait until it is, and try again",
                image.image_state
            );
            return Err(Error::service(ErrorCode::InvalidImageIdIncorrectState, message, None, 200));
        }
        if let Some(most) = job.max_size
            && image.image_size > most
        {
            return Err(Error::parameter(format!(
                "image {id} has {} GiB, more than the {most} that are allowed",
                image.image_size
            )));
        }
        if image.image_name.is_empty() && job.name.is_none() {
            return Err(Error::parameter(format!(
                "image {id} has no name to find its copies by: give the copies one"
            )));
        }
        Ok(())
    }

    /// The source cannot be copied: what has not been started never will be.
    pub(super) fn refuse(&mut self, source: usize, error: &Error, now: Now) {
        for target in 0..self.state.job.to.len() {
            let startable =
                matches!(self.state.sources[source].targets[target].stage, Stage::Unseen | Stage::Missing);
            if startable && !self.is_over(source, target) {
                let at = self.lane(source, Some(target));
                self.lanes[at].ask = None;
                self.refused.0 += 1;
                self.refused.1.get_or_insert_with(|| error.clone());
                self.fail(source, target, None, error.clone(), now);
            }
        }
    }
}
