//! What interrupts an exchange: the cancel of its request, or whoever made the client interruptible.
//!
//! ureq performs an exchange in the thread that asks for it, and has nowhere to put what belongs to one exchange. So what
//! may interrupt it is set for its thread, where the transport polls it: all exchanges share one pool of connections.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::{Cancel, Request};
use cvm_shell::CANCELLED;
use ureq::Error;

/// How often an exchange polls whether it is interrupted.
pub(crate) const POLL_EVERY: Duration = Duration::from_millis(50);

thread_local! {
    static CURRENT: RefCell<Option<Rc<Interrupt>>> = const { RefCell::new(None) };
}

/// Says whether to interrupt the exchange that this thread waits for.
#[derive(Clone)]
pub(crate) struct InterruptCheck(pub(crate) Arc<dyn Fn() -> bool + Send + Sync>);

impl fmt::Debug for InterruptCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InterruptCheck")
    }
}

/// What may interrupt one exchange.
pub(crate) struct Interrupt {
    check: Option<InterruptCheck>,
    cancel: Option<(Cancel, Duration)>,
    /// When it last polled.
    polled: Cell<Instant>,
    /// When the cancel was first seen.
    cancelled: Cell<Option<Instant>>,
    /// Why it was interrupted.
    reason: Cell<Option<&'static str>>,
}

impl Interrupt {
    /// That of a request, if there is any.
    pub(crate) fn of(request: &Request, check: Option<&InterruptCheck>) -> Option<Rc<Self>> {
        let cancel = request.cancel().map(|(cancel, grace)| (cancel.clone(), grace));
        (check.is_some() || cancel.is_some()).then(|| {
            let check = check.cloned();
            let polled = Cell::new(Instant::now());
            Rc::new(Self { check, cancel, polled, cancelled: Cell::default(), reason: Cell::default() })
        })
    }

    /// That of the exchange that this thread performs.
    pub(crate) fn current() -> Option<Rc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Performs an exchange that can be interrupted.
    pub(crate) fn during<T>(self: &Rc<Self>, exchange: impl FnOnce() -> T) -> T {
        // Who is asked may perform an exchange of its own meanwhile, such as the handler of a signal.
        struct Restore(Option<Rc<Interrupt>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _restore = Restore(CURRENT.replace(Some(Rc::clone(self))));
        exchange()
    }

    /// Fails once the exchange is interrupted.
    pub(crate) fn poll(&self) -> Result<(), Error> {
        self.polled.set(Instant::now());
        let reason = self.reason.get().or_else(|| self.is_due());
        self.reason.set(reason);
        // Not `ErrorKind::Interrupted`: that one stands for "try again" everywhere.
        reason.map_or(Ok(()), |reason| Err(Error::Io(io::Error::other(reason))))
    }

    /// The same, if the last poll is long enough ago: for exchanges that move, but never for long.
    pub(crate) fn poll_at_times(&self) -> Result<(), Error> {
        if self.polled.get().elapsed() < POLL_EVERY { Ok(()) } else { self.poll() }
    }

    fn is_due(&self) -> Option<&'static str> {
        if self.check.as_ref().is_some_and(|check| check.0()) {
            return Some("interrupted by the caller");
        }
        let (_, grace) = self.cancel.as_ref().filter(|(cancel, _)| cancel.is_cancelled())?;
        let since = self.cancelled.get().unwrap_or_else(Instant::now);
        self.cancelled.set(Some(since));
        (since.elapsed() >= *grace).then_some(CANCELLED)
    }

    /// Fails if the cancel leaves no time even to send the request.
    pub(crate) fn check_cancel(&self) -> Result<(), Failure> {
        match &self.cancel {
            Some((cancel, grace)) if grace.is_zero() && cancel.is_cancelled() => {
                Err(Failure::not_sent(FailureKind::Cancelled, "not sent, as the job was cancelled"))
            }
            _ => Ok(()),
        }
    }

    /// The failure as what it is, if the exchange was interrupted.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match self.reason.get() {
            Some(reason) => Failure { kind: FailureKind::Cancelled, message: reason.into(), ..failure },
            None => failure,
        }
    }
}
