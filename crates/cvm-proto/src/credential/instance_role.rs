//! The role of the instance that the program runs on, from the instance's metadata service.
//!
//! ```text
//!   Role ──▶ GET .../security-credentials/ ──▶ Credential ──▶ GET .../security-credentials/ROLE ──▶ the end
//! ```

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::convert::Infallible;
use core::time::Duration;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::attempt_end::{AttemptEnd, AttemptHook, FailReason, NextStep, RetryReason};
use crate::client::{Config, Endpoint, Prepared, Product, Random, RetryPolicy, Settings};
use crate::codec::percent;
use crate::error::{Error, ErrorKind};
use crate::input;
use crate::machine::{FailureKind, Machine, Now, Reply, Step};
use crate::signer::{Fetch, FetchContext, Found, Lease, Provider, ready};
use crate::wire::{Attempt, Response};

const METADATA: &str = "http://metadata.tencentyun.com";
const CREDENTIALS: &str = "/latest/meta-data/cam/security-credentials/";

/// The metadata service of an instance answers in milliseconds; elsewhere nobody should have to wait for it.
const TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 2;
const MAX_RESPONSE_BYTES: usize = 64 << 10;

/// The role of the instance that the program runs on.
///
/// It asks the metadata service, in plain HTTP and past any proxy: at most twice, for one second each. Where no such
/// service answers, or the instance has no role, it finds nothing.
#[derive(Clone, Debug)]
pub struct InstanceRole {
    endpoint: Endpoint,
    role: Option<String>,
}

impl InstanceRole {
    /// The role that the metadata service names.
    // No panic can be reached, so none is documented.
    #[allow(clippy::missing_panics_doc)]
    pub fn new() -> Self {
        Self { endpoint: Endpoint::explicit(METADATA).expect("the address above is one"), role: None }
    }

    /// The role's name, so that the metadata service need not be asked for it.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.role = Some(name.into());
        self
    }

    /// The address of the metadata service; `http://metadata.tencentyun.com` by default.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = endpoint;
        self
    }
}

impl Default for InstanceRole {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for InstanceRole {
    fn fetch(&self, context: &FetchContext) -> Fetch {
        let settings = Settings {
            endpoint: self.endpoint.clone(),
            max_response_bytes: MAX_RESPONSE_BYTES,
            on_attempt: context.on_attempt.clone(),
            ..Settings::default()
        };
        match Config::of_product(settings, Product::known("metadata", "")) {
            Ok(config) => Box::new(Asking::new(config, self.role.clone(), context.seed)),
            Err(error) => ready(Err(error)),
        }
    }
}

struct Asking {
    config: Config,
    random: Random,
    role: Option<String>,
    attempts: u32,
    state: State,
}

enum State {
    Waiting(Duration),
    /// The request is out since then.
    InFlight(Duration),
    Over(Option<Result<Found, Error>>),
}

impl Asking {
    fn new(config: Config, role: Option<String>, seed: u64) -> Self {
        let state = State::Waiting(Duration::ZERO);
        Self { config, random: Random::new(seed), role, attempts: 0, state }
    }

    fn path(&self) -> String {
        let mut path = String::from(CREDENTIALS);
        percent::encode_into(self.role.as_deref().unwrap_or_default(), &mut path);
        path
    }

    fn prepared(&self) -> Prepared {
        Prepared::plain(&self.config, "instance metadata", self.path())
    }

    fn answered(&mut self, now: Now, response: Response) {
        let status = response.status();
        match status {
            200 => self.read(now, &Zeroizing::new(response.into_body())),
            404 => {
                let why = match &self.role {
                    Some(role) => format!("the instance has no role `{}`", role.escape_debug()),
                    None => "the instance has no role".into(),
                };
                self.nothing(now, &Error::response(why, None, status));
            }
            _ => self.retry(now, Error::response("the metadata service failed".into(), None, status)),
        }
    }

