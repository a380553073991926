//! The way into the interpreter, which is closed before it ends.
//!
//! A thread that waits for an interpreter which ends is taken away by it (until Python 3.14), in the middle of whatever
//! it does. Rust answers that with an abort: a program that has done all its work would seem to have crashed. So each
//! thread goes in through here, and the first thing that happens at the end is that nobody is let in any more.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::fork;

static CLOSED: AtomicBool = AtomicBool::new(false);
/// How many threads are on their way in, or inside.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The thread that ends the interpreter: it is the one that may go in and out until the very end.
static LAST: OnceLock<ThreadId> = OnceLock::new();

/// How long the interpreter's end waits for those inside, of whom one may be in a handler that never returns.
const PATIENCE: Duration = Duration::from_secs(1);

/// A thread that is on its way in, or inside; it remembers in which process it began.
struct Visit {
    forks: u32,
}

impl Visit {
    /// Lets a thread in, unless the gate is closed.
    fn begin() -> Option<Self> {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        let visit = Self { forks: fork::forks() };
        let is_welcome = !CLOSED.load(Ordering::SeqCst) || LAST.get() == Some(&thread::current().id());
        is_welcome.then_some(visit)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        // What was forked from inside was never counted in the child.
        if self.forks == fork::forks() {
            INSIDE.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Runs `work` with the interpreter, from a thread that does not have it; not at all if the interpreter ends.
pub(crate) fn attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _visit = Visit::begin()?;
    Python::try_attach(work)
}

/// Runs `work` without the interpreter, from a thread that has it. A thread that comes back after the end stays outside
/// for what is left of the process.
pub(crate) fn detach<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    let (out, visit) = py.detach(|| {
        let out = work();
        loop {
            if let Some(visit) = Visit::begin() {
                return (out, visit);
            }
            thread::park();
        }
    });
    drop(visit);
    out
}

/// Forgets who was inside when this process was forked: only the forking thread has come along.
pub(crate) fn forked() {
    INSIDE.store(0, Ordering::SeqCst);
}

/// Closes the gate: called by Python when the program is over, before the interpreter is.
#[pyfunction]
pub(crate) fn close_gate(py: Python<'_>) {
    // The first one to come stays the last: there is one end of an interpreter.
    let _ = LAST.set(thread::current().id());
    CLOSED.store(true, Ordering::SeqCst);
    py.detach(|| {
        let give_up = Instant::now() + PATIENCE;
        while INSIDE.load(Ordering::SeqCst) > 0 && Instant::now() < give_up {
            thread::sleep(Duration::from_millis(1));
        }
    });
}
