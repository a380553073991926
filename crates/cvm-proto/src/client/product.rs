//! A product of Tencent Cloud, and the version of its API.

use alloc::borrow::Cow;
use alloc::format;

use crate::error::Error;
use crate::input;
use crate::service::{SERVICE, VERSION};

/// A product, and the version of its API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    name: Cow<'static, str>,
    version: Cow<'static, str>,
}

impl Product {
    /// The product that this crate is about.
    pub(crate) const fn own() -> Self {
        Self::known(SERVICE, VERSION)
    }

    /// A product that this crate knows.
    pub(crate) const fn known(name: &'static str, version: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), version: Cow::Borrowed(version) }
    }

    /// Checks a product that somebody names.
    pub(crate) fn new(name: &str, version: &str) -> Result<Self, Error> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_label = !name.starts_with('-') && !name.ends_with('-');
        if name.is_empty() || name.len() > 63 || !is_label || !name.bytes().all(fits) {
            return Err(Error::config(format!(
                "service `{}` is not a product's name: it is the first part of its host, as `vpc`",
                input::excerpt(name)
            )));
        }
        let digit = |at| matches!(at, 0..=3 | 5..=6 | 8..=9);
        let is_date = version.len() == 10
            && version
                .bytes()
                .enumerate()
                .all(|(at, b)| if digit(at) { b.is_ascii_digit() } else { b == b'-' });
        if !is_date {
            return Err(Error::config(format!(
                "version `{}` is not that of an API: it is a date, as `{VERSION}`",
                input::excerpt(version)
            )));
        }
        Ok(Self { name: Cow::Owned(name.into()), version: Cow::Owned(version.into()) })
    }

    /// The first label of its hosts, and part of every credential scope.
    pub(crate) fn name(&self) -> &Cow<'static, str> {
        &self.name
    }

    pub(crate) fn version(&self) -> &Cow<'static, str> {
        &self.version
    }

    /// Whether it is the product that this crate is about: only of that one actions are known.
    pub(crate) fn is_own(&self) -> bool {
        *self == Self::own()
    }
}
