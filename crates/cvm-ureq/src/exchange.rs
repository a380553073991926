//! One HTTP exchange, from the core's request to the core's reply.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use cvm_proto::machine::{Failure, FailureKind, Sent};
use cvm_proto::output::escaped;
use cvm_proto::{Config, Error, Method, Reply, Request, Response};
use tracing::{debug, trace};
use ureq::http::header::HeaderMap;
use ureq::http::{self, Uri};
use ureq::{Agent, AsSendBody, Body, Timeout};

use crate::Client;
use crate::connect::{Agents, NotConnected};
use crate::interrupt::Interrupt;

/// The URL of the endpoint that serves the config's region.
pub(crate) fn base_uri(config: &Config) -> Result<Uri, Error> {
    let origin = config.settings().endpoint.origin(config.region().unwrap_or_default());
    origin.url().parse().map_err(|error| Error::config(format!("endpoint `{}`: {error}", origin.url())))
}

impl Client {
    /// Performs one exchange, for drivers of their own; whatever comes of it is a reply. It decides nothing and is not
    /// repeated: see [`machine`](cvm_proto::machine).
    pub fn exchange(&self, request: Request) -> Reply {
        let (started, attempt) = (Instant::now(), request.attempt());
        debug!(
            action = request.action(),
            region = request.region(),
            attempt,
            bytes = request.body().len(),
            "request"
        );
        trace!(?request);
        let outcome = match Interrupt::of(&request, self.asked.as_ref()) {
            None => self.perform(request),
            Some(interrupt) => interrupt
                .check_cancel()
                .and_then(|()| interrupt.during(|| self.perform(request)))
                .map_err(|failure| interrupt.explain(failure)),
        };
        match outcome {
            Ok(response) => {
                let (status, bytes) = (response.status(), response.body().len());
                debug!(attempt, status, bytes, elapsed = ?started.elapsed(), "response");
                Reply::Response(response)
            }
            Err(failure) => {
                let (kind, sent) = (failure.kind, failure.sent);
                let message = escaped(&failure.message);
                debug!(attempt, ?kind, ?sent, elapsed = ?started.elapsed(), "no response: {message}");
                Reply::Failed(failure)
            }
        }
    }

    fn perform(&self, request: Request) -> Result<Response, Failure> {
        let (timeout, most) = (request.timeout(), request.max_response_bytes());
        let Agents { usual, direct } = &self.agents;
        let agent = direct.as_ref().filter(|_| request.bypasses_proxy()).unwrap_or(usual);
        let wrong = |_| Failure::not_sent(FailureKind::Connect, "the URL cannot be sent over HTTP");
        let too_large =
            || Failure::maybe_sent(FailureKind::TooLarge, format!("the answer is larger than {most} bytes"));
        // ureq writes those that it adds itself beside these.
        let headers = request.header_map(0)?;
        let uri = match request.url() {
            Cow::Borrowed(url) if self.uri == *url => self.uri.clone(),
            url => url.parse().map_err(wrong)?,
        };
        let answer = match request.method() {
            Method::Get => self.transfer(agent, http::Method::GET, uri, headers, (), timeout),
            Method::Post => {
                self.transfer(agent, http::Method::POST, uri, headers, request.into_body(), timeout)
            }
        };
        let failed = |error| {
            if matches!(error, ureq::Error::BodyExceedsLimit(_)) {
                too_large()
            } else {
                failure(error, timeout)
            }
        };
        let mut answer = answer.map_err(failed)?;
        if answer.body().content_length().is_some_and(|announced| announced > most as u64) {
            return Err(too_large());
        }
        let body = answer.body_mut().with_config().limit(most as u64).read_to_vec().map_err(failed)?;
        let response = Response::new(answer.status().as_u16(), body);
        let headers = Response::headers_of_use(response.status()).iter();
        let given = headers.filter_map(|name| Some((*name, answer.headers().get(*name)?.to_str().ok()?)));
        Ok(given.fold(response, |response, (name, value)| response.header(name, value)))
    }

    fn transfer(
        &self,
        agent: &Agent,
        method: http::Method,
        uri: Uri,
        headers: HeaderMap,
        body: impl AsSendBody,
        timeout: Duration,
    ) -> Result<http::Response<Body>, ureq::Error> {
        let mut wire = http::Request::new(body);
        *wire.method_mut() = method;
        *wire.uri_mut() = uri;
        *wire.headers_mut() = headers;
        // The agent has the usual settings already; its own cost a request a copy of them.
        if timeout != self.config.settings().attempt_timeout {
            wire = agent.configure_request(wire).timeout_global(Some(timeout)).build();
        }
        agent.run(wire)
    }
}

fn failure(error: ureq::Error, timeout: Duration) -> Failure {
    let (error, sent) = match error {
        ureq::Error::Other(inner) => match inner.downcast::<NotConnected>() {
            Ok(inner) => (inner.0, Sent::No),
            Err(inner) => (ureq::Error::Other(inner), Sent::Maybe),
        },
        error => (error, Sent::Maybe),
    };
    let (kind, message) = match (error, sent) {
        (ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve), _) => {
            (FailureKind::Connect, "no connection in time".into())
        }
        (ureq::Error::Timeout(_), _) => (FailureKind::Timeout, format!("no whole answer within {timeout:?}")),
        (ureq::Error::Io(error), Sent::No) => (FailureKind::Connect, error.to_string()),
        (ureq::Error::Io(error), Sent::Maybe) => (FailureKind::Interrupted, error.to_string()),
        (error, Sent::No) => (FailureKind::Connect, error.to_string()),
        (error, Sent::Maybe) => (FailureKind::Interrupted, error.to_string()),
    };
    Failure { sent, kind, message }
}
