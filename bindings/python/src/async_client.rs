//! The async client: one thread of tokio does the network's work for all event loops of the process.
//!
//! A call gives the loop's own future and goes to that thread. What has ended waits in the loop's mailbox, and the loop
//! is woken once for all that is in there, not once for each: answers become Python's objects in the loop's thread.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cvm_proto::Error;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::runtime::{Builder, Handle};
use tokio::task::AbortHandle;

use crate::attempt::{EndedAttempt, Listener};
use crate::client::{self, News};
use crate::client_base::{self, ClientBase, ClientCore};
use crate::credential_function::Question;
use crate::fork::{Held, Home, Process, Product};
use crate::job::{AnyMachine, Job, Update};
use crate::{errors, finalization, logging, settings};

/// The handle of this process' I/O thread, which is started when it is first needed. As with a [`Home`], the lock is
/// free at a fork.
fn runtime(_: Python<'_>, here: Process) -> PyResult<Handle> {
    static RUNTIME: Mutex<Option<(Process, Handle)>> = Mutex::new(None);
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((process, handle)) = &*runtime
        && *process == here
    {
        return Ok(handle.clone());
    }
    let failed = |error| PyRuntimeError::new_err(format!("the thread for I/O cannot be started: {error}"));
    let new = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let handle = new.handle().clone();
    let run = move || new.block_on(pending::<()>());
    std::thread::Builder::new().name("cvm-io".into()).spawn(run).map_err(failed)?;
    // In a forked process the old thread is not there, and what it held belongs to the parent: it is left alone.
    std::mem::forget(runtime.replace((here, handle.clone())));
    Ok(handle)
}

/// An async client for one region.
#[pyclass(frozen, extends = ClientBase, module = "cvm._cvm")]
pub(crate) struct AsyncClient(Arc<Held<cvm_reqwest::Client>>);

impl From<Arc<Held<cvm_reqwest::Client>>> for AsyncClient {
    fn from(held: Arc<Held<cvm_reqwest::Client>>) -> Self {
        Self(held)
    }
}

impl ClientCore for cvm_reqwest::Client {
    type Client = AsyncClient;
}

#[pymethods]
impl AsyncClient {
    #[new]
    #[pyo3(signature = (**options))]
    fn new(py: Python<'_>, options: Option<&Bound<'_, PyDict>>) -> PyResult<PyClassInitializer<Self>> {
        client_base::open::<cvm_reqwest::Client>(py, settings::of(py, options, true)?)
    }

    /// Begins to perform an action; `future` gets its outcome through the mailbox of its loop.
    #[pyo3(signature = (mailbox, future, action, parameters, checked, product=None))]
    #[allow(clippy::too_many_arguments, reason = "they are Python's")]
    fn call(
        &self,
        py: Python<'_>,
        mailbox: &Mailbox,
        future: Py<PyAny>,
        action: &str,
        parameters: &Bound<'_, PyDict>,
        checked: bool,
        product: Option<Product>,
    ) -> PyResult<Ticket> {
        logging::refresh(py);
        let here = Process::this();
        let (client, mail) = (self.0.of_product(py, here, action, product)?, mailbox.mail(py, here)?);
        let mut call = AnyMachine::call(py, client.config(), action, parameters, checked)?;
        Ticket::of(py, here, mail, |mail| async move {
            let outcome = match client.drive(&mut call).await {
                News::Continue(never) => match never {},
                News::Break(outcome) => outcome,
            };
            mail.deliver(Letter::Answer(future, outcome.map(Update::Answer)));
        })
    }

    /// Begins to drive a job until it has something to tell; `future` gets `(True, news)`, or `(False, output)`.
    fn advance(&self, py: Python<'_>, mailbox: &Mailbox, future: Py<PyAny>, job: &Job) -> PyResult<Ticket> {
        logging::refresh(py);
        let here = Process::this();
        let (client, mail) = (self.0.get(py, here)?, mailbox.mail(py, here)?);
        let mut taken = job.take(py, here, client.config())?;
        Ticket::of(py, here, mail, |mail| async move {
            let news = client.drive(&mut taken).await;
            if matches!(news, News::Break(_)) {
                taken.end();
            } else {
                drop(taken);
            }
            mail.deliver(Letter::News(future, news));
        })
    }
}

/// What lets a call be taken back.
#[pyclass(frozen, module = "cvm._cvm")]
pub(crate) struct Ticket {
    task: AbortHandle,
    /// A task of the parent's runtime is not for its child to end.
    process: Process,
}

impl Ticket {
    /// Begins what delivers to a mailbox.
    fn of<F: Future<Output = ()> + Send + 'static>(
        py: Python<'_>,
        here: Process,
        mail: Arc<Mail>,
        work: impl FnOnce(Arc<Mail>) -> F,
    ) -> PyResult<Self> {
        let task = runtime(py, here)?.spawn(MAIL.scope(Arc::clone(&mail), work(mail)));
        Ok(Self { task: task.abort_handle(), process: here })
    }
}

