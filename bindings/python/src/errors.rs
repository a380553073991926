//! The core's error as one of Python's exceptions, which are defined in `cvm/errors.py`.

use std::borrow::Cow;

use cvm_proto::{Error, ErrorCode, output};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The exception for an error.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = || {
        let make = MAKE.import(py, "cvm.errors", "_of")?;
        make.call1((
            error.kind().as_str(),
            error.code().map(ErrorCode::as_str),
            error.message(),
            error.request_id(),
            error.status(),
            error.action(),
            error.region(),
            error.attempts(),
            (error.to_string(), error.is_retryable(), error.outcome_unknown()),
        ))
    };
    match make() {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}

/// Text of others as a terminal or a log may have it.
#[pyfunction]
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    output::escaped(text)
}

/// A parameter that cannot be sent, found before anything was: `message` is one sentence that names it.
pub(crate) fn parameter(py: Python<'_>, action: &str, message: String) -> PyErr {
    exception(py, &Error::parameter(message).with_call(action, None, 0))
}

/// A parameter that the action does not have. Python says which one was meant: it happens once in a program's life.
pub(crate) fn unknown_parameter(py: Python<'_>, action: &str, name: &str, known: &[&str]) -> PyErr {
    static SENTENCE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let sentence = SENTENCE
        .import(py, "cvm.errors", "_unknown_parameter")
        .and_then(|sentence| sentence.call1((name, known)))
        .and_then(|sentence| sentence.extract());
    match sentence {
        Ok(sentence) => parameter(py, action, sentence),
        Err(failure) => failure,
    }
}
