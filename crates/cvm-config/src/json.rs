//! Settings by their names, with values as JSON has them: for programs in other languages.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use cvm_proto::{Error, input};
use serde_json::Value;

use crate::credential_setting::CredentialSetting;
use crate::loader::Loader;
use crate::setting::{Setting, SettingKind};

impl Loader {
    /// Gives a [`Setting`] or a [`CredentialSetting`] by its name, with its value as JSON has it. `null` counts as not
    /// given.
    ///
    /// A text says what it says in the environment. Beside it a switch may be `true` or `false`, a count a number, a time a
    /// number of seconds, and a policy an object.
    ///
    /// ```
    /// use cvm_config::{Environment, Loader};
    /// use serde_json::json;
    ///
    /// let mut loader = Loader::of(Environment::of::<&str, &str>([]));
    /// for (name, value) in json!({"region": "ap-beijing", "attempts": 5, "call_timeout": 2.5}).as_object().unwrap() {
    ///     loader = loader.set_json(name, value)?;
    /// }
    /// let settings = loader.load()?.settings;
    /// assert_eq!((settings.retry.attempts, settings.call_timeout.as_millis()), (5, 2500));
    /// # Ok::<(), cvm_proto::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](cvm_proto::ErrorKind::Config) if there is no setting of this name, or the value is of another
    /// kind. Whether it is right is said by [`load`](Self::load).
    pub fn set_json(self, name: &str, value: &Value) -> Result<Self, Error> {
        if let Some(setting) = Setting::ALL.into_iter().find(|setting| setting.name() == name) {
            return Ok(match text(name, setting.kind(), value)? {
                Some(text) => self.set(setting, text),
                None => self,
            });
        }
        let Some(setting) = CredentialSetting::ALL.into_iter().find(|setting| setting.name() == name) else {
            return Err(unknown(name, value));
        };
        let kind = match setting {
            CredentialSetting::RoleDuration => SettingKind::Time,
            _ => SettingKind::Text,
        };
        let text = match (setting, value) {
            (CredentialSetting::RolePolicy, Value::Object(_)) => Some(value.to_string()),
            _ => text(name, kind, value)?,
        };
        Ok(match text {
            Some(text) => self.set_credential(setting, text),
            None => self,
        })
    }
}

/// A value as the text that it is in the environment and in files: there is one reader of each.
fn text(name: &str, kind: SettingKind, value: &Value) -> Result<Option<String>, Error> {
    let text = match (kind, value) {
        (_, Value::Null) => return Ok(None),
        (_, Value::String(text)) => Some(text.to_owned()),
        (SettingKind::Switch, Value::Bool(on)) => Some(on.to_string()),
        (SettingKind::Count | SettingKind::Time, Value::Number(number)) if number.is_u64() => {
            Some(number.to_string())
        }
        (SettingKind::Time, Value::Number(number)) => {
            let time = number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            time.map(|time| format!("{}ns", time.as_nanos()))
        }
        _ => None,
    };
    let what = match kind {
        SettingKind::Text => "a text",
        SettingKind::File => "the path of a file",
        SettingKind::Switch => "true or false",
        SettingKind::Count => "a whole number",
        SettingKind::Time => "a time: give seconds, or a text such as `500ms`",
    };
    text.map(Some).ok_or_else(|| Error::config(format!("{name} is not {what}")))
}

#[cold]
fn unknown(name: &str, value: &Value) -> Error {
    let settings = || Setting::ALL.into_iter();
    if let Some((setting, former)) =
        settings().filter_map(|setting| Some((setting, setting.former()?))).find(|(_, it)| it.key == name)
    {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return former.refused(&value, setting.name(), ": ");
    }
    let names = settings().map(Setting::name);
    let names: Vec<&str> = names.chain(CredentialSetting::ALL.map(CredentialSetting::name)).collect();
    let meant = match input::closest(name, names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("name one of {}", names.join(", ")),
    };
    Error::config(format!("there is no setting `{}`: {meant}", input::excerpt(name)))
}
