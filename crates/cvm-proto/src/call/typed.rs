//! One action as a machine: attempts, pauses, rate limit, clock skew and deadlines, then the typed answer.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::convert::Infallible;
use core::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::action::{Action, ActionInfo};
use super::attempts::{AttemptStep, Attempts, CallPolicy};
use crate::client::{Config, Prepared, Product, Random};
use crate::codec::envelope;
use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};
use crate::wire::{Notation, only_reads};

/// A call of an action: a [`Machine`] that ends with the action's answer.
///
/// ```text
///              ┌── WaitUntil: a pause, or a place in the rate limit ◀──┐
///              ▼                                                       │ may be sent again
///    poll ──▶ Send: the signed request ──▶ reply ──▶ judged ───────────┤
///      ▲                                                               │ else
///      └── Send: first what fetches a credential, if none is good      ▼
///                                                          Done: the answer, or an Error
/// ```
///
/// - A request is sent again after a failure that may pass (no connection, a throttled or internal error, an answer that
///   cannot be read), as [`RetryPolicy`](crate::RetryPolicy) says. One that may have arrived is sent again only if the
///   action is [safe to repeat](Action::safe_to_repeat).
/// - Two answers cost no attempt, once in a call each: a refused time stamp, after which the clock is corrected, and a
///   refused credential, if its provider has another one.
/// - The call ends within [`Settings::call_timeout`](crate::Settings::call_timeout), counted from its first `poll`, with
///   all its attempts, pauses and fetches of a credential.
/// - Polled while the request is out, it gives the same bytes again.
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::api::DescribeImages;
/// use cvm_proto::machine::{Failure, FailureKind};
/// use cvm_proto::{Call, Config, Credential, Machine, Now, Reply, Response, Settings, Step};
///
/// let mut settings = Settings::default();
/// settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key")?);
/// settings.region = Some("ap-shanghai".into());
/// let config = Config::new(settings)?;
///
/// let mut call = Call::new(&config, DescribeImages::default().limit(1), 42);
/// let start = Now::new(1_551_113_065, Duration::ZERO);
///
/// // The first attempt gets no connection.
/// let Step::Send(request) = call.poll(start) else { panic!("a call begins with a request") };
/// assert_eq!((request.attempt(), request.body()), (1, br#"{"Limit":1}"#.as_slice()));
/// call.reply(start, Reply::Failed(Failure::not_sent(FailureKind::Connect, "connection refused")));
///
/// // The call says how long to wait; nobody waits here, time is a parameter.
/// let Step::WaitUntil(mono) = call.poll(start) else { panic!("a pause comes before the next attempt") };
/// let later = Now::new(start.unix, mono);
///
/// // The second attempt is answered.
/// let Step::Send(request) = call.poll(later) else { panic!("the pause is over") };
/// assert_eq!(request.attempt(), 2);
/// let body = br#"{"Response":{"ImageSet":[{"ImageId":"img-o3ycss2p"}],"TotalCount":1,"RequestId":"r-1"}}"#;
/// call.reply(later, Reply::Response(Response::new(200, body.to_vec())));
///
/// let Step::Done(Ok(images)) = call.poll(later) else { panic!("the answer ends the call") };
/// assert_eq!(images.image_set[0].image_id, "img-o3ycss2p");
/// # Ok::<(), cvm_proto::Error>(())
/// ```
pub struct Call<A: Action>(TypedCall<A::Response>);

impl<A: Action> Call<A> {
    /// A call with the settings of `config`. `seed` feeds jitter and nonces: any number, a different one for each call.
    ///
    /// What is wrong with the parameters is found here; the first [`poll`](Machine::poll) then ends with it.
    pub fn new(config: &Config, action: A, seed: u64) -> Self {
        Self(begin(config, action, seed))
    }
}

/// A call of an action, whatever its answer is read into.
pub(crate) fn begin<A: Action, T: DecodeAnswer>(config: &Config, mut action: A, seed: u64) -> TypedCall<T> {
    if let Some(token @ None) = action.client_token() {
        *token = Some(Random::new(!seed).token());
    }
    let rules = CallPolicy {
        rate_limit: A::RATE_LIMIT,
        safe_to_repeat: action.safe_to_repeat(),
        ..CallPolicy::default()
    };
    let product = const { Product::known(A::SERVICE, A::VERSION) };
    let prepared = action
        .check()
        .map_err(|error| error.with_call(A::NAME, config.region(), 0))
        .and_then(|()| prepare(&config.of(product)?, Cow::Borrowed(A::NAME), A::NEEDS_REGION, &action));
    TypedCall::new(prepared, rules, seed)
}

impl<A: Action> Machine for Call<A> {
    type Output = Result<A::Response, Error>;
    type Progress = Infallible;

    fn name(&self) -> &str {
        A::NAME
    }

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        self.0.poll(now)
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.0.reply(now, reply);
    }
}

impl<A: Action> fmt::Debug for Call<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("action", &A::NAME).finish_non_exhaustive()
    }
}

/// A call of any action by its name, with parameters and answer as JSON: for actions that this build does not know.
///
/// It ends with the object inside `Response`. Encoding, signature, errors and retries are those of [`Call`]. An action
/// counts as safe to repeat if it [only reads](crate::only_reads), or if its parameters hold a `ClientToken` or, of this
/// product, `DryRun: true`. It goes to the product of its [`Config`]: see [`Config::service`].
pub struct AnyCall {
    name: String,
    call: TypedCall<Value>,
}

