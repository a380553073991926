//! One HTTP exchange, from the core's request to the core's reply.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use cvm_proto::machine::{Cause, Failure, Fault};
use cvm_proto::output::escaped;
use cvm_proto::{Config, Error, Method, Reply, Request, Response};
use tracing::{debug, trace};
use ureq::http::header::HeaderMap;
use ureq::http::{self, Uri};
use ureq::{Agent, AsSendBody, Body};

use crate::Client;
use crate::connect::{Agents, is_asked_itself};
use crate::fault::{cut_off, no_answer};
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
            None => self.perform(&request),
            Some(interrupt) => interrupt
                .check_cancel()
                .and_then(|()| interrupt.during(|| self.perform(&request)))
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

    fn perform(&self, request: &Request) -> Result<Response, Failure> {
        let (timeout, most) = (request.timeout(), request.max_response_bytes());
        let Agents { usual, direct, proxy } = &self.agents;
        let agent = direct.as_ref().filter(|_| request.bypasses_proxy()).unwrap_or(usual);
        let proxy = proxy.as_deref().filter(|_| !request.bypasses_proxy());
        let failure = |fault: Fault<'_>| request.failure(fault.through(proxy));
        // ureq writes those that it adds itself beside these.
        let headers = request.header_map(0)?;
        let uri = match request.url() {
            Cow::Borrowed(url) if self.uri == *url => self.uri.clone(),
            url => url.parse().map_err(|_| failure(Fault::not_sent(Cause::Unsendable("URL"))))?,
        };
        let at_proxy = proxy.is_some_and(|proxy| is_asked_itself(proxy, &uri));
        let answer = match request.method() {
            Method::Get => self.transfer(agent, http::Method::GET, uri, headers, (), timeout),
            Method::Post => self.transfer(agent, http::Method::POST, uri, headers, request.body(), timeout),
        };
        let mut answer = answer.map_err(|error| failure(no_answer(error, at_proxy)))?;
        if answer.body().content_length().is_some_and(|announced| announced > most as u64) {
            return Err(failure(Fault::maybe_sent(Cause::TooLarge)));
        }
        let body = answer.body_mut().with_config().limit(most as u64).read_to_vec();
        let body = body.map_err(|error| failure(cut_off(&error)))?;
        let response = Response::new(answer.status().as_u16(), body).through(proxy);
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
