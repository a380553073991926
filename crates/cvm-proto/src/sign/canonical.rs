//! Stage 1 of TC3: the canonical request, which is what both sides believe was sent.

use alloc::string::String;
use core::fmt;

use sha2::{Digest, Sha256};

use super::Feed;
use super::hex::Hex;

/// Stands in the canonical request, hashed, in place of a body that is not signed.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// A request as TC3 signs it. `Display` is the text itself:
///
/// ```text
/// POST                                       method
/// /                                          path
///                                            query, as sent
/// content-type:application/json              the signed headers, one a line
/// host:cvm.tencentcloudapi.com
///                                            an empty line
/// content-type;host                          their names
/// 35e9c5b0e3ae67532d3c9f17ead6c902...        SHA-256 of the body
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CanonicalRequest<'a> {
    /// `GET` or `POST`.
    pub method: &'a str,
    /// The path; `/` for every action of the service.
    pub path: &'a str,
    /// The query byte for byte as it is sent, without its `?`; empty if there is none.
    pub query: &'a str,
    /// Names and values of the signed headers, in signed order. Names are written in lower case and values without
    /// white space around them; otherwise a value is written as given.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub payload: Payload<'a>,
}

/// What is hashed for the body.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// The body as it is sent; empty for GET.
    Body(&'a [u8]),
    /// The literal `UNSIGNED-PAYLOAD`, announced with the header `X-TC-Content-SHA256`.
    Unsigned,
}

impl Payload<'_> {
    /// SHA-256 of what is hashed for the body.
    pub fn hash(self) -> [u8; 32] {
        let bytes = match self {
            Self::Body(bytes) => bytes,
            Self::Unsigned => UNSIGNED_PAYLOAD.as_bytes(),
        };
        Sha256::digest(bytes).into()
    }
}

impl fmt::Debug for Payload<'_> {
    /// Shows the size of the body, not the body: it may hold what a log should not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Self::Unsigned => f.write_str("Unsigned"),
        }
    }
}

impl CanonicalRequest<'_> {
    /// The names of the signed headers, as they stand in the canonical request and in `Authorization`.
    pub fn signed_headers(&self) -> String {
        let mut names = String::new();
        let _infallible = self.write_names(&mut names);
        names
    }

    /// SHA-256 of the canonical request: what the string to sign holds of it.
    pub fn hash(&self) -> [u8; 32] {
        self.head().hash(&self.payload.hash())
    }

    /// The hash's state after everything but the body, for a client that sends many bodies with one head.
    pub(crate) fn head(&self) -> Head {
        let mut state = Sha256::new();
        let _infallible = self.write_head(&mut Feed(&mut state));
        Head(state)
    }

    fn write_head(&self, to: &mut impl fmt::Write) -> fmt::Result {
        for line in [self.method, self.path, self.query] {
            to.write_str(line)?;
            to.write_char('\n')?;
        }
        for (name, value) in self.headers {
            write_lower_case(name, to)?;
            to.write_char(':')?;
            to.write_str(value.trim())?;
            to.write_char('\n')?;
        }
        to.write_char('\n')?;
        self.write_names(to)?;
        to.write_char('\n')
    }

    fn write_names(&self, to: &mut impl fmt::Write) -> fmt::Result {
        for (i, (name, _)) in self.headers.iter().enumerate() {
            if i > 0 {
                to.write_char(';')?;
            }
            write_lower_case(name, to)?;
        }
        Ok(())
    }
}

impl fmt::Display for CanonicalRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_head(f)?;
        f.write_str(Hex::new(&self.payload.hash()).as_str())
    }
}

fn write_lower_case(name: &str, to: &mut impl fmt::Write) -> fmt::Result {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        name.chars().try_for_each(|c| to.write_char(c.to_ascii_lowercase()))
    } else {
        to.write_str(name)
    }
}

/// The state of the hash after all of a canonical request but the hash of its body.
#[derive(Clone)]
pub(crate) struct Head(Sha256);

impl Head {
    /// The hash of the whole canonical request.
    pub(crate) fn hash(mut self, payload_hash: &[u8; 32]) -> [u8; 32] {
        self.0.update(Hex::new(payload_hash).as_str());
        self.0.finalize().into()
    }
}
