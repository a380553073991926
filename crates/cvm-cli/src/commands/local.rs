//! `cvm local`: the embedded endpoint as a server; and the one inside the process, for `--local`.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use cvm_local::{Clock, CvmLocal};
use cvm_proto::{Endpoint, Settings};
use serde_json::json;

use crate::args::{Global, LocalArgs, Output};
use crate::failure::{Exit, Failure};
use crate::output;

/// How fast images' time runs for `--local`: a copy takes seconds.
const EMBEDDED_SPEED: f64 = 5.0;

/// An endpoint that lives as long as the command.
pub(crate) fn embedded() -> Result<CvmLocal, Failure> {
    let started = CvmLocal::builder().clock(Clock::scaled(EMBEDDED_SPEED)).start();
    started.map_err(|error| Failure::other(format!("cannot start the embedded endpoint: {error}")))
}

/// What leads a client to an embedded endpoint.
pub(crate) fn settings(local: &CvmLocal) -> Result<Settings, Failure> {
    let mut settings = Settings::default();
    settings.credential = Some(local.credential());
    settings.endpoint = Endpoint::explicit(local.endpoint())?;
    Ok(settings)
}

/// Runs the endpoint until the program is asked to end.
pub(crate) fn run(global: &Global, args: &LocalArgs) -> Result<Exit, Failure> {
    let (end, ended) = mpsc::channel();
    ctrlc::set_handler(move || {
        // The receiver is gone only when the program ends anyway.
        let _ = end.send(());
    })
    .map_err(|error| Failure::other(format!("cannot listen for interrupts: {error}")))?;
    let local =
        CvmLocal::builder().port(args.port).clock(Clock::scaled(args.speed)).start().map_err(|error| {
            Failure::other(format!("cannot listen on port {} of 127.0.0.1: {error}", args.port))
        })?;
    let facts = json!({
        "endpoint": local.endpoint(),
        "secret_id": local.secret_id(),
        "secret_key": local.secret_key(),
    });
    match global.output {
        Output::Json => output::line(&facts)?,
        Output::Table => output::line(format_args!(
            "# An embedded CVM endpoint for trials and tests. Ctrl-C ends it.\n\
             export TENCENTCLOUD_ENDPOINT={}\n\
             export TENCENTCLOUD_SECRET_ID={}\n\
             export TENCENTCLOUD_SECRET_KEY={}\n\
             export TENCENTCLOUD_REGION=ap-shanghai",
            local.endpoint(),
            local.secret_id(),
            local.secret_key()
        ))?,
    }
    let ready = args.ready_file.as_deref().map(|file| Ready::write(file, &facts.to_string())).transpose()?;
    // The handler keeps its end for as long as the program lives, so this waits for a signal.
    let _ = ended.recv();
    drop(ready);
    Ok(Exit::Done)
}

/// The file that says that the endpoint answers; gone with the endpoint.
struct Ready(PathBuf);

impl Ready {
    /// Writes the file in one step: a reader finds all of it, or none.
    fn write(file: &Path, text: &str) -> Result<Self, Failure> {
        let mut name = file.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.tmp", std::process::id()));
        let unfinished = file.with_file_name(name);
        let written = std::fs::write(&unfinished, format!("{text}\n"))
            .and_then(|()| std::fs::rename(&unfinished, file));
        written.map_err(|error| {
            // It may not even be there.
            let _ = std::fs::remove_file(&unfinished);
            Failure::other(format!("cannot write the ready file {}: {error}", file.display()))
        })?;
        Ok(Self(file.to_owned()))
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        // A file that somebody else took away already is as good as removed.
        let _ = std::fs::remove_file(&self.0);
    }
}
