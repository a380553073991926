//! What the client signs is what it sends, in every notation and with every method.

use std::time::Duration;

use cvm_proto::codec::{flatten, multipart, percent};
use cvm_proto::sign::verify::{Claims, Incoming, VerifyError, claims, verify};
use cvm_proto::{
    AnyCall, Config, Credential, Language, Machine, Notation, Now, Request, Settings, SignMethod, Step,
};
use serde_json::{Value, json};

use crate::driver::{UNIX, settings};

/// Every sign method with every notation that it signs.
pub(crate) const WAYS: [(SignMethod, Notation); 7] = [
    (SignMethod::Tc3HmacSha256, Notation::Json),
    (SignMethod::Tc3HmacSha256, Notation::Query),
    (SignMethod::Tc3HmacSha256, Notation::Multipart),
    (SignMethod::HmacSha256, Notation::Query),
    (SignMethod::HmacSha256, Notation::Form),
    (SignMethod::HmacSha1, Notation::Query),
    (SignMethod::HmacSha1, Notation::Form),
];

/// The settings for one of the [`WAYS`].
pub(crate) fn way(method: SignMethod, notation: Notation) -> Settings {
    let mut settings = settings();
    settings.sign_method = method;
    settings.notation = Some(notation);
    settings
}

/// The first request of a call.
pub(crate) fn first(settings: Settings, parameters: &Value) -> Result<Request, cvm_proto::Error> {
    let config = Config::new(settings)?;
    match AnyCall::new(&config, "DescribeImages", parameters, 7).poll(Now::new(UNIX, Duration::ZERO)) {
        Step::Send(request) => Ok(request),
        Step::Done(Err(error)) => Err(error),
        step => panic!("{step:?}"),
    }
}

/// What an endpoint makes of a request: its claims, if they hold.
pub(crate) fn accepted(request: &Request) -> Result<Claims, VerifyError> {
    let target = request.target();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let headers: Vec<_> = request.headers().collect();
    let incoming =
        Incoming { method: request.method().as_str(), path, query, headers: &headers, body: request.body() };
    let claims = claims(&incoming)?;
    verify(&incoming, &claims, "not-a-real-key").map(|()| claims)
}

/// The parameters of the action as the endpoint reads them, as text where the notation knows nothing else.
pub(crate) fn received(request: &Request) -> Value {
    let target = request.target();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let content_type = header(request, "content-type").unwrap();
    let form = std::str::from_utf8(request.body()).unwrap();
    let pairs = |raw: &str| {
        const COMMON: [&str; 11] = [
            "Action",
            "Language",
            "Nonce",
            "Region",
            "RequestClient",
            "SecretId",
            "Signature",
            "SignatureMethod",
            "Timestamp",
            "Token",
            "Version",
        ];
        let mut pairs = percent::parse_pairs(raw).unwrap();
        pairs.retain(|(name, _)| !COMMON.contains(&name.as_str()));
        flatten::unflatten(&pairs).unwrap()
    };
    match multipart::boundary_of(content_type) {
        Some(boundary) => {
            multipart::from_parts(&multipart::decode(request.body(), boundary).unwrap()).unwrap()
        }
        None if content_type == "application/json" => serde_json::from_slice(request.body()).unwrap(),
        None if request.body().is_empty() => pairs(query),
        None => pairs(form),
    }
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().find(|(known, _)| *known == name).map(|(_, value)| value)
}

#[test]
fn an_endpoint_accepts_every_way() {
    for (method, notation) in WAYS {
        let request =
            first(way(method, notation), &json!({ "ImageIds": ["img-1", "中 +&"], "Limit": 20 })).unwrap();
        let claims = accepted(&request).unwrap();
        assert_eq!((claims.method, claims.timestamp), (method, UNIX), "{method} {notation:?}");
        assert_eq!((claims.secret_id.as_str(), claims.token), ("AKIDexample", None));
        assert_eq!(received(&request)["ImageIds"], json!(["img-1", "中 +&"]), "{method} {notation:?}");
        assert_eq!(request.headers().next(), Some(("host", "cvm.tencentcloudapi.com")));
    }
}

#[test]
fn common_parameters_reach_the_service_every_way() {
    for (method, notation) in WAYS {
        let mut settings = way(method, notation);
        settings.credential =
            Some(Credential::new("AKIDexample", "not-a-real-key").unwrap().with_token("a~token+/=").unwrap());
        settings.language = Some(Language::English);
        settings.request_client = Some("tests".into());
        let request = first(settings, &json!({})).unwrap();
        let claims = accepted(&request).unwrap();
        assert_eq!(claims.token.as_deref(), Some("a~token+/="), "{method} {notation:?}");
        for (name, value) in [
            ("Action", "DescribeImages"),
            ("Version", "2017-03-12"),
            ("Region", "ap-shanghai"),
            ("Language", "en-US"),
            ("RequestClient", "tests"),
            ("Timestamp", "1551113065"),
        ] {
            let parameter =
                claims.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            let tc3 = method == SignMethod::Tc3HmacSha256;
            let got =
                if tc3 { header(&request, &format!("x-tc-{}", name.to_lowercase())) } else { parameter };
            assert_eq!(got, Some(value), "{method} {notation:?} {name}");
        }
    }
}

