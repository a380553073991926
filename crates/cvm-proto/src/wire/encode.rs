//! From an action's parameters to a signed request: what stays the same between attempts is made once.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Serialize;

use super::origin::Origin;
use super::request::{Request, Signed, Timestamp};
use super::time_limit::Limit;
use super::words::{Language, Method, Notation};
use crate::client::{Config, Shared};
use crate::codec::{flatten, json, multipart, percent};
use crate::error::Error;
use crate::sign::canonical::{CanonicalRequest, Head, Payload};
use crate::sign::{SignMethod, v1};
use crate::signer::{Credential, Day};

/// The content type of a JSON body.
pub(crate) const JSON: &str = "application/json";
/// The content type of a form, and of a request that has no body.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// The headers that the client signs with TC3.
pub(crate) const SIGNED_HEADERS: &str = "content-type;host;x-tc-action";

/// What stands in the place of a signature if an action needs none.
const UNSIGNED: &str = "SKIP";

/// The service's limits on what the parameters of a request take, in bytes.
const QUERY_LIMIT: usize = 32 << 10;
const FORM_LIMIT: usize = 1 << 20;
const BODY_LIMIT: usize = 10 << 20;

/// An action with its parameters encoded, ready to be signed for each attempt.
pub(crate) struct Prepared(Arc<Encoded>);

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
    /// Who signs, if that is not the same for all calls of the client.
    pub(crate) credential: Option<Credential>,
    /// Whether it goes to the backup endpoint.
    pub(crate) to_backup: bool,
}

impl Attempt {
    /// One that nobody signs.
    pub(crate) fn plain(number: u32, timeout: Duration) -> Self {
        let limit = Limit { setting: "", value: timeout };
        Self { number, unix: 0, nonce: 0, timeout, limit, credential: None, to_backup: false }
    }
}

/// What signs an attempt.
pub(crate) struct Keys {
    day: Arc<Day>,
    /// How the canonical request begins, if others begin so as well.
    head: Option<Head>,
}

/// Everything of a request that does not change with the attempt.
pub(crate) struct Encoded {
    pub(crate) config: Config,
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
    payload_hash: [u8; 32],
}

impl Prepared {
    /// Encodes the parameters in the notation of `config`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if they are not an object, or take more bytes than the
    /// service reads.
    pub(crate) fn new<T: Serialize + ?Sized>(
        config: &Config,
        action: impl Into<Cow<'static, str>>,
        version: impl Into<Cow<'static, str>>,
        parameters: &T,
    ) -> Result<Self, Error> {
        let notation = config.notation();
        let mut encoded = Encoded {
            config: config.clone(),
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
        let is_tc3 = config.settings().sign_method == SignMethod::Tc3HmacSha256;
        match notation {
            Notation::Json => {
                encoded.content_type = Cow::Borrowed(JSON);
                encoded.body = json_object(parameters)?;
                within(BODY_LIMIT, encoded.body.len(), "a JSON body")?;
            }
            Notation::Multipart => {
                let parts = multipart::to_parts(parameters)?;
                let boundary = multipart::boundary(&parts);
                encoded.body = multipart::encode(&parts, &boundary)?;
                encoded.content_type = Cow::Owned(format!("multipart/form-data; boundary={boundary}"));
                within(BODY_LIMIT, encoded.body.len(), "a multipart body")?;
            }
            Notation::Query if is_tc3 => {
                encoded.query = percent::encode_pairs(&flatten::flatten(parameters)?);
                within(QUERY_LIMIT, encoded.query.len(), "a query")?;
            }
            Notation::Query | Notation::Form => {
                encoded.flat = flatten::flatten(parameters)?;
                // As long as any attempt's: the numbers that change are at their longest.
                let longest =
                    Attempt { unix: u64::MAX, nonce: u64::MAX, ..Attempt::plain(0, Duration::ZERO) };
                let len = encoded.v1_text(&longest).len();
                match notation {
                    Notation::Query => within(QUERY_LIMIT, len, "a query")?,
                    _ => within(FORM_LIMIT, len, "a form")?,
                }
            }
        }
        if is_tc3 {
            let unsigned = config.settings().unsigned_payload;
            let payload = if unsigned { Payload::Unsigned } else { Payload::Body(&encoded.body) };
            encoded.payload_hash = payload.hash();
        }
        Ok(Self(Arc::new(encoded)))
    }

    /// A GET that is not an action and is not signed; `what` is for logs.
    pub(crate) fn plain(config: &Config, what: &'static str, path: String) -> Self {
        Self(Arc::new(Encoded {
            config: config.clone(),
            action: Cow::Borrowed(what),
            version: Cow::Borrowed(""),
            method: Method::Get,
            content_type: Cow::Borrowed(""),
            path: Cow::Owned(path),
            query: String::new(),
            body: Vec::new(),
            flat: Vec::new(),
            payload_hash: [0; 32],
        }))
    }

    /// The settings that it is sent with.
    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    /// The action.
    pub(crate) fn action(&self) -> &str {
        &self.0.action
    }

    /// Builds and signs one attempt.
    pub(crate) fn request(&self, attempt: Attempt) -> Request {
        let keys = self.config().shared(|shared| self.keys(shared, &attempt));
        self.request_with(attempt, keys)
    }

    /// What the client's calls share that signs an attempt with TC3.
    pub(crate) fn keys(&self, shared: &mut Shared, attempt: &Attempt) -> Option<Keys> {
        let encoded = &self.0;
        let credential = encoded.credential(attempt)?;
        if encoded.config.settings().sign_method != SignMethod::Tc3HmacSha256 {
            return None;
        }
        let day = shared.keys.day(credential, encoded.config.service(), attempt.unix);
        let host = encoded.origin(attempt).host();
        // Only JSON requests of one action begin alike; queries and boundaries differ.
        let head = matches!(encoded.content_type, Cow::Borrowed(JSON))
            .then(|| shared.keys.head(&encoded.action, host, || encoded.head(host)));
        Some(Keys { day, head })
    }

    /// Builds and signs one attempt with its keys.
    pub(crate) fn request_with(&self, attempt: Attempt, keys: Option<Keys>) -> Request {
        let encoded = &self.0;
        let signed = match encoded.config.settings().sign_method {
            _ if encoded.version.is_empty() => Signed::Plain,
            SignMethod::Tc3HmacSha256 => {
                let timestamp = Timestamp::new(attempt.unix);
                let authorization = match keys {
                    None => UNSIGNED.into(),
                    Some(Keys { day, head }) => {
                        let head = head.unwrap_or_else(|| encoded.head(encoded.origin(&attempt).host()));
                        day.authorization(timestamp.as_bytes(), &head.hash(&encoded.payload_hash))
                    }
                };
                Signed::Tc3 { timestamp, authorization }
            }
            SignMethod::HmacSha256 | SignMethod::HmacSha1 => Signed::V1 { text: encoded.v1_text(&attempt) },
        };
        Request::new(Arc::clone(encoded), signed, attempt)
    }
}

impl Encoded {
    /// Who signs an attempt; nobody, if the client has no credential at all.
    pub(crate) fn credential<'a>(&'a self, attempt: &'a Attempt) -> Option<&'a Credential> {
        attempt.credential.as_ref().or_else(|| self.config.credential())
    }

