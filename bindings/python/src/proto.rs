//! The core by hand, for programs with a transport of their own: machines, signatures, texts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cvm_proto::codec::envelope;
use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::sign::explain::{Input, explain};
use cvm_proto::{Error, Now, Reply, Request, Response, Step, input};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::client_base::{self, ClientBase, ClientCore};
use crate::fork::{Held, Process, Product};
use crate::job::{self, AnyMachine, Job};
use crate::{errors, settings};

/// A client without a transport: settings, and the state that its calls share.
#[pyclass(frozen, extends = ClientBase, module = "cvm._cvm")]
pub(crate) struct Config(Arc<Held<cvm_proto::Config>>);

impl From<Arc<Held<cvm_proto::Config>>> for Config {
    fn from(held: Arc<Held<cvm_proto::Config>>) -> Self {
        Self(held)
    }
}

impl ClientCore for cvm_proto::Config {
    type Client = Config;
}

#[pymethods]
impl Config {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<PyClassInitializer<Self>> {
        client_base::open::<cvm_proto::Config>(py, settings::of(py, options, false)?)
    }

    #[pyo3(signature = (action, parameters, checked, product=None))]
    fn call(
        &self,
        py: Python<'_>,
        action: &str,
        parameters: &Bound<'_, PyDict>,
        checked: bool,
        product: Option<Product>,
    ) -> PyResult<Job> {
        let config = self.0.of_product(py, Process::this(), action, product)?;
        Ok(Job::of_call(AnyMachine::call(py, &config, action, parameters, checked)?))
    }
}

/// One request, as its parts: method, URL, headers, body, timeout, action, attempt, grace after a cancel.
type Parts<'py> =
    (&'static str, String, BTreeMap<String, String>, Bound<'py, PyBytes>, f64, String, u32, Option<f64>);

/// Asks a machine what to do next: `("send", parts)`, `("wait", time)`, `("progress", news)` or `("done", output)`.
#[pyfunction]
pub(crate) fn poll<'py>(
    py: Python<'py>,
    job: &Job,
    unix: u64,
    monotonic: f64,
) -> PyResult<Bound<'py, PyTuple>> {
    let now = now(unix, monotonic)?;
    match job.poll(py, now)? {
        Step::Send(request) => ("send", parts(py, &request)).into_pyobject(py),
        Step::WaitUntil(at) => ("wait", not_before(at)).into_pyobject(py),
        Step::Progress(told) => ("progress", told.object(py)?).into_pyobject(py),
        Step::Done(Ok(told)) => ("done", told.object(py)?).into_pyobject(py),
        Step::Done(Err(error)) => Err(errors::exception(py, &error)),
    }
}

/// Hands a response to a machine.
#[pyfunction]
pub(crate) fn respond(
    py: Python<'_>,
    job: &Job,
    status: u16,
    body: Vec<u8>,
    headers: Vec<(String, String)>,
    unix: u64,
    monotonic: f64,
) -> PyResult<()> {
    let now = now(unix, monotonic)?;
    let response = Response::new(status, body);
    let response = headers.iter().fold(response, |response, (name, value)| response.header(name, value));
    job.reply(py, now, Reply::Response(response))
}

/// Tells a machine that no whole response arrived.
#[pyfunction]
pub(crate) fn fail(
    py: Python<'_>,
    job: &Job,
    kind: &str,
    sent: bool,
    message: String,
    unix: u64,
    monotonic: f64,
) -> PyResult<()> {
    let (kind, usual) = match kind {
        "connect" => (FailureKind::Connect, "no connection was made"),
        "timeout" => (FailureKind::Timeout, "no whole answer came in time"),
        "interrupted" => (FailureKind::Interrupted, "the connection ended before the answer was whole"),
        "too_large" => (FailureKind::TooLarge, "the answer is larger than is read"),
        "cancelled" => (FailureKind::Cancelled, "it was cancelled"),
        other => {
            return Err(PyValueError::new_err(format!(
                "kind is `{}`: use connect, timeout, interrupted, too_large or cancelled",
                other.escape_debug()
            )));
        }
    };
    let message = if message.is_empty() { usual.to_owned() } else { message };
    let failure = if sent { Failure::maybe_sent(kind, message) } else { Failure::not_sent(kind, message) };
    job.reply(py, now(unix, monotonic)?, Reply::Failed(failure))
}

/// A time in seconds that is not before `at` when it is handed back: whoever polls at the very time need not wait again.
fn not_before(at: Duration) -> f64 {
    let seconds = at.as_secs_f64();
    if Duration::try_from_secs_f64(seconds).is_ok_and(|read| read < at) { seconds.next_up() } else { seconds }
}

fn now(unix: u64, monotonic: f64) -> PyResult<Now> {
    let mono = Duration::try_from_secs_f64(monotonic)
        .map_err(|error| PyValueError::new_err(format!("monotonic is {monotonic}: {error}")))?;
    Ok(Now::new(unix, mono))
}

fn parts<'py>(py: Python<'py>, request: &Request) -> Parts<'py> {
    (
        request.method().as_str(),
        request.url().into_owned(),
        request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        PyBytes::new(py, request.body()),
        request.timeout().as_secs_f64(),
        request.action().to_owned(),
        request.attempt(),
        request.cancel().map(|(_, grace)| grace.as_secs_f64()),
    )
}

/// Parameters as the JSON body of a request.
#[pyfunction]
pub(crate) fn encode<'py>(
    py: Python<'py>,
    action: &str,
    parameters: &Bound<'py, PyDict>,
    checked: bool,
) -> PyResult<Bound<'py, PyBytes>> {
    let text = crate::encode::parameters(py, action, parameters, checked)?;
    Ok(PyBytes::new(py, text.as_bytes()))
}

/// The object inside `Response` of an answer, or its error as an exception.
#[pyfunction]
pub(crate) fn decode<'py>(py: Python<'py>, body: &[u8], status: u16) -> PyResult<Bound<'py, PyAny>> {
    let text = envelope::check(status, body).map_err(|error| errors::exception(py, &error))?;
    let answer = job::object(py, text)?;
    let response = answer.cast::<PyDict>().ok().and_then(|answer| answer.get_item("Response").ok()?);
    match response.filter(PyAnyMethods::is_instance_of::<PyDict>) {
        Some(response) => Ok(response),
        None => Err(errors::exception(
            py,
            &Error::response("the answer has no object Response".into(), None, status),
        )),
    }
}

/// Signs what a JSON object describes; gives every stage, as JSON.
#[pyfunction]
pub(crate) fn sign<'py>(py: Python<'py>, input: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let text = crate::encode::parameters(py, "sign", input, false)?;
    let wrong = |error: String| PyValueError::new_err(format!("this cannot be signed: {error}"));
    let object = input::json(text.as_bytes()).map_err(|error| wrong(error.to_string()))?;
    let input = Input::read(object).map_err(|error| wrong(error.to_string()))?;
    let stages = explain(&input).map_err(|error| errors::exception(py, &error))?;
    let text = serde_json::to_string(&stages).map_err(|error| PyValueError::new_err(error.to_string()))?;
    job::object(py, &text)
}
