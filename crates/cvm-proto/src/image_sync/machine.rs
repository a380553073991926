//! The sync job as a machine: whose turn it is, and when it is over.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::ask::Answer;
use super::lane::{Errand, Front, Lane};
use super::state::{Stage, SyncState, Target};
use super::{Outcome, SyncProgress, SyncReport, check};
use crate::config::Config;
use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};
use crate::random::Random;
use crate::request::Request;

/// How long a lane has nothing but trouble before it gives up, as long as it has started nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// How soon a job notices that it was cancelled, at the latest.
const ATTENTION: Duration = Duration::from_millis(200);

/// The sync job on its way; made from an [`ImageSync`](super::ImageSync) or a [`SyncState`].
pub struct ImageSyncMachine {
    pub(super) state: SyncState,
    /// The settings as given; then those of the source region.
    pub(super) config: Config,
    /// The settings of each destination.
    pub(super) configs: Vec<Config>,
    pub(super) random: Random,
    /// When this run began.
    pub(super) began: Option<Now>,
    deadline: Duration,
    /// The run is coming to its end, and what that means for what has not ended.
    pub(super) closing: Option<Outcome>,
    pub(super) fronts: Vec<Front>,
    /// A source and then its targets, and so on for every source.
    pub(super) lanes: Vec<Lane>,
    /// The lane whose request is out.
    asking: Option<usize>,
    /// The lane to begin with, so that each has its turn.
    next: usize,
    pub(super) events: VecDeque<SyncProgress>,
    /// The state has changed and is to be written down.
    pub(super) dirty: bool,
    /// How many targets ended because their source cannot be copied, and the first reason.
    pub(super) refused: (usize, Option<Error>),
    over: Over,
}

enum Over {
    No,
    Yes(Box<Result<SyncReport, Error>>),
    Told,
}

/// What a lane wants.
pub(super) enum Turn {
    Send(Request),
    Wait(Duration),
    /// Nothing, before something else has changed.
    Idle,
    /// Something has changed.
    Changed,
}

impl ImageSyncMachine {
    pub(super) fn new(state: SyncState, config: &Config, seed: u64) -> Self {
        let lanes = state.sources.len() * (1 + state.job.to.len());
        Self {
            config: config.clone(),
            configs: Vec::new(),
            random: Random::new(seed),
            began: None,
            deadline: Duration::ZERO,
            closing: None,
            fronts: state.sources.iter().map(|_| Front::default()).collect(),
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            asking: None,
            next: 0,
            events: VecDeque::new(),
            dirty: false,
            refused: (0, None),
            over: Over::No,
            state,
        }
    }

    /// The job as it is to be written down.
    pub fn state(&self) -> &SyncState {
        &self.state
    }

    /// Checks the job when it is first polled.
    fn begin(&mut self, now: Now) {
        self.began = Some(now);
        self.deadline = now.mono.saturating_add(self.state.job.timeout);
        match check::check(&self.state, &self.config) {
            Ok((home, configs)) => {
                self.state.from = home.region().unwrap_or_default().into();
                // Whoever goes on may have another default region.
                self.state.job.from = Some(self.state.from.clone());
                self.config = home;
                self.configs = configs;
                self.dirty = true;
            }
            Err(error) => self.over = Over::Yes(Box::new(Err(error))),
        }
    }

    /// The lane of a source, or of one of its targets.
    pub(super) fn lane(&self, source: usize, target: Option<usize>) -> usize {
        source * (1 + self.state.job.to.len()) + target.map_or(0, |target| target + 1)
    }

    pub(super) fn place(&self, at: usize) -> (usize, Option<usize>) {
        let width = 1 + self.state.job.to.len();
        (at / width, (at % width).checked_sub(1))
    }

