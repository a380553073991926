//! Client-side rate limits: one bucket for each action and region.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// When the next request of each action and region is due.
///
/// Requests are spaced evenly and never sent in a burst: the service counts arrivals, the network bunches them up, and
/// two bursts a second apart may arrive in one second. The spacing is 5 % wider than the rate for the same reason.
///
/// A driver that was held up comes late to many of its requests at once. So those that are really sent are counted too:
/// no second sees more of them than the rate.
///
/// A list in the order of actions and regions: a map of maps takes a program some ten kilobytes more.
#[derive(Default)]
pub(crate) struct RateLimits(Vec<Bucket>);

struct Bucket {
    action: String,
    region: String,
    /// When the next request is to be sent.
    due: Duration,
    /// When the last ones were sent, as many as a second may see.
    sent: VecDeque<Duration>,
}

/// The second that sent requests are counted in, and a little more for what the network makes of it.
const SECOND_AND_MARGIN: Duration = Duration::from_millis(1020);

impl RateLimits {
    /// Books a request at `rate` requests a second; gives the time on the monotonic clock at which to send it.
    pub(crate) fn book(&mut self, action: &str, region: &str, rate: u32, mono: Duration) -> Duration {
        let interval = Duration::from_millis(1050) / rate.max(1);
        let bucket = self.bucket(action, region);
        let send_at = bucket.due.max(mono);
        bucket.due = send_at + interval;
        send_at
    }

    /// Counts a request that is sent now; gives the time at which to ask again if there were too many.
    pub(crate) fn pass(
        &mut self,
        action: &str,
        region: &str,
        rate: u32,
        mono: Duration,
    ) -> Result<(), Duration> {
        let sent = &mut self.bucket(action, region).sent;
        if sent.len() >= rate.max(1) as usize {
            match sent
                .front()
                .map(|first| first.saturating_add(SECOND_AND_MARGIN))
                .filter(|free| *free > mono)
            {
                Some(free) => return Err(free),
                None => sent.pop_front(),
            };
        }
        sent.push_back(mono);
        Ok(())
    }

    fn bucket(&mut self, action: &str, region: &str) -> &mut Bucket {
        let found =
            self.0.binary_search_by(|bucket| (&*bucket.action, &*bucket.region).cmp(&(action, region)));
        let place = found.unwrap_or_else(|place| {
            let (due, sent) = (Duration::ZERO, VecDeque::new());
            self.0.insert(place, Bucket { action: action.into(), region: region.into(), due, sent });
            place
        });
        &mut self.0[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_sees_more_than_the_rate() {
        for rate in [1, 10, 40] {
            let mut limits = RateLimits::default();
            let sent: alloc::vec::Vec<Duration> =
                (0..500).map(|_| limits.book("A", "r", rate, Duration::from_secs(5))).collect();
            assert_eq!(sent[0], Duration::from_secs(5), "the first goes at once");
            let far = rate as usize;
            assert!(
                sent.windows(far + 1).all(|w| w[far].checked_sub(w[0]).unwrap() > Duration::from_secs(1)),
                "{rate}"
            );
            assert!(
                sent[499].checked_sub(sent[0]).unwrap()
                    < Duration::from_secs_f64(1.06 * 499.0 / f64::from(rate)),
                "{rate}"
            );
        }
    }

    #[test]
    fn those_that_come_late_together_are_not_sent_together() {
        for rate in [1, 10, 40] {
            let mut limits = RateLimits::default();
            let mut mono = Duration::from_secs(5);
            let mut sent = alloc::vec::Vec::new();
            for _ in 0..200 {
                while let Err(later) = limits.pass("A", "r", rate, mono) {
                    assert!(later > mono);
                    mono = later;
                }
                sent.push(mono);
            }
            assert_eq!(sent[0], sent[rate as usize - 1], "as many as a second may see go at once");
            assert!(
                sent.windows(rate as usize + 1)
                    .all(|w| w[rate as usize].saturating_sub(w[0]) > Duration::from_secs(1))
            );
        }
    }

    #[test]
    fn actions_and_regions_do_not_wait_for_each_other() {
        let mut limits = RateLimits::default();
        let mono = Duration::ZERO;
        assert_eq!(limits.book("A", "r", 1, mono), mono);
        assert_eq!(limits.book("A", "s", 1, mono), mono);
        assert_eq!(limits.book("B", "r", 1, mono), mono);
        assert!(limits.book("A", "r", 1, mono) > mono);
    }
}
