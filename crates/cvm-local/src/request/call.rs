//! What a request asks for: service, action, version, region, language, and where its parameters stand.

use std::borrow::Cow;

use cvm_proto::SignMethod;
use cvm_proto::codec::percent;
use cvm_proto::sign::verify::{Claims, Incoming};

use crate::language::Language;
use crate::request::params::{Parameters, Shown};
use crate::request::refusal::{Refusal, refuse};
use crate::request::skipped_checks::{Check, SkippedChecks};

/// Where all of the service's hosts are.
const DOMAIN: &str = ".tencentcloudapi.com";

/// Parameters that every v1 request carries beside those of its action.
const COMMON: [&str; 11] = [
    "Action",
    "Version",
    "Region",
    "Timestamp",
    "Nonce",
    "SecretId",
    "SignatureMethod",
    "Signature",
    "Token",
    "Language",
    "RequestClient",
];

/// The services that the endpoint has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Product {
    Cvm,
    Sts,
}

impl Product {
    const fn name(self) -> &'static str {
        match self {
            Self::Cvm => "cvm",
            Self::Sts => "sts",
        }
    }

    const fn version(self) -> &'static str {
        match self {
            Self::Cvm => "2017-03-12",
            Self::Sts => "2018-08-13",
        }
    }

    fn named(name: &str) -> Result<Self, Refusal> {
        [Self::Cvm, Self::Sts].into_iter().find(|product| product.name() == name).ok_or_else(|| {
            Refusal::new(
                "NoSuchProduct",
                format!("There is no service `{}` here: cvm-local has cvm and sts.", Shown(name)),
            )
        })
    }

    /// The service that a request is for. A host of the public domain names it, and else the scope of the signature,
    /// unless that is only a part of this endpoint's own address, as with clients that take it from there. A request
    /// that names none is for the service whose version it asks for.
    pub(crate) fn of<'a>(
        incoming: &Incoming<'a>,
        claims: Option<&Claims>,
        target: &Target<'_>,
    ) -> Result<Self, Refusal> {
        let first_label = |host: &'a str| host.split('.').next().unwrap_or_default();
        let as_sent = header(incoming, "host").unwrap_or_default();
        let host = as_sent.rsplit_once(':').map_or(as_sent, |(name, _)| name);
        if host.ends_with(DOMAIN) {
            return Self::named(first_label(host));
        }
        // Some clients take the first label of `localhost:8080` with its port.
        let own = [first_label(host), first_label(as_sent)];
        let scope = claims.and_then(|claims| claims.scope_service.as_deref());
        if let Some(service) = scope.filter(|service| !own.contains(service)) {
            return Self::named(service);
        }
        Ok(if target.version == Self::Sts.version() { Self::Sts } else { Self::Cvm })
    }
}

/// Where a request says what every request has to say.
#[derive(Debug)]
pub(crate) enum CommonParams<'a> {
    /// In headers: TC3, or not signed.
    Headers,
    /// Among the parameters: the v1 signatures.
    Parameters(Cow<'a, [(String, String)]>),
}

impl<'a> CommonParams<'a> {
    /// By the signature if there is one that can be read, and else by what there is.
    pub(crate) fn of(incoming: &Incoming<'_>, claims: Option<&'a Claims>) -> Self {
        match claims {
            Some(claims) if claims.method == SignMethod::Tc3HmacSha256 => Self::Headers,
            Some(claims) => Self::Parameters(Cow::Borrowed(&claims.parameters)),
            None if ["authorization", "x-tc-action"].iter().any(|name| header(incoming, name).is_some()) => {
                Self::Headers
            }
            None => {
                let form = std::str::from_utf8(incoming.body).unwrap_or_default();
                let raw = if incoming.method == "POST" { form } else { incoming.query };
                Self::Parameters(Cow::Owned(percent::parse_pairs(raw).unwrap_or_default()))
            }
        }
    }

    fn find<'s>(&'s self, incoming: &Incoming<'s>, name: &str, parameter: &str) -> Option<&'s str> {
        match self {
            Self::Headers => header(incoming, name),
            Self::Parameters(parameters) => {
                parameters.iter().find(|(name, _)| name == parameter).map(|(_, value)| value.as_str())
            }
        }
    }

    /// The language that messages are wanted in.
    pub(crate) fn language(&self, incoming: &Incoming<'_>) -> Language {
        self.find(incoming, "x-tc-language", "Language").map_or(Language::default(), Language::named)
    }
}

/// A request's target, as the request has it.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) action: &'a str,
    pub(crate) version: &'a str,
    /// `None` if the request has no region at all.
    pub(crate) region: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads the target. Nothing is missing yet: the log names what there is also of a request that is refused.
    pub(crate) fn read(incoming: &Incoming<'a>, common: &'a CommonParams<'_>) -> Self {
        Self {
            action: common.find(incoming, "x-tc-action", "Action").unwrap_or_default(),
            version: common.find(incoming, "x-tc-version", "Version").unwrap_or_default(),
            region: common.find(incoming, "x-tc-region", "Region"),
        }
    }

    /// Refuses a request that does not say what it asks for.
    pub(crate) fn check_action(&self) -> Result<(), Refusal> {
        if self.action.is_empty() { Err(missing("Action")) } else { Ok(()) }
    }

    /// Refuses a request for another version of a service.
    pub(crate) fn check_version(&self, product: Product) -> Result<(), Refusal> {
        if self.version.is_empty() {
            return Err(missing("Version"));
        }
        let version = product.version();
        if self.version != version {
            return refuse(
                "NoSuchVersion",
                format!(
                    "There is no version `{}` of {}: use {version}.",
                    Shown(self.version),
                    product.name()
                ),
            );
        }
        Ok(())
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::new("MissingParameter", format!("The request is missing `{name}`."))
}

/// Reads the action's parameters from where the request's method, signature and content type put them.
pub(crate) fn parameters(
    incoming: &Incoming<'_>,
    common: &CommonParams<'_>,
    product: Product,
    skipped_checks: SkippedChecks,
) -> Result<Parameters, Refusal> {
    if let CommonParams::Parameters(pairs) = common {
        let own = |(name, _): &&(String, String)| !COMMON.contains(&name.as_str());
        let pairs: Vec<_> = pairs.iter().filter(own).cloned().collect();
        return Parameters::from_pairs(&pairs);
    }
    if incoming.method == "GET" {
        return Parameters::from_query(incoming.query);
    }
    if !incoming.query.is_empty() {
        return refuse("InvalidParameter", "A POST request has no query: its parameters are in the body.");
    }
    let content_type = header(incoming, "content-type").unwrap_or_default();
    match essence(content_type) {
        "application/json" => Parameters::from_json(incoming.body),
        "multipart/form-data" if product == Product::Cvm => {
            Parameters::from_multipart(incoming.body, content_type)
        }
        "multipart/form-data" => refuse(
            "InvalidParameter",
            "No action of this service takes multipart/form-data: use application/json.",
        ),
        _ if skipped_checks.has(Check::ContentType) => Parameters::from_json(incoming.body),
        other => refuse(
            "InvalidParameter",
            format!(
                "The content type `{}` cannot be used with TC3-HMAC-SHA256 and POST: use application/json.",
                Shown(other)
            ),
        ),
    }
}

/// A header as sent, without the blanks around it.
pub(crate) fn header<'a>(incoming: &Incoming<'a>, wanted: &str) -> Option<&'a str> {
    incoming.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.trim())
}

/// A media type without its parameters.
pub(crate) fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}
