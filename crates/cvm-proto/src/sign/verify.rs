//! The mirror image of signing: what an endpoint does with a request that claims to be signed.
//!
//! [`claims`] reads what the request says about itself, so that the endpoint can look up the key; [`verify`] then
//! tells whether that key signed exactly this request. The endpoint still has to compare the time with its clock.
//!
//! Clients in use differ in details that the service puts up with, and so does this: any set of signed headers that
//! holds `content-type` and `host`; values of `x-tc-*` headers and parameters of the content type signed as sent or
//! in lower case; the host signed with its port or without; in v1, `_` in names signed as `.`, `true` and `false`
//! as `True` and `False`, and parameters without a value not signed at all.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::canonical::{CanonicalRequest, Payload, UNSIGNED_PAYLOAD};
use super::hex::Hex;
use super::signature::SigningKey;
use super::string_to_sign::{CredentialScope, StringToSign, TERMINATOR};
use super::{SignMethod, v1};
use crate::codec::percent;
use crate::error::ErrorCode;

/// A request as an endpoint received it.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The path, as sent.
    pub path: &'a str,
    /// The query as sent, still percent-encoded, without its `?`.
    pub query: &'a str,
    /// Names, in any case, and values of all headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// What a request says about itself. Nothing of it is proved before [`verify`] says so.
#[derive(Clone)]
#[non_exhaustive]
pub struct Claims {
    /// How it is signed.
    pub method: SignMethod,
    /// Whose key signed it.
    pub secret_id: String,
    /// When it was signed, in seconds since 1970.
    pub timestamp: u64,
    /// The token of a temporary credential; `None` if absent or empty.
    pub token: Option<String>,
    /// The service that the credential scope names (TC3 only).
    pub scope_service: Option<String>,
    /// Every parameter of a v1 request but `Signature`, decoded, in the order of the request; empty for TC3.
    pub parameters: Vec<(String, String)>,
    signature: String,
    signed_headers: String,
}

impl Claims {
    /// What the key of a TC3 request is derived for; without a service for v1.
    pub fn scope(&self) -> CredentialScope<'_> {
        CredentialScope::new(self.timestamp, self.scope_service.as_deref().unwrap_or_default())
    }
}

impl core::fmt::Debug for Claims {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Claims")
            .field("method", &self.method)
            .field("secret_id", &self.secret_id)
            .field("timestamp", &self.timestamp)
            .field("scope_service", &self.scope_service)
            .finish_non_exhaustive()
    }
}

/// Why a request is not accepted as signed. `Display` is a sentence for the caller; it holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header or parameter without which a request cannot be signed is not there.
    #[error("the parameter `{0}` is missing: send it with every request")]
    Missing(&'static str),
    /// A header or parameter cannot be read.
    #[error("the parameter `{name}` {problem}")]
    Malformed {
        /// Its name.
        name: &'static str,
        /// What is wrong with it, as the end of a sentence.
        problem: &'static str,
    },
    /// The `Authorization` header is not one of TC3.
    #[error("the Authorization header {0}")]
    Authorization(&'static str),
    /// Query or form cannot be decoded.
    #[error("the parameters cannot be decoded: {0}")]
    Encoding(String),
    /// The signature is not that of this request under this key.
    #[error(
        "the signature is not that of this request: compare the string to sign, and check the secret key"
    )]
    Mismatch,
}

impl VerifyError {
    /// The code that the service answers with.
    pub fn code(&self) -> ErrorCode {
        ErrorCode::from(match self {
            Self::Missing(_) => "MissingParameter",
            Self::Malformed { .. } | Self::Encoding(_) => "InvalidParameter",
            Self::Authorization(_) => "AuthFailure.InvalidAuthorization",
            Self::Mismatch => "AuthFailure.SignatureFailure",
        })
    }
}

/// Reads what a request says about itself: TC3 if it has an `Authorization` header, else v1 with its parameters in
/// the query (GET) or the form (POST).
///
/// # Errors
///
/// [`VerifyError`], if it does not say enough to be verified.
pub fn claims(incoming: &Incoming<'_>) -> Result<Claims, VerifyError> {
    match header(incoming, "authorization")? {
        Some(authorization) => tc3_claims(incoming, authorization),
        None => v1_claims(incoming),
    }
}

