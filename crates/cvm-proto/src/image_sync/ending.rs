//! How targets end, for good or for this run, and what the job says of them all.

use alloc::format;
use alloc::string::String;

use super::lane::{Errand, Lane};
use super::state::Stage;
use super::{Destination, ImageSyncMachine, Outcome, SyncProgress, SyncReport};
use crate::error::Error;
use crate::machine::{Now, Step};

impl ImageSyncMachine {
    /// A target has ended for good.
    pub(super) fn end(
        &mut self,
        source: usize,
        target: usize,
        outcome: Outcome,
        change: impl FnOnce(&mut Destination),
        now: Now,
    ) {
        let mut destination = self.destination(source, target, outcome, now);
        change(&mut destination);
        self.events.push_back(SyncProgress::Ended(destination.clone()));
        self.state.sources[source].targets[target].stage = Stage::Ended(destination);
        let at = self.lane(source, Some(target));
        self.lanes[at].errand = Errand::Idle;
        self.dirty = true;
    }

    /// A target has ended without a usable copy; `image_id` is what is there to be cleaned up.
    pub(super) fn fail(
        &mut self,
        source: usize,
        target: usize,
        image_id: Option<String>,
        error: Error,
        now: Now,
    ) {
        let change = |destination: &mut Destination| {
            destination.image_id = image_id;
            destination.error = Some(error);
        };
        self.end(source, target, Outcome::Failed, change, now);
    }

    fn destination(&self, source: usize, target: usize, outcome: Outcome, now: Now) -> Destination {
        let source = &self.state.sources[source];
        let target = &source.targets[target];
        let mut destination = target.destination(&source.image_id, outcome);
        destination.elapsed = match &target.stage {
            Stage::Copying { since, .. } => self.since(*since, now),
            _ => now.mono.saturating_sub(self.began.unwrap_or(now).mono),
        };
        destination
    }

    /// A target has ended for this run: a later one can go on with it. A source has nothing to close.
    pub(super) fn close(&mut self, source: usize, target: Option<usize>, now: Now) {
        let Some(target) = target else { return };
        let why = self.closing.unwrap_or(Outcome::TimedOut);
        let of = &self.state.sources[source].targets[target];
        let (outcome, error) = if let Stage::Copying { .. } = of.stage {
            match why {
                Outcome::TimedOut => {
                    (why, Some("the copy was not there when the job's time was over; it goes on"))
                }
                _ => (Outcome::Started, None),
            }
        } else if of.is_uncertain() {
            (
                Outcome::Unknown,
                Some(
                    "the request for a copy got no answer, and no copy has been seen: look before starting another",
                ),
            )
        } else {
            match why {
                Outcome::TimedOut => (why, Some("the job's time was over before a copy was started")),
                _ => (why, None),
            }
        };
        let declined = self.fronts[source].declined.as_ref().filter(|_| of.image_id().is_none());
        let error = error.map(|message| {
            let message = match declined {
                Some(declined) => format!("{message}; the last request came to nothing: {declined}"),
                None => message.into(),
            };
            match outcome {
                Outcome::Unknown => Error::response(message, None, 200),
                _ => Error::timeout(message),
            }
        });
        self.close_as(source, target, outcome, error, now);
    }

    /// A target has ended for this run like this.
    pub(super) fn close_as(
        &mut self,
        source: usize,
        target: usize,
        outcome: Outcome,
        error: Option<Error>,
        now: Now,
    ) {
        let mut destination = self.destination(source, target, outcome, now);
        destination.error = error;
        let at = self.lane(source, Some(target));
        self.events.push_back(SyncProgress::Ended(destination.clone()));
        self.lanes[at] = Lane::closed(destination);
    }

    /// Brings the run to its end: nothing new is begun but a last look at what was started.
    pub(super) fn close_all(&mut self, why: Outcome, now: Now) {
        self.closing = Some(why);
        self.take_answers(now);
        for source in 0..self.state.sources.len() {
            for target in 0..self.state.job.to.len() {
                let at = self.lane(source, Some(target));
                self.lanes[at].errand = Errand::Idle;
                let worth_a_look = match &self.state.sources[source].targets[target].stage {
                    Stage::Sent { .. } => true,
                    Stage::Copying { .. } => why == Outcome::TimedOut,
                    _ => false,
                };
                if !worth_a_look && !self.is_over(source, target) {
                    self.close(source, Some(target), now);
                }
            }
        }
    }

    /// Hears what has been answered, and drops the calls that have not: a request that is out is none of them, since its
    /// reply comes before the next poll.
    fn take_answers(&mut self, now: Now) {
        for at in 0..self.lanes.len() {
            let Some(mut ask) = self.lanes[at].ask.take() else { continue };
            let (source, target) = self.place(at);
            let errand = self.lanes[at].take_errand();
            match (ask.poll(now), errand) {
                (Step::Done(outcome), errand) => self.answered(source, target, errand, outcome, now),
                // Its earlier attempts were refused, or never left.
                (_, Errand::Submit { batch, .. }) => self.back_to_missing(source, &batch),
                _ => {}
            }
        }
    }

    /// Whether a target needs nothing more in this run.
    pub(super) fn is_over(&self, source: usize, target: usize) -> bool {
        matches!(self.state.sources[source].targets[target].stage, Stage::Ended(_))
            || self.lanes[self.lane(source, Some(target))].closed.is_some()
    }

    pub(super) fn outcome_if_over(&mut self) -> Option<Result<SyncReport, Error>> {
        let width = self.state.job.to.len();
        let all =
            (0..self.state.sources.len()).flat_map(|source| (0..width).map(move |target| (source, target)));
        if !all.clone().all(|(source, target)| self.is_over(source, target)) {
            return None;
        }
        if self.refused.0 == self.state.sources.len() * width
            && let Some(error) = self.refused.1.take()
        {
            return Some(Err(error));
        }
        let destinations = all.filter_map(|(source, target)| {
            match (
                &self.lanes[self.lane(source, Some(target))].closed,
                &self.state.sources[source].targets[target].stage,
            ) {
                (Some(closed), _) => Some((**closed).clone()),
                (None, Stage::Ended(destination)) => Some(destination.clone()),
                _ => None,
            }
        });
        Some(Ok(SyncReport {
            source_region: String::from(&*self.state.from),
            destinations: destinations.collect(),
        }))
    }
}
