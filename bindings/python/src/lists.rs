//! Lists that come in pages: from where one is read, and where it was left.

use cvm_config::seed;
use cvm_proto::{Cancel, Config, Pages, TextList};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::job::{AnyMachine, Job};
use crate::{encode, errors};

/// Where a list is, which outlives the machine that reads it.
#[pyclass(frozen, module = "cvm._cvm")]
pub(crate) struct ListPlace(pub(crate) cvm_proto::ListPlace<TextList>);

#[pymethods]
impl ListPlace {
    /// By what the list is resumed, from the last `left` items of the page that came last; `None` if nothing is left.
    fn resume_token(&self, left: usize) -> Option<String> {
        self.0.resume_token(left)
    }
}

/// The pages of a list, from where a token says if there is one.
pub(crate) fn pages(
    py: Python<'_>,
    config: &Config,
    action: &str,
    parameters: &Bound<'_, PyDict>,
    resume_token: Option<&str>,
) -> PyResult<Job> {
    let text = encode::parameters(py, action, parameters, true)?;
    let list = TextList::new(action, &text).map_err(|error| errors::exception(py, &error))?;
    let items = list.items();
    let pages = match resume_token {
        Some(token) => {
            Pages::resume(config, &list, token, seed()).map_err(|error| errors::exception(py, &error))?
        }
        None => Pages::new(config, list, seed()),
    };
    Ok(Job::new(AnyMachine::Pages(Box::new(pages)), Cancel::new(), Some(items)))
}
