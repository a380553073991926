//! Functions of the program that give a credential, or the code of a device.
//!
//! For a blocking client the function runs in the thread of the call that asks, so that Ctrl-C and thread-locals are as
//! its user expects. For an async client it runs for that call's event loop: an async function as a task of the loop, any
//! other in a thread, so that it holds up neither the loop nor the I/O of others.

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error as _;
use std::fmt;
use std::sync::mpsc::{TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};

use cvm_proto::credential::{Errand, Fetch, FetchContext, Found, MfaCode, Provider, elsewhere, ready};
use cvm_proto::{Error, Machine, Now, Reply, Step};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::argument;
use crate::async_client::{self, Mail};
use crate::credentials::Credentials;
use crate::interrupt;

/// A function that is given as a keyword.
pub(crate) struct Function {
    /// The keyword.
    name: &'static str,
    function: Py<PyAny>,
    /// Whether an async client calls it.
    is_async: bool,
}

impl Function {
    /// The function that is given as `name`, unless this client cannot call it.
    pub(crate) fn new(name: &'static str, function: Bound<'_, PyAny>, is_async: bool) -> PyResult<Arc<Self>> {
        let py = function.py();
        let named = PyDict::new(py);
        named.set_item(name, &function)?;
        py.import("cvm._callbacks")?.call_method("check", (is_async,), Some(&named))?;
        Ok(Arc::new(Self { name, function: function.unbind(), is_async }))
    }

    /// As what gives the codes of a device.
    pub(crate) fn mfa_code(self: Arc<Self>) -> MfaCode {
        MfaCode::ask(move || self.begin(code))
    }

    /// Begins to find out what it gives; `read` takes that.
    fn begin<T: Send + 'static>(self: &Arc<Self>, read: Read<T>) -> Errand<Result<T, Error>> {
        if self.is_async {
            self.in_its_loop(read)
        } else {
            Box::new(InThisThread { function: Arc::clone(self), read, outcome: None })
        }
    }

    fn in_its_loop<T: Send + 'static>(self: &Arc<Self>, read: Read<T>) -> Errand<Result<T, Error>> {
        let Some(mail) = async_client::mail_of_this_call() else {
            return ready(Err(self.failed("was to run without the event loop of a call")));
        };
        let (hand_in, outcome) = channel();
        let function = Arc::clone(self);
        let take: Take = Box::new(move |py, returned| {
            // Nobody may be there any more to hear it.
            let _ = hand_in.send(function.read(py, read, returned));
        });
        let task = Arc::new(Task { state: Mutex::new(TaskState::Waiting(take)), mail: Arc::clone(&mail) });
        mail.ask(Question { function: Arc::clone(self), task: Arc::clone(&task) });
        let (task, function) = (Asked(task), Arc::clone(self));
        elsewhere(move || {
            let _ = &task;
            match outcome.try_recv() {
                Ok(outcome) => Some(outcome),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => {
                    Some(Err(function.failed("was cancelled before it gave any")))
                }
            }
        })
    }

    /// What is made of what it returned or raised.
    fn read<T>(
        &self,
        py: Python<'_>,
        read: Read<T>,
        returned: PyResult<Bound<'_, PyAny>>,
    ) -> Result<T, Error> {
        let value = match returned {
            Ok(value) => value,
            Err(error) => {
                let kind = name_of(error.get_type(py).as_any());
                // What it says may hold a secret: it is there for whoever looks at the cause.
                let failed = self.failed(&format!("raised {kind}: its cause says more"));
                return Err(failed.with_source(Raised(error)));
            }
        };
        read(&value).map_err(|wanted| {
            let kind = argument::kind(&value);
            if kind != "a coroutine" {
                return self.failed(&format!("returned {kind}: {wanted}"));
            }
            // Otherwise it would complain that nobody awaited it.
            let _ = value.call_method0("close");
            self.failed(&format!(
                "returned a coroutine, which a blocking client cannot await: {wanted}, or use cvm.AsyncClient"
            ))
        })
    }

    #[cold]
    fn failed(&self, what: &str) -> Error {
        Error::credential(format!("the function given as {} {what}", self.name))
    }
}

fn name_of(kind: &Bound<'_, PyAny>) -> String {
    kind.getattr("__name__").map_or_else(|_| "value".into(), |name| name.to_string())
}

