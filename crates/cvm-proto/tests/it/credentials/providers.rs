//! The providers of credentials: roles, web identities, chains.

use std::sync::Arc;

use super::*;

/// The credential that sts gives out.
pub(crate) fn issued(number: u32, expires: u64) -> Reply {
    ok(&format!(
        r#""Credentials":{{"TmpSecretId":"ID{number}","TmpSecretKey":"key{number}","Token":"token{number}"}},
           "ExpiredTime":{expires},"Expiration":"2019-02-25T20:00:00Z","#
    ))
}

pub(crate) fn body(request: &Request) -> serde_json::Value {
    serde_json::from_slice(request.body()).unwrap()
}

#[test]
fn a_role_is_assumed_with_the_credential_of_another_provider() {
    let role = Role::new("qcs::cam::uin/100000000001:roleName/images", "nightly")
        .duration(3600)
        .external_id("agreed");
    let role = AssumeRole::new(InstanceRole::new(), role);
    let config = config(role);
    let mut instance = instance(7200);
    let run = run(describe(&config), |request, mono| match request.action() {
        "AssumeRole" => {
            assert_eq!(request.url(), "https://sts.tencentcloudapi.com/");
            assert_eq!((signer(request), token(request)), ("ID1", Some("token1")));
            assert_eq!(
                body(request),
                serde_json::json!({
                    "RoleArn": "qcs::cam::uin/100000000001:roleName/images",
                    "RoleSessionName": "nightly",
                    "DurationSeconds": 3600,
                    "ExternalId": "agreed",
                })
            );
            let headers: Vec<_> = request.headers().collect();
            assert!(headers.contains(&("x-tc-version", "2018-08-13")), "{headers:?}");
            let scope = headers.iter().find(|(name, _)| *name == "authorization").unwrap().1;
            assert!(scope.contains("/sts/tc3_request"), "{scope}");
            issued(7, UNIX + 3600)
        }
        _ => instance.serve(request, mono),
    });
    assert_eq!(run.actions(), [METADATA, METADATA, "AssumeRole", "DescribeImages"]);
    assert_eq!((signer(&run.seen[3].request), token(&run.seen[3].request)), ("ID7", Some("token7")));
    run.output.unwrap();
}

#[test]
fn what_sts_refuses_is_what_the_call_says() {
    let base = Credential::new("AKIDexample", "not-a-real-key").unwrap();
    for (code, kind) in [
        ("ResourceNotFound.RoleNotFound", ErrorKind::Credential),
        ("InvalidParameter.ParamError", ErrorKind::Credential),
        ("FailedOperation.CheckMFAError", ErrorKind::Credential),
        ("OperationDenied.NoPermission", ErrorKind::Credential),
        ("AuthFailure.SecretIdNotFound", ErrorKind::Credential),
        ("InternalError", ErrorKind::Credential),
        ("RequestLimitExceeded", ErrorKind::Throttled),
    ] {
        let role = AssumeRole::new(base.clone(), Role::new("qcs::cam::uin/1:roleName/none", "nightly"));
        // Nor is it another error where a role is assumed with a role.
        for role in
            [role.clone(), AssumeRole::new(role, Role::new("qcs::cam::uin/1:roleName/next", "nightly"))]
        {
            let run = run(describe(&config(role)), |_, _| refused(code));
            assert!(
                run.actions().iter().all(|action| *action == "AssumeRole"),
                "nothing is sent without a credential"
            );
            let error = run.output.unwrap_err();
            assert_eq!((error.kind(), error.code().unwrap().as_str()), (kind, code));
            assert_eq!((error.action(), error.service_name()), (Some("AssumeRole"), Some("sts")));
            assert!(error.request_id().is_some() && !error.outcome_unknown());
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("AssumeRole of sts in ap-guangzhou: {code}: no credential: ")),
                "{text}"
            );
            assert_eq!(text.matches("no credential").count(), 1, "{text}");
            assert_eq!(error.attempts(), 0, "what the call itself would send was not");
            assert_eq!(error.is_retryable(), matches!(code, "InternalError" | "RequestLimitExceeded"));
        }
    }
}

