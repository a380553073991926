//! Who may ask: nothing that is signed can be changed on the way, and nothing else passes for a signature.

use cvm_local::{Clock, CvmLocal, Key, Seed};
use cvm_proto::SignMethod;
use cvm_proto::codec::percent;
use serde_json::json;

use crate::client::{Client, Raw, exchange, unix};

const USUAL: [&str; 3] = ["content-type", "host", "x-tc-action"];

fn fast() -> CvmLocal {
    CvmLocal::builder().rate_limits(false).start().unwrap()
}

fn post(local: &CvmLocal) -> Raw {
    Raw::post(local, "DescribeImages", &json!({ "Limit": 1 }))
}

/// Whether two texts are the same parameters, written in two ways: `%2b` is `%2B`. A v1 signature covers what the
/// parameters mean, not how they are written.
fn same_parameters(one: &[u8], other: &[u8]) -> bool {
    let pairs = |bytes| std::str::from_utf8(bytes).ok().and_then(|text| percent::parse_pairs(text).ok());
    pairs(one).is_some() && pairs(one) == pairs(other)
}

/// Sends each variant of a request with one byte changed, and counts the bytes; none may be accepted.
fn flip_every_byte(local: &CvmLocal, raw: &Raw, part: impl Fn(&mut Raw) -> &mut Vec<u8>) -> usize {
    let before = part(&mut raw.clone()).clone();
    let is_v1 = !raw.headers.iter().any(|(name, _)| name == "authorization");
    for at in 0..before.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut changed = raw.clone();
            part(&mut changed)[at] ^= bit;
            if is_v1 && same_parameters(&before, part(&mut changed)) {
                continue;
            }
            let bytes = changed.bytes();
            let Some(answer) = exchange(local, &bytes) else { continue };
            let refused = answer.status != 200 || answer.code().is_some();
            assert!(refused, "accepted: {}", String::from_utf8_lossy(&bytes));
        }
    }
    let accepted = local.requests().into_iter().filter(|request| request.accepted).count();
    assert_eq!(accepted, 0);
    before.len()
}

fn header<'a>(name: &'a str) -> impl Fn(&mut Raw) -> &mut Vec<u8> + 'a {
    move |raw| raw.headers.iter_mut().find(|(known, _)| known == name).map(|(_, value)| value).unwrap()
}

#[test]
fn no_byte_of_a_tc3_post_can_be_changed() {
    let local = fast();
    let names = ["content-type", "host", "x-tc-action", "x-tc-region", "x-tc-timestamp", "x-tc-version"];
    let raw = post(&local).signed(&local, &names);
    assert_eq!(raw.send(&local).code(), None);
    local.reset();
    assert_eq!(flip_every_byte(&local, &raw, |raw| &mut raw.method), 4);
    assert_eq!(flip_every_byte(&local, &raw, |raw| &mut raw.path), 1);
    assert_eq!(flip_every_byte(&local, &raw, |raw| &mut raw.body), 11);
    for name in names.into_iter().chain(["authorization"]) {
        assert!(flip_every_byte(&local, &raw, header(name)) > 8, "{name}");
    }
}

#[test]
fn no_byte_of_a_tc3_get_can_be_changed() {
    let local = fast();
    let raw =
        Raw::get(&local, "DescribeImages", "Limit=1&Filters.0.Name=image-name&Filters.0.Values.0=a%20b");
    let raw = raw.signed(&local, &["content-type", "host", "x-tc-action"]);
    assert_eq!(raw.send(&local).code(), None);
    local.reset();
    flip_every_byte(&local, &raw, |raw| &mut raw.method);
    flip_every_byte(&local, &raw, |raw| &mut raw.path);
    flip_every_byte(&local, &raw, header("x-tc-action"));
    assert!(flip_every_byte(&local, &raw, |raw| &mut raw.query) > 50);
}

