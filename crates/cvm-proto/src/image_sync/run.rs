//! What belongs to one run of a job, and is never written down.

use core::time::Duration;

use crate::wire::Cancel;

/// How one run of a sync job goes about it: how long it waits, when it ends, and what it may delete.
///
/// Each run has its own; none is stored with the job. An [`ImageSync`](super::ImageSync) has the same methods, and takes
/// its run with it; a job that is [resumed](super::SyncState::resume) is given one.
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::SyncRun;
///
/// let run = SyncRun::new().timeout(Duration::from_secs(1800)).delete_failed(true);
/// # let _ = run;
/// ```
#[derive(Clone, Debug)]
pub struct SyncRun {
    pub(super) timeout: Duration,
    pub(super) destination_timeout: Option<Duration>,
    pub(super) settle: Duration,
    pub(super) delete_failed: bool,
    pub(super) own_copies: bool,
    pub(super) wait: bool,
    pub(super) dry_run: bool,
    pub(super) cancel: Option<Cancel>,
}

/// As long as the slowest copies that people report, and their tools' longest default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Longer than a request can be on its way (an attempt's timeout is 30 s by default).
const DEFAULT_SETTLE: Duration = Duration::from_secs(45);

impl Default for SyncRun {
    fn default() -> Self {
        Self {
            timeout: DEFAULT_TIMEOUT,
            destination_timeout: None,
            settle: DEFAULT_SETTLE,
            delete_failed: false,
            own_copies: false,
            wait: true,
            dry_run: false,
            cancel: None,
        }
    }
}

/// The methods that [`SyncRun`] and [`ImageSync`](super::ImageSync) share; `$run` leads from `self` to the run.
macro_rules! run_methods {
    ($($run:ident)?) => {
        /// The longest time to wait for the copies, from the start of this run; one hour by default.
        ///
        /// It ends the waiting, not the copies: they continue in the service.
        #[must_use]
        pub fn timeout(mut self, timeout: ::core::time::Duration) -> Self {
            self$(.$run)?.timeout = timeout;
            self
        }

        /// The longest time to wait for one copy, from its submission; none by default.
        #[must_use]
        pub fn destination_timeout(mut self, timeout: ::core::time::Duration) -> Self {
            self$(.$run)?.destination_timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
            self
        }

        /// How long to search for a copy whose request got no answer before it is requested again; 45 s by default.
        ///
        /// It saves requests that the service would refuse: the name of the copies keeps a second one from being made,
        /// however short this is. A service that does not check names at once needs the full time.
        #[must_use]
        pub fn settle(mut self, time: ::core::time::Duration) -> Self {
            self$(.$run)?.settle = time;
            self
        }

        /// Deletes copies that have failed, also one that an earlier job left behind under the name. Off by default.
        #[must_use]
        pub fn delete_failed(mut self, on: bool) -> Self {
            self$(.$run)?.delete_failed = on;
            self
        }

        /// Insists on copies that this job itself started: one that was merely [found](crate::Basis::Found) under the
        /// name is a conflict. Off by default.
        #[must_use]
        pub fn own_copies(mut self, on: bool) -> Self {
            self$(.$run)?.own_copies = on;
            self
        }

        /// Whether to wait for the copies; on by default. Without, the run ends once the service has accepted them.
        #[must_use]
        pub fn wait(mut self, on: bool) -> Self {
            self$(.$run)?.wait = on;
            self
        }

        /// Only finds out what would happen in each destination, also by asking the service; starts nothing.
        #[must_use]
        pub fn dry_run(mut self, on: bool) -> Self {
            self$(.$run)?.dry_run = on;
            self
        }

        /// Lets the run be cancelled.
        #[must_use]
        pub fn cancel_with(mut self, cancel: &$crate::Cancel) -> Self {
            self$(.$run)?.cancel = Some(cancel.clone());
            self
        }
    };
}
pub(super) use run_methods;

impl SyncRun {
    /// The options of a run, by the names of their methods: what programs offer for each run anew.
    pub const OPTIONS: [&'static str; 7] =
        ["timeout", "destination_timeout", "settle", "delete_failed", "own_copies", "wait", "dry_run"];

    /// A run with the usual limits.
    pub fn new() -> Self {
        Self::default()
    }

    run_methods!();
}

/// How a run treats what the job has done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing was there, or what was there had ended.
    Begun,
    /// The whole job was asked for again: what had ended is looked at again, and made again if it is gone.
    Continued,
    /// What had ended is looked at, and nothing is started there.
    Resumed,
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn the_options_are_all_that_a_run_has_beside_its_cancel() {
        let shown = format!("{:#?}", SyncRun::new());
        let fields: Vec<_> = shown
            .lines()
            .filter_map(|line| line.strip_prefix("    ")?.split_once(':'))
            .map(|(name, _)| name)
            .collect();
        let known: Vec<_> = SyncRun::OPTIONS.into_iter().chain(["cancel"]).collect();
        assert_eq!(fields, known);
    }
}
