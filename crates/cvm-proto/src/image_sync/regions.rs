//! The regions of a job: each is looked at before anything is started, and the source's own is passed over.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::calls::Answer;
use super::ids::{Actor, SourceId, TargetId};
use super::run::ResumeMode;
use super::run_state::{FirstLook, Proof, Task};
use super::state::{Stage, SyncState};
use super::{Destination, ImageSyncMachine, Outcome};
use crate::error::Error;
use crate::machine::Now;
use crate::regions::{is_refused, refused};

/// The first look at each destination. Before it, nothing is requested that changes anything, and nothing is written down:
/// where the service refuses a region, nothing of the job has happened.
pub(super) struct FirstLooks {
    pub(super) are_done: bool,
    /// The regions that have answered.
    answered: Vec<bool>,
}

impl FirstLooks {
    pub(super) fn of(state: &SyncState, mode: ResumeMode) -> Self {
        let mut targets = state.sources.iter().flat_map(|source| &source.targets);
        // A job that has started something is not ended for the sake of one region.
        let are_done = mode != ResumeMode::Begun && targets.any(super::state::Target::has_begun);
        Self { are_done, answered: vec![false; state.job.to.len()] }
    }
}

impl Task {
    /// Whether it is more than a look. A dry run counts, since it asks what one is about to do.
    pub(super) fn changes_something(&self) -> bool {
        matches!(self, Self::Submit { .. } | Self::Probe(_) | Self::Align { .. } | Self::Delete { .. })
    }
}

impl ImageSyncMachine {
    /// Ends the time of first looks once every region has answered, or has had its time to.
    pub(super) fn end_first_looks(&mut self, now: Now) {
        if self.looks.are_done || self.proof != Proof::Given {
            return;
        }
        let has_had_its_time = |region: usize| {
            self.all_sources()
                .map(|source| TargetId { source, region })
                .all(|target| self.is_over(target) || self.runs[target].schedule.is_held_up(now.mono))
        };
        let mut regions = self.looks.answered.iter().enumerate();
        // A run that ends starts nothing more.
        self.looks.are_done =
            self.closing.is_some() || regions.all(|(region, answered)| *answered || has_had_its_time(region));
    }

    /// Takes note of a region that has answered; one that is refused is held against the list of regions first. What is left
    /// is to be heard by whoever asked.
    pub(super) fn region_answered(
        &mut self,
        actor: Actor,
        task: Task,
        outcome: Result<Answer, Error>,
        now: Now,
    ) -> Option<(Task, Result<Answer, Error>)> {
        if self.looks.are_done {
            return Some((task, outcome));
        }
        if let Task::ListRegions { look, error } = task {
            return self.regions_listed(actor, *look, *error, outcome);
        }
        let is_look = match actor {
            Actor::Source(source) => {
                matches!(task, Task::Look) && self.runs[source].first_look == FirstLook::Pending
            }
            Actor::Target(_) => {
                self.proof == Proof::Given && matches!(task, Task::Survey(_) | Task::Recall(_))
            }
        };
        match outcome {
            Err(error) if is_look && is_refused(&error) => {
                let task = Task::ListRegions { look: Box::new(task), error: Box::new(error) };
                self.runs.schedule(actor).next(task, now.mono);
                None
            }
            outcome => {
                if is_look && outcome.as_ref().err().is_none_or(|error| !error.is_retryable()) {
                    self.has_answered(actor);
                }
                Some((task, outcome))
            }
        }
    }

    fn has_answered(&mut self, actor: Actor) {
        if let Actor::Target(target) = actor {
            self.looks.answered[target.region] = true;
        }
    }

    /// After the list of regions, which is asked for at best. A region that is refused ends the job.
    fn regions_listed(
        &mut self,
        actor: Actor,
        look: Task,
        error: Error,
        outcome: Result<Answer, Error>,
    ) -> Option<(Task, Result<Answer, Error>)> {
        let region = match actor {
            Actor::Source(_) => self.state.source_region(),
            Actor::Target(target) => &self.state[target].region,
        };
        let listed = match &outcome {
            Ok(Answer::Regions(listed)) => Some(listed.as_slice()),
            _ => None,
        };
        if let Some(error) = refused("nothing was started, since ", region, &error, listed) {
            self.end_with(error);
            return None;
        }
        self.has_answered(actor);
        Some((look, Err(error)))
    }

    /// Whether every image of the job is to go to where it is, and to no other region.
    pub(super) fn goes_nowhere(&self) -> bool {
        let job = &self.state.job;
        let is_at_home = |source: SourceId| {
            self.runs[source].first_look == FirstLook::Own && self.runs[source].refused.is_none()
        };
        !job.encrypt && job.to == [self.state.source_region()] && self.all_sources().all(is_at_home)
    }

    pub(super) fn own_region(&self) -> Error {
        Error::parameter(format!(
            "the only destination is {}, where the images are already: name another region",
            self.state.source_region()
        ))
    }

    /// Where a source can go, now that it is known whose it is: an image of the account's own is in its own region already,
    /// and one that is shared goes nowhere else.
    pub(super) fn settle_own_region(&mut self, source: SourceId, now: Now) {
        if self.state.job.encrypt {
            return;
        }
        let is_shared = self.runs[source].first_look == FirstLook::Foreign;
        for target in self.targets_of(source) {
            let is_home = self.state[target].region == self.state.source_region();
            if self.was_passed_over(target) {
                self.pass_over_again(target, now);
            } else if self.is_over(target) || self.state[target].has_begun() || is_home == is_shared {
                // It is over, or a destination as any other.
            } else if self.runs[source].refused.is_none() && !self.runs[target].is_reviewed {
                self.leave_out(target, now);
            }
        }
    }

    /// A destination where nothing is to be started, whatever is there.
    fn leave_out(&mut self, target: TargetId, now: Now) {
        let (image, from) = (self.state[target.source].image_id.clone(), self.state.source_region());
        if self.state[target].region == from {
            let note = format!("{from} is the region that the image is in: it was passed over");
            let change = |destination: &mut Destination| {
                destination.image_id = Some(image);
                destination.notes.push(note);
            };
            return self.end(target, Outcome::Skipped, change, now);
        }
        let message = format!(
            "image {image} belongs to another account, which shares it: it is copied in {from} alone, its own region; copy that copy from there"
        );
        self.fail(target, None, Error::parameter(message), now);
    }

    /// Whether an earlier run passed it over as the source's own region.
    fn was_passed_over(&self, target: TargetId) -> bool {
        let Stage::Ended(ended) = &self.state[target].stage else { return false };
        let source = &self.state[target.source].image_id;
        ended.outcome == Outcome::Skipped && ended.image_id.as_ref() == Some(source)
    }

    /// The source's own region, passed over in an earlier run: the source has been looked at once more.
    fn pass_over_again(&mut self, target: TargetId, now: Now) {
        match self.runs[target.source].refused.clone() {
            Some(error) => self.close_as(target, Outcome::Failed, Some(error), now),
            None => self.review_ends(target),
        }
    }
}
