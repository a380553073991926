//! Sources: whether one exists, can be copied, and is free.

use alloc::format;

use super::calls::Answer;
use super::ids::{Actor, SourceId, TargetId};
use super::image_traits::Traits;
use super::run_state::{FirstLook, Proof, Task};
use super::state::Stage;
use super::survey::has_failed;
use super::watch::MISSES_BEFORE_SEARCH;
use super::{ImageSyncMachine, SyncProgress};
use crate::api::types::{Image, ImageState, ImageType};
use crate::error::{Error, ErrorCode};
use crate::machine::Now;

impl ImageSyncMachine {
    /// A look before anything else; then, once no target is looked for any more, a request for those without a copy.
    pub(super) fn next_of_source(&self, source: SourceId, now: Now) -> Task {
        let run = &self.runs[source];
        if self.closing.is_some() {
            return Task::Idle;
        }
        if run.first_look == FirstLook::Pending {
            return Task::Look;
        }
        let mut open = self.targets_of(source).filter(|&target| !self.is_over(target)).peekable();
        if self.proof != Proof::Given
            || !self.looks.are_done
            || run.refused.is_some()
            || self.run.dry_run
            || open.peek().is_none()
        {
            return Task::Idle;
        }
        // Whoever is only waited for, or cannot be asked, keeps no other waiting.
        let is_settled = open.all(|target| match self.state[target].stage {
            Stage::Copying { .. } | Stage::Taken { .. } | Stage::Sent { accepted: true, .. } => true,
            Stage::Missing => matches!(self.runs[target].schedule.task, Task::Idle),
            _ => self.runs[target].schedule.is_held_up(now.mono),
        });
        let batch = if is_settled { self.batch(source) } else { alloc::vec::Vec::new() };
        if batch.is_empty() {
            Task::Idle
        } else if run.ready {
            Task::Submit { batch, recorded: 0 }
        } else {
            Task::Look
        }
    }

    /// Takes in a look at a source.
    pub(super) fn looked(&mut self, source: SourceId, outcome: Result<Answer, Error>, now: Now) {
        let id = self.state[source].image_id.clone();
        let images = match outcome {
            Ok(Answer::Images(images)) => images.image_set,
            Ok(_) => return,
            Err(error) if error.is_not_found() => alloc::vec::Vec::new(),
            Err(error) if error.is_retryable() => {
                if self.troubled(source, &error, now) {
                    self.found_out(source, FirstLook::Nothing, Some(error), now);
                }
                return;
            }
            Err(error) => return self.found_out(source, FirstLook::Nothing, Some(error), now),
        };
        let Some(image) = images.into_iter().find(|image| image.image_id == id) else {
            let run = &mut self.runs[source];
            run.misses += 1;
            // Lists may lag behind, and it was there before.
            if run.first_look != FirstLook::Pending && run.misses < MISSES_BEFORE_SEARCH {
                return run.schedule.rest_after_miss(now.mono, &mut self.random);
            }
            let message = format!(
                "image {id} is not in {}: check the id, the source region and the account",
                self.state.source_region()
            );
            let error = Error::service(ErrorCode::InvalidImageIdNotFound, message, None, 200);
            return self.found_out(source, FirstLook::Nothing, Some(error), now);
        };
        let look = if is_foreign(&image) { FirstLook::Foreign } else { FirstLook::Own };
        if let Err(error) = self.judge_source(&image) {
            return self.found_out(source, look, Some(error), now);
        }
        self.resolve_name(source, &image);
        self.state[source].traits = Some(Traits::of(&image));
        let run = &mut self.runs[source];
        run.misses = 0;
        if !core::mem::replace(&mut run.told_found, true) {
            self.events.push_back(SyncProgress::Found {
                source: id,
                image_name: image.image_name,
                image_size: image.image_size,
            });
        }
        run.schedule.trouble = None;
        if image.image_state == ImageState::Normal {
            run.ready = true;
            // The pauses stay as long as they have grown: the service may refuse what looks free.
            run.schedule.due = now.mono;
        } else {
            self.busy(source, now);
        }
        self.found_out(source, look, None, now);
    }

    /// The name of the copies is resolved once, before anything is requested, and stays what it is.
    fn resolve_name(&mut self, source: SourceId, image: &Image) {
        let given = self.state.job.name.clone();
        let name = self.state[source]
            .copy_name
            .get_or_insert_with(|| given.clone().unwrap_or(image.image_name.clone()));
        if given.is_none() && *name != image.image_name {
            self.runs[source].note = Some(format!(
                "the source is called `{}` by now; its copies keep the name `{}`, under which this job began",
                image.image_name.escape_debug(),
                name.escape_debug()
            ));
        }
    }

    /// What a look at a source means: at first for the proof of the account, and then for its targets.
    fn found_out(&mut self, source: SourceId, look: FirstLook, refused: Option<Error>, now: Now) {
        let run = &mut self.runs[source];
        if run.first_look == FirstLook::Pending {
            run.first_look = look;
            run.refused = refused;
        } else if let Some(error) = refused {
            run.refused = Some(error.clone());
            self.refuse(source, &error, now);
        }
    }

    /// A copy of the source is running: the service takes no second request until it is done.
    pub(super) fn busy(&mut self, source: SourceId, now: Now) {
        let has_batch = !self.batch(source).is_empty();
        let run = &mut self.runs[source];
        run.ready = false;
        run.schedule.rest(now.mono, &mut self.random);
        if has_batch && !core::mem::replace(&mut run.told_busy, true) {
            let source = self.state[source].image_id.clone();
            self.events.push_back(SyncProgress::Busy { source });
        }
    }

    /// Whether an image can be copied as the job has it. One that is being copied can be, later.
    fn judge_source(&self, image: &Image) -> Result<(), Error> {
        let (id, from, job) = (&image.image_id, self.state.source_region(), &self.state.job);
        let home = job.to.iter().any(|region| region == from);
        if image.image_type == ImageType::PublicImage {
            return Err(Error::parameter(format!(
                "image {id} is public: it is in every region already, and cannot be copied"
            )));
        }
        if image.image_type == ImageType::SharedImage {
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
        }
        if !matches!(image.image_state, ImageState::Normal | ImageState::Syncing) {
            let advice = if has_failed(&image.image_state) {
                "it will never be one: name another image"
            } else {
                "wait until it is, and try again"
            };
            let message = format!(
                "image {id} in {from} is {}, only a NORMAL image can be copied: {advice}",
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

    /// The source cannot be copied: what has not been started never will be. A copy that is known from before, or that a
    /// lost request may have started, is looked for all the same.
    pub(super) fn refuse(&mut self, source: SourceId, error: &Error, now: Now) {
        for target in self.targets_of(source) {
            let of = &self.state[target];
            let is_startable = match of.stage {
                Stage::Unseen => of.known.is_none() && !of.is_uncertain(),
                Stage::Missing => true,
                _ => false,
            };
            if is_startable && !self.is_over(target) {
                self.refuse_target(target, error, now);
            }
        }
    }

    /// A target without a copy whose source cannot be copied.
    pub(super) fn refuse_target(&mut self, target: TargetId, error: &Error, now: Now) {
        self.runs.schedule(Actor::Target(target)).call = None;
        if self.state[target].is_uncertain() {
            return self.close(target.into(), now);
        }
        self.refused.0 += 1;
        self.refused.1.get_or_insert_with(|| error.clone());
        self.fail(target, None, error.clone(), now);
    }
}

/// Whether an image is another account's, or one that all have.
pub(super) fn is_foreign(image: &Image) -> bool {
    matches!(image.image_type, ImageType::PublicImage | ImageType::SharedImage)
}
