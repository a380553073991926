//! The sync job as a machine.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::time::Duration;

use super::{Destination, ImageSync, Outcome, SyncProgress, SyncReport};
use crate::api::types::{Image, ImageState};
use crate::api::{DescribeImages, SyncImages, SyncImagesResponse};
use crate::call::Call;
use crate::config::Config;
use crate::endpoint::is_finance;
use crate::error::{Error, ErrorKind};
use crate::machine::{Machine, Now, Reply, Step};
use crate::random::Random;

/// The first pause between two looks at a copy, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// How long the id of a new copy may stay unknown in its region before the copy counts as gone.
const INVISIBLE_FOR: Duration = Duration::from_secs(300);

/// The sync job on its way; made from an [`ImageSync`].
pub struct ImageSyncMachine {
    job: ImageSync,
    config: Config,
    random: Random,
    deadline: Option<Duration>,
    events: VecDeque<SyncProgress>,
    phase: Phase,
}

enum Phase {
    Start,
    Looking {
        config: Config,
        call: Box<Call<DescribeImages>>,
    },
    Submitting {
        from: String,
        call: Box<Call<SyncImages>>,
    },
    Watching(Watching),
    /// Events are still to be told before the outcome.
    Over(Result<SyncReport, Error>),
    Ended,
}

struct Watching {
    report: SyncReport,
    since: Duration,
    copies: Vec<Copy>,
    /// The copy whose request is out.
    asking: Option<usize>,
}

/// A copy that has not ended.
struct Copy {
    region: String,
    image_id: String,
    config: Config,
    call: Option<Box<Call<DescribeImages>>>,
    look_at: Duration,
    pause: Duration,
    seen: Option<(ImageState, Option<i64>)>,
}

impl ImageSyncMachine {
    pub(super) fn new(job: ImageSync, config: &Config, seed: u64) -> Self {
        Self {
            job,
            config: config.clone(),
            random: Random::new(seed),
            deadline: None,
            events: VecDeque::new(),
            phase: Phase::Start,
        }
    }

    /// The first request: a look at the source.
    fn start(&mut self) -> Result<Phase, Error> {
        let job = &self.job;
        let config = match &job.from {
            Some(region) => self.config.with_region(region)?,
            None => self.config.clone(),
        };
        let Some(from) = config.region() else {
            return Err(Error::config("no source region: name the region that the image is in"));
        };
        if job.to.is_empty() {
            return Err(Error::parameter(
                "no destination region: name at least one region to copy the image to",
            ));
        }
        for region in &job.to {
            // Only whether it can be a region's name: which regions there are, the service knows.
            self.config.with_region(region)?;
            if region == from {
                return Err(Error::parameter(format!(
                    "destination region {region} is the image's own region: leave it out"
                )));
            }
            if is_finance(region) != is_finance(from) {
                return Err(Error::parameter(format!(
                    "an image cannot go from {from} to {region}: finance regions are isolated from all others"
                )));
            }
        }
        let look = DescribeImages::default().image_ids([job.image_id.as_str()]);
        let call = Box::new(Call::new(&config, look, self.random.next()));
        Ok(Phase::Looking { config, call })
    }

    /// The second request, if the source can be copied: the one that starts the copies.
    fn submit(&mut self, config: &Config, image: Option<&Image>) -> Result<Phase, Error> {
        let job = &self.job;
        let from = String::from(config.region().unwrap_or_default());
        let Some(image) = image.filter(|image| image.image_id == job.image_id) else {
            return Err(Error::service(
                crate::ErrorCode::InvalidImageIdNotFound,
                format!("image {} is not in {from}: check the id and the source region", job.image_id),
                None,
                200,
            ));
        };
        if image.image_state != ImageState::NORMAL {
            return Err(Error::service(
                crate::ErrorCode::InvalidImageIdIncorrectState,
                format!(
                    "image {} in {from} is {}, only a NORMAL image can be copied: wait until it is, and try again",
                    job.image_id, image.image_state
                ),
                None,
                200,
            ));
        }
        self.events.push_back(SyncProgress::Found {
            image_id: image.image_id.clone(),
            image_name: image.image_name.clone(),
            image_size: image.image_size,
        });
        let mut request = SyncImages::new([job.image_id.as_str()], job.to.iter().map(String::as_str))
            .image_set_required(true);
        request.image_name.clone_from(&job.name);
        let call = Box::new(Call::new(config, request, self.random.next()));
        Ok(Phase::Submitting { from, call })
    }

