//! An HTTP request as the core hands it to a shell.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::cancel::Cancel;
use super::connection_path::ConnectionPath;
use super::encode::{Attempt, Encoded};
use super::extra_headers::ExtraHeaders;
use super::origin::Origin;
use super::proxy::ProxyAddress;
use super::read_only::only_reads;
use super::request_defaults::Token;
use super::request_format::{Language, Method};
use super::time_limit::Limit;
use crate::sign::canonical::UNSIGNED_PAYLOAD;

/// The names of all headers that a request can have of its own.
pub(crate) const HEADERS: [&str; 11] = [
    "host",
    "content-type",
    "authorization",
    "x-tc-action",
    "x-tc-version",
    "x-tc-timestamp",
    "x-tc-region",
    "x-tc-language",
    "x-tc-token",
    "x-tc-requestclient",
    "x-tc-content-sha256",
];

/// One HTTP request, signed and ready to be sent as it is.
///
/// What is signed is byte for byte what [`headers`](Self::headers), [`url`](Self::url) and [`body`](Self::body) give:
/// a shell adds no query, changes no header, and follows no redirect. `Debug` shows no secret.
#[derive(Clone)]
pub struct Request {
    encoded: Arc<Encoded>,
    signed: SignatureParts,
    attempt: Attempt,
    cancel: Option<(Cancel, Duration)>,
}

/// What signing one attempt adds.
#[derive(Clone)]
pub(crate) enum SignatureParts {
    /// Headers beside those of the encoded request.
    Tc3 { timestamp: Timestamp, authorization: String, token: Option<Token> },
    /// The whole query or form, signature included.
    V1 { text: String },
    /// Nothing: this is not an action.
    Plain,
}

/// A time in seconds since 1970, with its decimal digits.
#[derive(Clone)]
pub(crate) struct Timestamp {
    digits: [u8; 20],
    len: u8,
}

impl Timestamp {
    pub(crate) fn new(unix: u64) -> Self {
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(unix).as_bytes();
        let mut digits = [0; 20];
        digits[..text.len()].copy_from_slice(text);
        // The largest `u64` has 20 digits.
        #[allow(clippy::cast_possible_truncation)]
        let len = text.len() as u8;
        Self { digits, len }
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.digits[..usize::from(self.len)]).expect("only digits were written")
    }
}

impl Request {
    pub(crate) fn new(encoded: Arc<Encoded>, signed: SignatureParts, attempt: Attempt) -> Self {
        Self { encoded, signed, attempt, cancel: None }
    }

    /// Lets a cancel end the exchange, once the answer has had `grace` after it to arrive.
    pub(crate) fn with_cancel(mut self, cancel: &Cancel, grace: Duration) -> Self {
        self.cancel = Some((cancel.clone(), grace));
        self
    }

    /// Whether it changes nothing: an action that only reads, or what fetches a credential.
    pub(crate) fn only_reads(&self) -> bool {
        let fetches_credential =
            matches!(self.signed, SignatureParts::Plain) || self.action().starts_with("AssumeRole");
        fetches_credential || only_reads(self.action())
    }

    /// The HTTP method.
    pub fn method(&self) -> Method {
        self.encoded.method
    }

