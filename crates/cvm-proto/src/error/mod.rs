//! The one error type: what went wrong, who is at fault, and what the service said.

mod code;
mod failure;
mod kind;
mod known;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::output::Escaping;
use crate::service::SERVICE;

pub use failure::{Failure, FailureKind, Sent};
pub use kind::ErrorKind;
pub use known::ErrorCode;

/// What went wrong with a call or a job.
///
/// [`kind`](Self::kind) says who is at fault. What the service said is kept whole: [`code`](Self::code),
/// [`message`](Self::message), [`request_id`](Self::request_id), [`status`](Self::status). `Display` is one sentence
/// that holds all of it; no secret is ever part of an error.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone, serde::Deserialize)]
struct Inner {
    kind: ErrorKind,
    code: Option<ErrorCode>,
    message: String,
    request_id: Option<String>,
    status: Option<u16>,
    service: Option<String>,
    action: Option<String>,
    region: Option<String>,
    attempts: u32,
    #[serde(skip)]
    failure_kind: Option<FailureKind>,
    #[serde(skip)]
    sent: Option<Sent>,
    /// Whether the same request would fail in the same way again.
    #[serde(skip)]
    is_lasting: bool,
    #[serde(skip)]
    source: Option<Arc<dyn core::error::Error + Send + Sync>>,
}

impl Error {
    fn new(kind: ErrorKind, message: String) -> Self {
        Self(Box::new(Inner {
            kind,
            code: None,
            message,
            request_id: None,
            status: None,
            service: None,
            action: None,
            region: None,
            attempts: 0,
            failure_kind: None,
            sent: None,
            is_lasting: false,
            source: None,
        }))
    }

