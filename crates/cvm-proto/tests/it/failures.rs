//! What the network did: said with host, port, proxy and limit, and tried again only where that may help.

use std::convert::Infallible;
use std::time::Duration;

use cvm_proto::api::{DescribeImages, DescribeInstances, SyncImages};
use cvm_proto::credential::{AssumeRole, InstanceRole, Provider, Role, WebIdentity};
use cvm_proto::machine::{Cause, CertificateFlaw, Failure, FailureKind, Fault, Sent};
use cvm_proto::{
    Call, Config, Credential, Endpoint, Error, ErrorKind, ImageSync, Job, Machine, Now, ProxyAddress, Reply,
    Request, Step, Verdict, WaitUntil,
};

use crate::driver::{UNIX, config, lost, ok, run, settings};

const CONNECT_LIMIT: Duration = Duration::from_millis(1500);

/// Every cause, how it is said of an endpoint over TLS, and whether another attempt may help.
const CAUSES: &[(Cause, &str, bool)] = &[
    (Cause::Resolve, "no address was found for cvm.example:8443: ", true),
    (Cause::Refused, "cvm.example:8443 refuses connections: ", true),
    (Cause::Unreachable, "cvm.example:8443 cannot be reached: ", true),
    (
        Cause::ConnectTimeout(CONNECT_LIMIT),
        "no connection to cvm.example:8443 within 1.5s, the limit of connect_timeout",
        true,
    ),
    (Cause::Certificate(CertificateFlaw::UnknownIssuer), "that is not trusted: if that is the right", false),
    (
        Cause::Certificate(CertificateFlaw::OtherName),
        "certificate of cvm.example:8443 is for other hosts",
        false,
    ),
    (Cause::Certificate(CertificateFlaw::Expired), "certificate of cvm.example:8443 has expired: ", false),
    (
        Cause::Certificate(CertificateFlaw::NotYetValid),
        "of cvm.example:8443 is not valid yet: set this",
        false,
    ),
    (Cause::Certificate(CertificateFlaw::Revoked), "certificate of cvm.example:8443 has been revoked", false),
    (Cause::Certificate(CertificateFlaw::Unusable), "is not one that a server can prove itself with", false),
    (
        Cause::Handshake,
        "cvm.example:8443 ended the TLS handshake: if it does not speak TLS, write http://",
        true,
    ),
    (Cause::NotTls, "cvm.example:8443 does not speak TLS: write http:// in place of https://", false),
    (Cause::NotHttp, "the answer of cvm.example:8443 is not HTTP: check the endpoint", false),
    (Cause::ProxyUser, "the proxy requires a user name and a password: put them into its address", false),
    (Cause::ProxyRefused, "the proxy does not connect to cvm.example:8443", true),
    (Cause::NotSocks, "what answers for cvm.example:8443 does not speak SOCKS 5", false),
    (Cause::NoAnswer, "the connection to cvm.example:8443 ended before an answer", true),
    (Cause::CutOff, "the connection to cvm.example:8443 ended before the answer was whole", true),
    (Cause::Timeout, "no whole answer from cvm.example:8443 within 30s, the limit of attempt_timeout", true),
    (Cause::TooLarge, "larger than 33554432 bytes, the limit of max_response_bytes", false),
    (Cause::Unsendable("x-tc-token"), "the request's x-tc-token cannot be sent over HTTP", false),
];

fn at(address: &str) -> Config {
    let mut settings = settings();
    settings.endpoint = Endpoint::explicit(address).unwrap();
    Config::new(settings).unwrap()
}

fn describe(config: &Config) -> Call<DescribeImages> {
    Call::new(config, DescribeImages::default(), 1)
}

#[test]
fn every_failure_is_said_with_its_place_and_tried_again_only_where_that_may_help() {
    for &(cause, part, may_help) in CAUSES {
        let run = run(describe(&at("https://cvm.example:8443")), |request, _| {
            Reply::Failed(request.failure(Fault::not_sent(cause)))
        });
        let error = run.output.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(part), "{cause:?}: {text}");
        assert_eq!(run.seen.len(), if may_help { 3 } else { 1 }, "{cause:?}: {text}");
        assert_eq!(error.is_retryable(), may_help, "{cause:?}: {text}");
        assert_eq!(text.contains("attempts"), may_help, "{cause:?}: {text}");
        assert!(!error.outcome_unknown(), "{cause:?}: {text}");
    }
}

