//! The hook of attempts: what became of each, for a function of the program.
//!
//! It is called by the thread that the call belongs to. A blocking client's is the one that drives, which attaches to the
//! interpreter for it. An async client's is that of the event loop: the thread for I/O posts what it has to tell.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use cvm_proto::{AttemptEnd, AttemptHook, Error, ErrorCode, NextStep};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use crate::async_client::post_attempt;
use crate::{errors, interrupt};

thread_local! {
    /// A function is told of an attempt in this thread: what it sends itself would have it told without end.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// The function of a program that hears of attempts.
#[derive(Clone)]
pub(crate) struct Listener(Arc<Py<PyAny>>);

/// What became of one attempt, to be told later.
pub(crate) struct EndedAttempt {
    service: String,
    action: String,
    region: Option<String>,
    host: String,
    attempt: u32,
    resend_count: u32,
    elapsed: Duration,
    status: Option<u16>,
    request_id: Option<String>,
    error_type: Option<String>,
    error: Option<Error>,
    next: NextStep,
}

impl Listener {
    pub(crate) fn new(function: Py<PyAny>) -> Self {
        Self(Arc::new(function))
    }

    /// The core's hook that tells this.
    pub(crate) fn into_hook(self) -> AttemptHook {
        AttemptHook::new(move |end| {
            let ended = Box::new(EndedAttempt::of(end));
            if let Err(ended) = post_attempt(&self, ended)
                && !TELLING.replace(true)
            {
                // What is no `Exception`, such as `KeyboardInterrupt`, ends the call.
                interrupt::run(|py| self.tell(py, &ended));
                TELLING.set(false);
            }
        })
    }

    /// Calls the function. What it raises is Python's `sys.unraisablehook` to show, unless it is to end the program.
    pub(crate) fn tell(&self, py: Python<'_>, ended: &EndedAttempt) -> PyResult<()> {
        let function = self.0.bind(py);
        let Err(raised) = ended.object(py).and_then(|end| told(py, function, end)) else { return Ok(()) };
        if !raised.is_instance_of::<PyException>(py) {
            return Err(raised);
        }
        raised.write_unraisable(py, Some(function));
        Ok(())
    }
}

fn told(py: Python<'_>, function: &Bound<'_, PyAny>, end: Bound<'_, PyAny>) -> PyResult<()> {
    static CALL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CALL.import(py, "cvm._callbacks", "call_hook")?.call1(("on_attempt", function, end)).map(drop)
}

impl EndedAttempt {
    fn of(end: &AttemptEnd<'_>) -> Self {
        Self {
            service: end.service.to_owned(),
            action: end.action.to_owned(),
            region: end.region.map(str::to_owned),
            host: end.host.to_owned(),
            attempt: end.attempt,
            resend_count: end.resend_count,
            elapsed: end.elapsed,
            status: end.status(),
            request_id: end.request_id.map(str::to_owned),
            error_type: end.error_type().map(str::to_owned),
            error: end.error.cloned(),
            next: end.next,
        }
    }

    /// As a `cvm.AttemptEnd`.
    fn object<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let error = self.error.as_ref();
        let facts = PyDict::new(py);
        facts.set_item("service", &self.service)?;
        facts.set_item("action", &self.action)?;
        facts.set_item("region", &self.region)?;
        facts.set_item("host", &self.host)?;
        facts.set_item("attempt", self.attempt)?;
        facts.set_item("resend_count", self.resend_count)?;
        facts.set_item("elapsed", self.elapsed.as_secs_f64())?;
        facts.set_item("status", self.status)?;
        facts.set_item("request_id", &self.request_id)?;
        facts.set_item("code", error.and_then(Error::code).map(ErrorCode::as_str))?;
        facts.set_item("error_type", &self.error_type)?;
        facts.set_item("error", error.map(|error| errors::exception(py, error).into_value(py)))?;
        facts.set_item("next", self.next.as_str())?;
        facts.set_item("pause", self.next.pause().map(|pause| pause.as_secs_f64()))?;
        facts.set_item("reason", self.next.reason())?;
        MAKE.import(py, "cvm._attempt_end", "AttemptEnd")?.call((), Some(&facts))
    }
}
