//! One request of the API with all its attempts: everything about a call that does not depend on the action's type.
//!
//! ```text
//!              ┌──────────── Waiting: a pause, or a place in the rate limit ◀───────────┐
//!              ▼                                                                        │ may be sent again
//!   Waiting ──▶ InFlight: the signed request is out ── reply ──▶ judged ────────────────┤
//!    ▲    │                                                                             ▼ else
//!    │    └──▶ Fetching: no credential that is good for long ──┐                      Ended
//!    └─────────────────────────────────────────────────────────┘
//! ```

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

use super::fetch_turn::FetchTurn;
use crate::attempt_end::{AttemptEnd, AttemptHook, FailReason, NextStep, RetryReason};
use crate::client::{AttemptSigner, Prepared, Random, Route, is_too_far};
use crate::codec::envelope;
use crate::error::{Error, ErrorCode, ErrorKind, FailureKind};
use crate::machine::{Now, Reply, Step};
use crate::signer::{Availability, Credential, Fetch, FetchContext, FetchId};
use crate::wire::{Attempt, ConnectionPath, Limit, Request};

/// An action on its peer, with its parameters encoded.
pub(crate) struct Attempts {
    prepared: Prepared,
    rules: CallPolicy,
    random: Random,
    attempts: u32,
    /// How often the request was sent before the one that is out.
    resend_count: u32,
    clock_corrected: bool,
    /// The credential that the service refused, and how: once in a call, a better one is looked for.
    refused: Option<Box<(Credential, Error)>>,
    deadline: Option<Duration>,
    /// The id in an answer whose value is still to be read, if anybody listens.
    answered: Option<String>,
    state: State,
}

/// How an action may be treated.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallPolicy {
    /// Requests a second that the service grants, if known.
    pub(crate) rate_limit: Option<u32>,
    /// Whether it may be sent again when nobody knows what became of it.
    pub(crate) safe_to_repeat: bool,
    /// Whether the client keeps its credential, whatever the answer says of it.
    pub(crate) keeps_credential: bool,
}

enum State {
    /// Nothing is out. `until` is a pause between attempts; `booked` says that the rate limit was asked already.
    Waiting { until: Duration, booked: bool },
    /// A credential is fetched, for this call and all others of the client.
    Fetching {
        turn: FetchTurn,
        fetch: Fetch,
        /// The host and the port that were asked for it first.
        asked: Option<String>,
    },
    /// The request is out. Asked again, it is signed again: the same attempt gives the same bytes.
    InFlight {
        attempt: Attempt,
        credential: Option<Credential>,
        route: Route,
        /// When it was handed out.
        since: Duration,
    },
    /// The outcome has been given away.
    Ended,
}

/// What to do next; the outcome comes from [`Attempts::reply`], or as [`AttemptStep::Fail`].
pub(crate) enum AttemptStep {
    Send(Request),
    WaitUntil(Duration),
    Fail(Error),
}

/// Whether a request may go out now.
// It is taken apart where it comes back, once for each request: a box would cost more than the move.
#[allow(clippy::large_enum_variant)]
enum Admission {
    Go {
        attempt: Attempt,
        /// Who signs, if that is not the same for all calls of the client.
        credential: Option<Credential>,
        route: Route,
        keys: Option<AttemptSigner>,
    },
    Later(Duration),
    Fetch(FetchId),
    Fail(Error),
    /// There is no better credential than the one that was refused.
    Refused(Error),
}

impl Attempts {
    pub(crate) fn new(prepared: Prepared, rules: CallPolicy, seed: u64) -> Self {
        Self {
            prepared,
            rules,
            random: Random::new(seed),
            attempts: 0,
            resend_count: 0,
            clock_corrected: false,
            refused: None,
            deadline: None,
            answered: None,
            state: State::Waiting { until: Duration::ZERO, booked: false },
        }
    }

