//! How targets end, for good or for this run, and the job with them.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use super::ids::{Actor, TargetId};
use super::machine::Closing;
use super::run_state::{Proof, SearchScope, Task};
use super::state::Stage;
use super::watch::MISSES_BEFORE_SEARCH;
use super::{Destination, ImageSyncMachine, Outcome, SyncProgress, SyncReport};
use crate::error::Error;
use crate::machine::{Now, Step};

/// Why a run says nothing of what an earlier one left.
fn not_looked(outcome: Outcome) -> String {
    format!("an earlier run left it as `{}`; this one ended before it looked", outcome.as_str())
}

impl ImageSyncMachine {
    /// A target has ended for good.
    pub(super) fn end(
        &mut self,
        target: TargetId,
        outcome: Outcome,
        change: impl FnOnce(&mut Destination),
        now: Now,
    ) {
        let mut destination = self.destination(target, outcome, now);
        change(&mut destination);
        self.note_missed(target, &mut destination);
        self.announce(destination.clone());
        let of = &mut self.state[target];
        of.stage = Stage::Ended(Box::new(destination));
        of.known = None;
        let run = &mut self.runs[target];
        run.is_reviewed = false;
        run.schedule.task = Task::Idle;
        self.dirty = true;
    }

    /// Notes of a copy that was known from before that it was not to be seen.
    fn note_missed(&self, target: TargetId, destination: &mut Destination) {
        let known = self.state[target].known.as_ref().filter(|_| self.runs[target].known_is_missed);
        if let Some(known) = known.filter(|known| destination.image_id.as_ref() != Some(&known.image_id)) {
            let note =
                format!("the copy {}, which was there before, is not visible any more", known.image_id);
            destination.notes.push(note);
        }
    }

    /// Says how a target ended, and keeps what went wrong.
    pub(super) fn announce(&mut self, destination: Destination) {
        if let Some(error) = &destination.error {
            self.note_error(&destination, error);
        }
        self.events.push_back(SyncProgress::Ended(destination));
    }

    fn note_error(&mut self, destination: &Destination, error: &Error) {
        let text = format!("{}: {}: {error}", destination.source, destination.region);
        if self.state.last_error.as_ref() != Some(&text) {
            self.state.last_error = Some(text);
            self.dirty = true;
        }
    }

    /// A target has ended without a usable copy; `image_id` is what is there to be cleaned up.
    pub(super) fn fail(&mut self, target: TargetId, image_id: Option<String>, error: Error, now: Now) {
        let change = |destination: &mut Destination| {
            destination.image_id = image_id;
            destination.error = Some(error);
        };
        self.end(target, Outcome::Failed, change, now);
    }

    fn destination(&self, target: TargetId, outcome: Outcome, now: Now) -> Destination {
        let (source, of, run) = (&self.state[target.source], &self.state[target], &self.runs[target]);
        let mut destination = of.destination(&source.image_id, outcome);
        destination.elapsed = match &of.stage {
            Stage::Copying { since, .. } => self.since(*since, now),
            _ => now.mono.saturating_sub(self.began.unwrap_or(now).mono),
        };
        destination.notes.extend(run.notes.iter().cloned().chain(self.runs[target.source].note.clone()));
        destination
    }

    /// An actor has ended for this run: a later run can resume it. A source has nothing to close.
    pub(super) fn close(&mut self, actor: Actor, now: Now) {
        let Actor::Target(target) = actor else { return };
        if matches!(self.state[target].stage, Stage::Ended(_)) {
            return self.close_unreviewed(target);
        }
        let (outcome, message) = self.why_closed(target, now);
        let error = message.map(|mut message| {
            let declined = self.runs[target.source].declined.as_ref();
            let refused = self.runs[target.source].refused.as_ref();
            if let Some(refused) = refused.filter(|_| matches!(self.state[target].stage, Stage::Missing)) {
                message.push_str(&format!("; none is requested: {refused}"));
            } else if let Some(declined) = declined.filter(|_| self.state[target].image_id().is_none()) {
                message.push_str(&format!("; the last request came to nothing: {declined}"));
            } else if let Some(trouble) = self.last_trouble(target) {
                message.push_str(&format!("; the last error was: {trouble}"));
            }
            Error::timeout(message)
        });
        self.close_as(target, outcome, error, now);
    }

    /// What went wrong last for a target or its source, and has not got right since.
    fn last_trouble(&self, target: TargetId) -> Option<&Error> {
        let trouble = self.runs[target].schedule.trouble.as_ref();
        trouble.or(self.runs[target.source].schedule.trouble.as_ref()).map(|(_, error)| error)
    }

