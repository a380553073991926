//! The sync job as a machine: which source or target acts next, and when the run ends.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::calls::Answer;
use super::ids::{Actor, SourceId, TargetId};
use super::regions::FirstLooks;
use super::run::ResumeMode;
use super::run_state::{Proof, Runs, Task};
use super::state::{Stage, SyncState};
use super::{Outcome, SyncProgress, SyncReport, SyncRun, check};
use crate::call::{CANCEL_CHECK_EVERY, CancelGrace};
use crate::client::{Config, Random};
use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};
use crate::wire::Request;

/// One run of the sync job, made from an [`ImageSync`](super::ImageSync) or a [`PreparedSync`](super::PreparedSync).
///
/// [`ImageSync`](super::ImageSync) has the graph of its states, and what keeps it from making a second copy. As a machine it
/// keeps to this:
///
/// - One request is out at a time. Sources and destinations take turns, and none waits for another's pause.
/// - [`SyncProgress::Checkpoint`](super::SyncProgress::Checkpoint) comes before the request whose intent it holds. Whoever wants to
///   resume the job after a crash has to write [`state`](Self::state) down before polling again; `cvm-journal` does.
/// - It ends with a report within [`SyncRun::timeout`](super::SyncRun::timeout), and within six seconds of a cancel.
pub struct ImageSyncMachine {
    pub(super) state: SyncState,
    pub(super) run: SyncRun,
    /// The settings as given; then those of the source region.
    pub(super) config: Config,
    /// The settings of each destination.
    pub(super) configs: Vec<Config>,
    pub(super) random: Random,
    /// When this run began.
    pub(super) began: Option<Now>,
    deadline: Duration,
    pub(super) closing: Option<Closing>,
    pub(super) proof: Proof,
    pub(super) looks: FirstLooks,
    pub(super) runs: Runs,
    /// Whose request is out.
    asking: Option<Actor>,
    /// Whose turn is next.
    next: usize,
    cancel_grace: CancelGrace,
    pub(super) events: VecDeque<SyncProgress>,
    /// The state has changed and is to be written down.
    pub(super) dirty: bool,
    /// How many targets ended because their source cannot be copied, and the first reason.
    pub(super) refused: (usize, Option<Error>),
    run_end: RunEnd,
}

/// The run is coming to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    /// What that means for what has not ended.
    pub(super) why: Outcome,
    /// When the last looks have to be done.
    pub(super) until: Duration,
}

/// Whether the run has ended, and how.
enum RunEnd {
    Pending,
    Reached(Box<Result<SyncReport, Error>>),
    /// The outcome has been given away.
    Told,
}

/// What an actor wants.
enum ActorStep {
    Send(Request),
    Wait(Duration),
    /// Nothing, before something else has changed.
    Idle,
    /// Something has changed.
    Changed,
}

impl ImageSyncMachine {
    pub(super) fn new(state: SyncState, run: SyncRun, mode: ResumeMode, config: &Config, seed: u64) -> Self {
        let mut runs = Runs::new(state.sources.len(), state.job.to.len(), run.poll_every);
        for target in targets_of(&state) {
            runs[target].is_reviewed =
                mode == ResumeMode::Resumed && matches!(state[target].stage, Stage::Ended(_));
        }
        Self {
            config: config.clone(),
            configs: Vec::new(),
            random: Random::new(seed),
            began: None,
            deadline: Duration::ZERO,
            closing: None,
            proof: Proof::Sources,
            looks: FirstLooks::of(&state, mode),
            runs,
            asking: None,
            next: 0,
            cancel_grace: CancelGrace::new(run.cancel.clone()),
            events: VecDeque::new(),
            dirty: false,
            refused: (0, None),
            run_end: RunEnd::Pending,
            state,
            run,
        }
    }

    /// The job as it is to be written down.
    pub fn state(&self) -> &SyncState {
        &self.state
    }

    /// Checks the job when it is first polled.
    fn begin(&mut self, now: Now) {
        self.began = Some(now);
        self.deadline = now.mono.saturating_add(self.run.timeout);
        self.state.begun.get_or_insert(now.unix);
        match check::check(&self.state, &self.config) {
            Ok((home, configs)) => {
                self.config = home;
                self.configs = configs;
            }
            Err(error) => self.end_with(error),
        }
    }

    /// Ends the run with an error; what is written down stays as it is.
    pub(super) fn end_with(&mut self, error: Error) {
        self.dirty = false;
        self.run_end = RunEnd::Reached(Box::new(Err(error)));
    }

