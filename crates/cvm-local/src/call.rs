//! What a request asks for: action, version, region, and where its parameters stand.

use std::borrow::Cow;

use cvm_proto::SignMethod;
use cvm_proto::sign::verify::{Claims, Incoming};

use crate::params::{Parameters, Shown};
use crate::refusal::{Refusal, refuse};

/// The version of the API.
const VERSION: &str = "2017-03-12";

/// Parameters that every v1 request carries beside those of its action.
const COMMON: [&str; 10] = [
    "Action",
    "Version",
    "Region",
    "Timestamp",
    "Nonce",
    "SecretId",
    "SignatureMethod",
    "Token",
    "Language",
    "RequestClient",
];

/// A request's target, as it stands in the request.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) action: Cow<'a, str>,
    pub(crate) version: Cow<'a, str>,
    /// `None` if the request has no region at all.
    pub(crate) region: Option<Cow<'a, str>>,
}

impl<'a> Target<'a> {
    /// Reads the target from the headers, or with the v1 signatures from the parameters. Nothing is missing yet: the
    /// log names what there is also of a request that is refused.
    pub(crate) fn read(incoming: &Incoming<'a>, claims: &'a Claims) -> Self {
        let find = |header: &str, parameter: &str| {
            if claims.method == SignMethod::Tc3HmacSha256 {
                incoming.headers.iter().find(|(name, _)| *name == header).map(|(_, value)| value.trim())
            } else {
                let mut parameters = claims.parameters.iter();
                parameters.find(|(name, _)| name == parameter).map(|(_, value)| value.as_str())
            }
        };
        Self {
            action: find("x-tc-action", "Action").unwrap_or_default().into(),
            version: find("x-tc-version", "Version").unwrap_or_default().into(),
            region: find("x-tc-region", "Region").map(Into::into),
        }
    }

    /// Refuses a request that does not say what it asks for, or asks for another version of the API.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let missing =
            |name: &str| Err(Refusal::new("MissingParameter", format!("The request is missing `{name}`.")));
        if self.action.is_empty() {
            return missing("Action");
        }
        if self.version.is_empty() {
            return missing("Version");
        }
        if self.version != VERSION {
            return refuse(
                "NoSuchVersion",
                format!("There is no version `{}` of the API: use {VERSION}.", Shown(&self.version)),
            );
        }
        Ok(())
    }
}

/// Reads the action's parameters from where the request's method, signature and content type put them.
pub(crate) fn parameters(incoming: &Incoming<'_>, claims: &Claims) -> Result<Parameters, Refusal> {
    if claims.method != SignMethod::Tc3HmacSha256 {
        let own = |(name, _): &&(String, String)| !COMMON.contains(&name.as_str());
        let pairs: Vec<_> = claims.parameters.iter().filter(own).cloned().collect();
        return Parameters::from_pairs(&pairs);
    }
    if incoming.method == "GET" {
        return Parameters::from_query(incoming.query);
    }
    if !incoming.query.is_empty() {
        return refuse("InvalidParameter", "A POST request has no query: its parameters are in the body.");
    }
    let content_type = content_type(incoming);
    match essence(content_type) {
        "application/json" => Parameters::from_json(incoming.body),
        "multipart/form-data" => Parameters::from_multipart(incoming.body, content_type),
        other => refuse(
            "InvalidParameter",
            format!(
                "The content type `{}` does not go with TC3-HMAC-SHA256 and POST: use application/json.",
                Shown(other)
            ),
        ),
    }
}

/// The content type as sent; empty if there is none.
pub(crate) fn content_type<'a>(incoming: &Incoming<'a>) -> &'a str {
    incoming.headers.iter().find(|(name, _)| *name == "content-type").map_or("", |(_, value)| value.trim())
}

/// A media type without its parameters.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}
