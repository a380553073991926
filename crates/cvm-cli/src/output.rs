//! Writing to stdout and stderr without stumbling over a reader that went away.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use cvm_proto::output as escape;
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;

pub(crate) use cvm_proto::output::escaped;

/// Prints a line for people to stdout. A closed pipe (`cvm ... | head`) is no failure: nobody wants to read on.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    exact(escaped(&text.to_string()))
}

/// Prints lines for people to stdout. What others wrote is to be [escaped] before it becomes a part of them, as it may
/// break lines as well.
pub(crate) fn lines(text: impl Display) -> Result<(), Failure> {
    exact(text.to_string().split('\n').map(escaped).collect::<Vec<_>>().join("\n"))
}

/// Prints a line for programs to stdout, as it is.
pub(crate) fn exact(text: impl Display) -> Result<(), Failure> {
    written(writeln!(io::stdout().lock(), "{text}"))
}

/// Prints tab-separated text for programs to stdout: as it is, but for what a terminal would obey.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    if !stdout.is_terminal() {
        return written(stdout.write_all(text.as_bytes()));
    }
    let safe_line = |line: &str| line.split('\t').map(escaped).collect::<Vec<_>>().join("\t");
    let safe = text.split('\n').map(safe_line).collect::<Vec<_>>().join("\n");
    written(stdout.write_all(safe.as_bytes()))
}

/// Prints a value to stdout as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    written_as_json(serde_json::to_string_pretty(value))
}

/// Prints a value to stdout as JSON on one line.
pub(crate) fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    written_as_json(serde_json::to_string(value))
}

fn written_as_json(text: serde_json::Result<String>) -> Result<(), Failure> {
    let text = text.map_err(|error| Failure::other(format!("cannot write the result as JSON: {error}")))?;
    exact(escape::json(&text))
}

/// Prints a line for people to stderr. Where stderr is gone, there is nobody to tell.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", escaped(&text.to_string()));
}

/// Prints a value to stderr as JSON on one line.
pub(crate) fn note_json(value: &Value) {
    let _ = writeln!(io::stderr().lock(), "{}", escape::json(&value.to_string()));
}

/// Prints a question to stderr, and leaves the cursor behind it.
pub(crate) fn ask(text: impl Display) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{}", escaped(&text.to_string())).and_then(|()| stderr.flush());
}

/// What came of writing to stdout.
pub(crate) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::other(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}