/// Tells whether `secret_key` signed exactly this request. The comparison takes the same time wherever two signatures
/// differ.
///
/// # Errors
///
/// [`VerifyError::Mismatch`] if it did not; another [`VerifyError`] if the request does not have what the claims say
/// is signed.
pub fn verify(incoming: &Incoming<'_>, claims: &Claims, secret_key: &str) -> Result<(), VerifyError> {
    match claims.method {
        SignMethod::Tc3HmacSha256 => {
            verify_tc3(incoming, claims, &SigningKey::derive(secret_key, claims.scope()))
        }
        SignMethod::HmacSha256 | SignMethod::HmacSha1 => verify_v1(incoming, claims, secret_key),
    }
}

/// The same for an endpoint that keeps the keys that it has derived: `key` is the one for [`Claims::scope`].
///
/// # Errors
///
/// As those of [`verify`]; [`VerifyError::Mismatch`] for a v1 request, which has no such key.
pub fn verify_with(incoming: &Incoming<'_>, claims: &Claims, key: &SigningKey) -> Result<(), VerifyError> {
    match claims.method {
        SignMethod::Tc3HmacSha256 => verify_tc3(incoming, claims, key),
        SignMethod::HmacSha256 | SignMethod::HmacSha1 => Err(VerifyError::Mismatch),
    }
}

/// The value of a header; a name that comes twice is refused, since a proxy may have read the other one.
fn header<'a>(incoming: &Incoming<'a>, name: &str) -> Result<Option<&'a str>, VerifyError> {
    let mut values = incoming.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    let first = values.next().map(|(_, value)| value.trim());
    if values.next().is_some() {
        return Err(VerifyError::Authorization("covers a header that was sent twice: send each header once"));
    }
    Ok(first)
}

fn timestamp(name: &'static str, text: &str) -> Result<u64, VerifyError> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(VerifyError::Malformed {
        name,
        problem: "is not a time: give the seconds since 1970-01-01T00:00:00Z",
    })
}

fn tc3_claims(incoming: &Incoming<'_>, authorization: &str) -> Result<Claims, VerifyError> {
    let bad = VerifyError::Authorization;
    let rest = authorization
        .strip_prefix("TC3-HMAC-SHA256 ")
        .ok_or(bad("names another method: it has to begin with `TC3-HMAC-SHA256 `"))?;
    let [mut credential, mut signed_headers, mut signature] = [None; 3];
    for part in rest.split(',') {
        let (name, value) = part.trim().split_once('=').ok_or(bad("has a part that is not `Name=value`"))?;
        let slot = match name {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => return Err(bad("has a part other than Credential, SignedHeaders and Signature")),
        };
        if slot.replace(value).is_some() {
            return Err(bad("has the same part twice"));
        }
    }
    let credential = credential.ok_or(bad("has no Credential"))?;
    let signed_headers = signed_headers.ok_or(bad("has no SignedHeaders"))?;
    let signature = signature.ok_or(bad("has no Signature"))?;

    // From the end: nothing says that a secret id has no slash.
    let mut scope = credential.rsplitn(4, '/');
    let (Some(end), Some(service), Some(date), Some(secret_id)) =
        (scope.next(), scope.next(), scope.next(), scope.next())
    else {
        return Err(bad("has a Credential that is not `SecretId/date/service/tc3_request`"));
    };
    if end != TERMINATOR || service.is_empty() || secret_id.is_empty() {
        return Err(bad("has a Credential that is not `SecretId/date/service/tc3_request`"));
    }
    if signed_headers.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(bad("has names in SignedHeaders that are not in lower case"));
    }
    for needed in ["content-type", "host"] {
        if !signed_headers.split(';').any(|name| name == needed) {
            return Err(bad("does not sign both content-type and host"));
        }
    }
    let time = header(incoming, "x-tc-timestamp")?.ok_or(VerifyError::Missing("X-TC-Timestamp"))?;
    let timestamp = timestamp("X-TC-Timestamp", time)?;
    if CredentialScope::new(timestamp, service).date.as_str() != date {
        return Err(bad("has a date in its Credential that is not the UTC date of X-TC-Timestamp"));
    }
    Ok(Claims {
        method: SignMethod::Tc3HmacSha256,
        secret_id: secret_id.into(),
        timestamp,
        token: header(incoming, "x-tc-token")?.filter(|token| !token.is_empty()).map(Into::into),
        scope_service: Some(service.into()),
        parameters: Vec::new(),
        signature: signature.into(),
        signed_headers: signed_headers.into(),
    })
}

