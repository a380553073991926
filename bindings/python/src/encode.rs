//! From a dictionary of parameters straight to JSON text.

use std::borrow::Cow;
use std::fmt::Write as _;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::errors;

/// Deeper than any parameter of the API, and shallow enough for every stack.
const DEEPEST: usize = 64;

/// The parameters as the text of an object. With `known`, a name that is not among them is refused.
///
/// `None` leaves a member out, at every depth, so that a caller can pass on what it was given.
pub(crate) fn parameters(
    py: Python<'_>,
    action: &str,
    parameters: &Bound<'_, PyDict>,
    known: Option<&[&str]>,
) -> PyResult<String> {
    let mut out = String::with_capacity(128);
    if let Some(known) = known {
        for name in parameters.keys() {
            let name = name.cast::<PyString>().map_err(PyErr::from)?.to_cow()?;
            if !known.contains(&&*name) {
                return Err(errors::unknown_parameter(py, action, &name, known));
            }
        }
    }
    match object(&mut out, parameters, 0) {
        Ok(()) => Ok(out),
        Err(Wrong { path, what: What::Value(why) }) => {
            let path: String = path.into_iter().rev().collect();
            Err(errors::parameter(py, action, format!("{} {why}", path.trim_start_matches('.'))))
        }
        Err(Wrong { what: What::Python(error), .. }) => Err(error),
    }
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

fn object(out: &mut String, members: &Bound<'_, PyDict>, depth: usize) -> Result<(), Wrong> {
    out.push('{');
    let mut first = true;
    for (name, member) in members {
        if member.is_none() {
            continue;
        }
        let Ok(name) = name.cast::<PyString>() else {
            return Err(Wrong::new(format!("has the name {}: names are texts", shown(&name))));
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
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    depth: usize,
) -> Result<(), Wrong> {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        value(out, &item, depth + 1).map_err(|wrong| wrong.within(|| format!("[{at}]")))?;
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
        object(out, value, depth)?;
    } else if let Ok(value) = value.cast::<PyList>() {
        list(out, value.iter(), depth)?;
    } else if let Ok(value) = value.cast::<PyTuple>() {
        list(out, value.iter(), depth)?;
    } else if let Ok(value) = value.cast::<PyFloat>() {
        let value = value.value();
        if !value.is_finite() {
            return Err(Wrong::new(format!("is {value}: JSON has only finite numbers")));
        }
        out.push_str(&serde_json::Value::from(value).to_string());
    } else if value.is_none() {
        return Err(Wrong::new("is None: leave the item out"));
    } else {
        return Err(Wrong::new(format!(
            "is {}: give a str, a bool, a number, a list or a dict",
            shown(value)
        )));
    }
    Ok(())
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

/// What a value is, without showing it: it may be a secret.
fn shown(value: &Bound<'_, PyAny>) -> String {
    let kind = value.get_type();
    match kind.name() {
        Ok(name) => format!("of the type {name}"),
        Err(_) => "of an unknown type".into(),
    }
}