    pub(crate) fn poll(&mut self, now: Now) -> AttemptStep {
        let timeout = self.prepared.config().settings().call_timeout;
        let deadline = *self.deadline.get_or_insert_with(|| now.mono.saturating_add(timeout));
        loop {
            match &mut self.state {
                State::InFlight { attempt, credential, .. } => {
                    return AttemptStep::Send(self.prepared.request_by(credential.as_ref(), attempt.clone()));
                }
                State::Waiting { until, .. } if *until > now.mono => return AttemptStep::WaitUntil(*until),
                State::Fetching { asked, .. } if now.mono >= deadline => {
                    let asked = asked.take().map(|place| format!(" from {place}")).unwrap_or_default();
                    let late = Error::timeout(format!("no credential{asked} {}", Limit::of_call(timeout)));
                    return AttemptStep::Fail(self.end(late));
                }
                State::Fetching { turn, fetch, asked } => match fetch.poll(now) {
                    // A call that gives up leaves the fetch to the next one, and no failure is remembered.
                    Step::Send(request) => {
                        asked.get_or_insert_with(|| ConnectionPath::new(request.origin(), None).address);
                        // What the call waits for has no more time than the call itself.
                        let attempt = self.prepared.config().settings().attempt_timeout;
                        let left = deadline.saturating_sub(now.mono);
                        let request = request.within(attempt, Limit::of_attempt(attempt));
                        return AttemptStep::Send(request.within(left, Limit::of_call(timeout)));
                    }
                    Step::WaitUntil(mono) => return AttemptStep::WaitUntil(mono.min(deadline)),
                    Step::Progress(never) => match never {},
                    Step::Done(outcome) => {
                        turn.hand_in(outcome, now);
                        self.state = State::Waiting { until: now.mono, booked: true };
                    }
                },
                State::Waiting { booked, .. } => {
                    let booked = *booked;
                    if now.mono >= deadline {
                        let late = Error::timeout(format!(
                            "not sent {}: it waited for the credential that another call fetches, or for its place in the rate limit",
                            Limit::of_call(timeout)
                        ));
                        return AttemptStep::Fail(self.end(late));
                    }
                    self.state = match self.admit(now, booked, deadline) {
                        Admission::Go { attempt, credential, route, keys } => {
                            self.attempts = attempt.number;
                            let request =
                                self.prepared.request_with(credential.as_ref(), attempt.clone(), keys);
                            self.state = State::InFlight { attempt, credential, route, since: now.mono };
                            return AttemptStep::Send(request);
                        }
                        Admission::Later(until) => State::Waiting { until, booked: true },
                        Admission::Fetch(fetch_id) => self.fetching(fetch_id),
                        Admission::Fail(error) => return AttemptStep::Fail(self.end(error)),
                        Admission::Refused(error) => {
                            // The attempt that was taken back is the last after all.
                            self.attempts += 1;
                            return AttemptStep::Fail(self.end(error));
                        }
                    };
                }
                State::Ended => unreachable!("a call was polled after its end"),
            }
        }
    }

