//! Whose a credential is: where the client asks, what for, for how long, and what that does to its other calls.

use std::time::Duration;

use cvm_proto::api::DescribeImages;
use cvm_proto::credential::{AssumeRole, InstanceRole, Role};
use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::{
    Call, CallerIdentity, Config, Credential, Endpoint, Error, ErrorKind, Failover, Job, Machine, Notation,
    Now, Reply, Request, Response, Settings, SignMethod, Step, WhoAmI,
};

use crate::credentials::providers::issued;
use crate::credentials::{START, config, instance, signer, token, verified};
use crate::driver::{self, Run, UNIX, lost, not_sent, ok, refused, run};

const ACTION: &str = "GetCallerIdentity";
const ANSWER: &str = r#""Arn":"qcs::cam:100000000001:uin/100000000002","AccountId":"100000000001",
    "UserId":"100000000002","PrincipalId":"100000000002","Type":"CAMUser","#;

fn with(change: impl FnOnce(&mut Settings)) -> Config {
    let mut settings = driver::settings();
    change(&mut settings);
    Config::new(settings).unwrap()
}

fn ask(
    config: &Config,
    serve: impl FnMut(&Request, Duration) -> Reply,
) -> Run<Result<CallerIdentity, Error>, std::convert::Infallible> {
    run(WhoAmI.start(config, 1), serve)
}

fn describe(config: &Config) -> Call<DescribeImages> {
    Call::new(config, DescribeImages::default(), 1)
}

fn at(mono: Duration) -> Now {
    Now::new(UNIX, mono)
}

fn after(seconds: u64) -> Now {
    at(START + Duration::from_secs(seconds))
}

fn timed_out() -> Reply {
    Reply::Failed(Failure::maybe_sent(FailureKind::Timeout, "no answer"))
}

#[test]
fn the_service_says_whose_a_key_is() {
    let asked = ask(&driver::config(), |_, _| ok(ANSWER));
    assert_eq!(asked.actions(), [ACTION]);
    let seen = &asked.seen[0];
    assert_eq!(seen.request.url(), "https://sts.tencentcloudapi.com/");
    assert_eq!(seen.request.body(), b"{}");
    assert_eq!((seen.header("x-tc-version"), seen.header("x-tc-region")), ("2018-08-13", "ap-shanghai"));
    assert!(seen.header("authorization").contains("/sts/tc3_request"));
    verified(&seen.request, "not-a-real-key");
    let identity = asked.output.unwrap();
    assert_eq!(
        [identity.account_id, identity.arn, identity.user_id, identity.kind],
        ["100000000001", "qcs::cam:100000000001:uin/100000000002", "100000000002", "CAMUser"]
    );
}

#[test]
fn only_the_account_has_to_be_told() {
    let of = |members: &str| ask(&driver::config(), |_, _| ok(members)).output;
    for account in [r#""AccountId":"7","#, r#""AccountId":7,"Arn":null,"UserId":[],"#] {
        let identity = of(account).unwrap();
        assert_eq!(
            [identity.account_id, identity.arn, identity.user_id, identity.kind],
            ["7", "", "", ""].map(str::to_owned)
        );
    }
    for nobody in ["", r#""AccountId":"","#, r#""AccountId":null,"Arn":"x","#] {
        let error = of(nobody).unwrap_err();
        assert_eq!((error.kind(), error.request_id()), (ErrorKind::Response, Some("r-ok")));
        assert!(error.to_string().starts_with("GetCallerIdentity of sts in ap-shanghai: "), "{error}");
        assert!(error.to_string().contains("no `AccountId`"), "{error}");
    }
}

#[test]
fn one_explicit_endpoint_is_asked_and_no_other() {
    let url =
        |change: fn(&mut Settings)| ask(&with(change), |_, _| ok(ANSWER)).seen[0].request.url().into_owned();
    let own = Endpoint::explicit("http://127.0.0.1:8080").unwrap();
    assert_eq!(
        url(|settings| settings.endpoint = Endpoint::explicit("http://127.0.0.1:8080").unwrap()),
        own.origin("").url()
    );
    assert_eq!(
        url(|settings| {
            settings.endpoint = Endpoint::explicit("http://127.0.0.1:8080").unwrap();
            settings.sts_endpoint = Some(Endpoint::explicit("http://127.0.0.1:9090").unwrap());
        }),
        "http://127.0.0.1:9090/"
    );
    assert_eq!(
        url(|settings| settings.sts_endpoint = Some(Endpoint::explicit("sts.example.com").unwrap())),
        "https://sts.example.com/"
    );
    assert_eq!(
        url(|settings| settings.endpoint = Endpoint::root_domain("internal.tencentcloudapi.com").unwrap()),
        "https://sts.internal.tencentcloudapi.com/"
    );
    assert_eq!(
        url(|settings| settings.region = Some("ap-shanghai-fsi".into())),
        "https://sts.ap-shanghai-fsi.tencentcloudapi.com/"
    );
    assert_eq!(url(|settings| settings.region = None), "https://sts.tencentcloudapi.com/");
}

