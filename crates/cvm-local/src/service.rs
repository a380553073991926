//! From a request to its answer, without a socket: the common layer of the API, in the order in which it refuses.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use cvm_proto::sign::verify::Incoming;
use serde::Serialize;

use crate::actions::{self, Action};
use crate::auth::{self, Keys};
use crate::call::{self, Target};
use crate::clock::{Clock, Ticker};
use crate::fault::{Effect, Faults, Trouble};
use crate::ids::{RequestId, Stream};
use crate::journal::{Ending, Entry, Journal};
use crate::params::Shown;
use crate::rate::{Group, Rates};
use crate::refusal::{Refusal, refuse};
use crate::regions;
use crate::seed::{RegionState, Seed};
use crate::state::State;
use crate::sync::lock;

/// The endpoint without its sockets.
#[derive(Debug)]
pub(crate) struct Service {
    keys: Keys,
    pub(crate) ticker: Ticker,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    rates: Option<Rates>,
    seed_number: u64,
    initial: State,
    pub(crate) state: Mutex<State>,
    request_ids: Mutex<Stream>,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) struct Served {
    /// How long the answer is held back.
    pub(crate) latency: Duration,
    /// The answer; `None` closes the connection without one.
    pub(crate) answer: Option<Answer>,
}

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Cow<'static, str>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn json(body: Vec<u8>) -> Self {
        Self { status: 200, content_type: Cow::Borrowed("application/json"), body }
    }

    fn refusal(refusal: &Refusal, request_id: &str) -> Self {
        let response = serde_json::json!({
            "Response": { "Error": Error { code: &refusal.code, message: &refusal.message }, "RequestId": request_id },
        });
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
    pub(crate) fn new(seed: &Seed, clock: Clock, rate_limits: bool) -> Result<Self, String> {
        clock.check()?;
        let state = State::new(seed)?;
        Ok(Self {
            keys: Keys::new(seed)?,
            ticker: Ticker::new(clock),
            faults: Faults::new(seed.number),
            journal: Journal::default(),
            rates: rate_limits.then(Rates::default),
            seed_number: seed.number,
            initial: state.clone(),
            state: Mutex::new(state),
            request_ids: Mutex::new(request_ids(seed.number)),
        })
    }

    /// Goes back to the seed: images, faults, log, counted requests and ids. The clock goes on.
    pub(crate) fn reset(&self) {
        *lock(&self.state) = self.initial.clone();
        *lock(&self.request_ids) = request_ids(self.seed_number);
        self.faults.reset(self.seed_number);
        self.journal.clear();
        if let Some(rates) = &self.rates {
            rates.clear();
        }
    }

    /// Answers a request.
    pub(crate) fn serve(&self, incoming: &Incoming<'_>) -> Served {
        let mut exchange = Exchange::new(self);
        let result = self.process(incoming, &mut exchange);
        exchange.finish(result)
    }

    /// Answers a request that is refused before anybody has looked at its content, with an HTTP status.
    pub(crate) fn refuse(&self, status: u16, refusal: Refusal) -> Served {
        let mut served = Exchange::new(self).finish(Err(refusal));
        if let Some(answer) = &mut served.answer {
            answer.status = status;
        }
        served
    }

    fn process(&self, incoming: &Incoming<'_>, exchange: &mut Exchange<'_>) -> Result<Vec<u8>, Refusal> {
        let claims = auth::claims(incoming)?;
        let target = Target::read(incoming, &claims);
        exchange.name(&target);
        let account = self.keys.account(incoming, &claims, self.ticker.unix())?;
        target.check()?;

        let region = target.region.as_deref();
        exchange.trouble = self.faults.for_request(&target.action, region.unwrap_or_default());
        if let Some(Effect::Error { code, message }) = &exchange.trouble.effect {
            return Err(Refusal::new(code.clone(), message.clone()));
        }
        if matches!(exchange.trouble.effect, Some(Effect::DropBefore | Effect::Respond { .. })) {
            return Ok(Vec::new());
        }

        let (position, action) = actions::find(&target.action)?;
        exchange.action = Cow::Borrowed(action.name);
        let mut state = lock(&self.state);
        let region = if action.needs_region { Some(find_region(&state, action, region)?) } else { None };
        if let Some(region) = region {
            exchange.region = Arc::clone(&state.region(region).id);
        }
        self.admit(Group { account, action: position, region }, action)?;
        let parameters = call::parameters(incoming, &claims)?.checked(action.parameters)?;
        let mut body = Vec::with_capacity(1024);
        let mut request_id = [0; 36];
        let mut call = actions::Call {
            state: &mut state,
            faults: &self.faults,
            now: self.ticker.now(),
            account,
            region: region.unwrap_or_default(),
            request_id: exchange.id.write(&mut request_id),
        };
        action.perform(&mut call, parameters, &mut body)?;
        exchange.accepted = true;
        Ok(body)
    }

    fn admit(&self, group: Group, action: &Action) -> Result<(), Refusal> {
        let Some(rates) = &self.rates else { return Ok(()) };
        if rates.admit(group, action.rate, Instant::now()) {
            return Ok(());
        }
        refuse(
            "RequestLimitExceeded",
            format!("The request rate is above the limit of {} a second for `{}`.", action.rate, action.name),
        )
    }
}