    /// The whole URL, query included.
    pub fn url(&self) -> Cow<'_, str> {
        match (&*self.encoded.path, self.query()) {
            ("/", "") => Cow::Borrowed(self.origin().url()),
            ("/", query) => Cow::Owned(format!("{}?{query}", self.origin().url())),
            (path, _) => Cow::Owned(format!("{}{}", self.origin().url(), path.trim_start_matches('/'))),
        }
    }

    /// The request target of a request line: path and query.
    pub fn target(&self) -> Cow<'_, str> {
        match self.query() {
            "" => Cow::Borrowed(&self.encoded.path),
            query => Cow::Owned(format!("/?{query}")),
        }
    }

    fn query(&self) -> &str {
        match (&self.signed, self.method()) {
            (SignatureParts::Tc3 { .. }, _) => &self.encoded.query,
            (SignatureParts::V1 { text }, Method::Get) => text,
            (SignatureParts::V1 { .. }, Method::Post) | (SignatureParts::Plain, _) => "",
        }
    }

    /// Scheme, host and port, for a driver that opens connections itself.
    pub fn origin(&self) -> &Origin {
        self.encoded.origin(&self.attempt)
    }

    /// Every header to send, names in lower case, `host` first, those that a user adds last; `content-length` is left to the
    /// transport.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = HEADERS.into_iter().zip(self.header_values());
        own.filter_map(|(name, value)| Some((name, value?))).chain(self.extra_headers().iter())
    }

    /// What a user adds to the headers.
    pub(crate) fn extra_headers(&self) -> &ExtraHeaders {
        &self.encoded.common.headers
    }

    /// The values of [`HEADERS`], each in its place.
    pub(crate) fn header_values(&self) -> [Option<&str>; HEADERS.len()] {
        let Self { encoded, signed, .. } = self;
        let host = Some(self.origin().host());
        let content_type = Some(&*encoded.content_type).filter(|kind| !kind.is_empty());
        let SignatureParts::Tc3 { timestamp, authorization, token } = signed else {
            return [host, content_type, None, None, None, None, None, None, None, None, None];
        };
        let common = &*encoded.common;
        [
            host,
            content_type,
            Some(authorization),
            Some(&encoded.action),
            Some(&encoded.version),
            Some(timestamp.as_str()),
            common.region.as_deref(),
            common.language.map(Language::as_str),
            token.as_ref().map(|token| token.as_str()),
            common.request_client.as_deref(),
            common.unsigned_payload.then_some(UNSIGNED_PAYLOAD),
        ]
    }

    /// Those values of [`HEADERS`] that are part of the program, and can be passed on without a copy.
    #[cfg(feature = "http")]
    pub(crate) fn lasting_values(&self) -> [Option<&'static str>; HEADERS.len()] {
        let lasting = |value: &Cow<'static, str>| match value {
            Cow::Borrowed(lasting) => Some(*lasting),
            Cow::Owned(_) => None,
        };
        let Encoded { content_type, action, version, .. } = &*self.encoded;
        let (content_type, action, version) = (lasting(content_type), lasting(action), lasting(version));
        [None, content_type, None, action, version, None, None, None, None, None, None]
    }

    /// Whether a header's value is a secret, or proves knowledge of one: not for logs, nor for anybody's eyes.
    ///
    /// What is not one of the API's own headers counts as a secret, since nobody knows.
    pub fn is_secret_header(name: &str) -> bool {
        matches!(name, "authorization" | "x-tc-token") || !HEADERS.contains(&name)
    }

    /// The body; empty for GET.
    pub fn body(&self) -> &[u8] {
        match (&self.signed, self.method()) {
            (SignatureParts::Tc3 { .. }, _) => &self.encoded.body,
            (SignatureParts::V1 { .. }, Method::Get) | (SignatureParts::Plain, _) => &[],
            (SignatureParts::V1 { text }, Method::Post) => text.as_bytes(),
        }
    }

    /// The body, for a transport that wants to own it.
    pub fn into_body(self) -> Vec<u8> {
        // All attempts share the bytes, so they have to be copied.
        self.body().to_vec()
    }

    /// Whether it has to reach its host directly, whatever proxy the settings name: because
    /// [`no_proxy`](crate::Settings::no_proxy) says so, or because the instance metadata is this machine's own, and a
    /// proxy would answer with that of another.
    pub fn bypasses_proxy(&self) -> bool {
        matches!(self.signed, SignatureParts::Plain)
            || self.encoded.common.target(self.attempt.to_backup).past_proxy
    }

    /// The action that is called, for logs.
    pub fn action(&self) -> &str {
        &self.encoded.action
    }

    /// The region it is called in, for logs.
    pub fn region(&self) -> Option<&str> {
        self.encoded.common.region.as_deref()
    }

    /// Which attempt at the call this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt.number
    }

    /// The longest time to let the exchange take, connecting included; after it, reply with
    /// [`Cause::Timeout`](crate::machine::Cause::Timeout).
    pub fn timeout(&self) -> Duration {
        self.attempt.timeout
    }

    /// The same request, with no more time for its exchange than this, by a limit of whoever waits for it.
    pub(crate) fn within(mut self, longest: Duration, limit: Limit) -> Self {
        if longest < self.attempt.timeout {
            self.attempt.timeout = longest;
            self.attempt.limit = limit;
        }
        self
    }

    /// What ends the exchange if it takes too long.
    pub(crate) fn limit(&self) -> Limit {
        self.attempt.limit
    }

    /// Where it goes, by this proxy.
    pub(crate) fn connection_path<'a>(&self, proxy: Option<&'a ProxyAddress>) -> ConnectionPath<'a> {
        ConnectionPath::new(self.origin(), proxy)
    }

    /// The cancel that may end this exchange early, and for how long its answer is still worth waiting for: counted from
    /// the cancel, or from the sending if that is later.
    ///
    /// Look at the cancel while waiting, say every 50 ms. Once the time is over, stop and reply with
    /// [`FailureKind::Cancelled`](crate::machine::FailureKind::Cancelled), whatever the exchange is at: name, connection,
    /// request or answer. A driver that does not look waits for [`timeout`](Self::timeout), and so does whoever cancelled.
    pub fn cancel(&self) -> Option<(&Cancel, Duration)> {
        self.cancel.as_ref().map(|(cancel, grace)| (cancel, *grace))
    }

    /// The largest response body to read; above it, reply with
    /// [`Cause::TooLarge`](crate::machine::Cause::TooLarge).
    pub fn max_response_bytes(&self) -> usize {
        self.encoded.common.max_response_bytes
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Headers<'a>(&'a Request);
        impl fmt::Debug for Headers<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let shown = |name, value| if Request::is_secret_header(name) { "***" } else { value };
                f.debug_map()
                    .entries(self.0.headers().map(|(name, value)| (name, shown(name, value))))
                    .finish()
            }
        }
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("url", &self.origin().url())
            .field("headers", &Headers(self))
            // The query and the body may hold passwords, and with v1 the signature and the token.
            .field("query_bytes", &self.query().len())
            .field("body_bytes", &self.body().len())
            .field("action", &self.action())
            .field("region", &self.region())
            .field("attempt", &self.attempt())
            .field("timeout", &self.timeout())
            .finish_non_exhaustive()
    }
}
