//! What comes over a connection is no answer, or none comes.

use super::{Fault, HTML, INSTEAD_OF_HTTP, Stage, acting, answering};
use crate::raw::Raw;
use crate::server::Act;

pub(super) const ALL: &[Fault] = &[
    Fault { name: "reset_before_an_answer", is_plain: true, begin: reset_before_an_answer },
    Fault { name: "reset_in_the_head", is_plain: true, begin: reset_in_the_head },
    Fault { name: "reset_in_the_body", is_plain: true, begin: reset_in_the_body },
    Fault { name: "truncated_body", is_plain: true, begin: truncated_body },
    Fault { name: "truncated_chunk", is_plain: true, begin: truncated_chunk },
    Fault { name: "chunk_without_a_size", is_plain: true, begin: chunk_without_a_size },
    Fault { name: "no_answer", is_plain: true, begin: no_answer },
    Fault { name: "answer_that_is_too_large", is_plain: true, begin: answer_that_is_too_large },
    Fault { name: "answer_that_takes_too_long", is_plain: true, begin: answer_that_takes_too_long },
    Fault { name: "body_that_takes_too_long", is_plain: true, begin: body_that_takes_too_long },
    Fault { name: "call_that_takes_too_long", is_plain: true, begin: call_that_takes_too_long },
    Fault { name: "redirect", is_plain: true, begin: redirect },
    Fault { name: "too_many_requests", is_plain: true, begin: too_many_requests },
    Fault { name: "unavailable", is_plain: true, begin: unavailable },
    Fault { name: "empty_answer", is_plain: true, begin: empty_answer },
    Fault { name: "another_protocol", is_plain: true, begin: another_protocol },
];

fn reset_before_an_answer() -> Stage {
    let raw = Raw::resets_after(b"");
    let place = raw.address();
    Stage::new(format!("http://{place}"), format!("the connection to {place} ended before an answer"))
        .keeping(raw)
}

fn reset_in_the_head() -> Stage {
    let raw = Raw::resets_after(b"HTTP/1.1 200 OK\r\ncontent-le");
    let place = raw.address();
    Stage::new(format!("http://{place}"), format!("the connection to {place} ended before an answer"))
        .keeping(raw)
}

fn reset_in_the_body() -> Stage {
    let raw = Raw::resets_after(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Resp");
    let place = raw.address();
    let said = format!("the connection to {place} ended before the answer was whole");
    Stage::new(format!("http://{place}"), said).keeping(raw)
}

fn truncated_body() -> Stage {
    acting(
        || Act::Close(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Resp".to_vec()),
        |place| format!("the connection to {place} ended before the answer was whole"),
    )
}

fn truncated_chunk() -> Stage {
    acting(
        || Act::Close(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\n{\"Resp".to_vec()),
        |place| format!("the connection to {place} ended before the answer was whole"),
    )
}

fn chunk_without_a_size() -> Stage {
    acting(
        || Act::Close(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n{\"Resp".to_vec()),
        |place| format!("the connection to {place} ended before the answer was whole"),
    )
}

fn no_answer() -> Stage {
    acting(|| Act::Close(Vec::new()), |place| format!("the connection to {place} ended before an answer"))
}

fn answer_that_is_too_large() -> Stage {
    acting(
        || Act::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 33554433\r\n\r\n{\"Resp".to_vec()),
        |place| {
            format!("the answer of {place} is larger than 33554432 bytes, the limit of max_response_bytes")
        },
    )
    .once()
}

fn answer_that_takes_too_long() -> Stage {
    acting(
        || Act::Stall(Vec::new()),
        |place| format!("no whole answer from {place} within 200ms, the limit of attempt_timeout"),
    )
    .limit("attempt_timeout", 200)
}

fn body_that_takes_too_long() -> Stage {
    acting(
        || Act::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Resp".to_vec()),
        |place| format!("no whole answer from {place} within 200ms, the limit of attempt_timeout"),
    )
    .limit("attempt_timeout", 200)
}

fn call_that_takes_too_long() -> Stage {
    acting(
        || Act::Stall(Vec::new()),
        |place| format!("no whole answer from {place} within 300ms, the limit of call_timeout"),
    )
    .limit("call_timeout", 300)
    .once()
}

fn redirect() -> Stage {
    answering(302, "location: http://portal.example/login?from=here\r\n", HTML, |place| {
        format!(
            "a redirect to `http://portal.example/login` came in place of an answer of {place}: a proxy or a captive portal is in the way, or the endpoint is not the service's"
        )
    })
    .once()
}

fn too_many_requests() -> Stage {
    answering(429, "retry-after: 0\r\n", HTML, |place| {
        format!("too many requests: whoever answers for {place} wants fewer")
    })
}

fn unavailable() -> Stage {
    answering(503, "retry-after: 0\r\n", HTML, |place| {
        format!("the answer is not one of this API: it is not JSON, it begins `{HTML}`; it came from {place}")
    })
}

fn empty_answer() -> Stage {
    answering(200, "", "", |place| {
        format!("the answer is not one of this API: it is empty; it came from {place}")
    })
}

fn another_protocol() -> Stage {
    let raw = Raw::says(b"SSH-2.0-OpenSSH_8.9\r\n");
    let place = raw.address();
    let said = format!("the answer of {place} is not HTTP: if it speaks TLS, {INSTEAD_OF_HTTP}");
    Stage::new(format!("http://{place}"), said).once().keeping(raw)
}