fn request_ids(seed: u64) -> Stream {
    Stream::new(seed, 2)
}

/// The region that a request names, if the action is served there.
fn find_region(state: &State, action: &Action, region: Option<&str>) -> Result<usize, Refusal> {
    let Some(name) = region else {
        return refuse("MissingParameter", "The request is missing the parameter `Region`.");
    };
    match state.region_named(name) {
        Some(region) if state.region(region).state == RegionState::Available => Ok(region),
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
    trouble: Trouble,
    accepted: bool,
}

impl<'a> Exchange<'a> {
    fn new(service: &'a Service) -> Self {
        Self {
            service,
            id: lock(&service.request_ids).request(),
            time: SystemTime::now(),
            action: Cow::Borrowed(""),
            region: Arc::default(),
            trouble: Trouble::default(),
            accepted: false,
        }
    }

    /// Takes down what the request calls itself. A name that is none of the endpoint's is cut, as the log is bounded.
    fn name(&mut self, target: &Target<'_>) {
        match actions::find(&target.action) {
            Ok((_, action)) => self.action = Cow::Borrowed(action.name),
            Err(_) => self.action = Cow::Owned(Shown(&target.action).to_string()),
        }
        let region = target.region.as_deref().unwrap_or_default();
        let state = lock(&self.service.state);
        self.region = match state.region_named(region) {
            Some(position) => Arc::clone(&state.region(position).id),
            None => Shown(region).to_string().into(),
        };
    }

    fn finish(self, result: Result<Vec<u8>, Refusal>) -> Served {
        let Trouble { latency, effect } = self.trouble;
        let (ending, answer) = match (effect, result) {
            (Some(Effect::DropBefore), _) | (Some(Effect::DropAfter), Ok(_)) => (Ending::Dropped, None),
            (Some(Effect::Respond { status, content_type, body }), _) => {
                (Ending::Status(status), Some(Answer { status, content_type: content_type.into(), body }))
            }
            (Some(Effect::Truncate), Ok(mut body)) => {
                body.truncate(body.len() / 2);
                (Ending::Truncated, Some(Answer::json(body)))
            }
            (_, Ok(body)) => (Ending::Done, Some(Answer::json(body))),
            (_, Err(refusal)) => {
                let answer = Answer::refusal(&refusal, self.id.write(&mut [0; 36]));
                (Ending::Error(refusal.code), Some(answer))
            }
        };
        tracing::debug!(
            action = &*self.action,
            region = &*self.region,
            request_id = %self.id,
            outcome = ?ending,
            accepted = self.accepted,
            "request"
        );
        self.service.journal.write(Entry {
            action: self.action,
            region: self.region,
            time: self.time,
            request_id: self.id,
            outcome: ending,
            accepted: self.accepted,
        });
        Served { latency, answer }
    }
}
