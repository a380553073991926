//! The sync job with its journal: a machine around the machine.

use std::fmt;

use cvm_proto::{
    Cancel, Config, Destination, Error, ImageSyncMachine, Job, Machine, Now, Outcome, PreparedSync, Reply,
    Step, SyncProgress, SyncReport, SyncState,
};

use crate::Journal;

/// A sync job that is kept in a journal; made by [`Journal::begin_or_resume`] and [`Journal::resume`], and run by any
/// client.
///
/// It ends as the job does, or with an [`ErrorKind::Journal`](cvm_proto::ErrorKind::Journal) error as soon as the journal
/// cannot be written: before the step that it would have told of. The error names the copies that are on their way.
#[derive(Debug)]
pub struct Journaled {
    journal: Journal,
    prepared: PreparedSync,
}

impl Journaled {
    pub(crate) fn new(journal: Journal, prepared: PreparedSync) -> Self {
        Self { journal, prepared }
    }

    /// Whether a job that had not ended is resumed.
    pub fn is_resumed(&self) -> bool {
        self.prepared.is_resumed()
    }

    /// The job as it stands.
    pub fn state(&self) -> &SyncState {
        self.prepared.state()
    }

    /// Lets this run be cancelled.
    #[must_use]
    pub fn cancel_with(mut self, cancel: &Cancel) -> Self {
        self.prepared = self.prepared.cancel_with(cancel);
        self
    }
}

impl Job for Journaled {
    type Machine = JournaledMachine;

    fn name(&self) -> &str {
        Job::name(&self.prepared)
    }

    fn start(self, config: &Config, seed: u64) -> JournaledMachine {
        JournaledMachine { journal: self.journal, inner: self.prepared.start(config, seed) }
    }
}

/// A [`Journaled`] job on its way.
pub struct JournaledMachine {
    journal: Journal,
    inner: ImageSyncMachine,
}

impl JournaledMachine {
    /// The job as it stands at this moment, written down or not.
    pub fn state(&self) -> &SyncState {
        self.inner.state()
    }
}

impl Machine for JournaledMachine {
    type Output = Result<SyncReport, Error>;
    type Progress = SyncProgress;

    fn name(&self) -> &str {
        Machine::name(&self.inner)
    }

    fn poll(&mut self, now: Now) -> Step<Self::Output, SyncProgress> {
        let step = self.inner.poll(now);
        if matches!(step, Step::Progress(SyncProgress::Checkpoint))
            && let Err(error) = self.journal.write(self.inner.state())
        {
            return Step::Done(Err(with_what_continues(&error, self.inner.state())));
        }
        step
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        self.inner.reply(now, reply);
    }
}

impl fmt::Debug for JournaledMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournaledMachine").field("journal", &self.journal).finish_non_exhaustive()
    }
}

/// The error with what the journal might not tell: copies that are on their way, and requests whose answer was lost.
fn with_what_continues(error: &Error, state: &SyncState) -> Error {
    let report = state.report();
    let list = |outcome: Outcome, before: &str, entry: &dyn Fn(&Destination) -> String| {
        let those = report.destinations.iter().filter(|of| of.outcome == outcome).map(entry);
        let those: Vec<String> = those.collect();
        if those.is_empty() { String::new() } else { format!("; {before} {}", those.join(", ")) }
    };
    let started = list(Outcome::Started, "these copies continue in the service:", &|of| {
        format!("{} in {}", of.image_id.as_deref().unwrap_or("one without an id"), of.region)
    });
    let unknown = list(Outcome::Unknown, "copies may have been started of", &|of| {
        format!("{} in {}", of.source, of.region)
    });
    Error::journal(format!("{}{started}{unknown}", error.message()))
}
