//! How the texts of settings are read.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use cvm_proto::{Error, Language, Scheme, input};

use crate::environment::Environment;
use crate::file::{MAX_BYTES, Unread};
use crate::setting::Setting;

/// The proxy that is none.
pub(crate) const NO_PROXY: &str = "none";

/// A value of a setting, as it was written.
pub(crate) struct Given<'a> {
    pub(crate) setting: Setting,
    pub(crate) value: &'a str,
}

impl Given<'_> {
    pub(crate) fn switch(&self) -> Result<bool, Error> {
        match self.value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(self.wrong("is not true or false: write one of them")),
        }
    }

    pub(crate) fn scheme(&self) -> Result<Scheme, Error> {
        match self.value.to_ascii_lowercase().as_str() {
            "http" => Ok(Scheme::Http),
            "https" => Ok(Scheme::Https),
            _ => Err(self.wrong("is not https or http: write one of them")),
        }
    }

    pub(crate) fn language(&self) -> Result<Language, Error> {
        let known = [Language::Chinese, Language::English];
        known
            .into_iter()
            .find(|language| language.as_str().eq_ignore_ascii_case(self.value))
            .ok_or_else(|| self.wrong("is not zh-CN or en-US: write one of them"))
    }

    /// A time: `30` seconds, `500ms`, `10s`, `2m`.
    pub(crate) fn time(&self) -> Result<Duration, Error> {
        time(self.value).ok_or_else(|| self.wrong("is not a time: write one such as `30s`, `500ms` or `2m`"))
    }

    pub(crate) fn attempts(&self) -> Result<u32, Error> {
        let attempts = self.value.parse().ok().filter(|attempts| (1..=100).contains(attempts));
        attempts.ok_or_else(|| {
            self.wrong(
                "is not a number from 1 to 100: write how often a request may be sent, the first time included",
            )
        })
    }

    /// The certificates in the file that is named, in PEM.
    pub(crate) fn certificates(&self, environment: &Environment) -> Result<Vec<u8>, Error> {
        let read = environment.read(&environment.path(self.value), MAX_BYTES);
        let pem = read.map_err(|error| {
            let advice = match &error {
                Unread::Absent(_) => ": name one with certificates in PEM",
                Unread::Other(_) => "",
            };
            self.wrong(&format!("cannot be read: {error}{advice}"))
        })?;
        input::certificates(&pem).map_err(|error| self.wrong(&error.to_string()))?;
        Ok(pem)
    }

    /// The error of a value that is none of this setting; `what` goes on from it.
    #[cold]
    fn wrong(&self, what: &str) -> Error {
        Error::config(format!("{} `{}` {what}", self.setting, input::excerpt(self.value)))
    }
}

/// A time in seconds or with its unit, and more than none.
pub(crate) fn time(value: &str) -> Option<Duration> {
    let seconds = value.parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()));
    seconds.or_else(|| crate::time::parse(value)).filter(|time| !time.is_zero())
}
