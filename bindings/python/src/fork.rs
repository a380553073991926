//! Forks: what a process has made is its own, and a process that is forked from it makes its own anew.
//!
//! A forked process has a copy of all memory, but only the thread that forked. The other end of each socket takes it for
//! its parent, the thread of the runtime is not there, and a lock that another thread held stays locked for good. So
//! whatever holds one of these is kept in a [`Home`], which knows its process.

use std::mem;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cvm_proto::{ClientBuilder, Config, Error, FromSettings, Settings};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::{errors, finalization, interrupt, settings};

/// How many forks led to this process, as far as Python has seen them.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// A process. Its id tells of a fork that Python has not seen; the number of forks tells of an id that was used again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    id: u32,
    forks: u32,
}

impl Process {
    /// The one that asks. That takes a system call, so what a call of a client does for it is told the answer.
    pub(crate) fn this() -> Self {
        Self { id: process::id(), forks: forks() }
    }

    pub(crate) fn is_this(self) -> bool {
        self == Self::this()
    }
}

/// How many forks led to this process, as far as Python has seen them.
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Called by Python in a process that has just been forked.
#[pyfunction]
pub(crate) fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    cvm_files::close_locks_of_parent();
    finalization::forked();
}

/// A value that belongs to one process. Another one neither uses nor drops it.
pub(crate) struct Home<T>(Mutex<Owned<T>>);

struct Owned<T> {
    process: Process,
    /// Always there, but while it is dropped.
    value: Option<Arc<T>>,
}

impl<T> Home<T> {
    pub(crate) fn new(value: T) -> Self {
        Self::of(Arc::new(value))
    }

    /// The home of a value that this process has made.
    pub(crate) fn of(value: Arc<T>) -> Self {
        Self(Mutex::new(Owned { process: Process::this(), value: Some(value) }))
    }

    /// The value of `here`, this process, which is made from the parent's if there is none yet.
    pub(crate) fn get(
        &self,
        py: Python<'_>,
        here: Process,
        renew: impl FnOnce(&T) -> PyResult<Arc<T>>,
    ) -> PyResult<Arc<T>> {
        let theirs = match self.look(py, here) {
            (value, true) => return Ok(value),
            (value, false) => value,
        };
        // Without the lock, as making one may log, and so run what Python wants.
        let ours = renew(&theirs)?;
        let mut slot = self.lock(py);
        if slot.process == here
            && let Some(value) = &slot.value
        {
            // Another thread was faster.
            return Ok(Arc::clone(value));
        }
        slot.process = here;
        mem::forget(slot.value.replace(Arc::clone(&ours)));
        Ok(ours)
    }

    /// The value as it is, and whether it is this process'. Of another one's, no lock may be waited for; that it is
    /// dropped does no harm, since this has it, too.
    pub(crate) fn look(&self, py: Python<'_>, here: Process) -> (Arc<T>, bool) {
        let slot = self.lock(py);
        let value = slot.value.as_ref().expect("it is there until it is dropped");
        (Arc::clone(value), slot.process == here)
    }

