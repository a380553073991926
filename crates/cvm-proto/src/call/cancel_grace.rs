//! How a cancel ends the exchanges of a job.

use core::time::Duration;

use crate::machine::Now;
use crate::wire::{Cancel, Request};

/// How soon a machine notices a cancel, at the latest, while it waits.
pub(crate) const CANCEL_CHECK_EVERY: Duration = Duration::from_millis(200);

/// How long after a cancel the answer to a request that writes is worth waiting for: it says what was begun.
const WRITE_GRACE: Duration = Duration::from_secs(5);

/// How long after a cancel the last exchange ends. Of the six seconds that are promised, the rest is for drivers that
/// notice a cancel late, for the report, and for the end of the program.
const LAST_EXCHANGE_ENDS: Duration = Duration::from_millis(5600);

/// Decides, for one run, which exchanges a cancel ends early, and how early.
///
/// A machine passes each request through [`attach`](Self::attach) before it hands it out, and reports each reply.
#[derive(Debug, Default)]
pub(crate) struct CancelGrace {
    cancel: Option<Cancel>,
    /// When the request that is out was handed out, and how long its answer is worth waiting for.
    out: Option<(Duration, Duration)>,
    /// When the last exchange ends, once the cancel has been noticed.
    ends: Option<Duration>,
}

impl CancelGrace {
    pub(crate) fn new(cancel: Option<Cancel>) -> Self {
        Self { cancel, ..Self::default() }
    }

    /// Lets the cancel end the exchange. The same request may be handed out again.
    pub(crate) fn attach(&mut self, request: Request, changes_nothing: bool, now: Now) -> Request {
        let left = self.ends(now).map(|ends| ends.saturating_sub(now.mono));
        let Some(cancel) = &self.cancel else { return request };
        let grace = match (changes_nothing, left) {
            (true, None) => Duration::ZERO,
            (true, Some(left)) => left,
            (false, left) => left.unwrap_or(WRITE_GRACE).min(WRITE_GRACE),
        };
        self.out.get_or_insert((now.mono, grace));
        request.with_cancel(cancel, grace)
    }

    /// The reply to the request that is out has come.
    pub(crate) fn replied(&mut self, now: Now) {
        self.ends(now);
        self.out = None;
    }

    /// When the last exchange ends, if somebody has asked; that is the end of the run as well.
    pub(crate) fn ends(&mut self, now: Now) -> Option<Duration> {
        if self.ends.is_none() && self.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            // While a request is out nobody polls, so the cancel may be as old as the time that the request was given.
            let ago =
                self.out.map_or(Duration::ZERO, |(since, grace)| now.mono.saturating_sub(since).min(grace));
            self.ends = Some(now.mono.saturating_sub(ago).saturating_add(LAST_EXCHANGE_ENDS));
        }
        self.ends
    }
}

#[cfg(test)]
mod tests {
    use alloc::borrow::Cow;

    use super::*;
    use crate::client::{Config, Prepared, Settings};
    use crate::signer::Credential;
    use crate::wire::Attempt;

    fn at(millis: u64) -> Now {
        Now::new(0, Duration::from_millis(millis))
    }

    fn request(action: &'static str) -> Request {
        let credential = Some(Credential::new("AKIDexample", "not-a-real-key").unwrap());
        let settings = Settings { credential, ..Settings::default() };
        let config = Config::new(settings).unwrap();
        let none = serde_json::Map::new();
        let prepared = Prepared::new(&config, Cow::Borrowed(action), Cow::Borrowed("2017-03-12"), &none);
        prepared.unwrap().request(Attempt::plain(1, Duration::from_secs(30)))
    }

    fn grace(cancel_grace: &mut CancelGrace, action: &'static str, now: Now) -> u64 {
        let request = request(action);
        let reads = request.only_reads();
        let request = cancel_grace.attach(request, reads, now);
        u64::try_from(request.cancel().unwrap().1.as_millis()).unwrap()
    }

    #[test]
    fn a_job_that_nobody_can_cancel_has_plain_requests() {
        let mut cancel_grace = CancelGrace::new(None);
        assert!(cancel_grace.attach(request("SyncImages"), false, at(0)).cancel().is_none());
    }

    #[test]
    fn a_read_ends_with_the_cancel_and_a_write_later() {
        let mut cancel_grace = CancelGrace::new(Some(Cancel::new()));
        assert_eq!(grace(&mut cancel_grace, "DescribeImages", at(0)), 0);
        cancel_grace.replied(at(10));
        assert_eq!(grace(&mut cancel_grace, "SyncImages", at(10)), 5000);
    }

    #[test]
    fn the_last_look_has_what_a_read_has_left() {
        let cancel = Cancel::new();
        let mut cancel_grace = CancelGrace::new(Some(cancel.clone()));
        assert_eq!(grace(&mut cancel_grace, "DescribeImages", at(1000)), 0);
        cancel.cancel();
        // It was out for long before the cancel, and ended with it.
        cancel_grace.replied(at(20_000));
        assert_eq!(grace(&mut cancel_grace, "DescribeImages", at(20_000)), 5600);
        cancel_grace.replied(at(23_000));
        assert_eq!(grace(&mut cancel_grace, "DescribeImages", at(23_000)), 2600);
        cancel_grace.replied(at(26_000));
        assert_eq!(grace(&mut cancel_grace, "DescribeImages", at(26_000)), 0);
    }

    #[test]
    fn the_last_look_has_what_a_write_has_left() {
        for (replied, left) in [(11_000, 4600), (14_000, 1600), (15_000, 600), (40_000, 600)] {
            let cancel = Cancel::new();
            let mut cancel_grace = CancelGrace::new(Some(cancel.clone()));
            grace(&mut cancel_grace, "SyncImages", at(10_000));
            // Handed out again, it is still the same exchange.
            grace(&mut cancel_grace, "SyncImages", at(10_500));
            cancel.cancel();
            cancel_grace.replied(at(replied));
            assert_eq!(grace(&mut cancel_grace, "DescribeImages", at(replied)), left, "replied at {replied}");
        }
    }
}
