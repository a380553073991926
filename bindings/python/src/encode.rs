//! From a dictionary of parameters straight to JSON text.

use std::borrow::Cow;
use std::fmt::Write as _;

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

use crate::argument::{if_there, items, kind};
use crate::errors;

/// Deeper than any parameter of the API, and shallow enough for every stack.
const DEEPEST: usize = 64;

/// The largest body that the service takes, and the end of iterators that have none.
const LARGEST: usize = 10 << 20;

/// The parameters of an action as the text of an object; `checked` also refuses what the action does not take.
///
/// `None` leaves a member out, at every depth, so that a caller can pass on what it was given.
pub(crate) fn parameters(
    py: Python<'_>,
    action: &str,
    parameters: &Bound<'_, PyDict>,
    checked: bool,
) -> PyResult<String> {
    let mut out = String::with_capacity(128);
    match object(&mut out, parameters.iter().map(Ok), 0) {
        Ok(()) => {}
        Err(Wrong { path, what: What::Value(why) }) => {
            let path: String = path.into_iter().rev().collect();
            return Err(errors::parameter(py, action, format!("{} {why}", path.trim_start_matches('.'))));
        }
        Err(Wrong { what: What::Python(error), .. }) => return Err(error),
    }
    if checked {
        let sent = serde_json::from_str(&out).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let mistakes = cvm_cli::check(action, &sent);
        if !mistakes.is_empty() {
            return Err(errors::mistakes(py, action, &mistakes));
        }
    }
    Ok(out)
}

/// A value that cannot be sent; its path is put together backwards, on the way out.
struct Wrong {
    path: Vec<String>,
    what: What,
}

enum What {
    /// It goes on from the value's path.
    Value(Cow<'static, str>),
    Python(PyErr),
}

impl Wrong {
    fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self { path: Vec::new(), what: What::Value(why.into()) }
    }

    fn within(mut self, step: impl FnOnce() -> String) -> Self {
        self.path.push(step());
        self
    }
}

impl From<PyErr> for Wrong {
    fn from(error: PyErr) -> Self {
        Self { path: Vec::new(), what: What::Python(error) }
    }
}

fn object<'py>(
    out: &mut String,
    members: impl Iterator<Item = PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)>>,
    depth: usize,
) -> Result<(), Wrong> {
    out.push('{');
    let mut first = true;
    for member in members {
        let (name, member) = member?;
        if member.is_none() {
            continue;
        }
        let Ok(name) = name.cast::<PyString>() else {
            return Err(Wrong::new(format!("has a name that is {}: names are texts", kind(&name))));
        };
        if !first {
            out.push(',');
        }
        first = false;
        let name = unicode(name)?;
        text(out, &name);
        out.push(':');
        value(out, &member, depth + 1).map_err(|wrong| wrong.within(|| format!(".{name}")))?;
    }
    out.push('}');
    Ok(())
}

fn list<'py>(
    out: &mut String,
    items: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>,
    depth: usize,
) -> Result<(), Wrong> {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        value(out, &item?, depth + 1).map_err(|wrong| wrong.within(|| format!("[{at}]")))?;
        if out.len() > LARGEST {
            return Err(Wrong::new("is larger than the 10 MiB that a request can have"));
        }
    }
    out.push(']');
    Ok(())
}

fn value(out: &mut String, value: &Bound<'_, PyAny>, depth: usize) -> Result<(), Wrong> {
    if depth > DEEPEST {
        return Err(Wrong::new("is nested too deeply, or holds itself: give plain values"));
    }
    if let Ok(value) = value.cast::<PyString>() {
        text(out, &unicode(value)?);
    } else if let Ok(value) = value.cast::<PyBool>() {
        out.push_str(if value.is_true() { "true" } else { "false" });
    } else if let Ok(value) = value.cast::<PyInt>() {
        match value.extract::<i64>() {
            Ok(small) => write!(out, "{small}").expect("a string takes everything"),
            Err(_) => out.push_str(&decimal(value)?),
        }
    } else if let Ok(value) = value.cast::<PyDict>() {
        // A snapshot: what is converted may run code that changes the dictionary.
        members(out, &value.items(), depth)?;
    } else if let Ok(value) = value.cast::<PyList>() {
        list(out, value.iter().map(Ok), depth)?;
    } else if let Ok(value) = value.cast::<PyTuple>() {
        list(out, value.iter().map(Ok), depth)?;
    } else if let Ok(value) = value.cast::<PyFloat>() {
        float(out, value.value())?;
    } else if value.is_none() {
        return Err(Wrong::new("is None: leave the item out"));
    } else {
        other(out, value, depth)?;
    }
    Ok(())
}

/// What is no type of Python's own, and stands for one by its protocol: numbers such as numpy's, mappings, iterables.
fn other(out: &mut String, value: &Bound<'_, PyAny>, depth: usize) -> Result<(), Wrong> {
    let py = value.py();
    if let Some(number) = index(value)? {
        out.push_str(&decimal(&number)?);
    } else if let Ok(mapping) = value.cast::<PyMapping>() {
        members(out, &mapping.items()?, depth)?;
    } else if let Some(each) = items(value)? {
        list(out, each, depth)?;
    } else if let Some(truth) = if_there(py, value.extract::<bool>())? {
        // numpy's, which has no protocol.
        out.push_str(if truth { "true" } else { "false" });
    } else if let Some(number) = if_there(py, value.call_method0(intern!(py, "__float__")))? {
        float(out, number.extract()?)?;
    } else {
        return Err(Wrong::new(format!(
            "is {}: give a str, a bool, a number, an iterable or a mapping",
            kind(value)
        )));
    }
    Ok(())
}

fn float(out: &mut String, value: f64) -> Result<(), Wrong> {
    if !value.is_finite() {
        return Err(Wrong::new(format!("is {value}: JSON has only finite numbers")));
    }
    out.push_str(&serde_json::Value::from(value).to_string());
    Ok(())
}

fn members(out: &mut String, items: &Bound<'_, PyList>, depth: usize) -> Result<(), Wrong> {
    object(out, items.iter().map(|item| item.extract()), depth)
}

/// The whole number that a value stands for.
fn index<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyInt>>> {
    let py = value.py();
    let number = if_there(py, value.call_method0(intern!(py, "__index__")))?;
    Ok(number.and_then(|number| number.cast_into().ok()))
}

fn text(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            control => write!(out, "\\u{control:04x}").expect("a string takes everything"),
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

fn unicode<'a>(text: &'a Bound<'_, PyString>) -> Result<Cow<'a, str>, Wrong> {
    text.to_cow().map_err(|_| Wrong::new("is a text with a lone surrogate: give valid Unicode"))
}

/// The digits of a number of any size, also of an `IntEnum`, whose own text is another.
fn decimal(number: &Bound<'_, PyInt>) -> PyResult<String> {
    number.call_method1("__format__", ("d",))?.extract()
}