#[test]
fn a_failure_behind_a_proxy_names_both_and_one_of_the_proxy_names_the_proxy() {
    for written in [
        "http://me:hidden@proxy.example:3128",
        "https://me:hidden@proxy.example",
        "socks5://me:hidden@10.0.0.1",
        "socks5h://me:hidden@[::1]:9050",
        "http://proxy.example",
    ] {
        let proxy: ProxyAddress = written.parse().unwrap();
        let shown = proxy.to_string();
        for &(cause, ..) in CAUSES {
            let say = |at_proxy| {
                let run = run(describe(&at("http://cvm.example")), |request, _| {
                    let fault = Fault::not_sent(cause).through(Some(&proxy)).at_proxy(at_proxy);
                    Reply::Failed(request.failure(fault))
                });
                run.output.unwrap_err().to_string()
            };
            let (behind, own) = (say(false), say(true));
            if !matches!(cause, Cause::Unsendable(_)) {
                let is_before = matches!(cause, Cause::Resolve | Cause::ProxyUser | Cause::NotSocks);
                assert!(behind.contains("cvm.example:80") || is_before, "{cause:?}: {behind}");
                assert!(behind.contains(&shown) || cause == Cause::Resolve, "{cause:?}: {behind}");
                assert!(own.contains(&shown), "{cause:?}: {own}");
            }
            assert!(!behind.contains("hidden") && !own.contains("hidden"), "{cause:?}: {behind} {own}");
        }
    }
}

#[test]
fn a_proxy_that_wants_a_user_is_told_from_one_that_wants_another() {
    for (written, part) in [
        ("http://proxy.example", "put them into its address, as http://USER:PASSWORD@HOST:PORT"),
        ("https://proxy.example", "put them into its address, as https://USER:PASSWORD@HOST:PORT"),
        ("socks5h://proxy.example", "put them into its address, as socks5h://USER:PASSWORD@HOST:PORT"),
        ("http://me:hidden@proxy.example", "does not take the user and the password in its address"),
        ("socks5://me:hidden@proxy.example", "does not take the user and the password in its address"),
    ] {
        let proxy: ProxyAddress = written.parse().unwrap();
        for answers in [true, false] {
            let run = run(describe(&config()), |request, _| {
                if answers {
                    Reply::Response(cvm_proto::Response::new(407, Vec::new()).through(Some(&proxy)))
                } else {
                    Reply::Failed(request.failure(Fault::not_sent(Cause::ProxyUser).through(Some(&proxy))))
                }
            });
            let error = run.output.unwrap_err().to_string();
            assert!(error.contains(part) && error.contains(&proxy.to_string()), "{error}");
            assert_eq!(run.seen.len(), 1, "{error}");
        }
    }
}

#[test]
fn an_answer_to_the_wrong_scheme_says_which_is_right() {
    for page in [
        "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n",
        "Client sent an HTTP request to an HTTPS server.\n",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n Instead use the HTTPS scheme",
        "This combination of host and port requires TLS (HTTPS).",
        "<h1>Bad Request</h1>HTTPS is required",
    ] {
        for (address, is_meant) in [("http://cvm.example:8443", true), ("https://cvm.example:8443", false)] {
            for status in [400, 497] {
                let run = run(describe(&at(address)), |_, _| crate::driver::answer(status, page));
                let error = run.output.unwrap_err().to_string();
                let meant = "cvm.example:8443 speaks TLS: write https:// in place of http://";
                assert_eq!(error.contains(meant), is_meant, "{error}");
                assert_eq!(run.seen.len(), 1);
            }
        }
    }
    let closed = run(describe(&at("http://cvm.example:443")), |request, _| {
        Reply::Failed(request.failure(Fault::maybe_sent(Cause::NoAnswer)))
    });
    let error = closed.output.unwrap_err().to_string();
    assert!(error.contains("cvm.example:443 ended before an answer: if it speaks TLS"), "{error}");
}

