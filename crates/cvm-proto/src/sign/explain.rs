//! Every stage of one signature, for people who look for the difference behind an `AuthFailure.SignatureFailure`.
//!
//! ```
//! use cvm_proto::sign::explain::{Input, explain};
//!
//! let input: Input = serde_json::from_str(
//!     r#"{
//!         "action": "DescribeImages", "region": "ap-guangzhou", "timestamp": 1551113065,
//!         "secret_id": "AKIDexample", "secret_key": "not-a-real-key", "params": { "Limit": 1 }
//!     }"#,
//! )?;
//! let explained = explain(&input)?;
//! assert!(explained.canonical_request.unwrap().starts_with("POST\n/\n\ncontent-type:application/json\n"));
//! assert!(explained.authorization.unwrap().starts_with("TC3-HMAC-SHA256 Credential=AKIDexample/2019-02-25/cvm/"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::SIGNED_HEADERS;
use super::canonical::{CanonicalRequest, Payload, UNSIGNED_PAYLOAD};
use super::key_part;
use super::signature::{SigningKey, authorization};
use super::string_to_sign::{CredentialScope, StringToSign};
use super::{SignMethod, v1};
use crate::codec::check;
use crate::codec::{FORM, JSON, flatten, multipart, percent};
use crate::error::Error;
use crate::input;
use crate::input::address::{is_host, port_number, quoted, split_port};
use crate::service::{ROOT_DOMAIN, SERVICE};

/// What is to be signed. It deserializes from an object; members that it does not know are ignored, unless it is
/// [`read`](Self::read), and an empty or null `region`, `language`, `token` or `request_client` is none.
#[derive(Clone, Deserialize)]
#[non_exhaustive]
pub struct Input {
    /// `TC3-HMAC-SHA256` (the default), `HmacSHA256` or `HmacSHA1`.
    #[serde(default, deserialize_with = "sign_method")]
    pub sign_method: SignMethod,
    /// `POST` (the default) or `GET`.
    #[serde(default = "default_method")]
    pub http_method: String,
    /// The service in the credential scope; `cvm` by default.
    #[serde(default = "service")]
    pub service: String,
    /// The version of the API; `2017-03-12` by default.
    #[serde(default = "version")]
    pub version: String,
    /// The host, with its port if it is not the scheme's own; `cvm.tencentcloudapi.com` by default.
    #[serde(default = "host", deserialize_with = "trimmed")]
    pub host: String,
    /// The path; `/` by default.
    #[serde(default = "path")]
    pub path: String,
    /// The action.
    pub action: String,
    /// The region.
    #[serde(default)]
    pub region: Option<String>,
    /// The language of messages.
    #[serde(default)]
    pub language: Option<String>,
    /// The token of a temporary credential.
    #[serde(default, deserialize_with = "trimmed_option")]
    pub token: Option<String>,
    /// The public half of the key.
    #[serde(deserialize_with = "trimmed")]
    pub secret_id: String,
    /// The secret half.
    #[serde(deserialize_with = "secret")]
    pub secret_key: Zeroizing<String>,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// The tag of the calling program.
    #[serde(default)]
    pub request_client: Option<String>,
    /// The parameters, as an object: encoded as the client would, where neither `body` nor `query` gives them.
    #[serde(default)]
    pub params: Value,
    /// The body as sent (TC3 only).
    #[serde(default)]
    pub body: Option<String>,
    /// The query as sent, percent-encoded and without `?` (TC3 only).
    #[serde(default)]
    pub query: Option<String>,
    /// Headers as sent, names in any case (TC3 only); those that the other members give need not be here.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The names of the signed headers, joined by `;`; `content-type;host;x-tc-action` by default (TC3 only).
    #[serde(default)]
    pub signed_headers: Option<String>,
    /// Signs the literal `UNSIGNED-PAYLOAD` in place of the body (TC3 only).
    #[serde(default)]
    pub unsigned_payload: bool,
    /// A positive number (v1 only, and required there).
    #[serde(default)]
    pub nonce: Option<u64>,
}

impl core::fmt::Debug for Input {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Input")
            .field("sign_method", &self.sign_method)
            .field("http_method", &self.http_method)
            .field("host", &self.host)
            .field("action", &self.action)
            .field("secret_id", &self.secret_id)
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}

fn sign_method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignMethod, D::Error> {
    let name = Cow::<str>::deserialize(deserializer)?;
    name.parse().map_err(|error: Error| serde::de::Error::custom(error.message()))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    trimmed(deserializer).map(Zeroizing::new)
}

/// A value without the white space around it.
fn trimmed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| input::trim(&text).into())
}

fn trimmed_option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(|text| input::trim(&text).into()))
}

fn default_method() -> String {
    "POST".into()
}

fn service() -> String {
    SERVICE.into()
}

fn version() -> String {
    crate::service::VERSION.into()
}

