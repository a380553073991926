//! Everything that starts a sync job, or starts it again: the command, and Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use cvm_meddler::oracle::{Asked, End};
use serde_json::{Value, json};

use crate::command::{Ran, cvm};
use crate::stage::{HOME, KEYS, Stage};

/// What starts a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Starter {
    /// `cvm sync IMAGE.. --to REGION,..`
    Command,
    /// `cvm sync --resume`
    Resume,
    /// `cvm.Client.sync`
    Python,
    /// `cvm.AsyncClient.sync`
    AsyncPython,
    /// A Rust program with `cvm_ureq`, and with `cvm_journal` if there is a journal.
    Rust,
}

/// The file that a job is kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JobFile {
    /// In a file that is named.
    Journal(PathBuf),
    /// Where the command keeps jobs by itself, in this folder; programs have no such place, and keep none.
    Default(PathBuf),
}

/// One start of a job.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) starter: Starter,
    pub(crate) asked: Asked,
    pub(crate) file: JobFile,
    /// Which of the account's keys signs.
    pub(crate) key: usize,
    pub(crate) settle: Duration,
    pub(crate) timeout: Duration,
}

/// Where the Rust program finds what it is to do.
pub(crate) const JOB: &str = "CVM_TEST_JOB";

/// The interpreter that has the package `cvm`, if there is one: `cargo xtask chaos` and `cargo xtask ci` name it.
pub(crate) fn python() -> Option<PathBuf> {
    std::env::var_os("CVM_TEST_PYTHON").map(PathBuf::from)
}

impl Start {
    /// The program that does it. Whatever it asks of the endpoint goes through the meddler.
    pub(crate) fn command(&self, stage: &Stage) -> Command {
        let mut command = match self.starter {
            Starter::Command | Starter::Resume => self.cvm(),
            Starter::Python | Starter::AsyncPython => self.python(),
            Starter::Rust => self.rust(),
        };
        command.env("TENCENTCLOUD_ENDPOINT", stage.meddler.url());
        command.env("TENCENTCLOUD_SECRET_ID", KEYS[self.key].0);
        command.env("TENCENTCLOUD_SECRET_KEY", KEYS[self.key].1);
        command.env("TENCENTCLOUD_REGION", HOME);
        // What hangs for ever is to be waited for no longer than the tests can.
        command.env("TENCENTCLOUD_ATTEMPT_TIMEOUT", "2s").env("TENCENTCLOUD_CALL_TIMEOUT", "6s");
        if let JobFile::Default(folder) = &self.file {
            command.env("XDG_STATE_HOME", folder);
        }
        command
    }

    fn cvm(&self) -> Command {
        let asked = &self.asked;
        let mut args = vec!["sync"];
        let to = asked.regions.join(",");
        let [settle, timeout] = [self.settle, self.timeout].map(|time| format!("{}ms", time.as_millis()));
        if self.starter == Starter::Resume {
            args.push("--resume");
        } else {
            args.extend(asked.images.iter().map(String::as_str));
            args.extend(["--from", HOME, "--to", &to]);
            args.extend(asked.name.iter().flat_map(|name| ["--name", name]));
            if asked.skips_conflicts {
                args.extend(["--on-conflict", "skip"]);
            }
        }
        if asked.deletes_failed {
            args.push("--delete-failed");
        }
        if asked.starts_only {
            args.push("--no-wait");
        }
        if asked.dry_run {
            args.push("--dry-run");
        }
        if let JobFile::Journal(path) = &self.file {
            args.extend(["--journal", path.to_str().unwrap()]);
        }
        args.extend(["--settle", &settle, "--timeout", &timeout, "--quiet", "--output", "json"]);
        cvm(&args)
    }

    fn python(&self) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/start.py");
        let mut command = program(&python().unwrap());
        command.arg("-B").arg(script).arg(self.described().to_string());
        command
    }

    fn rust(&self) -> Command {
        let mut command = program(&std::env::current_exe().unwrap());
        command.args(["rust_program::starts_a_job", "--exact", "--ignored", "--nocapture"]);
        command.env(JOB, self.described().to_string());
        command
    }

    /// The job for programs that take it as JSON.
    fn described(&self) -> Value {
        let asked = &self.asked;
        let mut options = json!({
            "source_region": HOME,
            "settle": self.settle.as_secs_f64(),
            "timeout": self.timeout.as_secs_f64(),
            "delete_failed": asked.deletes_failed,
            "wait": !asked.starts_only,
            "dry_run": asked.dry_run,
            "on_conflict": if asked.skips_conflicts { "skip" } else { "fail" },
        });
        if let Some(name) = &asked.name {
            options["name"] = name.as_str().into();
        }
        if let JobFile::Journal(path) = &self.file {
            options["journal"] = path.to_str().unwrap().into();
        }
        json!({
            "blocking": self.starter == Starter::Python,
            "images": asked.images,
            "to": asked.regions,
            "options": options,
        })
    }
}

/// A program in the same environment as the command: with none of the caller's settings.
fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    for (name, value) in cvm(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How a run ended, by its exit code and what it printed.
pub(crate) fn end(ran: &Ran) -> End {
    let Some(code) = ran.code else { return End::Silence };
    // A test harness that is a program for once has lines of its own.
    let mut texts = [ran.out.as_str()].into_iter().chain(ran.out.lines());
    let report = texts.find_map(|text| {
        serde_json::from_str::<Value>(text).ok().filter(|report| report["destinations"].is_array())
    });
    if let Some(report) = report {
        return End::Report(code, report);
    }
    let errors = ran.err.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    match { errors }.find(|error| error["error"].is_object()) {
        Some(error) => End::Error(code, error["error"].clone()),
        None if code == 0 && ran.out.is_empty() => End::Silence,
        None => End::Error(code, ran.err.as_str().into()),
    }
}
