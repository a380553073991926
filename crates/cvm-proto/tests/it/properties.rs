//! Properties that hold for any input. `PROPTEST_CASES` sets how many inputs are tried; `cargo xtask fuzz` raises it.

use cvm_proto::codec::{envelope, flatten, multipart, percent};
use cvm_proto::sign::verify::{Incoming, VerifyError, claims, verify};
use cvm_proto::{AnyCall, Endpoint, Machine, Now, Reply, Response, Step};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use crate::driver::config;
use crate::signing::{WAYS, accepted, first, received, way};

/// A member's name, as the API has them.
fn name() -> impl Strategy<Value = String> {
    "[A-Z][A-Za-z0-9]{0,12}"
}

/// Any value that survives flattening: no nulls, which are skipped, and nothing empty, which leaves no trace.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<String>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        // In eighths: serde_json reads other fractions to within a unit in the last place only.
        any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..12).prop_map(Value::from),
            btree_map(name(), inner, 1..4).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn parameters() -> impl Strategy<Value = Value> {
    btree_map(name(), value(), 0..5)
        // The common parameters share the query and the form with these.
        .prop_map(|members| members.into_iter().map(|(name, value)| (format!("P{name}"), value)).collect())
        .prop_map(Value::Object)
}

/// What is left of a value when every scalar is text.
fn as_text(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(as_text).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), as_text(value))).collect()
        }
        Value::String(text) => text.as_str().into(),
        scalar => scalar.to_string().into(),
    }
}

/// Text that looks like the input of a parser, and text that does not.
fn nearly(pattern: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![pattern.prop_map(String::from), any::<String>()]
}

