//! The sync job as data: from keyword arguments to the job and its run, and what a state says.

use std::path::PathBuf;
use std::time::Duration;

use cvm_config::seed;
use cvm_files::{Access, RealFile};
use cvm_journal::Journal;
use cvm_proto::{
    Cancel, Config, Error, ImageSync, Job as _, OnConflict, Outcome, RunOption, SyncEndpoint, SyncRun,
    SyncState, WhichRegions,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::argument;
use crate::job::{self, AnyMachine, Job};
use crate::settings::Options;
use crate::{errors, finalization};

/// What a sync job is to do, from keyword arguments: the job, the run that they ask for, and which regions are meant.
#[pyclass(frozen, module = "cvm._cvm")]
pub(crate) struct SyncPlan {
    /// The job without its regions.
    job: ImageSync,
    regions: Vec<String>,
    /// What has to be asked to know them.
    which: Option<WhichRegions>,
}

#[pymethods]
impl SyncPlan {
    #[new]
    fn new(
        py: Python<'_>,
        images: &Bound<'_, PyAny>,
        to: &Bound<'_, PyAny>,
        except: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let images = argument::text_or_texts("images", images)?;
        let to = argument::texts("to", to, "an iterable of regions")?;
        let except = argument::texts("except_", except, "an iterable of regions")?;
        let run = run(py, options)?;
        let options = Options(Some(options));
        let on_conflict = match options.given::<String>("on_conflict")?.as_deref() {
            None | Some("fail") => OnConflict::Fail,
            Some("skip") => OnConflict::Skip,
            Some(other) => {
                let why = format!("on_conflict is `{}`: use fail or skip", other.escape_debug());
                return Err(PyValueError::new_err(why));
            }
        };
        let job = ImageSync::of(images)
            .on_conflict(on_conflict)
            .encrypt(options.given("encrypt")?.unwrap_or(false))
            .same_attributes(options.given("same_attributes")?.unwrap_or(false))
            .with_run(run);
        let from = options.given::<String>("source_region")?;
        let which = WhichRegions::of(&to).except(except);
        let which = from.iter().fold(which, WhichRegions::from);
        let job = from.into_iter().fold(job, ImageSync::from);
        let job = options.given::<String>("name")?.into_iter().fold(job, ImageSync::name);
        let job = options.given::<String>("kms_key_id")?.into_iter().fold(job, ImageSync::kms_key_id);
        let job = options.given::<i64>("max_size")?.into_iter().fold(job, ImageSync::max_size);
        Ok(Self { job, regions: to, which: Some(which).filter(WhichRegions::needs_list) })
    }

    #[getter]
    fn images(&self) -> Vec<String> {
        self.job.images().to_vec()
    }

    #[getter]
    fn regions(&self) -> Vec<String> {
        self.job.clone().to(&self.regions).regions().to_vec()
    }

    /// Whether it has to be asked which regions are meant.
    #[getter]
    fn has_patterns(&self) -> bool {
        self.which.is_some()
    }

    /// The same with the regions that are meant.
    fn at(&self, regions: Vec<String>) -> Self {
        Self { job: self.job.clone(), regions, which: None }
    }
}

impl SyncPlan {
    /// The job, whose regions have to be known.
    fn job(&self) -> PyResult<ImageSync> {
        if self.which.is_some() {
            return Err(PyValueError::new_err(
                "which regions are meant is not known before the job runs: run it, or name them",
            ));
        }
        Ok(self.job.clone().to(&self.regions))
    }

    /// The question which regions are meant.
    pub(crate) fn ask(&self, config: &Config) -> PyResult<Job> {
        let cancel = Cancel::new();
        let Some(which) = self.which.clone() else {
            return Err(PyValueError::new_err("the regions of this job are known"));
        };
        let machine = which.cancel_with(&cancel).start(config, seed());
        Ok(Job::new(AnyMachine::Regions(Box::new(machine)), cancel, None))
    }
}

/// The options of a job and those of a run, as they are called here: `from` is a word of Python's own.
#[pyfunction]
pub(crate) fn sync_options() -> (Vec<&'static str>, Vec<&'static str>) {
    let renamed = |name| if name == "from" { "source_region" } else { name };
    (ImageSync::OPTIONS.map(renamed).into(), SyncRun::OPTIONS.iter().map(RunOption::name).collect())
}

/// What belongs to one run.
fn run(py: Python<'_>, options: &Bound<'_, PyDict>) -> PyResult<SyncRun> {
    let options = Options(Some(options));
    SyncRun::OPTIONS.iter().try_fold(SyncRun::new(), |run, option| {
        Ok(match *option {
            RunOption::Time(name, set) => options.seconds(py, name)?.into_iter().fold(run, set),
            RunOption::Flag(name, set) => options.given(name)?.into_iter().fold(run, set),
        })
    })
}

/// Where a journal is, and the profile that a job in it is begun with.
pub(crate) type JournalAt = (PathBuf, Option<String>);

/// A sync job that is ready to run: what a plan says, what a journal or a state has, or both, which the core compares.
///
/// A journal is locked from here on, until the job is let go of.
pub(crate) fn begin(
    py: Python<'_>,
    config: &Config,
    plan: Option<&SyncPlan>,
    options: &Bound<'_, PyDict>,
    state: Option<&str>,
    journal: Option<JournalAt>,
) -> PyResult<Job> {
    let run = run(py, options)?;
    let job = plan.map(SyncPlan::job).transpose()?.map(|job| job.with_run(run.clone()));
    let stored = state.map(read_state).transpose()?;
    let cancel = Cancel::new();
    let machine = finalization::detach(py, || match journal {
        Some(journal) => keep(config, job, run, journal, &cancel),
        None => prepare(config, job, run, stored, &cancel),
    })?;
    Ok(Job::new(machine.map_err(|error| errors::exception(py, &error))?, cancel, None))
}

/// A job in a journal.
fn keep(
    config: &Config,
    job: Option<ImageSync>,
    run: SyncRun,
    (path, profile): JournalAt,
    cancel: &Cancel,
) -> Result<AnyMachine, Error> {
    let journal = profile.into_iter().fold(Journal::open(path)?, Journal::profile);
    let kept = match job {
        Some(job) => journal.begin_or_resume(job, config)?,
        None => journal.resume(run, config)?,
    };
    Ok(AnyMachine::Journaled(Box::new(kept.cancel_with(cancel).start(config, seed()))))
}

/// A job that is not written down, or by the caller.
fn prepare(
    config: &Config,
    job: Option<ImageSync>,
    run: SyncRun,
    stored: Option<SyncState>,
    cancel: &Cancel,
) -> Result<AnyMachine, Error> {
    let endpoint = SyncEndpoint::of(config);
    let machine = match (job, stored) {
        (Some(job), Some(_)) if job.is_dry_run() => {
            return Err(Error::parameter(
                "a dry run keeps nothing: leave the state out, or run without dry_run",
            ));
        }
        (Some(job), None) => job.cancel_with(cancel).start(config, seed()),
        (Some(job), stored) => {
            job.begin_or_resume(stored, endpoint, config)?.cancel_with(cancel).start(config, seed())
        }
        (None, Some(stored)) => stored.resume(run, &endpoint)?.cancel_with(cancel).start(config, seed()),
        (None, None) => return Err(Error::parameter("there is no sync job: give images and regions")),
    };
    Ok(AnyMachine::Sync(Box::new(machine)))
}

/// A state from the text that [`state_text`] gave.
fn read_state(text: &str) -> PyResult<SyncState> {
    SyncState::from_bytes(text.as_bytes()).map_err(|error| PyValueError::new_err(error.message().to_owned()))
}

/// A state as the text that people keep.
pub(crate) fn state_text(state: &SyncState) -> PyResult<String> {
    String::from_utf8(state.to_bytes()).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// What a state says: images, regions, source region, whether it is finished, and the report so far.
type Facts<'py> = (Vec<String>, Vec<String>, String, bool, Bound<'py, PyAny>);

/// Reads what a state says.
#[pyfunction]
pub(crate) fn sync_facts<'py>(py: Python<'py>, state: &str) -> PyResult<Facts<'py>> {
    let state = read_state(state)?;
    let report = job::Update::Report(state.report()).object(py)?;
    Ok((
        state.images().to_vec(),
        state.regions().to_vec(),
        state.source_region().to_owned(),
        state.is_finished(),
        report,
    ))
}

