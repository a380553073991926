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

use crate::admin;
use crate::language::Language;
use crate::metadata;
use crate::request::call;
use crate::request::refusal::Refusal;
use crate::service::{Answer, Delivery, Service};
use crate::state_file::StateWriter;

pub(crate) mod server;
#[cfg(feature = "tls")]
pub(crate) mod tls;

/// The largest query of a GET request, in bytes.
const MAX_QUERY: usize = 32 << 10;
/// The largest form.
const MAX_FORM: usize = 1 << 20;
/// The largest body of any other kind.
const MAX_BODY: usize = 10 << 20;

/// The largest body of the admin path: a snapshot of many thousand images.
const MAX_ADMIN_BODY: usize = 64 << 20;

/// Bodies up to this size are read without asking for a share of the memory that large ones have together.
const SMALL_BODY: usize = 64 << 10;
/// What large bodies may take together, in KiB.
const LARGE_BODIES_KIB: usize = 64 << 10;

/// The HTTP side of a service.
#[derive(Debug)]
pub(crate) struct HttpHandler {
    service: Arc<Service>,
    state_writer: Option<StateWriter>,
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
    TooLarge,
    Broken,
}

impl HttpHandler {
    pub(crate) fn new(
        service: Arc<Service>,
        state_writer: Option<StateWriter>,
        body_timeout: Duration,
    ) -> Self {
        Self { service, state_writer, body_timeout, large_bodies: Semaphore::new(LARGE_BODIES_KIB) }
    }

    /// Answers a request, or closes the connection.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Closed> {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let mut served = if path == "/" {
            self.api(&head, body).await?
        } else if admin::has(path) {
            self.admin(&head, body).await?
        } else if path == "/healthz" {
            plain("text/plain", "ok\n")
        } else if metadata::has(path) && head.method == Method::GET {
            let mut state = self.service.state();
            let answer = metadata::answer(&mut state, path, self.service.running_clock.unix());
            let revision = state.revision();
            drop(state);
            match answer {
                None => self.nothing(&head),
                Some((content_type, body)) => Delivery { revision, ..plain(content_type, body) },
            }
        } else {
            self.nothing(&head)
        };
        if let Some(state_writer) = &self.state_writer
            && let Err(why) = state_writer.written(served.revision).await
        {
            served.answer = Some(self.service.unwritten(&why));
        }
        if !served.latency.is_zero() {
            tokio::time::sleep(served.latency).await;
        }
        // Those who asked at the same time come to their answers first. Answers that go out one right after the other wake
        // a client once, and not each by itself: under load that is a quarter of the throughput.
        tokio::task::yield_now().await;
        Ok(self.response(served.answer.ok_or(Closed)?))
    }

    async fn api(&self, head: &Parts, body: Incoming) -> Result<Delivery, Closed> {
        if let Some(refusal) = refusal_of(head) {
            return Ok(self.service.refuse(200, refusal, language(head)));
        }
        match self.read(body, body_limit(head)).await? {
            Ok(body) => Ok(self.serve(head, &body)),
            Err(limit) => Ok(self.service.refuse(200, too_large(limit), language(head))),
        }
    }

    async fn admin(&self, head: &Parts, body: Incoming) -> Result<Delivery, Closed> {
        let answer = match admin::refusal_of(head) {
            Some(answer) => answer,
            None => match self.read(body, MAX_ADMIN_BODY).await? {
                Ok(body) => admin::answer(&self.service, head, &body).await,
                Err(limit) => admin::too_large(limit),
            },
        };
        Ok(Delivery {
            revision: self.service.state().revision(),
            latency: Duration::ZERO,
            answer: Some(answer),
        })
    }

    fn nothing(&self, head: &Parts) -> Delivery {
        let refusal = Refusal::new("ResourceNotFound", "There is nothing at this path: the API is at `/`.");
        self.service.refuse(404, refusal, language(head))
    }

    /// The body; inside, the limit that it is above. The connection is closed if it breaks off, or does not come in time.
    async fn read(&self, body: Incoming, limit: usize) -> Result<Result<Bytes, usize>, Closed> {
        match tokio::time::timeout(self.body_timeout, self.read_all(body, limit)).await {
            Ok(Ok(body)) => Ok(Ok(body)),
            Ok(Err(NoBody::TooLarge)) => Ok(Err(limit)),
            Ok(Err(NoBody::Broken)) | Err(_) => Err(Closed),
        }
    }

    async fn read_all(&self, mut body: Incoming, limit: usize) -> Result<Bytes, NoBody> {
        let expected = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
        if expected.is_some_and(|bytes| bytes > limit) {
            return Err(NoBody::TooLarge);
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
                return Err(NoBody::TooLarge);
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

    fn serve(&self, head: &Parts, body: &[u8]) -> Delivery {
        // A value that is no text cannot have been signed: without it the signature does not match.
        let mut headers = Vec::with_capacity(head.headers.len());
        headers.extend(
            head.headers.iter().filter_map(|(name, value)| {
                Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?))
            }),
        );
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
        if let Some(content_type) = content_type.ok().filter(|content_type| !content_type.is_empty()) {
            response.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        if let Some(date) =
            self.service.running_clock.skewed_date().and_then(|date| HeaderValue::try_from(date).ok())
        {
            response.headers_mut().insert(DATE, date);
        }
        response
    }
}

fn plain(content_type: &'static str, body: impl Into<Vec<u8>>) -> Delivery {
    let answer = Answer { content_type: content_type.into(), ..Answer::json(body.into()) };
    Delivery { revision: 0, latency: Duration::ZERO, answer: Some(answer) }
}

/// Refuses what is no request of the API before its body is read.
fn refusal_of(head: &Parts) -> Option<Refusal> {
    if head.method != Method::GET && head.method != Method::POST {
        return Some(Refusal::new("UnsupportedProtocol", "The API takes GET and POST only."));
    }
    if head.method == Method::GET && head.uri.query().is_some_and(|query| query.len() > MAX_QUERY) {
        return Some(too_large(MAX_QUERY));
    }
    None
}

/// The language of a refusal that comes before the parameters are read.
fn language(head: &Parts) -> Language {
    let name = head.headers.get("x-tc-language").and_then(|value| value.to_str().ok());
    name.map_or(Language::default(), Language::named)
}

fn too_large(limit: usize) -> Refusal {
    Refusal::new(
        "RequestSizeLimitExceeded",
        format!("The request is larger than the {} KiB that are allowed for its kind.", limit >> 10),
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