#[test]
fn the_backup_endpoint_is_not_asked() {
    let config = with(|settings| {
        settings.endpoint = Endpoint::explicit("http://127.0.0.1:8080").unwrap();
        settings.failover =
            Some(Failover::to(Endpoint::explicit("cvm.ap-guangzhou.tencentcloudapi.com").unwrap()));
    });
    for _ in 0..10 {
        let asked = ask(&config, |_, _| not_sent());
        asked.output.unwrap_err();
        assert!(asked.seen.iter().all(|seen| seen.request.origin().host() == "127.0.0.1:8080"));
    }
}

#[test]
fn it_shares_what_the_client_has_fetched() {
    for first in [true, false] {
        let config = config(InstanceRole::new());
        let mut instance = instance(7200);
        if first {
            run(describe(&config), |request, mono| instance.serve(request, mono)).output.unwrap();
        }
        let asked = ask(&config, |request, mono| match request.action() {
            ACTION => ok(ANSWER),
            _ => instance.serve(request, mono),
        });
        let last = &asked.seen.last().unwrap().request;
        assert_eq!((last.action(), signer(last), token(last)), (ACTION, "ID1", Some("token1")));
        verified(last, "key1");
        asked.output.unwrap();
        let next = run(describe(&config), |request, mono| instance.serve(request, mono));
        assert_eq!(
            next.actions(),
            ["DescribeImages"],
            "asked {} the first call",
            if first { "after" } else { "before" }
        );
        verified(&next.seen[0].request, "key1");
        assert_eq!(instance.issued, 1);
    }
}

#[test]
fn a_role_is_assumed_once() {
    let base = Credential::new("AKIDexample", "not-a-real-key").unwrap();
    let config = config(AssumeRole::new(base, Role::new("qcs::cam::uin/1:roleName/images", "nightly")));
    let mut assumed = 0;
    let mut serve = |request: &Request, _| match request.action() {
        "AssumeRole" => {
            assumed += 1;
            issued(7, UNIX + 7200)
        }
        action => {
            assert_eq!((signer(request), token(request)), ("ID7", Some("token7")), "{action}");
            ok(ANSWER)
        }
    };
    ask(&config, &mut serve).output.unwrap();
    run(describe(&config), &mut serve).output.unwrap();
    ask(&config, &mut serve).output.unwrap();
    assert_eq!(assumed, 1);
}

#[test]
fn a_refusal_costs_nobody_a_credential() {
    for code in
        ["AuthFailure.TokenFailure", "AuthFailure.SecretIdNotFound", "UnauthorizedOperation", "InvalidAction"]
    {
        let config = config(InstanceRole::new());
        let mut instance = instance(7200);
        run(describe(&config), |request, mono| instance.serve(request, mono)).output.unwrap();
        // Long enough after the fetch that a call would have a new credential fetched.
        let mut asking = WhoAmI.start(&config, 1);
        let Step::Send(request) = asking.poll(after(60)) else { panic!("{code}") };
        assert_eq!(request.action(), ACTION);
        asking.reply(after(60), refused(code));
        let Step::Done(Err(error)) = asking.poll(after(60)) else { panic!("{code}") };
        assert_eq!(error.code().map(ToString::to_string).as_deref(), Some(code));
        let next = run(describe(&config), |request, mono| instance.serve(request, mono));
        assert_eq!(next.actions(), ["DescribeImages"], "{code}");
    }
}

#[test]
fn it_takes_five_seconds_at_most() {
    let config = with(|settings| settings.attempt_timeout = Duration::from_secs(3));
    let mut asking = WhoAmI.start(&config, 1);
    let mut now = START;
    let mut waits = Vec::new();
    let error = loop {
        match asking.poll(at(now)) {
            Step::Send(request) => {
                waits.push(request.timeout());
                now += request.timeout();
                asking.reply(at(now), timed_out());
            }
            Step::WaitUntil(mono) => now = mono,
            Step::Progress(never) => match never {},
            Step::Done(outcome) => break outcome.unwrap_err(),
        }
    };
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(now <= START + Duration::from_secs(5), "{now:?}");
    assert!(waits.len() == 2 && waits[0] == Duration::from_secs(3) && waits[1] <= Duration::from_secs(2));
}

#[test]
fn a_client_with_less_patience_keeps_to_it() {
    let config = with(|settings| settings.call_timeout = Duration::from_secs(2));
    let Step::Send(request) = WhoAmI.start(&config, 1).poll(at(START)) else { panic!("nothing to wait for") };
    assert_eq!(request.timeout(), Duration::from_secs(2));
}

#[test]
fn it_is_sent_twice_at_most_and_once_where_a_client_never_repeats() {
    for serve in [|| lost(), || refused("InternalError"), || not_sent()] {
        assert_eq!(ask(&driver::config(), |_, _| serve()).seen.len(), 2);
        let never = with(|settings| settings.retry = cvm_proto::RetryPolicy::never());
        assert_eq!(ask(&never, |_, _| serve()).seen.len(), 1);
    }
    let recovered =
        ask(&driver::config(), |request, _| if request.attempt() == 1 { lost() } else { ok(ANSWER) });
    recovered.output.unwrap();
}

