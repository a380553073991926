//! What every client has, whatever performs its requests: its region, the same for another one, and the jobs that it begins.

use std::sync::Arc;

use cvm_proto::{Config, Settings};
use pyo3::prelude::*;
use pyo3::pyclass::PyClass;
use pyo3::types::PyDict;

use crate::argument;
use crate::fork::{Core, Held, Process};
use crate::job::{self, Job};
use crate::lists;
use crate::sync_job::{self, JournalAt, SyncPlan};

/// The class that all clients are made from.
#[pyclass(frozen, subclass, module = "cvm._cvm")]
pub(crate) struct ClientBase(Arc<dyn AnyHeld>);

/// A core whose clients are a class of Python's.
pub(crate) trait ClientCore: Core + Send + Sync + 'static {
    type Client: PyClass<BaseType = ClientBase> + From<Arc<Held<Self>>>;
}

/// A client with the settings that the keyword arguments ask for.
pub(crate) fn open<T: ClientCore>(
    py: Python<'_>,
    settings: Settings,
) -> PyResult<PyClassInitializer<T::Client>> {
    Held::<T>::open(py, settings).map(client)
}

fn client<T: ClientCore>(held: Held<T>) -> PyClassInitializer<T::Client> {
    let held = Arc::new(held);
    PyClassInitializer::from(ClientBase(held.clone())).add_subclass(T::Client::from(held))
}

/// A core of any kind, as far as jobs need it.
trait AnyHeld: Send + Sync {
    fn config(&self, py: Python<'_>) -> PyResult<Config>;
    fn region(&self, py: Python<'_>) -> Option<String>;
    fn endpoint(&self, py: Python<'_>) -> String;
    fn with_region(&self, py: Python<'_>, region: &str) -> PyResult<Py<PyAny>>;
    fn with_options(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Py<PyAny>>;
}

impl<T: ClientCore> AnyHeld for Held<T> {
    fn config(&self, py: Python<'_>) -> PyResult<Config> {
        Ok(self.get(py, Process::this())?.config().clone())
    }

    fn region(&self, py: Python<'_>) -> Option<String> {
        self.region(py)
    }

    fn endpoint(&self, py: Python<'_>) -> String {
        self.endpoint(py)
    }

    fn with_region(&self, py: Python<'_>, region: &str) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, client(self.with_region(py, region)?))?.into_any())
    }

    fn with_options(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, client(self.with_options(py, options)?))?.into_any())
    }
}

#[pymethods]
impl ClientBase {
    /// The same client for another region.
    fn with_region(&self, py: Python<'_>, region: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.0.with_region(py, &argument::read::<String>("region", region)?)
    }

    /// The same client with other settings for some calls.
    fn with_options(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Py<PyAny>> {
        self.0.with_options(py, options)
    }

    #[getter]
    fn region(&self, py: Python<'_>) -> Option<String> {
        self.0.region(py)
    }

    /// The URL that requests go to.
    #[getter]
    fn endpoint(&self, py: Python<'_>) -> String {
        self.0.endpoint(py)
    }

    fn pages(
        &self,
        py: Python<'_>,
        action: &str,
        parameters: &Bound<'_, PyDict>,
        resume_token: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Job> {
        let token = resume_token.map(|token| argument::read::<String>("resume_token", token)).transpose()?;
        lists::pages(py, &self.0.config(py)?, action, parameters, token.as_deref())
    }

    fn watch(
        &self,
        py: Python<'_>,
        action: &str,
        parameters: &Bound<'_, PyDict>,
        interval: &Bound<'_, PyAny>,
        timeout: &Bound<'_, PyAny>,
    ) -> PyResult<Job> {
        job::watch(py, &self.0.config(py)?, action, parameters, pace(interval, timeout)?)
    }

    fn wait_until_image_normal(
        &self,
        py: Python<'_>,
        ids: &Bound<'_, PyAny>,
        interval: &Bound<'_, PyAny>,
        timeout: &Bound<'_, PyAny>,
    ) -> PyResult<Job> {
        job::wait_until_image_normal(py, &self.0.config(py)?, ids, pace(interval, timeout)?)
    }

    fn wait_until_instances(
        &self,
        py: Python<'_>,
        ids: &Bound<'_, PyAny>,
        state: &Bound<'_, PyAny>,
        interval: &Bound<'_, PyAny>,
        timeout: &Bound<'_, PyAny>,
    ) -> PyResult<Job> {
        let state: String = argument::read("state", state)?;
        job::wait_until_instances(py, &self.0.config(py)?, ids, &state, pace(interval, timeout)?)
    }

    /// The question which regions a sync job is for.
    fn which(&self, py: Python<'_>, plan: &SyncPlan) -> PyResult<Job> {
        plan.ask(&self.0.config(py)?)
    }

    fn sync(
        &self,
        py: Python<'_>,
        plan: Option<&SyncPlan>,
        options: &Bound<'_, PyDict>,
        state: Option<&str>,
        journal: Option<JournalAt>,
    ) -> PyResult<Job> {
        sync_job::begin(py, &self.0.config(py)?, plan, options, state, journal)
    }
}

/// How long a wait pauses, and how long it lasts, in seconds.
fn pace(interval: &Bound<'_, PyAny>, timeout: &Bound<'_, PyAny>) -> PyResult<(f64, f64)> {
    Ok((argument::read("interval", interval)?, argument::read("timeout", timeout)?))
}