    /// What it means for a target that the run ends.
    fn why_closed(&self, target: TargetId, now: Now) -> (Outcome, Option<String>) {
        let of = &self.state[target];
        let why = self.closing.map_or(Outcome::TimedOut, |closing| closing.why);
        let is_unseen = matches!(of.stage, Stage::Unseen) && !self.runs[target].known_is_missed;
        let left = of.known.as_ref().filter(|_| is_unseen);
        match &of.stage {
            Stage::Copying { image_id, since, seen, .. } => {
                let accepted = self.since(*since, now).as_secs();
                let last_seen = self.runs[target].seen.or(*seen);
                let misses = self.runs[target].misses;
                if misses >= MISSES_BEFORE_SEARCH && self.may_be_gone(target, now) {
                    let since = match last_seen {
                        Some(seen) => format!("has not been seen for {} s", self.since(seen, now).as_secs()),
                        None => format!("was accepted {accepted} s ago and has not been seen since"),
                    };
                    let region = &of.region;
                    let message = format!(
                        "the copy {image_id} {since} in {region}: it was deleted, or a policy hides it; look before starting another"
                    );
                    return (Outcome::Unknown, Some(message));
                }
                let is_missing = misses > 0;
                let began = self.began.unwrap_or(now).unix.saturating_mul(1000);
                let state = match last_seen {
                    _ if !is_missing && self.runs[target].seen.is_none() && *since < began => {
                        "an earlier run started it, and this one has not seen it".into()
                    }
                    // What this run has not seen may be gone: nobody can say that it continues.
                    _ if !is_missing && self.runs[target].seen.is_none() && self.last_trouble(target).is_some() => {
                        format!("it was accepted {accepted} s ago, and no look at it was answered")
                    }
                    _ if !is_missing && self.runs[target].seen.is_none() => {
                        format!("it was accepted {accepted} s ago, and the run ended before it looked")
                    }
                    _ if !is_missing => "it continues in the service".into(),
                    Some(_) => "the last look did not find it".into(),
                    None => format!("it was accepted {accepted} s ago and has not been seen since"),
                };
                match why {
                    Outcome::TimedOut if self.closing.is_none() => (
                        why,
                        Some(format!(
                            "the copy was not there when the time for one copy was over (destination_timeout); {state}"
                        )),
                    ),
                    Outcome::TimedOut => (
                        why,
                        Some(format!(
                            "the copy was not there when the run's time was over (timeout); {state}"
                        )),
                    ),
                    // It was to be waited for, so that having started it is less than was asked for.
                    _ => (
                        Outcome::Started,
                        Some(format!("the run was cancelled before the copy was there; {state}")),
                    ),
                }
            }
            Stage::Deleting { image_id, .. } => (
                why,
                Some(format!(
                    "the failed copy {image_id} was to be deleted, and whether it was is not known: resume the job"
                )),
            ),
            Stage::Sent { at, accepted: true } => (
                Outcome::Unknown,
                Some(format!(
                    "the copy was accepted {} s ago without its id, and none has been seen since: look before starting another",
                    self.since(*at, now).as_secs()
                )),
            ),
            Stage::Taken { .. } if !self.runs[target].has_searched => (
                Outcome::Unknown,
                Some(format!(
                    "the name `{}` is taken in {}, and the run ended before it had looked by what: run the job again",
                    self.copy_name(target).escape_debug(),
                    of.region
                )),
            ),
            Stage::Taken { .. } => (Outcome::Unknown, Some(self.name_taken(target).message().into())),
            _ if of.is_uncertain() => (
                Outcome::Unknown,
                Some(
                    "the request for a copy got no answer, and no copy has been seen: look before starting another"
                        .into(),
                ),
            ),
            _ => match (left, why) {
                (Some(known), _) => (why, Some(not_looked(known.outcome))),
                (None, Outcome::TimedOut) => {
                    (why, Some("the run's time was over before it started a copy".into()))
                }
                (None, _) => (why, None),
            },
        }
    }

    /// A target that had ended in an earlier run, and that this one has not seen again. What was true then need not be now.
    fn close_unreviewed(&mut self, target: TargetId) {
        let Stage::Ended(ended) = &self.state[target].stage else { return };
        let mut destination = (**ended).clone();
        let (outcome, message) = if self.runs[target].misses > 0 {
            let id = ended.image_id.as_deref().unwrap_or_default();
            let message = format!(
                "the copy {id} has not been seen in {} by this run: it was deleted, or a policy hides it; look before starting another",
                ended.region
            );
            (Outcome::Unknown, message)
        } else {
            let why = self.closing.map_or(Outcome::TimedOut, |closing| closing.why);
            (why, not_looked(ended.outcome))
        };
        destination.outcome = outcome;
        destination.error = Some(Error::timeout(message));
        destination.image = None;
        self.announce(destination.clone());
        let run = &mut self.runs[target];
        run.closed = Some(Box::new(destination));
        run.is_reviewed = false;
    }

