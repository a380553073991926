//! The system's clocks.

use std::convert::Infallible;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cvm_proto::Now;
use cvm_proto::machine::Clock;

/// The time of the system, with a monotonic clock that starts when this is made.
#[derive(Clone)]
pub(crate) struct SystemClock(Instant);

impl SystemClock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    type Interrupt = Infallible;

    fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now::new(unix.as_secs(), self.0.elapsed())
    }

    fn sleep_until(&self, mono: Duration) -> Result<(), Infallible> {
        thread::sleep(mono.saturating_sub(self.0.elapsed()));
        Ok(())
    }
}
