//! `GetCallerIdentity`: whose each kind of key is, and who is not told.

use cvm_local::{CvmLocal, Fault, Key, Seed};
use cvm_proto::SignMethod;
use serde_json::{Value, json};

use crate::client::{Answer, Raw, plain};

const USUAL: [&str; 2] = ["content-type", "host"];
const ROLE: &str = "qcs::cam::uin/100000000001:roleName/cvm-local-role";
/// The first role of the default seed.
const ROLE_ID: &str = "4611686018427387905";

fn post(local: &CvmLocal, action: &str, body: &Value) -> Raw {
    Raw::post(local, action, body).with("x-tc-version", "2018-08-13")
}

fn ask(local: &CvmLocal, id: &str, key: &str, token: Option<&str>) -> Answer {
    let raw = post(local, "GetCallerIdentity", &json!({}));
    let raw = token.iter().fold(raw, |raw, token| raw.with("x-tc-token", token));
    raw.signed_for("sts", id, key, &USUAL).send(local)
}

/// What the answer tells beside its request id, which is there as well.
fn told(answer: &Answer) -> Value {
    let mut told = answer.json()["Response"].clone();
    let request_id = told.as_object_mut().unwrap().remove("RequestId");
    assert!(request_id.is_some_and(|id| id.as_str().is_some_and(|id| id.len() == 36)), "{told}");
    told
}

/// Whose a temporary credential is.
fn told_to(local: &CvmLocal, credential: &Value) -> Value {
    let text = |name: &str| credential[name].as_str().unwrap();
    told(&ask(local, text("TmpSecretId"), text("TmpSecretKey"), Some(text("Token"))))
}

fn assume(local: &CvmLocal, id: &str, key: &str, token: Option<&str>) -> Value {
    let raw = post(local, "AssumeRole", &json!({ "RoleArn": ROLE, "RoleSessionName": "nightly" }));
    let raw = token.iter().fold(raw, |raw, token| raw.with("x-tc-token", token));
    raw.signed_for("sts", id, key, &USUAL).send(local).json()["Response"]["Credentials"].clone()
}

fn in_role(session: &str, by: &str) -> Value {
    json!({
        "Type": "CAMRole",
        "AccountId": "100000000001",
        "UserId": format!("{ROLE_ID}:{session}"),
        "PrincipalId": by,
        "Arn": format!("qcs::sts:100000000001:assumed-role/{ROLE_ID}"),
    })
}

fn key(id: &str, user: &str, token: Option<&str>) -> Key {
    Key {
        secret_id: id.into(),
        secret_key: "a-key".into(),
        user: user.into(),
        token: token.map(Into::into),
        ..Key::default()
    }
}

#[test]
fn a_permanent_key_is_an_accounts_or_its_users() {
    let mut seed = Seed::default();
    seed.accounts[0].keys.push(key("AKIDuser", "100000000077", None));
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let account = |uin: &str| {
        json!({
            "Type": "RootAccount",
            "AccountId": uin,
            "UserId": uin,
            "PrincipalId": uin,
            "Arn": format!("qcs::cam:{uin}:uin/{uin}"),
        })
    };
    assert_eq!(told(&ask(&local, local.secret_id(), local.secret_key(), None)), account("100000000001"));
    let neighbour = ask(&local, "AKIDlocalneighbour", "local-neighbour-key", None);
    assert_eq!(told(&neighbour), account("100000000002"));
    assert_eq!(
        told(&ask(&local, "AKIDuser", "a-key", None)),
        json!({
            "Type": "CAMUser",
            "AccountId": "100000000001",
            "UserId": "100000000077",
            "PrincipalId": "100000000077",
            "Arn": "qcs::cam:100000000001:uin/100000000077",
        })
    );
}

#[test]
fn a_temporary_key_of_the_seed_is_a_federated_users() {
    let mut seed = Seed::default();
    seed.accounts[0].keys.push(key("AKIDtemporary", "", Some("the-token")));
    seed.accounts[0].keys.push(key("AKIDusers", "100000000077", Some("the-token")));
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    for (id, by) in [("AKIDtemporary", "100000000001"), ("AKIDusers", "100000000077")] {
        assert_eq!(
            told(&ask(&local, id, "a-key", Some("the-token"))),
            json!({
                "Type": "CAMUser",
                "AccountId": "100000000001",
                "UserId": format!("{by}:cvm-local"),
                "PrincipalId": by,
                "Arn": format!("qcs::sts:100000000001:federated-user/{by}"),
            })
        );
    }
}

#[test]
fn a_role_says_its_session_and_who_took_it_on() {
    let mut seed = Seed::default();
    seed.accounts[0].keys.push(key("AKIDuser", "100000000077", None));
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let by_account = assume(&local, local.secret_id(), local.secret_key(), None);
    assert_eq!(told_to(&local, &by_account), in_role("nightly", "100000000001"));
    let by_user = assume(&local, "AKIDuser", "a-key", None);
    assert_eq!(told_to(&local, &by_user), in_role("nightly", "100000000077"));
    let text = |name: &str| by_user[name].as_str().unwrap();
    let onward = assume(&local, text("TmpSecretId"), text("TmpSecretKey"), Some(text("Token")));
    assert_eq!(told_to(&local, &onward), in_role("nightly", "100000000077"));

    let web = json!({
        "ProviderId": "oidc", "WebIdentityToken": "any", "RoleArn": ROLE, "RoleSessionName": "pod",
    });
    let web = post(&local, "AssumeRoleWithWebIdentity", &web).with("authorization", "SKIP").send(&local);
    let web = web.json()["Response"]["Credentials"].clone();
    assert_eq!(told_to(&local, &web), in_role("pod", "100000000001"));

    let instance = "/latest/meta-data/cam/security-credentials/cvm-local-role";
    let instance = plain(&local, "GET", instance, &[("host", "x")], "").json();
    assert_eq!(told_to(&local, &instance), in_role("instance", "100000000001"));
}

