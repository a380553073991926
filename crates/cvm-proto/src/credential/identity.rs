//! The identity of a caller, by the action `GetCallerIdentity` of the service sts.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::{String, ToString};
use core::convert::Infallible;
use core::fmt;
use core::time::Duration;

use serde_json::Value;

use super::sts;
use crate::call::{CallPolicy, TypedCall, prepare};
use crate::client::{Config, Job, Settings};
use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};

const ACTION: &str = "GetCallerIdentity";

/// The time limit for the whole question.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);
/// How often the request is sent at most.
const ATTEMPTS: u32 = 2;
const MAX_RESPONSE_BYTES: usize = 64 << 10;

/// The account and the user or role that a credential belongs to, as the service sts says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerIdentity {
    /// The number (UIN) of the account: of a user or a role, the one that it belongs to. Never empty.
    pub account_id: String,
    /// The caller's name in policies, such as `qcs::cam:100000000001:uin/100000000002` or
    /// `qcs::sts:100000000001:assumed-role/4611686018427387905`. Empty if the service does not say.
    pub arn: String,
    /// The number of the account or user whose key it is, or a role's `ROLE_ID:SESSION`. Empty if the service does not
    /// say.
    pub user_id: String,
    /// What the caller is: `CAMUser`, `CAMRole`, and others that the service does not document. Empty if the service
    /// does not say.
    pub kind: String,
}

/// Asks the service sts for the [identity](CallerIdentity) of the client's credential; a client runs it as any other job.
///
/// The request is signed as all of the client's are. It goes to [`Settings::sts_endpoint`], if that is set; or else to
/// the client's endpoint, if that is one explicit address; and only without either to the public host of sts.
///
/// Everything together takes at most 5 s, a credential that is fetched first included. The client's other calls do not
/// suffer for it: it takes no place in a rate limit, and a credential that is refused here stays in use.
///
/// # Errors
///
/// Those of a call. Most programs can do without the answer: a key may not be allowed to ask, and a private endpoint
/// may not have the service.
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::{Config, Credential, Job, Machine, Now, Reply, Response, Settings, Step, WhoAmI};
///
/// let mut settings = Settings::default();
/// settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key")?);
/// let config = Config::new(settings)?;
///
/// let mut asking = WhoAmI.start(&config, 42);
/// let now = Now::new(1_551_113_065, Duration::ZERO);
/// let Step::Send(request) = asking.poll(now) else { panic!("it begins with a request") };
/// assert_eq!((request.action(), &*request.url()), ("GetCallerIdentity", "https://sts.tencentcloudapi.com/"));
///
/// let body = r#"{"Response":{"AccountId":"100000000001","Type":"CAMUser","RequestId":"r-1"}}"#;
/// asking.reply(now, Reply::Response(Response::new(200, body.into())));
/// let Step::Done(outcome) = asking.poll(now) else { panic!("an answer ends it") };
/// assert_eq!(outcome?.account_id, "100000000001");
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WhoAmI;

impl Job for WhoAmI {
    type Machine = IdentityCall;

    fn name(&self) -> &str {
        ACTION
    }

    fn start(self, config: &Config, seed: u64) -> IdentityCall {
        IdentityCall::new(config, seed)
    }
}

/// The machine of [`WhoAmI`].
pub struct IdentityCall {
    region: String,
    call: TypedCall<Value>,
}

impl IdentityCall {
    /// Asks for the client of `config`. `seed` feeds jitter and nonces.
    pub fn new(config: &Config, seed: u64) -> Self {
        let region = config.region().unwrap_or(sts::DEFAULT_REGION).to_owned();
        let prepared = config
            .for_product(settings(config, &region), sts::PRODUCT)
            .and_then(|config| prepare(&config, Cow::Borrowed(ACTION), true, &serde_json::Map::new()));
        let rules = CallPolicy { rate_limit: None, safe_to_repeat: true, keeps_credential: true };
        Self { region, call: TypedCall::new(prepared, rules, seed) }
    }
}

/// The settings of a client, with the narrower limits of this question.
fn settings(config: &Config, region: &str) -> Settings {
    let client = config.settings();
    Settings {
        region: Some(region.to_owned()),
        endpoint: client.sts_endpoint.as_ref().unwrap_or(&client.endpoint).clone(),
        // The backup endpoint serves cvm; whether it serves sts is not known.
        failover: None,
        // The client's own may be one that this service does not take.
        notation: None,
        rate_limit: false,
        retry: client.retry.clone().attempts(client.retry.attempts.min(ATTEMPTS)),
        attempt_timeout: client.attempt_timeout.min(GIVE_UP_AFTER),
        call_timeout: client.call_timeout.min(GIVE_UP_AFTER),
        max_response_bytes: client.max_response_bytes.min(MAX_RESPONSE_BYTES),
        ..client.clone()
    }
}

impl Machine for IdentityCall {
    type Output = Result<CallerIdentity, Error>;
    type Progress = Infallible;

    fn name(&self) -> &str {
        ACTION
    }

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        match self.call.poll(now) {
            Step::Send(request) => Step::Send(request),
            Step::WaitUntil(mono) => Step::WaitUntil(mono),
            Step::Progress(never) => match never {},
            Step::Done(answer) => {
                let identity = answer.and_then(|answer| {
                    read(&answer).map_err(|error| {
                        error.with_call(ACTION, Some(&self.region), 1).with_service(sts::PRODUCT.name())
                    })
                });
                Step::Done(identity)
            }
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.call.reply(now, reply);
    }
}

impl fmt::Debug for IdentityCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityCall").field("region", &self.region).finish_non_exhaustive()
    }
}

/// The identity in an answer. Account numbers are texts there; a number is taken as well.
fn read(answer: &Value) -> Result<CallerIdentity, Error> {
    let text = |name| match answer.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let account_id = text("AccountId");
    if account_id.is_empty() {
        let request_id = answer.get("RequestId").and_then(Value::as_str).map(Into::into);
        return Err(Error::response("the answer has no `AccountId`".into(), request_id, 200));
    }
    Ok(CallerIdentity { account_id, arn: text("Arn"), user_id: text("UserId"), kind: text("Type") })
}