/// Drives a machine whose every exchange takes all the time that it has, or as long as it is told to.
fn starve<M: Machine>(
    mut machine: M,
    mut serve: impl FnMut(&Request) -> (Duration, Reply),
) -> (M::Output, Duration, Vec<(String, Duration)>) {
    let (mut mono, mut seen) = (Duration::ZERO, Vec::new());
    for _ in 0..10_000 {
        let now = Now::new(UNIX + mono.as_secs(), mono);
        match machine.poll(now) {
            Step::Send(request) => {
                let (took, reply) = serve(&request);
                seen.push((request.action().to_owned(), request.timeout()));
                mono += took;
                machine.reply(Now::new(UNIX + mono.as_secs(), mono), reply);
            }
            Step::WaitUntil(until) => mono = until,
            Step::Progress(_) => {}
            Step::Done(output) => return (output, mono, seen),
        }
    }
    panic!("the machine does not end");
}

fn silence(request: &Request) -> (Duration, Reply) {
    (request.timeout(), Reply::Failed(request.failure(Fault::maybe_sent(Cause::Timeout))))
}

#[test]
fn the_limit_that_ended_it_is_named_with_its_value() {
    for (attempt, call, part) in [
        (2_000, 120_000, "within 2s, the limit of attempt_timeout (after 3 attempts)"),
        (90_000, 600_000, "within 1m 30s, the limit of attempt_timeout (after 3 attempts)"),
        (2_000, 5_000, "within 5s, the limit of call_timeout (after 3 attempts)"),
        (30_000, 5_000, "within 5s, the limit of call_timeout"),
        (191, 120_000, "within 191ms, the limit of attempt_timeout"),
        (1_500, 1_500, "within 1.5s, the limit of attempt_timeout"),
    ] {
        let mut settings = settings();
        settings.attempt_timeout = Duration::from_millis(attempt);
        settings.call_timeout = Duration::from_millis(call);
        let (output, took, _) = starve(describe(&Config::new(settings).unwrap()), silence);
        let error = output.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let text = error.to_string();
        assert!(text.contains(&format!("no whole answer from cvm.tencentcloudapi.com:443 {part}")), "{text}");
        assert!(took <= Duration::from_millis(call), "{text}: {took:?}");
    }
}

/// A provider that is never done.
#[derive(Debug)]
struct Sleeper;

impl Provider for Sleeper {
    fn fetch(&self, _: &cvm_proto::credential::FetchContext) -> cvm_proto::credential::Fetch {
        struct Asleep;
        impl Machine for Asleep {
            type Output = Result<cvm_proto::credential::Found, Error>;
            type Progress = Infallible;
            fn poll(&mut self, now: Now) -> Step<Self::Output> {
                Step::WaitUntil(now.mono + Duration::from_secs(3600))
            }
            fn reply(&mut self, _: Now, _: Reply) {}
        }
        Box::new(Asleep)
    }
}

fn role() -> AssumeRole {
    AssumeRole::new(
        Credential::new("AKIDexample", "key").unwrap(),
        Role::new("qcs::cam::uin/1:roleName/x", "y"),
    )
}

fn limited(provider: impl Provider + 'static, attempt: u64, call: u64) -> Config {
    let mut settings = settings();
    settings.credential = None;
    settings.provider = Some(std::sync::Arc::new(provider));
    settings.attempt_timeout = Duration::from_secs(attempt);
    settings.call_timeout = Duration::from_secs(call);
    Config::new(settings).unwrap()
}

