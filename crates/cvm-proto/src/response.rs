//! An HTTP response as a shell hands it to the core.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// An HTTP response: status, the few headers the core looks at, and the body.
///
/// ```
/// use cvm_proto::Response;
///
/// let response = Response::new(200, br#"{"Response":{"RequestId":"r-1"}}"#.to_vec())
///     .header("Date", "Tue, 24 Nov 2026 03:42:00 GMT")
///     .header("X-Whatever", "is not kept");
/// assert_eq!(response.status(), 200);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    date: Option<String>,
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
            self.date = Some(value.into());
        }
        self
    }

    /// The HTTP status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The `Date` header, if there was one.
    pub fn date(&self) -> Option<&str> {
        self.date.as_deref()
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
