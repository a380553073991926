//! The core's error as one of Python's exceptions, which are defined in `cvm/errors.py`.

use std::borrow::Cow;

use cvm_proto::{Error, ErrorCode, input, output};
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

/// A parameter that the action does not have.
pub(crate) fn unknown_parameter(py: Python<'_>, action: &str, name: &str, known: &[&str]) -> PyErr {
    let there_are = || match known {
        [] => "there are none".to_owned(),
        known => format!("there are {}", known.join(", ")),
    };
    parameter(py, action, unknown("parameter", name, known.iter().copied(), there_are))
}

/// Raises for a name that is no method of a client.
#[pyfunction]
pub(crate) fn refuse_method(py: Python<'_>, name: &str, known: Vec<String>) -> PyResult<()> {
    let known = known.iter().map(String::as_str);
    let help = || "`help(cvm.Client)` shows what there is".to_owned();
    Err(exception(py, &Error::parameter(unknown("method", name, known, help))))
}

/// The sentence for a name that does not exist: the one that was probably meant, else what else helps.
fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    help: impl FnOnce() -> String,
) -> String {
    let hint = input::closest(name, known).map_or_else(help, |meant| format!("did you mean `{meant}`?"));
    format!("there is no {what} `{}`: {hint}", output::escaped(name))
}
