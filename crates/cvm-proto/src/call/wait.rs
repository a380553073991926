//! Waiting for a state: an action is called again and again until its answer shows it.

use core::convert::Infallible;
use core::fmt;
use core::time::Duration;

use alloc::format;
use alloc::string::String;

use super::action::Action;
use super::cancel_grace::{CANCEL_CHECK_EVERY, CancelGrace};
use super::text_call::{TextAnswer, WithText};
use super::typed::{self, Call};
use crate::client::{Config, Job, Random};
use crate::error::{Error, Failure, FailureKind};
use crate::machine::{Machine, Now, Reply, Step};
use crate::wire::{Cancel, Limit, only_reads};

/// What an answer means for a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The state is reached: the wait ends with this answer.
    Ready,
    /// Not yet.
    Pending,
    /// Not yet, and what is lacking: it is part of the error if the time is over before there is another answer.
    Lacking(String),
    /// The state will never be reached, for this reason: the wait ends with an error.
    Failed(String),
}

/// Calls an action until its answer is what was waited for: a [`Job`] that ends with that answer.
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::api::DescribeImages;
/// use cvm_proto::api::types::ImageState;
/// use cvm_proto::{Verdict, WaitUntil};
///
/// // All of them have to be there: the first may be ready long before the last.
/// let ids = ["img-o3ycss2p", "img-6pb6lrmy"];
/// let job = WaitUntil::new(DescribeImages::default().image_ids(ids), move |answer| {
///     let mut ready = 0;
///     for image in answer.image_set.iter().filter(|image| ids.contains(&&*image.image_id)) {
///         match &image.image_state {
///             ImageState::Normal => ready += 1,
///             failed @ (ImageState::CreateFailed | ImageState::ImportFailed) => {
///                 return Verdict::Failed(format!("{} is {failed}", image.image_id));
///             }
///             _ => {}
///         }
///     }
///     if ready == ids.len() { Verdict::Ready } else { Verdict::Pending }
/// })
/// .every(Duration::from_secs(5))
/// .at_most(Duration::from_secs(600));
/// # let _ = job;
/// ```
///
/// For images and instances this is there already: [`images_normal`](crate::images_normal),
/// [`instances_in_state`](crate::instances_in_state).
///
/// ```text
///             ┌─── a pause ◀─── Pending, or an error that may pass
///             ▼                        │
///   start ──▶ call ──▶ answer ──▶ judge ──▶ Ready ──▶ the answer
///                                      └──▶ Failed, another error, or too late ──▶ an Error
/// ```
///
/// Each call has its own retries. One that fails in a way that may pass (network, throttling) is another `Pending`; any
/// other error ends the wait.
///
/// # Errors
///
/// The wait sends nothing and ends with [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if the action does not
/// [only read](only_reads).
pub struct WaitUntil<A, P> {
    action: A,
    judge: P,
    interval: Duration,
    deadline: Duration,
    cancel: Option<Cancel>,
    refusal: Option<Error>,
}

/// A request that a wait can send again and again: an action, or a [`TextRequest`](crate::TextRequest).
pub trait Ask {
    /// The answer.
    type Answer;
    /// One call.
    type Call: Machine<Output = Result<Self::Answer, Error>, Progress = Infallible>;

    /// The action's name.
    fn name(&self) -> &str;

    /// Makes one call.
    fn call(&self, config: &Config, seed: u64) -> Self::Call;
}

impl<A: Action + Clone> Ask for A {
    type Answer = A::Response;
    type Call = Call<A>;

    fn name(&self) -> &str {
        A::NAME
    }

    fn call(&self, config: &Config, seed: u64) -> Call<A> {
        Call::new(config, self.clone(), seed)
    }
}

impl<A: Ask, P: FnMut(&A::Answer) -> Verdict> WaitUntil<A, P> {
    /// Waits until `judge` finds an answer of `action` [`Ready`](Verdict::Ready): every 5 s, for 10 minutes at most.
    ///
    /// The action has to be one that [only reads](only_reads): it is called many times.
    pub fn new(action: A, judge: P) -> Self {
        Self {
            action,
            judge,
            interval: Duration::from_secs(5),
            deadline: Duration::from_secs(600),
            cancel: None,
            refusal: None,
        }
    }

