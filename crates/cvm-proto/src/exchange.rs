//! One request of the API with all its attempts: everything about a call that does not depend on the action's type.
//!
//! ```text
//!              ┌──────────── Waiting: a pause, or a place in the rate limit ◀───────────┐
//!              ▼                                                                        │ may be sent again
//!   Waiting ──▶ InFlight: the signed request is out ── reply ──▶ judged ────────────────┤
//!                                                                                       ▼ else
//!                                                                                     Ended
//! ```

use alloc::string::String;
use core::time::Duration;

use crate::codec::envelope;
use crate::encode::{Attempt, Prepared};
use crate::error::Error;
use crate::error_code::ErrorCode;
use crate::machine::{Now, Reply};
use crate::random::Random;
use crate::request::Request;

/// An action on its way, with its parameters encoded.
pub(crate) struct Exchange {
    prepared: Prepared,
    rules: Rules,
    random: Random,
    attempts: u32,
    clock_corrected: bool,
    deadline: Option<Duration>,
    state: State,
}

/// How an action may be treated.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// Requests a second that the service grants, if known.
    pub(crate) rate_limit: Option<u32>,
    /// Whether it may be sent again when nobody knows what became of it.
    pub(crate) safe_to_repeat: bool,
}

enum State {
    /// Nothing is out. `until` is a pause between attempts; `booked` says that the rate limit was asked already.
    Waiting { until: Duration, booked: bool },
    /// The request is out. Asked again, it is signed again: the same attempt gives the same bytes.
    InFlight(Attempt),
    /// The outcome has been given away, or is with the caller of [`Exchange::reply`].
    Ended,
}

/// What to do next; the outcome comes from [`Exchange::reply`], or as [`Do::Fail`].
pub(crate) enum Do {
    Send(Request),
    WaitUntil(Duration),
    Fail(Error),
}

impl Exchange {
    pub(crate) fn new(prepared: Prepared, rules: Rules, seed: u64) -> Self {
        Self {
            prepared,
            rules,
            random: Random::new(seed),
            attempts: 0,
            clock_corrected: false,
            deadline: None,
            state: State::Waiting { until: Duration::ZERO, booked: false },
        }
    }

    pub(crate) fn poll(&mut self, now: Now) -> Do {
        let config = self.prepared.config();
        let settings = config.settings();
        let deadline = *self.deadline.get_or_insert_with(|| now.mono.saturating_add(settings.call_timeout));
        let rate = self.rules.rate_limit.filter(|_| settings.rate_limit);
        let (action, region) = (self.prepared.action(), config.region().unwrap_or_default());
        loop {
            match &mut self.state {
                State::InFlight(attempt) => return Do::Send(self.prepared.request(*attempt)),
                State::Waiting { until, .. } if *until > now.mono => return Do::WaitUntil(*until),
                State::Waiting { until, booked } if !*booked => {
                    *booked = true;
                    let Some(rate) = rate else { continue };
                    *until = config.shared(|shared| shared.limits.book(action, region, rate, now.mono));
                    if *until >= deadline {
                        return Do::Fail(self.end(Error::timeout(alloc::format!(
                            "too many calls for the rate of {rate} a second: no place before the call's deadline"
                        ))));
                    }
                }
                State::Waiting { .. } => {
                    let left = deadline.saturating_sub(now.mono);
                    if left.is_zero() {
                        return Do::Fail(
                            self.end(Error::timeout("the call's deadline passed before it was sent")),
                        );
                    }
                    if let Some(rate) = rate {
                        let passed =
                            config.shared(|shared| shared.limits.pass(action, region, rate, now.mono));
                        if let Err(later) = passed {
                            self.state = State::Waiting { until: later, booked: true };
                            continue;
                        }
                    }
                    self.attempts += 1;
                    self.state = State::InFlight(Attempt {
                        number: self.attempts,
                        unix: config.shared(|shared| shared.clock.apply(now.unix)),
                        nonce: self.random.next(),
                        timeout: settings.attempt_timeout.min(left),
                    });
                }
                State::Ended => unreachable!("a call was polled after its end"),
            }
        }
    }

    /// Takes a reply in; gives the outcome if that was the end. `Ok` is the text of an answer without an
    /// error, its value not read yet.
    pub(crate) fn reply(&mut self, now: Now, reply: Reply) -> Option<Result<String, Error>> {
        if !matches!(self.state, State::InFlight(_)) {
            return None;
        }
        match reply {
            Reply::Failed(failure) => self.refused(now, Error::transport(failure), false),
            Reply::Response(response) => {
                let moved = response.date().is_some_and(|date| {
                    self.prepared.config().shared(|shared| shared.clock.observe(now.unix, date))
                });
                match envelope::open(response.status(), response.into_body()) {
                    Err(error) => self.refused(now, error, moved),
                    Ok(text) => {
                        self.state = State::Ended;
                        self.prepared.config().shared(|shared| shared.budget.deposit(self.attempts > 1));
                        Some(Ok(text))
                    }
                }
            }
        }
    }

    /// Takes back an answer from [`reply`](Self::reply) that turned out to be unreadable; gives the error if that was
    /// the end.
    pub(crate) fn unreadable(&mut self, now: Now, error: Error) -> Option<Error> {
        self.refused(now, error, false).and_then(Result::err)
    }

    fn refused(&mut self, now: Now, error: Error, clock_moved: bool) -> Option<Result<String, Error>> {
        let expired = error.code() == Some(&ErrorCode::AuthFailureSignatureExpire);
        if expired && clock_moved && !self.clock_corrected {
            // The service refused the time stamp, and now the right time is known: this attempt does not count.
            self.clock_corrected = true;
            self.attempts -= 1;
            self.state = State::Waiting { until: now.mono, booked: false };
            return None;
        }
        if self.may_try_again(&error) {
            let policy = self.prepared.config().settings().retry;
            let until = now.mono + policy.pause(self.attempts, error.is_throttled(), &mut self.random);
            let in_time = self.deadline.is_none_or(|deadline| until < deadline);
            if in_time && self.prepared.config().shared(|shared| shared.budget.withdraw()) {
                self.state = State::Waiting { until, booked: false };
                return None;
            }
        }
        Some(Err(self.end(error)))
    }

    fn may_try_again(&self, error: &Error) -> bool {
        self.attempts < self.prepared.config().settings().retry.attempts
            && error.is_retryable()
            && (self.rules.safe_to_repeat || !error.outcome_unknown())
    }

    fn end(&mut self, error: Error) -> Error {
        self.state = State::Ended;
        error.with_call(self.prepared.action(), self.prepared.config().region(), self.attempts)
    }
}
