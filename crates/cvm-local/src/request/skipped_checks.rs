//! The checks that can be skipped, one by one.

use std::fmt;
use std::str::FromStr;

use cvm_proto::input;

use crate::request::params::Shown;

/// A check that the endpoint makes unless it is to be skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// That a timestamp is within 300 s of the signature clock, and a temporary credential has not expired.
    Clock,
    /// That a signed POST request says `application/json`; without the check any body but multipart is read as JSON.
    ContentType,
    /// That an account sends no more requests a second than the service takes.
    Rates,
    /// That a request is signed, and by whom. Without the check an unknown secret id, or none, means the seed's first
    /// account.
    Signature,
    /// That a temporary credential comes with its token, and a permanent one with none.
    Token,
    /// That a number is no text and a text is no number, in JSON; without the check `"20"` is accepted for 20.
    Types,
    /// That every parameter is one of the action's; without the check the others are ignored.
    UnknownParameters,
    /// That a request names the version of the API.
    Version,
}

impl Check {
    /// All of them, by name.
    pub const ALL: [Self; 8] = [
        Self::Clock,
        Self::ContentType,
        Self::Rates,
        Self::Signature,
        Self::Token,
        Self::Types,
        Self::UnknownParameters,
        Self::Version,
    ];

    /// Its name, as in `unknown-parameters`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::ContentType => "content-type",
            Self::Rates => "rates",
            Self::Signature => "signature",
            Self::Token => "token",
            Self::Types => "types",
            Self::UnknownParameters => "unknown-parameters",
            Self::Version => "version",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Check {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|check| check.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            let shown = Shown(text);
            match input::closest(text, names.into_iter()) {
                Some(meant) => format!("there is no check `{shown}`: did you mean `{meant}`?"),
                None => format!("there is no check `{shown}`: use one of {}", names.join(", ")),
            }
        })
    }
}

/// The checks that are skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SkippedChecks(u16);

impl SkippedChecks {
    pub(crate) fn set(&mut self, check: Check, skipped: bool) {
        let bit = 1 << check as u16;
        self.0 = if skipped { self.0 | bit } else { self.0 & !bit };
    }

    pub(crate) fn has(self, check: Check) -> bool {
        self.0 & (1 << check as u16) != 0
    }

    /// Their names.
    pub(crate) fn names(self) -> Vec<&'static str> {
        Check::ALL.into_iter().filter(|&check| self.has(check)).map(Check::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_has_a_name_and_a_place_of_its_own() {
        let mut skipped_checks = SkippedChecks::default();
        for check in Check::ALL {
            assert_eq!(check.to_string().parse(), Ok(check));
            assert!(!skipped_checks.has(check));
            skipped_checks.set(check, true);
            assert_eq!(skipped_checks.names().last(), Some(&check.as_str()));
        }
        skipped_checks.set(Check::Rates, false);
        assert_eq!(skipped_checks.names().len(), Check::ALL.len() - 1);
        assert_eq!(
            "sinature".parse::<Check>().unwrap_err(),
            "there is no check `sinature`: did you mean `signature`?"
        );
        assert!("colour".parse::<Check>().unwrap_err().contains("unknown-parameters"));
    }
}
