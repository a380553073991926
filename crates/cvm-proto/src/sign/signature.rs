//! Stages 3 and 4 of TC3: the signing key, derived from the secret key, and the signature made with it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::SignMethod;
use super::hex::Hex;
use super::sha256::{self, HmacKey};
use super::string_to_sign::{CredentialScope, StringToSign, TERMINATOR};

/// The three keys between the secret key and a signature, each made from the one before it.
///
/// They sign like the secret key itself, for a day: they are wiped when dropped, and `Debug` shows none.
pub struct KeyChain {
    /// HMAC of the date under `TC3` and the secret key.
    pub secret_date: Zeroizing<[u8; 32]>,
    /// HMAC of the service under `secret_date`.
    pub secret_service: Zeroizing<[u8; 32]>,
    /// HMAC of `tc3_request` under `secret_service`: what signs.
    pub secret_signing: Zeroizing<[u8; 32]>,
}

impl KeyChain {
    /// Derives the keys for a scope.
    pub fn derive(secret_key: &str, scope: CredentialScope<'_>) -> Self {
        // Of the full size at once, so that growing leaves no copy of the secret behind.
        let mut first = Zeroizing::new(Vec::with_capacity(3 + secret_key.len()));
        first.extend_from_slice(b"TC3");
        first.extend_from_slice(secret_key.as_bytes());
        let secret_date = hmac_sha256(&first, scope.date.as_str());
        let secret_service = hmac_sha256(&*secret_date, scope.service);
        let secret_signing = hmac_sha256(&*secret_service, TERMINATOR);
        Self { secret_date, secret_service, secret_signing }
    }
}

impl fmt::Debug for KeyChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyChain(***)")
    }
}

fn hmac_sha256(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(HmacKey::new(key).sign(text.as_bytes()))
}

/// A key that signs for one UTC day and one service.
///
/// It is kept as the state of an HMAC that has taken its key in, so a signature costs two hashes and not four. The
/// state is wiped when dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct SigningKey(HmacKey);

impl SigningKey {
    /// Derives the key for a scope.
    pub fn derive(secret_key: &str, scope: CredentialScope<'_>) -> Self {
        Self::new(&KeyChain::derive(secret_key, scope))
    }

    /// The key at the end of a chain.
    pub fn new(chain: &KeyChain) -> Self {
        Self(HmacKey::new(&*chain.secret_signing))
    }

    /// Signs. The string's scope has to be the one that the key was derived for.
    pub fn sign(&self, text: &StringToSign<'_>) -> Signature {
        self.sign_with(text, &mut String::new())
    }

    /// Signs, and writes the string to sign to `memory` on the way.
    pub(crate) fn sign_with(&self, text: &StringToSign<'_>, memory: &mut String) -> Signature {
        text.push_to(memory);
        Signature(self.0.sign(memory.as_bytes()))
    }

    /// Whether `signature` is that of `text`, in a time that does not depend on where the two differ.
    pub fn verify(&self, text: &StringToSign<'_>, signature: &[u8; 32]) -> bool {
        sha256::same(&self.sign(text).0, signature)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

/// A TC3 signature. `Display` is its 64 hexadecimal digits.
#[derive(Clone, Copy)]
pub struct Signature([u8; 32]);

impl Signature {
    /// The signature's bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// How long it is as text.
    pub(crate) const LEN: usize = 64;

    pub(crate) fn write(&self, to: &mut String) {
        to.push_str(Hex::new(&self.0).as_str());
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Hex::new(&self.0).as_str())
    }
}

impl fmt::Debug for Signature {
    /// Shows nothing: until it expires, a signature lets others send the request again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(***)")
    }
}

/// The value of the `Authorization` header; `signed_headers` is
/// [`CanonicalRequest::signed_headers`](super::CanonicalRequest::signed_headers).
pub fn authorization(
    secret_id: &str,
    scope: CredentialScope<'_>,
    signed_headers: &str,
    signature: &Signature,
) -> String {
    let mut text = unsigned_authorization(secret_id, scope, signed_headers);
    signature.write(&mut text);
    text
}

/// An `Authorization` header up to its signature, with room for it.
pub(crate) fn unsigned_authorization(
    secret_id: &str,
    scope: CredentialScope<'_>,
    signed_headers: &str,
) -> String {
    const PUNCTUATION: usize = " Credential=/".len() + ", SignedHeaders=".len() + ", Signature=".len();
    let scope_len = scope.date.as_str().len() + scope.service.len() + "//".len() + TERMINATOR.len();
    let method = SignMethod::Tc3HmacSha256.as_str();
    let len = method.len() + PUNCTUATION + secret_id.len() + scope_len + signed_headers.len();
    let mut text = String::with_capacity(len + Signature::LEN);
    for part in [method, " Credential=", secret_id, "/"] {
        text.push_str(part);
    }
    scope.push_to(&mut text);
    for part in [", SignedHeaders=", signed_headers, ", Signature="] {
        text.push_str(part);
    }
    debug_assert_eq!(text.len(), len);
    text
}
