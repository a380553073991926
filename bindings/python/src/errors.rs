//! The core's error as one of Python's exceptions, which are defined in `cvm/errors.py`.

use std::borrow::Cow;

use cvm_cli::Mistake;
use cvm_proto::{Error, ErrorCode, input, output};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::credential_function;

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
            (error.to_string(), error.is_retryable(), error.outcome_unknown(), error.service_name()),
        ))
    };
    match make() {
        Ok(exception) => {
            let exception = PyErr::from_value(exception);
            if let Some(cause) = credential_function::cause(py, error) {
                exception.set_cause(py, Some(cause));
            }
            exception
        }
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

/// What an action does not take, as one exception.
pub(crate) fn mistakes(py: Python<'_>, action: &str, mistakes: &[Mistake]) -> PyErr {
    let mut sentence = Mistake::sentence_of(mistakes);
    // Beside a name that was probably meant, it would only lead away from it.
    if mistakes.iter().any(Mistake::may_be_newer) {
        sentence.push_str("; `client.call` sends what is newer than this version");
    }
    parameter(py, action, sentence)
}

/// Raises for a name that is no method of a client.
#[pyfunction]
pub(crate) fn refuse_method(py: Python<'_>, name: &str, known: Vec<String>) -> PyResult<()> {
    let hint = input::closest(name, known.iter().map(String::as_str)).map_or_else(
        || "`help(cvm.Client)` shows what there is".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    let message = format!("there is no method `{}`: {hint}", output::escaped(name));
    Err(exception(py, &Error::parameter(message)))
}
