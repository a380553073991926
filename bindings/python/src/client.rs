//! The blocking client: the calling thread does the work, without the interpreter for as long as it waits.

use std::ops::ControlFlow;
use std::time::Duration;

use cvm_proto::machine::{self, Clock};
use cvm_proto::{Machine, Now};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::fork::{Held, Process};
use crate::interrupt::SignalPoll;
use crate::job::{self, AnyMachine, Job, Update};
use crate::sync_job::{self, JournalAt, SyncPlan};
use crate::{errors, finalization, logging, settings};

/// A blocking client for one region.
#[pyclass(frozen, module = "cvm._cvm")]
pub(crate) struct Client(Held<cvm_ureq::Client>);

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
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Held::open(py, settings::of(py, options)?).map(Self)
    }

    /// The same client for another region.
    fn with_region(&self, py: Python<'_>, region: &str) -> PyResult<Self> {
        self.0.with_region(py, region).map(Self)
    }

    /// The same client with other settings for some calls.
    fn with_options(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        self.0.with_options(py, options).map(Self)
    }

    #[getter]
    fn region(&self, py: Python<'_>) -> Option<String> {
        self.0.region(py)
    }

    #[getter]
    fn endpoint(&self, py: Python<'_>) -> String {
        self.0.endpoint(py)
    }

    /// Performs an action.
    fn call<'py>(
        &self,
        py: Python<'py>,
        action: &str,
        parameters: &Bound<'py, PyDict>,
        checked: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        logging::refresh(py);
        let client = self.0.get(py, Process::this())?;
        let mut call = AnyMachine::call(py, client.config(), action, parameters, checked)?;
        match finalization::detach(py, || drive(&client, &mut call))? {
            News::Continue(never) => match never {},
            News::Break(Ok(answer)) => job::object(py, answer.as_str()),
            News::Break(Err(error)) => {
                logging::failed(&error);
                Err(errors::exception(py, &error))
            }
        }
    }

    fn pages(&self, py: Python<'_>, action: &str, parameters: &Bound<'_, PyDict>) -> PyResult<Job> {
        job::pages(py, self.0.get(py, Process::this())?.config(), action, parameters)
    }

    fn watch(
        &self,
        py: Python<'_>,
        action: &str,
        parameters: &Bound<'_, PyDict>,
        interval: f64,
        timeout: f64,
    ) -> PyResult<Job> {
        job::watch(py, self.0.get(py, Process::this())?.config(), action, parameters, interval, timeout)
    }

    fn which(&self, py: Python<'_>, plan: &SyncPlan) -> PyResult<Job> {
        plan.ask(self.0.get(py, Process::this())?.config())
    }

    fn sync(
        &self,
        py: Python<'_>,
        plan: Option<&SyncPlan>,
        options: &Bound<'_, PyDict>,
        state: Option<&str>,
        journal: Option<JournalAt>,
    ) -> PyResult<Job> {
        sync_job::begin(py, self.0.get(py, Process::this())?.config(), plan, options, state, journal)
    }

    /// Drives a job until it has something to tell: `(True, news)`, or `(False, output)` at its end.
    fn advance<'py>(&self, py: Python<'py>, job: &Job) -> PyResult<Bound<'py, PyTuple>> {
        logging::refresh(py);
        let here = Process::this();
        let client = self.0.get(py, here)?;
        let mut taken = job.take(py, here, client.config())?;
        let news = finalization::detach(py, || drive(&client, &mut taken))?;
        if matches!(news, News::Break(_)) {
            taken.end();
        } else {
            drop(taken);
        }
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