fn host() -> String {
    alloc::format!("{SERVICE}.{ROOT_DOMAIN}")
}

fn path() -> String {
    "/".into()
}

/// The stages of a signature. It serializes to an object without the members that its method does not have.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SignatureStages {
    /// TC3: the canonical request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical_request: Option<String>,
    /// What is signed.
    pub string_to_sign: String,
    /// The signature: 64 hexadecimal digits for TC3, base64 for v1.
    pub signature: String,
    /// TC3: the value of the `Authorization` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
}

/// Signs, and shows every stage.
///
/// # Errors
///
/// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) naming the member that is missing or wrong.
pub fn explain(input: &Input) -> Result<SignatureStages, Error> {
    // What cannot be a key, a token or a host cannot have been sent either.
    let token = unless_empty(&input.token);
    let parts = [("secret_id", &*input.secret_id), ("secret_key", &*input.secret_key)];
    for (name, value) in parts.into_iter().chain(token.as_deref().map(|token| ("token", token))) {
        key_part::part(name, value).map_err(|error| Error::parameter(error.message()))?;
    }
    // Nor can a region or a language that the service would not read.
    if let Some(region) = unless_empty(&input.region) {
        check::region(&region).map_err(|error| Error::parameter(error.message()))?;
    }
    unless_empty(&input.language).map_or(Ok(()), |language| check::language(&language))?;
    let (host, port) = split_port(&input.host);
    if !is_host(host) || port.is_some_and(|port| port_number(port).is_none()) {
        return Err(Error::parameter(format!(
            "host {} is not a host's name: give one, with its port if any",
            quoted(&input.host)
        )));
    }
    match input.sign_method {
        SignMethod::Tc3HmacSha256 => explain_tc3(input),
        SignMethod::HmacSha256 | SignMethod::HmacSha1 => explain_v1(input),
    }
}

