//! What came of a request that got no whole response, as the rest of the core judges it.

use alloc::string::String;
use core::fmt::{self, Write as _};

use crate::output::Escaping;

/// Why no whole response arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether the service may have received the request.
    pub sent: Sent,
    /// The sort of failure.
    pub kind: FailureKind,
    /// One sentence without secrets.
    pub message: String,
    /// Whether every further attempt would fail in the same way.
    pub is_lasting: bool,
}

impl Failure {
    /// A failure before the request could have reached the service: no address, no connection, no TLS session.
    pub fn not_sent(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { sent: Sent::No, kind, message: message.into(), is_lasting: false }
    }

    /// A failure after which nobody here knows whether the service received the request.
    pub fn maybe_sent(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { sent: Sent::Maybe, kind, message: message.into(), is_lasting: false }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaping(f).write_str(&self.message)
    }
}

impl core::error::Error for Failure {}

/// Whether the service may have received a request that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sent {
    /// Certainly not: sending it again cannot do the work twice.
    No,
    /// Perhaps: only what is safe to repeat may be sent again.
    Maybe,
}

/// The sorts of failure that the core treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// No connection: name resolution, TCP, proxy or TLS.
    Connect,
    /// The exchange took longer than [`Request::timeout`](crate::Request::timeout) allows.
    Timeout,
    /// The connection broke before the whole response was there, or what came is no HTTP.
    Interrupted,
    /// The response is larger than [`Request::max_response_bytes`](crate::Request::max_response_bytes).
    TooLarge,
    /// The caller broke the exchange off: [`Request::cancel`](crate::Request::cancel), an interrupt. It says nothing about the network.
    Cancelled,
}

impl FailureKind {
    /// The kind as one word, for logs and machines: `connect`, `timeout`, ...
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::TooLarge => "too_large",
            Self::Cancelled => "cancelled",
        }
    }
}
