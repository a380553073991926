//! Stage 2 of TC3: the string to sign, which binds the canonical request to a time and a credential scope.

use alloc::string::String;
use core::fmt;

use super::hex::Hex;
use crate::codec::date::civil_from_days;

/// The last part of every credential scope.
pub(crate) const TERMINATOR: &str = "tc3_request";

/// The first line of every string to sign.
const FIRST_LINE: &str = "TC3-HMAC-SHA256\n";

/// A UTC date, written `2019-02-25`; a year above 9999 takes the digits it needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Date {
    text: [u8; Self::MAX],
    len: u8,
}

impl Date {
    /// Twelve digits of a year, the most that a `u64` of seconds can reach, and `-MM-DD`.
    const MAX: usize = 18;

    /// The date at a time in seconds since 1970-01-01T00:00:00Z.
    pub fn at(timestamp: u64) -> Self {
        let (year, month, day) = civil_from_days(Self::number(timestamp));
        let mut text = [b'0'; Self::MAX];
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(year).as_bytes();
        let year_len = digits.len().max(4);
        text[year_len - digits.len()..year_len].copy_from_slice(digits);
        let rest = [b'-', b'0' + month / 10, b'0' + month % 10, b'-', b'0' + day / 10, b'0' + day % 10];
        text[year_len..year_len + rest.len()].copy_from_slice(&rest);
        // At most `MAX`, see there.
        #[allow(clippy::cast_possible_truncation)]
        let len = (year_len + rest.len()) as u8;
        Self { text, len }
    }

    /// Days from 1970-01-01 to a time in seconds since then.
    pub(crate) const fn number(timestamp: u64) -> u64 {
        timestamp / 86_400
    }

    /// The date as text.
    // No panic can be reached, so none is documented.
    #[allow(clippy::missing_panics_doc)]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).expect("only digits and hyphens were written")
    }

    fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a signing key is good for: one UTC day and one service. `Display` is `2019-02-25/cvm/tc3_request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialScope<'a> {
    pub(crate) date: Date,
    pub(crate) service: &'a str,
}

impl<'a> CredentialScope<'a> {
    /// The scope of a request that is sent at `timestamp` (seconds since 1970) to `service`, such as `cvm`.
    pub fn new(timestamp: u64, service: &'a str) -> Self {
        Self { date: Date::at(timestamp), service }
    }

    /// The UTC date.
    pub fn date(&self) -> Date {
        self.date
    }

    /// The service.
    pub fn service(&self) -> &'a str {
        self.service
    }

    #[inline]
    pub(super) fn push_to(&self, text: &mut String) {
        for part in [self.date.as_str(), "/", self.service, "/", TERMINATOR] {
            text.push_str(part);
        }
    }
}

impl fmt::Display for CredentialScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{TERMINATOR}", self.date, self.service)
    }
}

/// What is signed. `Display` is the text itself: four lines, the last without a line break.
#[derive(Clone, Copy, Debug)]
pub struct StringToSign<'a> {
    /// Seconds since 1970, as `X-TC-Timestamp` says.
    pub timestamp: u64,
    /// The scope; its date is that of `timestamp`.
    pub scope: CredentialScope<'a>,
    /// [`CanonicalRequest::hash`](super::CanonicalRequest::hash).
    pub canonical_hash: [u8; 32],
}

impl StringToSign<'_> {
    pub(super) fn push_to(&self, text: &mut String) {
        // Enough for a service's usual name, so that the text is never moved.
        text.reserve(160);
        text.push_str(FIRST_LINE);
        text.push_str(itoa::Buffer::new().format(self.timestamp));
        text.push('\n');
        self.scope.push_to(text);
        text.push('\n');
        text.push_str(Hex::new(&self.canonical_hash).as_str());
    }
}

impl fmt::Display for StringToSign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.push_to(&mut text);
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_utc_and_every_time_has_one() {
        for (timestamp, expected) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (86_400, "1970-01-02"),
            (1_551_113_065, "2019-02-25"),
            (1_582_934_400, "2020-02-29"),
            (4_102_444_799, "2099-12-31"),
            (253_402_300_799, "9999-12-31"),
            (253_402_300_800, "10000-01-01"),
            (u64::MAX, "584554051223-11-09"),
        ] {
            assert_eq!(Date::at(timestamp).as_str(), expected);
        }
    }
}
