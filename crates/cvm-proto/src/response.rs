//! An HTTP response as a shell hands it to the core.

use alloc::vec::Vec;
use core::fmt;

use crate::clock::parse_http_date;

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
    body: Vec<u8>,
}

impl Response {
    /// A response without headers.
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, date: None, body }
    }

    /// Offers a header; those the core has no use for are dropped. A shell offers all it received.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if name.eq_ignore_ascii_case("date") {
            self.date = parse_http_date(value);
        }
        self
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
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