    /// Asks everything that the client's calls share, under its lock once.
    fn admit(&mut self, now: Now, booked: bool, deadline: Duration) -> Admission {
        let config = self.prepared.config();
        let settings = config.settings();
        let rate = self.rules.rate_limit.filter(|_| settings.rate_limit);
        let (action, region) = (self.prepared.action(), config.region().unwrap_or_default());
        let (number, nonce) = (self.attempts + 1, self.random.next());
        let (left, longest) = (deadline.saturating_sub(now.mono), settings.attempt_timeout);
        let (timeout, limit) = if longest <= left {
            (longest, Limit::of_attempt(longest))
        } else {
            (left, Limit::of_call(settings.call_timeout))
        };
        config.shared(|shared| {
            if let Some(rate) = rate
                && !booked
            {
                let until = shared.limits.book(action, region, rate, now.mono);
                if until >= deadline {
                    return Admission::Fail(Error::timeout(format!(
                        "too many calls for the rate of {rate} a second: no place {}",
                        Limit::of_call(settings.call_timeout)
                    )));
                }
                if until > now.mono {
                    return Admission::Later(until);
                }
            }
            let unix = shared.clock.apply(now.unix);
            let credential = match config.provider() {
                None => None,
                Some(_) => match shared.leases.availability(unix, now.mono) {
                    Availability::Use(credential) => match self.refused.as_deref() {
                        Some((same, error)) if same.is_wholly(&credential) => {
                            return Admission::Refused(error.clone());
                        }
                        _ => Some(credential),
                    },
                    Availability::Wait(until) => return Admission::Later(until),
                    Availability::Fetch(fetch_id) => return Admission::Fetch(fetch_id),
                    Availability::Fail(why) => {
                        return match self.refused.as_deref() {
                            Some((written, error)) if written.source().is_some() => {
                                Admission::Refused(error.clone().without_better_credential(&why))
                            }
                            _ => Admission::Fail(why),
                        };
                    }
                },
            };
            if let Some(Err(later)) = rate.map(|rate| shared.limits.pass(action, region, rate, now.mono)) {
                return Admission::Later(later);
            }
            let route = match &settings.failover {
                None => Route::Usual { period: 0 },
                Some(failover) => shared.breakers.route(failover, config.origin().host(), now.mono, timeout),
            };
            let to_backup = route == Route::Backup;
            let attempt = Attempt { number, unix, nonce, timeout, limit, to_backup };
            let keys = self.prepared.keys(shared, credential.as_ref(), &attempt);
            Admission::Go { attempt, credential, route, keys }
        })
    }

    fn fetching(&mut self, fetch_id: FetchId) -> State {
        let config = self.prepared.config();
        // What was refused is read again where it was written; its provider may only have handed it on.
        let source = self.refused.as_deref().and_then(|(refused, _)| refused.source());
        match source.or_else(|| config.provider()) {
            Some(provider) => State::Fetching {
                turn: FetchTurn::new(config.clone(), fetch_id),
                fetch: provider.fetch(&FetchContext {
                    seed: self.random.next(),
                    on_attempt: config.settings().on_attempt.clone(),
                }),
                asked: None,
            },
            None => unreachable!("only a provider's cache begins a fetch"),
        }
    }

    /// Takes a reply in; gives the outcome if that was the end. `Ok` is the text of an answer without an
    /// error, its value not read yet: [`accepted`](Self::accepted) or [`unreadable`](Self::unreadable) says what it is.
    pub(crate) fn reply(&mut self, now: Now, reply: Reply) -> Option<Result<String, Error>> {
        let (route, to_backup) = match &mut self.state {
            State::InFlight { route, attempt, .. } => (*route, attempt.to_backup),
            // Broken off for this caller's sake, which must not fail the calls that wait for the same credential:
            // whoever asks next fetches it.
            State::Fetching { .. } if is_cancelled(&reply) => {
                self.state = State::Waiting { until: now.mono, booked: true };
                return None;
            }
            State::Fetching { fetch, .. } => {
                fetch.reply(now, reply);
                return None;
            }
            State::Waiting { .. } | State::Ended => return None,
        };
        let config = self.prepared.config();
        if let Some(failover) = &config.settings().failover
            && !is_cancelled(&reply)
        {
            let unreached = matches!(&reply, Reply::Failed(failure) if failure.kind != FailureKind::TooLarge);
            config.shared(|shared| {
                let host = config.origin().host();
                shared.breakers.report(failover, host, route, now.mono, !unreached);
            });
        }
        match reply {
            Reply::Failed(failure) => self.refused(now, Error::transport(failure), &ResponseHints::default()),
            Reply::Response(response) => {
                let (status, date, retry_after) =
                    (response.status(), response.date(), response.retry_after(now.unix));
                let (location, proxy) = (response.location().map(elsewhere), response.proxy().cloned());
                let mentions_https = status >= 400 && response.body_contains(b"HTTPS");
                match envelope::open(status, response.into_body()) {
                    Err(error) => {
                        let observe = |date| config.shared(|shared| shared.clock.observe(now.unix, date));
                        let clock_moved = date.is_some_and(observe);
                        let clock_is_wrong = date.is_some_and(|date| is_too_far(now.unix, date));
                        let origin = if to_backup { config.backup_origin() } else { config.origin() };
                        let path = ConnectionPath::new(origin, proxy.as_ref());
                        let error = path.explain_intermediary(error, location, mentions_https);
                        self.refused(now, error, &ResponseHints { clock_moved, clock_is_wrong, retry_after })
                    }
                    Ok(text) => {
                        config.shared(|shared| {
                            shared.budget.deposit(self.attempts > 1);
                            date.map(|date| shared.clock.observe(now.unix, date))
                        });
                        self.answered = AttemptHook::is_told_of_success(self.hook())
                            .then(|| envelope::request_id(&text).unwrap_or_default());
                        Some(Ok(text))
                    }
                }
            }
        }
    }

