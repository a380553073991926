//! Requests to the service sts, version 2018-08-13, and its answers.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::convert::Infallible;

use serde::Serialize;
use serde_json::Value;

use crate::call::{CallPolicy, TypedCall, prepare};
use crate::client::{Config, Endpoint, Product, Settings};
use crate::error::{Error, ErrorKind};
use crate::machine::{Machine, Now, Reply, Step};
use crate::signer::{Fetch, FetchContext, Found, Lease};

pub(super) const VERSION: &str = "2018-08-13";
pub(super) const PRODUCT: Product = Product::known("sts", VERSION);

/// How long a credential lasts by default, in seconds.
pub(super) const DEFAULT_DURATION_SECONDS: u32 = 7200;

/// The region of requests to sts by default; the answer does not depend on it.
pub(super) const DEFAULT_REGION: &str = "ap-guangzhou";

/// The settings of a client of sts.
pub(super) fn settings(endpoint: &Endpoint, region: &str) -> Settings {
    Settings {
        region: Some(region.into()),
        endpoint: endpoint.clone(),
        rate_limit: false,
        ..Settings::default()
    }
}

/// What is asked for. Both actions share it, and with it the code that encodes it: each leaves out what only the other
/// has.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provider_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) web_identity_token: Option<&'a str>,
    pub(super) role_arn: &'a str,
    pub(super) role_session_name: &'a str,
    pub(super) duration_seconds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_code: Option<&'a str>,
}

/// Asks for a credential; with settings that have none, the request is not signed.
pub(super) fn fetch(
    mut settings: Settings,
    action: &'static str,
    request: Request<'_>,
    context: &FetchContext,
) -> Fetch {
    let region = settings.region.clone();
    settings.on_attempt.clone_from(&context.on_attempt);
    let prepared = Config::of_product(settings, PRODUCT)
        .and_then(|config| prepare(&config, Cow::Borrowed(action), true, &request));
    // Both actions give out one more credential each time, and undo nothing; but a code counts once, and is refused where
    // the first request has arrived.
    let rules = CallPolicy { safe_to_repeat: request.token_code.is_none(), ..CallPolicy::default() };
    Box::new(Issue { action, region, call: TypedCall::new(prepared, rules, context.seed) })
}

struct Issue {
    action: &'static str,
    region: Option<String>,
    call: TypedCall<Value>,
}

impl Machine for Issue {
    type Output = Result<Found, Error>;
    type Progress = Infallible;

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        match self.call.poll(now) {
            Step::Send(request) => Step::Send(request),
            Step::WaitUntil(mono) => Step::WaitUntil(mono),
            Step::Progress(never) => match never {},
            Step::Done(answer) => {
                let found =
                    answer.map_err(without_answer).and_then(|answer| lease(&answer).map(Found::Lease));
                let found = found.map_err(|error| {
                    error.with_call(self.action, self.region.as_deref(), 1).with_service(PRODUCT.name())
                });
                Step::Done(found)
            }
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.call.reply(now, reply);
    }
}

/// Takes the beginning of the answer out of an error: it may hold a secret.
fn without_answer(error: Error) -> Error {
    match (error.kind(), error.status()) {
        (ErrorKind::Response, Some(status)) => {
            Error::response("the answer is not one of sts".into(), error.request_id().map(Into::into), status)
        }
        _ => error,
    }
}

/// The credential in an answer; no error repeats what is in it.
fn lease(answer: &Value) -> Result<Lease, Error> {
    let request_id = answer.get("RequestId").and_then(Value::as_str);
    Lease::read(answer.get("Credentials"), answer, "the answer", request_id)
}
