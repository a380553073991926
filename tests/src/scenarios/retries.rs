//! What is sent again, and what is not.

use std::time::{Duration, UNIX_EPOCH};

use cvm_proto::ErrorKind;
use cvm_proto::api::{DescribeImages, SyncImages};

use crate::server::{Act, EMPTY, Received, Server, refusal, response};
use crate::{Shell, settings};

fn sync() -> SyncImages {
    SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"])
}

fn client<S: Shell>(server: &Server) -> S {
    S::from_settings(settings(&server.endpoint())).unwrap()
}

/// A refusal for going too fast changes nothing, so even `SyncImages` is sent again.
pub fn throttled_then_fine<S: Shell>() {
    let server = Server::start(|number, _| match number {
        0 => Act::refuse("RequestLimitExceeded"),
        1 => Act::refuse("RequestLimitExceeded.UinLimitExceeded"),
        _ => Act::ok(EMPTY),
    });
    let answer = client::<S>(&server).send(sync()).unwrap();
    assert_eq!(answer.request_id, "r-fine");
    assert_eq!(server.received().len(), 3);
}

/// A gateway's pages, then the answer.
pub fn server_errors_then_fine<S: Shell>() {
    let server = Server::start(|number, _| match number {
        0 => Act::status(500),
        1 => Act::status(503),
        _ => Act::ok(EMPTY),
    });
    assert_eq!(client::<S>(&server).send(DescribeImages::default()).unwrap().request_id, "r-fine");
    assert_eq!(server.received().len(), 3);

    let down = Server::start(|_, _| Act::status(500));
    let error = client::<S>(&down).send(DescribeImages::default()).unwrap_err();
    assert_eq!((error.status(), error.attempts()), (Some(500), 3), "{error:?}");
    assert_eq!(down.received().len(), 3, "three attempts and no more");
}

/// Behind a gateway's error, the copy may have been accepted.
pub fn unclear_failure_is_not_repeated<S: Shell>() {
    let server = Server::start(|_, _| Act::status(502));
    let error = client::<S>(&server).send(sync()).unwrap_err();
    assert!(error.outcome_unknown() && error.status() == Some(502), "{error:?}");
    assert_eq!(server.received().len(), 1);
}

/// The request arrived whole, and then the connection closed without an answer.
pub fn lost_answer_is_repeated_only_if_safe<S: Shell>() {
    let lose_first = |number, _: &Received| if number == 0 { Act::Close(Vec::new()) } else { Act::ok(EMPTY) };
    let server = Server::start(lose_first);
    let error = client::<S>(&server).send(sync()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error:?}");
    assert!(error.outcome_unknown(), "{error:?}");
    assert_eq!(server.received().len(), 1, "a copy must not be started twice");

    let server = Server::start(lose_first);
    client::<S>(&server).send(DescribeImages::default()).unwrap();
    assert_eq!(server.received().len(), 2, "looking twice does no harm");

    let server = Server::start(lose_first);
    client::<S>(&server).send(sync().dry_run(true)).unwrap();
    assert_eq!(server.received().len(), 2, "neither does asking twice whether it would work");
}

/// No answer in time.
pub fn slow_answer_ends_with_its_attempt<S: Shell>() {
    check_slow::<S>(b"");
}

/// The time is for the whole body, not for its first byte.
pub fn slow_body_ends_with_its_attempt<S: Shell>() {
    check_slow::<S>(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Resp");
}

/// Which limits there are and when they are over is the core's, and tested in virtual time. What a shell owes is that it gives
/// an exchange up, whole, when the core's limit for it is over.
fn check_slow<S: Shell>(first: &'static [u8]) {
    let server = Server::start(|_, _| Act::Stall(first.to_vec()));
    let mut settings = settings(&server.endpoint());
    settings.attempt_timeout = Duration::from_millis(300);
    settings.retry = settings.retry.attempts(2);
    let client = S::from_settings(settings).unwrap();

    let error = client.send(DescribeImages::default()).unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(error.attempts(), 2, "{error:?}");
    server.wait_for_closed(2);

    let error = client.send(sync()).unwrap_err();
    assert!(error.is_timeout() && error.outcome_unknown(), "{error:?}");
    assert_eq!(error.attempts(), 1, "{error:?}");
    server.wait_for_closed(3);
}

/// The endpoint's clock is an hour ahead. It says so once; after that its time is used.
pub fn clock_is_corrected_once<S: Shell>() {
    let server = Server::start(|number, request| {
        if number == 0 {
            // Its clock, in the same second as the request's and one hour later.
            let date = format!("date: {}\r\n", http_date(timestamp(request) + 3600));
            return Act::Answer(response(200, &date, &refusal("AuthFailure.SignatureExpire")));
        }
        Act::ok(EMPTY)
    });
    let client = client::<S>(&server);
    client.send(sync()).unwrap();
    client.send(DescribeImages::default()).unwrap();
    let received = server.received();
    assert_ne!(received[0].header("authorization"), received[1].header("authorization"), "signed anew");
    let sent: Vec<u64> = received.iter().map(timestamp).collect();
    assert_eq!(sent.len(), 3, "one correction, and not one for each call");
    assert!(sent[1] - sent[0] >= 3600 && sent[1] - sent[0] < 3660, "{sent:?}");
    assert!(sent[2] >= sent[1], "{sent:?}");

    let stubborn = Server::start(|_, request| {
        let date = format!("date: {}\r\n", http_date(timestamp(request) + 3600));
        Act::Answer(response(200, &date, &refusal("AuthFailure.SignatureExpire")))
    });
    let error = S::from_settings(settings(&stubborn.endpoint())).unwrap().send(sync()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential, "{error:?}");
    assert_eq!(stubborn.received().len(), 2, "corrected once, then given up");
}

fn timestamp(request: &Received) -> u64 {
    request.header("x-tc-timestamp").unwrap().parse().unwrap()
}

fn http_date(unix: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix))
}
