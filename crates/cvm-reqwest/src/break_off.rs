//! What breaks an exchange off: its request's cancel.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::{Cancel, Request};
use http_body::{Body, Frame, SizeHint};

/// How often the cancel is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The cancel of one request that is on its way.
#[derive(Clone)]
pub(crate) struct BreakOff {
    cancel: Cancel,
    grace: Duration,
    /// Whether a part of the request may have left.
    has_left: Arc<AtomicBool>,
}

impl BreakOff {
    /// That of a request, if it has one.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let (cancel, grace) = request.cancel()?;
        Some(Self { cancel: cancel.clone(), grace, has_left: Arc::default() })
    }

    /// Ends once the answer is not worth waiting for any more.
    pub(crate) async fn due(&self) {
        while !self.cancel.is_cancelled() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if !self.grace.is_zero() {
            tokio::time::sleep(self.grace).await;
        }
    }

    /// What has come of the exchange then.
    pub(crate) fn failure(&self) -> Failure {
        let message = "broken off, as the job was cancelled";
        if self.has_left.load(Ordering::Acquire) {
            Failure::maybe_sent(FailureKind::Cancelled, message)
        } else {
            Failure::not_sent(FailureKind::Cancelled, message)
        }
    }

    /// A request without a body does not tell when it leaves: any time from now on.
    pub(crate) fn may_leave(&self) {
        self.has_left.store(true, Ordering::Release);
    }

    /// A body that tells when it leaves.
    pub(crate) fn watch(&self, body: Vec<u8>) -> reqwest::Body {
        reqwest::Body::wrap(Watched { left: Some(body.into()), has_left: Arc::clone(&self.has_left) })
    }
}

/// A body of one piece. It is taken once there is a connection, and before anything is written to it.
struct Watched {
    left: Option<Bytes>,
    has_left: Arc<AtomicBool>,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.has_left.store(true, Ordering::Release);
        Poll::Ready(self.left.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.as_ref().map_or(0, Bytes::len) as u64)
    }
}