    /// Takes note that an answer from [`reply`](Self::reply) could be read.
    pub(crate) fn accepted(&mut self, now: Now) {
        if let Some(request_id) = self.answered.take() {
            self.tell(now, Some(&*request_id).filter(|id| !id.is_empty()), None, NextStep::Done);
        }
        self.state = State::Ended;
    }

    /// Takes back an answer from [`reply`](Self::reply) that turned out to be unreadable; gives the error if that was
    /// the end.
    pub(crate) fn unreadable(&mut self, now: Now, error: Error) -> Option<Error> {
        self.refused(now, error, &ResponseHints::default()).and_then(Result::err)
    }

    fn refused(&mut self, now: Now, error: Error, hints: &ResponseHints) -> Option<Result<String, Error>> {
        let (error, next) = self.judge(now, error, hints);
        self.tell(now, error.request_id(), Some(&error), next);
        let NextStep::Retry { pause, reason } = next else { return Some(Err(self.end(error))) };
        let was_refused = match &mut self.state {
            State::InFlight { credential, .. } if reason == RetryReason::CredentialRefused => {
                credential.take()
            }
            _ => None,
        };
        if let Some(credential) = was_refused {
            self.refused = Some(Box::new((credential, error)));
        }
        // Neither counts what was signed for the wrong time, nor by somebody whom the service does not know any more.
        if matches!(reason, RetryReason::ClockCorrected | RetryReason::CredentialRefused) {
            self.attempts -= 1;
        }
        self.resend_count += 1;
        self.state = State::Waiting { until: now.mono.saturating_add(pause), booked: false };
        None
    }

    /// What follows from an error; it may be worded anew.
    fn judge(&mut self, now: Now, error: Error, hints: &ResponseHints) -> (Error, NextStep) {
        let expired = error.code() == Some(&ErrorCode::AuthFailureSignatureExpire);
        if expired && hints.clock_is_wrong {
            let error = error.with_advice(
                "this machine's clock and the service's differ by more than a day: set the clock",
            );
            return (error, NextStep::Fail(FailReason::Permanent));
        }
        let at_once = |reason| NextStep::Retry { pause: Duration::ZERO, reason };
        if expired && hints.clock_moved && !self.clock_corrected {
            // The service refused the time stamp, and now the right time is known.
            self.clock_corrected = true;
            return (error, at_once(RetryReason::ClockCorrected));
        }
        if self.is_outdated(now, &error) {
            return (error, at_once(RetryReason::CredentialRefused));
        }
        let policy = &self.prepared.config().settings().retry;
        let judgement = policy.judgement(&error);
        if !judgement.unwrap_or_else(|| error.is_retryable()) {
            let reason = if judgement.is_some() { FailReason::Policy } else { FailReason::Permanent };
            return (error, NextStep::Fail(reason));
        }
        if error.outcome_unknown() && !self.rules.safe_to_repeat {
            return (error, NextStep::Fail(FailReason::NotSafeToRepeat));
        }
        if self.attempts >= policy.attempts {
            return (error, NextStep::Fail(FailReason::AttemptsUsedUp));
        }
        let pause = policy.pause(self.attempts, error.is_throttled(), &mut self.random);
        // Sooner than it asks, the server would only refuse again.
        let whole = pause.max(hints.retry_after.unwrap_or_default());
        let until = now.mono.saturating_add(whole);
        if self.deadline.is_some_and(|deadline| until >= deadline) {
            let error = match hints.retry_after.filter(|asked| *asked > pause) {
                None => error,
                Some(asked) => error.with_advice(&format!(
                    "it asks to be left alone for {} s (Retry-After), and the time for the whole call (call_timeout) ends before",
                    asked.as_secs()
                )),
            };
            return (error, NextStep::Fail(FailReason::NoTimeLeft));
        }
        if !self.prepared.config().shared(|shared| shared.budget.withdraw()) {
            return (error, NextStep::Fail(FailReason::BudgetUsedUp));
        }
        let reason = match error.kind() {
            _ if judgement.is_some() => RetryReason::Policy,
            ErrorKind::Throttled => RetryReason::Throttled,
            ErrorKind::Network | ErrorKind::Timeout => RetryReason::NoResponse,
            ErrorKind::Response => RetryReason::BadResponse,
            _ => RetryReason::ServiceError,
        };
        (error, NextStep::Retry { pause: whole, reason })
    }

