//! An HTTP response as a shell hands it to the core.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::proxy::ProxyAddress;
use crate::codec::date::parse_http_date;

/// An HTTP response: status, the few headers the core looks at, and the body.
///
/// ```
/// use cvm_proto::Response;
///
/// let response = Response::new(200, br#"{"Response":{"RequestId":"r-1"}}"#.to_vec())
///     .header("Date", "Tue, 24 Nov 2026 03:42:00 GMT")
///     .header("X-Whatever", "is not kept");
/// assert_eq!((response.status(), response.date()), (200, Some(1_795_491_720)));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    date: Option<u64>,
    retry_after: Option<RetryAfter>,
    location: Option<String>,
    proxy: Option<Box<ProxyAddress>>,
    body: Vec<u8>,
}

/// When a server that refuses a request wants it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RetryAfter {
    Seconds(u64),
    /// In seconds since 1970, by its own clock.
    At(u64),
}

impl Response {
    /// A response without headers.
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, date: None, retry_after: None, location: None, proxy: None, body }
    }

    /// The headers that the core looks at in a response with this status. A shell may offer all it received.
    pub fn headers_of_use(status: u16) -> &'static [&'static str] {
        const NAMES: &[&str] = &["date", "retry-after", "location"];
        // Every answer goes through here, and almost all need no more.
        if status == 200 { &NAMES[..1] } else { NAMES }
    }

    /// Offers a header; those the core has no use for are dropped.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if name.eq_ignore_ascii_case("date") {
            self.date = parse_http_date(value);
        } else if name.eq_ignore_ascii_case("retry-after") {
            let value = value.trim();
            let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            // A number that is too large is a long time all the same.
            let seconds = is_number.then(|| RetryAfter::Seconds(value.parse().unwrap_or(u64::MAX)));
            self.retry_after = seconds.or_else(|| parse_http_date(value).map(RetryAfter::At));
        } else if name.eq_ignore_ascii_case("location") {
            self.location = Some(value.into());
        }
        self
    }

    /// The proxy that it came through, if it came through one: for the sentence of an error.
    #[must_use]
    pub fn through(mut self, proxy: Option<&ProxyAddress>) -> Self {
        self.proxy = proxy.cloned().map(Box::new);
        self
    }

    pub(crate) fn proxy(&self) -> Option<&ProxyAddress> {
        self.proxy.as_deref()
    }

    /// Whether these bytes stand anywhere in the body.
    pub(crate) fn body_contains(&self, bytes: &[u8]) -> bool {
        memchr::memmem::find(&self.body, bytes).is_some()
    }

    /// How long the `Retry-After` header asks to wait, if there was one that can be read. `unix` is what the time is in
    /// seconds since 1970, for a date in a response that does not say what time it is there.
    pub fn retry_after(&self, unix: u64) -> Option<Duration> {
        let seconds = match self.retry_after? {
            RetryAfter::Seconds(seconds) => seconds,
            RetryAfter::At(at) => at.saturating_sub(self.date.unwrap_or(unix)),
        };
        Some(Duration::from_secs(seconds))
    }

    /// Where the `Location` header points.
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// The HTTP status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The time in the `Date` header, in seconds since 1970, if there was one that can be read.
    pub fn date(&self) -> Option<u64> {
        self.date
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn into_body(self) -> Vec<u8> {
        self.body
    }
}

impl fmt::Debug for Response {
    /// Shows the size of the body, not the body: it may hold what a log should not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("date", &self.date)
            .field("retry_after", &self.retry_after)
            .field("location", &self.location)
            .field("proxy", &self.proxy)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