#[test]
fn v1_requests_have_a_positive_nonce_and_no_signature_in_a_header() {
    for (method, notation) in WAYS.into_iter().filter(|(method, _)| *method != SignMethod::Tc3HmacSha256) {
        let request = first(way(method, notation), &json!({})).unwrap();
        let claims = accepted(&request).unwrap();
        let (_, nonce) = claims.parameters.iter().find(|(name, _)| name == "Nonce").unwrap();
        assert!(nonce.parse::<u64>().unwrap() > 0 && nonce.len() <= 19, "{nonce}");
        assert_eq!(request.headers().map(|(name, _)| name).collect::<Vec<_>>(), ["host", "content-type"]);
    }
}

#[test]
fn an_unsigned_payload_says_so_and_may_be_changed() {
    for notation in [Notation::Json, Notation::Multipart] {
        let mut settings = way(SignMethod::Tc3HmacSha256, notation);
        settings.unsigned_payload = true;
        let request = first(settings, &json!({ "Limit": 20 })).unwrap();
        assert_eq!(header(&request, "x-tc-content-sha256"), Some("UNSIGNED-PAYLOAD"));
        accepted(&request).unwrap();
        let headers: Vec<_> = request.headers().collect();
        let other_body = Incoming { method: "POST", path: "/", query: "", headers: &headers, body: b"{}" };
        assert_eq!(verify(&other_body, &claims(&other_body).unwrap(), "not-a-real-key"), Ok(()));
        // Without the announcement the body counts, and it was never hashed.
        let headers: Vec<_> =
            headers.into_iter().filter(|(name, _)| *name != "x-tc-content-sha256").collect();
        let silent =
            Incoming { method: "POST", path: "/", query: "", headers: &headers, body: request.body() };
        let outcome = verify(&silent, &claims(&silent).unwrap(), "not-a-real-key");
        assert_eq!(outcome, Err(VerifyError::Mismatch));
    }
}

#[test]
fn what_is_too_large_is_not_sent() {
    for (method, notation) in WAYS {
        let (limit, what) = match notation {
            Notation::Query => (32 << 10, "32768"),
            Notation::Form => (1 << 20, "1048576"),
            _ => (10 << 20, "10485760"),
        };
        let parameters = |len: usize| json!({ "UserData": "x".repeat(len) });
        let fits = first(way(method, notation), &parameters(limit - 1024)).unwrap();
        accepted(&fits).unwrap();
        let error = first(way(method, notation), &parameters(limit)).unwrap_err();
        assert_eq!(error.kind(), cvm_proto::ErrorKind::Parameter, "{method} {notation:?}");
        assert!(error.message().contains(what), "{error}");
    }
}

#[test]
fn an_attempt_of_another_day_is_signed_with_that_days_key() {
    let config = Config::new(settings()).unwrap();
    for (second, unix) in (0..).zip([UNIX, UNIX + 86_400, UNIX]) {
        let now = Now::new(unix, Duration::from_secs(second));
        let step = AnyCall::new(&config, "DescribeImages", &json!({}), 7).poll(now);
        let Step::Send(request) = step else { panic!("{step:?}") };
        assert_eq!(accepted(&request).unwrap().timestamp, unix);
    }
}

#[test]
fn a_client_of_many_actions_and_regions_signs_each_rightly() {
    let config = Config::new(settings()).unwrap();
    let regions = ["ap-shanghai", "ap-shanghai-fsi", "ap-shenzhen-fsi"]
        .map(|region| config.with_region(region).unwrap());
    for round in 0..2 {
        for number in 0..40 {
            for config in &regions {
                let action = format!("DescribeThing{number}");
                let step = AnyCall::new(config, &action, &json!({ "Round": round }), 7)
                    .poll(Now::new(UNIX, Duration::ZERO));
                let Step::Send(request) = step else { panic!("{step:?}") };
                assert_eq!(header(&request, "x-tc-action"), Some(action.as_str()));
                accepted(&request).unwrap();
            }
        }
    }
}