fn verify_tc3(incoming: &Incoming<'_>, claims: &Claims, key: &SigningKey) -> Result<(), VerifyError> {
    let signature = Hex::parse(&claims.signature).ok_or(VerifyError::Authorization(
        "has a Signature that is not 64 hexadecimal digits in lower case",
    ))?;
    // Room for all that clients sign, so that it does not grow step by step.
    let mut as_sent = Vec::with_capacity(8);
    for name in claims.signed_headers.split(';') {
        let value = header(incoming, name)?
            .ok_or(VerifyError::Authorization("names a header in SignedHeaders that was not sent"))?;
        as_sent.push((name, value));
    }
    let payload = match header(incoming, "x-tc-content-sha256")? {
        Some(UNSIGNED_PAYLOAD) => Payload::Unsigned,
        _ => Payload::Body(incoming.body),
    };
    let payload_hash = payload.hash();
    let signs = |headers: &[(&str, &str)]| {
        let Incoming { method, path, query, .. } = *incoming;
        let request = CanonicalRequest { method, path, query, headers, payload };
        let canonical_hash = request.head().hash(&payload_hash);
        let text = StringToSign { timestamp: claims.timestamp, scope: claims.scope(), canonical_hash };
        key.verify(&text, &signature)
    };
    let values: Vec<_> = as_sent.iter().map(|&(name, value)| lower_case(name, value)).collect();
    let lowered: Vec<_> =
        as_sent.iter().zip(&values).map(|(&(name, _), value)| (name, value.as_ref())).collect();
    // First what the documentation asks for, which is what was sent if that has no capitals.
    let mut variants = Vec::from([lowered]);
    if variants[0] != as_sent {
        variants.push(as_sent);
    }
    let signed = variants.iter().any(|headers| signs(headers))
        || variants.iter_mut().any(|headers| without_port(headers) && signs(headers));
    if signed { Ok(()) } else { Err(VerifyError::Mismatch) }
}

/// A value in the lower case that the documentation asks for and few clients send.
///
/// The host and the media type are left alone: what they are signed as is what they were sent as, so that a change of
/// case on the way is noticed. So is a boundary, whose case matters.
fn lower_case<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if name.starts_with("x-tc-") {
        return Cow::Owned(value.to_ascii_lowercase());
    }
    match value.split_once(';') {
        Some((media_type, parameters)) if name == "content-type" && !media_type.starts_with("multipart/") => {
            Cow::Owned(alloc::format!("{media_type};{}", parameters.to_ascii_lowercase()))
        }
        _ => Cow::Borrowed(value),
    }
}

/// Takes the port off the host; says whether there was one.
fn without_port(headers: &mut [(&str, &str)]) -> bool {
    let host = headers.iter_mut().find(|(name, _)| *name == "host").map(|(_, value)| value);
    let Some((value, bare)) = host.and_then(|value| bare_host(value).map(|bare| (value, bare))) else {
        return false;
    };
    *value = bare;
    true
}

/// A host without its port; `None` if it has none.
fn bare_host(host: &str) -> Option<&str> {
    let (name, port) = host.rsplit_once(':')?;
    (!port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())).then_some(name)
}

