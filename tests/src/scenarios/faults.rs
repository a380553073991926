//! What a network does, and the sentence that comes of it: see [`crate::faults`].

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cvm_proto::api::DescribeImages;
use cvm_proto::credential::{AssumeRole, InstanceRole, Provider, Role, WebIdentity};
use cvm_proto::{Credential, Endpoint, Error, ErrorKind, Settings};

use crate::faults::{self, Fault};
use crate::server::{Act, Server};
use crate::{SECRET_ID, SECRET_KEY, Shell, settings};

/// What every driver of the core can meet.
pub fn every_plain_fault_is_said<S: Shell>() {
    check::<S>(|fault| fault.is_plain);
}

/// What a client meets that has TLS and proxies.
pub fn every_fault_is_said<S: Shell>() {
    check::<S>(|fault| !fault.is_plain);
}

fn check<S: Shell>(which: impl Fn(&Fault) -> bool) {
    let met = thread::scope(|scope| {
        let meet = |fault: &'static Fault| (fault.name, scope.spawn(|| meet::<S>(fault)));
        let running: Vec<_> = faults::all().filter(|fault| which(fault)).map(meet).collect();
        running.into_iter().map(|(name, met)| (name, met.join())).collect::<Vec<_>>()
    });
    let failed: Vec<_> = met.into_iter().filter(|(_, met)| met.is_err()).map(|(name, _)| name).collect();
    assert_eq!(failed, [""; 0]);
}

fn meet<S: Shell>(fault: &Fault) {
    let stage = fault.begin();
    let client = S::from_settings(stage.settings()).unwrap();
    let error: Error = client.send(DescribeImages::default()).unwrap_err();
    assert_eq!(error.to_string(), stage.sentence(), "{}: {error:?}", fault.name);
    assert_eq!(error.attempts(), stage.attempts, "{}: {error:?}", fault.name);
    for shown in [format!("{error:?}"), client.shown()] {
        assert!(!shown.contains("proxy-password"), "{shown}");
    }
}

/// Settings without a credential of their own: who signs comes from `provider`.
fn signed_by(provider: impl Provider + 'static) -> Settings {
    let mut settings = settings("http://cvm.invalid");
    settings.credential = None;
    settings.provider = Some(Arc::new(provider));
    settings
}

fn at(server: &Server) -> Endpoint {
    Endpoint::explicit(&server.endpoint()).unwrap()
}

fn role(server: &Server) -> AssumeRole {
    let base = Credential::new(SECRET_ID, SECRET_KEY).unwrap();
    AssumeRole::new(base, Role::new("qcs::cam::uin/1:roleName/x", "nightly")).endpoint(at(server))
}

fn web_identity(server: &Server) -> WebIdentity {
    let role = "qcs::cam::uin/1:roleName/x";
    WebIdentity::new(role, "nightly", "provider", || Ok("a-token".into())).endpoint(at(server))
}

/// Whoever gives out credentials is waited for no longer than the call may take.
pub fn silent_source_ends_with_the_call<S: Shell>() {
    let silent = Server::start(|_, _| Act::Stall(Vec::new()));
    let place = silent.endpoint().replace("http://", "");
    for mut settings in [
        signed_by(role(&silent)),
        signed_by(web_identity(&silent)),
        signed_by(InstanceRole::new().endpoint(at(&silent))),
    ] {
        settings.call_timeout = Duration::from_millis(300);
        let began = Instant::now();
        let error = S::from_settings(settings).unwrap().send(DescribeImages::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "DescribeImages in ap-shanghai: no credential from {place} within 300ms, the limit of call_timeout"
            )
        );
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(!error.outcome_unknown(), "{error:?}");
    }
}

/// A token that no header can hold is a bad credential of whoever gave it out, and no fault of the network.
pub fn token_that_is_none_is_a_bad_credential<S: Shell>() {
    for token in ["hid\\r\\nden", "hid\\nden", "hid\\u0000den", "hid\\u007fden", "hid den", "hid\\u5bc6den"] {
        let key = format!(
            r#""TmpSecretId":"AKIDrole","TmpSecretKey":"{SECRET_KEY}","Token":"{token}","ExpiredTime":4000000000"#
        );
        let issued = format!(
            r#"{{"Response":{{"Credentials":{{{key}}},"ExpiredTime":4000000000,"RequestId":"r-sts"}}}}"#
        );
        let sts = Server::start(move |_, _| Act::ok(&issued));
        let document = format!(r#"{{{key},"Code":"Success"}}"#);
        let metadata = Server::start(move |_, _| Act::ok(&document));
        let instance = InstanceRole::new().role("images").endpoint(at(&metadata));
        for (settings, server, whose) in [
            (signed_by(role(&sts)), &sts, "AssumeRole"),
            (signed_by(web_identity(&sts)), &sts, "AssumeRoleWithWebIdentity"),
            (signed_by(instance), &metadata, "the metadata service's answer"),
        ] {
            let before = server.received().len();
            let error = S::from_settings(settings).unwrap().send(DescribeImages::default()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credential, "{error:?}");
            let text = error.to_string();
            assert!(text.contains(whose) && text.contains("Token contains"), "{text}");
            assert!(!text.contains("hid") && !text.contains("attempts"), "{text}");
            assert_eq!(server.received().len() - before, 1, "{text}");
        }
    }
}
