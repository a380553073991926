//! Python environments in scratch folders under `target/`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run;

/// The interpreter of the machine.
pub(crate) const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };

/// A Python environment.
pub(crate) struct Venv(PathBuf);

impl Venv {
    /// An environment that is there already.
    pub(crate) fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// A new environment with nothing in it; one that was there before is taken away.
    pub(crate) fn fresh(folder: &Path) -> Result<Self, String> {
        Self::fresh_of(Path::new(PYTHON), folder)
    }

    /// The same for another interpreter.
    pub(crate) fn fresh_of(python: &Path, folder: &Path) -> Result<Self, String> {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        run::run(Command::new(python).args(["-m", "venv"]).arg(folder))?;
        Ok(Self(folder.to_owned()))
    }

    /// An environment with what the file `requirements` lists, made anew if that has changed.
    pub(crate) fn with(folder: &Path, requirements: &Path) -> Result<Self, String> {
        let wanted =
            fs::read(requirements).map_err(|error| format!("{}: {error}", requirements.display()))?;
        let installed = folder.join("installed.txt");
        if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
            return Ok(Self(folder.to_owned()));
        }
        println!("installing {} into {}", requirements.display(), folder.display());
        let venv = Self::fresh(folder)?;
        run::run(venv.pip("install").arg("--requirement").arg(requirements))?;
        fs::write(&installed, wanted).map_err(|error| format!("{}: {error}", installed.display()))?;
        Ok(venv)
    }

    /// A new environment of another interpreter, with what can be had for it of the file `requirements`.
    pub(crate) fn fitting(python: &Path, folder: &Path, requirements: &Path) -> Result<Self, String> {
        let wanted = fs::read_to_string(requirements)
            .map_err(|error| format!("{}: {error}", requirements.display()))?;
        let venv = Self::fresh_of(python, folder)?;
        for requirement in wanted.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut pip = venv.pip("install");
            if run::run(pip.args(["--only-binary", ":all:"]).arg(requirement)).is_err() {
                println!("without {requirement}: tests that need it are skipped");
            }
        }
        Ok(venv)
    }

    /// A program in the environment.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let folder = if cfg!(windows) { "Scripts" } else { "bin" };
        self.0.join(folder).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Its interpreter, which leaves no files of its own among sources.
    pub(crate) fn python(&self) -> Command {
        let mut command = Command::new(self.program("python"));
        command.arg("-B");
        command
    }

    /// The search path of the machine, with the environment's programs before all others.
    pub(crate) fn path(&self) -> Result<OsString, String> {
        let own = self.program("python").parent().map(Path::to_owned);
        let others = std::env::var_os("PATH").unwrap_or_default();
        let all = own.into_iter().chain(std::env::split_paths(&others));
        std::env::join_paths(all).map_err(|error| format!("PATH: {error}"))
    }

    /// A command of its pip.
    pub(crate) fn pip(&self, command: &str) -> Command {
        let mut pip = Command::new(self.program("python"));
        pip.args(["-m", "pip", command, "--quiet", "--disable-pip-version-check"]);
        pip
    }
}