    /// It is only taken by threads that have the interpreter, and none lets go of that meanwhile: at a fork it is free.
    fn lock(&self, _: Python<'_>) -> MutexGuard<'_, Owned<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Home<T> {
    fn drop(&mut self) {
        let slot = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !slot.process.is_this() {
            mem::forget(slot.value.take());
        }
    }
}

/// What holds a client's settings, and all that its calls share.
pub(crate) trait Core: FromSettings {
    fn open(settings: Settings) -> Result<Self, Error> {
        Self::from_settings(settings)
    }

    fn config(&self) -> &Config;

    /// The same with other settings, sharing what calls share; an error if these differ in that.
    fn with_settings(&self, settings: Settings) -> Result<Self, Error>;

    /// The same for another product.
    fn of_product(&self, name: &str, version: &str) -> Result<Self, Error>;
}

impl Core for Config {
    fn config(&self) -> &Config {
        self
    }

    fn with_settings(&self, settings: Settings) -> Result<Self, Error> {
        self.with(|_| ClientBuilder::new(settings))
    }

    fn of_product(&self, name: &str, version: &str) -> Result<Self, Error> {
        self.service(name, version)
    }
}

impl Core for cvm_ureq::Client {
    fn open(settings: Settings) -> Result<Self, Error> {
        Ok(Self::from_settings(settings)?.interruptible(interrupt::poll))
    }

    fn config(&self) -> &Config {
        self.config()
    }

    fn with_settings(&self, settings: Settings) -> Result<Self, Error> {
        self.with(|_| ClientBuilder::new(settings))
    }

    fn of_product(&self, name: &str, version: &str) -> Result<Self, Error> {
        self.service(name, version)
    }
}

impl Core for cvm_reqwest::Client {
    fn config(&self) -> &Config {
        self.config()
    }

    fn with_settings(&self, settings: Settings) -> Result<Self, Error> {
        self.with(|_| ClientBuilder::new(settings))
    }

    fn of_product(&self, name: &str, version: &str) -> Result<Self, Error> {
        self.service(name, version)
    }
}

/// A product and the version of its API, as far as a call names them.
pub(crate) type Product = (Option<String>, Option<String>);

/// The product that is called where none is named.
const PRODUCT: &str = "cvm";

/// A core in whichever process it is used. Its settings, with its region, are what derives it from the root.
pub(crate) struct Held<T> {
    core: Home<T>,
    /// The core that it was derived from, and all others with it: they share what they have in any process.
    root: Arc<Home<T>>,
}

impl<T: Core> Held<T> {
    pub(crate) fn open(py: Python<'_>, settings: Settings) -> PyResult<Self> {
        let root = Arc::new(core(py, T::open(settings))?);
        Ok(Self { core: Home::of(Arc::clone(&root)), root: Arc::new(Home::of(root)) })
    }

    /// The same for another region.
    pub(crate) fn with_region(&self, py: Python<'_>, region: &str) -> PyResult<Self> {
        self.derive(py, |settings| {
            settings.region = Some(region.to_owned());
            Ok(())
        })
    }

    /// The same with other settings.
    pub(crate) fn with_options(&self, py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        self.derive(py, |settings| settings::change_for_calls(py, options, settings))
    }

    fn derive(&self, py: Python<'_>, change: impl FnOnce(&mut Settings) -> PyResult<()>) -> PyResult<Self> {
        let own = self.get(py, Process::this())?;
        let mut settings = settings_of(own.config());
        change(&mut settings)?;
        let other = core(py, own.with_settings(settings))?;
        Ok(Self { core: Home::new(other), root: Arc::clone(&self.root) })
    }

    pub(crate) fn region(&self, py: Python<'_>) -> Option<String> {
        let (core, _) = self.core.look(py, Process::this());
        core.config().region().map(str::to_owned)
    }

    /// The URL that requests of this region go to.
    pub(crate) fn endpoint(&self, py: Python<'_>) -> String {
        let (core, _) = self.core.look(py, Process::this());
        core.config().origin().url().to_owned()
    }

    /// The core of this process for calls to a product. Deriving it for each call takes microseconds, as it shares what is dear:
    /// connections, limits, the credential.
    pub(crate) fn of_product(
        &self,
        py: Python<'_>,
        here: Process,
        action: &str,
        product: Option<Product>,
    ) -> PyResult<Arc<T>> {
        let own = self.get(py, here)?;
        let Some((service, version)) = product else { return Ok(own) };
        let service = service.as_deref().unwrap_or(PRODUCT);
        let other = match &version {
            Some(version) => own.of_product(service, version),
            None => cvm_cli::api_version(service, "version")
                .map_err(Error::config)
                .and_then(|version| own.of_product(service, version)),
        };
        core(py, other.map(Arc::new).map_err(|error| error.with_call(action, None, 0)))
    }

    /// The core of this process.
    pub(crate) fn get(&self, py: Python<'_>, here: Process) -> PyResult<Arc<T>> {
        self.core.get(py, here, |theirs| {
            let reopen = |theirs: &T| core(py, T::open(settings_of(theirs.config()))).map(Arc::new);
            let root = self.root.get(py, here, reopen)?;
            core(py, root.with_settings(settings_of(theirs.config()))).map(Arc::new)
        })
    }
}

/// The settings of a config, with the region that it is for.
fn settings_of(config: &Config) -> Settings {
    let mut settings = config.settings().clone();
    settings.region = config.region().map(str::to_owned);
    settings
}

fn core<T>(py: Python<'_>, core: Result<T, Error>) -> PyResult<T> {
    core.map_err(|error| errors::exception(py, &error))
}