    pub(super) fn all_sources(&self) -> impl Iterator<Item = SourceId> + use<> {
        (0..self.state.sources.len()).map(SourceId)
    }

    pub(super) fn targets_of(&self, source: SourceId) -> impl Iterator<Item = TargetId> + Clone + use<> {
        (0..self.state.job.to.len()).map(move |region| TargetId { source, region })
    }

    pub(super) fn all_targets(&self) -> impl Iterator<Item = TargetId> + Clone + use<> {
        targets_of(&self.state)
    }

    /// The actor of a turn: each source, and then its targets.
    fn actor(&self, turn: usize) -> Actor {
        let width = 1 + self.state.job.to.len();
        let source = SourceId(turn / width);
        match (turn % width).checked_sub(1) {
            None => Actor::Source(source),
            Some(region) => Actor::Target(TargetId { source, region }),
        }
    }

    /// When an actor has its turn.
    fn turn_of(&self, actor: Actor) -> usize {
        let width = 1 + self.state.job.to.len();
        match actor {
            Actor::Source(source) => source.0 * width,
            Actor::Target(target) => target.source.0 * width + 1 + target.region,
        }
    }

    /// The time in milliseconds since 1970, by the clock that never goes back.
    pub(super) fn unix_millis(&self, now: Now) -> u64 {
        let began = self.began.unwrap_or(now);
        let passed = now.mono.saturating_sub(began.mono).as_millis();
        (began.unix.saturating_mul(1000)).saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// How long ago something was written down.
    pub(super) fn since(&self, millis: u64, now: Now) -> Duration {
        let (began, now) = (self.unix_millis(self.began.unwrap_or(now)), self.unix_millis(now));
        // What lies ahead was written down by a clock that was wrong: it was before this run, nobody knows when.
        Duration::from_millis(now.saturating_sub(if millis > now { began } else { millis }))
    }

    /// When the time for one copy is over.
    fn expiry(&self, target: TargetId, now: Now) -> Option<Duration> {
        let Stage::Copying { since, .. } = &self.state[target].stage else { return None };
        let left = self.run.destination_timeout?.saturating_sub(self.since(*since, now));
        Some(now.mono.saturating_add(left))
    }

    /// Whether the time for this one copy is over.
    pub(super) fn has_expired(&self, target: TargetId, now: Now) -> bool {
        self.expiry(target, now).is_some_and(|expiry| expiry <= now.mono)
    }

    /// Whether this is the last that an actor can do.
    pub(super) fn is_last(&self, actor: impl Into<Actor>, now: Now) -> bool {
        self.closing.is_some()
            || matches!(actor.into(), Actor::Target(target) if self.has_expired(target, now))
    }

    /// Lets one actor go on.
    fn step(&mut self, actor: Actor, now: Now) -> ActorStep {
        if self.runs.schedule(actor).call.is_none()
            && let Some(turn) = self.begin_task(actor, now)
        {
            return turn;
        }
        let last = self.is_last(actor, now);
        let schedule = self.runs.schedule(actor);
        let Some(call) = &mut schedule.call else { return ActorStep::Changed };
        let (step, has_asked) = (call.poll(now), schedule.has_asked);
        match step {
            // The same request comes again with the next poll, once its intent has been written down.
            Step::Send(request) if self.record_intent(actor, request.attempt(), now) => ActorStep::Changed,
            Step::Send(request) => {
                self.runs.schedule(actor).has_asked = true;
                ActorStep::Send(request)
            }
            // A place in the rate limit is worth waiting for, another attempt is not.
            Step::WaitUntil(_) if last && has_asked => {
                self.runs.schedule(actor).call = None;
                self.close(actor, now);
                ActorStep::Changed
            }
            Step::WaitUntil(until) => ActorStep::Wait(until),
            Step::Done(outcome) => {
                let schedule = self.runs.schedule(actor);
                schedule.call = None;
                let task = schedule.take_task();
                self.answered(actor, task, outcome, now);
                self.next = self.turn_of(actor) + 1;
                ActorStep::Changed
            }
            Step::Progress(never) => match never {},
        }
    }

    /// Makes the next call of an actor that has none, or says why there is none.
    fn begin_task(&mut self, actor: Actor, now: Now) -> Option<ActorStep> {
        if let Actor::Target(target) = actor
            && self.is_over(target)
        {
            return Some(ActorStep::Idle);
        }
        if self.runs.schedule(actor).due > now.mono && !self.is_last(actor, now) {
            return Some(ActorStep::Wait(self.next_wake(actor, now)));
        }
        let task = match self.runs.schedule(actor).take_task() {
            Task::Idle => match actor {
                Actor::Source(source) => self.next_of_source(source, now),
                Actor::Target(target) => self.next_of_target(target),
            },
            begun => begun,
        };
        if !self.looks.are_done && task.changes_something() {
            self.runs.schedule(actor).task = task;
            return Some(ActorStep::Idle);
        }
        if matches!(task, Task::Idle) {
            return Some(ActorStep::Idle);
        }
        let seed = self.random.next();
        let call = self.call(actor, &task, seed);
        let schedule = self.runs.schedule(actor);
        schedule.task = task;
        schedule.call = Some(call);
        schedule.has_asked = false;
        None
    }

    /// When an actor is due, or its time is over.
    fn next_wake(&mut self, actor: Actor, now: Now) -> Duration {
        let due = self.runs.schedule(actor).due;
        match actor {
            Actor::Source(_) => due,
            Actor::Target(target) => self.expiry(target, now).map_or(due, |expiry| due.min(expiry)),
        }
    }

    /// Writes down that a request is going out which is not safe to repeat; `false` if that stands already.
    fn record_intent(&mut self, actor: Actor, attempt: u32, now: Now) -> bool {
        match (&mut self.runs.schedule(actor).task, actor) {
            (Task::Submit { recorded, .. }, Actor::Source(source)) if *recorded != attempt => {
                *recorded = attempt;
                self.record_submission(source, now);
                true
            }
            (Task::Delete { recorded, .. }, Actor::Target(target)) if *recorded != attempt => {
                *recorded = attempt;
                self.record_deletion(target);
                true
            }
            _ => false,
        }
    }

    pub(super) fn answered(&mut self, actor: Actor, task: Task, outcome: Result<Answer, Error>, now: Now) {
        let Some((task, outcome)) = self.region_answered(actor, task, outcome, now) else { return };
        match (task, actor) {
            (Task::Look, Actor::Source(source)) => self.looked(source, outcome, now),
            (Task::Identify, _) => self.identified(outcome, now),
            (Task::Submit { batch, .. }, Actor::Source(source)) => {
                self.submitted(source, &batch, outcome, now);
            }
            (Task::Recall(known), Actor::Target(target)) => self.recalled(target, known, outcome, now),
            (Task::Survey(survey), Actor::Target(target)) => self.surveyed(target, survey, outcome, now),
            (Task::Count, Actor::Target(target)) => self.counted(target, outcome, now),
            (Task::Quota { images }, Actor::Target(target)) => self.quota_known(target, images, outcome, now),
            (Task::Probe(why), Actor::Target(target)) => self.probed(target, why, outcome, now),
            (Task::Watch, Actor::Target(target)) => self.watched(target, outcome, now),
            (Task::Align { image, notes }, Actor::Target(target)) => {
                self.aligned(target, (image, notes), outcome, now);
            }
            (Task::Delete { image_id, error, .. }, Actor::Target(target)) => {
                self.deleted(target, image_id, error, outcome, now);
            }
            // Sources and targets have no other tasks.
            _ => {}
        }
    }

    /// Takes note of a failure that may pass: the actor tries again later. `true` once it has gone on for too long.
    pub(super) fn troubled(&mut self, actor: impl Into<Actor>, error: &Error, now: Now) -> bool {
        let actor = actor.into();
        let region = match actor {
            Actor::Source(_) => self.state.source_region().into(),
            Actor::Target(target) => self.state[target].region.clone(),
        };
        let schedule = self.runs.schedule(actor);
        schedule.rest(now.mono, &mut self.random);
        // A call that found no place in the rate limit is no trouble: there are many others.
        if error.attempts() == 0 {
            return false;
        }
        let since = schedule.trouble.take().map_or(now.mono, |(since, _)| since);
        schedule.trouble = Some((since, error.clone()));
        let is_held_up = schedule.is_held_up(now.mono);
        let source = self.state[actor.source()].image_id.clone();
        self.events.push_back(SyncProgress::Trouble { source, region, error: error.clone() });
        is_held_up
    }

    /// Goes round until one has something to be done; `None` once something has changed.
    fn poll_in_turn(&mut self, now: Now) -> Option<ActorStep> {
        let mut wake = self.closing.map_or(self.deadline, |closing| closing.until);
        if self.run.cancel.is_some() {
            wake = wake.min(now.mono.saturating_add(CANCEL_CHECK_EVERY));
        }
        let turns = self.state.sources.len() * (1 + self.state.job.to.len());
        for turn in 0..turns {
            let at = (self.next + turn) % turns;
            let actor = self.actor(at);
            match self.step(actor, now) {
                ActorStep::Send(request) => {
                    self.asking = Some(actor);
                    self.next = (at + 1) % turns;
                    return Some(ActorStep::Send(request));
                }
                ActorStep::Wait(until) => wake = wake.min(until),
                ActorStep::Idle => {}
                ActorStep::Changed => return None,
            }
        }
        Some(ActorStep::Wait(wake))
    }

    /// Whether there is something to be written down or told.
    fn has_news(&self) -> bool {
        !self.events.is_empty() || self.is_to_be_kept()
    }

    /// Whether the state has changed and may be written down.
    fn is_to_be_kept(&self) -> bool {
        self.dirty && self.proof == Proof::Given && self.looks.are_done && !self.run.dry_run
    }

    /// The request that is out, asked for again.
    fn pending_request(&mut self, now: Now) -> Option<Request> {
        match self.runs.schedule(self.asking?).call.as_mut()?.poll(now) {
            Step::Send(request) => Some(request),
            _ => None,
        }
    }

    /// The request that goes out, with what may end it early.
    fn send(&mut self, request: Request, now: Now) -> Step<Result<SyncReport, Error>, SyncProgress> {
        let is_dry_run =
            self.asking.is_some_and(|actor| matches!(self.runs.schedule(actor).task, Task::Probe(_)));
        let changes_nothing = is_dry_run || request.only_reads();
        Step::Send(self.cancel_grace.attach(request, changes_nothing, now))
    }

    /// Begins to end the run if it is time.
    fn look_at_the_clock(&mut self, now: Now) {
        match (self.closing, self.cancel_grace.ends(now)) {
            (None, Some(until)) => self.close_all(Closing { why: Outcome::Cancelled, until }, now),
            (None, None) if now.mono >= self.deadline => {
                let until = now.mono.saturating_add(self.config.settings().call_timeout);
                self.close_all(Closing { why: Outcome::TimedOut, until }, now);
            }
            (Some(closing), ends)
                if now.mono >= ends.map_or(closing.until, |ends| ends.min(closing.until)) =>
            {
                self.close_without_a_look(now);
            }
            _ => {}
        }
    }
}

fn targets_of(state: &SyncState) -> impl Iterator<Item = TargetId> + Clone + use<> {
    let (sources, regions) = (state.sources.len(), state.job.to.len());
    (0..sources)
        .flat_map(move |source| (0..regions).map(move |region| TargetId { source: SourceId(source), region }))
}

impl Machine for ImageSyncMachine {
    type Output = Result<SyncReport, Error>;
    type Progress = SyncProgress;

