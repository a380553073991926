//! The older signatures, HmacSHA256 and HmacSHA1: over the parameters themselves.

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

use super::SignMethod;

/// The string to sign: method, host, path, `?`, and the parameters sorted by name, with their values decoded.
///
/// `params` holds every parameter of the request, the common ones included, except `Signature`. Values are written
/// as they are, not percent-encoded.
pub fn string_to_sign<N: AsRef<str>, V: AsRef<str>>(
    method: &str,
    host: &str,
    path: &str,
    params: &[(N, V)],
) -> String {
    let mut sorted: Vec<(&str, &str)> =
        params.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    // Stable, so that a name given twice is signed in the order it is sent in.
    sorted.sort_by_key(|(name, _)| *name);
    let len = sorted.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>();
    let mut text = String::with_capacity(method.len() + host.len() + path.len() + 1 + len);
    for part in [method, host, path, "?"] {
        text.push_str(part);
    }
    for (i, (name, value)) in sorted.iter().enumerate() {
        if i > 0 {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text
}

/// Signs, and writes the signature in base64, as the parameter `Signature` takes it.
///
/// SHA-1 for [`SignMethod::HmacSha1`], SHA-256 for the others.
pub fn sign(method: SignMethod, secret_key: &str, string_to_sign: &str) -> String {
    match method {
        SignMethod::HmacSha1 => {
            STANDARD.encode(mac::<Hmac<Sha1>>(secret_key, string_to_sign).finalize().into_bytes())
        }
        SignMethod::HmacSha256 | SignMethod::Tc3HmacSha256 => {
            STANDARD.encode(mac::<Hmac<Sha256>>(secret_key, string_to_sign).finalize().into_bytes())
        }
    }
}

/// Whether `signature`, in base64, is that of the string, in a time that does not depend on where the two differ.
pub fn verify(method: SignMethod, secret_key: &str, string_to_sign: &str, signature: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    match method {
        SignMethod::HmacSha1 => {
            mac::<Hmac<Sha1>>(secret_key, string_to_sign).verify_slice(&signature).is_ok()
        }
        SignMethod::HmacSha256 | SignMethod::Tc3HmacSha256 => {
            mac::<Hmac<Sha256>>(secret_key, string_to_sign).verify_slice(&signature).is_ok()
        }
    }
}

fn mac<M: Mac + KeyInit>(secret_key: &str, text: &str) -> M {
    let mac = <M as KeyInit>::new_from_slice(secret_key.as_bytes()).expect("HMAC takes a key of any length");
    mac.chain_update(text)
}
