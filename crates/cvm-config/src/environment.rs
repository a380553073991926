//! What settings are looked up in: variables, and files.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
#[cfg(feature = "std")]
use std::path::PathBuf;

use cvm_proto::{Error, input};
use spin::Once;

use crate::disk::Disk;
use crate::file::{FilePath, NO_SUCH_FILE, Unread, unread};

/// Where the file of all users is.
pub(crate) const SYSTEM: &str = "/etc/tencentcloud";

/// The variables and the files that settings are looked up in.
///
/// ```
/// use cvm_config::{Environment, Loader};
///
/// let environment = Environment::of([
///     ("TENCENTCLOUD_SECRET_ID", "AKIDexample"),
///     ("TENCENTCLOUD_SECRET_KEY", "not-a-real-key"),
/// ]);
/// let loaded = Loader::of(environment).load()?;
/// assert_eq!(loaded.settings.credential.unwrap().secret_id(), "AKIDexample");
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone)]
pub struct Environment {
    /// `None` for those of this process. Of two with the same name the last counts.
    variables: Option<Vec<(String, String)>>,
    /// What the program has read itself; `None` for what is not there.
    files: Arc<Vec<GivenFile>>,
    /// `None` where nothing but those is read.
    disk: Option<Disk>,
    wanted: Wanted,
}

/// A file by its path, and what it holds.
type GivenFile = (String, Option<Vec<u8>>);

/// The first file that was asked for, and is not known. A copy has been asked for nothing yet.
#[derive(Default)]
struct Wanted(Once<String>);

impl Clone for Wanted {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Environment {
    /// That of this process: its variables, the user's home folder, `/etc/tencentcloud`.
    #[cfg(feature = "std")]
    pub fn process() -> Self {
        Self { variables: None, disk: Some(Disk::process()), ..Self::in_memory::<&str, &str>([]) }
    }

    /// These variables, and no folders. A file that one of them names is read.
    #[cfg(feature = "std")]
    pub fn of<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        Self { disk: Some(Disk::default()), ..Self::in_memory(variables) }
    }