#[pymethods]
impl Ticket {
    /// Ends the call: nothing is sent any more, and its connection is closed.
    fn cancel(&self) {
        if self.process.is_this() {
            self.task.abort();
        }
    }
}

/// What has ended and waits for its loop.
#[pyclass(frozen, module = "cvm._cvm")]
pub(crate) struct Mailbox(Home<Mail>);

pub(crate) struct Mail {
    letters: Mutex<Vec<Letter>>,
    /// The loop has been called, and has not come yet.
    is_called: AtomicBool,
    /// Has the loop call a function soon, from any thread.
    call_soon: Py<PyAny>,
}

/// What is delivered, with the future that it is for, or the function that it runs.
enum Letter {
    Answer(Py<PyAny>, Result<Update, Error>),
    News(Py<PyAny>, News<Result<Update, Error>, Update>),
    Attempt(Listener, Box<EndedAttempt>),
    Question(Question),
}

tokio::task_local! {
    /// Where the running task delivers to.
    static MAIL: Arc<Mail>;
}

/// Where the running task delivers to; nowhere if it is no call's.
pub(crate) fn mail_of_this_call() -> Option<Arc<Mail>> {
    MAIL.try_with(Arc::clone).ok()
}

/// Has the loop that the running task belongs to hear of an attempt; gives it back if this is no such task.
pub(crate) fn post_attempt(listener: &Listener, ended: Box<EndedAttempt>) -> Result<(), Box<EndedAttempt>> {
    match mail_of_this_call() {
        Some(mail) => {
            mail.deliver(Letter::Attempt(listener.clone(), ended));
            Ok(())
        }
        None => Err(ended),
    }
}

impl Mail {
    fn new(call_soon: Py<PyAny>) -> Self {
        Self { letters: Mutex::default(), is_called: AtomicBool::new(false), call_soon }
    }

    /// Has a function run in the loop.
    pub(crate) fn ask(self: &Arc<Self>, question: Question) {
        self.deliver(Letter::Question(question));
    }

    /// Has the loop call something soon. One that is closed, or an interpreter that ends, has nobody who waits.
    pub(crate) fn call_soon(&self, what: &Py<PyAny>) {
        let _ = finalization::attach(|py| self.call_soon.call1(py, (what,)));
    }

    fn deliver(self: &Arc<Self>, letter: Letter) {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
        if self.is_called.swap(true, Ordering::AcqRel) {
            return;
        }
        // A loop that is closed, or an interpreter that ends, has nobody who waits.
        let _ = finalization::attach(|py| {
            let open = Bound::new(py, Mailbox(Home::of(Arc::clone(self))))?.getattr("open")?;
            self.call_soon.call1(py, (open,))
        });
    }
}

impl Mailbox {
    /// What this process' calls are delivered to. A loop that is used on after a fork does not hear of the parent's.
    fn mail(&self, py: Python<'_>, here: Process) -> PyResult<Arc<Mail>> {
        self.0.get(py, here, |theirs| Ok(Arc::new(Mail::new(theirs.call_soon.clone_ref(py)))))
    }
}

#[pymethods]
impl Mailbox {
    /// The mailbox of an event loop, which `call_soon` wakes: its `call_soon_threadsafe`.
    #[new]
    fn new(call_soon: Py<PyAny>) -> Self {
        Self(Home::new(Mail::new(call_soon)))
    }

    /// Gives everything that is there to those who wait for it.
    fn open(&self, py: Python<'_>) -> PyResult<()> {
        let mail = self.mail(py, Process::this())?;
        mail.is_called.store(false, Ordering::Release);
        let letters = std::mem::take(&mut *mail.letters.lock().unwrap_or_else(PoisonError::into_inner));
        let mut raised = Ok(());
        for letter in letters {
            match letter {
                Letter::Attempt(listener, ended) => raised = raised.and(listener.tell(py, &ended)),
                Letter::Question(question) => raised = raised.and(question.begin(py)),
                Letter::Answer(future, answer) => resolve(future.bind(py), || {
                    answer.map_or_else(
                        |error| {
                            logging::failed(&error);
                            Err(errors::exception(py, &error))
                        },
                        |told| told.object(py),
                    )
                })?,
                Letter::News(future, news) => {
                    resolve(future.bind(py), || client::news_object(py, news).map(Bound::into_any))?;
                }
            }
        }
        raised
    }
}

/// Gives a future its outcome, unless nobody waits for it any more.
fn resolve<'py>(
    future: &Bound<'py, PyAny>,
    outcome: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<()> {
    if future.call_method0("done")?.is_truthy()? {
        return Ok(());
    }
    match outcome() {
        Ok(value) => future.call_method1("set_result", (value,))?,
        Err(error) => future.call_method1("set_exception", (error,))?,
    };
    Ok(())
}
