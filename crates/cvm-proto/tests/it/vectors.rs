//! Signatures made by others: the service's published examples, stage by stage, and the official Python SDK's.

use std::collections::{BTreeMap, HashSet};

use cvm_proto::codec::percent::parse_pairs;
use cvm_proto::sign::explain::{Input, SignatureStages, explain};
use cvm_proto::sign::verify::{Incoming, VerifyError, claims, verify};
use cvm_proto::sign::{
    CanonicalRequest, CredentialScope, KeyChain, Payload, SignMethod, SigningKey, StringToSign,
    authorization, v1,
};
use serde::Deserialize;
use serde_json::Value;

const SDK: &str = include_str!("../../../../tests/vectors/signing.json");
const PUBLISHED: &str = include_str!("../../../../tests/vectors/published.json");

#[derive(Deserialize)]
struct File<T> {
    vectors: Vec<T>,
}

#[derive(Deserialize)]
struct Tc3 {
    id: String,
    method: String,
    timestamp: u64,
    date: String,
    service: String,
    query: String,
    payload: String,
    secret_id: String,
    secret_key: String,
    signed_headers: String,
    canonical_headers: Vec<(String, String)>,
    payload_hash: String,
    canonical_hash: String,
    secret_date: String,
    secret_service: String,
    secret_signing: String,
    published_signature: String,
}

#[derive(Deserialize)]
struct V1 {
    string_to_sign: String,
    secret_key: String,
    published_signature: String,
    hmacsha256_of_same_string_self_derived: String,
}

/// A vector of the SDK: the input, and what the SDK made of it.
struct Made {
    input: Input,
    raw: Value,
}

impl Made {
    fn all() -> Vec<Self> {
        let File { vectors } = serde_json::from_str::<File<Value>>(SDK).unwrap();
        vectors
            .into_iter()
            .map(|raw| Self { input: serde_json::from_value(raw.clone()).unwrap(), raw })
            .collect()
    }

    fn expected(&self, stage: &str) -> Option<&str> {
        self.raw["expected"][stage].as_str()
    }

    /// The request as it went over the wire.
    fn wire(&self) -> Wire {
        let mut headers: Vec<(String, String)> = match self.raw.get("headers") {
            Some(headers) => serde_json::from_value::<BTreeMap<_, _>>(headers.clone()).unwrap(),
            None => [("Host".to_string(), self.input.host.clone())].into(),
        }
        .into_iter()
        .collect();
        if let Some(authorization) = self.expected("authorization") {
            headers.push(("Authorization".into(), authorization.into()));
        }
        let text = |name: &str| self.raw[name].as_str().unwrap_or_default().to_string();
        let encoded = self.expected("encoded").unwrap_or_default().to_string();
        let (query, body) = match (self.input.sign_method, self.input.http_method.as_str()) {
            (SignMethod::Tc3HmacSha256, _) => (text("query"), text("body")),
            (_, "GET") => (encoded, String::new()),
            _ => (String::new(), encoded),
        };
        let secret_id = self.input.secret_id.clone();
        Wire { secret_id, method: self.input.http_method.clone(), path: "/".into(), query, headers, body }
    }
}

