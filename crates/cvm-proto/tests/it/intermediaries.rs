//! What is in front of the service: load balancers that want fewer requests, proxies, captive portals; and clocks.

use std::time::Duration;

use cvm_proto::api::{DescribeImages, SyncImages};
use cvm_proto::{Call, ErrorKind, Reply, Response};

use crate::driver::{UNIX, config, ok, run};

fn describe() -> Call<DescribeImages> {
    Call::new(&config(), DescribeImages::default(), 1)
}

fn sync() -> Call<SyncImages> {
    Call::new(&config(), SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]), 1)
}

fn page(status: u16, headers: &[(&str, &str)]) -> Reply {
    let response = Response::new(status, b"<html>not the service</html>".to_vec());
    Reply::Response(headers.iter().fold(response, |response, (name, value)| response.header(name, value)))
}

#[test]
fn a_server_that_says_when_is_asked_again_then() {
    const DATE: (&str, &str) = ("Date", "Mon, 25 Feb 2019 16:44:25 GMT");
    let cases = [
        (429, vec![("Retry-After", "3")], 3),
        (429, vec![("retry-after", " 7 ")], 7),
        (503, vec![("Retry-After", "12")], 12),
        (503, vec![DATE, ("Retry-After", "Mon, 25 Feb 2019 16:44:45 GMT")], 20),
        (502, vec![("Retry-After", "2")], 2),
        // Where the server's own time is not known, this machine's stands for it.
        (429, vec![("Retry-After", "Mon, 25 Feb 2019 16:44:45 GMT")], 20),
        // A time that has passed, or that is none, is no time.
        (429, vec![DATE, ("Retry-After", "Mon, 25 Feb 2019 16:44:05 GMT")], 0),
        (429, vec![("Retry-After", "soon")], 0),
        (429, vec![("Retry-After", "-1")], 0),
        (429, vec![], 0),
    ];
    for (status, headers, seconds) in cases {
        let mut first = Some(page(status, &headers));
        let run = run(describe(), |_, _| first.take().unwrap_or_else(|| ok("")));
        run.output.unwrap();
        let pause = run.seen[1].at.saturating_sub(run.seen[0].at);
        assert!(pause >= Duration::from_secs(seconds), "{headers:?}: {pause:?}");
        assert!(pause < Duration::from_secs(seconds.max(2) + 1), "{headers:?}: {pause:?}");
    }
}

#[test]
fn a_time_beyond_the_deadline_is_not_waited_for() {
    let number = ["121", "3600", "18446744073709551615", "99999999999999999999"];
    for wait in number.into_iter().chain(["Mon, 25 Feb 2019 17:44:25 GMT"]) {
        let run = run(describe(), |_, _| page(503, &[("Retry-After", wait)]));
        assert_eq!(run.seen.len(), 1, "{wait}");
        assert!(run.ended_at < Duration::from_secs(1001));
        let error = run.output.unwrap_err();
        assert_eq!(error.status(), Some(503));
        assert!(
            error.to_string().contains("(Retry-After)") && error.to_string().contains("call_timeout"),
            "{error}"
        );
    }
}

#[test]
fn too_many_requests_were_not_carried_out_and_unavailable_may_have_been() {
    let refused = run(sync(), |_, _| page(429, &[]));
    let error = refused.output.unwrap_err();
    assert_eq!((error.kind(), refused.seen.len()), (ErrorKind::Throttled, 3));
    assert!(!error.outcome_unknown() && error.to_string().contains("wants fewer"), "{error}");
    let unavailable = run(sync(), |_, _| page(503, &[("Retry-After", "1")]));
    assert_eq!(unavailable.seen.len(), 1);
    assert!(unavailable.output.unwrap_err().outcome_unknown());
}

#[test]
fn a_redirect_says_where_it_points_and_is_not_followed() {
    let cases = [
        ("http://portal.example/login", "`http://portal.example/login`"),
        ("http://portal.example/?back=Signature%3Dabc", "`http://portal.example/`"),
        ("http://me:secret@portal.example/", "`http://***@portal.example/`"),
        ("/login\u{1b}[31m", "`/login\\u{1b}[31m`"),
        ("https://cvm.example/#part", "`https://cvm.example/`"),
    ];
    for status in [301, 302, 303, 307, 308] {
        for (location, shown) in cases {
            let run = run(describe(), |_, _| page(status, &[("Location", location)]));
            let error = run.output.unwrap_err().to_string();
            assert_eq!(run.seen.len(), 1, "it would be the same again");
            assert!(error.contains(&format!("a redirect to {shown}")) && error.contains("portal"), "{error}");
            assert!(!error.contains("secret") && !error.contains("Signature"), "{error}");
        }
    }
    let error = run(describe(), |_, _| page(302, &[])).output.unwrap_err().to_string();
    assert!(error.contains("a redirect came in place of an answer"), "{error}");
}

#[test]
fn a_proxy_that_wants_a_password_is_named_once() {
    let run = run(describe(), |_, _| page(407, &[]));
    assert_eq!(run.seen.len(), 1);
    let error = run.output.unwrap_err().to_string();
    assert!(error.contains("the proxy requires a user name and a password"), "{error}");
}

#[test]
fn a_clock_is_corrected_by_a_day_at_most() {
    let expired = r#"{"Response":{"Error":{"Code":"AuthFailure.SignatureExpire","Message":"expired"},"RequestId":"r"}}"#;
    for date in [
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Wed, 27 Feb 2019 16:44:25 GMT",
        "Tue, 26 Feb 2019 16:44:26 GMT",
        "Sun, 24 Feb 2019 16:44:24 GMT",
        "Mon, 25 Feb 2069 16:44:25 GMT",
    ] {
        let run =
            run(describe(), |_, _| Reply::Response(Response::new(200, expired.into()).header("Date", date)));
        assert_eq!(run.seen.len(), 1, "{date}");
        assert!(run.seen.iter().all(|seen| seen.header("x-tc-timestamp") == UNIX.to_string()));
        let error = run.output.unwrap_err().to_string();
        assert!(error.contains("by more than a day: set the clock"), "{date}: {error}");
    }
    for date in ["Tue, 26 Feb 2019 16:44:25 GMT", "Sun, 24 Feb 2019 16:44:25 GMT"] {
        let run =
            run(describe(), |_, _| Reply::Response(Response::new(200, expired.into()).header("Date", date)));
        assert_eq!(run.seen.len(), 2, "a day is corrected, once: {date}");
    }
    // The time of an answer that succeeds is taken no further either.
    let config = config();
    let far = |_: &_, _| {
        Reply::Response(
            Response::new(200, br#"{"Response":{"RequestId":"r"}}"#.to_vec())
                .header("Date", "Fri, 31 Dec 9999 23:59:59 GMT"),
        )
    };
    run(Call::new(&config, DescribeImages::default(), 1), far).output.unwrap();
    let next = run(Call::new(&config, DescribeImages::default(), 1), far);
    assert_eq!(next.seen[0].header("x-tc-timestamp"), UNIX.to_string());
}