    /// The time in milliseconds since 1970, by the clock that never goes back.
    pub(super) fn unix_millis(&self, now: Now) -> u64 {
        let began = self.began.unwrap_or(now);
        let passed = now.mono.saturating_sub(began.mono).as_millis();
        (began.unix.saturating_mul(1000)).saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    /// How long ago something was written down.
    pub(super) fn since(&self, millis: u64, now: Now) -> Duration {
        Duration::from_millis(self.unix_millis(now).saturating_sub(millis))
    }

    /// When the time for one copy is over.
    fn expiry(&self, target: &Target, now: Now) -> Option<Duration> {
        let Stage::Copying { since, .. } = &target.stage else { return None };
        let allowed = self.state.job.destination_timeout;
        let left = allowed.checked_sub(self.since(*since, now)).unwrap_or_default();
        (!allowed.is_zero()).then(|| now.mono.saturating_add(left))
    }

    /// Whether this is the last that a lane can do.
    pub(super) fn is_last(&self, source: usize, target: Option<usize>, now: Now) -> bool {
        let target = target.map(|target| &self.state.sources[source].targets[target]);
        self.closing.is_some()
            || target.and_then(|target| self.expiry(target, now)).is_some_and(|expiry| expiry <= now.mono)
    }

    /// Lets one lane go on.
    fn step(&mut self, at: usize, now: Now) -> Turn {
        let (source, target) = self.place(at);
        if self.lanes[at].ask.is_none()
            && let Some(turn) = self.begin_errand(at, now)
        {
            return turn;
        }
        let last = self.is_last(source, target, now);
        let lane = &mut self.lanes[at];
        let Some(ask) = &mut lane.ask else { return Turn::Changed };
        match ask.poll(now) {
            Step::Send(request) => {
                if let Errand::Submit { recorded, .. } = &mut lane.errand
                    && *recorded != request.attempt()
                {
                    // The same request comes again with the next poll, once this has been written down.
                    *recorded = request.attempt();
                    self.record_intent(source, now);
                    return Turn::Changed;
                }
                Turn::Send(request)
            }
            Step::WaitUntil(_) if last => {
                lane.ask = None;
                self.close(source, target, now);
                Turn::Changed
            }
            Step::WaitUntil(until) => Turn::Wait(until),
            Step::Done(outcome) => {
                lane.ask = None;
                let errand = lane.take_errand();
                self.answered(source, target, errand, outcome, now);
                Turn::Changed
            }
            Step::Progress(never) => match never {},
        }
    }

    /// Makes the next call of a lane that has none, or says why there is none.
    fn begin_errand(&mut self, at: usize, now: Now) -> Option<Turn> {
        let (source, target) = self.place(at);
        if target.is_some_and(|target| self.is_over(source, target)) {
            return Some(Turn::Idle);
        }
        if self.lanes[at].due > now.mono && !self.is_last(source, target, now) {
            return Some(Turn::Wait(self.next_wake(source, target, now)));
        }
        let errand = match self.lanes[at].take_errand() {
            Errand::Idle => match target {
                None => self.next_of_source(source),
                Some(target) => self.next_of_target(source, target),
            },
            begun => begun,
        };
        if matches!(errand, Errand::Idle) {
            return Some(Turn::Idle);
        }
        let seed = self.random.next();
        let ask = self.ask(source, target, &errand, seed);
        self.lanes[at].errand = errand;
        self.lanes[at].ask = Some(ask);
        None
    }

    /// When a lane is due, or its time is over.
    fn next_wake(&self, source: usize, target: Option<usize>, now: Now) -> Duration {
        let due = self.lanes[self.lane(source, target)].due;
        let expiry = target.and_then(|target| self.expiry(&self.state.sources[source].targets[target], now));
        expiry.map_or(due, |expiry| due.min(expiry))
    }

    pub(super) fn answered(
        &mut self,
        source: usize,
        target: Option<usize>,
        errand: Errand,
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        match (errand, target) {
            (Errand::Look, None) => self.looked(source, outcome, now),
            (Errand::Submit { batch, .. }, None) => self.submitted(source, batch, outcome, now),
            (Errand::Survey { query, found }, Some(target)) => {
                self.surveyed(source, target, (query, found), outcome, now);
            }
            (Errand::Count, Some(target)) => self.counted(source, target, outcome),
            (Errand::Quota { images }, Some(target)) => {
                self.quota_known(source, target, images, outcome, now);
            }
            (Errand::Probe, Some(target)) => self.probed(source, target, outcome, now),
            (Errand::Watch, Some(target)) => self.watched(source, target, outcome, now),
            (Errand::Align { image, notes }, Some(target)) => {
                self.aligned(source, target, (image, notes), outcome, now);
            }
            (Errand::Discard { image_id, error }, Some(target)) => {
                self.discarded(source, target, image_id, error, outcome, now);
            }
            // Sources and targets have no other errands.
            _ => {}
        }
    }

    /// Takes note of a failure that may pass: the lane tries again later. `true` once it has gone on for too long.
    pub(super) fn troubled(&mut self, source: usize, target: Option<usize>, error: &Error, now: Now) -> bool {
        let region = match target {
            None => self.state.from.clone(),
            Some(target) => self.state.sources[source].targets[target].region.clone(),
        };
        let at = self.lane(source, target);
        let lane = &mut self.lanes[at];
        lane.rest(now.mono, &mut self.random);
        // A call that found no place in the rate limit is no trouble: there are many others.
        if error.attempts() == 0 {
            return false;
        }
        let source = self.state.sources[source].image_id.clone();
        self.events.push_back(SyncProgress::Trouble { source, region, error: error.clone() });
        let since = *lane.trouble_since.get_or_insert(now.mono);
        now.mono.saturating_sub(since) >= PATIENCE
    }

    /// Goes through the lanes until one has something to be done; `None` once something has changed.
    fn round(&mut self, now: Now) -> Option<Turn> {
        let mut wake = if self.closing.is_some() { Duration::MAX } else { self.deadline };
        if self.state.job.cancel.is_some() {
            wake = wake.min(now.mono.saturating_add(ATTENTION));
        }
        for turn in 0..self.lanes.len() {
            let at = (self.next + turn) % self.lanes.len();
            match self.step(at, now) {
                Turn::Send(request) => {
                    self.asking = Some(at);
                    self.next = (at + 1) % self.lanes.len();
                    return Some(Turn::Send(request));
                }
                Turn::Wait(until) => wake = wake.min(until),
                Turn::Idle => {}
                Turn::Changed => return None,
            }
        }
        Some(Turn::Wait(wake))
    }
}

impl Machine for ImageSyncMachine {
    type Output = Result<SyncReport, Error>;
    type Progress = SyncProgress;

