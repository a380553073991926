//! Everything a client runs, as one machine: what drives it, blocking, async or by hand, need not know what it is.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use cvm_config::seed;
use cvm_journal::JournaledMachine;
use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::{
    Action, AnswerText, Cancel, Config, Error, ImageSyncMachine, Job as _, Machine, Now, Pages, Reply, Step,
    SyncProgress, SyncReport, SyncState, TextAnswer, TextCall, TextList, TextRequest, Verdict, WaitMachine,
    WaitUntil, WhichRegionsMachine, images_normal, instances_in_state,
};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde::Serialize;

use crate::argument::{self, Unfit};
use crate::fork::{Home, Process};
use crate::lists::ListPlace;
use crate::{decode, encode, errors, finalization, interrupt, settings, sync_job};

/// Any machine that a client runs.
pub(crate) enum AnyMachine {
    Call(Box<TextCall>),
    Pages(Box<Pages<TextList>>),
    Watch(Box<WaitMachine<TextRequest, Judge>>),
    Wait(Box<dyn Machine<Output = Result<Update, Error>, Progress = Update> + Send>),
    Regions(Box<WhichRegionsMachine>),
    Sync(Box<ImageSyncMachine>),
    Journaled(Box<JournaledMachine>),
}

/// How long a machine is waited for that its driver has to bring back: it may be writing to a slow disk.
const BRING_BACK_WITHIN: Duration = Duration::from_secs(5);

/// Whoever watches judges for himself: to the machine nothing is ever what was waited for.
type Judge = fn(&AnswerText) -> Verdict;

/// What a machine says, on its way or at its end.
pub(crate) enum Update {
    Answer(AnswerText),
    Event(Box<SyncProgress>),
    Report(SyncReport),
    Regions(Vec<String>),
    Nothing,
}

impl Machine for AnyMachine {
    type Output = Result<Update, Error>;
    type Progress = Update;

    fn poll(&mut self, now: Now) -> Step<Self::Output, Update> {
        match self {
            Self::Call(call) => map(call.poll(now), |never| match never {}, Update::Answer),
            // A page of texts is one answer, or none.
            Self::Pages(pages) => {
                let page =
                    |page: Vec<AnswerText>| page.into_iter().next().map_or(Update::Nothing, Update::Answer);
                map(pages.poll(now), page, |()| Update::Nothing)
            }
            Self::Watch(watch) => map(watch.poll(now), Update::Answer, Update::Answer),
            Self::Wait(wait) => wait.poll(now),
            Self::Regions(which) => map(which.poll(now), |never| match never {}, Update::Regions),
            Self::Sync(job) => map(job.poll(now), |event| Update::Event(Box::new(event)), Update::Report),
            Self::Journaled(job) => {
                map(job.poll(now), |event| Update::Event(Box::new(event)), Update::Report)
            }
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        match self {
            Self::Call(call) => call.reply(now, reply),
            Self::Pages(pages) => pages.reply(now, reply),
            Self::Watch(watch) => watch.reply(now, reply),
            Self::Wait(wait) => wait.reply(now, reply),
            Self::Regions(which) => which.reply(now, reply),
            Self::Sync(job) => job.reply(now, reply),
            Self::Journaled(job) => job.reply(now, reply),
        }
    }
}

/// A wait that the core judges, of which the texts are passed on.
struct Texts<M>(M);

impl<M, R> Machine for Texts<M>
where
    M: Machine<Output = Result<TextAnswer<R>, Error>, Progress = TextAnswer<R>>,
{
    type Output = Result<Update, Error>;
    type Progress = Update;

    fn poll(&mut self, now: Now) -> Step<Self::Output, Update> {
        let text = |answer: TextAnswer<R>| Update::Answer(answer.text);
        map(self.0.poll(now), text, text)
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.0.reply(now, reply);
    }
}

fn map<T, P>(
    step: Step<Result<T, Error>, P>,
    progress: impl FnOnce(P) -> Update,
    done: impl FnOnce(T) -> Update,
) -> Step<Result<Update, Error>, Update> {
    match step {
        Step::Send(request) => Step::Send(request),
        Step::WaitUntil(at) => Step::WaitUntil(at),
        Step::Progress(update) => Step::Progress(progress(update)),
        Step::Done(outcome) => Step::Done(outcome.map(done)),
    }
}

impl AnyMachine {
    /// A call. With `checked`, what the action does not take is refused.
    pub(crate) fn call(
        py: Python<'_>,
        config: &Config,
        action: &str,
        parameters: &Bound<'_, PyDict>,
        checked: bool,
    ) -> PyResult<TextCall> {
        Ok(TextCall::new(config, &request(py, action, parameters, checked)?, seed()))
    }

