//! From a request to its answer, without a socket: the common layer of the API, in the order in which it refuses.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use cvm_proto::sign::verify::Incoming;
use serde::Serialize;
use serde_json::Value;

use crate::actions::{self, Action};
use crate::clock::{Clock, RunningClock};
use crate::fault::{Effect, Faults, RequestFaults};
use crate::ids::RequestId;
use crate::language::Language;
use crate::lock::lock;
use crate::regions;
use crate::request::auth;
use crate::request::call::{self, CommonParams, Product, Target};
use crate::request::params::{Parameter, Shown};
use crate::request::rate::{RateKey, Rates};
use crate::request::refusal::{Refusal, refuse};
use crate::request::skipped_checks::{Check, SkippedChecks};
use crate::request_log::{LoggedOutcome, LoggedRequest, RequestLog};
use crate::resources::Resources;
use crate::seed::{RegionState, Seed};
use crate::state::{Snapshot, State};
use crate::sts;

#[cfg(test)]
mod tests;

/// The largest answer, in bytes.
const MAX_ANSWER: usize = 10 << 20;

/// What most answers have room in, in bytes.
const USUAL_ANSWER: usize = 8 << 10;

/// The endpoint without its sockets.
#[derive(Debug)]
pub(crate) struct Service {
    state: Mutex<State>,
    pub(crate) running_clock: RunningClock,
    pub(crate) faults: Faults,
    pub(crate) request_log: RequestLog,
    rates: Rates,
    pub(crate) skipped_checks: SkippedChecks,
}

/// The answer to a request, and how it is sent.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The revision of the state that the answer reports.
    pub(crate) revision: u64,
    /// How long the answer is held back.
    pub(crate) latency: Duration,
    /// The answer; `None` closes the connection without one.
    pub(crate) answer: Option<Answer>,
}

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Empty for an answer without a body.
    pub(crate) content_type: Cow<'static, str>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(body: Vec<u8>) -> Self {
        Self { status: 200, content_type: Cow::Borrowed("application/json"), body }
    }

    fn refusal(refusal: &Refusal, language: Language, request_id: &str) -> Self {
        let error = Error { code: &refusal.code, message: &language.message(refusal) };
        let response = serde_json::json!({ "Response": { "Error": error, "RequestId": request_id } });
        Self::json(response.to_string().into_bytes())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
}

impl Service {
    pub(crate) fn new(state: State, clock: Clock, skipped_checks: SkippedChecks) -> Result<Self, String> {
        clock.check()?;
        Ok(Self {
            running_clock: RunningClock::new(clock),
            faults: Faults::new(state.number, state.resources.region_ids()),
            request_log: RequestLog::default(),
            rates: Rates::default(),
            skipped_checks,
            state: Mutex::new(state),
        })
    }

    /// Keys and resources. Whoever holds them keeps every request waiting.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Goes back to the seed: images, issued credentials, faults, request log, rates and ids. The clock is not affected.
    pub(crate) fn reset(&self) -> Result<(), String> {
        let seed = self.state().seed()?;
        self.reseed(&seed)
    }

    /// Starts again with another seed. The clock is not affected.
    pub(crate) fn reseed(&self, seed: &Seed) -> Result<(), String> {
        let new = State::new(seed)?;
        let mut state = self.state();
        state.replace(new);
        self.faults.reset(seed.number, state.resources.region_ids());
        self.request_log.clear();
        self.rates.clear();
        Ok(())
    }

