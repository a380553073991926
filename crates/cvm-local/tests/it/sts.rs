//! Temporary credentials: where they come from, what they open, and when they end.

use cvm_local::{Clock, CvmLocal};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::client::{Answer, Raw, plain, unix};

const USUAL: [&str; 2] = ["content-type", "host"];
const ROLE: &str = "qcs::cam::uin/100000000001:roleName/cvm-local-role";

fn post(local: &CvmLocal, action: &str, body: &Value) -> Raw {
    Raw::post(local, action, body).with("x-tc-version", "2018-08-13")
}

fn assume(local: &CvmLocal, body: &Value) -> Answer {
    let raw = post(local, "AssumeRole", body);
    raw.signed_for("sts", local.secret_id(), local.secret_key(), &USUAL).send(local)
}

/// What a credential is good for at a moment: the error code, if it is refused.
fn use_it(local: &CvmLocal, credential: &Value, time: u64) -> Option<String> {
    let text = |name: &str| credential[name].as_str().unwrap().to_owned();
    let raw = Raw::post(local, "DescribeImages", &json!({ "ImageIds": ["img-o3ycss2p"] }));
    let raw = raw.with("x-tc-timestamp", &time.to_string()).with("x-tc-token", &text("Token"));
    let answer = raw.signed_with(&text("TmpSecretId"), &text("TmpSecretKey"), &USUAL).send(local);
    assert!(
        answer.code().is_some() || answer.json()["Response"]["TotalCount"] == 1,
        "it acts as its account"
    );
    answer.code()
}

fn skew(local: &CvmLocal, seconds: i64) {
    local.set_clock(local.clock().with_skew(seconds)).unwrap();
}

#[test]
fn an_assumed_role_is_good_until_it_expires() {
    let local = CvmLocal::start().unwrap();
    let request = json!({ "RoleArn": ROLE, "RoleSessionName": "test", "DurationSeconds": 1000 });
    let answer = assume(&local, &request).json()["Response"].clone();
    let expires = answer["ExpiredTime"].as_u64().unwrap();
    assert!(expires.abs_diff(unix() + 1000) < 10, "{answer}");
    let told = humantime::parse_rfc3339(answer["Expiration"].as_str().unwrap()).unwrap();
    assert_eq!(told.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(), expires);
    let credential = &answer["Credentials"];
    assert_eq!(use_it(&local, credential, unix()), None);
    skew(&local, 900);
    assert_eq!(use_it(&local, credential, unix() + 900), None);
    skew(&local, 1001);
    assert_eq!(use_it(&local, credential, unix() + 1001).as_deref(), Some("AuthFailure.TokenFailure"));

    let again = assume(&local, &request).code();
    assert_eq!(again.as_deref(), Some("AuthFailure.SignatureExpire"), "the endpoint is ahead by then");
    local.reset();
    skew(&local, 0);
    let gone = use_it(&local, credential, unix());
    assert_eq!(gone.as_deref(), Some("AuthFailure.SecretIdNotFound"), "a reset takes it away");
}

#[test]
fn what_cannot_be_assumed() {
    let local = CvmLocal::start().unwrap();
    let code = |arn: &str, session: &str, more: Value| {
        let mut body = json!({ "RoleArn": arn, "RoleSessionName": session });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assume(&local, &body).code()
    };
    let expect = |code: Option<String>, expected: &str| assert_eq!(code.as_deref(), Some(expected));
    expect(
        code("qcs::cam::uin/100000000001:roleName/none", "test", json!({})),
        "ResourceNotFound.RoleNotFound",
    );
    expect(
        code("qcs::cam::uin/7:roleName/cvm-local-role", "test", json!({})),
        "ResourceNotFound.RoleNotFound",
    );
    expect(code("cvm-local-role", "test", json!({})), "InvalidParameter.ParamError");
    expect(code(ROLE, "t", json!({})), "InvalidParameter.ParamError");
    expect(code(ROLE, "test test", json!({})), "InvalidParameter.ParamError");
    expect(code(ROLE, "test", json!({ "DurationSeconds": 43_201 })), "InvalidParameter.OverTimeError");
    expect(code(ROLE, "test", json!({ "DurationSeconds": 0 })), "InvalidParameter.ParamError");
    expect(code(ROLE, "test", json!({ "Policy": "{" })), "InvalidParameter.StrategyFormatError");
    expect(code(ROLE, "test", json!({ "Policy": "%5B%5D" })), "InvalidParameter.StrategyFormatError");
    expect(code(ROLE, "test", json!({ "ExternalId": "a b" })), "InvalidParameter.ParamError");
    expect(code(ROLE, "test", json!({ "Colour": "red" })), "UnknownParameter");
    assert_eq!(code(ROLE, "test", json!({ "ExternalId": "agreed:1/2" })), None);
    assert_eq!(code(ROLE, "test", json!({ "Policy": "%7B%7D", "DurationSeconds": 43_200 })), None);
    let neighbour = post(&local, "AssumeRole", &json!({ "RoleArn": ROLE, "RoleSessionName": "test" }));
    let neighbour = neighbour.signed_for("sts", "AKIDlocalneighbour", "local-neighbour-key", &USUAL);
    expect(neighbour.send(&local).code(), "UnauthorizedOperation");
    let sts = |action| {
        let raw = post(&local, action, &json!({}));
        raw.signed_for("sts", local.secret_id(), local.secret_key(), &USUAL).send(&local).code()
    };
    expect(sts("GetFederationToken"), "UnsupportedOperation");
    expect(sts("DescribeImages"), "InvalidAction");
}

