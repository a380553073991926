//! What one call or a part of a program has otherwise than its client: settings, headers, another product.

use std::sync::Arc;
use std::time::Duration;

use cvm_proto::api::{DescribeImages, DescribeZones};
use cvm_proto::credential::{AssumeRole, InstanceRole, Role};
use cvm_proto::{
    AnyCall, AnyList, Call, ClientBuilder, Config, Credential, Endpoint, Error, ErrorKind, Failover,
    Language, Machine, Now, Pages, RetryPolicy, SignMethod, Step,
};
use serde_json::{Value, json};

use crate::driver::{Seen, UNIX, config, lost, not_sent, ok, refused, run, settings};

type Set = fn(ClientBuilder<Config>) -> ClientBuilder<Config>;

fn describe(config: &Config) -> Call<DescribeImages> {
    Call::new(config, DescribeImages::default(), 1)
}

/// How often a call is sent that never gets a connection.
fn attempts(config: &Config) -> usize {
    run(describe(config), |_, _| not_sent()).seen.len()
}

fn sent(config: &Config) -> Seen {
    run(describe(config), |_, _| ok("")).seen.pop().unwrap()
}

#[test]
fn settings_for_some_calls_leave_the_client_as_it_is() {
    let client = config();
    let hurried = client
        .with(|settings| {
            settings
                .retry(RetryPolicy::never())
                .language(Language::Chinese)
                .attempt_timeout(Duration::from_secs(3))
        })
        .unwrap();
    assert_eq!((attempts(&hurried), attempts(&client)), (1, 3));
    let (theirs, own) = (sent(&hurried), sent(&client));
    assert_eq!((theirs.header("x-tc-language"), own.header("x-tc-language")), ("zh-CN", ""));
    assert_eq!((theirs.request.timeout().as_secs(), own.request.timeout().as_secs()), (3, 30));
    // The region is that of the client it is made from, and can be set as well.
    let there = client.with_region("ap-tokyo").unwrap();
    assert_eq!(there.with(|settings| settings).unwrap().region(), Some("ap-tokyo"));
    assert_eq!(there.with(|settings| settings.region("ap-seoul")).unwrap().region(), Some("ap-seoul"));
    let signed_otherwise = client.with(|settings| settings.sign_method(SignMethod::HmacSha256)).unwrap();
    assert!(
        String::from_utf8_lossy(sent(&signed_otherwise).request.body())
            .contains("SignatureMethod=HmacSHA256")
    );
}

#[test]
fn rate_limits_budget_and_clock_are_shared_with_the_client() {
    let client = config();
    let derived = || client.with(|settings| settings.call_timeout(Duration::from_secs(90))).unwrap();
    let now = Now::new(UNIX, Duration::from_secs(9));
    let waits = |config: &Config| {
        let mut call = Call::new(config, DescribeImages::default(), 1);
        matches!(call.poll(now), Step::WaitUntil(_))
    };
    assert!(
        !waits(&derived()) && waits(&client) && waits(&derived()),
        "one place in the rate limit after the other"
    );

    for _ in 0..20 {
        attempts(&derived());
    }
    assert_eq!(attempts(&client), 1, "the budget for retries is used up");

    let client = config();
    let late = |_: &cvm_proto::Request, _| match refused("AuthFailure.SignatureExpire") {
        cvm_proto::Reply::Response(response) => {
            cvm_proto::Reply::Response(response.header("date", "Mon, 25 Feb 2019 17:44:25 GMT"))
        }
        lost @ cvm_proto::Reply::Failed(_) => lost,
    };
    let derived = client.with(|settings| settings).unwrap();
    run(describe(&derived), late).output.unwrap_err();
    assert_eq!(
        sent(&client).header("x-tc-timestamp"),
        (UNIX + 3600).to_string(),
        "the clock that was corrected"
    );
}

