//! What ends the command's jobs early: a signal.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cvm_proto::Cancel;

use crate::args::Global;
use crate::failure::Failure;
use crate::progress::{Progress, Speaker};
use crate::signals::{self, Signal, Signals};

/// The first signal lets the job end in order.
const STOPPING: &str = "cvm: stopping, which takes 6 s at most; a second signal stops at once";

/// Listens for signals as long as there are jobs.
pub(super) struct Stop {
    pub(super) cancel: Cancel,
    signals: Signals,
    /// Speaks for the progress that is shown.
    speaker: Arc<Mutex<Speaker>>,
    /// What a second signal leaves behind.
    job: Arc<Mutex<Option<InterruptedJob>>>,
}

/// A job that is not at its end.
struct InterruptedJob {
    journal: PathBuf,
    how_to_resume: Vec<String>,
}

impl Stop {
    pub(super) fn listen(global: &Global) -> Result<Self, Failure> {
        let cancel = Cancel::new();
        let is_for_programs = global.is_for_programs();
        let job = Arc::new(Mutex::new(None::<InterruptedJob>));
        let speaker = Arc::new(Mutex::new(Progress::nothing().speaker()));
        let (cancelled, speaks) = (cancel.clone(), Arc::clone(&speaker));
        let tell = move |lines: &[String]| {
            if is_for_programs {
                return;
            }
            // Not under the lock, since a terminal may hold it up.
            let speaker = speaks.lock().unwrap_or_else(PoisonError::into_inner).clone();
            speaker.interject(lines);
        };
        let behind = Arc::clone(&job);
        let last_words = move || match &*behind.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(job) if job.journal.exists() => job.how_to_resume.clone(),
            _ => Vec::new(),
        };
        let signals = signals::listen(move || cancelled.cancel(), tell, Some(STOPPING), last_words)?;
        Ok(Self { cancel, signals, speaker, job })
    }

    /// From now on, a second signal leaves the job in this journal behind, and says how to resume it.
    pub(super) fn leave_behind(&self, how_to_resume: Vec<String>, journal: &Path) {
        let job = Some(InterruptedJob { journal: journal.to_owned(), how_to_resume });
        *self.job.lock().unwrap_or_else(PoisonError::into_inner) = job;
    }

    /// From now on, this progress is shown.
    pub(super) fn speak_beside(&self, progress: &Progress) {
        *self.speaker.lock().unwrap_or_else(PoisonError::into_inner) = progress.speaker();
    }

    /// What went wrong, with the code of the signal, if there was any.
    pub(super) fn judge(&self, failure: Failure) -> Failure {
        match self.signal() {
            Some(signal) => failure.ending_with(signal.exit()),
            None => failure,
        }
    }

    /// The first signal, if there was any.
    pub(super) fn signal(&self) -> Option<Signal> {
        self.signals.first()
    }
}