    /// After the answer to that request.
    fn watch(
        &mut self,
        from: String,
        answer: Result<SyncImagesResponse, Error>,
        now: Now,
    ) -> Result<Phase, Error> {
        let mut report = SyncReport {
            image_id: self.job.image_id.clone(),
            source_region: from,
            request_id: None,
            destinations: Vec::new(),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.attempts() == 0 => return Err(error),
            Err(error) => {
                let outcome = if error.outcome_unknown() { Outcome::Unknown } else { Outcome::Failed };
                report.request_id = error.request_id().map(Into::into);
                report.destinations = self
                    .job
                    .to
                    .iter()
                    .map(|region| Destination::without_copy(region, outcome, error.clone()))
                    .collect();
                return Ok(Phase::Over(Ok(report)));
            }
        };
        report.request_id = Some(answer.request_id.clone());
        self.events.push_back(SyncProgress::Submitted { request_id: answer.request_id.clone() });
        let mut copies = Vec::new();
        for region in &self.job.to {
            let Some(copy) =
                answer.image_set.iter().find(|copy| copy.region == *region && !copy.image_id.is_empty())
            else {
                let error = Error::response(
                    "the service accepted the request but gave no id for this region: look for the copy by its name"
                        .into(),
                    Some(answer.request_id.clone()),
                    200,
                );
                report.destinations.push(Destination::without_copy(region, Outcome::Unknown, error));
                continue;
            };
            let pause = self.random.jittered(FIRST_PAUSE);
            copies.push(Copy {
                region: region.clone(),
                image_id: copy.image_id.clone(),
                config: self.config.with_region(region)?,
                call: None,
                look_at: now.mono + pause,
                pause: FIRST_PAUSE,
                seen: None,
            });
        }
        Ok(Phase::Watching(Watching { report, since: now.mono, copies, asking: None }))
    }

    /// The step that the phase asks for, or `None` if it has moved on.
    fn advance(&mut self, now: Now) -> Option<Step<<Self as Machine>::Output, SyncProgress>> {
        let next = match &mut self.phase {
            Phase::Start => self.start(),
            Phase::Looking { config, call } => match pass(call.poll(now)) {
                Err(step) => return Some(step),
                Ok(answer) => {
                    let config = config.clone();
                    answer.and_then(|images| self.submit(&config, images.image_set.first()))
                }
            },
            Phase::Submitting { from, call } => match pass(call.poll(now)) {
                Err(step) => return Some(step),
                Ok(answer) => {
                    let from = mem::take(from);
                    self.watch(from, answer, now)
                }
            },
            Phase::Watching(watching) => {
                let deadline = self.deadline.unwrap_or(Duration::MAX);
                match watching.advance(now, deadline, &mut self.random, &mut self.events) {
                    Some(step) => return Some(step),
                    None if !self.events.is_empty() => return None,
                    None => {
                        let order = |region: &String| self.job.to.iter().position(|given| given == region);
                        watching.report.destinations.sort_by_key(|destination| order(&destination.region));
                        Ok(Phase::Over(Ok(watching.report.clone())))
                    }
                }
            }
            Phase::Over(_) => match mem::replace(&mut self.phase, Phase::Ended) {
                Phase::Over(outcome) => return Some(Step::Done(outcome)),
                _ => unreachable!("the phase was just matched"),
            },
            Phase::Ended => unreachable!("a sync job was polled after its end"),
        };
        self.phase = next.unwrap_or_else(|error| Phase::Over(Err(error)));
        None
    }
}

impl Machine for ImageSyncMachine {
    type Output = Result<SyncReport, Error>;
    type Progress = SyncProgress;

    fn poll(&mut self, now: Now) -> Step<Self::Output, SyncProgress> {
        if self.deadline.is_none() {
            self.deadline = Some(now.mono.saturating_add(self.job.timeout));
        }
        loop {
            if let Some(event) = self.events.pop_front() {
                return Step::Progress(event);
            }
            if let Some(step) = self.advance(now) {
                return step;
            }
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        match &mut self.phase {
            Phase::Looking { call, .. } => call.reply(now, reply),
            Phase::Submitting { call, .. } => call.reply(now, reply),
            Phase::Watching(watching) => {
                let asking = watching.asking.take();
                if let Some(call) = asking.and_then(|at| watching.copies[at].call.as_mut()) {
                    call.reply(now, reply);
                }
            }
            Phase::Start | Phase::Over(_) | Phase::Ended => {}
        }
    }
}

impl fmt::Debug for ImageSyncMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageSyncMachine").field("job", &self.job).finish_non_exhaustive()
    }
}