    /// Where it is, if it reads a list.
    fn place(&self) -> Option<&cvm_proto::ListPlace<TextList>> {
        if let Self::Pages(pages) = self { Some(pages.place()) } else { None }
    }

    /// The job's state, if it is a sync job.
    fn state(&self) -> Option<&SyncState> {
        match self {
            Self::Sync(job) => Some(job.state()),
            Self::Journaled(job) => Some(job.state()),
            _ => None,
        }
    }
}

fn request(
    py: Python<'_>,
    action: &str,
    parameters: &Bound<'_, PyDict>,
    checked: bool,
) -> PyResult<TextRequest> {
    let text = encode::parameters(py, action, parameters, checked)?;
    TextRequest::new(action, text).map_err(|error| errors::exception(py, &error))
}

impl Update {
    /// As Python's objects: an answer as it is on the wire, an event or a report as the core writes it.
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Answer(answer) => object(py, answer.as_str()),
            Self::Event(event) => serialized(py, &**event),
            Self::Report(report) => serialized(py, report),
            Self::Regions(regions) => Ok(PyList::new(py, regions)?.into_any()),
            Self::Nothing => Ok(py.None().into_bound(py)),
        }
    }
}

/// The text of an answer as Python's objects.
pub(crate) fn object<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    decode::decode(py, text).map_err(|error| {
        let message = format!("the answer cannot be read: {error}");
        errors::exception(py, &Error::response(message, None, 200))
    })
}

fn serialized<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(value).map_err(|error| PyValueError::new_err(error.to_string()))?;
    object(py, &text)
}

/// A machine that Python holds: pages, a watch, a sync job. Clients advance it, or it is driven by hand.
#[pyclass(frozen, module = "cvm._cvm")]
pub(crate) struct Job {
    holder: Home<MachineHolder>,
    /// Under which name a page has its items.
    items: Option<&'static str>,
}

/// Where a machine is kept while nobody drives it, and what cancels it.
pub(crate) struct MachineHolder {
    slot: Mutex<Slot>,
    /// Notified when the machine has come back.
    back: Condvar,
    cancel: Cancel,
}

/// The machine, or why it is not there.
enum Slot {
    Here(Box<AnyMachine>),
    /// Somebody drives it at this moment.
    Away,
    /// It is over; of a sync job the state is left.
    Over(Option<Box<SyncState>>),
}

/// A machine taken out of its slot; it goes back there, whatever happens to whoever took it.
pub(crate) struct TakenMachine {
    holder: Arc<MachineHolder>,
    machine: Option<Box<AnyMachine>>,
    /// When a request went out that has got no reply.
    in_flight: Option<Now>,
}

impl Job {
    pub(crate) fn new(machine: AnyMachine, cancel: Cancel, items: Option<&'static str>) -> Self {
        Self { holder: Home::new(MachineHolder::new(Slot::Here(Box::new(machine)), cancel)), items }
    }

    /// A call by hand.
    pub(crate) fn of_call(call: TextCall) -> Self {
        Self::new(AnyMachine::Call(Box::new(call)), Cancel::new(), None)
    }

    /// Polls the machine; it is over once the step is its last.
    pub(crate) fn poll(&self, py: Python<'_>, now: Now) -> PyResult<Step<Result<Update, Error>, Update>> {
        let mut taken = self.holder(py, Process::this(), None)?.take()?;
        let step = taken.machine().poll(now);
        if matches!(step, Step::Done(_)) {
            taken.end();
        }
        interrupt::raise().map(|()| step)
    }

    /// Hands a reply to the machine; one that comes after the end is ignored.
    pub(crate) fn reply(&self, py: Python<'_>, now: Now, reply: Reply) -> PyResult<()> {
        if let Ok(mut taken) = self.holder(py, Process::this(), None)?.take() {
            taken.machine().reply(now, reply);
        }
        interrupt::raise()
    }

