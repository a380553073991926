//! Stage 1 of TC3: the canonical request, which is what both sides believe was sent.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::hex::Hex;
use super::sha256::{self, Midstate};

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
        sha256::digest(bytes)
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
        self.push_names(&mut names);
        names
    }

    /// SHA-256 of the canonical request: what the string to sign holds of it.
    pub fn hash(&self) -> [u8; 32] {
        sha256::digest(self.text().as_bytes())
    }

    fn text(&self) -> String {
        let mut text = self.head_text();
        text.push_str(Hex::new(&self.payload.hash()).as_str());
        text
    }

    /// The hash's state after everything but the body, for a client that sends many bodies with one head.
    pub(crate) fn head(&self) -> Head {
        let text = self.head_text();
        let (state, rest) = Midstate::after(text.as_bytes());
        Head { state, rest: rest.into() }
    }

    fn head_text(&self) -> String {
        // Enough for a request without a query, so that its text is never moved.
        let mut text = String::with_capacity(256);
        for line in [self.method, self.path, self.query] {
            text.push_str(line);
            text.push('\n');
        }
        for (name, value) in self.headers {
            push_lower_case(name, &mut text);
            text.push(':');
            text.push_str(value.trim());
            text.push('\n');
        }
        text.push('\n');
        self.push_names(&mut text);
        text.push('\n');
        text
    }

    fn push_names(&self, text: &mut String) {
        for (i, (name, _)) in self.headers.iter().enumerate() {
            if i > 0 {
                text.push(';');
            }
            push_lower_case(name, text);
        }
    }
}

impl fmt::Display for CanonicalRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

fn push_lower_case(name: &str, text: &mut String) {
    let start = text.len();
    text.push_str(name);
    text[start..].make_ascii_lowercase();
}

/// The state of the hash after all of a canonical request but the hash of its body.
pub(crate) struct Head {
    state: Midstate,
    rest: Vec<u8>,
}

impl Head {
    /// The hash of the whole canonical request.
    pub(crate) fn hash(&self, payload_hash: &[u8; 32]) -> [u8; 32] {
        let mut rest = [0; 128];
        let end = self.rest.len() + 64;
        rest[..self.rest.len()].copy_from_slice(&self.rest);
        rest[self.rest.len()..end].copy_from_slice(Hex::new(payload_hash).as_bytes());
        self.state.finish(&rest[..end])
    }
}
