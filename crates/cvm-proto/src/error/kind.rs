//! Who is at fault.

/// Who is at fault, and so what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's settings: no region, a bad endpoint, no credential. Nothing was sent.
    Config,
    /// The caller's parameters: missing, unknown, malformed or out of range.
    Parameter,
    /// The credential: unknown, expired, wrongly signed, not allowed to do this, or none, as its source failed.
    Credential,
    /// What the request names does not exist.
    NotFound,
    /// What the request names exists, but its state does not allow this now.
    State,
    /// A quota, the stock, or the account's balance.
    Quota,
    /// Too many requests; slower ones succeed.
    Throttled,
    /// The service does not do this for this resource, region or account.
    Unsupported,
    /// The service failed.
    Service,
    /// No answer: name resolution, connection, TLS, a broken connection.
    Network,
    /// No answer, or no end of the job, within the time allowed.
    Timeout,
    /// An answer that is not one of this API: HTML, cut off, not JSON, of another shape.
    Response,
    /// On this side: the file that a job is kept in cannot be read or written.
    Journal,
}

impl ErrorKind {
    /// The kind as one word, for logs and machines: `throttled`, `not_found`, ...
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Parameter => "parameter",
            Self::Credential => "credential",
            Self::NotFound => "not_found",
            Self::State => "state",
            Self::Quota => "quota",
            Self::Throttled => "throttled",
            Self::Unsupported => "unsupported",
            Self::Service => "service",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Response => "response",
            Self::Journal => "journal",
        }
    }
}
