//! Exchanges over connections of ureq.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use cvm_proto::machine::{Cause, Failure, Fault};
use cvm_proto::{Config, Error, Method, ProxyAddress, Request, Response};
use ureq::http::Uri;
use ureq::http::header::HeaderMap;
use ureq::{Agent, AsSendBody, Body, http};

use crate::connect::{agent, is_asked_itself};
use crate::fault::{cut_off, no_answer};

/// The connections of a client, and what each exchange of one region needs.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    usual: Agent,
    /// For what goes past the proxy, if there is a proxy and anything can.
    direct: Option<Agent>,
    proxy: Option<Arc<ProxyAddress>>,
    /// The timeout that the agents have set; none of an agent of the user's is gone by.
    set_timeout: Option<Duration>,
    /// The parsed URL of the region's endpoint: every exchange needs it.
    uri: Uri,
}

impl Http {
    /// The connections that the settings ask for.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let settings = config.settings();
        let proxy = settings.proxy_address()?.map(Arc::new);
        let goes_past = settings.provider.is_some() || !settings.no_proxy.is_empty();
        let direct = (proxy.is_some() && goes_past).then(|| agent(settings, None)).transpose()?;
        let usual = agent(settings, proxy.as_ref())?;
        Ok(Self { usual, direct, proxy, set_timeout: Some(settings.attempt_timeout), uri: base_uri(config)? })
    }

    /// Connections of the user's.
    pub(crate) fn over(agent: Agent, config: &Config) -> Result<Self, Error> {
        Ok(Self { usual: agent, direct: None, proxy: None, set_timeout: None, uri: base_uri(config)? })
    }

    /// The same for the region of a config.
    pub(crate) fn at(&self, config: &Config) -> Result<Self, Error> {
        Ok(Self { uri: base_uri(config)?, ..self.clone() })
    }

    pub(crate) fn perform(&self, request: &Request) -> Result<Response, Failure> {
        let (timeout, most) = (request.timeout(), request.max_response_bytes());
        let agent = self.direct.as_ref().filter(|_| request.bypasses_proxy()).unwrap_or(&self.usual);
        let proxy = self.proxy.as_deref().filter(|_| !request.bypasses_proxy());
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
        Ok(Response::new(answer.status().as_u16(), body).header_map(answer.headers()).through(proxy))
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
        if self.set_timeout != Some(timeout) {
            let own = agent.configure_request(wire).timeout_global(Some(timeout));
            // As an agent of the user's may have it otherwise.
            wire = own.http_status_as_error(false).max_redirects(0).max_redirects_will_error(false).build();
        }
        agent.run(wire)
    }
}

/// The URL of the endpoint that serves the config's region.
fn base_uri(config: &Config) -> Result<Uri, Error> {
    let origin = config.origin();
    origin.url().parse().map_err(|error| Error::config(format!("endpoint `{}`: {error}", origin.url())))
}