    /// What there is at this moment.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, String> {
        self.revised_snapshot().map(|(snapshot, _)| snapshot)
    }

    /// The same with its revision.
    pub(crate) fn revised_snapshot(&self) -> Result<(Snapshot, u64), String> {
        let mut state = self.state();
        Ok((state.snapshot(self.running_clock.now())?, state.revision()))
    }

    /// Continues with what a snapshot holds, and from its image time.
    pub(crate) fn restore(&self, snapshot: &Snapshot) -> Result<(), String> {
        let new = State::restored(snapshot)?;
        let mut state = self.state();
        state.replace(new);
        self.faults.set_regions(state.resources.region_ids());
        self.running_clock.set_now(snapshot.time());
        self.rates.clear();
        Ok(())
    }

    /// Runs another clock, from the present image time.
    pub(crate) fn set_clock(&self, clock: Clock) -> Result<(), String> {
        clock.check()?;
        let mut state = self.state();
        self.running_clock.set(clock);
        state.touch();
        Ok(())
    }

    /// Sets image time.
    pub(crate) fn set_time(&self, time: crate::clock::Moment) {
        let mut state = self.state();
        self.running_clock.set_now(time);
        state.touch();
    }

    /// Moves image time forward.
    pub(crate) fn advance(&self, by: Duration) {
        let mut state = self.state();
        self.running_clock.advance(by);
        state.touch();
    }

    /// Answers a request that arrives now.
    pub(crate) fn serve(&self, incoming: &Incoming<'_>) -> Delivery {
        self.serve_at(incoming, Instant::now())
    }

    /// Answers a request. `arrived` is what its account's rate is counted by.
    fn serve_at(&self, incoming: &Incoming<'_>, arrived: Instant) -> Delivery {
        let mut state = self.state();
        let mut exchange = Exchange::new(self, state.next_request_id());
        let result = self.process(&mut state, incoming, &mut exchange, arrived);
        exchange.revision = state.revision();
        drop(state);
        exchange.finish(result)
    }

    /// The answer to a request whose work is done and could not be written down.
    pub(crate) fn unwritten(&self, why: &str) -> Answer {
        let id = self.state().next_request_id();
        let refusal =
            Refusal::new("InternalError", format!("The state cannot be written to its file: {why}."));
        Answer::refusal(&refusal, Language::default(), id.write(&mut [0; 36]))
    }

    /// Answers a request that is refused before anybody has looked at its content, with an HTTP status.
    pub(crate) fn refuse(&self, status: u16, refusal: Refusal, language: Language) -> Delivery {
        let id = self.state().next_request_id();
        let mut exchange = Exchange::new(self, id);
        exchange.language = language;
        let mut served = exchange.finish(Err(refusal));
        if let Some(answer) = &mut served.answer {
            answer.status = status;
        }
        served
    }

    fn process(
        &self,
        state: &mut State,
        incoming: &Incoming<'_>,
        exchange: &mut Exchange<'_>,
        arrived: Instant,
    ) -> Result<Vec<u8>, Refusal> {
        let claims = auth::claims(incoming);
        let common = CommonParams::of(incoming, claims.as_ref().ok());
        exchange.language = common.language(incoming);
        let target = Target::read(incoming, &common);
        exchange.name(&state.resources, &target);
        let product = Product::of(incoming, claims.as_ref().ok(), &target);
        let account = match &claims {
            Ok(claims) => {
                Some(state.keys.account(incoming, claims, self.running_clock.unix(), self.skipped_checks)?)
            }
            Err(_) if self.skipped_checks.has(Check::Signature) => Some(0),
            Err(_) if product == Ok(Product::Sts) && sts::is_open_to(incoming, target.action) => None,
            Err(refusal) => return Err(refusal.clone()),
        };
        target.check_action()?;
        let product = product?;
        if !self.skipped_checks.has(Check::Version) {
            target.check_version(product)?;
        }

        exchange.trouble = self.faults.for_request(target.action, target.region.unwrap_or_default());
        if let Some(Effect::Error { code, message }) = &exchange.trouble.effect {
            return Err(Refusal::new(code.clone(), message.clone()));
        }
        if matches!(exchange.trouble.effect, Some(Effect::DropBefore | Effect::Respond { .. })) {
            return Ok(Vec::new());
        }

        let checked = |table: &[Parameter]| -> Result<Value, Refusal> {
            call::parameters(incoming, &common, product, self.skipped_checks)?
                .without(self.skipped_checks)
                .checked(table)
        };
        let mut request_id = [0; 36];
        let request_id = exchange.id.write(&mut request_id);
        let body = match (product, account) {
            (Product::Cvm, Some(account)) => {
                let (position, action) = actions::find(target.action)?;
                exchange.action = Cow::Borrowed(action.name);
                let region = if action.needs_region {
                    Some(find_region(&state.resources, action, target.region)?)
                } else {
                    None
                };
                if let Some(region) = region {
                    exchange.region = Arc::clone(&state.resources.region(region).id);
                }
                let key = RateKey { product, account: Some(account), action: position, region };
                self.admit(key, action.name, action.rate, arrived)?;
                let parameters = checked(action.parameters)?;
                let mut body = Vec::with_capacity(USUAL_ANSWER);
                let mut call = actions::Call {
                    resources: &mut state.resources,
                    faults: &self.faults,
                    now: self.running_clock.now(),
                    account,
                    region: region.unwrap_or_default(),
                    request_id,
                    next_change: None,
                };
                action.perform(&mut call, parameters, &mut body)?;
                if let Some(change) = call.next_change
                    && self.running_clock.advance_to_seen(change)
                {
                    state.touch();
                }
                body
            }
            (product, account) => {
                let (position, action) = sts::find(target.action)?;
                exchange.action = Cow::Borrowed(action.name);
                self.admit(
                    RateKey { product, account, action: position, region: None },
                    action.name,
                    action.rate,
                    arrived,
                )?;
                let parameters = checked(action.parameters)?;
                if let Some(account) = account {
                    state.resources.account(account).check_policy(action.name, "UnauthorizedOperation")?;
                }
                let secret_id = claims.as_ref().map_or("", |claims| claims.secret_id.as_str());
                let mut call = sts::StsCall {
                    caller: account.map(|account| (account, state.keys.principal(secret_id))),
                    keys: &mut state.keys,
                    unix: self.running_clock.unix(),
                };
                let answer = (action.run)(&mut call, parameters)?;
                if answer.is_change() {
                    state.touch();
                }
                answer.write(request_id)
            }
        };
        exchange.accepted = true;
        if body.len() > MAX_ANSWER {
            return refuse(
                "ResponseSizeLimitExceeded",
                format!("The answer is larger than {} MiB: ask for less.", MAX_ANSWER >> 20),
            );
        }
        Ok(body)
    }

    fn admit(&self, key: RateKey, name: &str, rate: u32, arrived: Instant) -> Result<(), Refusal> {
        // Where time passes in leaps, a rate means nothing.
        let is_counted =
            !self.skipped_checks.has(Check::Rates) && !self.running_clock.clock().is_auto_advanced();
        if !is_counted || self.rates.admit(key, rate, arrived) {
            return Ok(());
        }
        refuse(
            "RequestLimitExceeded",
            format!("The request rate is above the limit of {rate} a second for `{name}`."),
        )
    }
}

