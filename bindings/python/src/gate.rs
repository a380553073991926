//! Keeps threads out of an interpreter that ends.
//!
//! Until 3.14 CPython ends a thread that asks for an ending interpreter with `pthread_exit`, which unwinds through frames
//! of Rust, and so aborts the process. The thread for I/O, and a daemon thread that comes back from waiting, therefore
//! pass through here; the interpreter shuts the gate as one of its last acts with everything still alive.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// How many are in the gate, and in the highest bit whether it is shut.
static GATE: AtomicUsize = AtomicUsize::new(0);
const SHUT: usize = 1 << (usize::BITS - 1);

/// The thread that has shut the gate: the interpreter is its own until the end.
static KEEPER: OnceLock<ThreadId> = OnceLock::new();

/// Held while a thread asks for the interpreter.
pub(crate) struct Pass(());

impl Drop for Pass {
    fn drop(&mut self) {
        GATE.fetch_sub(1, Ordering::Release);
    }
}

/// Lets a thread ask for the interpreter; not once the gate is shut.
fn enter() -> Option<Pass> {
    let before = GATE.fetch_add(1, Ordering::AcqRel);
    let pass = Pass(());
    (before & SHUT == 0).then_some(pass)
}

/// Does something in the interpreter, if there is one still.
pub(crate) fn attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let is_keeper = || KEEPER.get() == Some(&thread::current().id());
    let pass = enter();
    if pass.is_none() && !is_keeper() {
        return None;
    }
    Python::try_attach(work)
}

/// Does something without the interpreter. Where that has ended meanwhile, this does not return: only a daemon thread
/// can get there, and it ends with the process.
pub(crate) fn detach<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    let (done, pass) = py.detach(|| {
        let done = work();
        loop {
            let pass = enter();
            if pass.is_some() || KEEPER.get() == Some(&thread::current().id()) {
                return (done, pass);
            }
            thread::park();
        }
    });
    drop(pass);
    done
}

/// Shuts the gate: called when the interpreter begins to end.
#[pyfunction]
pub(crate) fn shut(py: Python<'_>) {
    // It is shut once only.
    let _ = KEEPER.set(thread::current().id());
    GATE.fetch_or(SHUT, Ordering::AcqRel);
    let patience = Instant::now() + Duration::from_secs(1);
    py.detach(|| {
        while GATE.load(Ordering::Acquire) != SHUT && Instant::now() < patience {
            thread::sleep(Duration::from_millis(1));
        }
    });
}

/// Opens the gate of a forked process, where nobody is in it.
#[pyfunction]
pub(crate) fn reopen() {
    GATE.store(0, Ordering::Release);
}
