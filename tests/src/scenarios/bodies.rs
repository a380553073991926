//! What arrives is not always an answer.

use cvm_proto::ErrorKind;
use cvm_proto::api::{DescribeImages, SyncImages};

use crate::server::{Act, EMPTY, Server, response};
use crate::{Shell, settings};

fn sync() -> SyncImages {
    SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"])
}

/// Sends `SyncImages` to a server that always does this; gives the error as text, after checking what all have in
/// common: it came from one request, and says that nobody knows what became of it.
fn refused<S: Shell>(act: impl Fn() -> Act + Send + Sync + 'static) -> String {
    let server = Server::start(move |_, _| act());
    let error = S::from_settings(settings(&server.endpoint())).unwrap().send(sync()).unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
    assert_eq!((server.received().len(), error.attempts()), (1, 1), "{error:?}");
    error.to_string()
}

/// A page in place of an answer, with status 200.
pub fn html_is_not_an_answer<S: Shell>() {
    let text = refused::<S>(|| Act::ok("<html><body>please log in</body></html>"));
    assert!(text.starts_with("SyncImages in ap-shanghai: ") && text.contains("not JSON"), "{text}");
}

/// JSON without its end, in a body whose length is right.
pub fn cut_off_json_is_not_an_answer<S: Shell>() {
    let text = refused::<S>(|| Act::ok(r#"{"Response":{"RequestId":"r-1","ImageSet":[{"Ima"#));
    assert!(text.contains("HTTP 200") && text.contains("r-1"), "status and request id are kept: {text}");
}

/// Nothing at all.
pub fn empty_body_is_not_an_answer<S: Shell>() {
    let text = refused::<S>(|| Act::ok(""));
    assert!(text.contains("empty"), "{text}");
}

/// A connection that closes in the middle of the body.
pub fn broken_body_is_interrupted<S: Shell>() {
    let server =
        Server::start(|_, _| Act::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Resp".to_vec()));
    let error = S::from_settings(settings(&server.endpoint())).unwrap().send(sync()).unwrap_err();
    assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Network, true), "{error:?}");
    assert_eq!(server.received().len(), 1);
}

/// `null` for a list, members that nobody knows, and a number that does not fit in 53 bits.
pub fn null_and_unknown_members_are_fine<S: Shell>() {
    let server = Server::start(|_, _| {
        Act::ok(
            r#"{"Response":{"ImageSet":null,"TotalCount":9007199254740993,"New":{"a":[1]},"RequestId":"r-2"},"Also":1}"#,
        )
    });
    let answer =
        S::from_settings(settings(&server.endpoint())).unwrap().send(DescribeImages::default()).unwrap();
    assert_eq!(answer.image_set, []);
    assert_eq!(answer.total_count, 9_007_199_254_740_993);
    assert_eq!(answer.request_id, "r-2");
}

/// The service's error counts, whatever the status; the status is kept beside it.
pub fn other_status_keeps_status_and_error<S: Shell>() {
    let body = crate::server::refusal("InvalidImageId.NotFound");
    let server = Server::start(move |_, _| Act::Answer(response(404, "content-type: text/plain\r\n", &body)));
    let error = S::from_settings(settings(&server.endpoint())).unwrap().send(sync()).unwrap_err();
    assert_eq!((error.status(), error.request_id()), (Some(404), Some("r-refused")));
    assert!(error.is_not_found(), "{error:?}");
}

/// A signed request goes to nobody but the endpoint.
pub fn redirect_is_not_followed<S: Shell>() {
    let other = Server::start(|_, _| Act::ok(EMPTY));
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}/\r\n", other.endpoint());
        let server = Server::start(move |_, _| Act::Answer(response(status, &location, "")));
        let error = S::from_settings(settings(&server.endpoint())).unwrap().send(sync()).unwrap_err();
        assert_eq!(error.status(), Some(status), "{error:?}");
    }
    assert_eq!(other.connections(), 0);
}

/// A length above the limit is enough to refuse: nothing of the body is waited for.
pub fn announced_giant_is_not_read<S: Shell>() {
    let server = Server::start(|_, _| {
        Act::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n{".to_vec())
    });
    check_too_large::<S>(&server);
}

/// A body of unknown length is read up to the limit.
pub fn endless_body_is_not_read<S: Shell>() {
    let chunk = [b"1000\r\n".as_slice(), &[b' '; 0x1000], b"\r\n"].concat();
    let server = Server::start(move |_, _| {
        Act::Endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(), chunk.clone())
    });
    check_too_large::<S>(&server);
}

fn check_too_large<S: Shell>(server: &Server) {
    let mut settings = settings(&server.endpoint());
    settings.max_response_bytes = 100_000;
    let error = S::from_settings(settings).unwrap().send(DescribeImages::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Response, "{error:?}");
    assert!(error.to_string().contains("larger than 100000 bytes"), "{error}");
    assert_eq!(server.received().len(), 1, "it would not be smaller the next time");
}

/// The limit itself is allowed.
pub fn answer_of_the_largest_size_is_read<S: Shell>() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let with_limit = |limit| {
        let mut settings = settings(&server.endpoint());
        settings.max_response_bytes = limit;
        S::from_settings(settings).unwrap().send(DescribeImages::default())
    };
    assert_eq!(with_limit(EMPTY.len()).unwrap().request_id, "r-fine");
    assert_eq!(with_limit(EMPTY.len() - 1).unwrap_err().kind(), ErrorKind::Response);
}

/// A body in chunks is the same body.
pub fn chunks_are_joined<S: Shell>() {
    let server = Server::start(|_, _| {
        let (first, second) = EMPTY.split_at(20);
        let chunks =
            format!("{:x}\r\n{first}\r\n{:X};x=y\r\n{second}\r\n0\r\n\r\n", first.len(), second.len());
        Act::Answer(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}").into_bytes())
    });
    let answer =
        S::from_settings(settings(&server.endpoint())).unwrap().send(DescribeImages::default()).unwrap();
    assert_eq!(answer.request_id, "r-fine");
}