    /// Takes the machine out, to drive it with a client of this configuration.
    pub(crate) fn take(&self, py: Python<'_>, here: Process, config: &Config) -> PyResult<TakenMachine> {
        self.holder(py, here, Some(config))?.take()
    }

    /// Where the machine is in this process. A forked one has the rest of a list, if it has a `config` to read it with;
    /// anything else is one job, and its parent's.
    fn holder(&self, py: Python<'_>, here: Process, config: Option<&Config>) -> PyResult<Arc<MachineHolder>> {
        self.holder.get(py, here, |theirs| theirs.rest(config).map(Arc::new).ok_or_else(elsewhere))
    }
}

fn elsewhere() -> PyErr {
    PyRuntimeError::new_err(
        "this job was begun in the process that this one was forked from, and belongs to it: begin another one here",
    )
}

impl MachineHolder {
    fn new(slot: Slot, cancel: Cancel) -> Self {
        Self { slot: Mutex::new(slot), back: Condvar::new(), cancel }
    }

    /// What a forked process may have of this.
    fn rest(&self, config: Option<&Config>) -> Option<Self> {
        let slot = match (&*self.slot_at_fork()?, config) {
            (Slot::Here(machine), Some(config)) => match &**machine {
                AnyMachine::Pages(pages) => {
                    Slot::Here(Box::new(AnyMachine::Pages(Box::new(pages.rest(config, seed())))))
                }
                _ => return None,
            },
            (Slot::Over(state), _) => Slot::Over(state.clone()),
            _ => return None,
        };
        Some(Self::new(slot, Cancel::new()))
    }

