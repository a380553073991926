//! Asking a job to stop.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

/// Asks a job to stop, from wherever a clone of this is: a signal handler, another thread or task.
///
/// The job sends nothing new. It gives up a request that only reads at once, and waits up to 5 s for the answer to one
/// that writes; without an answer, that request counts as sent. Then it looks once for copies whose request got no
/// answer, and ends, within 6 s altogether, with a report that says of every destination whether a copy was started.
/// Copies that were started go on in the service.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks. There is no way back.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody has asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
