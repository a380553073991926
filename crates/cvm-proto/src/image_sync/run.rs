//! What belongs to one run of a job, and is never written down.

use core::time::Duration;

use crate::wire::Cancel;

/// The options of a run, once: one row is a member of [`SyncRun`] with its usual value, a method of it and of
/// [`ImageSync`](super::ImageSync), and an entry of [`SyncRun::OPTIONS`].
///
/// `time` is a duration, `limit` one of which zero means none, `flag` is on or off.
macro_rules! run_options {
    ($with:ident($($run:ident)?)) => {
        $with! { ($($run)?)
            /// The longest time to wait for the copies, from the start of this run; one hour by default.
            ///
            /// It ends the waiting, not the copies: they continue in the service.
            // As long as the slowest copies that people report, and their tools' longest default.
            timeout: time = Duration::from_secs(3600);

            /// The longest time to wait for one copy, from its submission; none by default.
            destination_timeout: limit = None;

            /// How long to search for a copy whose request got no answer before it is requested again; 45 s by default.
            ///
            /// It saves requests that the service would refuse: the name of the copies keeps a second one from being made,
            /// however short this is. A service that does not check names at once needs the full time.
            // Longer than a request can be on its way (an attempt's timeout is 30 s by default).
            settle: time = Duration::from_secs(45);

            /// The first pause between two looks at the same copy; 2 s by default, and never below 10 ms. While the copy is on
            /// its way the pauses grow to ten times that.
            ///
            /// A look that is to show that something is not there still comes 2 s after the one before, since lists may lag
            /// behind. Short pauses are for tests; a client's rate limit holds for them too.
            poll_every: time = COPY_POLL_EVERY;

            /// Deletes copies that have failed, also one that an earlier job left behind under the name. Off by default.
            delete_failed: flag = false;

            /// Insists on copies that this job itself started: one that was merely [found](crate::Basis::Found) under the
            /// name is a conflict. Off by default.
            own_copies: flag = false;

            /// Whether to wait for the copies; on by default. Without, the run ends once the service has accepted them.
            wait: flag = true;

            /// Only finds out what would happen in each destination, also by asking the service; starts nothing.
            dry_run: flag = false;
        }
    };
}
pub(super) use run_options;

/// The first pause between two looks at the same thing, unless a run has its own.
pub(super) const COPY_POLL_EVERY: Duration = Duration::from_secs(2);

macro_rules! define_run {
    (() $($(#[$doc:meta])* $name:ident: $kind:ident = $usual:expr;)*) => {
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
            $(pub(super) $name: run_type!($kind),)*
            pub(super) cancel: Option<Cancel>,
        }

        impl Default for SyncRun {
            fn default() -> Self {
                Self { $($name: $usual,)* cancel: None }
            }
        }

        impl SyncRun {
            /// The options of a run, by the names of their methods: what programs offer for each run anew.
            pub const OPTIONS: &'static [RunOption] = &[$(run_option!($kind $name)),*];
        }
    };
}

macro_rules! run_type {
    (time) => { Duration };
    (limit) => { Option<Duration> };
    (flag) => { bool };
}

macro_rules! run_option {
    (flag $name:ident) => {
        RunOption::Flag(stringify!($name), SyncRun::$name)
    };
    ($kind:ident $name:ident) => {
        RunOption::Time(stringify!($name), SyncRun::$name)
    };
}

/// The methods that [`SyncRun`] and [`ImageSync`](super::ImageSync) share; `$run` leads from `self` to the run.
macro_rules! run_methods {
    ($run:tt $($(#[$doc:meta])* $name:ident: $kind:ident = $usual:expr;)*) => {
        $($crate::image_sync::run::run_method! { $kind $run $(#[$doc])* $name })*
    };
}
pub(super) use run_methods;

macro_rules! run_method {
    (time ($($run:ident)?) $(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, time: ::core::time::Duration) -> Self {
            self$(.$run)?.$name = time;
            self
        }
    };
    (limit ($($run:ident)?) $(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, limit: ::core::time::Duration) -> Self {
            self$(.$run)?.$name = Some(limit).filter(|limit| !limit.is_zero());
            self
        }
    };
    (flag ($($run:ident)?) $(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, on: bool) -> Self {
            self$(.$run)?.$name = on;
            self
        }
    };
}
pub(super) use run_method;

run_options!(define_run());

impl SyncRun {
    /// A run with the usual limits.
    pub fn new() -> Self {
        Self::default()
    }

    run_options!(run_methods());

    /// Lets the run be cancelled.
    #[must_use]
    pub fn cancel_with(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }
}

/// An option of a run: its name, and the method that sets it. Programs that take options by name go by the list
/// ([`SyncRun::OPTIONS`]).
#[derive(Clone, Copy, Debug)]
pub enum RunOption {
    /// A duration.
    Time(&'static str, fn(SyncRun, Duration) -> SyncRun),
    /// On or off.
    Flag(&'static str, fn(SyncRun, bool) -> SyncRun),
}

impl RunOption {
    /// Its name, such as `timeout`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Time(name, _) | Self::Flag(name, _) => name,
        }
    }
}

/// How a run treats what the job has done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResumeMode {
    /// Nothing was there, or what was there had ended.
    Begun,
    /// The whole job was asked for again: what had ended is looked at again, and made again if it is gone.
    Continued,
    /// What had ended is looked at, and nothing is started there.
    Resumed,
}