    fn read(&mut self, now: Now, body: &[u8]) {
        if self.role.is_some() {
            match lease(body) {
                Ok(lease) => {
                    self.tell(now, None, NextStep::Done);
                    self.end(Ok(Found::Lease(lease)));
                }
                Err(error) if error.kind() == ErrorKind::Credential => {
                    self.tell(now, Some(&error), NextStep::Fail(FailReason::Permanent));
                    self.end(Err(error));
                }
                Err(error) => self.retry(now, error),
            }
            return;
        }
        let listed = input::trim(input::text(body).unwrap_or_default().lines().next().unwrap_or_default());
        let nothing = |why: &str| Error::response(why.into(), None, 200);
        if listed.is_empty() {
            self.nothing(now, &nothing("the instance has no role"));
        } else if listed.len() > 256 || listed.contains(['<', '{', '/']) {
            // A captive portal or a proxy of somebody else's answers to every name.
            self.nothing(now, &nothing("something other than a metadata service answers at its address"));
        } else {
            self.tell(now, None, NextStep::Done);
            self.role = Some(listed.into());
            self.attempts = 0;
            self.state = State::Waiting(now.mono);
        }
    }

    fn retry(&mut self, now: Now, error: Error) {
        if self.attempts >= ATTEMPTS {
            self.tell(now, Some(&error), NextStep::Fail(FailReason::AttemptsUsedUp));
            return self.end(Err(error));
        }
        let pause = RetryPolicy::default().pause(self.attempts, false, &mut self.random);
        let reason =
            if error.status().is_some() { RetryReason::BadResponse } else { RetryReason::NoResponse };
        self.tell(now, Some(&error), NextStep::Retry { pause, reason });
        self.state = State::Waiting(now.mono + pause);
    }

    /// Ends without a credential and without an error, as everywhere but on an instance with a role.
    fn nothing(&mut self, now: Now, why: &Error) {
        self.tell(now, Some(why), NextStep::Fail(FailReason::Permanent));
        self.end(Ok(Found::Nothing(format!("instance role: {}", why.message()))));
    }

    /// Reports the end of the attempt that is under way to the hook.
    fn tell(&self, now: Now, error: Option<&Error>, next: NextStep) {
        let State::InFlight(since) = self.state else { return };
        let prepared = self.prepared();
        let end = AttemptEnd {
            attempt: self.attempts,
            resend_count: self.attempts - 1,
            elapsed: now.mono.saturating_sub(since),
            error,
            next,
            ..prepared.attempt_end(false)
        };
        AttemptHook::tell(self.config.settings().on_attempt.as_ref(), &end);
    }

    fn end(&mut self, outcome: Result<Found, Error>) {
        self.state = State::Over(Some(outcome));
    }
}

impl Machine for Asking {
    type Output = Result<Found, Error>;
    type Progress = Infallible;

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        match &mut self.state {
            State::Waiting(until) if *until > now.mono => return Step::WaitUntil(*until),
            State::Waiting(_) => {
                self.attempts += 1;
                self.state = State::InFlight(now.mono);
            }
            State::InFlight(_) => {}
            State::Over(outcome) => {
                return Step::Done(outcome.take().expect("a fetch was polled after its end"));
            }
        }
        Step::Send(self.prepared().request(Attempt::plain(self.attempts, TIMEOUT)))
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        if !matches!(self.state, State::InFlight(_)) {
            return;
        }
        match reply {
            Reply::Response(response) => self.answered(now, response),
            Reply::Failed(failure) if failure.kind == FailureKind::Timeout && self.attempts < ATTEMPTS => {
                self.retry(now, Error::transport(failure));
            }
            // The name does not exist, or nothing answers at the address.
            Reply::Failed(mut failure) => {
                // What to do about an endpoint does not help here.
                let what = failure.message.split(": ").next().unwrap_or_default();
                failure.message = format!("no metadata service answers: {what}");
                self.nothing(now, &Error::transport(failure));
            }
        }
    }
}

/// The credential in a document of the metadata service; no error repeats what is in it.
fn lease(body: &[u8]) -> Result<Lease, Error> {
    let bad = |what: &str| Error::response(format!("the metadata service's answer {what}"), None, 200);
    let document: Value = input::json(body).map_err(|_| bad("is not JSON"))?;
    if let Some(code) = document.get("Code").and_then(Value::as_str).filter(|&code| code != "Success") {
        return Err(bad(&format!("says `{}`", code.escape_debug())));
    }
    Lease::read(Some(&document), &document, "the metadata service's answer", None)
}