/// The region that a request names, if the action is served there.
fn find_region(resources: &Resources, action: &Action, region: Option<&str>) -> Result<usize, Refusal> {
    let Some(name) = region else {
        return refuse("MissingParameter", "The request is missing the parameter `Region`.");
    };
    match resources.region_named(name) {
        Some(region) if resources.region(region).state == RegionState::Available => Ok(region),
        None if !regions::is_known(name) => {
            refuse("InvalidParameterValue", format!("The region `{}` does not exist.", Shown(name)))
        }
        _ => refuse("UnsupportedRegion", format!("The action `{}` is not served in `{name}`.", action.name)),
    }
}

/// One request on its way through, and what the log will say of it.
struct Exchange<'a> {
    service: &'a Service,
    id: RequestId,
    time: SystemTime,
    action: Cow<'static, str>,
    region: Arc<str>,
    language: Language,
    trouble: RequestFaults,
    accepted: bool,
    revision: u64,
}

impl<'a> Exchange<'a> {
    fn new(service: &'a Service, id: RequestId) -> Self {
        Self {
            service,
            id,
            time: SystemTime::now(),
            action: Cow::Borrowed(""),
            region: Arc::default(),
            language: Language::default(),
            trouble: RequestFaults::default(),
            accepted: false,
            revision: 0,
        }
    }

    /// Records action and region of the request. A name that the endpoint does not have is cut, as the log is bounded.
    fn name(&mut self, resources: &Resources, target: &Target<'_>) {
        match actions::find(target.action) {
            Ok((_, action)) => self.action = Cow::Borrowed(action.name),
            Err(_) => self.action = Cow::Owned(Shown(target.action).to_string()),
        }
        let region = target.region.unwrap_or_default();
        self.region = match resources.region_named(region) {
            Some(position) => Arc::clone(&resources.region(position).id),
            None => Shown(region).to_string().into(),
        };
    }

    fn finish(self, result: Result<Vec<u8>, Refusal>) -> Delivery {
        let RequestFaults { latency, effect } = self.trouble;
        let (outcome, answer) = match (effect, result) {
            (Some(Effect::DropBefore), _) | (Some(Effect::DropAfter), Ok(_)) => {
                (LoggedOutcome::Dropped, None)
            }
            (Some(Effect::Respond { status, content_type, body }), _) => (
                LoggedOutcome::Status(status),
                Some(Answer { status, content_type: content_type.into(), body }),
            ),
            (Some(Effect::Truncate), Ok(mut body)) => {
                body.truncate(body.len() / 2);
                (LoggedOutcome::Truncated, Some(Answer::json(body)))
            }
            (_, Ok(body)) => (LoggedOutcome::Done, Some(Answer::json(body))),
            (_, Err(refusal)) => {
                let answer = Answer::refusal(&refusal, self.language, self.id.write(&mut [0; 36]));
                (LoggedOutcome::Error(refusal.code), Some(answer))
            }
        };
        tracing::info!(
            action = &*self.action,
            region = &*self.region,
            request_id = %self.id,
            outcome = ?outcome,
            accepted = self.accepted,
            "request"
        );
        self.service.request_log.write(LoggedRequest {
            action: self.action,
            region: self.region,
            time: self.time,
            request_id: self.id,
            outcome,
            accepted: self.accepted,
        });
        Delivery { revision: self.revision, latency, answer }
    }
}