proptest! {
    #[test]
    fn flattened_parameters_come_back(parameters in parameters()) {
        let flat = flatten::flatten(&parameters).unwrap();
        prop_assert_eq!(flatten::unflatten(&flat).unwrap(), as_text(&parameters));
        let typed: Map<String, Value> = flatten::from_flat(&flat).unwrap();
        prop_assert_eq!(Value::Object(typed), as_text(&parameters));
        let again = percent::parse_pairs(&percent::encode_pairs(&flat)).unwrap();
        prop_assert_eq!(again, flat);
    }

    #[test]
    fn parts_come_back(parameters in parameters()) {
        let parts = multipart::to_parts(&parameters).unwrap();
        let boundary = multipart::boundary(&parts);
        prop_assert_eq!(multipart::decode(&multipart::encode(&parts, &boundary).unwrap(), &boundary).unwrap(), parts);
    }

    #[test]
    fn percent_encoding_comes_back(text: String) {
        let mut encoded = String::new();
        percent::encode_into(&text, &mut encoded);
        prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b)));
        prop_assert_eq!(percent::decode(&encoded).unwrap(), text);
    }

    #[test]
    fn an_endpoint_accepts_what_the_client_signs(
        parameters in parameters(),
        (method, notation) in select(&WAYS[..]),
        port in 1_u16..,
    ) {
        let mut settings = way(method, notation);
        settings.endpoint = Endpoint::explicit(&format!("http://127.0.0.1:{port}")).unwrap();
        let request = first(settings, &parameters).unwrap();
        prop_assert_eq!(accepted(&request).map(|claims| claims.method), Ok(method));
        prop_assert_eq!(as_text(&received(&request)), as_text(&parameters));
    }

    #[test]
    fn an_endpoint_refuses_what_was_changed(
        parameters in parameters(),
        (method, notation) in select(&WAYS[..]),
        at: Index,
        mask in 1_u8..,
    ) {
        let request = first(way(method, notation), &parameters).unwrap();
        let target = request.target();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let host = request.origin().host();
        let mut parts = [request.method().as_str(), path, query, host].map(|text| text.as_bytes().to_vec()).to_vec();
        parts.push(request.body().to_vec());
        let original = parts.clone();

        // One byte, anywhere in what is sent.
        let mut at = at.index(parts.iter().map(Vec::len).sum());
        for part in &mut parts {
            if let Some(byte) = part.get_mut(at) {
                *byte ^= mask;
                break;
            }
            at -= part.len();
        }
        let text = |i: usize| std::str::from_utf8(&parts[i]).map(str::to_owned);
        // What is not text never reaches the signature: an HTTP server refuses it before.
        let (Ok(method), Ok(path), Ok(query), Ok(host)) = (text(0), text(1), text(2), text(3)) else { return Ok(()) };
        let headers: Vec<_> = request
            .headers()
            .map(|(name, value)| (name, if name == "host" { host.as_str() } else { value }))
            .collect();
        let incoming =
            Incoming { method: &method, path: &path, query: &query, headers: &headers, body: &parts[4] };
        let outcome = claims(&incoming).and_then(|claims| {
            // An endpoint has the key of one id only.
            if claims.secret_id == "AKIDexample" { verify(&incoming, &claims, "not-a-real-key") } else {
                Err(VerifyError::Mismatch)
            }
        });
        if outcome.is_ok() {
            // v1 signs decoded text, and one text can be encoded in several ways: `%2B` and `%2b`. It also signs `_` in a
            // name as `.`, and `true` as `True`, so those cannot be told apart by the signature.
            let signed = |(name, value): (String, String)| (name.replace('_', "."), match value.as_str() {
                "true" => "True".into(),
                "false" => "False".into(),
                _ => value,
            });
            let decoded = |parts: &[Vec<u8>], i: usize| {
                percent::parse_pairs(std::str::from_utf8(&parts[i]).unwrap())
                    .map(|pairs| pairs.into_iter().map(signed).collect::<Vec<_>>())
            };
            let is_v1 = request.headers().all(|(name, _)| name != "authorization");
            prop_assert!(is_v1 && parts[..2] == original[..2] && parts[3] == original[3], "{:?}", incoming.query);
            for i in [2, 4] {
                prop_assert_eq!(decoded(&parts, i).unwrap(), decoded(&original, i).unwrap());
            }
        }
    }

    #[test]
    fn any_answer_has_an_outcome(status in 100_u16..600, body in vec(any::<u8>(), 0..200)) {
        let _ = envelope::decode::<Value>(status, &body);
        let config = config();
        let now = Now::new(1_551_113_065, std::time::Duration::ZERO);
        let mut call = AnyCall::new(&config, "RunInstances", &json!({}), 7);
        prop_assert!(matches!(call.poll(now), Step::Send(_)));
        call.reply(now, Reply::Response(Response::new(status, body)));
        let ended_or_waits = matches!(call.poll(now), Step::Done(_) | Step::WaitUntil(_));
        prop_assert!(ended_or_waits);
    }

    #[test]
    fn any_answer_that_is_nearly_one_has_an_outcome(
        body in nearly(r#"\{"Response":\{("Error":(\{"Code":"[A-Za-z.]{0,9}","Message":"m"\}|null|\[\]),)?"ImageSet":(null|\[\]|\[\{\}\]|1),"RequestId":("r"|null|1)\}\}?"#),
    ) {
        let _ = envelope::decode::<cvm_proto::api::DescribeImagesResponse>(200, body.as_bytes());
    }

    #[test]
    fn decoders_never_panic(
        text in nearly(r"((P|0|10|Values)(\.(0|1|01|P))*(=|%3[dD]|%)[a-z%+&]*&?)*"),
        body in prop_oneof![
            vec(any::<u8>(), 0..200),
            r#"(--b(--)?|\r\n|Content-Disposition: form-data; name="?[a;"]*|[a-z:]*)*"#.prop_map(String::into_bytes),
        ],
        boundary in "b|[ -~]{0,20}",
    ) {
        if let Ok(pairs) = percent::parse_pairs(&text) {
            let _ = flatten::unflatten(&pairs);
            let _ = flatten::from_flat::<cvm_proto::api::DescribeImages>(&pairs);
        }
        let _ = multipart::boundary_of(&text);
        if let Ok(parts) = multipart::decode(&body, &boundary) {
            let _ = multipart::from_parts::<Value>(&parts);
        }
    }

    #[test]
    fn claims_never_panic(
        method in "GET|POST|[A-Z]{0,5}",
        query in nearly("((Signature|SecretId|Timestamp|Nonce|Token)=[a-z0-9%+]*&?)*"),
        authorization in proptest::option::of(nearly(
            "TC3-HMAC-SHA256 (Credential=[a/]*(/2019-02-25/cvm/tc3_request)?|, ?|SignedHeaders=[a-z;-]*|Signature=[0-9a-f]*)*"
        )),
        timestamp in nearly("[0-9]{0,21}"),
        body: Vec<u8>,
    ) {
        let mut headers = vec![("host", "h"), ("content-type", "t"), ("x-tc-timestamp", timestamp.as_str())];
        headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
        let incoming = Incoming { method: &method, path: "/", query: &query, headers: &headers, body: &body };
        if let Ok(claims) = claims(&incoming) {
            prop_assert!(verify(&incoming, &claims, "key").is_err());
        }
    }
}