#[test]
fn no_byte_of_a_v1_request_can_be_changed() {
    for method in [SignMethod::HmacSha1, SignMethod::HmacSha256] {
        for http_method in ["GET", "POST"] {
            let local = fast();
            let raw = Raw::v1(&local, http_method, method, &[("Action", "DescribeImages"), ("Limit", "1")]);
            assert_eq!(raw.send(&local).code(), None, "{method:?} {http_method}");
            local.reset();
            flip_every_byte(&local, &raw, |raw| &mut raw.method);
            flip_every_byte(&local, &raw, |raw| &mut raw.path);
            flip_every_byte(&local, &raw, header("host"));
            let part: fn(&mut Raw) -> &mut Vec<u8> =
                if http_method == "GET" { |raw| &mut raw.query } else { |raw| &mut raw.body };
            assert!(flip_every_byte(&local, &raw, part) > 100);
        }
    }
}

#[test]
fn nothing_can_be_added() {
    let local = fast();
    let mut longer = post(&local).signed(&local, &USUAL);
    longer.body.push(b' ');
    assert_eq!(longer.send(&local).code().as_deref(), Some("AuthFailure.SignatureFailure"));
    let mut queried = post(&local).signed(&local, &USUAL);
    queried.query = b"Limit=2".to_vec();
    assert_eq!(queried.send(&local).code().as_deref(), Some("AuthFailure.SignatureFailure"));
    let mut elsewhere = post(&local).signed(&local, &USUAL);
    elsewhere.path = b"/v2/index.php".to_vec();
    let answer = elsewhere.send(&local);
    assert_eq!((answer.status, answer.code().as_deref()), (404, Some("ResourceNotFound")));
}

#[test]
fn clients_in_use_are_understood() {
    let local = fast();
    let accepted = |raw: Raw| assert_eq!(raw.send(&local).code(), None);
    accepted(post(&local).signed(&local, &["content-type", "host"]));
    accepted(post(&local).with("content-type", "application/json; charset=utf-8").signed(&local, &USUAL));
    accepted(post(&local).with("x-tc-content-sha256", "UNSIGNED-PAYLOAD").signed(&local, &USUAL));
    // One client signs the host without its port, and sends it with.
    let host = local.endpoint().strip_prefix("http://").unwrap();
    let bare = post(&local).with("host", "127.0.0.1").signed(&local, &USUAL);
    accepted(bare.with("host", host));
    let multipart = "--edge\r\nContent-Disposition: form-data; name=\"Limit\"\r\n\r\n1\r\n--edge--\r\n";
    let mut raw = post(&local).with("content-type", "multipart/form-data; boundary=edge");
    raw.body = multipart.into();
    accepted(raw.clone().signed(&local, &USUAL));
    // Another writes no parts at all where there are no parameters.
    raw.body.clear();
    accepted(raw.signed(&local, &USUAL));
}

#[test]
fn a_wrong_key_and_an_unknown_one_are_told_apart() {
    let local = fast();
    let refused =
        |id: &str, key: &str| Client::new(&local).key(id, key).refused("DescribeRegions", &json!({}));
    assert_eq!(refused(local.secret_id(), "another-key"), "AuthFailure.SignatureFailure");
    assert_eq!(refused("AKIDnobody", local.secret_key()), "AuthFailure.SecretIdNotFound");
}

#[test]
fn a_malformed_authorization_is_named_so() {
    let local = fast();
    for bad in [
        "",
        "Bearer x",
        "TC3-HMAC-SHA256",
        "TC3-HMAC-SHA256 Credential=a/b",
        "TC3-HMAC-SHA256 Credential=a/2020-01-01/cvm/tc3_request, SignedHeaders=host, Signature=00",
    ] {
        let answer = post(&local).with("authorization", bad).send(&local);
        assert_eq!(answer.code().as_deref(), Some("AuthFailure.InvalidAuthorization"), "{bad}");
    }
}

#[test]
fn the_window_is_300_seconds_either_way() {
    let local = fast();
    let code = |time: u64| {
        post(&local).with("x-tc-timestamp", &time.to_string()).signed(&local, &USUAL).send(&local).code()
    };
    // A margin on the near side, for a slow machine.
    for fine in [unix(), unix() - 270, unix() + 290] {
        assert_eq!(code(fine), None, "{fine}");
    }
    for expired in [unix() - 301, unix() + 330, 0] {
        assert_eq!(code(expired).as_deref(), Some("AuthFailure.SignatureExpire"), "{expired}");
    }
}