    /// The slot as it was when this process was forked; a thread that had it locked at that moment has it for ever.
    fn slot_at_fork(&self) -> Option<MutexGuard<'_, Slot>> {
        match self.slot.try_lock() {
            Ok(slot) => Some(slot),
            Err(TryLockError::Poisoned(slot)) => Some(slot.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn take(self: Arc<Self>) -> PyResult<TakenMachine> {
        let mut slot = lock(&self.slot);
        match std::mem::replace(&mut *slot, Slot::Away) {
            Slot::Here(machine) => {
                drop(slot);
                Ok(TakenMachine { holder: self, machine: Some(machine), in_flight: None })
            }
            Slot::Away => {
                Err(PyRuntimeError::new_err("this job is being run elsewhere: run it once at a time"))
            }
            over @ Slot::Over(_) => {
                *slot = over;
                Err(PyRuntimeError::new_err("this job is over: start a new one"))
            }
        }
    }
}

impl Machine for TakenMachine {
    type Output = Result<Update, Error>;
    type Progress = Update;

    fn poll(&mut self, now: Now) -> Step<Self::Output, Update> {
        let step = self.machine().poll(now);
        self.in_flight = matches!(step, Step::Send(_)).then_some(now);
        step
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.in_flight = None;
        self.machine().reply(now, reply);
    }
}

impl TakenMachine {
    fn machine(&mut self) -> &mut AnyMachine {
        self.machine.as_mut().expect("it is there until it is dropped")
    }

    fn give_back(&self, to: Slot) {
        *lock(&self.holder.slot) = to;
        self.holder.back.notify_all();
    }

    /// Leaves nothing but the state in the slot: the machine has given its output away.
    pub(crate) fn end(mut self) {
        let state = self.machine.take().and_then(|machine| machine.state().cloned());
        self.give_back(Slot::Over(state.map(Box::new)));
    }
}

impl Drop for TakenMachine {
    fn drop(&mut self) {
        let Some(mut machine) = self.machine.take() else { return };
        if let Some(now) = self.in_flight {
            // The driver went away, and nobody knows what becomes of the request: the machine has to.
            let why = "the caller went away before the answer";
            machine.reply(now, Reply::Failed(Failure::maybe_sent(FailureKind::Cancelled, why)));
        }
        self.give_back(Slot::Here(machine));
    }
}

#[pymethods]
impl Job {
    /// The job's state as text, if it is a sync job that nobody drives at this moment.
    fn state(&self, py: Python<'_>) -> PyResult<String> {
        let (holder, is_ours) = self.holder.look(py, Process::this());
        let slot = if is_ours { lock(&holder.slot) } else { holder.slot_at_fork().ok_or_else(elsewhere)? };
        let state = match &*slot {
            Slot::Here(machine) => machine.state(),
            Slot::Over(state) => state.as_deref(),
            Slot::Away => {
                return Err(PyRuntimeError::new_err(
                    "this job is on its way: its state can be had in on_progress, or once it has ended",
                ));
            }
        };
        let state = state.ok_or_else(|| PyRuntimeError::new_err("only a sync job has a state"))?;
        sync_job::state_text(state)
    }

    /// Lets go of a machine that is not to be driven any more, and of its journal; of a sync job the state is left. Whoever
    /// took a call back may be a moment late to bring the machine back: that is waited for. Whether it came.
    fn settle(&self, py: Python<'_>) -> PyResult<bool> {
        let (holder, is_ours) = self.holder.look(py, Process::this());
        if !is_ours {
            return Ok(true);
        }
        finalization::detach(py, || {
            let away = |slot: &mut Slot| matches!(slot, Slot::Away);
            let back = holder.back.wait_timeout_while(lock(&holder.slot), BRING_BACK_WITHIN, away);
            let (mut slot, timeout) = back.unwrap_or_else(PoisonError::into_inner);
            if let Slot::Here(machine) = &*slot {
                *slot = Slot::Over(machine.state().cloned().map(Box::new));
            }
            !timeout.timed_out()
        })
    }

    /// Asks a sync job to stop in order.
    fn cancel(&self, py: Python<'_>) {
        self.holder.look(py, Process::this()).0.cancel.cancel();
    }

    /// Where a list is, unless somebody reads it at this moment or it is over.
    fn place(&self, py: Python<'_>) -> Option<ListPlace> {
        let (holder, is_ours) = self.holder.look(py, Process::this());
        let slot = if is_ours { lock(&holder.slot) } else { holder.slot_at_fork()? };
        match &*slot {
            Slot::Here(machine) => machine.place().cloned().map(ListPlace),
            Slot::Away | Slot::Over(_) => None,
        }
    }

    /// The member of a page that holds its items.
    #[getter]
    fn items(&self) -> Option<&'static str> {
        self.items
    }
}

/// Locks what no panic leaves half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An action asked again and again.
pub(crate) fn watch(
    py: Python<'_>,
    config: &Config,
    action: &str,
    parameters: &Bound<'_, PyDict>,
    (interval, timeout): (f64, f64),
) -> PyResult<Job> {
    let watch = WaitUntil::new(request(py, action, parameters, true)?, (|_| Verdict::Pending) as Judge)
        .every(settings::duration(py, "interval", interval)?)
        .at_most(settings::duration(py, "timeout", timeout)?);
    Ok(Job::new(AnyMachine::Watch(Box::new(watch.start(config, seed()))), Cancel::new(), None))
}

/// Images asked for until all of them can be used.
pub(crate) fn wait_until_image_normal(
    py: Python<'_>,
    config: &Config,
    ids: &Bound<'_, PyAny>,
    pace: (f64, f64),
) -> PyResult<Job> {
    let ids = texts(py, "DescribeImages", ids)?;
    wait(py, config, images_normal(ids), pace)
}

/// Instances asked for until all of them are in a state.
pub(crate) fn wait_until_instances(
    py: Python<'_>,
    config: &Config,
    ids: &Bound<'_, PyAny>,
    state: &str,
    pace: (f64, f64),
) -> PyResult<Job> {
    let ids = texts(py, "DescribeInstances", ids)?;
    wait(py, config, instances_in_state(ids, state.into()), pace)
}

/// The ids of what is waited for.
fn texts(py: Python<'_>, action: &str, ids: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    argument::text_or_texts("ids", ids).map_err(|unfit| match unfit {
        Unfit::Wrong(why) => errors::parameter(py, action, why),
        Unfit::Raised(error) => error,
    })
}

fn wait<A, P>(
    py: Python<'_>,
    config: &Config,
    wait: WaitUntil<A, P>,
    (interval, timeout): (f64, f64),
) -> PyResult<Job>
where
    A: Action<Response: Send> + Clone + Send + 'static,
    P: FnMut(&A::Response) -> Verdict + Send + 'static,
{
    let wait = wait
        .every(settings::duration(py, "interval", interval)?)
        .at_most(settings::duration(py, "timeout", timeout)?);
    let machine = Texts(wait.with_text().start(config, seed()));
    Ok(Job::new(AnyMachine::Wait(Box::new(machine)), Cancel::new(), None))
}
