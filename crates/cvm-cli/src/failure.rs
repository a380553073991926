//! Why a command could not do its work: the exit code that it ends with, and what stderr says.

use std::fmt;

use cvm_proto::Error;
use serde_json::{Value, json};

use crate::args::Output;
use crate::exit::Exit;
use crate::output;
use crate::render::SCHEMA_VERSION;

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    cause: FailureCause,
}

#[derive(Debug)]
enum FailureCause {
    Core(Error),
    /// A sentence of the command's own.
    Command(String),
}

impl Failure {
    /// A mistake of the caller: one sentence that names it.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, cause: FailureCause::Command(message.into()) }
    }

    /// A query that does not fit the answer, which has been printed: one sentence.
    pub(crate) fn misfit(message: impl Into<String>) -> Self {
        Self { exit: Exit::Misfit, cause: FailureCause::Command(message.into()) }
    }

    /// A local problem: one sentence.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { exit: Exit::Other, cause: FailureCause::Command(message.into()) }
    }

    /// The same, where an error of the core has more to say.
    pub(crate) fn map_core(self, more: impl FnOnce(Error) -> Error) -> Self {
        match self.cause {
            FailureCause::Core(error) => Self { cause: FailureCause::Core(more(error)), ..self },
            FailureCause::Command(_) => self,
        }
    }

    /// The same, but the command ends with another code for it.
    pub(crate) fn ending_with(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// The same, where the command ends with this code if it is worse.
    pub(crate) fn or_worse(self, exit: Exit) -> Self {
        Self { exit: self.exit.or_worse(exit), ..self }
    }

    /// The same, after what it is about.
    pub(crate) fn about(self, what: impl fmt::Display) -> Self {
        Self { exit: self.exit, cause: FailureCause::Command(format!("{what}: {self}")) }
    }

    /// Says it on stderr: as a sentence, or as an object that holds the sentence and what it is made of.
    pub(crate) fn show(&self, how: Output) {
        match how {
            Output::Table | Output::Text => output::note(format_args!("cvm: {self}")),
            Output::Json => output::note_json(&json!({
                "schema_version": SCHEMA_VERSION,
                "error": self.to_json(),
                "sentence": self.to_string(),
                "exit_code": self.exit as u8,
            })),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match &self.cause {
            FailureCause::Core(error) => json!(error),
            FailureCause::Command(message) => {
                let kind = match self.exit {
                    Exit::Usage => "usage",
                    Exit::Misfit => "query",
                    _ => "other",
                };
                json!({ "kind": kind, "message": message })
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            FailureCause::Core(error) => error.fmt(f),
            FailureCause::Command(message) => f.write_str(&output::escaped(message)),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { exit: Exit::of(&error), cause: FailureCause::Core(error) }
    }
}
