//! Jobs: what a client can run.

use super::config::Config;
use crate::machine::Machine;

/// Something a client can run: a [`Machine`], or a description that becomes one.
///
/// Every machine is a job already. [`ImageSync`](crate::ImageSync) is a description: it takes its settings from the
/// client that runs it.
pub trait Job {
    /// The machine that does the job.
    type Machine: Machine;

    /// What it does, for logs: an action, or a job.
    // Others have a name that they hold.
    #[allow(clippy::unnecessary_literal_bound)]
    fn name(&self) -> &str {
        "job"
    }

    /// Makes the machine. `seed` feeds jitter and nonces: any number, a different one for each job.
    fn start(self, config: &Config, seed: u64) -> Self::Machine;
}

impl<M: Machine> Job for M {
    type Machine = M;

    fn name(&self) -> &str {
        Machine::name(self)
    }

    fn start(self, _config: &Config, _seed: u64) -> M {
        self
    }
}