    /// Where an attempt goes.
    pub(crate) fn origin(&self, attempt: &Attempt) -> &Origin {
        if attempt.to_backup { self.config.backup_origin() } else { self.config.origin() }
    }

    fn head(&self, host: &str) -> Head {
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
    fn v1_text(&self, attempt: &Attempt) -> String {
        let config = &self.config;
        let settings = config.settings();
        let credential = self.credential(attempt);
        let method = settings.sign_method;
        let (mut time_digits, mut nonce_digits) = (itoa::Buffer::new(), itoa::Buffer::new());
        let common = [
            ("Action", Some(&*self.action)),
            ("Version", Some(&*self.version)),
            ("Region", config.region()),
            ("Timestamp", Some(time_digits.format(attempt.unix))),
            // The service wants a positive number of at most 19 digits.
            ("Nonce", Some(nonce_digits.format((attempt.nonce >> 1).max(1)))),
            ("SecretId", credential.map(Credential::secret_id)),
            ("SignatureMethod", Some(method.as_str())),
            ("Token", credential.and_then(Credential::token)),
            ("Language", settings.language.map(Language::as_str)),
            ("RequestClient", settings.request_client.as_deref()),
        ];
        let common = common.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let own = self.flat.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<(&str, &str)> = common.chain(own).collect();
        let text = v1::string_to_sign(self.method.as_str(), self.origin(attempt).host(), "/", &pairs);
        let signature = v1::sign(method, credential.map_or("", Credential::secret_key), &text);
        let mut text = percent::encode_pairs(&pairs);
        text.push_str("&Signature=");
        percent::encode_into(&signature, &mut text);
        text
    }
}

fn json_object<T: Serialize + ?Sized>(parameters: &T) -> Result<Vec<u8>, Error> {
    let body = json::to_vec(parameters)
        .map_err(|error| Error::parameter(format!("the parameters cannot be written: {error}")))?;
    if body.first() == Some(&b'{') { Ok(body) } else { Err(flatten::not_an_object()) }
}

fn within(limit: usize, len: usize, what: &str) -> Result<(), Error> {
    if len <= limit {
        return Ok(());
    }
    Err(Error::parameter(format!(
        "the parameters take {len} bytes: {what} of the service holds at most {limit}, so send fewer at once"
    )))
}
