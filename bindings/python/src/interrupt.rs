//! Ctrl-C, and whatever else Python's signal handlers raise, while a thread waits without the interpreter.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::finalization;
use crate::fork::Process;

/// How often Python's signals are polled while a thread waits.
const POLL_EVERY: Duration = Duration::from_millis(50);

thread_local! {
    /// What a handler raised in this thread, until the driver has come back to take it.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Runs the handlers of signals that have arrived. `true` if one raised; what it raised is kept for [`take`].
/// Python runs handlers in its main thread only, so in others this finds nothing.
pub(crate) fn poll() -> bool {
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method has the lifetime of one interpreter alone"
    )]
    run(|py| py.check_signals())
}

/// Runs what a program has to be told while a thread waits. `true` if it raised; that is kept for [`take`], and ends the wait.
///
/// What comes back in a process that it has forked raises there: the wait and its connection are the parent's.
pub(crate) fn run(work: impl FnOnce(Python<'_>) -> PyResult<()>) -> bool {
    let process = Process::this();
    let forked = || {
        PyRuntimeError::new_err("this call was begun in the process that this one was forked from: call anew")
    };
    let raised = finalization::attach(|py| {
        let raised = work(py).err();
        raised.or_else(|| (!process.is_this()).then(forked))
    });
    let raised = raised.flatten();
    let is_raised = raised.is_some();
    if is_raised {
        RAISED.set(raised);
    }
    is_raised
}

/// What a handler raised, or what else was [run](run).
fn take() -> Option<PyErr> {
    RAISED.take()
}

/// Raises what a hook raised at the very end, when nothing waited any more.
pub(crate) fn raise() -> PyResult<()> {
    take().map_or(Ok(()), Err)
}

/// When signals were last polled: a job of many short exchanges never waits long, and has to be interruptible as well.
pub(crate) struct SignalPoll(Cell<Instant>);

impl SignalPoll {
    pub(crate) fn new() -> Self {
        Self(Cell::new(Instant::now()))
    }

    /// Polls, if the last time is long enough ago.
    pub(crate) fn poll(&self) -> Result<(), PyErr> {
        if self.0.get().elapsed() >= POLL_EVERY {
            poll();
            self.0.set(Instant::now());
        }
        // A poll within an exchange may have found something, too.
        raise()
    }

    /// Sleeps, and polls meanwhile.
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), PyErr> {
        let end = Instant::now() + time;
        loop {
            self.poll()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(POLL_EVERY));
        }
    }
}
