//! The exit codes that scripts can use.

use cvm_proto::{Error, ErrorKind};

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
