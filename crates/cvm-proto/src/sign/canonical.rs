//! Stage 1 of TC3: the canonical request, which is what both sides believe was sent.

use alloc::string::String;
use core::fmt;

use super::hex::Hex;
use super::sha256::{Midstate, Sha256};
use super::sink::{Shown, Sink};

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
        Sha256::digest(bytes)
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
        self.write_names(&mut names);
        names
    }

    /// SHA-256 of the canonical request: what the string to sign holds of it.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.write_head(&mut hash);
        hash.update(Hex::new(&self.payload.hash()).as_bytes());
        hash.finalize()
    }

    /// The hash's state after everything but the body, for a client that sends many bodies with one head.
    pub(crate) fn head(&self) -> Head {
        let mut hash = Sha256::new();
        self.write_head(&mut hash);
        Head(hash.midstate())
    }

    fn write_head(&self, to: &mut impl Sink) {
        for line in [self.method, self.path, self.query] {
            to.put(line.as_bytes());
            to.put(b"\n");
        }
        for (name, value) in self.headers {
            write_lower_case(name, to);
            to.put(b":");
            to.put(value.trim().as_bytes());
            to.put(b"\n");
        }
        to.put(b"\n");
        self.write_names(to);
        to.put(b"\n");
    }

    fn write_names(&self, to: &mut impl Sink) {
        for (i, (name, _)) in self.headers.iter().enumerate() {
            if i > 0 {
                to.put(b";");
            }
            write_lower_case(name, to);
        }
    }
}

impl fmt::Display for CanonicalRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = Shown::new(f);
        self.write_head(&mut shown);
        shown.put(Hex::new(&self.payload.hash()).as_bytes());
        shown.result()
    }
}

fn write_lower_case(name: &str, to: &mut impl Sink) {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        to.put(name.to_ascii_lowercase().as_bytes());
    } else {
        to.put(name.as_bytes());
    }
}

/// The state of the hash after all of a canonical request but the hash of its body.
#[derive(Clone)]
pub(crate) struct Head(Midstate);

impl Head {
    /// The hash of the whole canonical request.
    pub(crate) fn hash(&self, payload_hash: &[u8; 32]) -> [u8; 32] {
        let mut hash = self.0.begin();
        hash.update(Hex::new(payload_hash).as_bytes());
        hash.finalize()
    }
}
