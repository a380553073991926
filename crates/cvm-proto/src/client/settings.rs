//! What a user can set on a client, whichever transport it has.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use super::endpoint::Endpoint;
use super::failover::Failover;
use super::retry::RetryPolicy;
use crate::attempt_end::{AttemptEnd, AttemptHook};
use crate::codec::check;
use crate::error::Error;
use crate::input;
use crate::sign::SignMethod;
use crate::signer::{Credential, Provider};
use crate::wire::{ExtraHeaders, Language, NoProxy, Notation, ProxyAddress};

/// Everything that can be set on a client, as plain data.
///
/// Protocol settings become a [`Config`](crate::Config); the transport's ([`proxy`](Self::proxy),
/// [`ca_pem`](Self::ca_pem), [`connect_timeout`](Self::connect_timeout)) are for the shell. Users meet it as
/// `Client::builder()`, which is a [`ClientBuilder`].
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Who signs. This, or a [`provider`](Self::provider), is required; this one goes first.
    pub credential: Option<Credential>,
    /// Where the credential comes from, if it is not given once and for all.
    pub provider: Option<Arc<dyn Provider>>,
    /// The region that actions are sent to unless a call names another.
    pub region: Option<String>,
    /// Where requests go; the public hosts by default.
    pub endpoint: Endpoint,
    /// Where the service sts says [whose the credential is](crate::WhoAmI); by default the endpoint, if that is one
    /// address, and else the public host of sts beside it.
    pub sts_endpoint: Option<Endpoint>,
    /// Another endpoint for when that one cannot be reached; none by default.
    pub failover: Option<Failover>,
    /// How requests are signed; TC3-HMAC-SHA256 by default.
    pub sign_method: SignMethod,
    /// How parameters are written; by default JSON, or a form with the v1 signatures.
    pub notation: Option<Notation>,
    /// Signs the literal `UNSIGNED-PAYLOAD` in place of the body (TC3 only); off by default.
    pub unsigned_payload: bool,
    /// The language of the service's messages; the service's default if not set.
    pub language: Option<Language>,
    /// A tag of the calling program for the service's logs: letters, digits and `-_,;.`, at most 128.
    pub request_client: Option<String>,
    /// Headers that every request of an action has beside its own; none by default.
    pub headers: ExtraHeaders,
    /// When a request is sent again.
    pub retry: RetryPolicy,
    /// Hears what came of each attempt; nobody by default.
    pub on_attempt: Option<AttemptHook>,
    /// Keeps below the service's known request rates on this side; on by default.
    pub rate_limit: bool,
    /// The longest time for one HTTP exchange, 30 s by default.
    pub attempt_timeout: Duration,
    /// The longest time for one call with all its attempts and pauses, 120 s by default.
    pub call_timeout: Duration,
    /// The longest time to establish a connection, 10 s by default.
    pub connect_timeout: Duration,
    /// The largest response body that is read, 32 MiB by default.
    pub max_response_bytes: usize,
    /// A proxy for every request, as a [`ProxyAddress`] is written, such as `http://127.0.0.1:3128`; with none, the
    /// transport uses no proxy.
    pub proxy: Option<String>,
    /// The hosts that are reached past the proxy; none by default.
    pub no_proxy: NoProxy,
    /// More certificate authorities to trust than the platform's, in PEM.
    pub ca_pem: Option<Vec<u8>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            credential: None,
            provider: None,
            region: None,
            endpoint: Endpoint::default(),
            sts_endpoint: None,
            failover: None,
            sign_method: SignMethod::default(),
            notation: None,
            unsigned_payload: false,
            language: None,
            request_client: None,
            headers: ExtraHeaders::default(),
            retry: RetryPolicy::default(),
            on_attempt: None,
            rate_limit: true,
            attempt_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(120),
            connect_timeout: Duration::from_secs(10),
            max_response_bytes: 32 << 20,
            proxy: None,
            no_proxy: NoProxy::default(),
            ca_pem: None,
        }
    }
}

impl Settings {
    /// [`proxy`](Self::proxy), taken apart.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is not a proxy's address; no password is in it.
    pub fn proxy_address(&self) -> Result<Option<ProxyAddress>, Error> {
        self.proxy.as_deref().map(str::parse).transpose()
    }

    /// The error of a shell whose transport cannot use [`proxy`](Self::proxy) after all.
    pub fn wrong_proxy() -> Error {
        // The address may hold a password, so the error does not repeat it.
        Error::config("proxy cannot be used by this transport: give one such as `http://127.0.0.1:3128`")
    }

    /// The error of whoever sets for some calls alone what all calls of a client share; `name` is what that is called where
    /// it was set.
    pub fn shared_by_calls(name: &str) -> Error {
        Error::config(format!(
            "{name} cannot be set for some calls alone, as all calls of a client share it: build a client of its own"
        ))
    }

    /// The certificates in [`ca_pem`](Self::ca_pem), in DER.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if there is none, or what claims to be one is not.
    pub fn ca_certificates(&self) -> Result<Vec<Vec<u8>>, Error> {
        let Some(pem) = &self.ca_pem else { return Ok(Vec::new()) };
        input::certificates(pem).map_err(|why| Error::config(format!("ca_pem {why}")))
    }