    fn poll(&mut self, now: Now) -> Step<Self::Output, SyncProgress> {
        if self.began.is_none() {
            self.begin(now);
        }
        loop {
            if core::mem::take(&mut self.dirty) && !self.state.job.dry_run {
                return Step::Progress(SyncProgress::Checkpoint);
            }
            if let Some(event) = self.events.pop_front() {
                return Step::Progress(event);
            }
            match core::mem::replace(&mut self.over, Over::Told) {
                Over::Yes(outcome) => return Step::Done(*outcome),
                Over::Told => unreachable!("a sync job was polled after its end"),
                Over::No => self.over = Over::No,
            }
            if let Some(at) = self.asking
                && let Some(ask) = &mut self.lanes[at].ask
                && let Step::Send(request) = ask.poll(now)
            {
                return Step::Send(request);
            }
            if self.closing.is_none() {
                if self.state.job.cancel.as_ref().is_some_and(super::Cancel::is_cancelled) {
                    self.close_all(Outcome::Cancelled, now);
                } else if now.mono >= self.deadline {
                    self.close_all(Outcome::TimedOut, now);
                }
            }
            if let Some(outcome) = self.outcome_if_over() {
                self.over = Over::Yes(Box::new(outcome));
                continue;
            }
            match self.round(now) {
                Some(Turn::Send(request)) => return Step::Send(request),
                Some(Turn::Wait(until)) => return Step::WaitUntil(until),
                _ => {}
            }
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        if let Some(ask) = self.asking.take().and_then(|at| self.lanes[at].ask.as_mut()) {
            ask.reply(now, reply);
        }
    }
}

impl fmt::Debug for ImageSyncMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageSyncMachine").field("job", &self.state.job).finish_non_exhaustive()
    }
}
