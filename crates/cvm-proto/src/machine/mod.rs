//! The one contract between the core and the shells around it.
//!
//! A [`Machine`] is a job that needs the network: a single action ([`Call`](crate::Call)), or a whole image copy
//! ([`ImageSync`](crate::ImageSync)). It does nothing by itself. Whoever drives it asks what to do next with
//! [`poll`](Machine::poll), does it, and hands back what came of it with [`reply`](Machine::reply):
//!
//! ```text
//!            poll ──▶ Step::Send(request) ──▶ perform one HTTP exchange ──▶ reply ──┐
//!   start ──▶ poll ──▶ Step::WaitUntil(t) ──▶ sleep until `t` ──────────────────────┤
//!            poll ──▶ Step::Progress(p) ──▶ show it ────────────────────────────────┤
//!      ▲                                                                            │
//!      └────────────────────────────────────────────────────────────────────────────┘
//!            poll ──▶ Step::Done(output)
//! ```
//!
//! [`drive`] and [`drive_async`] are this loop, for whoever brings a clock and an exchange. `poll` with nothing new repeats
//! the pending step, so a driver that lost its place only has to ask again. Time is always a parameter; no machine reads a clock,
//! sleeps, or opens a socket.

mod drive;

use core::time::Duration;

pub use self::drive::{AsyncClock, Clock, drive, drive_async};
pub use crate::client::Job;
pub use crate::error::{Failure, FailureKind, Sent};
pub use crate::wire::{Cause, CertificateFlaw, Fault};
use crate::wire::{Request, Response};

/// A job that needs the network, as a state machine that does no I/O.
///
/// ```text
///            poll ──▶ Step::Send ──▶ perform one HTTP exchange ──▶ reply ──┐
///      ▲                                                                   │
///      ├──── poll ──▶ Step::WaitUntil, or Step::Progress ◀─────────────────┤
///      └────────────────────────────────────────────────────── poll again ─┘
///            poll ──▶ Step::Done
/// ```
///
/// [`drive`] and [`drive_async`] are this loop. A machine owns its whole job: a driver repeats nothing, waits for nothing of
/// its own and judges no answer. Dropping a machine ends its job; what is under way at the service stays under way.
pub trait Machine {
    /// What the job ends with.
    type Output;
    /// What the job reports on its way; [`core::convert::Infallible`] if it reports nothing.
    type Progress;

    /// What it does, for logs: an action, or a job.
    // Others have a name that they hold.
    #[allow(clippy::unnecessary_literal_bound)]
    fn name(&self) -> &str {
        "machine"
    }

    /// Says what to do next.
    ///
    /// Asking again with nothing new repeats the pending step. [`Step::Done`] comes once.
    ///
    /// # Panics
    ///
    /// If called again after [`Step::Done`]: the output has been given away.
    fn poll(&mut self, now: Now) -> Step<Self::Output, Self::Progress>;

    /// Hands back what came of the last [`Step::Send`].
    ///
    /// A reply that no request is waiting for is ignored.
    fn reply(&mut self, now: Now, reply: Reply);
}

/// What a driver has to do next.
#[must_use]
#[derive(Debug)]
pub enum Step<T, P = core::convert::Infallible> {
    /// Perform this HTTP exchange, then call [`Machine::reply`].
    Send(Request),
    /// Do nothing before the monotonic clock ([`Now::mono`]) reads this, then poll again.
    WaitUntil(Duration),
    /// Something happened that a user may want to see; poll again.
    Progress(P),
    /// The job has ended.
    Done(T),
}

/// The time, as the driver's clocks read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Seconds since 1970-01-01T00:00:00Z; goes into requests and signatures.
    pub unix: u64,
    /// A clock that never goes back, from any origin; all waiting and every deadline is measured on it.
    pub mono: Duration,
}

impl Now {
    /// A point in time from its two readings.
    pub const fn new(unix: u64, mono: Duration) -> Self {
        Self { unix, mono }
    }
}

/// What came of an HTTP exchange.
#[derive(Debug)]
pub enum Reply {
    /// An HTTP response arrived whole, whatever its status.
    Response(Response),
    /// No whole response arrived: [`Request::failure`] says why.
    Failed(Failure),
}

impl From<Result<Response, Failure>> for Reply {
    fn from(outcome: Result<Response, Failure>) -> Self {
        outcome.map_or_else(Self::Failed, Self::Response)
    }
}
