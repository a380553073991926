//! Signatures: TC3-HMAC-SHA256 and the older v1, one file per stage of the specification.
//!
//! ```text
//!   TC3   CanonicalRequest ──hash──▶ StringToSign ──SigningKey──▶ Signature ──▶ authorization
//!   v1    v1::string_to_sign ──secret key──▶ v1::sign
//! ```
//!
//! Each stage is written once: its `Display` is what a person reads, and the client streams the very same text into the
//! hash. [`verify`](mod@verify) is the mirror image, for an endpoint;
//! [`explain`] shows every stage of one signature, for people who look for the difference.
//!
//! ```
//! use cvm_proto::sign::{CanonicalRequest, CredentialScope, Payload, SigningKey, StringToSign, authorization};
//!
//! let request = CanonicalRequest {
//!     method: "GET",
//!     path: "/",
//!     query: "Limit=10&Offset=0",
//!     headers: &[("content-type", "application/x-www-form-urlencoded"), ("host", "cvm.tencentcloudapi.com")],
//!     payload: Payload::Body(b""),
//! };
//! let scope = CredentialScope::new(1_539_084_154, "cvm");
//! let text = StringToSign { timestamp: 1_539_084_154, scope, canonical_hash: request.hash() };
//! let key = SigningKey::derive("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", scope);
//! let signature = key.sign(&text);
//! assert_eq!(signature.to_string(), "5da7a33f6993f0614b047e5df4582db9e9bf4672ba50567dba16c6ccf174c474");
//! assert_eq!(
//!     authorization("AKIDexample", scope, &request.signed_headers(), &signature),
//!     "TC3-HMAC-SHA256 Credential=AKIDexample/2018-10-09/cvm/tc3_request, SignedHeaders=content-type;host, \
//!      Signature=5da7a33f6993f0614b047e5df4582db9e9bf4672ba50567dba16c6ccf174c474",
//! );
//! ```

use core::fmt;
use core::str::FromStr;

use crate::error::Error;

pub mod canonical;
pub mod explain;
mod hex;
pub(crate) mod key_part;
mod sha256;
pub mod signature;
pub mod string_to_sign;
pub mod v1;
pub mod verify;

pub use canonical::{CanonicalRequest, Payload};
pub use signature::{KeyChain, Signature, SigningKey, authorization};
pub use string_to_sign::{CredentialScope, Date, StringToSign};

/// The headers that the client signs with TC3.
pub(crate) const SIGNED_HEADERS: &str = "content-type;host;x-tc-action";

/// How a request is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SignMethod {
    /// TC3-HMAC-SHA256: the signature covers method, query, headers and body, and stands in `Authorization`.
    #[default]
    Tc3HmacSha256,
    /// v1 with SHA-256: the signature covers the parameters and is one of them.
    HmacSha256,
    /// v1 with SHA-1, which is what the service takes v1 to be when a request names no method.
    HmacSha1,
}

impl SignMethod {
    /// The method as the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tc3HmacSha256 => "TC3-HMAC-SHA256",
            Self::HmacSha256 => "HmacSHA256",
            Self::HmacSha1 => "HmacSHA1",
        }
    }
}

impl fmt::Display for SignMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SignMethod {
    type Err = Error;

    /// Reads exactly what [`as_str`](Self::as_str) gives.
    fn from_str(text: &str) -> Result<Self, Error> {
        [Self::Tc3HmacSha256, Self::HmacSha256, Self::HmacSha1]
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or_else(|| {
                Error::config(alloc::format!(
                    "sign method `{}` is not known: use TC3-HMAC-SHA256, HmacSHA256 or HmacSHA1",
                    text.escape_debug()
                ))
            })
    }
}