    /// A setting is missing or wrong. `message` is one sentence that names it and says what to do.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message.into())
    }

    /// A parameter is missing or wrong. `message` is one sentence that names it and says what to do.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Parameter, message.into())
    }

    /// What a credential's source gave is none. `message` is one sentence that names the source.
    pub fn credential(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Credential, message.into())
    }

    /// The file that a job is kept in cannot be read or written. `message` is one sentence that names it.
    pub fn journal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Journal, message.into())
    }

    /// A deadline passed.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Timeout, message.into())
    }

    /// What was waited for will never be.
    pub(crate) fn failed(message: String) -> Self {
        Self::new(ErrorKind::State, message)
    }

    /// The service answered with an error.
    pub fn service(code: ErrorCode, message: String, request_id: Option<String>, status: u16) -> Self {
        let mut error = Self::new(code.kind(), message);
        error.0.code = Some(code);
        error.0.request_id = request_id;
        error.0.status = Some(status);
        error
    }

    /// An answer came that is not one of this API.
    pub fn response(message: String, request_id: Option<String>, status: u16) -> Self {
        let mut error = Self::new(ErrorKind::Response, message);
        error.0.request_id = request_id;
        error.0.status = Some(status);
        error
    }

    /// No answer came.
    pub fn transport(failure: Failure) -> Self {
        let kind = match failure.kind {
            FailureKind::Timeout => ErrorKind::Timeout,
            FailureKind::TooLarge => ErrorKind::Response,
            FailureKind::Connect | FailureKind::Interrupted | FailureKind::Cancelled => ErrorKind::Network,
        };
        let mut error = Self::new(kind, failure.message.clone());
        error.0.failure_kind = Some(failure.kind);
        error.0.sent = Some(failure.sent);
        error.0.is_lasting = failure.is_lasting;
        error.with_source(failure)
    }

    /// Adds what caused it: what [`source`](core::error::Error::source) then gives.
    #[must_use]
    pub fn with_source(mut self, source: impl core::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// A call was not sent, as no credential could be had: the action stays that of the request for one.
    pub(crate) fn without_credential(mut self) -> Self {
        const ABOUT: &str = "no credential: ";
        self.0.kind = match self.0.kind {
            kind @ (ErrorKind::Network | ErrorKind::Timeout | ErrorKind::Throttled) => kind,
            // That request lacks a setting, or a credential itself.
            ErrorKind::Config if self.0.action.is_some() => ErrorKind::Config,
            // Nobody may take a role that does not exist for an image that does not.
            _ => ErrorKind::Credential,
        };
        if !self.0.message.starts_with(ABOUT) {
            self.0.message.insert_str(0, ABOUT);
        }
        self.0.sent = Some(Sent::No);
        self
    }

    /// The same, judged and worded by whoever knows more of it.
    pub(crate) fn reworded(mut self, kind: ErrorKind, message: String) -> Self {
        self.0.kind = kind;
        self.0.message = message;
        self
    }

    /// Adds what to do about it: a clause that goes on from the sentence.
    #[must_use]
    pub fn with_advice(mut self, advice: &str) -> Self {
        let message = self.0.message.trim_end_matches('.');
        self.0.message = format!("{message}; {advice}");
        self
    }

    /// Adds why the credential that the service refused could not be read once more.
    pub(crate) fn without_better_credential(mut self, why: &Self) -> Self {
        let message = self.0.message.trim_end_matches('.').len();
        self.0.message.truncate(message);
        self.0.message.push_str("; reading it again found ");
        self.0.message.push_str(&why.0.message);
        self.with_source(why.clone())
    }

    /// Adds what was being done, where it is not known yet.
    #[must_use]
    pub fn with_call(mut self, action: &str, region: Option<&str>, attempts: u32) -> Self {
        self.0.action.get_or_insert_with(|| action.into());
        if self.0.region.is_none() {
            self.0.region = region.map(Into::into);
        }
        self.0.attempts = attempts;
        self
    }

    /// Adds which product was called, if that is not the one that this crate is about.
    pub(crate) fn with_service(mut self, service: &str) -> Self {
        if service != SERVICE {
            self.0.service.get_or_insert_with(|| service.into());
        }
        self
    }

    /// Who is at fault.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The service's error code, if the service answered with one.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.0.code.as_ref()
    }

    /// What went wrong: the service's own message, or ours.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The id to quote to the service's support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The HTTP status, if an answer came.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// What kept a whole response from arriving, if that is what went wrong.
    pub fn failure_kind(&self) -> Option<FailureKind> {
        self.0.failure_kind
    }

    /// Whether the service may have received a request that got no whole response; `None` if a response came, or the request
    /// never was made.
    pub fn sent(&self) -> Option<Sent> {
        self.0.sent
    }

    /// The product that was called, such as `sts`; `None` for the one that this crate is about.
    pub fn service_name(&self) -> Option<&str> {
        self.0.service.as_deref()
    }

    /// The action that was called.
    pub fn action(&self) -> Option<&str> {
        self.0.action.as_deref()
    }

    /// The region it was called in.
    pub fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// How often the request was sent; 0 if it never was.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether the caller went too fast.
    pub fn is_throttled(&self) -> bool {
        self.0.kind == ErrorKind::Throttled
    }

    /// Whether no answer came in time.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// Whether what the request names does not exist.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// Whether the same request may succeed later, unchanged: not with a certificate that is not accepted, nor with a proxy
    /// that wants another password.
    ///
    /// It says nothing on whether sending it again is safe: see [`outcome_unknown`](Self::outcome_unknown).
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            _ if self.0.is_lasting => false,
            ErrorKind::Throttled | ErrorKind::Network | ErrorKind::Timeout => true,
            ErrorKind::Service => self.0.code.as_ref().is_none_or(ErrorCode::is_transient),
            ErrorKind::Response => self.0.status.is_some_and(|status| status >= 500 || status == 200),
            // Whoever gives out credentials may have failed for a while.
            ErrorKind::Credential => match &self.0.code {
                Some(code) => code.is_transient(),
                None => self.0.status.is_some_and(|status| status >= 500 || status == 200),
            },
            _ => false,
        }
    }

    /// Whether the service may have done the work although no clear answer came.
    ///
    /// After `true`, look before sending again anything that is not safe to repeat.
    pub fn outcome_unknown(&self) -> bool {
        match self.0.kind {
            _ if self.0.sent == Some(Sent::No) => false,
            ErrorKind::Response => true,
            ErrorKind::Network | ErrorKind::Timeout => self.0.sent == Some(Sent::Maybe),
            ErrorKind::Service => self.0.code.as_ref().is_some_and(ErrorCode::outcome_unknown),
            _ => false,
        }
    }
}

