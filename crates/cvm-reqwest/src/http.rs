//! Exchanges over connections of reqwest.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use cvm_proto::machine::{Cause, Failure, Fault};
use cvm_proto::{Config, Error, Method, ProxyAddress, Request, Response, Settings};
use cvm_shell::tls_config;
use reqwest::header::HeaderValue;
use reqwest::{Proxy, Url, redirect, retry};
use rustls::ClientConfig;

use crate::cancel::Departure;
use crate::fault::{Connecting, no_answer};

/// The connections of a client, and what each exchange of one region needs.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    usual: reqwest::Client,
    /// The same without the proxy, for what has to go past it.
    direct: reqwest::Client,
    proxy: Option<Arc<ProxyAddress>>,
    /// The longest time for a connection, if it is a setting that says so.
    connect_timeout: Option<Duration>,
    /// The parsed URL of the region's endpoint: every exchange needs it.
    url: Arc<Url>,
}

impl Http {
    /// The connections that the settings ask for.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let settings = config.settings();
        let (proxy, tls) = (settings.proxy_address()?, tls_config(settings)?);
        let goes_past = settings.provider.is_some() || !settings.no_proxy.is_empty();
        let usual = http_client(settings, tls.clone(), proxy.as_ref())?;
        let direct = match &proxy {
            Some(_) if goes_past => http_client(settings, tls, None)?,
            _ => usual.clone(),
        };
        let connect_timeout = Some(settings.connect_timeout);
        Ok(Self { usual, direct, proxy: proxy.map(Arc::new), connect_timeout, url: base_url(config)? })
    }

    /// Connections of the user's.
    pub(crate) fn over(http: reqwest::Client, config: &Config) -> Result<Self, Error> {
        let url = base_url(config)?;
        Ok(Self { usual: http.clone(), direct: http, proxy: None, connect_timeout: None, url })
    }

    /// The same for the region of a config.
    pub(crate) fn at(&self, config: &Config) -> Result<Self, Error> {
        Ok(Self { url: base_url(config)?, ..self.clone() })
    }

    /// The proxy that a request goes through.
    pub(crate) fn proxy_of(&self, request: &Request) -> Option<&ProxyAddress> {
        self.proxy.as_deref().filter(|_| !request.bypasses_proxy())
    }

    pub(crate) async fn perform(
        &self,
        request: &Request,
        departure: &Departure,
    ) -> Result<Response, Failure> {
        let most = request.max_response_bytes();
        let proxy = self.proxy_of(request);
        let fault = |fault: Fault<'_>| request.failure(fault.through(proxy));
        let too_large = || fault(Fault::maybe_sent(Cause::TooLarge));
        let http = if request.bypasses_proxy() { &self.direct } else { &self.usual };
        let wire = self.convert(request, departure)?;
        let connecting = Connecting {
            is_tls: wire.url().scheme() == "https",
            proxy: proxy.map(ProxyAddress::scheme),
            limit: self.connect_timeout,
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
        Ok(Response::new(answer.status().as_u16(), body).header_map(answer.headers()).through(proxy))
    }

    fn convert(&self, request: &Request, departure: &Departure) -> Result<reqwest::Request, Failure> {
        let wrong = |_| request.failure(Fault::not_sent(Cause::Unsendable("URL")));
        let url = match request.url() {
            Cow::Borrowed(url) if url == self.url.as_str() => Url::clone(&self.url),
            url => Url::parse(&url).map_err(wrong)?,
        };
        let mut wire = reqwest::Request::new(request.method().into(), url);
        // reqwest adds `accept` and `user-agent`.
        *wire.headers_mut() = request.header_map(2)?;
        match request.method() {
            Method::Post => *wire.body_mut() = Some(departure.watch(request.body().to_vec())),
            Method::Get => departure.may_leave(),
        }
        Ok(wire)
    }
}

/// The transport as the settings want it, with everything off that could change a request or send it again.
fn http_client(
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
fn base_url(config: &Config) -> Result<Arc<Url>, Error> {
    let origin = config.origin();
    let url = Url::parse(origin.url());
    url.map(Arc::new).map_err(|error| Error::config(format!("endpoint `{}`: {error}", origin.url())))
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
