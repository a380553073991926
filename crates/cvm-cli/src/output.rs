//! Writing to stdout and stderr without stumbling over a reader that went away.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Prints a line to stdout. A closed pipe (`cvm ... | head`) is no failure: nobody wants to read on.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    written(writeln!(io::stdout().lock(), "{text}"))
}

/// Prints a value to stdout as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(text),
        Err(error) => Err(Failure::other(format!("cannot write the result as JSON: {error}"))),
    }
}

/// Prints a line to stderr. Where stderr is gone, there is nobody to tell.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a question to stderr, and leaves the cursor behind it.
pub(crate) fn ask(text: impl Display) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
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