impl Watching {
    /// Asks for the copies that are due; `None` once something is to be told, or all have ended.
    fn advance<T>(
        &mut self,
        now: Now,
        deadline: Duration,
        random: &mut Random,
        events: &mut VecDeque<SyncProgress>,
    ) -> Option<Step<T, SyncProgress>> {
        let mut wake = deadline;
        let mut at = self.asking.unwrap_or(0);
        while at < self.copies.len() {
            if now.mono >= deadline && self.asking.is_none() {
                let error = Error::timeout("the copy was not there when the job's time was over; it goes on");
                self.end(at, Outcome::TimedOut, Some(error), now, events);
                continue;
            }
            let copy = &mut self.copies[at];
            if copy.call.is_none() && copy.look_at > now.mono {
                wake = wake.min(copy.look_at);
                at += 1;
                continue;
            }
            let call = copy.call.get_or_insert_with(|| {
                let look = DescribeImages::default().image_ids([copy.image_id.as_str()]);
                Box::new(Call::new(&copy.config, look, random.next()))
            });
            match call.poll(now) {
                Step::Send(request) => {
                    self.asking = Some(at);
                    return Some(Step::Send(request));
                }
                Step::WaitUntil(mono) => {
                    wake = wake.min(mono);
                    at += 1;
                }
                Step::Done(answer) => {
                    copy.call = None;
                    let verdict =
                        copy.judge(answer.map(|images| images.image_set), now, self.since, random, events);
                    match verdict {
                        None => at += 1,
                        Some((outcome, error)) => self.end(at, outcome, error, now, events),
                    }
                }
                Step::Progress(never) => match never {},
            }
        }
        if self.copies.is_empty() || !events.is_empty() {
            None
        } else {
            Some(Step::WaitUntil(self.wake(wake)))
        }
    }

    /// The earliest time at which a copy is due.
    fn wake(&self, waiting: Duration) -> Duration {
        let looks = self.copies.iter().filter(|copy| copy.call.is_none()).map(|copy| copy.look_at);
        looks.min().map_or(waiting, |look| look.min(waiting))
    }

    fn end(
        &mut self,
        at: usize,
        outcome: Outcome,
        error: Option<Error>,
        now: Now,
        events: &mut VecDeque<SyncProgress>,
    ) {
        let copy = self.copies.remove(at);
        let destination = Destination {
            region: copy.region,
            image_id: Some(copy.image_id),
            outcome,
            elapsed: now.mono.saturating_sub(self.since),
            error,
        };
        events.push_back(SyncProgress::Ended(destination.clone()));
        self.report.destinations.push(destination);
    }
}

impl Copy {
    /// What a look at the copy means: its end, or another look later.
    fn judge(
        &mut self,
        answer: Result<Vec<Image>, Error>,
        now: Now,
        since: Duration,
        random: &mut Random,
        events: &mut VecDeque<SyncProgress>,
    ) -> Option<(Outcome, Option<Error>)> {
        let elapsed = now.mono.saturating_sub(since);
        let image = match answer {
            Ok(images) => images.into_iter().find(|image| image.image_id == self.image_id),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            // The copy goes on whether we can see it or not.
            Err(error) if error.is_retryable() => return self.look_later(now, random),
            Err(error) => return Some((Outcome::Failed, Some(error))),
        };
        let Some(image) = image else {
            if self.seen.is_none() && elapsed < INVISIBLE_FOR {
                return self.look_later(now, random);
            }
            let error = Error::service(
                crate::ErrorCode::InvalidImageIdNotFound,
                format!(
                    "the copy {} is not in {}: it was deleted, or never made",
                    self.image_id, self.region
                ),
                None,
                200,
            );
            return Some((Outcome::Failed, Some(error)));
        };
        let state = image.image_state;
        let percent = image.sync_percent.map(|percent| percent.clamp(0, 100));
        if state == ImageState::NORMAL {
            return Some((Outcome::Copied, None));
        }
        if state.as_str().ends_with("FAILED") {
            let error = Error::service(
                crate::ErrorCode::FailedOperationInvalidImageState,
                format!(
                    "the copy {} in {} ended as {state}: delete it and copy again",
                    self.image_id, self.region
                ),
                None,
                200,
            );
            return Some((Outcome::Failed, Some(error)));
        }
        if self.seen.as_ref() != Some(&(state.clone(), percent)) {
            self.seen = Some((state.clone(), percent));
            events.push_back(SyncProgress::Copying {
                region: self.region.clone(),
                image_id: self.image_id.clone(),
                state,
                percent,
                elapsed,
            });
        }
        self.look_later(now, random)
    }

    fn look_later<T>(&mut self, now: Now, random: &mut Random) -> Option<T> {
        self.look_at = now.mono + random.jittered(self.pause);
        self.pause = (self.pause * 3 / 2).min(LONGEST_PAUSE);
        None
    }
}

/// The outcome of a call, or the step it asks for.
fn pass<T, U>(step: Step<T>) -> Result<T, Step<U, SyncProgress>> {
    match step {
        Step::Done(outcome) => Ok(outcome),
        Step::Send(request) => Err(Step::Send(request)),
        Step::WaitUntil(mono) => Err(Step::WaitUntil(mono)),
        Step::Progress(never) => match never {},
    }
}