    fn hook(&self) -> Option<&AttemptHook> {
        self.prepared.config().settings().on_attempt.as_ref()
    }

    /// Tells whoever listens what came of the attempt that is out.
    fn tell(&self, now: Now, request_id: Option<&str>, error: Option<&Error>, next: NextStep) {
        let State::InFlight { attempt, since, .. } = &self.state else { return };
        let end = AttemptEnd {
            attempt: attempt.number,
            resend_count: self.resend_count,
            elapsed: now.mono.saturating_sub(*since),
            request_id,
            error,
            next,
            ..self.prepared.attempt_end(attempt.to_backup)
        };
        AttemptHook::tell(self.hook(), &end);
    }

    /// Whether the service refused the credential, and there may be a newer one.
    fn is_outdated(&self, now: Now, error: &Error) -> bool {
        let State::InFlight { credential: Some(credential), .. } = &self.state else { return false };
        let outdated = match error.code() {
            Some(
                ErrorCode::AuthFailureTokenFailure
                | ErrorCode::AuthFailureSecretIdNotFound
                | ErrorCode::AuthFailureInvalidSecretId,
            ) => true,
            // A key that somebody wrote down may have been mended; one that was fetched came whole.
            Some(ErrorCode::AuthFailureSignatureFailure) => credential.source().is_some(),
            _ => false,
        };
        let may_be_better = outdated && !self.rules.keeps_credential && self.refused.is_none();
        let config = self.prepared.config();
        may_be_better && config.shared(|shared| shared.leases.refused(credential, now.mono))
    }

    fn end(&mut self, error: Error) -> Error {
        self.state = State::Ended;
        self.prepared.config().in_call(error, self.prepared.action(), self.attempts)
    }
}

fn is_cancelled(reply: &Reply) -> bool {
    matches!(reply, Reply::Failed(failure) if failure.kind == FailureKind::Cancelled)
}

/// What a response said beside its error.
#[derive(Clone, Copy, Debug, Default)]
struct ResponseHints {
    /// The right time is known now.
    clock_moved: bool,
    /// The clocks differ by more than is corrected.
    clock_is_wrong: bool,
    retry_after: Option<Duration>,
}

/// Where a redirect points, without the query: that may be our own, which holds a signature.
fn elsewhere(location: &str) -> String {
    const LONGEST: usize = 200;
    let address = location.split(['?', '#']).next().unwrap_or_default();
    // A user name and a password are nobody's business.
    let shown = match address.split_once("://").map(|(scheme, rest)| (scheme, rest.split_once('@'))) {
        Some((scheme, Some((_, rest)))) => format!("{scheme}://***@{rest}"),
        _ => address.into(),
    };
    shown.chars().take(LONGEST).collect()
}