#[test]
fn a_role_that_cannot_be_asked_for_keeps_what_kept_it() {
    let base = Credential::new("AKIDexample", "not-a-real-key").unwrap();
    let fail = |reply: fn() -> Reply| {
        let role = Role::new("qcs::cam::uin/1:roleName/images", "nightly");
        run(describe(&config(AssumeRole::new(base.clone(), role))), |_, _| reply()).output.unwrap_err()
    };
    let html = || Reply::Response(Response::new(502, "<html>".into()));
    for (error, kind) in [
        (fail(|| Reply::Failed(Failure::not_sent(FailureKind::Connect, "no route"))), ErrorKind::Network),
        (fail(|| Reply::Failed(Failure::maybe_sent(FailureKind::Timeout, "late"))), ErrorKind::Timeout),
        (fail(html), ErrorKind::Credential),
        (fail(|| ok("")), ErrorKind::Credential),
    ] {
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!((error.action(), error.service_name()), (Some("AssumeRole"), Some("sts")), "{error}");
        assert!(error.is_retryable(), "{error}");
    }
}

/// A source that fails with this.
#[derive(Debug)]
struct Failing(cvm_proto::Error);

impl Provider for Failing {
    fn fetch(&self, _: &FetchContext) -> Fetch {
        ready(Err(self.0.clone()))
    }
}

#[test]
fn a_source_that_fails_is_a_failing_credential() {
    use cvm_proto::Error;
    let base =
        || AssumeRole::new(Failing(Error::config("broken")), Role::new("qcs::cam::uin/1:roleName/a", "s"));
    for source in [
        Arc::new(Failing(Error::config("broken"))) as Arc<dyn Provider>,
        Arc::new(Failing(Error::parameter("broken"))),
        Arc::new(base()),
    ] {
        let error = run(describe(&config(source)), |_, _| ok("")).output.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credential, "{error}");
        assert!(error.message().ends_with("no credential: broken"), "{error}");
    }
    // With nothing to begin with, a role is as any other call.
    let nobody = AssumeRole::new(Chain::new([]), Role::new("qcs::cam::uin/1:roleName/a", "s"));
    let error = run(describe(&config(nobody)), |_, _| ok("")).output.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
}

#[test]
fn a_web_identity_is_read_anew_for_each_fetch() {
    let reads = std::sync::atomic::AtomicU32::new(0);
    let role = WebIdentity::new("qcs::cam::uin/1:roleName/pods", "pod", "tke", move || {
        Ok(format!("jwt{}\n", reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed)))
    });
    assert!(!format!("{role:?}").contains("jwt"));
    let config = config(role.endpoint(Endpoint::explicit("http://127.0.0.1:1").unwrap()));
    let mut tokens = Vec::new();
    for start in [START, START + Duration::from_secs(90_000)] {
        let calls = run_all(many(&config, 3), start, |request, mono| match request.action() {
            "AssumeRoleWithWebIdentity" => {
                assert_eq!(signer(request), "SKIP", "the token is all that vouches for the pod");
                tokens.push(body(request)["WebIdentityToken"].as_str().unwrap().to_owned());
                issued(1, UNIX + mono.as_secs() + 3600)
            }
            _ => ok(""),
        });
        assert!(calls.iter().all(Result::is_ok));
    }
    assert_eq!(tokens, ["jwt0", "jwt1"]);
}

