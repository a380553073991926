//! An HTTP request as the core hands it to a shell, and how an action becomes one.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::endpoint::Origin;

/// The methods that the API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`: everything in the query.
    Get,
    /// `POST`: parameters in the body.
    Post,
}

impl Method {
    /// The method as it stands on the wire and in what is signed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// How an action's parameters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notation {
    /// A JSON body; POST, TC3 only. At most 10 MiB.
    Json,
    /// Flattened parameters (`ImageIds.0=...`) in the query; GET. At most 32 KiB.
    Query,
    /// Flattened parameters in an `application/x-www-form-urlencoded` body; POST, v1 signatures only. At most 1 MiB.
    Form,
    /// A `multipart/form-data` body; POST, TC3 only, and only for the actions that take one. At most 10 MiB.
    Multipart,
}

/// The language of the service's error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// `zh-CN`
    Chinese,
    /// `en-US`
    English,
}

impl Language {
    /// The language as the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en-US",
        }
    }
}

/// One HTTP request, signed and ready to be sent as it is.
///
/// What is signed is byte for byte what [`headers`](Self::headers), [`url`](Self::url) and [`body`](Self::body) give:
/// a shell adds no query, changes no header, and follows no redirect. `Debug` shows no secret.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) origin: Arc<Origin>,
    pub(crate) query: String,
    pub(crate) headers: Vec<(&'static str, HeaderValue)>,
    pub(crate) body: Vec<u8>,
    pub(crate) about: About,
}

/// What a shell has to know of a request beside its bytes.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) action: Cow<'static, str>,
    pub(crate) region: Option<Arc<str>>,
    pub(crate) attempt: u32,
    pub(crate) timeout: Duration,
    pub(crate) max_response_bytes: usize,
}

/// A header's value: shared or written in place where it can be, since a request is made for each attempt.
#[derive(Clone)]
pub(crate) enum HeaderValue {
    Static(&'static str),
    Shared(Arc<str>),
    Owned(String),
}

impl HeaderValue {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
            Self::Owned(text) => text,
        }
    }
}

impl Request {
    /// The HTTP method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The whole URL, query included.
    pub fn url(&self) -> Cow<'_, str> {
        if self.query.is_empty() {
            Cow::Borrowed(self.origin.url())
        } else {
            Cow::Owned(format!("{}?{}", self.origin.url(), self.query))
        }
    }

    /// The request target of a request line: path and query.
    pub fn target(&self) -> Cow<'_, str> {
        if self.query.is_empty() { Cow::Borrowed("/") } else { Cow::Owned(format!("/?{}", self.query)) }
    }

    /// Scheme, host and port, for a driver that opens connections itself.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Every header to send, names in lower case, `host` first; `content-length` is left to the transport.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The body; empty for GET.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, for a transport that wants to own it.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The action that is called, for logs.
    pub fn action(&self) -> &str {
        &self.about.action
    }

    /// The region it is called in, for logs.
    pub fn region(&self) -> Option<&str> {
        self.about.region.as_deref()
    }

    /// Which attempt at the call this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.about.attempt
    }

    /// The longest time to let the exchange take, connecting included; after it, reply with
    /// [`FailureKind::Timeout`](crate::machine::FailureKind::Timeout).
    pub fn timeout(&self) -> Duration {
        self.about.timeout
    }

    /// The largest response body to read; above it, reply with
    /// [`FailureKind::TooLarge`](crate::machine::FailureKind::TooLarge).
    pub fn max_response_bytes(&self) -> usize {
        self.about.max_response_bytes
    }
}

/// The headers whose values are secrets, or prove knowledge of one.
const SECRET_HEADERS: [&str; 2] = ["authorization", "x-tc-token"];

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Headers<'a>(&'a Request);
        impl fmt::Debug for Headers<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let shown = |name, value| if SECRET_HEADERS.contains(&name) { "***" } else { value };
                f.debug_map().entries(self.0.headers().map(|(name, value)| (name, shown(name, value)))).finish()
            }
        }
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.origin.url())
            .field("headers", &Headers(self))
            // The query and the body may hold passwords, and with v1 the signature and the token.
            .field("query_bytes", &self.query.len())
            .field("body_bytes", &self.body.len())
            .field("action", &self.about.action)
            .field("region", &self.about.region)
            .field("attempt", &self.about.attempt)
            .field("timeout", &self.about.timeout)
            .finish_non_exhaustive()
    }
}
