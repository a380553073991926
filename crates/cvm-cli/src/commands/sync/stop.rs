//! What ends the command's jobs early: a signal.

use std::sync::{Arc, Mutex, PoisonError};

use cvm_proto::Cancel;

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
}

impl Stop {
    pub(super) fn listen() -> Result<Self, Failure> {
        let cancel = Cancel::new();
        let speaker = Arc::new(Mutex::new(Progress::nothing().speaker()));
        let (cancelled, speaks) = (cancel.clone(), Arc::clone(&speaker));
        let tell = move |line: &str| {
            // Not under the lock, since a terminal may hold it up.
            let speaker = speaks.lock().unwrap_or_else(PoisonError::into_inner).clone();
            speaker.interject(line);
        };
        let signals = signals::listen(move || cancelled.cancel(), tell, Some(STOPPING))?;
        Ok(Self { cancel, signals, speaker })
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
