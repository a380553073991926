//! The blocking client: the calling thread does the work, without the interpreter for as long as it waits.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use cvm_proto::machine::{self, Clock};
use cvm_proto::{Machine, Now};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::client_base::{self, ClientBase, ClientCore};
use crate::fork::{Held, Process, Product};
use crate::interrupt::SignalPoll;
use crate::job::{self, AnyMachine, Job, Update};
use crate::{errors, finalization, interrupt, logging, settings};

/// A blocking client for one region.
#[pyclass(frozen, extends = ClientBase, module = "cvm._cvm")]
pub(crate) struct Client(Arc<Held<cvm_ureq::Client>>);

impl From<Arc<Held<cvm_ureq::Client>>> for Client {
    fn from(held: Arc<Held<cvm_ureq::Client>>) -> Self {
        Self(held)
    }
}

impl ClientCore for cvm_ureq::Client {
    type Client = Client;
}

/// What came of driving a machine: news on its way, or its output.
pub(crate) type News<T, P> = ControlFlow<T, P>;

/// The clocks of a client, by which nothing waits on after a signal's handler has raised.
struct SignalClock<'a> {
    client: &'a cvm_ureq::Client,
    signals: SignalPoll,
}

impl Clock for SignalClock<'_> {
    type Interrupt = PyErr;

    fn now(&self) -> Now {
        self.client.now()
    }

    fn sleep_until(&self, mono: Duration) -> PyResult<()> {
        self.signals.sleep(mono.saturating_sub(self.client.now().mono))
    }

    fn interrupted(&self) -> PyResult<()> {
        self.signals.poll()
    }
}

/// Does what the machine says until it has something to tell; an error if a signal's handler raised meanwhile.
fn drive<M: Machine>(client: &cvm_ureq::Client, machine: &mut M) -> PyResult<News<M::Output, M::Progress>> {
    let clock = SignalClock { client, signals: SignalPoll::new() };
    machine::drive(machine, &clock, |request| client.exchange(request))
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<PyClassInitializer<Self>> {
        client_base::open::<cvm_ureq::Client>(py, settings::of(py, options, false)?)
    }

    /// Performs an action.
    #[pyo3(signature = (action, parameters, checked, product=None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        action: &str,
        parameters: &Bound<'py, PyDict>,
        checked: bool,
        product: Option<Product>,
    ) -> PyResult<Bound<'py, PyAny>> {
        logging::refresh(py);
        let client = self.0.of_product(py, Process::this(), action, product)?;
        let mut call = AnyMachine::call(py, client.config(), action, parameters, checked)?;
        let news = finalization::detach(py, || drive(&client, &mut call))??;
        interrupt::raise()?;
        match news {
            News::Continue(never) => match never {},
            News::Break(Ok(answer)) => job::object(py, answer.as_str()),
            News::Break(Err(error)) => {
                logging::failed(&error);
                Err(errors::exception(py, &error))
            }
        }
    }

    /// Drives a job until it has something to tell: `(True, news)`, or `(False, output)` at its end.
    fn advance<'py>(&self, py: Python<'py>, job: &Job) -> PyResult<Bound<'py, PyTuple>> {
        logging::refresh(py);
        let here = Process::this();
        let client = self.0.get(py, here)?;
        let mut taken = job.take(py, here, client.config())?;
        let news = finalization::detach(py, || drive(&client, &mut taken))??;
        if matches!(news, News::Break(_)) {
            taken.end();
        } else {
            drop(taken);
        }
        interrupt::raise()?;
        news_object(py, news)
    }
}

/// The news of a job for Python.
pub(crate) fn news_object(
    py: Python<'_>,
    news: News<Result<Update, cvm_proto::Error>, Update>,
) -> PyResult<Bound<'_, PyTuple>> {
    let (goes_on, told) = match news {
        News::Continue(told) => (true, told),
        News::Break(Ok(told)) => (false, told),
        News::Break(Err(error)) => {
            logging::failed(&error);
            return Err(errors::exception(py, &error));
        }
    };
    (goes_on, told.object(py)?).into_pyobject(py)
}