fn v1_claims(incoming: &Incoming<'_>) -> Result<Claims, VerifyError> {
    let raw = if incoming.method == "POST" {
        core::str::from_utf8(incoming.body)
            .map_err(|_| VerifyError::Encoding("the form is not valid UTF-8: percent-encode it".into()))?
    } else {
        incoming.query
    };
    let mut parameters =
        percent::parse_pairs(raw).map_err(|error| VerifyError::Encoding(error.message().into()))?;
    let mut signatures = parameters.extract_if(.., |(name, _)| name == "Signature").map(|(_, value)| value);
    let signature = signatures.next().ok_or(VerifyError::Missing("Signature"))?;
    if signatures.next().is_some() {
        return Err(VerifyError::Malformed { name: "Signature", problem: "is there twice: send it once" });
    }
    drop(signatures);
    let find = |name: &'static str| {
        let mut values =
            parameters.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(VerifyError::Malformed { name, problem: "is there twice: send it once" }),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    };
    let need = |name| find(name)?.ok_or(VerifyError::Missing(name));
    let secret_id = need("SecretId")?.into();
    let timestamp = timestamp("Timestamp", need("Timestamp")?)?;
    let nonce = need("Nonce")?;
    if nonce.len() > 19 || !nonce.bytes().all(|b| b.is_ascii_digit()) || nonce.bytes().all(|b| b == b'0') {
        return Err(VerifyError::Malformed {
            name: "Nonce",
            problem: "is not a positive whole number of up to 19 digits",
        });
    }
    // As the service does: whatever is not SHA-256 is SHA-1.
    let method = match find("SignatureMethod")? {
        Some("HmacSHA256") => SignMethod::HmacSha256,
        _ => SignMethod::HmacSha1,
    };
    let token = find("Token")?.map(Into::into);
    Ok(Claims {
        method,
        secret_id,
        timestamp,
        token,
        scope_service: None,
        parameters,
        signature,
        signed_headers: String::new(),
    })
}

fn verify_v1(incoming: &Incoming<'_>, claims: &Claims, secret_key: &str) -> Result<(), VerifyError> {
    let host = header(incoming, "host")?.ok_or(VerifyError::Missing("Host"))?;
    // What is not signed must not be able to say anything.
    if incoming.method == "POST" && !incoming.query.is_empty() {
        return Err(VerifyError::Encoding(
            "a form request has no query: put every parameter into the form".into(),
        ));
    }
    if incoming.method != "POST" && !incoming.body.is_empty() {
        return Err(VerifyError::Encoding(
            "a GET request has no body: put every parameter into the query".into(),
        ));
    }
    let signs = |host: &str, params: &Signed<'_>| {
        let text = v1::string_to_sign(incoming.method, host, incoming.path, params);
        v1::verify(claims.method, secret_key, &text, &claims.signature)
    };
    let as_sent =
        claims.parameters.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), value.as_str()));
    let mut variants: Vec<Signed<'_>> = Vec::from([as_sent.collect()]);
    for vary in [dot_names, capitalize_flags, leave_out_empty] {
        for mut variant in variants.clone() {
            if vary(&mut variant) {
                variants.push(variant);
            }
        }
    }
    for host in [Some(host), bare_host(host)].into_iter().flatten() {
        if variants.iter().any(|params| signs(host, params)) {
            return Ok(());
        }
    }
    Err(VerifyError::Mismatch)
}

/// The parameters of a v1 request as they may have been signed.
type Signed<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// As the Python SDK signs names; says whether that is another way.
fn dot_names(params: &mut Signed<'_>) -> bool {
    let mut changed = false;
    for (name, _) in params.iter_mut().filter(|(name, _)| name.contains('_')) {
        *name = Cow::Owned(name.replace('_', "."));
        changed = true;
    }
    changed
}

/// As the Python SDK signs flags: its asynchronous client signs `True`, and sends `true`.
fn capitalize_flags(params: &mut Signed<'_>) -> bool {
    let mut changed = false;
    for (_, value) in params {
        *value = match *value {
            "true" => "True",
            "false" => "False",
            _ => continue,
        };
        changed = true;
    }
    changed
}

/// As the Go SDK signs: it sends an empty `Region` or `Language`, and does not sign it.
fn leave_out_empty(params: &mut Signed<'_>) -> bool {
    let sent = params.len();
    params.retain(|(_, value)| !value.is_empty());
    params.len() < sent
}