#[test]
fn a_setting_that_belongs_to_what_is_shared_is_refused_by_name() {
    let client = config();
    let cases: [(Set, &str); 8] = [
        (
            |settings| settings.credential(Credential::new("AKIDother", "other-key").unwrap()),
            "the credential ",
        ),
        (|settings| settings.provider(InstanceRole::new()), "the provider "),
        (|settings| settings.endpoint(Endpoint::explicit("http://host").unwrap()), "the endpoint "),
        (|settings| settings.sts_endpoint(Endpoint::explicit("http://host").unwrap()), "sts_endpoint "),
        (|settings| settings.connect_timeout(Duration::from_secs(1)), "connect_timeout "),
        (|settings| settings.proxy("http://user:hidden@proxy:3128"), "proxy "),
        (|settings| settings.ca_pem("PEM"), "ca_pem "),
        (|settings| settings.region("Nowhere!"), "region `Nowhere!` "),
    ];
    for (set, name) in cases {
        let error = client.with(set).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(text.starts_with(name) && !text.contains("hidden"), "{text}");
        assert!(text.contains("build a client of its own") || name.starts_with("region"), "{text}");
    }
    // The same again is no other.
    let same = client.settings().credential.clone().unwrap();
    client.with(|settings| settings.credential(same)).unwrap();
    client
        .with(|settings| settings.failover(Failover::to(Endpoint::explicit("https://backup").unwrap())))
        .unwrap();
}

#[test]
fn added_headers_are_sent_with_each_attempt_and_not_signed() {
    let plain = sent(&config());
    let client =
        config().with(|settings| settings.header("X-Team", "images").header("traceparent", "00-a")).unwrap();
    let call = run(describe(&client), |_, _| lost());
    assert_eq!(call.seen.len(), 3);
    for seen in &call.seen {
        assert_eq!((seen.header("x-team"), seen.header("traceparent")), ("images", "00-a"));
        assert!(!seen.header("authorization").contains("x-team"));
    }
    assert_eq!(
        call.seen[0].header("authorization"),
        plain.header("authorization"),
        "the signature is the same"
    );
    let last: Vec<_> =
        call.seen[0].request.headers().map(|(name, _)| name).skip(plain.request.headers().count()).collect();
    assert_eq!(last, ["x-team", "traceparent"]);
    // A call of its own has another value, whatever the case of the name, and v1 signatures have them too.
    let other = client
        .with(|settings| settings.header("TraceParent", "00-b").sign_method(SignMethod::HmacSha1))
        .unwrap();
    let seen = sent(&other);
    assert_eq!(
        seen.request.headers().collect::<Vec<_>>()[2..],
        [("x-team", "images"), ("traceparent", "00-b")]
    );
    assert_eq!(sent(&client).header("traceparent"), "00-a");
}