#[test]
fn each_role_has_an_id_of_its_own() {
    let mut seed = Seed::default();
    seed.accounts[0].roles.push("second".into());
    seed.accounts[1].roles.push("cvm-local-role".into());
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let id = |uin: &str, role: &str, id: &str, key: &str| {
        let arn = format!("qcs::cam::uin/{uin}:roleName/{role}");
        let body = json!({ "RoleArn": arn, "RoleSessionName": "test" });
        let answer = post(&local, "AssumeRole", &body).signed_for("sts", id, key, &USUAL).send(&local);
        told_to(&local, &answer.json()["Response"]["Credentials"])["Arn"].as_str().unwrap().to_owned()
    };
    let (own, key) = (local.secret_id(), local.secret_key());
    assert_eq!(
        [
            id("100000000001", "cvm-local-role", own, key),
            id("100000000001", "second", own, key),
            id("100000000002", "cvm-local-role", "AKIDlocalneighbour", "local-neighbour-key"),
        ],
        [
            "qcs::sts:100000000001:assumed-role/4611686018427387905",
            "qcs::sts:100000000001:assumed-role/4611686018427387906",
            "qcs::sts:100000000002:assumed-role/4611686018427387907",
        ]
    );
}

#[test]
fn a_credential_stays_whose_it_was_across_a_snapshot() {
    let local = CvmLocal::start().unwrap();
    let credential = assume(&local, local.secret_id(), local.secret_key(), None);
    let snapshot = serde_json::to_string(&local.snapshot().unwrap()).unwrap();
    let later = CvmLocal::start().unwrap();
    later.restore(&serde_json::from_str(&snapshot).unwrap()).unwrap();
    assert_eq!(told_to(&later, &credential), in_role("nightly", "100000000001"));
}

#[test]
fn an_account_without_a_number_gets_one() {
    let seed: Seed = serde_json::from_value(json!({ "accounts": [
        { "keys": [{ "secret_id": "AKIDa", "secret_key": "a-key" }] },
        { "uin": "100000000001", "keys": [{ "secret_id": "AKIDb", "secret_key": "a-key" }] },
        { "keys": [{ "secret_id": "AKIDc", "secret_key": "a-key" }] },
    ]}))
    .unwrap();
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let number = |id: &str| told(&ask(&local, id, "a-key", None))["AccountId"].clone();
    assert_eq!(["AKIDa", "AKIDb", "AKIDc"].map(number), ["100000000002", "100000000001", "100000000003"]);
}

#[test]
fn nobody_is_told_without_a_signature_or_a_right() {
    let mut seed = Seed::default();
    seed.accounts[1].denied_actions.push("GetCallerIdentity".into());
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let (id, key) = (local.secret_id(), local.secret_key());
    let code = |answer: Answer| answer.code().unwrap();
    assert_eq!(code(ask(&local, id, "another-key", None)), "AuthFailure.SignatureFailure");
    assert_eq!(code(ask(&local, id, key, Some("a-token"))), "AuthFailure.TokenFailure");
    assert_eq!(code(ask(&local, "AKIDnobody", key, None)), "AuthFailure.SecretIdNotFound");
    assert_eq!(code(ask(&local, "AKIDlocalneighbour", "local-neighbour-key", None)), "UnauthorizedOperation");
    let open = post(&local, "GetCallerIdentity", &json!({})).with("authorization", "SKIP");
    assert_eq!(code(open.send(&local)), "AuthFailure.InvalidAuthorization");
    let strange = post(&local, "GetCallerIdentity", &json!({ "Colour": "red" }));
    assert_eq!(code(strange.signed_for("sts", id, key, &USUAL).send(&local)), "UnknownParameter");
    let cvms = Raw::post(&local, "GetCallerIdentity", &json!({})).signed(&local, &USUAL);
    assert_eq!(code(cvms.send(&local)), "InvalidAction", "cvm has no such action");
    local.faults().push(Fault::error("InternalError").on("GetCallerIdentity").times(1)).unwrap();
    assert_eq!(code(ask(&local, id, key, None)), "InternalError");
    assert_eq!(ask(&local, id, key, None).code(), None);
}

#[test]
fn it_is_asked_in_every_way_in_which_other_actions_are() {
    let local = CvmLocal::start().unwrap();
    for (http_method, method) in [
        ("GET", SignMethod::HmacSha1),
        ("POST", SignMethod::HmacSha1),
        ("GET", SignMethod::HmacSha256),
        ("POST", SignMethod::HmacSha256),
    ] {
        let own = [("Action", "GetCallerIdentity"), ("Version", "2018-08-13")];
        let answer = Raw::v1(&local, http_method, method, &own).send(&local);
        assert_eq!(told(&answer)["AccountId"], "100000000001");
    }
    let get = Raw::get(&local, "GetCallerIdentity", "").with("x-tc-version", "2018-08-13");
    let get = get.signed_for("sts", local.secret_id(), local.secret_key(), &USUAL).send(&local);
    assert_eq!(told(&get)["AccountId"], "100000000001");
}
