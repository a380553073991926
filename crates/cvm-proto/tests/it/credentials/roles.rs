//! What a role is asked for with: its policy, and codes of a device.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cvm_proto::credential::{Lease, MfaCode, elsewhere};

use super::providers::{body, issued};
use super::*;

const ARN: &str = "qcs::cam::uin/1:roleName/images";
const SERIAL: &str = "qcs::cam:uin/1::mfa/softToken";

fn base() -> Credential {
    Credential::new("AKIDexample", "not-a-real-key").unwrap()
}

/// A device whose owner takes a second for each code: 100001, 100002, ...
fn asked(times: &Arc<AtomicU32>) -> MfaCode {
    let times = Arc::clone(times);
    MfaCode::ask(move || {
        let number = times.fetch_add(1, Ordering::Relaxed) + 1;
        let mut looks = 0;
        elsewhere(move || {
            looks += 1;
            (looks > 3).then(|| Ok(format!(" {}\n", 100_000 + number)))
        })
    })
}

fn start(seconds: u64) -> Duration {
    START + Duration::from_secs(seconds)
}

#[test]
fn a_policy_is_sent_percent_encoded() {
    let role =
        Role::new(ARN, "nightly").policy("\u{feff}{\"version\": \"2.0\", \"name\": \"å+\"}\n").unwrap();
    let config = config(AssumeRole::new(base(), role));
    let run = run(describe(&config), |request, _| match request.action() {
        "AssumeRole" => issued(1, UNIX + 3600),
        _ => ok(""),
    });
    let body = body(&run.seen[0].request);
    assert_eq!(body["Policy"], "%7B%22version%22%3A%20%222.0%22%2C%20%22name%22%3A%20%22%C3%A5%2B%22%7D");
    assert_eq!((body.get("SerialNumber"), body.get("TokenCode")), (None, None));
}

#[test]
fn a_policy_that_is_no_json_object_is_refused() {
    for (policy, part) in [
        ("", "(line 1, is empty)"),
        ("[]", "is no JSON object"),
        ("%7B%7D", "not percent-encoded"),
        ("{\n\"version\":}", "(line 2, is not JSON)"),
    ] {
        let error = Role::new(ARN, "nightly").policy(policy).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(part), "{policy}: {error}");
    }
}

#[test]
fn one_code_is_asked_for_each_credential() {
    let times = Arc::default();
    let role = Role::new(ARN, "nightly").mfa(SERIAL, asked(&times));
    assert!(!format!("{role:?}").contains("100001"));
    let config = config(AssumeRole::new(base(), role));
    let mut codes = Vec::new();
    for seconds in [0, 100, 90_000] {
        let calls = run_all(many(&config, 3), start(seconds), |request, mono| match request.action() {
            "AssumeRole" => {
                let body = body(request);
                assert_eq!(body["SerialNumber"], SERIAL);
                codes.push(body["TokenCode"].as_str().unwrap().to_owned());
                issued(1, UNIX + mono.as_secs() + 3600)
            }
            _ => ok(""),
        });
        assert!(calls.iter().all(Result::is_ok));
    }
    assert_eq!(codes, ["100001", "100002"], "one for all calls, and one more after an hour");
    assert_eq!(times.load(Ordering::Relaxed), 2);
}

#[test]
fn a_code_that_is_given_once_is_sent_once() {
    let config =
        config(AssumeRole::new(base(), Role::new(ARN, "nightly").mfa(SERIAL, MfaCode::once("123456"))));
    let mut sent = 0;
    let mut outcome = |seconds| {
        run_all(many(&config, 1), start(seconds), |request, mono| match request.action() {
            "AssumeRole" => {
                sent += 1;
                issued(1, UNIX + mono.as_secs() - 1000 + 3600)
            }
            _ => ok(""),
        })
        .remove(0)
    };
    outcome(0).unwrap();
    outcome(3400).expect("the credential is still good, although no other can be had");
    let error = outcome(90_000).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert!(error.to_string().contains("no credential: the code of the MFA device has been used"), "{error}");
    assert_eq!(sent, 1);
}

#[test]
fn a_request_with_a_code_that_may_have_arrived_is_not_repeated() {
    let ask = |mfa: bool| {
        let role = Role::new(ARN, "nightly");
        let role = if mfa { role.mfa(SERIAL, MfaCode::once("123456")) } else { role };
        let config = config(AssumeRole::new(base(), role));
        let lost = |_: &Request, _| Reply::Failed(Failure::maybe_sent(FailureKind::Interrupted, "lost"));
        let run = run(describe(&config), lost);
        assert_eq!(run.output.unwrap_err().kind(), ErrorKind::Network);
        run.seen.len()
    };
    assert_eq!((ask(true), ask(false)), (1, 3));
}

#[test]
fn a_code_that_cannot_be_one_is_not_sent() {
    for (code, part) in
        [(" ", "is empty"), ("12 345", "contains white space"), ("１２３", "not printable ASCII")]
    {
        let config =
            config(AssumeRole::new(base(), Role::new(ARN, "nightly").mfa(SERIAL, MfaCode::once(code))));
        let run = run(describe(&config), |_, _| ok(""));
        assert_eq!(run.actions(), [""; 0]);
        let error = run.output.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credential);
        assert!(error.to_string().contains(part) && !error.to_string().contains("12 345"), "{error}");
    }
}

#[test]
fn a_credential_that_was_given_with_its_end_is_used_until_then() {
    let config = config(Lease::until(base(), UNIX + 3600));
    let outcome = |seconds| run_all(many(&config, 1), start(seconds), |_, _| ok("")).remove(0);
    outcome(0).unwrap();
    outcome(3590).unwrap();
    let error = outcome(3600).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert!(error.to_string().contains("has expired already"), "{error}");
}
