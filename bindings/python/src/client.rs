//! The blocking client: the calling thread does the work, without the interpreter for as long as it waits.

use std::path::PathBuf;

use cvm_proto::{Config, FromSettings, Machine, Step};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::interrupt::{self, Watchful};
use crate::work::{self, Job, Told, Work};
use crate::{errors, gate, logging, settings};

/// A blocking client for one region.
#[pyclass(frozen, module = "cvm._cvm")]
pub(crate) struct Client {
    client: cvm_ureq::Client,
}

/// What came of driving a machine: news on its way, or its output.
pub(crate) enum News<T, P> {
    Progress(P),
    Done(T),
}

impl Client {
    fn open(py: Python<'_>, client: Result<cvm_ureq::Client, cvm_proto::Error>) -> PyResult<Self> {
        let client = client.and_then(|client| client.interruptible(interrupt::look));
        client.map(|client| Self { client }).map_err(|error| errors::exception(py, &error))
    }

    fn config(&self) -> &Config {
        self.client.config()
    }

    /// Does what the machine says until it has something to tell; an error if a signal's handler raised meanwhile.
    fn drive<M: Machine>(&self, machine: &mut M) -> PyResult<News<M::Output, M::Progress>> {
        let mut watchful = Watchful::new();
        loop {
            match machine.poll(self.client.now()) {
                Step::Send(request) => {
                    let reply = self.client.exchange(request);
                    // Also after an interrupt, so that the machine knows of a request that may have arrived.
                    machine.reply(self.client.now(), reply);
                    watchful.look()?;
                }
                Step::WaitUntil(at) => watchful.sleep(at.saturating_sub(self.client.now().mono))?,
                Step::Progress(told) => return Ok(News::Progress(told)),
                Step::Done(output) => return Ok(News::Done(output)),
            }
        }
    }
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Self::open(py, cvm_ureq::Client::from_settings(settings::of(py, options)?))
    }

    /// The same client for another region.
    fn with_region(&self, py: Python<'_>, region: &str) -> PyResult<Self> {
        let client = self.client.with_region(region);
        client.map(|client| Self { client }).map_err(|error| errors::exception(py, &error))
    }

    /// The same client without anything that it shares with a process that this one was forked from.
    fn renewed(&self, py: Python<'_>) -> PyResult<Self> {
        let mut settings = self.config().settings().clone();
        settings.region = self.config().region().map(str::to_owned);
        Self::open(py, cvm_ureq::Client::from_settings(settings))
    }

    #[getter]
    fn region(&self) -> Option<&str> {
        self.config().region()
    }

    #[getter]
    fn endpoint(&self) -> String {
        endpoint(self.config())
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
        let mut call = Work::call(py, self.config(), action, parameters, checked)?;
        match gate::detach(py, || self.drive(&mut call))? {
            News::Progress(never) => match never {},
            News::Done(Ok(answer)) => work::object(py, answer.as_str()),
            News::Done(Err(error)) => {
                logging::failed(&error);
                Err(errors::exception(py, &error))
            }
        }
    }

    fn pages(&self, py: Python<'_>, action: &str, parameters: &Bound<'_, PyDict>) -> PyResult<Job> {
        work::pages(py, self.config(), action, parameters)
    }

    fn watch(
        &self,
        py: Python<'_>,
        action: &str,
        parameters: &Bound<'_, PyDict>,
        interval: f64,
        timeout: f64,
    ) -> PyResult<Job> {
        work::watch(py, self.config(), action, parameters, interval, timeout)
    }

    #[pyo3(signature = (state, timeout=None, journal=None))]
    fn sync(
        &self,
        py: Python<'_>,
        state: &str,
        timeout: Option<f64>,
        journal: Option<PathBuf>,
    ) -> PyResult<Job> {
        work::sync(py, self.config(), state, timeout, journal)
    }

    /// Drives a job until it has something to tell: `(True, news)`, or `(False, output)` at its end.
    fn advance<'py>(&self, py: Python<'py>, job: &Job) -> PyResult<Bound<'py, PyTuple>> {
        logging::refresh(py);
        let mut taken = job.take()?;
        let news = gate::detach(py, || self.drive(&mut taken))?;
        if matches!(news, News::Done(_)) {
            taken.end();
        } else {
            drop(taken);
        }
        told(py, news)
    }
}

/// The news of a job for Python.
pub(crate) fn told(
    py: Python<'_>,
    news: News<Result<Told, cvm_proto::Error>, Told>,
) -> PyResult<Bound<'_, PyTuple>> {
    let (goes_on, told) = match news {
        News::Progress(told) => (true, told),
        News::Done(Ok(told)) => (false, told),
        News::Done(Err(error)) => {
            logging::failed(&error);
            return Err(errors::exception(py, &error));
        }
    };
    (goes_on, told.object(py)?).into_pyobject(py)
}

/// The URL that requests of this region go to.
pub(crate) fn endpoint(config: &Config) -> String {
    config.settings().endpoint.origin(config.region().unwrap_or_default()).url().to_owned()
}
