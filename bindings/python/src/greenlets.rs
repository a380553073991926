//! Greenlets, as gevent has them: many callers in one thread, of which one may leave another's call for a while.
//!
//! Whoever waits here has given the interpreter away for the thread, and has to be the first to take it back. A callback of
//! that wait may switch to another greenlet, such as a log handler whose socket gevent has replaced. What that greenlet calls
//! would begin a wait above the first one and could end after it, with the thread's attachment to the interpreter lost.

use std::cell::RefCell;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// A greenlet by its address; zero where there are none.
type Greenlet = usize;

thread_local! {
    /// Whose callbacks run within waits of this thread, the innermost last.
    static CALLED_BACK: RefCell<Vec<Greenlet>> = const { RefCell::new(Vec::new()) };
}

/// The greenlet that runs in this thread. Nobody switches without the module `greenlet`.
fn current(py: Python<'_>) -> PyResult<Greenlet> {
    static MODULES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let modules = MODULES.import(py, "sys", "modules")?;
    match modules.call_method1("get", ("greenlet",))? {
        module if module.is_none() => Ok(0),
        module => Ok(module.call_method0("getcurrent")?.as_ptr().addr()),
    }
}

/// Runs the callback of a wait.
pub(crate) fn call_back<T>(py: Python<'_>, work: impl FnOnce(Python<'_>) -> T) -> T {
    struct Ended;
    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = CALLED_BACK.with_borrow_mut(Vec::pop);
        }
    }
    // A module `greenlet` that is no such module switches nothing.
    let greenlet = current(py).unwrap_or(0);
    CALLED_BACK.with_borrow_mut(|greenlets| greenlets.push(greenlet));
    let _ended = Ended;
    work(py)
}

/// Refuses a wait above that of another greenlet of this thread.
pub(crate) fn check(py: Python<'_>) -> PyResult<()> {
    let Some(beneath) = CALLED_BACK.with_borrow(|greenlets| greenlets.last().copied()) else {
        return Ok(());
    };
    if current(py)? == beneath {
        return Ok(());
    }
    Err(PyRuntimeError::new_err(
        "another greenlet of this thread is in a call that has switched in a callback or a log handler: give calls to threads, \
         as gevent.get_hub().threadpool.apply(client.describe_images) does",
    ))
}