    /// These variables, and the files that [`file`](Self::file) gives: nothing is read, and no process is started. It is
    /// for programs without a file system, and for those that read files by other means;
    /// [`Loader::wanted`](crate::Loader::wanted) says which.
    pub fn in_memory<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables: Some(variables), files: Arc::default(), disk: None, wanted: Wanted::default() }
    }

    /// What is in a file, by its path as [`Loader::wanted`](crate::Loader::wanted) writes it, such as
    /// `~/.tencentcloud/credentials`. It takes precedence over the disk's.
    #[must_use]
    pub fn file(self, path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.known(path.into(), Some(content.into()))
    }

    /// Says that there is no file of this path.
    #[must_use]
    pub fn no_file(self, path: impl Into<String>) -> Self {
        self.known(path.into(), None)
    }

    fn known(mut self, path: String, content: Option<Vec<u8>>) -> Self {
        let files = Arc::make_mut(&mut self.files);
        files.retain(|(known, _)| *known != path);
        files.push((path, content));
        self
    }

    /// The folder that holds `.tencentcloud` and `.tccli`.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn home(mut self, folder: impl Into<PathBuf>) -> Self {
        self.disk.get_or_insert_default().home = Some(folder.into());
        self
    }

    /// The folder that holds the file `credentials` of all users.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn system(mut self, folder: impl Into<PathBuf>) -> Self {
        self.disk.get_or_insert_default().system = Some(folder.into());
        self
    }

    /// A variable without the white space around its value; an empty one counts as unset.
    pub(crate) fn var(&self, name: &str) -> Result<Option<String>, Error> {
        let value = match (&self.variables, &self.disk) {
            (Some(variables), _) => {
                let set = variables.iter().rev().find(|(set, _)| set == name);
                set.map(|(_, value)| value.clone())
            }
            (None, Some(disk)) => disk.variable(name)?,
            (None, None) => None,
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

    /// A path below the home folder, if there is one.
    pub(crate) fn at_home(&self, path: impl fmt::Display) -> Option<FilePath> {
        if self.disk.as_ref().is_some_and(|disk| !disk.has_home()) {
            return None;
        }
        Some(FilePath::Written(format!("~/{path}")))
    }

    /// A path below the folder of all users, if there is one.
    pub(crate) fn at_system(&self, path: impl fmt::Display) -> Option<FilePath> {
        if self.disk.as_ref().is_some_and(|disk| !disk.has_system()) {
            return None;
        }
        Some(FilePath::System(path.to_string()))
    }

    /// A path that a user wrote: `~` at its beginning is the home folder.
    #[allow(clippy::unused_self)]
    pub(crate) fn path(&self, written: &str) -> FilePath {
        FilePath::Written(written.to_owned())
    }

    /// A path as messages write it, with `~` for the home folder.
    pub(crate) fn show(&self, path: &FilePath) -> String {
        self.disk.as_ref().map_or_else(|| path.to_string(), |disk| disk.show(path))
    }

    /// The content of a file.
    pub(crate) fn read(&self, path: &FilePath, limit: u64) -> Result<Vec<u8>, Unread> {
        if let Some(given) = self.given(path) {
            let content = given.as_ref().ok_or_else(|| Unread::Absent(NO_SUCH_FILE.to_owned()))?;
            let fits = u64::try_from(content.len()).is_ok_and(|length| length <= limit);
            let too_large =
                || Unread::Other(format!("it is larger than {limit} bytes, the most that is read"));
            return if fits { Ok(content.clone()) } else { Err(too_large()) };
        }
        match &self.disk {
            Some(disk) => disk.read(path, limit),
            None => Err(self.want(path)),
        }
    }

    /// A warning if users other than the owner can get at a file with secrets. Of what was given nobody knows it.
    pub(crate) fn too_wide(&self, path: &FilePath) -> Option<String> {
        self.disk.as_ref().filter(|_| self.given(path).is_none())?.too_wide(path)
    }

    /// Whether a file is there.
    pub(crate) fn has(&self, path: &FilePath) -> Result<bool, Unread> {
        if let Some(given) = self.given(path) {
            return Ok(given.is_some());
        }
        match &self.disk {
            Some(disk) => Ok(disk.has(path)),
            None => Err(self.want(path)),
        }
    }

    fn given(&self, path: &FilePath) -> Option<&Option<Vec<u8>>> {
        let path = path.to_string();
        self.files.iter().find_map(|(known, content)| (*known == path).then_some(content))
    }

    /// Takes down which file is to be given.
    #[cold]
    fn want(&self, path: &FilePath) -> Unread {
        self.wanted.0.call_once(|| path.to_string());
        Unread::Other("its content is not part of this environment".to_owned())
    }

    /// The first file that was asked for, and is not known.
    pub(crate) fn wanted(&self) -> Option<String> {
        self.wanted.0.get().cloned()
    }

    /// Whether a path leads to something without an end of its own, such as a pipe.
    pub(crate) fn is_stream(&self, path: &FilePath) -> bool {
        self.given(path).is_none() && self.disk.as_ref().is_some_and(|disk| disk.is_stream(path))
    }

    /// Asks for a file that is read when it is needed: what is in memory has to be known before.
    pub(crate) fn will_read(&self, path: &FilePath) -> Result<(), Error> {
        if self.is_in_memory() {
            self.has(path).map_err(|error| unread(self, path, &error))?;
        }
        Ok(())
    }

    /// Whether nothing is read but what was given.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.disk.is_none()
    }

    /// The names of the files in a folder, in no order. Where only what is given is read, it is those.
    pub(crate) fn names(&self, folder: &FilePath) -> Vec<String> {
        let begin = format!("{folder}/");
        let given = self.files.iter().filter(|(_, content)| content.is_some());
        let given = given.filter_map(|(path, _)| path.strip_prefix(&begin)).map(str::to_owned);
        given.chain(self.disk.iter().flat_map(|disk| disk.names(folder))).collect()
    }

    /// Where files are read that are not given; none where nothing else is read.
    #[cfg(feature = "write")]
    pub(crate) fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }
}

#[cfg(feature = "std")]
impl Default for Environment {
    fn default() -> Self {
        Self::process()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables and files hold secrets.
        let names = |variables: &Vec<(String, String)>| {
            variables.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        f.debug_struct("Environment")
            .field("variables", &self.variables.as_ref().map(names))
            .field("files", &self.files.iter().map(|(path, _)| path).collect::<Vec<_>>())
            .field("disk", &self.disk)
            .finish_non_exhaustive()
    }
}
