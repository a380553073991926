//! Guards the interpreter's finalization: once it begins, no other thread enters the interpreter.
//!
//! Until Python 3.14, a thread that waits for an interpreter that is finalizing is killed in the middle of whatever it
//! does. Rust answers that with an abort, so a program that has done all its work would seem to have crashed. So each
//! thread attaches through here, and the first thing finalization does is to let nobody in any more.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::{fork, greenlets};

static HAS_BEGUN: AtomicBool = AtomicBool::new(false);
/// How many threads are attached, or about to be.
static ATTACHED: AtomicUsize = AtomicUsize::new(0);
/// The thread that finalizes the interpreter, which alone may attach and detach until the very end.
static FINALIZER: OnceLock<ThreadId> = OnceLock::new();

/// How long finalization waits for attached threads: one may be in a handler that never returns.
const GIVE_UP_AFTER: Duration = Duration::from_secs(1);

/// Counts a thread as attached; it remembers in which process that began.
struct Attachment {
    forks: u32,
}

impl Attachment {
    /// Lets a thread in, unless finalization has begun.
    fn begin() -> Option<Self> {
        ATTACHED.fetch_add(1, Ordering::SeqCst);
        let attachment = Self { forks: fork::forks() };
        let may_attach =
            !HAS_BEGUN.load(Ordering::SeqCst) || FINALIZER.get() == Some(&thread::current().id());
        may_attach.then_some(attachment)
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // A child that was forked while this thread was attached has never counted it.
        if self.forks == fork::forks() {
            ATTACHED.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Runs `work` attached to the interpreter, from a thread that is not; not at all once finalization has begun.
pub(crate) fn attach<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    let _attachment = Attachment::begin()?;
    Python::try_attach(|py| greenlets::call_back(py, work))
}

/// Runs `work` detached from the interpreter, from a thread that is attached. A thread that comes back once
/// finalization has begun is parked for what is left of the process.
pub(crate) fn detach<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    greenlets::check(py)?;
    let (out, attachment) = py.detach(|| {
        let out = work();
        loop {
            if let Some(attachment) = Attachment::begin() {
                return (out, attachment);
            }
            thread::park();
        }
    });
    drop(attachment);
    Ok(out)
}

/// Forgets who was attached when this process was forked: only the forking thread is here.
pub(crate) fn forked() {
    ATTACHED.store(0, Ordering::SeqCst);
}

/// Called by Python when the program is over, before the interpreter is finalized.
#[pyfunction]
pub(crate) fn begin_finalization(py: Python<'_>) {
    // An interpreter is finalized once, by the first thread to come here.
    let _ = FINALIZER.set(thread::current().id());
    HAS_BEGUN.store(true, Ordering::SeqCst);
    py.detach(|| {
        let give_up = Instant::now() + GIVE_UP_AFTER;
        while ATTACHED.load(Ordering::SeqCst) > 0 && Instant::now() < give_up {
            thread::sleep(Duration::from_millis(1));
        }
    });
}
