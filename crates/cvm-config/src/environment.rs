//! What of a process settings are looked up in: its variables, and the folders with its files.

use std::fmt;
use std::path::{Path, PathBuf};

use cvm_proto::{Error, input};

/// The variables and the folders that settings are looked up in.
///
/// ```
/// use cvm_config::{Environment, Loader};
///
/// let environment = Environment::of([
///     ("TENCENTCLOUD_SECRET_ID", "AKIDexample"),
///     ("TENCENTCLOUD_SECRET_KEY", "not-a-real-key"),
/// ]);
/// let loaded = Loader::new().environment(environment).load()?;
/// assert_eq!(loaded.settings.credential.unwrap().secret_id(), "AKIDexample");
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone)]
pub struct Environment {
    /// `None` for those of this process. Of two with the same name the last counts.
    variables: Option<Vec<(String, String)>>,
    home: Option<PathBuf>,
    system: Option<PathBuf>,
}

impl Environment {
    /// That of this process: its variables, the user's home folder, `/etc/tencentcloud`.
    pub fn process() -> Self {
        Self {
            variables: None,
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            system: Some(PathBuf::from("/etc/tencentcloud")),
        }
    }

    /// These variables, and no folders.
    pub fn of<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables: Some(variables), home: None, system: None }
    }

    /// The folder that holds `.tencentcloud` and `.tccli`.
    #[must_use]
    pub fn home(mut self, folder: impl Into<PathBuf>) -> Self {
        self.home = Some(folder.into());
        self
    }

    /// The folder that holds the file `credentials` of all users.
    #[must_use]
    pub fn system(mut self, folder: impl Into<PathBuf>) -> Self {
        self.system = Some(folder.into());
        self
    }

    /// A variable without the white space around its value; an empty one counts as unset.
    pub(crate) fn var(&self, name: &str) -> Result<Option<String>, Error> {
        let value = match &self.variables {
            Some(variables) => {
                let set = variables.iter().rev().find(|(set, _)| set == name);
                set.map(|(_, value)| value.clone())
            }
            None => match std::env::var(name) {
                Ok(value) => Some(value),
                Err(std::env::VarError::NotPresent) => None,
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err(Error::config(format!("{name} is not UTF-8: set it anew")));
                }
            },
        };
        Ok(value.map(|value| input::trim(&value).to_owned()).filter(|value| !value.is_empty()))
    }

    /// The first of these variables that is set, with its name.
    pub(crate) fn first(&self, names: &[&'static str]) -> Result<Option<(&'static str, String)>, Error> {
        for &name in names {
            if let Some(value) = self.var(name)? {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }

    /// A path below the home folder.
    pub(crate) fn at_home(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(path))
    }

    /// A path below the folder of all users.
    pub(crate) fn at_system(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        self.system.as_ref().map(|system| system.join(path))
    }

    /// A path that a user wrote: `~` at its beginning is the home folder.
    pub(crate) fn path(&self, written: &str) -> PathBuf {
        let below_home = written.strip_prefix("~/").and_then(|rest| self.at_home(rest));
        below_home.unwrap_or_else(|| PathBuf::from(written))
    }

    /// A path as messages write it, with `~` for the home folder.
    pub(crate) fn show(&self, path: &Path) -> String {
        let below_home = self.home.as_ref().and_then(|home| path.strip_prefix(home).ok());
        match below_home {
            Some(rest) => format!("~/{}", rest.display()),
            None => path.display().to_string(),
        }
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::process()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables hold secrets.
        let names = |variables: &Vec<(String, String)>| {
            variables.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        f.debug_struct("Environment")
            .field("variables", &self.variables.as_ref().map(names))
            .field("home", &self.home)
            .field("system", &self.system)
            .finish()
    }
}