    /// Checks what can be known to be wrong before anything is sent; [`Config::new`](crate::Config::new) does so as well.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the setting.
    pub fn check(&self) -> Result<(), Error> {
        if let Some(region) = &self.region {
            check::region(region)?;
        }
        if let Some(tag) = &self.request_client {
            let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b',' | b';' | b'.');
            if tag.is_empty() || tag.len() > 128 || !tag.bytes().all(fits) {
                return Err(Error::config(format!(
                    "request client `{}` does not fit: use 1 to 128 letters, digits and `-_,;.`",
                    input::excerpt(tag)
                )));
            }
        }
        self.headers.check()?;
        self.proxy_address()?;
        let v1 = self.sign_method != SignMethod::Tc3HmacSha256;
        match self.notation {
            Some(Notation::Json | Notation::Multipart) if v1 => Err(Error::config(format!(
                "{} signs only GET and form requests: use the query or the form notation, or TC3-HMAC-SHA256",
                self.sign_method.as_str()
            ))),
            Some(Notation::Form) if !v1 => Err(Error::config(
                "TC3-HMAC-SHA256 does not sign form requests: use JSON, or sign with HmacSHA256 or HmacSHA1",
            )),
            _ if v1 && self.unsigned_payload => Err(Error::config(
                "unsigned_payload works with TC3-HMAC-SHA256 only: turn one of the two off",
            )),
            _ => Ok(()),
        }
    }
}

impl Settings {
    /// The first setting that differs in another client's settings, of those that belong to what the calls of a client share.
    pub(super) fn shared_that_differs(&self, other: &Self) -> Option<&'static str> {
        let same_credential = match (&self.credential, &other.credential) {
            (Some(own), Some(theirs)) => own.is_wholly(theirs),
            (own, theirs) => own.is_none() && theirs.is_none(),
        };
        let same_provider = match (&self.provider, &other.provider) {
            (Some(own), Some(theirs)) => Arc::ptr_eq(own, theirs),
            (own, theirs) => own.is_none() && theirs.is_none(),
        };
        [
            ("the credential", same_credential),
            ("the provider", same_provider),
            ("the endpoint", self.endpoint == other.endpoint),
            ("sts_endpoint", self.sts_endpoint == other.sts_endpoint),
            ("connect_timeout", self.connect_timeout == other.connect_timeout),
            ("proxy", self.proxy == other.proxy),
            ("no_proxy", self.no_proxy == other.no_proxy),
            ("ca_pem", self.ca_pem == other.ca_pem),
        ]
        .into_iter()
        .find_map(|(name, same)| (!same).then_some(name))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("credential", &self.credential)
            .field("provider", &self.provider)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("sts_endpoint", &self.sts_endpoint)
            .field("failover", &self.failover)
            .field("sign_method", &self.sign_method)
            .field("notation", &self.notation)
            .field("headers", &self.headers)
            .field("retry", &self.retry)
            .field("on_attempt", &self.on_attempt)
            // A proxy's address may hold its password.
            .field("proxy", &self.proxy.as_ref().map(|_| "***"))
            .field("no_proxy", &self.no_proxy)
            .finish_non_exhaustive()
    }
}

/// A client that [`Settings`] can be made into: what a shell implements to have a [`ClientBuilder`].
pub trait FromSettings: Sized {
    /// Makes the client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the setting that is missing or wrong.
    fn from_settings(settings: Settings) -> Result<Self, Error>;
}

/// Sets up a client; every shell's `Client::builder()` is one, so all have the same settings.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder<C> {
    settings: Settings,
    client: PhantomData<fn() -> C>,
}

