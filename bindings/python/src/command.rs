//! The command `cvm`, as Python has it.

use pyo3::prelude::*;

use crate::finalization;

/// Runs the command with these arguments, the program's name first; gives the exit code.
#[pyfunction]
pub(crate) fn command(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> PyResult<u8> {
    finalization::detach(py, || cvm_cli::run(arguments))
}