    /// The pause between two calls, 5 s by default. It varies by up to a quarter, so that many waits do not call at once.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Lets a cancel end the wait, also while a call hangs: with an error whose
    /// [`failure_kind`](Error::failure_kind) is [`Cancelled`](FailureKind::Cancelled), within 200 ms where the driver
    /// looks at [`Request::cancel`](crate::Request::cancel).
    #[must_use]
    pub fn cancel_with(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }

    /// The longest time to wait, 10 minutes by default. A call that is under way ends with it.
    #[must_use]
    pub fn at_most(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

impl<A: Action + Clone, P: FnMut(&A::Response) -> Verdict> WaitUntil<A, P> {
    /// The same wait, whose answers are also kept as texts: for bindings to other languages.
    pub fn with_text(
        self,
    ) -> WaitUntil<WithText<A>, impl FnMut(&TextAnswer<A::Response>) -> Verdict + use<A, P>> {
        let Self { action, mut judge, interval, deadline, cancel, refusal } = self;
        let judge = move |with_text: &TextAnswer<A::Response>| judge(&with_text.answer);
        WaitUntil { action: WithText(action), judge, interval, deadline, cancel, refusal }
    }
}

impl<A, P> WaitUntil<A, P> {
    /// A wait that can only go wrong, if there is a reason: it sends nothing.
    pub(crate) fn refused(mut self, reason: Option<Error>) -> Self {
        self.refusal = reason;
        self
    }

    /// The limit that ends the wait. No setting has it.
    fn limit(&self) -> Limit {
        Limit { setting: "", value: self.deadline }
    }
}

impl<A, P> Job for WaitUntil<A, P>
where
    A: Ask,
    P: FnMut(&A::Answer) -> Verdict,
{
    type Machine = WaitMachine<A, P>;

    fn name(&self) -> &str {
        self.action.name()
    }

    fn start(mut self, config: &Config, seed: u64) -> WaitMachine<A, P> {
        let name = self.action.name();
        let state = match self.refusal.take().or_else(|| refusal(name)) {
            None => State::Pause { until: Duration::ZERO },
            Some(error) => State::Refused(config.in_call(error, name, 0)),
        };
        WaitMachine {
            config: config.clone(),
            random: Random::new(seed),
            ends_at: None,
            state,
            lacking: None,
            last_error: None,
            cancel_grace: CancelGrace::new(self.cancel.clone()),
            job: self,
        }
    }
}

/// The machine of [`WaitUntil`]. It reports every answer that is not [`Ready`](Verdict::Ready) yet as progress.
pub struct WaitMachine<A: Ask, P> {
    job: WaitUntil<A, P>,
    config: Config,
    random: Random,
    ends_at: Option<Duration>,
    state: State<A>,
    /// What the last answer lacked, if the judge said it.
    lacking: Option<String>,
    last_error: Option<Error>,
    cancel_grace: CancelGrace,
}

enum State<A: Ask> {
    /// For this reason nothing is sent.
    Refused(Error),
    Pause {
        until: Duration,
    },
    Asking(A::Call),
    Ended,
}

impl<A, P> Machine for WaitMachine<A, P>
where
    A: Ask,
    P: FnMut(&A::Answer) -> Verdict,
{
    type Output = Result<A::Answer, Error>;
    type Progress = A::Answer;

    fn name(&self) -> &str {
        self.job.action.name()
    }

    fn poll(&mut self, now: Now) -> Step<Self::Output, Self::Progress> {
        let ends_at = *self.ends_at.get_or_insert(now.mono.saturating_add(self.job.deadline));
        if self.cancel_grace.ends(now).is_some() && !matches!(self.state, State::Ended) {
            return self.end(Err(self.cancelled()));
        }
        loop {
            match &mut self.state {
                State::Refused(error) => {
                    let error = error.clone();
                    return self.end(Err(error));
                }
                State::Pause { .. } if now.mono >= ends_at => return self.end(Err(self.too_late())),
                State::Pause { until } if *until > now.mono => {
                    let until = (*until).min(ends_at);
                    return Step::WaitUntil(self.noticing(until, now));
                }
                State::Pause { .. } => {
                    let call = self.job.action.call(&self.config, self.random.next());
                    self.state = State::Asking(call);
                }
                State::Asking(call) => {
                    let outcome = match call.poll(now) {
                        // A call that has not ended by then comes too late.
                        Step::Send(_) | Step::WaitUntil(_) if now.mono >= ends_at => {
                            return self.end(Err(self.too_late()));
                        }
                        Step::Send(request) => {
                            let limit = self.job.limit();
                            let request = request.within(ends_at.saturating_sub(now.mono), limit);
                            return Step::Send(self.cancel_grace.attach(request, true, now));
                        }
                        Step::WaitUntil(mono) => {
                            return Step::WaitUntil(self.noticing(mono.min(ends_at), now));
                        }
                        Step::Progress(never) => match never {},
                        Step::Done(outcome) => outcome,
                    };
                    let until = now.mono + self.random.jittered(self.job.interval);
                    match outcome {
                        Ok(answer) => match (self.job.judge)(&answer) {
                            Verdict::Ready => return self.end(Ok(answer)),
                            Verdict::Failed(why) => {
                                let error =
                                    Error::failed(format!("the condition can no longer be met: {why}"));
                                return self.end(Err(self.of_this(error)));
                            }
                            verdict @ (Verdict::Pending | Verdict::Lacking(_)) => {
                                self.lacking = match verdict {
                                    Verdict::Lacking(what) => Some(what),
                                    _ => None,
                                };
                                self.last_error = None;
                                self.state = State::Pause { until };
                                return Step::Progress(answer);
                            }
                        },
                        Err(error) if self.config.settings().retry.is_retryable(&error) => {
                            self.last_error = Some(error);
                            self.state = State::Pause { until };
                        }
                        Err(error) => return self.end(Err(error)),
                    }
                }
                State::Ended => unreachable!("a wait was polled after its end"),
            }
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.cancel_grace.replied(now);
        if let State::Asking(call) = &mut self.state {
            call.reply(now, reply);
        }
    }
}

/// Why an action cannot be waited with: it may change something.
fn refusal(name: &str) -> Option<Error> {
    if only_reads(name) {
        return None;
    }
    Some(typed::check_name(name).err().unwrap_or_else(|| {
        Error::parameter(
            "it may change something, and waiting would send it again and again: \
             wait with an action that only reads, such as `DescribeInstances`",
        )
    }))
}

impl<A: Ask, P> WaitMachine<A, P> {
    fn end(&mut self, outcome: Result<A::Answer, Error>) -> Step<Result<A::Answer, Error>, A::Answer> {
        self.state = State::Ended;
        Step::Done(outcome)
    }

    /// When to poll again, so that a cancel is noticed.
    fn noticing(&self, until: Duration, now: Now) -> Duration {
        if self.job.cancel.is_some() { until.min(now.mono.saturating_add(CANCEL_CHECK_EVERY)) } else { until }
    }

    fn cancelled(&self) -> Error {
        let why = Failure::not_sent(FailureKind::Cancelled, "cancelled before the condition was met");
        self.of_this(Error::transport(why))
    }

    fn too_late(&self) -> Error {
        let lacking = self.lacking.as_ref().map(|what| format!(": {what}")).unwrap_or_default();
        let why = self
            .last_error
            .as_ref()
            .map(|error| format!("; the last call failed: {error}"))
            .unwrap_or_default();
        let late = Error::timeout(format!("the condition was not met {}{lacking}{why}", self.job.limit()));
        let late = match &self.last_error {
            Some(error) => late.with_source(error.clone()),
            None => late,
        };
        self.of_this(late)
    }

    fn of_this(&self, error: Error) -> Error {
        self.config.in_call(error, self.job.action.name(), 0)
    }
}

impl<A: Ask, P> fmt::Debug for WaitMachine<A, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitMachine").field("action", &self.job.action.name()).finish_non_exhaustive()
    }
}
