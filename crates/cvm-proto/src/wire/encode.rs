//! From an action's parameters to bytes: what stays the same between attempts is made once.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Serialize;

use super::origin::Origin;
use super::request_defaults::{RequestDefaults, SigningIdentity};
use super::request_format::{Language, Method, Notation};
use super::time_limit::Limit;
use crate::codec::{FORM, JSON, flatten, multipart, percent};
use crate::error::Error;
use crate::sign::canonical::{CanonicalRequest, Head, Payload};
use crate::sign::{SignMethod, v1};

/// The service's limits on what the parameters of a request take, in bytes.
const QUERY_LIMIT: usize = 32 << 10;
const FORM_LIMIT: usize = 1 << 20;
const BODY_LIMIT: usize = 10 << 20;

/// What one attempt has of its own.
#[derive(Clone)]
pub(crate) struct Attempt {
    /// Which one it is, from 1.
    pub(crate) number: u32,
    /// The service's time, in seconds since 1970.
    pub(crate) unix: u64,
    /// Differs between attempts and calls.
    pub(crate) nonce: u64,
    /// The longest time for the exchange.
    pub(crate) timeout: Duration,
    /// What sets that time.
    pub(crate) limit: Limit,
    /// Whether it goes to the backup endpoint.
    pub(crate) to_backup: bool,
}

impl Attempt {
    /// One that nobody signs.
    pub(crate) fn plain(number: u32, timeout: Duration) -> Self {
        let limit = Limit { setting: "", value: timeout };
        Self { number, unix: 0, nonce: 0, timeout, limit, to_backup: false }
    }
}

/// Everything of a request that does not change with the attempt.
pub(crate) struct Encoded {
    pub(crate) common: Arc<RequestDefaults>,
    pub(crate) action: Cow<'static, str>,
    pub(crate) version: Cow<'static, str>,
    pub(crate) method: Method,
    pub(crate) content_type: Cow<'static, str>,
    /// The path; `/` for all but the instance metadata.
    pub(crate) path: Cow<'static, str>,
    /// The query of a TC3 request.
    pub(crate) query: String,
    /// The body of a TC3 request.
    pub(crate) body: Vec<u8>,
    /// What a v1 signature covers beside the common parameters.
    flat: Vec<(String, String)>,
    /// What TC3 hashes for the body.
    pub(crate) payload_hash: [u8; 32],
}

impl Encoded {
    /// Encodes the parameters. `key` is what will sign, as far as that is known: its length counts where it is sent along.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if they are not an object, or take more bytes than the
    /// service reads.
    pub(crate) fn new<T: Serialize + ?Sized>(
        common: &Arc<RequestDefaults>,
        key: Option<SigningIdentity<'_>>,
        action: impl Into<Cow<'static, str>>,
        version: impl Into<Cow<'static, str>>,
        parameters: &T,
    ) -> Result<Self, Error> {
        let notation = common.notation;
        let mut encoded = Encoded {
            common: Arc::clone(common),
            action: action.into(),
            version: version.into(),
            method: if notation == Notation::Query { Method::Get } else { Method::Post },
            content_type: Cow::Borrowed(FORM),
            path: Cow::Borrowed("/"),
            query: String::new(),
            body: Vec::new(),
            flat: Vec::new(),
            payload_hash: [0; 32],
        };
        let is_tc3 = common.sign_method == SignMethod::Tc3HmacSha256;
        match notation {
            Notation::Json => {
                encoded.content_type = Cow::Borrowed(JSON);
                encoded.body = json_object(parameters)?;
                check_size(BODY_LIMIT, encoded.body.len(), "a JSON body")?;
            }
            Notation::Multipart => {
                let parts = multipart::to_parts(parameters)?;
                let boundary = multipart::boundary(&parts);
                encoded.body = multipart::encode(&parts, &boundary)?;
                encoded.content_type = Cow::Owned(format!("multipart/form-data; boundary={boundary}"));
                check_size(BODY_LIMIT, encoded.body.len(), "a multipart body")?;
            }
            Notation::Query if is_tc3 => {
                encoded.query = percent::encode_pairs(&flatten::flatten(parameters)?);
                check_size(QUERY_LIMIT, encoded.query.len(), "a query")?;
            }
            Notation::Query | Notation::Form => {
                encoded.flat = flatten::flatten(parameters)?;
                // As long as any attempt's: the numbers that change are at their longest.
                let longest =
                    Attempt { unix: u64::MAX, nonce: u64::MAX, ..Attempt::plain(0, Duration::ZERO) };
                let len = encoded.v1_text(&longest, key).len();
                match notation {
                    Notation::Query => check_size(QUERY_LIMIT, len, "a query")?,
                    _ => check_size(FORM_LIMIT, len, "a form")?,
                }
            }
        }
        if is_tc3 {
            let unsigned = common.unsigned_payload;
            let payload = if unsigned { Payload::Unsigned } else { Payload::Body(&encoded.body) };
            encoded.payload_hash = payload.hash();
        }
        Ok(encoded)
    }