/// A signed request as its parts, for changing one of them.
struct Sent {
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn check(change: impl FnOnce(&mut Sent), expected: &str) {
    let request = first(settings(), &json!({})).unwrap();
    let mut sent = Sent {
        query: String::new(),
        headers: request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: String::from_utf8(request.body().to_vec()).unwrap(),
    };
    change(&mut sent);
    let headers: Vec<_> = sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = sent.body.as_bytes();
    let method = if body.is_empty() { "GET" } else { "POST" };
    let incoming = Incoming { method, path: "/", query: &sent.query, headers: &headers, body };
    let outcome = claims(&incoming).and_then(|claims| verify(&incoming, &claims, "not-a-real-key"));
    let code = outcome.as_ref().map_or_else(|error| error.code().as_str().to_owned(), |()| "accepted".into());
    assert_eq!(code, expected, "{outcome:?}");
}

impl Sent {
    fn header(&mut self, name: &str) -> &mut String {
        &mut self.headers.iter_mut().find(|(known, _)| *known == name).unwrap().1
    }

    fn authorization(&mut self, from: &str, to: &str) {
        let value = self.header("authorization");
        assert!(value.contains(from));
        *value = value.replace(from, to);
    }
}

#[test]
fn what_an_endpoint_says_to_a_request_it_does_not_accept() {
    const AUTHORIZATION: &str = "AuthFailure.InvalidAuthorization";
    check(|_| {}, "accepted");
    check(|sent| sent.headers.push(("x-other".into(), "is not signed".into())), "accepted");
    check(|sent| sent.headers.reverse(), "accepted");
    check(|sent| sent.body.push(' '), "AuthFailure.SignatureFailure");
    check(|sent| sent.query.push_str("a=b"), "AuthFailure.SignatureFailure");
    check(|sent| sent.header("host").push_str(".example"), "AuthFailure.SignatureFailure");
    check(|sent| sent.header("host").push_str(":8080"), "accepted");
    check(|sent| *sent.header("x-tc-action") = "DescribeRegions".into(), "AuthFailure.SignatureFailure");
    check(|sent| *sent.header("content-type") = "Application/json".into(), "AuthFailure.SignatureFailure");
    check(|sent| sent.headers.push(("host".into(), "cvm.tencentcloudapi.com".into())), AUTHORIZATION);
    check(|sent| sent.headers.retain(|(name, _)| *name != "host"), AUTHORIZATION);
    check(|sent| sent.headers.retain(|(name, _)| *name != "x-tc-timestamp"), "MissingParameter");
    check(|sent| sent.headers.retain(|(name, _)| *name != "authorization"), "MissingParameter");
    check(|sent| *sent.header("x-tc-timestamp") = "soon".into(), "InvalidParameter");
    check(|sent| *sent.header("x-tc-timestamp") = "+1551113065".into(), "InvalidParameter");
    check(|sent| *sent.header("x-tc-timestamp") = "1551199465".into(), AUTHORIZATION);
    check(|sent| *sent.header("x-tc-timestamp") = "1551113066".into(), "AuthFailure.SignatureFailure");
    check(|sent| sent.header("authorization").clear(), AUTHORIZATION);
    check(|sent| sent.authorization("TC3-", "TC4-"), AUTHORIZATION);
    check(|sent| sent.authorization("Credential=", "Credentials="), AUTHORIZATION);
    check(|sent| sent.authorization("/tc3_request", "/tc4_request"), AUTHORIZATION);
    check(|sent| sent.authorization("/cvm/", "/"), AUTHORIZATION);
    check(|sent| sent.authorization("/cvm/", "/vpc/"), "AuthFailure.SignatureFailure");
    check(|sent| sent.authorization(";host", ""), AUTHORIZATION);
    check(|sent| sent.authorization(";host", ";Host"), AUTHORIZATION);
    check(|sent| sent.authorization(";host", ";host;x-absent"), AUTHORIZATION);
    check(|sent| sent.authorization(", SignedHeaders", ", Signature=0, SignedHeaders"), AUTHORIZATION);
    check(|sent| sent.authorization("Signature=", "Signature=0"), AUTHORIZATION);
    check(|sent| sent.authorization(", Signature=", ",Signature="), "accepted");
}

#[test]
fn what_an_endpoint_says_to_a_v1_request_it_does_not_accept() {
    let check = |query: &str, expected: &str| {
        let headers = [("Host", "cvm.tencentcloudapi.com")];
        let incoming = Incoming { method: "GET", path: "/", query, headers: &headers, body: b"" };
        let error = claims(&incoming).and_then(|claims| verify(&incoming, &claims, "key")).unwrap_err();
        assert_eq!(error.code().as_str(), expected, "{query}: {error}");
    };
    check("", "MissingParameter");
    check("Signature=x&Timestamp=1&Nonce=1", "MissingParameter");
    check("Signature=x&SecretId=a&Nonce=1", "MissingParameter");
    check("Signature=x&SecretId=a&Timestamp=1", "MissingParameter");
    check("Signature=x&SecretId=a&Timestamp=1&Nonce=0", "InvalidParameter");
    check("Signature=x&SecretId=a&Timestamp=1&Nonce=-1", "InvalidParameter");
    check("Signature=x&SecretId=a&Timestamp=1&Nonce=12345678901234567890", "InvalidParameter");
    check("Signature=x&SecretId=a&Timestamp=now&Nonce=1", "InvalidParameter");
    check("Signature=x&SecretId=a&SecretId=b&Timestamp=1&Nonce=1", "InvalidParameter");
    check("Signature=x&Signature=y&SecretId=a&Timestamp=1&Nonce=1", "InvalidParameter");
    check("Signature=x&SecretId=%zz&Timestamp=1&Nonce=1", "InvalidParameter");
    check("Signature=x&SecretId=a&Timestamp=1&Nonce=1", "AuthFailure.SignatureFailure");
}

#[test]
fn other_clients_habits_are_put_up_with() {
    use cvm_proto::sign::{
        CanonicalRequest, CredentialScope, Payload, SigningKey, StringToSign, authorization, v1,
    };

    // The signed headers, as the client signs them and as it sends them.
    let check_tc3 = |headers: &[(&str, &str, &str)]| {
        let signed: Vec<_> = headers.iter().map(|&(name, signed, _)| (name, signed)).collect();
        let payload = Payload::Body(b"{}");
        let request = CanonicalRequest { method: "POST", path: "/", query: "", headers: &signed, payload };
        let scope = CredentialScope::new(UNIX, "cvm");
        let text = StringToSign { timestamp: UNIX, scope, canonical_hash: request.hash() };
        let signature = SigningKey::derive("key", scope).sign(&text);
        let authorization = authorization("id", scope, &request.signed_headers(), &signature);
        let mut sent: Vec<_> = headers.iter().map(|&(name, _, sent)| (name, sent)).collect();
        sent.extend([("authorization", authorization.as_str()), ("x-tc-timestamp", "1551113065")]);
        let incoming = Incoming { method: "POST", path: "/", query: "", headers: &sent, body: b"{}" };
        verify(&incoming, &claims(&incoming).unwrap(), "key")
    };
    let json = ("content-type", "application/json", "application/json");
    let host = ("host", "localhost", "localhost");
    assert_eq!(check_tc3(&[json, host]), Ok(()));
    assert_eq!(check_tc3(&[json, ("host", "localhost", "localhost:8080")]), Ok(()));
    assert_eq!(check_tc3(&[json, host, ("x-tc-action", "SyncImages", "SyncImages")]), Ok(()));
    assert_eq!(check_tc3(&[json, host, ("x-tc-action", "syncimages", "SyncImages")]), Ok(()));
    let charset = ("content-type", "application/json; charset=utf-8", "application/json; charset=UTF-8");
    assert_eq!(check_tc3(&[charset, host]), Ok(()));
    assert_eq!(check_tc3(&[json, ("host", "localhost", "localhost:")]), Err(VerifyError::Mismatch));
    assert_eq!(check_tc3(&[json, ("host", "localhost", "LOCALHOST")]), Err(VerifyError::Mismatch));

    // The action's own parameters, as the client signs them and as it sends them.
    let check_v1 = |signed: &str, sent: &str| {
        let query = |own: &str| format!("Action=X&{own}&Nonce=1&SecretId=id&Timestamp=1");
        let text =
            v1::string_to_sign("GET", "localhost", "/", &percent::parse_pairs(&query(signed)).unwrap());
        let signature = v1::sign(SignMethod::HmacSha1, "key", &text);
        let query = format!("{}&{}", query(sent), percent::encode_pairs(&[("Signature", signature)]));
        let headers = [("host", "localhost:80")];
        let incoming = Incoming { method: "GET", path: "/", query: &query, headers: &headers, body: b"" };
        verify(&incoming, &claims(&incoming).unwrap(), "key")
    };
    assert_eq!(check_v1("A.0=1", "A_0=1"), Ok(()));
    assert_eq!(check_v1("DryRun=True&B.1=False", "DryRun=true&B.1=false"), Ok(()));
    assert_eq!(check_v1("DryRun=True&B.1=False", "DryRun=true&B_1=false"), Ok(()));
    assert_eq!(check_v1("A=1", "A=1&Language=&Region="), Ok(()));
    assert_eq!(check_v1("A=1", "A=1&Language=x"), Err(VerifyError::Mismatch));
    assert_eq!(check_v1("DryRun=True", "DryRun=false"), Err(VerifyError::Mismatch));
    assert_eq!(check_v1("A=Trues", "A=trues"), Err(VerifyError::Mismatch));
    assert_eq!(check_v1("A=true", "A=True"), Err(VerifyError::Mismatch));
}
