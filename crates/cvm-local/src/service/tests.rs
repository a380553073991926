//! The order of refusals that depend on time.

use super::*;
use cvm_proto::sign::verify;

/// A service that takes requests without a signature.
fn service() -> Service {
    let mut skipped_checks = SkippedChecks::default();
    skipped_checks.set(Check::Signature, true);
    Service::new(State::new(&Seed::default()).unwrap(), Clock::stepped(), skipped_checks).unwrap()
}

/// The error code that a request is answered with; `None` if its work is done.
fn code(service: &Service, [version, action, region]: [&str; 3], body: &str, at: Instant) -> Option<String> {
    let headers = [
        ("content-type", "application/json"),
        ("x-tc-version", version),
        ("x-tc-action", action),
        ("x-tc-region", region),
    ];
    let incoming =
        verify::Incoming { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes() };
    let answer = service.serve_at(&incoming, at).answer.unwrap();
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    answer["Response"]["Error"]["Code"].as_str().map(str::to_owned)
}

#[test]
fn ten_copies_a_second_are_taken_and_no_more() {
    let service = service();
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let body = r#"{"ImageIds":["img-00000000"],"DestinationRegions":["ap-guangzhou"]}"#;
    let sync = |region, at| code(&service, ["2017-03-12", "SyncImages", region], body, at).unwrap();
    for _ in 0..10 {
        assert_eq!(sync("ap-shanghai", at(0)), "InvalidImageId.NotFound");
    }
    assert_eq!(sync("ap-shanghai", at(999)), "RequestLimitExceeded");
    assert_eq!(sync("ap-beijing", at(999)), "InvalidImageId.NotFound", "regions count separately");
    let other = code(&service, ["2017-03-12", "DescribeImages", "ap-shanghai"], "{}", at(999));
    assert_eq!(other, None, "actions count separately");
    assert_eq!(sync("ap-shanghai", at(1000)), "InvalidImageId.NotFound", "the second is over");
    for _ in 0..9 {
        sync("ap-shanghai", at(1000));
    }
    assert_eq!(sync("ap-shanghai", at(1000)), "RequestLimitExceeded");
    service.reset().unwrap();
    assert_eq!(sync("ap-shanghai", at(1000)), "InvalidImageId.NotFound", "a reset forgets the count");
}

#[test]
fn twenty_identities_a_second_are_said_and_no_more() {
    let service = service();
    let start = Instant::now();
    let ask = |at| code(&service, ["2018-08-13", "GetCallerIdentity", "ap-shanghai"], "{}", at);
    for _ in 0..20 {
        assert_eq!(ask(start), None);
    }
    assert_eq!(ask(start).as_deref(), Some("RequestLimitExceeded"));
    assert_eq!(ask(start + Duration::from_secs(1)), None);
}