    fn name(&self) -> &'static str {
        "ImageSync"
    }

    fn poll(&mut self, now: Now) -> Step<Self::Output, SyncProgress> {
        if self.began.is_none() {
            self.begin(now);
        }
        loop {
            if self.is_to_be_kept() {
                self.dirty = false;
                return Step::Progress(SyncProgress::Checkpoint);
            }
            if let Some(event) = self.events.pop_front() {
                return Step::Progress(event);
            }
            match core::mem::replace(&mut self.run_end, RunEnd::Told) {
                RunEnd::Reached(outcome) => return Step::Done(*outcome),
                RunEnd::Told => unreachable!("a sync job was polled after its end"),
                RunEnd::Pending => self.run_end = RunEnd::Pending,
            }
            if let Some(request) = self.pending_request(now) {
                return self.send(request, now);
            }
            self.look_at_the_clock(now);
            self.prove_account(now);
            self.end_first_looks(now);
            if matches!(self.run_end, RunEnd::Reached(_)) || self.has_news() {
                continue;
            }
            if let Some(outcome) = self.outcome_if_over() {
                self.run_end = RunEnd::Reached(Box::new(outcome));
                continue;
            }
            match self.poll_in_turn(now) {
                Some(ActorStep::Send(request)) => return self.send(request, now),
                Some(ActorStep::Wait(until)) => return Step::WaitUntil(until),
                _ => {}
            }
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.cancel_grace.replied(now);
        let Some(actor) = self.asking.take() else { return };
        // Whoever has been answered is heard before anybody asks: what was started is written down at once.
        self.next = self.turn_of(actor);
        if let Some(call) = &mut self.runs.schedule(actor).call {
            call.reply(now, reply);
        }
    }
}

impl fmt::Debug for ImageSyncMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageSyncMachine").field("job", &self.state.job).finish_non_exhaustive()
    }
}