fn explain_tc3(input: &Input) -> Result<SignatureStages, Error> {
    let is_get = input.http_method == "GET";
    let content_type = input.sent_header("content-type");
    let query = match &input.query {
        Some(query) => Cow::Borrowed(query.as_str()),
        None if is_get => Cow::Owned(percent::encode_pairs(&flatten::flatten(&input.parameters())?)),
        None => Cow::Borrowed(""),
    };
    let body = match &input.body {
        Some(body) => Cow::Borrowed(body.as_bytes()),
        None if is_get => Cow::Borrowed(&[][..]),
        None => Cow::Owned(match content_type.and_then(multipart::boundary_of) {
            Some(boundary) => multipart::encode(&multipart::to_parts(&input.parameters())?, boundary)?,
            None => Value::from(flatten::object(&input.parameters())?).to_string().into_bytes(),
        }),
    };
    let signed_headers = input.signed_headers.as_deref().unwrap_or(SIGNED_HEADERS).to_ascii_lowercase();
    let headers = signed_headers.split(';').map(|name| Ok((name, input.signed_value(name)?)));
    let headers = headers.collect::<Result<Vec<(&str, Cow<'_, str>)>, Error>>()?;
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    let payload = if input.unsigned_payload { Payload::Unsigned } else { Payload::Body(&body) };
    let request = CanonicalRequest {
        method: &input.http_method,
        path: &input.path,
        query: &query,
        headers: &headers,
        payload,
    };
    let scope = CredentialScope::new(input.timestamp, &input.service);
    let text = StringToSign { timestamp: input.timestamp, scope, canonical_hash: request.hash() };
    let signature = SigningKey::derive(&input.secret_key, scope).sign(&text);
    Ok(SignatureStages {
        canonical_request: Some(request.to_string()),
        string_to_sign: text.to_string(),
        signature: signature.to_string(),
        authorization: Some(authorization(&input.secret_id, scope, &request.signed_headers(), &signature)),
    })
}

fn explain_v1(input: &Input) -> Result<SignatureStages, Error> {
    let method = input.sign_method;
    let nonce = input.nonce.ok_or_else(|| {
        Error::parameter(format!("`nonce` is missing: {method} signs a positive number of up to 19 digits"))
    })?;
    let mut params = flatten::flatten(&input.parameters())?;
    let common = [
        ("Action", Some(input.action.clone())),
        ("Version", Some(input.version.clone())),
        ("Region", unless_empty(&input.region)),
        ("Timestamp", Some(input.timestamp.to_string())),
        ("Nonce", Some(nonce.to_string())),
        ("SecretId", Some(input.secret_id.clone())),
        ("SignatureMethod", Some(method.to_string())),
        ("Token", unless_empty(&input.token)),
        ("Language", unless_empty(&input.language)),
        ("RequestClient", unless_empty(&input.request_client)),
    ];
    params.extend(common.into_iter().filter_map(|(name, value)| Some((name.into(), value?))));
    let text = v1::string_to_sign(&input.http_method, &input.host, &input.path, &params);
    let signature = v1::sign(method, &input.secret_key, &text);
    Ok(SignatureStages { canonical_request: None, string_to_sign: text, signature, authorization: None })
}

fn unless_empty(text: &Option<String>) -> Option<String> {
    text.clone().filter(|text| !text.is_empty())
}

impl Input {
    /// The members that an object can have.
    pub const MEMBERS: [&str; 21] = [
        "action",
        "region",
        "timestamp",
        "secret_id",
        "secret_key",
        "token",
        "params",
        "sign_method",
        "http_method",
        "service",
        "version",
        "host",
        "path",
        "language",
        "request_client",
        "body",
        "query",
        "headers",
        "signed_headers",
        "unsigned_payload",
        "nonce",
    ];

    /// Reads an object.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if a member is missing or wrong, or is none of
    /// [`MEMBERS`](Self::MEMBERS).
    pub fn read(object: Value) -> Result<Self, Error> {
        if let Some(name) = object
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| &**name)
            .find(|name| !Self::MEMBERS.contains(name))
        {
            return Err(Error::parameter(format!(
                "there is no member `{}`: it is one of {}",
                percent::shown(name),
                Self::MEMBERS.join(", ")
            )));
        }
        serde_json::from_value(object).map_err(|error| Error::parameter(error.to_string()))
    }

    /// The parameters; none given are an empty object.
    fn parameters(&self) -> Cow<'_, Value> {
        if self.params.is_null() {
            Cow::Owned(Value::Object(serde_json::Map::new()))
        } else {
            Cow::Borrowed(&self.params)
        }
    }

    fn sent_header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The value of a header as it stands in the canonical request.
    fn signed_value(&self, name: &str) -> Result<Cow<'_, str>, Error> {
        let lower_case = |value: &str| Cow::Owned(value.to_ascii_lowercase());
        if let Some(value) = self.sent_header(name) {
            return Ok(if name == "x-tc-action" { lower_case(value) } else { Cow::Borrowed(value) });
        }
        let optional = |value: &'_ Option<String>| unless_empty(value).map(Cow::Owned);
        let value = match name {
            "content-type" if self.http_method == "GET" => Some(Cow::Borrowed(FORM)),
            "content-type" => Some(Cow::Borrowed(JSON)),
            "host" => Some(Cow::Borrowed(self.host.as_str())),
            "x-tc-action" => Some(lower_case(&self.action)),
            "x-tc-version" => Some(Cow::Borrowed(self.version.as_str())),
            "x-tc-timestamp" => Some(Cow::Owned(self.timestamp.to_string())),
            "x-tc-region" => optional(&self.region),
            "x-tc-language" => optional(&self.language),
            "x-tc-token" => optional(&self.token),
            "x-tc-requestclient" => optional(&self.request_client),
            "x-tc-content-sha256" if self.unsigned_payload => Some(Cow::Borrowed(UNSIGNED_PAYLOAD)),
            _ => None,
        };
        value.ok_or_else(|| {
            Error::parameter(format!(
                "`signed_headers` names `{}`, which has no value: give it in `headers`",
                percent::shown(name)
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> Value {
        json!({ "action": "DescribeImages", "timestamp": 1, "secret_id": "AKID\n", "secret_key": " key" })
    }

    #[test]
    fn its_members_are_all_that_it_knows() {
        for name in Input::MEMBERS.into_iter().filter(|name| *name != "params") {
            let mut wrong = request();
            // No member is such a list.
            wrong[name] = json!([[]]);
            assert!(Input::read(wrong).is_err(), "{name} is a member");
        }
        let input = Input::read(request()).unwrap();
        assert_eq!((&*input.secret_id, &**input.secret_key), ("AKID", "key"));
        explain(&input).unwrap();
        for name in ["Params", "parameters", "secretId", "id", "x\u{1b}"] {
            let mut unknown = request();
            unknown[name] = json!(1);
            let error = Input::read(unknown).unwrap_err().to_string();
            assert!(error.starts_with("there is no member `") && error.contains(", params, "), "{error}");
            assert!(!error.contains('\u{1b}'));
        }
    }

    #[test]
    fn what_could_not_be_sent_is_not_signed() {
        for (name, value, part) in [
            ("secret_id", "A\u{200b}", "secret_id contains what is not printable ASCII"),
            ("secret_key", "hid den", "secret_key contains white space"),
            ("token", "hid\r\nden", "token contains white space"),
            ("host", "ho st", "host `ho st` is not a host's name"),
            ("host", "cvm.example:99999", "host `cvm.example:99999`"),
            ("host", "me:hidden@cvm.example", "host `***@cvm.example`"),
            ("host", "", "host ``"),
        ] {
            let mut wrong = request();
            wrong[name] = json!(value);
            let error = explain(&Input::read(wrong).unwrap()).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("hid"), "{error}");
        }
    }
}