#[test]
fn a_fetch_that_hangs_ends_with_it_and_is_the_next_calls_to_begin_anew() {
    let base = Credential::new("AKIDexample", "not-a-real-key").unwrap();
    let config = config(AssumeRole::new(base, Role::new("qcs::cam::uin/1:roleName/images", "nightly")));
    let mut asking = WhoAmI.start(&config, 1);
    let Step::Send(request) = asking.poll(at(START)) else { panic!("a credential comes first") };
    assert_eq!((request.action(), request.timeout()), ("AssumeRole", Duration::from_secs(5)));
    asking.reply(after(5), timed_out());
    let Step::Done(Err(error)) = asking.poll(after(5)) else { panic!("its time is over") };
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");

    let mut next = describe(&config);
    let Step::Send(request) = next.poll(after(5)) else { panic!("nobody remembers a failure") };
    assert_eq!((request.action(), request.timeout()), ("AssumeRole", Duration::from_secs(30)));
    next.reply(after(6), issued(1, UNIX + 7200));
    assert!(matches!(next.poll(after(6)), Step::Send(request) if request.action() == "DescribeImages"));
}

#[test]
fn a_fetch_of_another_call_is_waited_for_as_long() {
    let config = config(InstanceRole::new());
    let mut other = describe(&config);
    assert!(matches!(other.poll(at(START)), Step::Send(_)));
    let mut asking = WhoAmI.start(&config, 1);
    let mut now = START;
    let ended = loop {
        match asking.poll(at(now)) {
            Step::WaitUntil(mono) => now = mono,
            Step::Done(outcome) => break outcome,
            step => panic!("{step:?}"),
        }
    };
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Timeout);
    assert!((Duration::from_secs(5)..Duration::from_secs(6)).contains(&now.saturating_sub(START)), "{now:?}");
}

#[test]
fn it_takes_no_place_in_a_rate_limit_and_waits_for_none() {
    let config = driver::config();
    let place = |config: &Config| match describe(config).poll(at(START)) {
        Step::Send(_) => START,
        Step::WaitUntil(mono) => mono,
        step => panic!("{step:?}"),
    };
    while place(&config) == START {}
    for _ in 0..100 {
        let mut asking = WhoAmI.start(&config, 1);
        assert!(matches!(asking.poll(at(START)), Step::Send(_)));
    }
}

#[test]
fn what_is_known_of_the_clock_is_known_to_both() {
    let hour_ahead = |body: &str| {
        let body = format!(r#"{{"Response":{{{body}"RequestId":"r-1"}}}}"#);
        Reply::Response(Response::new(200, body.into_bytes()).header("Date", "Mon, 25 Feb 2019 17:44:25 GMT"))
    };
    let expired = r#""Error":{"Code":"AuthFailure.SignatureExpire","Message":"m"},"#;
    let theirs = (UNIX + 3600).to_string();

    let config = driver::config();
    run(describe(&config), |_, _| hour_ahead("")).output.unwrap();
    let asked = ask(&config, |_, _| ok(ANSWER));
    assert_eq!(asked.seen[0].header("x-tc-timestamp"), theirs);

    let config = driver::config();
    let asked = ask(&config, |request, _| {
        let late = request.headers().any(|header| header == ("x-tc-timestamp", &UNIX.to_string()));
        hour_ahead(if late { expired } else { ANSWER })
    });
    asked.output.unwrap();
    let next = run(describe(&config), |_, _| ok(""));
    assert_eq!(next.seen[0].header("x-tc-timestamp"), theirs);
}

#[test]
fn it_signs_as_the_client_does_in_a_notation_that_the_service_takes() {
    for method in [SignMethod::HmacSha1, SignMethod::HmacSha256] {
        let config = with(|settings| settings.sign_method = method);
        let asked = ask(&config, |_, _| ok(ANSWER));
        let form = std::str::from_utf8(asked.seen[0].request.body()).unwrap();
        assert!(form.contains("Action=GetCallerIdentity&Version=2018-08-13&"), "{form}");
        verified(&asked.seen[0].request, "not-a-real-key");
    }
    let config = with(|settings| settings.notation = Some(Notation::Multipart));
    let asked = ask(&config, |_, _| ok(ANSWER));
    assert_eq!(asked.seen[0].header("content-type"), "application/json");
}

#[test]
fn each_service_has_its_own_scope_in_the_signatures_of_one_client() {
    let config = driver::config();
    for _ in 0..2 {
        let seen = [ask(&config, |_, _| ok(ANSWER)).seen, run(describe(&config), |_, _| ok("")).seen];
        for (seen, scope) in seen.iter().flatten().zip(["/sts/tc3_request", "/cvm/tc3_request"]) {
            assert!(seen.header("authorization").contains(scope));
            verified(&seen.request, "not-a-real-key");
        }
    }
}

#[test]
fn nothing_secret_is_shown() {
    let asking = WhoAmI.start(&driver::config(), 1);
    assert!(!format!("{asking:?}").contains("not-a-real-key"));
}