/// A provider that counts how often it is asked.
#[derive(Debug)]
struct Counted(std::sync::Arc<std::sync::atomic::AtomicU32>, Option<&'static str>);

impl Provider for Counted {
    fn fetch(&self, _: &FetchContext) -> Fetch {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ready(match self.1 {
            Some(error) => Err(Error::config(error)),
            None => Ok(Found::Nothing("profile: ~/.tencentcloud/credentials is not there".into())),
        })
    }
}

#[test]
fn a_chain_takes_the_first_and_stays_with_it() {
    let asked = std::sync::Arc::<std::sync::atomic::AtomicU32>::default();
    let chain = Chain::new([
        std::sync::Arc::new(Counted(asked.clone(), None)) as std::sync::Arc<dyn Provider>,
        std::sync::Arc::new(InstanceRole::new().role("images")),
    ]);
    let config = config(chain);
    let mut instance = instance(7200);
    for start in [START, START + Duration::from_secs(90_000)] {
        let calls = run_all(many(&config, 3), start, |request, mono| instance.serve(request, mono));
        assert!(calls.iter().all(Result::is_ok));
    }
    assert_eq!(instance.issued, 2);
    assert_eq!(
        asked.load(std::sync::atomic::Ordering::Relaxed),
        1,
        "not asked again while another one has it"
    );
}

#[test]
fn a_chain_says_what_each_one_lacked() {
    let asked = std::sync::Arc::default();
    let chain = |error| {
        Chain::new([
            std::sync::Arc::new(Counted(std::sync::Arc::clone(&asked), error))
                as std::sync::Arc<dyn Provider>,
            std::sync::Arc::new(InstanceRole::new()),
        ])
    };
    let nothing = run(describe(&config(chain(None))), |_, _| answer(404, ""));
    assert_eq!(
        nothing.output.unwrap_err().message(),
        "no credential found: profile: ~/.tencentcloud/credentials is not there; instance role: the instance has no \
         role; give one, or set one of these up"
    );
    let wrong =
        run(describe(&config(chain(Some("~/.tencentcloud/credentials:3: no `=`")))), |_, _| not_sent());
    assert_eq!(wrong.actions(), [""; 0], "a mistake is not covered up by what comes after it");
    assert!(wrong.output.unwrap_err().message().ends_with("~/.tencentcloud/credentials:3: no `=`"));
}

#[test]
fn answers_that_hold_secrets_are_not_repeated() {
    let bad = [
        (200, "not-a-real-key"),
        (200, r#"{"TmpSecretId":"ID1","TmpSecretKey":["not-a-real-key"],"Token":"t","ExpiredTime":1}"#),
        (200, r#"{"TmpSecretId":"ID1","TmpSecretKey":"not-a-real-key ","Token":"t","ExpiredTime":1}"#),
        (200, r#"{"TmpSecretId":"ID1","TmpSecretKey":"not-a-real-key","ExpiredTime":"not-a-real-key"}"#),
        (503, "not-a-real-key"),
    ];
    for (status, text) in bad {
        let config = config(InstanceRole::new().role("images"));
        let error = run(describe(&config), |_, _| answer(status, text)).output.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("not-a-real-key"), "{error:?}");
        let base = Credential::new("AKIDexample", "another-key").unwrap();
        let config = self::config(AssumeRole::new(base, Role::new("qcs::cam::uin/1:roleName/x", "nightly")));
        let text = format!(r#"{{"Response":{{"Credentials":{text},"RequestId":"r-1"}}}}"#);
        let error = run(describe(&config), |_, _| answer(status, &text)).output.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("not-a-real-key"), "{error:?}");
    }
}

#[test]
fn v1_requests_have_the_fetched_credential_as_well() {
    let mut settings = settings();
    settings.credential = None;
    settings.sign_method = cvm_proto::SignMethod::HmacSha256;
    settings.provider = Some(std::sync::Arc::new(InstanceRole::new()));
    let config = Config::new(settings).unwrap();
    let mut instance = instance(7200);
    let run = run(describe(&config), |request, mono| instance.serve(request, mono));
    let form = std::str::from_utf8(run.seen[2].request.body()).unwrap();
    assert!(form.contains("SecretId=ID1&") && form.contains("Token=token1"), "{form}");
    verified(&run.seen[2].request, "key1");
}