#[test]
fn whatever_a_call_waits_for_has_no_more_time_than_the_call() {
    let token = || WebIdentity::new("role", "session", "provider", || Ok("token".into()));
    let metadata = Endpoint::explicit("http://metadata.example").unwrap();
    let chained = AssumeRole::new(InstanceRole::new().endpoint(metadata), Role::new("role", "session"));
    for (config, part) in [
        (
            limited(role(), 2, 5),
            "no credential from sts.tencentcloudapi.com:443 within 5s, the limit of call_timeout",
        ),
        (limited(token(), 2, 5), "from sts.tencentcloudapi.com:443 within 5s, the limit of call_timeout"),
        (
            limited(role(), 30, 4),
            "no credential from sts.tencentcloudapi.com:443 within 4s, the limit of call_timeout",
        ),
        (limited(Sleeper, 2, 5), "no credential within 5s, the limit of call_timeout"),
        (
            limited(role(), 1, 60),
            "no whole answer from sts.tencentcloudapi.com:443 within 1s, the limit of attempt_timeout",
        ),
        (limited(chained, 2, 5), "no metadata service answers"),
    ] {
        let (attempt, call) = (config.settings().attempt_timeout, config.settings().call_timeout);
        let (output, took, seen) = starve(describe(&config), silence);
        let error = output.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert!(took <= call, "{error}: {took:?}");
        assert!(seen.iter().all(|(_, timeout)| *timeout <= attempt), "{error}: {seen:?}");
        assert!(!error.outcome_unknown(), "{error}");
    }
}

#[test]
fn a_call_that_waits_for_the_credential_of_another_ends_with_its_own_time() {
    let config = limited(role(), 30, 5);
    let mut fetches = describe(&config);
    assert!(matches!(fetches.poll(Now::new(UNIX, Duration::ZERO)), Step::Send(_)));
    let (output, took, seen) = starve(describe(&config), silence);
    let error = output.unwrap_err().to_string();
    assert!(
        error.contains("not sent within 5s, the limit of call_timeout: it waited for the cred"),
        "{error}"
    );
    assert!(took < Duration::from_secs(6) && seen.is_empty(), "{took:?} {seen:?}");
}

#[test]
fn each_page_of_a_list_has_a_time_of_its_own() {
    let mut settings = settings();
    settings.call_timeout = Duration::from_secs(30);
    let config = Config::new(settings).unwrap();
    let mut page = 0;
    let list = cvm_proto::Pages::new(&config, DescribeImages::default(), 1);
    let (output, took, seen) = starve(list, |_| {
        page += 1;
        let set = format!(r#""ImageSet":[{{"ImageId":"img-{page:08}"}}],"TotalCount":10,"#);
        (Duration::from_secs(20), ok(&set))
    });
    output.unwrap();
    assert_eq!((seen.len(), took), (10, Duration::from_secs(200)));
}

#[test]
fn a_job_ends_with_what_no_other_attempt_can_change() {
    for &(cause, _, may_help) in CAUSES.iter().filter(|(cause, ..)| *cause != Cause::TooLarge) {
        if may_help {
            continue;
        }
        let fail = |request: &Request, _| Reply::Failed(request.failure(Fault::not_sent(cause)));
        let job = WaitUntil::new(DescribeInstances::default(), |_| Verdict::Pending);
        let waited = run(job.start(&config(), 1), fail);
        assert_eq!(
            (waited.seen.len(), waited.output.unwrap_err().kind()),
            (1, ErrorKind::Network),
            "{cause:?}"
        );
        let job = ImageSync::new("img-o3ycss2p").to(["ap-guangzhou", "ap-beijing"]);
        let synced = run(job.start(&config(), 1), fail);
        assert!(synced.seen.len() <= 3, "{cause:?}: {:?}", synced.actions());
        assert!(synced.ended_at < Duration::from_secs(1010), "{cause:?}");
    }
}

#[test]
fn a_failure_in_the_drivers_own_words_is_tried_again() {
    let own = Failure::not_sent(FailureKind::Connect, "the modem is asleep");
    let failed = run(describe(&config()), |_, _| Reply::Failed(own.clone()));
    let error = failed.output.unwrap_err().to_string();
    assert_eq!(error, "DescribeImages in ap-shanghai: the modem is asleep (after 3 attempts)");
    let copy = Call::new(&config(), SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]), 1);
    let copied = run(copy, |_, _| lost());
    assert_eq!(copied.seen.len(), 1);
    assert!(copied.output.unwrap_err().outcome_unknown());
    assert_eq!(own.sent, Sent::No);
}
