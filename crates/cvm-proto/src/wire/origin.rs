//! Whom a request is for: scheme, host and port.

use alloc::format;
use alloc::string::String;

/// Scheme and host of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    url: String,
    host_at: usize,
}

impl Origin {
    pub(crate) fn new(scheme: &str, host: &str) -> Self {
        Self { url: format!("{scheme}://{host}/"), host_at: scheme.len() + 3 }
    }

    /// The URL of the service's only path, `/`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Host and, unless it is the scheme's own, port: what the `Host` header says and the signature covers.
    pub fn host(&self) -> &str {
        &self.url[self.host_at..self.url.len() - 1]
    }
}