/// Reads what a function returned; an error says what to return instead.
type Read<T> = fn(&Bound<'_, PyAny>) -> Result<T, &'static str>;

fn lease(value: &Bound<'_, PyAny>) -> Result<Found, &'static str> {
    let credentials = value.cast::<Credentials>().map_err(|_| "return a cvm.Credentials")?;
    Ok(Found::Lease(credentials.get().0.clone()))
}

fn code(value: &Bound<'_, PyAny>) -> Result<String, &'static str> {
    value.extract().map_err(|_| "return the code as a text")
}

/// A function that gives credentials.
#[derive(Debug)]
pub(crate) struct CredentialFunction(pub(crate) Arc<Function>);

impl Provider for CredentialFunction {
    fn fetch(&self, _: &FetchContext) -> Fetch {
        self.0.begin(lease)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a function of the program raised, as the cause of an error. It says nothing itself: that would need the interpreter.
struct Raised(PyErr);

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raised")
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what a function of the program raised")
    }
}

impl std::error::Error for Raised {}

/// What a function of the program raised, if that is behind an error.
pub(crate) fn cause(py: Python<'_>, error: &Error) -> Option<PyErr> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(Raised(raised)) = cause.downcast_ref() {
            return Some(raised.clone_ref(py));
        }
        source = cause.source();
    }
    None
}

thread_local! {
    /// The functions that this thread is calling.
    static CALLING: RefCell<Vec<*const Function>> = const { RefCell::new(Vec::new()) };
}

/// Calls a function in the thread of whoever polls.
struct InThisThread<T> {
    function: Arc<Function>,
    read: Read<T>,
    outcome: Option<Result<T, Error>>,
}

impl<T> InThisThread<T> {
    /// What came of calling it; nothing if that was interrupted.
    fn call(&self) -> Option<Result<T, Error>> {
        let function = &self.function;
        let place = Arc::as_ptr(function);
        if CALLING.with_borrow(|calling| calling.contains(&place)) {
            let what = "uses the client that waits for it: give it a client of its own";
            return Some(Err(function.failed(what)));
        }
        let mut outcome = None;
        let is_interrupted = interrupt::run(|py| {
            CALLING.with_borrow_mut(|calling| calling.push(place));
            let returned = function.function.bind(py).call0();
            CALLING.with_borrow_mut(Vec::pop);
            match returned {
                // Ctrl-C and the like are no failure of the credential's source, and are not remembered as one.
                Err(error) if !error.is_instance_of::<PyException>(py) => return Err(error),
                returned => outcome = Some(function.read(py, self.read, returned)),
            }
            Ok(())
        });
        if is_interrupted {
            return None;
        }
        Some(
            outcome
                .unwrap_or_else(|| Err(function.failed("was to run when the interpreter had begun to end"))),
        )
    }
}

impl<T> Machine for InThisThread<T> {
    type Output = Result<T, Error>;
    type Progress = Infallible;

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        if let Some(outcome) = self.outcome.take() {
            return Step::Done(outcome);
        }
        self.outcome = self.call();
        // It may have taken its time: what comes next has to know how late it is.
        Step::WaitUntil(now.mono)
    }

    fn reply(&mut self, _: Now, _: Reply) {}
}

/// A function that is to run for an event loop.
pub(crate) struct Question {
    function: Arc<Function>,
    task: Arc<Task>,
}

impl Question {
    /// Begins, in the thread of the loop.
    pub(crate) fn begin(self, py: Python<'_>) -> PyResult<()> {
        let TaskState::Waiting(take) = self.task.swap(TaskState::Beginning) else { return Ok(()) };
        let answer = Answer { take: Mutex::new(Some(take)), task: Arc::clone(&self.task) };
        let answer = Bound::new(py, answer)?;
        let begin = py.import("cvm._credentials").and_then(|module| module.getattr("begin"));
        match begin.and_then(|begin| begin.call1((&self.function.function, &answer))) {
            Ok(cancel) => self.task.has_begun(py, cancel.unbind()),
            Err(error) => {
                answer.get().finish(py, Err(error));
                Ok(())
            }
        }
    }
}

/// Takes what a function returned or raised.
type Take = Box<dyn for<'py> FnOnce(Python<'py>, PyResult<Bound<'py, PyAny>>) + Send>;

/// A task of an event loop.
struct Task {
    state: Mutex<TaskState>,
    mail: Arc<Mail>,
}

/// Nothing of Python's runs while it is locked.
enum TaskState {
    Waiting(Take),
    Beginning,
    /// What cancels it.
    Begun(Py<PyAny>),
    /// It has ended, or nobody waits for it any more.
    Over,
}

impl Task {
    fn swap(&self, state: TaskState) -> TaskState {
        std::mem::replace(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), state)
    }

    fn has_begun(&self, py: Python<'_>, cancel: Py<PyAny>) -> PyResult<()> {
        let given_up = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let is_over = matches!(*state, TaskState::Over);
            if !is_over {
                *state = TaskState::Begun(cancel.clone_ref(py));
            }
            is_over
        };
        if given_up { cancel.call0(py).map(drop) } else { Ok(()) }
    }
}

/// Whoever waits for a task, and cancels it on going away.
struct Asked(Arc<Task>);

impl Drop for Asked {
    fn drop(&mut self) {
        if let TaskState::Begun(cancel) = self.0.swap(TaskState::Over) {
            self.0.mail.call_soon(&cancel);
        }
    }
}

/// What a task hands its outcome to.
#[pyclass(frozen, module = "cvm._cvm")]
pub(crate) struct Answer {
    take: Mutex<Option<Take>>,
    task: Arc<Task>,
}

#[pymethods]
impl Answer {
    /// The function has returned.
    fn returned(&self, value: Bound<'_, PyAny>) {
        self.finish(value.py(), Ok(value));
    }

    /// The function was cancelled, or the program ends.
    fn cancelled(&self) {
        drop(self.take.lock().unwrap_or_else(PoisonError::into_inner).take());
        drop(self.task.swap(TaskState::Over));
    }

    /// The function has raised.
    fn raised(&self, error: Bound<'_, PyAny>) {
        self.finish(error.py(), Err(PyErr::from_value(error)));
    }
}

impl Answer {
    fn finish<'py>(&self, py: Python<'py>, outcome: PyResult<Bound<'py, PyAny>>) {
        let take = self.take.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(self.task.swap(TaskState::Over));
        if let Some(take) = take {
            take(py, outcome);
        }
    }
}
