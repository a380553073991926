//! What a trace shows of each attempt, and for whose sake it was made.
//!
//! A process has one logger, so this has a process of its own.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

use cvm_proto::api::DescribeImages;
use cvm_proto::{Verdict, WaitUntil};
use cvm_scenarios::scenarios::attempts::troubled;
use cvm_scenarios::shell::{ByHand, Reqwest};
use cvm_scenarios::{Shell, settings};
use tracing_subscriber::filter::LevelFilter;

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what each thread logs for itself.
struct OwnThread;

impl Write for OwnThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What this thread logs meanwhile: the lines with this word.
fn logged(word: &str, meanwhile: impl FnOnce()) -> Vec<String> {
    static START: Once = Once::new();
    START.call_once(|| {
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(LevelFilter::DEBUG)
            .with_writer(|| OwnThread)
            .init();
    });
    LOGGED.take();
    meanwhile();
    let text = String::from_utf8(LOGGED.take()).unwrap();
    text.lines().filter(|line| line.contains(word)).map(Into::into).collect()
}

/// Whoever reads the log of a service that works sees that it did not at first.
fn retried_error_is_no_success_in_a_trace<S: Shell>() {
    let server = troubled();
    let client = S::from_settings(settings(&server.endpoint())).unwrap();
    let lines = logged("INFO", || drop(client.send(DescribeImages::default()).unwrap()));
    let [throttled, failed] = lines.as_slice() else { panic!("{lines:#?}") };
    for (line, code, reason, count) in
        [(throttled, "RequestLimitExceeded", "throttled", 0), (failed, "InternalError", "service_error", 1)]
    {
        for part in [
            "cvm_proto::attempt: attempt failed: ",
            "rpc.system.name=\"tencentcloud\"",
            "rpc.method=cvm/DescribeImages",
            "cloud.region=\"ap-shanghai\"",
            "server.address=\"127.0.0.1:",
            "http.response.status_code=200",
            "tencentcloud.request_id=\"r-refused\"",
            "next=\"retry\" pause=",
            &format!("http.request.resend_count={count}"),
            &format!("rpc.response.status_code=\"{code}\""),
            &format!("error.type=\"{code}\""),
            &format!("reason=\"{reason}\""),
        ] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }

    // In full there is no line that says that the first two went well.
    let lines = logged("", || drop(client.send(DescribeImages::default()).unwrap()));
    let of = |word: &str| lines.iter().filter(|line| line.contains(word)).count();
    assert_eq!(
        (of("status_code=200"), of("attempt failed: "), of("attempt succeeded")),
        (3, 2, 1),
        "{lines:#?}"
    );
}

/// A trace shows of each request for whose sake it was sent.
fn spans_name_what_they_are_of<S: Shell>() {
    let server = troubled();
    let client = S::from_settings(settings(&server.endpoint())).unwrap();
    let check = |span: &str, run: &dyn Fn()| {
        let lines = logged("", run);
        let attempts: Vec<_> = lines.iter().filter(|line| line.contains("cvm_proto::attempt")).collect();
        assert_eq!(attempts.len(), 3, "{lines:#?}");
        assert!(attempts.iter().all(|line| line.contains(span)), "{span}: {attempts:#?}");
    };
    check("cvm.call{action=\"DescribeImages\" region=\"ap-shanghai\"}", &|| {
        client.call("DescribeImages", serde_json::Value::Null).unwrap();
    });
    check("cvm.page{action=\"DescribeImages\" region=\"ap-shanghai\"}", &|| {
        assert_eq!(client.pages(DescribeImages::default()).count(), 0);
    });
    check("cvm.job{job=\"DescribeImages\" region=\"ap-shanghai\"}", &|| {
        client.run(WaitUntil::new(DescribeImages::default(), |_| Verdict::Ready), |_| {}).unwrap();
    });
}

#[test]
fn a_retried_error_is_no_success_in_a_trace() {
    retried_error_is_no_success_in_a_trace::<ByHand>();
    retried_error_is_no_success_in_a_trace::<Reqwest>();
    retried_error_is_no_success_in_a_trace::<cvm_ureq::Client>();
}

#[test]
fn spans_name_the_action_or_the_job() {
    spans_name_what_they_are_of::<Reqwest>();
    spans_name_what_they_are_of::<cvm_ureq::Client>();
}