impl<C: FromSettings> ClientBuilder<C> {
    /// Starts from these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings, client: PhantomData }
    }

    /// Who signs. This, or a [`provider`](Self::provider), is required; this one goes first.
    pub fn credential(self, credential: Credential) -> Self {
        self.with(|settings| settings.credential = Some(credential))
    }

    /// Where the credential comes from, if it is not given once and for all.
    pub fn provider(self, provider: impl Provider + 'static) -> Self {
        self.with(|settings| settings.provider = Some(Arc::new(provider)))
    }

    /// The region that actions are sent to unless a call names another.
    pub fn region(self, region: impl Into<String>) -> Self {
        self.with(|settings| settings.region = Some(region.into()))
    }

    /// Where requests go; the public hosts by default.
    pub fn endpoint(self, endpoint: Endpoint) -> Self {
        self.with(|settings| settings.endpoint = endpoint)
    }

    /// Where the service sts says [whose the credential is](crate::WhoAmI); by default the endpoint, if that is one
    /// address, and else the public host of sts beside it.
    pub fn sts_endpoint(self, endpoint: Endpoint) -> Self {
        self.with(|settings| settings.sts_endpoint = Some(endpoint))
    }

    /// Another endpoint for when that one cannot be reached; none by default.
    pub fn failover(self, failover: Failover) -> Self {
        self.with(|settings| settings.failover = Some(failover))
    }

    /// How requests are signed; TC3-HMAC-SHA256 by default.
    pub fn sign_method(self, method: SignMethod) -> Self {
        self.with(|settings| settings.sign_method = method)
    }

    /// How parameters are written; by default JSON, or a form with the v1 signatures.
    pub fn notation(self, notation: Notation) -> Self {
        self.with(|settings| settings.notation = Some(notation))
    }

    /// Signs the literal `UNSIGNED-PAYLOAD` in place of the body (TC3 only); off by default.
    pub fn unsigned_payload(self, on: bool) -> Self {
        self.with(|settings| settings.unsigned_payload = on)
    }

    /// The language of the service's messages.
    pub fn language(self, language: Language) -> Self {
        self.with(|settings| settings.language = Some(language))
    }

    /// A tag of the calling program for the service's logs: letters, digits and `-_,;.`, at most 128.
    pub fn request_client(self, tag: impl Into<String>) -> Self {
        self.with(|settings| settings.request_client = Some(tag.into()))
    }

    /// A header that every request of an action has beside its own, such as `traceparent`; one of the same name is
    /// replaced. It is not signed, and no log shows its value.
    ///
    /// What makes the client wrong is a name or a value that cannot stand in a header, or a name that the request has
    /// already: `host`, `authorization`, `content-type`, `x-tc-..`, and those that belong to the connection.
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|settings| settings.headers.set(name, value))
    }

    /// When a request is sent again.
    pub fn retry(self, retry: RetryPolicy) -> Self {
        self.with(|settings| settings.retry = retry)
    }

    /// Hears what came of each [attempt](AttemptEnd) at everything that is sent: whether it succeeded, and whether, when and
    /// why it is sent again. For metrics and logs; it decides nothing, and whoever drives the call waits for it.
    ///
    /// ```
    /// use cvm_proto::{AttemptEnd, ClientBuilder, Config, NextStep, Settings};
    ///
    /// let builder = ClientBuilder::<Config>::new(Settings::default()).on_attempt(|end: &AttemptEnd<'_>| {
    ///     if let (NextStep::Retry { pause, reason }, Some(error)) = (end.next, end.error) {
    ///         eprintln!("{}, once more in {pause:?} ({}): {error}", end.action, reason.as_str());
    ///     }
    /// });
    /// # let _ = builder;
    /// ```
    pub fn on_attempt(self, hook: impl Fn(&AttemptEnd<'_>) + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.on_attempt = Some(AttemptHook::new(hook)))
    }

    /// Whether to keep below the service's known request rates on this side; on by default.
    pub fn rate_limit(self, on: bool) -> Self {
        self.with(|settings| settings.rate_limit = on)
    }

    /// The longest time for one HTTP exchange, 30 s by default.
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.with(|settings| settings.attempt_timeout = timeout)
    }

    /// The longest time for one call with all its attempts and pauses, 120 s by default.
    pub fn call_timeout(self, timeout: Duration) -> Self {
        self.with(|settings| settings.call_timeout = timeout)
    }

    /// The longest time to establish a connection, 10 s by default.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.with(|settings| settings.connect_timeout = timeout)
    }

    /// The largest response body that is read, 32 MiB by default.
    pub fn max_response_bytes(self, bytes: usize) -> Self {
        self.with(|settings| settings.max_response_bytes = bytes)
    }

    /// A proxy for every request, as a [`ProxyAddress`] is written, such as `http://127.0.0.1:3128` or
    /// `socks5h://user:password@127.0.0.1:1080`; none by default.
    pub fn proxy(self, proxy: impl Into<String>) -> Self {
        self.with(|settings| settings.proxy = Some(proxy.into()))
    }

    /// More certificate authorities to trust than the platform's, in PEM: the content of a CA file.
    pub fn ca_pem(self, pem: impl Into<Vec<u8>>) -> Self {
        self.with(|settings| settings.ca_pem = Some(pem.into()))
    }

    /// Makes the client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the setting that is missing or wrong.
    pub fn build(self) -> Result<C, Error> {
        C::from_settings(self.settings)
    }

    /// The settings as they are set so far.
    pub(super) fn into_settings(self) -> Settings {
        self.settings
    }

    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.settings);
        self
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_proxy_that_is_none_is_refused_without_showing_it() {
        for (proxy, fits) in [
            ("http://127.0.0.1:3128", true),
            ("https://proxy.example", true),
            ("socks5://someone:hidden@host", true),
            ("someone:hidden@host:3128", false),
            ("", false),
        ] {
            let settings = Settings { proxy: Some(proxy.into()), ..Settings::default() };
            let outcome = settings.check().map_err(|error| error.to_string());
            assert_eq!(outcome.is_ok(), fits, "{proxy}");
            assert!(outcome.err().is_none_or(|text| text.contains("proxy") && !text.contains("hidden")));
            assert!(!format!("{settings:?}").contains("hidden"));
        }
    }
}
