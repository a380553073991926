//! How a command ends: exit codes that scripts can use, and what stderr says.

use std::fmt;

use cvm_proto::{Error, ErrorKind};
use serde_json::{Value, json};

use crate::args::Output;
use crate::output;
use crate::render::SCHEMA_VERSION;

/// The exit codes; `cvm --help` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All done.
    Done = 0,
    /// No answer, a broken answer, or a local problem.
    Other = 1,
    /// The command line or the settings; nothing was sent. Also clap's own code.
    Usage = 2,
    /// Not every destination has the image.
    Incomplete = 3,
    /// Time ran out.
    TimedOut = 4,
    /// The service refused.
    Refused = 5,
    /// The service answered, the answer is on stdout, and the query does not fit it.
    Misfit = 6,
    /// A hang-up (`SIGHUP`); this and the next two are what shells report for a program that a signal has ended.
    HungUp = 129,
    /// Ctrl-C (`SIGINT`).
    Interrupted = 130,
    /// A request to end (`SIGTERM`).
    Terminated = 143,
}

impl Exit {
    /// From the worst to the best, for what comes of several jobs.
    const FROM_WORST: [Self; 9] = [
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
        Self::Other,
        Self::Usage,
        Self::Refused,
        Self::Incomplete,
        Self::TimedOut,
        Self::Done,
    ];

    /// The worse of two.
    pub(crate) fn or_worse(self, other: Self) -> Self {
        let rank = |exit| Self::FROM_WORST.iter().position(|of| *of == exit);
        if rank(other) < rank(self) { other } else { self }
    }

    /// The code of an error of the core.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Config => Self::Usage,
            ErrorKind::Timeout => Self::TimedOut,
            _ if error.code().is_some() => Self::Refused,
            ErrorKind::Parameter => Self::Usage,
            _ => Self::Other,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Core(Error),
    Here(String),
}

impl Failure {
    /// A mistake of the caller: one sentence that names it.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, why: Why::Here(message.into()) }
    }

    /// A query that does not fit the answer, which has been printed: one sentence.
    pub(crate) fn misfit(message: impl Into<String>) -> Self {
        Self { exit: Exit::Misfit, why: Why::Here(message.into()) }
    }

    /// A local problem: one sentence.
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self { exit: Exit::Other, why: Why::Here(message.into()) }
    }

    /// The same, where an error of the core has more to say.
    pub(crate) fn map_core(self, more: impl FnOnce(Error) -> Error) -> Self {
        match self.why {
            Why::Core(error) => Self { why: Why::Core(more(error)), ..self },
            Why::Here(_) => self,
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
        Self { exit: self.exit, why: Why::Here(format!("{what}: {self}")) }
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
        match &self.why {
            Why::Core(error) => json!(error),
            Why::Here(message) => {
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
        match &self.why {
            Why::Core(error) => error.fmt(f),
            Why::Here(message) => f.write_str(&output::escaped(message)),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { exit: Exit::of(&error), why: Why::Core(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_codes_counts() {
        let worst = |codes: &[Exit]| codes.iter().fold(Exit::Done, |worst, code| worst.or_worse(*code)) as u8;
        assert_eq!(worst(&[]), 0);
        assert_eq!(worst(&[Exit::Done, Exit::TimedOut, Exit::Incomplete]), 3);
        assert_eq!(worst(&[Exit::Refused, Exit::Incomplete]), 5);
        assert_eq!(worst(&[Exit::Usage, Exit::Refused, Exit::Done]), 2);
        assert_eq!(worst(&[Exit::Other, Exit::Usage]), 1);
        assert_eq!(worst(&[Exit::Other, Exit::Interrupted, Exit::Done]), 130);
    }
}