#[test]
fn the_pace_of_images_does_not_touch_the_window() {
    let local = CvmLocal::builder().clock(Clock::scaled(1e6)).start().unwrap();
    local.advance(std::time::Duration::from_secs(86_400));
    assert_eq!(post(&local).signed(&local, &USUAL).send(&local).code(), None);
}

#[test]
fn a_skewed_endpoint_lives_in_its_own_time() {
    let local = CvmLocal::builder().clock(Clock::skewed(3600)).start().unwrap();
    let answer = post(&local).signed(&local, &USUAL).send(&local);
    assert_eq!(answer.code().as_deref(), Some("AuthFailure.SignatureExpire"));
    let told = httpdate::parse_http_date(&answer.date.unwrap()).unwrap();
    let ahead = told.duration_since(std::time::SystemTime::now()).unwrap().as_secs();
    assert!((3590..=3600).contains(&ahead), "{ahead}");
    let later = (unix() + 3600).to_string();
    assert_eq!(post(&local).with("x-tc-timestamp", &later).signed(&local, &USUAL).send(&local).code(), None);
}

#[test]
fn a_temporary_key_needs_its_token() {
    let mut seed = Seed::default();
    seed.accounts[0].keys.push(Key {
        secret_id: "AKIDtemporary".into(),
        secret_key: "temporary-key".into(),
        token: Some("the-token".into()),
        ..Key::default()
    });
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let code = |token: &str| {
        let raw = post(&local);
        let raw = if token.is_empty() { raw } else { raw.with("x-tc-token", token) };
        raw.signed_with("AKIDtemporary", "temporary-key", &USUAL).send(&local).code()
    };
    assert_eq!(code("the-token"), None);
    assert_eq!(code("another").as_deref(), Some("AuthFailure.TokenFailure"));
    assert_eq!(code("").as_deref(), Some("AuthFailure.TokenFailure"));
    let permanent = post(&local).with("x-tc-token", "the-token").signed(&local, &USUAL).send(&local);
    assert_eq!(permanent.code().as_deref(), Some("AuthFailure.TokenFailure"));
}

#[test]
fn a_temporary_key_expires_by_the_signature_clock() {
    let mut seed = Seed::default();
    seed.accounts[0].keys.push(Key {
        secret_id: "AKIDtemporary".into(),
        secret_key: "temporary-key".into(),
        token: Some("the-token".into()),
        expires: Some("2100-01-01T00:00:00Z".into()),
        ..Key::default()
    });
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let code = |time: u64| {
        let raw = post(&local).with("x-tc-token", "the-token").with("x-tc-timestamp", &time.to_string());
        raw.signed_with("AKIDtemporary", "temporary-key", &USUAL).send(&local).code()
    };
    assert_eq!(code(unix()), None);
    let expires = 4_102_444_800;
    local.set_clock(Clock::skewed(i64::try_from(expires - unix()).unwrap())).unwrap();
    assert_eq!(code(expires).as_deref(), Some("AuthFailure.TokenFailure"));
}

#[test]
fn a_secret_id_of_another_kind_is_told_apart() {
    let local = fast();
    let refused = Client::new(&local).key("somebody", "a-key").refused("DescribeRegions", &json!({}));
    assert_eq!(refused, "AuthFailure.InvalidSecretId");
}

#[test]
fn accounts_see_nothing_of_each_other() {
    let local = fast();
    let neighbour = Client::new(&local).key("AKIDlocalneighbour", "local-neighbour-key");
    let theirs = neighbour.call("DescribeImages", &json!({})).unwrap().to_string();
    assert!(theirs.contains("img-shared00") && !theirs.contains("img-o3ycss2p"), "{theirs}");
    let request = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-seoul"] });
    assert_eq!(neighbour.refused("SyncImages", &request), "InvalidImageId.NotFound");
    let mine = Client::new(&local).call("DescribeImages", &json!({})).unwrap().to_string();
    assert!(mine.contains("img-shared00"), "what is shared is seen by both: {mine}");
}
