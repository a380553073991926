//! Headers that a user adds to requests.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::input;

/// Headers that every request of an action has beside its own. They are not signed, and `Debug` shows no value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExtraHeaders(Arc<Vec<(String, Zeroizing<String>)>>);

/// What belongs to the connection, or to the transport, and what would change how an answer is written.
const RESERVED: [&str; 15] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// The names of the API's own headers begin so.
const RESERVED_PREFIX: &str = "x-tc-";

const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 8 << 10;

impl ExtraHeaders {
    /// Sets a header, in the place of one with the same name. Names are the same whatever their case.
    ///
    /// Whether it can be one is found when a client is made.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (mut name, value) = (name.into(), Zeroizing::new(value.into()));
        name.make_ascii_lowercase();
        let headers = Arc::make_mut(&mut self.0);
        match headers.iter_mut().find(|(set, _)| *set == name) {
            Some((_, set)) => *set = value,
            None => headers.push((name, value)),
        }
    }

    /// Names in lower case, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many there are.
    #[cfg(feature = "http")]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether each can stand in a request; no error shows a value.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (name, value) in self.iter() {
            let wrong =
                |why: &str| Err(Error::config(format!("the header `{}` {why}", input::excerpt(name))));
            let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
            if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_token) {
                return wrong("has a name that is none: use 1 to 128 letters, digits and hyphens");
            }
            if RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX) {
                return wrong("is set by the client or its transport: leave it out");
            }
            if value.len() > LONGEST_VALUE {
                return wrong("has a value of more than 8192 bytes: shorten it");
            }
            if value.starts_with(' ')
                || value.ends_with(' ')
                || !value.bytes().all(|b| matches!(b, 0x20..=0x7e))
            {
                return wrong(
                    "has a value that no header can have: use printable ASCII, without blanks around it",
                );
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ExtraHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, _)| (name, "***"))).finish()
    }
}
