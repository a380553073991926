//! One HTTP exchange: reads a request within bounds, has it served, and writes the answer.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cvm_proto::sign::verify;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_TYPE, DATE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;

use crate::call;
use crate::refusal::Refusal;
use crate::service::{Answer, Served, Service};

/// The largest query of a GET request, in bytes.
const MAX_QUERY: usize = 32 << 10;
/// The largest form.
const MAX_FORM: usize = 1 << 20;
/// The largest body of any other kind.
const MAX_BODY: usize = 10 << 20;

/// Bodies up to this size are read without asking for a share of the memory that large ones have together.
const SMALL_BODY: usize = 64 << 10;
/// What large bodies may take together, in KiB.
const LARGE_BODIES_KIB: usize = 64 << 10;

/// The HTTP side of a service.
#[derive(Debug)]
pub(crate) struct Front {
    service: Arc<Service>,
    body_timeout: Duration,
    large_bodies: Semaphore,
}

/// Why a connection is closed without an answer.
#[derive(Debug)]
pub(crate) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is closed without an answer")
    }
}

impl std::error::Error for Closed {}

impl From<Infallible> for Closed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Why a body is not there.
enum NoBody {
    TooLarge(usize),
    Broken,
}

impl Front {
    pub(crate) fn new(service: Arc<Service>, body_timeout: Duration) -> Self {
        Self { service, body_timeout, large_bodies: Semaphore::new(LARGE_BODIES_KIB) }
    }

    /// Answers a request, or closes the connection.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Closed> {
        let (head, body) = request.into_parts();
        let served = match refusal_of(&head) {
            Some((status, refusal)) => self.service.refuse(status, refusal),
            None => match tokio::time::timeout(self.body_timeout, self.read(&head, body)).await {
                Ok(Ok(body)) => self.serve(&head, &body),
                Ok(Err(NoBody::TooLarge(limit))) => self.service.refuse(200, too_large(limit)),
                Ok(Err(NoBody::Broken)) | Err(_) => return Err(Closed),
            },
        };
        if !served.latency.is_zero() {
            tokio::time::sleep(served.latency).await;
        }
        Ok(self.response(served.answer.ok_or(Closed)?))
    }

    async fn read(&self, head: &Parts, mut body: Incoming) -> Result<Bytes, NoBody> {
        let limit = body_limit(head);
        let expected = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
        if expected.is_some_and(|bytes| bytes > limit) {
            return Err(NoBody::TooLarge(limit));
        }
        let share = expected.unwrap_or(limit);
        let _share = if share > SMALL_BODY {
            let kib = u32::try_from(share.div_ceil(1024)).unwrap_or(u32::MAX);
            Some(self.large_bodies.acquire_many(kib).await.map_err(|_| NoBody::Broken)?)
        } else {
            None
        };
        let mut first = Bytes::new();
        let mut rest = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| NoBody::Broken)?.into_data() else { continue };
            if first.len() + rest.len() + data.len() > limit {
                return Err(NoBody::TooLarge(limit));
            }
            if first.is_empty() {
                first = data;
            } else {
                rest.extend_from_slice(&data);
            }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let mut whole = BytesMut::with_capacity(first.len() + rest.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&rest);
        Ok(whole.freeze())
    }

    fn serve(&self, head: &Parts, body: &[u8]) -> Served {
        // A value that is no text cannot have been signed: without it the signature does not match.
        let headers: Vec<_> = head
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?)))
            .collect();
        self.service.serve(&verify::Incoming {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &headers,
            body,
        })
    }

    fn response(&self, answer: Answer) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(answer.body)));
        *response.status_mut() =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = match answer.content_type {
            std::borrow::Cow::Borrowed(text) => Ok(HeaderValue::from_static(text)),
            std::borrow::Cow::Owned(text) => HeaderValue::try_from(text),
        };
        if let Ok(content_type) = content_type {
            response.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        if let Some(date) =
            self.service.ticker.skewed_date().and_then(|date| HeaderValue::try_from(date).ok())
        {
            response.headers_mut().insert(DATE, date);
        }
        response
    }
}

/// Refuses what is no request of the API before its body is read.
fn refusal_of(head: &Parts) -> Option<(u16, Refusal)> {
    if head.method != Method::GET && head.method != Method::POST {
        return Some((200, Refusal::new("UnsupportedProtocol", "The API takes GET and POST only.")));
    }
    if head.uri.path() != "/" {
        return Some((
            404,
            Refusal::new("ResourceNotFound", "There is nothing at this path: the API is at `/`."),
        ));
    }
    if head.method == Method::GET && head.uri.query().is_some_and(|query| query.len() > MAX_QUERY) {
        return Some((200, too_large(MAX_QUERY)));
    }
    None
}

fn too_large(limit: usize) -> Refusal {
    Refusal::new(
        "RequestSizeLimitExceeded",
        format!("The request is larger than the {} KiB that its kind may have.", limit >> 10),
    )
}

fn body_limit(head: &Parts) -> usize {
    let content_type =
        head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if call::essence(content_type).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        MAX_FORM
    } else {
        MAX_BODY
    }
}
