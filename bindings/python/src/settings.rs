//! From a client's keyword arguments to its settings: the one place that knows them all.

use std::path::PathBuf;
use std::time::Duration;

use cvm_config::{CredentialSetting, Loaded, Loader, Setting, SettingKind};
use cvm_proto::{Error, Settings};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use crate::argument::{self, Argument, wrong_type};
use crate::attempt::Listener;
use crate::credential_function::{CredentialFunction, Function};
use crate::credentials::Credentials;
use crate::{encode, errors, names};

/// Keyword arguments; one that is `None` counts as not given.
pub(crate) struct Options<'a, 'py>(pub(crate) Option<&'a Bound<'py, PyDict>>);

impl<'py> Options<'_, 'py> {
    /// One argument.
    pub(crate) fn given<T>(&self, name: &str) -> PyResult<Option<T>>
    where
        T: Argument + for<'a> FromPyObject<'a, 'py>,
    {
        self.any(name)?.map(|value| argument::read(name, &value)).transpose()
    }

    /// One argument, whatever it is.
    pub(crate) fn any(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let value = self.0.map(|given| given.get_item(name)).transpose()?.flatten();
        Ok(value.filter(|value| !value.is_none()))
    }

    /// A time in seconds.
    pub(crate) fn seconds(&self, py: Python<'_>, name: &str) -> PyResult<Option<Duration>> {
        self.given::<f64>(name)?.map(|seconds| duration(py, name, seconds)).transpose()
    }

    /// Texts: anything that can be iterated over but a text.
    pub(crate) fn texts(&self, name: &str) -> PyResult<Vec<String>> {
        let Some(given) = self.any(name)? else { return Ok(Vec::new()) };
        if given.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(format!("{name} is a text: give a list of texts")));
        }
        Ok(argument::texts(name, &given, "a list of texts")?)
    }

    /// A dictionary, or another mapping, of texts.
    fn table(&self, name: &str) -> PyResult<Vec<(String, String)>> {
        let Some(given) = self.any(name)? else { return Ok(Vec::new()) };
        let wrong = |_| PyTypeError::new_err(format!("{name}: give a dictionary with texts in it"));
        let items = given.cast::<PyMapping>().map_err(|error| wrong(error.into()))?.items()?;
        items.iter().map(|item| item.extract().map_err(wrong)).collect()
    }
}

/// The argument that is a credential, or a function that gives some.
const CREDENTIALS: &str = "credentials";

/// The arguments that are no [`Setting`] either, since they belong to programs; some calls may have them otherwise.
const OF_CALLS: [&str; 6] =
    ["rate_limit", "sign_method", "retry_on", "never_retry_on", "headers", "on_attempt"];

/// The arguments that a client takes, and whether some calls may have each otherwise.
pub(crate) fn arguments() -> Vec<(&'static str, bool)> {
    let settings = Setting::ALL.into_iter().map(|setting| (setting.name(), setting.is_for_calls()));
    let others = CredentialSetting::ALL.into_iter().map(CredentialSetting::name).chain([CREDENTIALS]);
    let others = others.map(|name| (name, false));
    settings.chain(others).chain(OF_CALLS.into_iter().map(|name| (name, true))).collect()
}

/// The settings that the arguments ask for, with what is missing from the environment and the user's files. Functions of
/// the program may be async where `is_async`.
pub(crate) fn of(py: Python<'_>, given: Option<&Bound<'_, PyDict>>, is_async: bool) -> PyResult<Settings> {
    let options = Options(given);
    let refused = |error: Error| errors::exception(py, &error);
    let mut loader = Loader::new();
    for setting in Setting::ALL {
        if let Some(value) = text(py, &options, setting)? {
            loader = loader.set(setting, value);
        }
    }
    loader = credential(py, &options, loader, is_async)?;
    let Loaded { mut settings, warnings, .. } = loader.load().map_err(refused)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    of_calls(py, &options, &mut settings)?;
    let own = concat!("cvm-python-", env!("CARGO_PKG_VERSION"));
    settings.request_client.get_or_insert_with(|| own.to_owned());
    Ok(settings)
}