    /// A target has ended for this run like this.
    pub(super) fn close_as(&mut self, target: TargetId, outcome: Outcome, error: Option<Error>, now: Now) {
        // What is not to be seen is not there to be cleaned up.
        let is_startable = matches!(
            self.state[target].stage,
            Stage::Unseen | Stage::Missing | Stage::Sent { .. } | Stage::Taken { .. }
        );
        let is_unseen = self.runs[target].known_is_missed && is_startable || outcome == Outcome::Failed;
        let image_id = self.state[target].image_id().filter(|_| !is_unseen).cloned();
        self.close_with(target, outcome, image_id, error, now);
    }

    /// A target has ended for this run like this, with this image there.
    pub(super) fn close_with(
        &mut self,
        target: TargetId,
        outcome: Outcome,
        image_id: Option<String>,
        error: Option<Error>,
        now: Now,
    ) {
        let mut destination = self.destination(target, outcome, now);
        destination.image_id = image_id;
        destination.error = error;
        self.note_missed(target, &mut destination);
        self.announce(destination.clone());
        let run = &mut self.runs[target];
        run.schedule = run.schedule.restarted();
        run.closed = Some(Box::new(destination));
    }

    /// Brings the run to its end: nothing new is begun but a last look at what was started.
    pub(super) fn close_all(&mut self, closing: Closing, now: Now) {
        self.closing = Some(closing);
        self.take_answers(now);
        for target in self.all_targets() {
            self.runs[target].schedule.task = Task::Idle;
            let of = &self.state[target];
            let is_worth_a_look = match &of.stage {
                _ if self.proof != Proof::Given => false,
                Stage::Sent { .. } => true,
                // An earlier request was lost.
                Stage::Unseen | Stage::Missing if of.is_uncertain() && of.known.is_none() => {
                    self.runs[target].schedule.task = self.survey(target, SearchScope::ByName);
                    true
                }
                Stage::Copying { .. } | Stage::Taken { .. } => closing.why == Outcome::TimedOut,
                // A copy that is known and has not been seen may have shown since.
                Stage::Unseen | Stage::Ended(_) if self.runs[target].misses > 0 => {
                    closing.why == Outcome::TimedOut
                }
                _ => false,
            };
            if !is_worth_a_look && !self.is_over(target) {
                self.close(target.into(), now);
            }
        }
    }

    /// There is no time for a look any more.
    pub(super) fn close_without_a_look(&mut self, now: Now) {
        for target in self.all_targets() {
            if !self.is_over(target) {
                self.runs[target].schedule.call = None;
                self.close(target.into(), now);
            }
        }
    }

    /// Hears what has been answered, and drops the calls that have not: a request that is out is none of them, since its
    /// reply comes before the next poll.
    fn take_answers(&mut self, now: Now) {
        let sources = self.all_sources().map(Actor::Source);
        for actor in sources.chain(self.all_targets().map(Actor::Target)) {
            let schedule = self.runs.schedule(actor);
            let Some(mut call) = schedule.call.take() else { continue };
            let task = schedule.take_task();
            match (call.poll(now), task, actor) {
                (Step::Done(outcome), task, actor) => self.answered(actor, task, outcome, now),
                // Its earlier attempts were refused, or never left.
                (_, Task::Submit { batch, .. }, Actor::Source(source)) => {
                    self.back_to_missing(source, &batch);
                }
                _ => {}
            }
        }
    }

    /// Whether a target needs nothing more in this run.
    pub(super) fn is_over(&self, target: TargetId) -> bool {
        let run = &self.runs[target];
        run.closed.is_some() || matches!(self.state[target].stage, Stage::Ended(_)) && !run.is_reviewed
    }

    pub(super) fn outcome_if_over(&mut self) -> Option<Result<SyncReport, Error>> {
        let mut all = self.all_targets();
        let count = all.clone().count();
        if !all.clone().all(|target| self.is_over(target))
            || self.proof != Proof::Given && self.closing.is_none()
        {
            return None;
        }
        if self.refused.0 == count
            && let Some(error) = self.refused.1.take()
        {
            return Some(Err(error));
        }
        let destinations =
            all.by_ref().filter_map(|target| match (&self.runs[target].closed, &self.state[target].stage) {
                (Some(closed), _) => Some((**closed).clone()),
                (None, Stage::Ended(destination)) => Some((**destination).clone()),
                _ => None,
            });
        Some(Ok(SyncReport {
            source_region: self.state.source_region().into(),
            destinations: destinations.collect(),
        }))
    }
}