/// The code of the default seed's device at a time, by RFC 6238.
fn device_code(unix: u64) -> String {
    let hash = <Hmac<Sha1> as KeyInit>::new_from_slice(&[
        0x5b, 0x84, 0x05, 0x8c, 0x95, 0x22, 0xdc, 0xf6, 0x11, 0xb3,
    ]);
    let hash = hash.unwrap().chain_update((unix / 30).to_be_bytes()).finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[test]
fn a_code_of_the_accounts_device_is_good_once() {
    let local = CvmLocal::start().unwrap();
    let code = |serial: &str, code: &str| {
        let mut body = json!({ "RoleArn": ROLE, "RoleSessionName": "test" });
        for (name, value) in [("SerialNumber", serial), ("TokenCode", code)] {
            if !value.is_empty() {
                body[name] = value.into();
            }
        }
        assume(&local, &body).code()
    };
    let expect = |code: Option<String>, expected: &str| assert_eq!(code.as_deref(), Some(expected));
    let device = "qcs::cam:uin/100000000001::mfa/softToken";
    let good = device_code(unix());
    expect(code(device, ""), "InvalidParameter.ParamError");
    expect(code("", &good), "InvalidParameter.ParamError");
    expect(code("softToken", &good), "InvalidParameter.ParamError");
    expect(code(&device.replace("softToken", "u2f"), &good), "FailedOperation.MFATypeNotSupported");
    expect(code(&device.replace("01:", "02:"), &good), "FailedOperation.CheckMFAError");
    expect(code(device, &device_code(unix() - 3600)), "FailedOperation.CheckMFAError");
    let before = local.snapshot().unwrap();
    assert_eq!(code(device, &good), None);
    expect(code(device, &good), "FailedOperation.CheckMFAError");
    let after = local.snapshot().unwrap();
    local.restore(&before).unwrap();
    assert_eq!(code(device, &good), None, "it was not used yet");
    local.restore(&after).unwrap();
    expect(code(device, &good), "FailedOperation.CheckMFAError");
}

#[test]
fn a_web_identity_needs_no_key() {
    let local = CvmLocal::start().unwrap();
    let ask = |token: &str, authorization: &str| {
        let body = json!({
            "ProviderId": "oidc", "WebIdentityToken": token, "RoleArn": ROLE, "RoleSessionName": "test",
        });
        post(&local, "AssumeRoleWithWebIdentity", &body).with("authorization", authorization).send(&local)
    };
    let answer = ask("any-token", "SKIP").json()["Response"].clone();
    assert_eq!(use_it(&local, &answer["Credentials"], unix()), None);
    // A JWT whose claims are {"exp":1000000000}.
    let expired = ask("e30.eyJleHAiOjEwMDAwMDAwMDB9.c2ln", "SKIP").code();
    assert_eq!(expired.as_deref(), Some("InvalidParameter.WebIdentityTokenError"));
    assert_eq!(ask("", "SKIP").code().as_deref(), Some("InvalidParameter.WebIdentityTokenError"));
    assert_eq!(ask("any-token", "Bearer x").code().as_deref(), Some("AuthFailure.InvalidAuthorization"));
    let other = post(&local, "AssumeRole", &json!({})).with("authorization", "SKIP").send(&local);
    assert_eq!(other.code().as_deref(), Some("AuthFailure.InvalidAuthorization"), "no other action is open");
    let cvm = Raw::post(&local, "DescribeRegions", &json!({})).with("authorization", "SKIP").send(&local);
    assert_eq!(cvm.code().as_deref(), Some("AuthFailure.InvalidAuthorization"));
}

#[test]
fn an_instance_gets_its_roles_credentials_from_its_metadata() {
    let local = CvmLocal::builder().clock(Clock::real()).start().unwrap();
    let get =
        |path: &str| plain(&local, "GET", &format!("/latest/meta-data/cam/{path}"), &[("host", "x")], "");
    for path in ["security-credentials/", "security-credentials"] {
        assert_eq!(get(path).body, b"cvm-local-role");
    }
    let role = || get("security-credentials/cvm-local-role").json();
    let first = role();
    assert_eq!((&first["Code"], first["ExpiredTime"].as_u64().unwrap() > unix()), (&json!("Success"), true));
    assert_eq!(use_it(&local, &first, unix()), None);
    assert_eq!(role(), first, "the same while it is good");
    skew(&local, 6000);
    let second = role();
    assert_ne!(second["TmpSecretId"], first["TmpSecretId"], "another one in time");
    assert_eq!(use_it(&local, &second, unix() + 6000), None);
    assert_eq!(use_it(&local, &first, unix() + 6000), None, "and the first is good to its end");
    assert_eq!(get("security-credentials/nobody").status, 404);
}

#[test]
fn services_are_told_apart_by_host_scope_and_version() {
    let local = CvmLocal::start().unwrap();
    let request = json!({ "RoleArn": ROLE, "RoleSessionName": "test" });
    let (id, key) = (local.secret_id(), local.secret_key());
    let code = |raw: Raw, service: &str| raw.signed_for(service, id, key, &USUAL).send(&local).code();
    // Some clients take the service from the first label of the endpoint.
    assert_eq!(code(post(&local, "AssumeRole", &request), "127"), None);
    assert_eq!(
        code(post(&local, "AssumeRole", &request).with("host", "sts.tencentcloudapi.com"), "sts"),
        None
    );
    let vpc = code(Raw::post(&local, "DescribeVpcs", &json!({})), "vpc");
    assert_eq!(vpc.as_deref(), Some("NoSuchProduct"));
    let tag = Raw::post(&local, "DescribeTags", &json!({})).with("host", "tag.tencentcloudapi.com");
    assert_eq!(code(tag, "tag").as_deref(), Some("NoSuchProduct"));
    let mixed = code(post(&local, "AssumeRole", &request), "cvm");
    assert_eq!(mixed.as_deref(), Some("NoSuchVersion"));
}