#[test]
fn added_headers_are_not_shown_and_go_to_nobody_else() {
    let mut settings = settings();
    settings.credential = None;
    let base = InstanceRole::new().role("a-role").endpoint(Endpoint::explicit("http://metadata").unwrap());
    settings.provider =
        Some(Arc::new(AssumeRole::new(base, Role::new("qcs::cam::uin/1:roleName/a", "session"))));
    settings.headers.set("x-gateway-key", "hidden-value");
    let config = Config::new(settings.clone()).unwrap();
    let key = r#""TmpSecretId":"AKIDtemporary","TmpSecretKey":"temporary","Token":"token""#;
    let ran = run(describe(&config), |request, _| {
        assert!(!format!("{request:?}").contains("hidden-value"));
        match request.action() {
            "AssumeRole" => ok(&format!(r#""Credentials":{{{key}}},"ExpiredTime":1999999999,"#)),
            "DescribeImages" => ok(""),
            _ => {
                crate::driver::answer(200, &format!(r#"{{{key},"ExpiredTime":1999999999,"Code":"Success"}}"#))
            }
        }
    });
    let with_it: Vec<_> = ran.seen.iter().map(|seen| !seen.header("x-gateway-key").is_empty()).collect();
    assert_eq!(with_it, [false, false, true]);
    for shown in [format!("{settings:?}"), format!("{config:?}"), format!("{:?}", settings.headers)] {
        assert!(shown.contains("x-gateway-key") && !shown.contains("hidden-value"), "{shown}");
    }
}

#[test]
fn a_header_that_cannot_be_sent_is_refused_where_it_is_set() {
    let long = "v".repeat(8193);
    for (name, value) in [
        ("", "v"),
        ("x y", "v"),
        ("x:y", "v"),
        ("x-\u{e9}", "v"),
        ("x\r\ny", "v"),
        ("host", "v"),
        ("Content-Type", "v"),
        ("AUTHORIZATION", "v"),
        ("content-length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("connection", "close"),
        ("accept-encoding", "gzip"),
        ("X-TC-Token", "v"),
        ("x-tc-anything", "v"),
        ("x-a", "hidden\r\nx-b: c"),
        ("x-a", "hidden\0"),
        ("x-a", "hidden\u{7f}"),
        ("x-a", "hidden\u{4f60}"),
        ("x-a", " hidden"),
        ("x-a", "hidden\t"),
        ("x-a", long.as_str()),
    ] {
        let error = config().with(|settings| settings.header(name, value)).unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Config, "{name:?}");
        assert!(text.starts_with("the header `") && !text.contains("hidden"), "{name:?}: {text}");
        assert!(!text.contains(char::is_control), "{text:?}");
    }
    config()
        .with(|settings| settings.header("user-agent", "mine/1.0").header("baggage", "a=b, c=d"))
        .unwrap();
}

#[test]
fn a_policy_judges_codes_its_own_way() {
    let client = |policy: RetryPolicy| config().with(|settings| settings.retry(policy)).unwrap();
    let sent = |config: &Config, code: &'static str| run(describe(config), |_, _| refused(code)).seen.len();
    let usual = config();
    assert_eq!((sent(&usual, "InvalidFilter"), sent(&usual, "InternalError")), (1, 3));
    let own = client(RetryPolicy::default().retry_on("InvalidFilter").never_retry_on("InternalError"));
    assert_eq!((sent(&own, "InvalidFilter"), sent(&own, "InternalError")), (3, 1));
    assert_eq!(sent(&own, "InvalidFilterValue.LimitExceeded"), 1, "codes are whole");
    let back = client(RetryPolicy::default().retry_on("InternalError").never_retry_on("InternalError"));
    assert_eq!(sent(&back, "InternalError"), 1, "the last word counts");

    // The copy may have been accepted: no policy makes that safe to repeat.
    let sync = || cvm_proto::api::SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]);
    let reckless = client(RetryPolicy::default().retry_on("InternalError").retry_on("InvalidImageState"));
    let unclear = run(Call::new(&reckless, sync(), 1), |_, _| refused("InternalError"));
    assert_eq!(unclear.seen.len(), if unclear.output.unwrap_err().outcome_unknown() { 1 } else { 3 });
    assert_eq!(run(Call::new(&reckless, sync(), 1), |_, _| lost()).seen.len(), 1);
    assert_eq!(run(Call::new(&reckless, sync(), 1), |_, _| refused("InvalidImageState")).seen.len(), 3);
}

#[test]
fn errors_give_what_caused_them() {
    use std::error::Error as _;

    use cvm_proto::machine::{Failure, FailureKind, Sent};
    let error = run(describe(&config()), |_, _| lost()).output.unwrap_err();
    assert_eq!((error.failure_kind(), error.sent()), (Some(FailureKind::Interrupted), Some(Sent::Maybe)));
    let failure = error.source().and_then(|source| source.downcast_ref::<Failure>()).unwrap();
    assert_eq!(failure.to_string(), "connection closed before the answer");
    let error = run(describe(&config()), |_, _| ok(r#""ImageSet":3,"#)).output.unwrap_err();
    assert!(error.source().unwrap().is::<serde_json::Error>(), "{error:?}");
    assert_eq!((error.failure_kind(), error.sent()), (None, None));
    let error = run(describe(&config()), |_, _| refused("InvalidFilter")).output.unwrap_err();
    assert!(error.source().is_none());
    let wait = cvm_proto::WaitUntil::new(DescribeImages::default(), |_| cvm_proto::Verdict::Pending);
    let wait = cvm_proto::Job::start(wait, &config(), 1);
    let error = run(wait, |_, _| not_sent()).output.unwrap_err();
    let last = error.source().and_then(|source| source.downcast_ref::<Error>()).unwrap();
    assert_eq!(last.failure_kind(), Some(FailureKind::Connect), "{last:?}");
}

fn call(config: &Config, action: &str, parameters: Value) -> Seen {
    run(AnyCall::new(config, action, &parameters, 1), |_, _| ok("")).seen.pop().unwrap()
}

#[test]
fn another_product_is_called_at_its_own_host_signed_for_it() {
    let vpc = config().service("vpc", "2017-03-12").unwrap();
    let seen = call(&vpc, "DescribeVpcs", json!({"Limit": "1"}));
    assert_eq!(seen.request.url(), "https://vpc.tencentcloudapi.com/");
    assert!(seen.header("authorization").contains("/vpc/tc3_request"), "{}", seen.header("authorization"));
    assert_eq!(seen.header("x-tc-version"), "2017-03-12");
    let sts = config().service("sts", "2018-08-13").unwrap().with_region("ap-shanghai-fsi").unwrap();
    let seen = call(&sts, "GetCallerIdentity", Value::Null);
    assert_eq!(seen.request.url(), "https://sts.ap-shanghai-fsi.tencentcloudapi.com/");
    assert_eq!(seen.header("x-tc-version"), "2018-08-13");
    // Neither derived settings nor a typed action of cvm lead astray.
    let hurried = vpc.with(|settings| settings.call_timeout(Duration::from_secs(1))).unwrap();
    assert_eq!(
        call(&hurried, "DescribeVpcs", Value::Null).request.origin().host(),
        "vpc.tencentcloudapi.com"
    );
    let zones = run(Call::new(&vpc, DescribeZones::default(), 1), |_, _| ok("")).seen.pop().unwrap();
    assert_eq!(
        (zones.header("host"), zones.header("x-tc-version")),
        ("cvm.tencentcloudapi.com", "2017-03-12")
    );
    assert_eq!(
        call(&vpc.service("cvm", "2017-03-12").unwrap(), "DescribeZones", Value::Null).header("host"),
        "cvm.tencentcloudapi.com"
    );
    let list = AnyList::new("DescribeInstances", Value::Null).unwrap();
    let page = run(Pages::new(&vpc, list, 1), |_, _| ok("")).seen.pop().unwrap();
    assert_eq!(page.header("host"), "vpc.tencentcloudapi.com");
}

#[test]
fn an_endpoint_of_cvm_becomes_that_of_the_product_beside_it() {
    for (endpoint, host) in [
        ("https://cvm.tencentcloudapi.com", "vpc.tencentcloudapi.com"),
        ("http://cvm.internal.tencentcloudapi.com", "vpc.internal.tencentcloudapi.com"),
        ("cvm.ap-guangzhou.tencentcloudapi.com:8443", "vpc.ap-guangzhou.tencentcloudapi.com:8443"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("https://cvm.example.com", "cvm.example.com"),
        ("https://cvm.eviltencentcloudapi.com", "cvm.eviltencentcloudapi.com"),
        ("https://cvmtencentcloudapi.com", "cvmtencentcloudapi.com"),
    ] {
        let mut settings = settings();
        settings.endpoint = Endpoint::explicit(endpoint).unwrap();
        let vpc = Config::new(settings).unwrap().service("vpc", "2017-03-12").unwrap();
        assert_eq!(call(&vpc, "DescribeVpcs", Value::Null).header("host"), host, "{endpoint}");
    }
}

#[test]
fn of_other_products_only_what_reads_or_carries_a_token_is_repeated() {
    let vpc = config().service("vpc", "2017-03-12").unwrap();
    let sent = |action: &str, parameters: Value| {
        run(AnyCall::new(&vpc, action, &parameters, 1), |_, _| lost()).seen.len()
    };
    for action in ["DescribeVpcs", "GetCcnRegion", "ListThings", "InquiryPriceCreateVpnGateway"] {
        assert_eq!(sent(action, Value::Null), 3, "{action}");
    }
    for action in ["CreateVpc", "DeleteVpc", "Describer", "SyncImages"] {
        assert_eq!(sent(action, json!({"DryRun": true})), 1, "{action}");
        assert_eq!(sent(action, json!({"ClientToken": ""})), 1, "{action}");
    }
    assert_eq!(sent("CreateVpc", json!({"ClientToken": "t-1"})), 3);
    // Nor are rates of cvm kept to: that an action has the same name says nothing.
    let now = Now::new(UNIX, Duration::from_secs(9));
    for _ in 0..50 {
        let mut call = AnyCall::new(&vpc, "RunInstances", &Value::Null, 1);
        assert!(matches!(call.poll(now), Step::Send(_)));
    }
}

#[test]
fn what_cannot_be_a_product_is_refused() {
    for (name, version, part) in [
        ("", "2017-03-12", "service ``"),
        ("VPC", "2017-03-12", "service `VPC`"),
        ("vpc.evil.example", "2017-03-12", "is not a product's name"),
        ("-vpc", "2017-03-12", "is not a product's name"),
        ("vpc/\r\n", "2017-03-12", "is not a product's name"),
        ("vpc", "", "version ``"),
        ("vpc", "latest", "version `latest` is not that of an API"),
        ("vpc", "2017-3-12", "is not that of an API"),
        ("vpc", "2017-03-1\u{665}", "is not that of an API"),
    ] {
        let error = config().service(name, version).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(part), "{error}");
    }
}
