//! Names that are none, and what was probably meant by them.

use cvm_proto::{input, output};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::credentials::Credentials;
use crate::settings;

/// What other SDKs call the arguments of a client.
const ARGUMENTS_ELSEWHERE: [(&str, &str); 13] = [
    ("access_key", "secret_id"),
    ("access_key_id", "secret_id"),
    ("access_key_secret", "secret_key"),
    ("aws_access_key_id", "secret_id"),
    ("aws_secret_access_key", "secret_key"),
    ("cred", "credentials"),
    ("max_retries", "attempts"),
    ("proxies", "proxy"),
    ("read_timeout", "attempt_timeout"),
    ("retries", "attempts"),
    ("timeout", "call_timeout"),
    ("user_agent_extra", "request_client"),
    ("verify", "ca_file"),
];

/// What other SDKs call the methods of a client.
const METHODS_ELSEWHERE: [(&str, &str); 5] = [
    ("can_paginate", "paginate"),
    ("call_json", "call"),
    ("get_paginator", "paginate"),
    ("get_waiter", "wait_until_image_normal(), wait_until_instances() or wait()"),
    ("set_region", "with_region"),
];

fn elsewhere(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours)
}

/// The one of the known names that was probably meant.
#[pyfunction]
pub(crate) fn meant(name: &str, known: Vec<String>) -> Option<String> {
    input::closest(name, known.iter().map(String::as_str)).map(str::to_owned)
}

/// The exception for an argument that a function does not have, in Python's words.
pub(crate) fn unknown_argument<'a>(
    function: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> PyErr {
    let other =
        elsewhere(&ARGUMENTS_ELSEWHERE, name).filter(|ours| known.clone().any(|known| known == *ours));
    // Such as `region` in `region_name`.
    let within = || known.clone().find(|known| name.split('_').any(|word| word == *known));
    let meant = other.or_else(|| input::closest(name, known.clone())).or_else(within);
    let hint = meant.map_or_else(
        || {
            format!(
                ": help(cvm.Client.{}) shows all",
                if function == "with_options" { function } else { "__init__" }
            )
        },
        |meant| format!(". Did you mean '{meant}'?"),
    );
    let name = output::escaped(name);
    PyTypeError::new_err(format!("{function}() got an unexpected keyword argument '{name}'{hint}"))
}

/// The keyword arguments of a client of the class `kind`, from all that it was given.
#[pyfunction]
pub(crate) fn client_arguments<'py>(
    kind: &str,
    positional: &Bound<'py, PyTuple>,
    given: &Bound<'py, PyDict>,
) -> PyResult<()> {
    if positional.len() > 1 {
        let has_credentials = positional.iter().any(|each| each.is_instance_of::<Credentials>());
        let example = if has_credentials { "credentials=..." } else { "secret_id=..., secret_key=..." };
        return Err(PyTypeError::new_err(format!(
            "{kind}() takes one positional argument, the region, and {} were given: give the others by name, as in \
             {kind}(\"ap-shanghai\", {example})",
            positional.len(),
        )));
    }
    for region in positional {
        if given.contains("region")? {
            let why = format!("{kind}() got multiple values for argument 'region': give it once");
            return Err(PyTypeError::new_err(why));
        }
        given.set_item("region", region)?;
    }
    if given.get_item("region")?.is_some_and(|region| region.is_instance_of::<Credentials>()) {
        let why = format!("{kind}() got a Credentials in place of the region: give it as credentials=...");
        return Err(PyTypeError::new_err(why));
    }
    let known = settings::arguments();
    for name in given.keys() {
        let name: String = name.extract()?;
        if !known.iter().any(|(known, _)| *known == name) {
            return Err(unknown_argument(kind, &name, known.iter().map(|(known, _)| *known)));
        }
    }
    Ok(())
}

/// What is said of a name that is no attribute of a client of the class `kind`.
#[pyfunction]
pub(crate) fn no_attribute(kind: &str, name: &str, known: Vec<String>) -> String {
    let spelt = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let same = || known.iter().find(|known| known.as_str() != name && spelt(known) == spelt(name));
    let similar = || input::closest(name, known.iter().map(String::as_str)).filter(|known| *known != name);
    let hint = match elsewhere(&METHODS_ELSEWHERE, name) {
        Some(ours) => format!(": use {ours}"),
        None => same()
            .map(String::as_str)
            .or_else(similar)
            .map_or_else(String::new, |meant| format!(". Did you mean: '{meant}'?")),
    };
    format!("'{kind}' object has no attribute '{}'{hint}", output::escaped(name))
}
