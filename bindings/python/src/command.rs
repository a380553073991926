//! The command `cvm`, as Python has it.

use pyo3::prelude::*;

/// Runs the command with these arguments, the program's name first; gives the exit code.
#[pyfunction]
pub(crate) fn command(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| cvm_cli::run(arguments))
}
