//! What interrupts an exchange: its request's cancel; and whether the request had left by then.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use cvm_proto::machine::{Failure, FailureKind, Sent};
use cvm_proto::{Cancel, Request};
use cvm_shell::CANCELLED;
use http_body::{Body, Frame, SizeHint};

/// How often the cancel is polled.
const POLL_EVERY: Duration = Duration::from_millis(50);

/// Whether a part of a request may have left.
#[derive(Clone, Default)]
pub(crate) struct Departure(Arc<AtomicBool>);

impl Departure {
    /// A request without a body does not tell when it leaves: any time from now on.
    pub(crate) fn may_leave(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// A body that tells when it leaves.
    pub(crate) fn watch(&self, body: Vec<u8>) -> reqwest::Body {
        reqwest::Body::wrap(Watched { left: Some(body.into()), departure: self.clone() })
    }

    /// Whether the service may have received the request.
    pub(crate) fn sent(&self) -> Sent {
        if self.0.load(Ordering::Acquire) { Sent::Maybe } else { Sent::No }
    }
}

/// The cancel of one request that is on its way.
pub(crate) struct Interrupt {
    cancel: Cancel,
    grace: Duration,
}

impl Interrupt {
    /// That of a request, if it has one.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let (cancel, grace) = request.cancel()?;
        Some(Self { cancel: cancel.clone(), grace })
    }

    /// Ends once the answer is not worth waiting for any more.
    pub(crate) async fn due(&self) {
        while !self.cancel.is_cancelled() {
            tokio::time::sleep(POLL_EVERY).await;
        }
        if !self.grace.is_zero() {
            tokio::time::sleep(self.grace).await;
        }
    }
}

/// What has come of an exchange that was interrupted.
pub(crate) fn interrupted(departure: &Departure) -> Failure {
    let failure = Failure::maybe_sent(FailureKind::Cancelled, CANCELLED);
    Failure { sent: departure.sent(), ..failure }
}

/// A body of one piece. It is taken once there is a connection, and before anything is written to it.
struct Watched {
    left: Option<Bytes>,
    departure: Departure,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.departure.may_leave();
        Poll::Ready(self.left.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.as_ref().map_or(0, Bytes::len) as u64)
    }
}