#[derive(Clone, Debug)]
struct Wire {
    /// Whose key the endpoint has.
    secret_id: String,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Wire {
    fn verify(&self, secret_key: &str) -> Result<SignMethod, VerifyError> {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let incoming = Incoming {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: self.body.as_bytes(),
        };
        let claims = claims(&incoming)?;
        if claims.secret_id != self.secret_id {
            return Err(VerifyError::Mismatch);
        }
        verify(&incoming, &claims, secret_key)?;
        Ok(claims.method)
    }

    fn header(&mut self, name: &str) -> &mut String {
        &mut self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)).unwrap().1
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn published_tc3_signatures_stage_by_stage() {
    let File { vectors } = serde_json::from_str::<File<Value>>(PUBLISHED).unwrap();
    let mut seen = 0;
    for vector in vectors.into_iter().filter(|vector| vector["kind"] == "TC3") {
        let vector: Tc3 = serde_json::from_value(vector).unwrap();
        let id = &vector.id;
        let payload = Payload::Body(vector.payload.as_bytes());
        assert_eq!(hex(&payload.hash()), vector.payload_hash, "{id}: payload");
        let headers: Vec<_> =
            vector.canonical_headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = CanonicalRequest {
            method: &vector.method,
            path: "/",
            query: &vector.query,
            headers: &headers,
            payload,
        };
        assert_eq!(request.signed_headers(), vector.signed_headers, "{id}: signed headers");
        assert_eq!(hex(&request.hash()), vector.canonical_hash, "{id}: canonical request");
        assert_eq!(
            hex(&Payload::Body(request.to_string().as_bytes()).hash()),
            vector.canonical_hash,
            "{id}: shown"
        );

        let scope = CredentialScope::new(vector.timestamp, &vector.service);
        assert_eq!(
            scope.to_string(),
            format!("{}/{}/tc3_request", vector.date, vector.service),
            "{id}: scope"
        );
        let chain = KeyChain::derive(&vector.secret_key, scope);
        assert_eq!(hex(&*chain.secret_date), vector.secret_date, "{id}: date key");
        assert_eq!(hex(&*chain.secret_service), vector.secret_service, "{id}: service key");
        assert_eq!(hex(&*chain.secret_signing), vector.secret_signing, "{id}: signing key");

        let text = StringToSign { timestamp: vector.timestamp, scope, canonical_hash: request.hash() };
        assert_eq!(
            text.to_string(),
            format!("TC3-HMAC-SHA256\n{}\n{scope}\n{}", vector.timestamp, vector.canonical_hash),
            "{id}: string to sign"
        );
        let signature = SigningKey::new(&chain).sign(&text);
        assert_eq!(signature.to_string(), vector.published_signature, "{id}: signature");
        assert_eq!(
            authorization(&vector.secret_id, scope, &request.signed_headers(), &signature),
            format!(
                "TC3-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={}, Signature={}",
                vector.secret_id, vector.signed_headers, vector.published_signature
            ),
            "{id}: authorization"
        );
        seen += 1;
    }
    assert_eq!(seen, 5);
}

#[test]
fn published_v1_signatures() {
    let File { vectors } = serde_json::from_str::<File<Value>>(PUBLISHED).unwrap();
    let mut seen = 0;
    for vector in vectors.into_iter().filter(|vector| vector["kind"] == "HmacSHA1") {
        let vector: V1 = serde_json::from_value(vector).unwrap();
        let (head, params) = vector.string_to_sign.split_once("/?").unwrap();
        let mut params: Vec<(&str, &str)> =
            params.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        params.reverse();
        let text = v1::string_to_sign("GET", head.strip_prefix("GET").unwrap(), "/", &params);
        assert_eq!(text, vector.string_to_sign);
        for (method, expected) in [
            (SignMethod::HmacSha1, &vector.published_signature),
            (SignMethod::HmacSha256, &vector.hmacsha256_of_same_string_self_derived),
        ] {
            assert_eq!(v1::sign(method, &vector.secret_key, &text), *expected);
            assert!(v1::verify(method, &vector.secret_key, &text, expected));
            assert!(!v1::verify(method, "another key", &text, expected));
        }
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn the_sdks_signatures_stage_by_stage() {
    for made in Made::all() {
        let id = &made.raw["id"];
        let SignatureStages { canonical_request, string_to_sign, signature, authorization, .. } =
            explain(&made.input).unwrap();
        assert_eq!(
            canonical_request.as_deref(),
            made.expected("canonical_request"),
            "{id}: canonical request"
        );
        assert_eq!(Some(string_to_sign.as_str()), made.expected("string_to_sign"), "{id}: string to sign");
        assert_eq!(Some(signature.as_str()), made.expected("signature"), "{id}: signature");
        assert_eq!(authorization.as_deref(), made.expected("authorization"), "{id}: authorization");
    }
}

#[test]
fn a_query_is_encoded_as_the_sdk_does() {
    let mut seen = 0;
    for mut made in Made::all().into_iter().filter(|made| made.raw.get("query").is_some()) {
        // Flattened names come in another order; everything else has to be the same text.
        let sorted = |query: &str| {
            let mut pairs: Vec<_> = query.split('&').map(str::to_owned).collect();
            pairs.sort_unstable();
            pairs
        };
        let query = made.input.query.take().unwrap();
        let canonical = explain(&made.input).unwrap().canonical_request.unwrap();
        // In a query that it signs, the SDK writes a space as `+`; both are read as one.
        let expected = query.replace('+', "%20");
        assert_eq!(sorted(canonical.split('\n').nth(2).unwrap()), sorted(&expected), "{}", made.raw["id"]);
        seen += 1;
    }
    assert_eq!(seen, 20);
}

#[test]
fn an_endpoint_accepts_the_sdks_requests() {
    for made in Made::all() {
        let id = &made.raw["id"];
        assert_eq!(made.wire().verify(&made.input.secret_key), Ok(made.input.sign_method), "{id}");
        assert_eq!(made.wire().verify("another key"), Err(VerifyError::Mismatch), "{id}");
    }
}

/// Flips each `step`th bit of what `part` picks, where that leaves text, and expects every change to be refused.
fn blind_changes(made: &Made, step: usize, what: &str, part: impl Fn(&mut Wire) -> &mut String) {
    let wire = made.wire();
    let original = part(&mut wire.clone()).clone();
    for bit in (0..original.len() * 8).step_by(step) {
        let mut bytes = original.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        let mut wire = wire.clone();
        part(&mut wire).clone_from(&changed);
        let outcome = wire.verify(&made.input.secret_key);
        // `%2B` and `%2b` are the same character.
        let same =
            || what == "parameters" && parse_pairs(&changed).unwrap() == parse_pairs(&original).unwrap();
        assert!(
            outcome.is_err() || same(),
            "{}: {what}: {original:?} was changed to {changed:?}",
            made.raw["id"]
        );
    }
}

#[test]
fn an_endpoint_refuses_a_change_of_any_bit_that_is_signed() {
    let mut kinds = HashSet::new();
    for made in Made::all() {
        // Every bit of the first request of a kind. Of the others a sample: each bit is a whole verification.
        let kind = (made.input.sign_method, made.input.http_method.clone(), made.input.unsigned_payload);
        let step = if kinds.insert(kind) { 1 } else { 41 };
        blind_changes(&made, step, "method", |wire| &mut wire.method);
        blind_changes(&made, step, "path", |wire| &mut wire.path);
        blind_changes(&made, step, "host", |wire| wire.header("host"));
        if made.input.sign_method == SignMethod::Tc3HmacSha256 {
            blind_changes(&made, step, "query", |wire| &mut wire.query);
            blind_changes(&made, step, "content type", |wire| wire.header("content-type"));
            blind_changes(&made, step, "timestamp", |wire| wire.header("x-tc-timestamp"));
            blind_changes(&made, step, "authorization", |wire| wire.header("authorization"));
            if !made.input.unsigned_payload {
                blind_changes(&made, step, "body", |wire| &mut wire.body);
            }
        } else if made.input.http_method == "GET" {
            blind_changes(&made, step, "parameters", |wire| &mut wire.query);
        } else {
            blind_changes(&made, step, "parameters", |wire| &mut wire.body);
        }
    }
}
