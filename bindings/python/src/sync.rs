//! The sync job as data: from keyword arguments to a state, and what a state says.

use cvm_proto::{ImageSync, OnConflict, SyncState};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::settings::Options;
use crate::{errors, work};

/// The state, as JSON, of a job that has not begun.
#[pyfunction]
pub(crate) fn sync_state(
    py: Python<'_>,
    images: Vec<String>,
    to: Vec<String>,
    options: &Bound<'_, PyDict>,
) -> PyResult<String> {
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
        .to(to)
        .on_conflict(on_conflict)
        .encrypt(options.given("encrypt")?.unwrap_or(false))
        .same_attributes(options.given("same_attributes")?.unwrap_or(false))
        .delete_failed(options.given("delete_failed")?.unwrap_or(false))
        .wait(options.given("wait")?.unwrap_or(true))
        .dry_run(options.given("dry_run")?.unwrap_or(false));
    let job = options.given::<String>("source_region")?.into_iter().fold(job, ImageSync::from);
    let job = options.given::<String>("name")?.into_iter().fold(job, ImageSync::name);
    let job = options.given::<String>("kms_key_id")?.into_iter().fold(job, ImageSync::kms_key_id);
    let job = options.given::<i64>("max_size")?.into_iter().fold(job, ImageSync::max_size);
    let job = options.seconds(py, "timeout")?.into_iter().fold(job, ImageSync::timeout);
    let job = options.seconds(py, "settle")?.into_iter().fold(job, ImageSync::settle);
    let job =
        options.seconds(py, "destination_timeout")?.into_iter().fold(job, ImageSync::destination_timeout);
    serde_json::to_string(&SyncState::new(job)).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// What a state says: images, regions, source region, whether it is finished, and the report so far.
type Facts<'py> = (Vec<String>, Vec<String>, String, bool, Bound<'py, PyAny>);

/// Reads what a state says.
#[pyfunction]
pub(crate) fn sync_facts<'py>(py: Python<'py>, state: &str) -> PyResult<Facts<'py>> {
    let state = work::read_state(state)?;
    let report = work::Told::Report(state.report()).object(py)?;
    Ok((
        state.images().to_vec(),
        state.regions().to_vec(),
        state.source_region().to_owned(),
        state.is_finished(),
        report,
    ))
}

/// What a journal holds, as JSON; `None` if there is no file.
#[pyfunction]
pub(crate) fn read_journal(py: Python<'_>, path: std::path::PathBuf) -> PyResult<Option<String>> {
    let state = cvm_journal::read(&path).map_err(|error| errors::exception(py, &error))?;
    let text = state.map(|state| serde_json::to_string(&state)).transpose();
    text.map_err(|error| PyValueError::new_err(error.to_string()))
}

/// Writes a state where a journal is: it is on the disk when this returns.
#[pyfunction]
pub(crate) fn write_journal(py: Python<'_>, path: std::path::PathBuf, state: &str) -> PyResult<()> {
    let state = work::read_state(state)?;
    let written = cvm_journal::Journal::open(path).and_then(|journal| journal.write(&state));
    written.map_err(|error| errors::exception(py, &error))
}