    /// A GET that is not an action and is not signed; `what` is for logs.
    pub(crate) fn plain(common: &Arc<RequestDefaults>, what: &'static str, path: String) -> Self {
        Self {
            common: Arc::clone(common),
            action: Cow::Borrowed(what),
            version: Cow::Borrowed(""),
            method: Method::Get,
            content_type: Cow::Borrowed(""),
            path: Cow::Owned(path),
            query: String::new(),
            body: Vec::new(),
            flat: Vec::new(),
            payload_hash: [0; 32],
        }
    }

    /// Where an attempt goes.
    pub(crate) fn origin(&self, attempt: &Attempt) -> &Origin {
        &self.common.target(attempt.to_backup).origin
    }

    /// How the canonical request begins, which is the same for all JSON requests of one action to one host.
    pub(crate) fn head(&self, host: &str) -> Head {
        let action = self.action.to_ascii_lowercase();
        CanonicalRequest {
            method: self.method.as_str(),
            path: "/",
            query: &self.query,
            headers: &[("content-type", &self.content_type), ("host", host), ("x-tc-action", &action)],
            payload: Payload::Body(&[]),
        }
        .head()
    }

    /// The query or form of a v1 request.
    pub(crate) fn v1_text(&self, attempt: &Attempt, key: Option<SigningIdentity<'_>>) -> String {
        let common = &*self.common;
        let method = common.sign_method;
        let (mut time_digits, mut nonce_digits) = (itoa::Buffer::new(), itoa::Buffer::new());
        let shared = [
            ("Action", Some(&*self.action)),
            ("Version", Some(&*self.version)),
            ("Region", common.region.as_deref()),
            ("Timestamp", Some(time_digits.format(attempt.unix))),
            // The service wants a positive number of at most 19 digits.
            ("Nonce", Some(nonce_digits.format((attempt.nonce >> 1).max(1)))),
            ("SecretId", key.map(|key| key.secret_id)),
            ("SignatureMethod", Some(method.as_str())),
            ("Token", key.and_then(|key| key.token).map(|token| token.as_str())),
            ("Language", common.language.map(Language::as_str)),
            ("RequestClient", common.request_client.as_deref()),
        ];
        let shared = shared.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let own = self.flat.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<(&str, &str)> = shared.chain(own).collect();
        let text = v1::string_to_sign(self.method.as_str(), self.origin(attempt).host(), "/", &pairs);
        let signature = v1::sign(method, key.map_or("", |key| key.secret_key), &text);
        let mut text = percent::encode_pairs(&pairs);
        text.push_str("&Signature=");
        percent::encode_into(&signature, &mut text);
        text
    }
}

#[cfg(feature = "std")]
fn written<T: Serialize + ?Sized>(parameters: &T) -> serde_json::Result<Vec<u8>> {
    // Most bodies fit: growing twice costs as much as writing a quarter of one.
    let mut body = Vec::with_capacity(512);
    parameters.serialize(&mut serde_json::Serializer::new(&mut body))?;
    Ok(body)
}

/// Without the standard library, `serde_json` writes into no vector of somebody else's.
#[cfg(not(feature = "std"))]
fn written<T: Serialize + ?Sized>(parameters: &T) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(parameters)
}

fn json_object<T: Serialize + ?Sized>(parameters: &T) -> Result<Vec<u8>, Error> {
    let body = written(parameters)
        .map_err(|error| Error::parameter(format!("the parameters cannot be written: {error}")))?;
    if body.first() == Some(&b'{') { Ok(body) } else { Err(flatten::not_an_object()) }
}

fn check_size(limit: usize, len: usize, what: &str) -> Result<(), Error> {
    if len <= limit {
        return Ok(());
    }
    Err(Error::parameter(format!(
        "the parameters take {len} bytes: {what} of the service holds at most {limit}, so send fewer at once"
    )))
}
