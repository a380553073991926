//! From a client's keyword arguments to its settings: the one place that knows them all.

use std::path::PathBuf;
use std::time::Duration;

use cvm_proto::{Credential, Endpoint, Error, Language, Settings};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;

/// Keyword arguments; one that is `None` counts as not given.
pub(crate) struct Options<'a, 'py>(pub(crate) Option<&'a Bound<'py, PyDict>>);

impl<'py> Options<'_, 'py> {
    /// One argument.
    pub(crate) fn get<T>(&self, name: &str) -> PyResult<Option<T>>
    where
        T: for<'a> FromPyObject<'a, 'py>,
    {
        let Some(value) = self.0.map(|given| given.get_item(name)).transpose()?.flatten() else {
            return Ok(None);
        };
        let extracted: Result<T, PyErr> = value.extract().map_err(Into::into);
        extracted
            .map(Some)
            .map_err(|error| PyTypeError::new_err(format!("{name}: {}", error.value(value.py()))))
    }

    /// A time in seconds.
    pub(crate) fn seconds(&self, py: Python<'_>, name: &str) -> PyResult<Option<Duration>> {
        let given = self.get::<Option<f64>>(name)?.flatten();
        given.map(|seconds| duration(py, name, seconds)).transpose()
    }

    /// An argument that may be `None`.
    pub(crate) fn given<T>(&self, name: &str) -> PyResult<Option<T>>
    where
        T: for<'a> FromPyObject<'a, 'py>,
    {
        self.get::<Option<T>>(name).map(Option::flatten)
    }
}

/// The settings that the arguments ask for, with what is missing from the environment.
pub(crate) fn of(py: Python<'_>, given: Option<&Bound<'_, PyDict>>) -> PyResult<Settings> {
    let options = Options(given);
    let key = Key {
        secret_id: options.given("secret_id")?,
        secret_key: options.given("secret_key")?,
        token: options.given("token")?,
        endpoint: options.given("endpoint")?,
    };
    let refused = |error: Error| errors::exception(py, &error);
    let mut settings = key.settings().map_err(refused)?;
    settings.region = options.given("region")?.or(settings.region);
    if let Some(name) = options.given::<String>("language")? {
        settings.language = Some(language(&name).map_err(refused)?);
    }
    if let Some(attempts) = options.given::<u32>("attempts")? {
        settings.retry.attempts = attempts.max(1);
    }
    settings.rate_limit = options.given("rate_limit")?.unwrap_or(settings.rate_limit);
    settings.attempt_timeout = options.seconds(py, "attempt_timeout")?.unwrap_or(settings.attempt_timeout);
    settings.call_timeout = options.seconds(py, "call_timeout")?.unwrap_or(settings.call_timeout);
    settings.connect_timeout = options.seconds(py, "connect_timeout")?.unwrap_or(settings.connect_timeout);
    settings.proxy = options.given("proxy")?;
    if let Some(file) = options.given::<PathBuf>("ca_file")? {
        settings.ca_pem = Some(std::fs::read(&file).map_err(|error| {
            refused(Error::config(format!("ca_file {} cannot be read: {error}", file.display())))
        })?);
    }
    if let Some(method) = options.given::<String>("sign_method")? {
        settings.sign_method = method.parse().map_err(refused)?;
    }
    let tag = options.given::<String>("request_client")?;
    settings.request_client =
        tag.or_else(|| Some(concat!("cvm-python-", env!("CARGO_PKG_VERSION")).to_owned()));
    Ok(settings)
}

/// Who signs, and where requests go.
struct Key {
    secret_id: Option<String>,
    secret_key: Option<String>,
    token: Option<String>,
    endpoint: Option<String>,
}

impl Key {
    fn settings(self) -> Result<Settings, Error> {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut settings = match (self.secret_id, self.secret_key) {
            (Some(id), Some(key)) => {
                let mut settings = Settings::default();
                let credential = Credential::new(id, key)?;
                settings.credential = Some(credential.with_token(self.token.unwrap_or_default()));
                settings.region = var("TENCENTCLOUD_REGION");
                if let Some(address) = var("TENCENTCLOUD_ENDPOINT").filter(|_| self.endpoint.is_none()) {
                    settings.endpoint = Endpoint::explicit(&address)?;
                }
                settings
            }
            (None, None) => Settings::from_vars(var)?,
            _ => return Err(Error::config("secret_id and secret_key belong together: give both, or none")),
        };
        if let Some(address) = self.endpoint {
            settings.endpoint = Endpoint::explicit(&address)?;
        }
        Ok(settings)
    }
}

fn language(name: &str) -> Result<Language, Error> {
    let mut all = [Language::Chinese, Language::English].into_iter();
    all.find(|language| language.as_str() == name).ok_or_else(|| {
        Error::config(format!("language `{}` is not known: use zh-CN or en-US", name.escape_debug()))
    })
}

/// A time in seconds.
pub(crate) fn duration(py: Python<'_>, name: &str, seconds: f64) -> PyResult<Duration> {
    const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);
    let time = Duration::try_from_secs_f64(seconds).ok();
    time.filter(|time| !time.is_zero() && *time <= YEAR).ok_or_else(|| {
        let why = format!("{name} is {seconds}: give seconds, more than none and at most a year of them");
        errors::exception(py, &Error::config(why))
    })
}
