//! One HTTP exchange, from the core's request to the core's reply.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::pin::pin;
use std::time::Instant;

use cvm_proto::machine::{Cause, Failure, Fault};
use cvm_proto::output::escaped;
use cvm_proto::{Config, Error, Method, ProxyAddress, Reply, Request, Response, Settings};
use futures_util::future::{Either, select};
use reqwest::header::HeaderValue;
use reqwest::{Proxy, Url, redirect, retry};
use rustls::ClientConfig;
use tracing::{debug, trace};

use crate::Client;
use crate::break_off::{BreakOff, Departure, broken_off};
use crate::fault::{Connecting, no_answer};

/// The transport as the settings want it, with everything off that could change a request or send it again.
pub(crate) fn http_client(
    settings: &Settings,
    tls: ClientConfig,
    proxy: Option<&ProxyAddress>,
) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(HeaderValue::from_static(concat!("cvm-reqwest/", env!("CARGO_PKG_VERSION"))))
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        // Without a retry to prepare for, no request is copied.
        .retry(retry::never().max_retries_per_request(0))
        .connect_timeout(settings.connect_timeout)
        .tcp_nodelay(true);
    if let Some(address) = proxy {
        builder = builder.proxy(Proxy::all(address.to_url().as_str()).map_err(|_| Settings::wrong_proxy())?);
    }
    builder
        .build()
        .map_err(|error| Error::config(format!("the HTTP client cannot be set up: {}", cause(&error))))
}

/// The URL of the endpoint that serves the config's region.
pub(crate) fn base_url(config: &Config) -> Result<Url, Error> {
    let origin = config.settings().endpoint.origin(config.region().unwrap_or_default());
    Url::parse(origin.url()).map_err(|error| Error::config(format!("endpoint `{}`: {error}", origin.url())))
}

impl Client {
    /// Performs one exchange, for drivers of their own; whatever comes of it is a reply. It decides nothing and is not
    /// repeated: see [`machine`](cvm_proto::machine).
    pub async fn exchange(&self, request: Request) -> Reply {
        let (started, attempt, timeout) = (Instant::now(), request.attempt(), request.timeout());
        debug!(
            action = request.action(),
            region = request.region(),
            attempt,
            bytes = request.body().len(),
            "request"
        );
        trace!(?request);
        let departure = Departure::default();
        // Pinned where it is, as it is large to move.
        let perform = pin!(self.perform(&request, &departure));
        let perform = tokio::time::timeout(timeout, perform);
        let in_time = match BreakOff::of(&request) {
            None => perform.await,
            Some(break_off) => match select(pin!(break_off.due()), pin!(perform)).await {
                Either::Left(((), _)) => Ok(Err(broken_off(&departure))),
                Either::Right((in_time, _)) => in_time,
            },
        };
        let outcome = in_time.unwrap_or_else(|_| {
            let late = Fault::new(Cause::Timeout, departure.sent());
            Err(request.failure(late.through(self.proxy_of(&request))))
        });
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

    async fn perform(&self, request: &Request, departure: &Departure) -> Result<Response, Failure> {
        let most = request.max_response_bytes();
        let proxy = self.proxy_of(request);
        let fault = |fault: Fault<'_>| request.failure(fault.through(proxy));
        let too_large = || fault(Fault::maybe_sent(Cause::TooLarge));
        let http = if request.bypasses_proxy() { &self.direct } else { &self.http };
        let wire = self.convert(request, departure)?;
        let connecting = Connecting {
            is_tls: wire.url().scheme() == "https",
            proxy: proxy.map(ProxyAddress::scheme),
            limit: self.config.settings().connect_timeout,
        };
        let failed = |error: reqwest::Error| fault(no_answer(&error, &connecting));
        let mut answer = http.execute(wire).await.map_err(failed)?;
        let announced = answer.content_length().map_or(Ok(0), usize::try_from).map_err(|_| too_large())?;
        if announced > most {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(announced);
        let cut_off = |_| fault(Fault::maybe_sent(Cause::CutOff));
        while let Some(chunk) = answer.chunk().await.map_err(cut_off)? {
            if chunk.len() > most - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let response = Response::new(answer.status().as_u16(), body).through(proxy);
        let headers = Response::headers_of_use(response.status()).iter();
        let given = headers.filter_map(|name| Some((*name, answer.headers().get(*name)?.to_str().ok()?)));
        Ok(given.fold(response, |response, (name, value)| response.header(name, value)))
    }

    /// The proxy that a request goes through.
    fn proxy_of(&self, request: &Request) -> Option<&ProxyAddress> {
        self.proxy.as_deref().filter(|_| !request.bypasses_proxy())
    }

    fn convert(&self, request: &Request, departure: &Departure) -> Result<reqwest::Request, Failure> {
        let wrong = |_| request.failure(Fault::not_sent(Cause::Unsendable("URL")));
        let url = match request.url() {
            Cow::Borrowed(url) if url == self.url.as_str() => Url::clone(&self.url),
            url => Url::parse(&url).map_err(wrong)?,
        };
        let method = match request.method() {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let mut wire = reqwest::Request::new(method, url);
        // reqwest adds `accept` and `user-agent`.
        *wire.headers_mut() = request.header_map(2)?;
        match request.method() {
            Method::Post => *wire.body_mut() = Some(departure.watch(request.body().to_vec())),
            Method::Get => departure.may_leave(),
        }
        Ok(wire)
    }
}

/// The innermost two causes of an error as one phrase: the outer ones only say that a request failed.
fn cause(error: &dyn StdError) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(inner) = next {
        let text = inner.to_string();
        // Some errors repeat their source in their own text.
        if causes.last().is_some_and(|outer| outer.contains(&text)) {
            causes.pop();
        }
        causes.push(text);
        next = inner.source();
    }
    causes.split_off(causes.len().saturating_sub(2)).join(": ")
}