/// Changes the settings of a client for some of its calls.
pub(crate) fn change_for_calls(
    py: Python<'_>,
    given: &Bound<'_, PyDict>,
    settings: &mut Settings,
) -> PyResult<()> {
    let options = Options(Some(given));
    let refused = |error: Error| errors::exception(py, &error);
    let known = arguments();
    for (name, value) in given {
        let name: String = name.extract()?;
        match known.iter().find(|(known, _)| *known == name) {
            None => {
                let for_calls = known.iter().filter(|(_, is_for_calls)| *is_for_calls);
                return Err(names::unknown_argument(
                    "with_options",
                    &name,
                    for_calls.map(|(known, _)| *known),
                ));
            }
            Some((name, false)) if !value.is_none() => return Err(refused(Settings::shared_by_calls(name))),
            Some(_) => {}
        }
    }
    for setting in Setting::ALL {
        if let Some(value) = text(py, &options, setting)? {
            setting.set_for_calls(&value, settings).map_err(refused)?;
        }
    }
    of_calls(py, &options, settings)
}

/// Changes what [`OF_CALLS`] names.
fn of_calls(py: Python<'_>, options: &Options<'_, '_>, settings: &mut Settings) -> PyResult<()> {
    settings.rate_limit = options.given("rate_limit")?.unwrap_or(settings.rate_limit);
    if let Some(method) = options.given::<String>("sign_method")? {
        settings.sign_method = method.parse().map_err(|error| errors::exception(py, &error))?;
    }
    let mut retry = settings.retry.clone();
    for code in options.texts("retry_on")? {
        retry = retry.retry_on(code);
    }
    for code in options.texts("never_retry_on")? {
        retry = retry.never_retry_on(code);
    }
    settings.retry = retry;
    for (name, value) in options.table("headers")? {
        settings.headers.set(name, value);
    }
    if let Some(function) = options.any("on_attempt")? {
        settings.on_attempt = Some(Listener::new(function.unbind()).into_hook());
    }
    Ok(())
}

/// A setting as the text that it is in the environment and in files: there is one reader of each.
fn text(py: Python<'_>, options: &Options<'_, '_>, setting: Setting) -> PyResult<Option<String>> {
    let name = setting.name();
    Ok(match setting.kind() {
        SettingKind::File => options.given::<PathBuf>(name)?.map(|path| path.to_string_lossy().into_owned()),
        SettingKind::Switch => options.given::<bool>(name)?.map(|on| on.to_string()),
        SettingKind::Count => options.given::<u32>(name)?.map(|count| count.to_string()),
        SettingKind::Time => options.seconds(py, name)?.map(|time| format!("{}ns", time.as_nanos())),
        _ => options.given(name)?,
    })
}

/// Gives the loader what is said of the credential.
fn credential(
    py: Python<'_>,
    options: &Options<'_, '_>,
    mut loader: Loader,
    is_async: bool,
) -> PyResult<Loader> {
    if let Some(given) = options.any(CREDENTIALS)? {
        loader = if let Ok(credentials) = given.cast::<Credentials>() {
            loader.credential(credentials.get().0.clone())
        } else if given.is_callable() {
            loader.provider(CredentialFunction(Function::new(CREDENTIALS, given, is_async)?))
        } else {
            return Err(wrong_type(CREDENTIALS, &given, "a cvm.Credentials, or a function that gives one"));
        };
    }
    for setting in CredentialSetting::ALL {
        let name = setting.name();
        let Some(given) = options.any(name)? else { continue };
        let value = match setting {
            CredentialSetting::MfaCode if given.is_callable() => {
                loader = loader.mfa_code(Function::new(name, given, is_async)?.mfa_code());
                continue;
            }
            CredentialSetting::MfaCode if !given.is_instance_of::<PyString>() => {
                return Err(wrong_type(name, &given, "the code as a text, or a function that asks for one"));
            }
            CredentialSetting::CredentialProcess if !given.is_instance_of::<PyString>() => {
                let words = argument::texts(name, &given, "a command line, or its words as texts")?;
                py.import("shlex")?.call_method1("join", (words,))?.extract()?
            }
            CredentialSetting::RolePolicy if !given.is_instance_of::<PyString>() => {
                let policy = PyDict::new(py);
                policy.update(given.cast::<PyMapping>().map_err(|_| {
                    wrong_type(name, &given, "a policy of CAM as a dictionary, or as JSON")
                })?)?;
                encode::parameters(py, name, &policy, false)?
            }
            CredentialSetting::RoleDuration => {
                let time = options.seconds(py, name)?.unwrap_or_default();
                if time.subsec_nanos() == 0 {
                    time.as_secs().to_string()
                } else {
                    format!("{}ns", time.as_nanos())
                }
            }
            CredentialSetting::WebIdentityTokenFile => {
                argument::read::<PathBuf>(name, &given)?.to_string_lossy().into_owned()
            }
            _ => match options.given(name)? {
                Some(value) => value,
                None => continue,
            },
        };
        loader = loader.set_credential(setting, value);
    }
    Ok(loader)
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