/// Whether a destination that ended so is good, and whether it is as asked. An outcome of a later version is neither.
#[pyfunction]
pub(crate) fn judge_outcome(outcome: &str, has_error: bool) -> (bool, bool) {
    let outcome: Result<Outcome, _> = serde_json::from_value(outcome.into());
    outcome.map_or((false, false), |outcome| (outcome.is_good(), outcome.is_as_asked(has_error)))
}

/// What a journal holds, as text; `None` if there is no file. For looking at it: a job is resumed under its lock.
#[pyfunction]
pub(crate) fn read_journal(py: Python<'_>, path: PathBuf) -> PyResult<Option<String>> {
    let state = cvm_journal::read(&path).map_err(|error| errors::exception(py, &error))?;
    state.as_ref().map(state_text).transpose()
}

/// Writes a state into a file, as a journal has it: it is on the disk when this returns.
#[pyfunction]
pub(crate) fn write_journal(py: Python<'_>, path: PathBuf, state: &str) -> PyResult<()> {
    let bytes = read_state(state)?.to_bytes();
    let written = finalization::detach(py, || {
        let file = RealFile::resolve(&path)?.lock(Duration::ZERO)?;
        file.replace(&bytes, Access::Private)
    })?;
    written.map_err(|error| {
        let message = format!("cannot write the journal {}: {error}", path.display());
        errors::exception(py, &Error::journal(message))
    })
}
