//! The embedded endpoint, for tests and trials.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cvm_local::{Check, Clock, CvmLocal, Fault, Seed, Snapshot};
use cvm_proto::input;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;

use crate::fork::Process;
use crate::settings::Options;
use crate::{argument, encode, finalization, job};

/// An endpoint that is running.
#[pyclass(frozen, module = "cvm._cvm")]
pub(crate) struct Local {
    running: Mutex<Option<CvmLocal>>,
    endpoint: String,
    secret_id: String,
    secret_key: String,
    token: Option<String>,
    ca_pem: Option<String>,
    /// The one whose threads serve.
    process: Process,
}

#[pymethods]
impl Local {
    /// Starts an endpoint on 127.0.0.1, with the options of `cvm.local.start`.
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let options = Options(options);
        let skip_checks = options.texts("skip_checks")?;
        let checks: Result<Vec<Check>, String> = skip_checks.iter().map(|name| name.parse()).collect();
        let (speed, skew) = pace(&options)?;
        let port = options.given("port")?.unwrap_or(0);
        let mut builder = CvmLocal::builder()
            .port(port)
            .clock(clock(speed, skew))
            .skip_checks(checks.map_err(PyValueError::new_err)?);
        if let Some(seed) = options.given::<String>("seed")? {
            builder = builder.seed(Seed::parse(&seed).map_err(PyValueError::new_err)?);
        }
        if let Some(file) = options.given::<PathBuf>("state_file")? {
            builder = builder.state_file(file);
        }
        if !options.given("rate_limits")?.unwrap_or(true) {
            builder = builder.rate_limits(false);
        }
        if options.given("tls")?.unwrap_or(false) {
            builder = builder.tls();
        }
        let local = finalization::detach(py, || builder.start())?.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse | ErrorKind::PermissionDenied if port != 0 => {
                PyOSError::new_err((error.raw_os_error(), format!("cannot listen on port {port}: {error}")))
            }
            _ => io(error),
        })?;
        Ok(Self {
            endpoint: local.endpoint().to_owned(),
            secret_id: local.secret_id().to_owned(),
            secret_key: local.secret_key().to_owned(),
            token: local.credential().token().map(str::to_owned),
            ca_pem: local.ca_pem().map(str::to_owned),
            running: Mutex::new(Some(local)),
            process: Process::this(),
        })
    }

    #[getter]
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    #[getter]
    fn secret_id(&self) -> &str {
        &self.secret_id
    }

    #[getter]
    fn secret_key(&self) -> &str {
        &self.secret_key
    }

    #[getter]
    fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    #[getter]
    fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Ends the endpoint, and all connections to it.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if self.process.is_this() {
            finalization::detach(py, || drop(running))?;
        } else {
            // The thread that serves is the parent's.
            std::mem::forget(running);
        }
        Ok(())
    }

    /// Moves the image clock forward by this many seconds.
    fn advance(&self, seconds: &Bound<'_, PyAny>) -> PyResult<()> {
        let seconds: f64 = argument::read("seconds", seconds)?;
        let by = Duration::try_from_secs_f64(seconds)
            .map_err(|_| PyValueError::new_err(format!("seconds is {seconds}: give 0 or more")))?;
        self.with(|local| {
            local.advance(by);
            Ok(())
        })
    }

    /// Lets time pass in another way.
    #[pyo3(signature = (**options))]
    fn set_clock(&self, options: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let (speed, skew) = pace(&Options(options))?;
        self.with(|local| local.set_clock(clock(speed, skew)).map_err(io))
    }

    /// Has something go wrong; gives the fault's number. `fault` is as the admin path takes it.
    fn add_fault(&self, py: Python<'_>, fault: &Bound<'_, PyDict>) -> PyResult<u64> {
        let text = encode::parameters(py, "fault", fault, false)?;
        let fault: Fault =
            serde_json::from_str(&text).map_err(|error| PyValueError::new_err(error.to_string()))?;
        self.with(|local| {
            local.faults().push(fault).map_err(|error| PyValueError::new_err(error.to_string()))
        })
    }

    fn remove_fault(&self, number: u64) -> PyResult<bool> {
        self.with(|local| Ok(local.faults().remove(number)))
    }

    fn clear_faults(&self) -> PyResult<()> {
        self.with(|local| {
            local.faults().clear();
            Ok(())
        })
    }

    /// The requests so far, oldest first.
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.with(|local| written(py, &local.requests()))
    }

    fn clear_requests(&self) -> PyResult<()> {
        self.with(|local| {
            local.clear_requests();
            Ok(())
        })
    }

    /// The images of a region, newest first.
    fn images<'py>(&self, py: Python<'py>, region: &str) -> PyResult<Bound<'py, PyAny>> {
        self.with(|local| written(py, &local.images(region)))
    }

    /// Goes back to the seed, or to another one.
    #[pyo3(signature = (seed=None))]
    fn reset(&self, seed: Option<&str>) -> PyResult<()> {
        self.with(|local| match seed {
            None => {
                local.reset();
                Ok(())
            }
            Some(seed) => local.reseed(&Seed::parse(seed).map_err(PyValueError::new_err)?).map_err(io),
        })
    }

    /// Everything it remembers, as JSON.
    fn snapshot(&self) -> PyResult<String> {
        self.with(|local| {
            let snapshot = local.snapshot().map_err(io)?;
            serde_json::to_string(&snapshot).map_err(|error| PyValueError::new_err(error.to_string()))
        })
    }

    /// Goes on with what a snapshot holds.
    fn restore(&self, snapshot: &str) -> PyResult<()> {
        let snapshot: Snapshot = input::json(snapshot.as_bytes())
            .map_err(|error| PyValueError::new_err(format!("this is no snapshot: {error}")))?;
        self.with(|local| local.restore(&snapshot).map_err(io))
    }
}

impl Local {
    fn with<T>(&self, look: impl FnOnce(&CvmLocal) -> PyResult<T>) -> PyResult<T> {
        if !self.process.is_this() {
            return Err(PyRuntimeError::new_err(
                "the endpoint runs in the process that this one was forked from: steer it there, or start another one",
            ));
        }
        match &*self.running.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(local) => look(local),
            None => Err(PyRuntimeError::new_err("the endpoint has been stopped: start another one")),
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if !self.process.is_this() {
            std::mem::forget(self.running.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

/// How fast time passes, and how many seconds the clock is ahead.
fn pace(options: &Options<'_, '_>) -> PyResult<(f64, i64)> {
    Ok((options.given("speed")?.unwrap_or(1.0), options.given("skew")?.unwrap_or(0)))
}

fn clock(speed: f64, skew: i64) -> Clock {
    if speed == 0.0 { Clock::stepped().with_skew(skew) } else { Clock::scaled(speed).with_skew(skew) }
}

fn written<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(value).map_err(|error| PyValueError::new_err(error.to_string()))?;
    job::object(py, &text)
}

fn io(error: std::io::Error) -> PyErr {
    match error.kind() {
        ErrorKind::InvalidInput => PyValueError::new_err(error.to_string()),
        _ => PyOSError::new_err(error.to_string()),
    }
}