/// One sentence on one line, in which what others wrote is [escaped](crate::output).
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let f = &mut Escaping(f);
        if let Some(action) = &inner.action {
            f.write_str(action)?;
            if let Some(service) = &inner.service {
                write!(f, " of {service}")?;
            }
            if let Some(region) = &inner.region {
                write!(f, " in {region}")?;
            }
            f.write_str(": ")?;
        }
        if let Some(code) = &inner.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(inner.message.trim_end_matches('.'))?;
        let mut open = false;
        let mut detail = |text: fmt::Arguments<'_>| {
            f.write_str(if open { ", " } else { " (" })?;
            open = true;
            f.write_fmt(text)
        };
        if let Some(status) = inner.status.filter(|&status| status != 200 || inner.code.is_none()) {
            detail(format_args!("HTTP {status}"))?;
        }
        if let Some(request_id) = &inner.request_id {
            detail(format_args!("request id {request_id}"))?;
        }
        if inner.attempts > 1 {
            detail(format_args!("after {} attempts", inner.attempts))?;
        }
        if open { f.write_str(")") } else { Ok(()) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("code", &inner.code)
            .field("message", &inner.message)
            .field("request_id", &inner.request_id)
            .field("status", &inner.status)
            .field("service", &inner.service)
            .field("action", &inner.action)
            .field("region", &inner.region)
            .field("attempts", &inner.attempts)
            .field("sent", &inner.sent)
            .finish()
    }
}

impl core::error::Error for Error {
    /// What caused it, where that is known: a [`Failure`], what cannot be read as JSON, the last error of what was waited for.
    /// The sentence of this error says it already.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// As an object, for machines: the sentence, and what it is made of.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = &*self.0;
        let members = 8 + usize::from(inner.service.is_some());
        let mut out = serializer.serialize_struct("Error", members)?;
        out.serialize_field("kind", inner.kind.as_str())?;
        out.serialize_field("code", &inner.code)?;
        out.serialize_field("message", &inner.message)?;
        out.serialize_field("request_id", &inner.request_id)?;
        out.serialize_field("status", &inner.status)?;
        match &inner.service {
            Some(service) => out.serialize_field("service", service)?,
            None => out.skip_field("service")?,
        }
        out.serialize_field("action", &inner.action)?;
        out.serialize_field("region", &inner.region)?;
        out.serialize_field("attempts", &inner.attempts)?;
        out.end()
    }
}

/// From that object. Whether a request without an answer may have arrived is not part of it, so
/// [`outcome_unknown`](Error::outcome_unknown) is `false` after a network error that was read.
impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Inner::deserialize(deserializer).map(|inner| Self(Box::new(inner)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_was_written_down_is_read_again() {
        let mut error =
            Error::service(ErrorCode::InvalidImageIdNotFound, "gone".into(), Some("r-1".into()), 200)
                .with_call("DescribeImages", Some("ap-beijing"), 2);
        for kind in ["config", "not_found", "timeout", "journal"] {
            let mut written = serde_json::to_value(&error).unwrap();
            written["kind"] = kind.into();
            error = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(error.kind().as_str(), kind, "both directions have the same words");
            assert_eq!(serde_json::to_value(&error).unwrap(), written);
        }
    }
}
