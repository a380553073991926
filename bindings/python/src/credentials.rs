//! Credentials in code: the value `cvm.Credentials`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use cvm_config::masked;
use cvm_proto::credential::Lease;
use cvm_proto::{Credential, Error};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBool;

use crate::{argument, errors};

/// A later end is no number of seconds: the year is 5138.
const LAST_SECOND: f64 = 1e11;

/// A key of Tencent Cloud, permanent or temporary.
///
/// `token` goes with a temporary key, and `expires` is when that ends: an aware `datetime`, or seconds since 1970. White space
/// around the parts does not count. What cannot be part of a key raises `cvm.ConfigError`, which names the part and never shows
/// it; so does no `repr`.
#[pyclass(frozen, module = "cvm")]
pub(crate) struct Credentials(pub(crate) Lease);

#[pymethods]
impl Credentials {
    #[new]
    #[pyo3(signature = (secret_id, secret_key, token=None, expires=None))]
    fn new(
        py: Python<'_>,
        secret_id: &Bound<'_, PyAny>,
        secret_key: &Bound<'_, PyAny>,
        token: Option<&Bound<'_, PyAny>>,
        expires: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let token: Option<String> = token.map(|token| argument::read("token", token)).transpose()?;
        let secret_id: String = argument::read("secret_id", secret_id)?;
        let secret_key: String = argument::read("secret_key", secret_key)?;
        let credential = Credential::new(secret_id, secret_key)
            .and_then(|credential| credential.with_token(token.unwrap_or_default()))
            .map_err(|error: Error| errors::exception(py, &error))?;
        let expires = expires.map(seconds).transpose()?;
        Ok(Self(Lease { credential, expires }))
    }

    /// The public half of the key.
    #[getter]
    fn secret_id(&self) -> &str {
        self.0.credential.secret_id()
    }

    /// The secret half. It signs and is never sent.
    #[getter]
    fn secret_key(&self) -> &str {
        self.0.credential.secret_key()
    }

    /// The token of a temporary key.
    #[getter]
    fn token(&self) -> Option<&str> {
        self.0.credential.token()
    }

    /// When it ends, in seconds since 1970; `None` if it does not.
    #[getter]
    fn expires(&self) -> Option<u64> {
        self.0.expires
    }

    fn __repr__(&self) -> String {
        let temporary = if self.token().is_some() { ", temporary" } else { "" };
        let expires = self.0.expires.map(|end| format!(", expires={end}")).unwrap_or_default();
        format!("<cvm.Credentials {}{temporary}{expires}>", masked(self.secret_id()))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.parts().hash(&mut hasher);
        hasher.finish()
    }

    fn __copy__(this: Bound<'_, Self>) -> Bound<'_, Self> {
        this
    }

    fn __deepcopy__<'py>(this: Bound<'py, Self>, _memo: &Bound<'py, PyAny>) -> Bound<'py, Self> {
        this
    }

    fn __reduce__(_this: Bound<'_, Self>) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Credentials cannot be pickled, as that would write its key where it may be read: make one where it is to be used",
        ))
    }
}

impl Credentials {
    fn parts(&self) -> (&str, &str, Option<&str>, Option<u64>) {
        (self.secret_id(), self.secret_key(), self.token(), self.0.expires)
    }
}

/// A moment in seconds since 1970.
fn seconds(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let py = value.py();
    let number = if value.hasattr("utcoffset")? {
        if value.call_method0("utcoffset")?.is_none() {
            return Err(PyValueError::new_err(
                "expires is a datetime without a time zone: give an aware one, such as datetime.now(timezone.utc)",
            ));
        }
        value.call_method0("timestamp")?.extract::<f64>().ok()
    } else if value.is_instance_of::<PyBool>() {
        None
    } else {
        value.extract::<f64>().ok()
    };
    match number {
        // What is cut off is a fraction of a second.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(seconds) if seconds > 0.0 && seconds < LAST_SECOND => Ok(seconds as u64),
        Some(seconds) => Err(errors::exception(
            py,
            &Error::config(format!("expires is {seconds}: give seconds since 1970, or an aware datetime")),
        )),
        None => Err(argument::wrong_type("expires", value, "seconds since 1970, or an aware datetime")),
    }
}