impl AnyCall {
    /// A call of the action `name`. `parameters` is a JSON object, or `null` for none.
    pub fn new(config: &Config, name: &str, parameters: &Value, seed: u64) -> Self {
        let known = known(config, name);
        let has_token =
            parameters.get("ClientToken").and_then(Value::as_str).is_some_and(|token| !token.is_empty());
        let is_dry_run = parameters.get("DryRun") == Some(&Value::Bool(true));
        let rules = policy_by_name(config, name, known.as_ref(), has_token, is_dry_run);
        let needs_region = known.is_some_and(|action| action.needs_region);
        let none = Value::Object(serde_json::Map::new());
        let parameters = if parameters.is_null() { &none } else { parameters };
        let prepared = check_name(name)
            .and_then(|()| prepare(config, Cow::Owned(name.into()), needs_region, parameters));
        Self { name: name.into(), call: TypedCall::new(prepared, rules, seed) }
    }
}

impl Machine for AnyCall {
    type Output = Result<Value, Error>;
    type Progress = Infallible;

    fn name(&self) -> &str {
        &self.name
    }

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        self.call.poll(now)
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.call.reply(now, reply);
    }
}

impl fmt::Debug for AnyCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyCall").field("action", &self.name).finish_non_exhaustive()
    }
}

/// What this build knows of an action by its name: it knows those of its own product.
pub(crate) fn known(config: &Config, name: &str) -> Option<ActionInfo> {
    config.product().is_own().then(|| ActionInfo::find(name)).flatten()
}

/// How an action may be treated that is called by its name. Nobody knows what a dry run is to other products.
pub(crate) fn policy_by_name(
    config: &Config,
    name: &str,
    known: Option<&ActionInfo>,
    has_token: bool,
    is_dry_run: bool,
) -> CallPolicy {
    CallPolicy {
        rate_limit: known.and_then(|action| action.rate_limit),
        safe_to_repeat: only_reads(name) || has_token || (is_dry_run && config.product().is_own()),
        ..CallPolicy::default()
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Error::parameter(format!(
            "action `{}` is not an action's name: it has letters and digits only, as `DescribeImages`",
            name.escape_debug()
        )));
    }
    Ok(())
}

/// Prepares a call whose parameters are a text. Only JSON bodies can take it as it is.
pub(crate) fn prepare_text(
    config: &Config,
    name: &str,
    needs_region: bool,
    parameters: &RawValue,
) -> Result<Prepared, Error> {
    check_name(name)?;
    let name = Cow::Owned(name.into());
    if config.common().notation == Notation::Json {
        return prepare(config, name, needs_region, parameters);
    }
    let value: Value = serde_json::from_str(parameters.get()).map_err(|error| {
        Error::parameter(format!("the parameters cannot be read: {error}")).with_source(error)
    })?;
    prepare(config, name, needs_region, &value)
}

pub(crate) fn prepare<T: Serialize + ?Sized>(
    config: &Config,
    action: Cow<'static, str>,
    needs_region: bool,
    parameters: &T,
) -> Result<Prepared, Error> {
    if needs_region && config.region().is_none() {
        let why = "no region: set one on the client, or in the environment variable TENCENTCLOUD_REGION";
        return Err(config.in_call(Error::config(why), &action, 0));
    }
    Prepared::new(config, action.clone(), config.product().version().clone(), parameters)
        .map_err(|error| config.in_call(error, &action, 0))
}

/// The [`Attempts`] and the type of its answer: all of a call that is compiled once for each action.
pub(crate) enum TypedCall<T> {
    Running(Attempts),
    Over(Option<Result<T, Error>>),
}

/// Read from the body of an answer without an error; only one of status 200 gets here.
pub(crate) trait DecodeAnswer: Sized {
    fn decode(body: String) -> Result<Self, Error>;
}

impl<T: DeserializeOwned> DecodeAnswer for T {
    fn decode(body: String) -> Result<Self, Error> {
        envelope::decode_success(200, &body)
    }
}

impl<T: DecodeAnswer> TypedCall<T> {
    pub(crate) fn new(prepared: Result<Prepared, Error>, rules: CallPolicy, seed: u64) -> Self {
        match prepared {
            Ok(prepared) => Self::Running(Attempts::new(prepared, rules, seed)),
            Err(error) => Self::Over(Some(Err(error))),
        }
    }

    pub(crate) fn poll(&mut self, now: Now) -> Step<Result<T, Error>> {
        match self {
            Self::Running(attempts) => match attempts.poll(now) {
                AttemptStep::Send(request) => Step::Send(request),
                AttemptStep::WaitUntil(mono) => Step::WaitUntil(mono),
                AttemptStep::Fail(error) => {
                    *self = Self::Over(None);
                    Step::Done(Err(error))
                }
            },
            Self::Over(outcome) => Step::Done(outcome.take().expect("a call was polled after its end")),
        }
    }

    pub(crate) fn reply(&mut self, now: Now, reply: Reply) {
        let Self::Running(attempts) = self else { return };
        let outcome = match attempts.reply(now, reply) {
            None => return,
            Some(Err(error)) => Err(error),
            Some(Ok(text)) => match T::decode(text) {
                Ok(answer) => {
                    attempts.accepted(now);
                    Ok(answer)
                }
                Err(error) => match attempts.unreadable(now, error) {
                    None => return,
                    Some(error) => Err(error),
                },
            },
        };
        *self = Self::Over(Some(outcome));
    }
}
