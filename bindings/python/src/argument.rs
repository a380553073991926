//! Arguments of Python's as values, and what is said of one that has another type.

use std::path::PathBuf;

use pyo3::exceptions::{PyAttributeError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyInt, PyIterator, PyMemoryView, PyString};

/// What an argument is read as.
pub(crate) trait Argument {
    /// What to give for it.
    const WANTED: &'static str;
}

impl Argument for String {
    const WANTED: &'static str = "a str";
}

impl Argument for bool {
    const WANTED: &'static str = "True or False";
}

impl Argument for f64 {
    const WANTED: &'static str = "a number";
}

impl Argument for i64 {
    const WANTED: &'static str = "a whole number below 2**63";
}

impl Argument for u32 {
    const WANTED: &'static str = "a whole number from 0 to 4294967295";
}

impl Argument for u16 {
    const WANTED: &'static str = "a whole number from 0 to 65535";
}

impl Argument for PathBuf {
    const WANTED: &'static str = "a str or a path";
}

/// The value of the argument of this name. One of another type is a `TypeError`, and a number out of range a `ValueError`.
pub(crate) fn read<'py, T>(name: &str, given: &Bound<'py, PyAny>) -> PyResult<T>
where
    T: Argument + for<'a> FromPyObject<'a, 'py>,
{
    let value: Result<T, PyErr> = given.extract().map_err(Into::into);
    value.map_err(|error| {
        let py = given.py();
        if given.is_instance_of::<PyInt>() && error.is_instance_of::<PyOverflowError>(py) {
            PyValueError::new_err(format!("{name} is {given}: give {}", T::WANTED))
        } else if error.is_instance_of::<PyTypeError>(py) || error.is_instance_of::<PyOverflowError>(py) {
            wrong_type(name, given, T::WANTED)
        } else {
            error
        }
    })
}

/// What a protocol gives; `None` if the value does not have it. What else its code raises, such as Ctrl-C or what a query's
/// database says, is raised.
pub(crate) fn if_there<T>(py: Python<'_>, given: PyResult<T>) -> PyResult<Option<T>> {
    let is_absent = |error: &PyErr| {
        error.is_instance_of::<PyAttributeError>(py)
            || error.is_instance_of::<PyTypeError>(py)
            || error.is_instance_of::<PyValueError>(py)
    };
    match given {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The items of an iterable; bytes are none, although they can be iterated over.
pub(crate) fn items<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyIterator>>> {
    let is_binary = value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyByteArray>()
        || value.is_instance_of::<PyMemoryView>();
    if is_binary { Ok(None) } else { if_there(value.py(), value.try_iter()) }
}

/// What is no iterable of texts.
pub(crate) enum Unfit {
    /// A sentence that names the place.
    Wrong(String),
    /// What an iterator raised.
    Raised(PyErr),
}

impl From<PyErr> for Unfit {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<Unfit> for PyErr {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::Wrong(why) => PyTypeError::new_err(why),
            Unfit::Raised(error) => error,
        }
    }
}

/// The end of iterators that have none.
const MOST_TEXTS: usize = 100_000;

/// Texts from an iterable of them, which neither a text nor bytes are here. `wanted` is what to give for the whole.
pub(crate) fn texts(name: &str, given: &Bound<'_, PyAny>, wanted: &str) -> Result<Vec<String>, Unfit> {
    let wrong = |place: &str, value: &Bound<'_, PyAny>, wanted: &str| {
        Unfit::Wrong(format!("{place} is {}: give {wanted}", kind(value)))
    };
    let each = if given.is_instance_of::<PyString>() { None } else { items(given)? };
    let mut texts = Vec::new();
    for (at, item) in each.ok_or_else(|| wrong(name, given, wanted))?.enumerate() {
        let item = item?;
        if at == MOST_TEXTS {
            return Err(Unfit::Wrong(format!("{name} has more than {MOST_TEXTS} items: give fewer")));
        }
        texts.push(item.extract().map_err(|_| wrong(&format!("{name}[{at}]"), &item, "a str"))?);
    }
    Ok(texts)
}

/// One text, or an iterable of them.
pub(crate) fn text_or_texts(name: &str, given: &Bound<'_, PyAny>) -> Result<Vec<String>, Unfit> {
    match given.extract() {
        Ok(text) => Ok(vec![text]),
        Err(_) => texts(name, given, "a str, or an iterable of them"),
    }
}

/// The exception for an argument of another type.
pub(crate) fn wrong_type(name: &str, given: &Bound<'_, PyAny>, wanted: &str) -> PyErr {
    PyTypeError::new_err(format!("{name} is {}: give {wanted}", kind(given)))
}

/// What a value is, without showing it, as it may be a secret: `an int`, `None`.
#[pyfunction]
pub(crate) fn kind(value: &Bound<'_, PyAny>) -> String {
    if value.is_none() {
        return "None".into();
    }
    let name = value.get_type().name().map_or_else(|_| "value".into(), |name| name.to_string());
    let vowel = name.trim_start_matches('_').starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']);
    format!("{} {name}", if vowel { "an" } else { "a" })
}
