//! An answer with an error in it.

use std::borrow::Cow;
use std::fmt;

/// Why a request is not done: an error code of the API, and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// A short form for use with `?` and `ok_or_else`.
pub(crate) fn refuse<T>(code: &'static str, message: impl Into<Cow<'static, str>>) -> Result<T, Refusal> {
    Err(Refusal::new(code, message))
}
