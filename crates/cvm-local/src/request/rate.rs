//! How many requests a second an account may send for an action in a region.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::lock::lock;
use crate::request::call::Product;

/// The length of the window that requests are counted in.
const WINDOW: Duration = Duration::from_secs(1);

/// Whose requests are counted together: positions in the tables of accounts, actions and regions, so that the number
/// of windows is bounded whatever clients send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RateKey {
    pub(crate) product: Product,
    /// `None` for requests without a signature.
    pub(crate) account: Option<usize>,
    pub(crate) action: usize,
    pub(crate) region: Option<usize>,
}

/// One sliding window for each key, on real time.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<HashMap<RateKey, VecDeque<Instant>>>);

impl Rates {
    /// Counts a request, unless `limit` of them came within the last second. A request that is refused does not count:
    /// a client that keeps on asking gets its share.
    pub(crate) fn admit(&self, key: RateKey, limit: u32, now: Instant) -> bool {
        let mut windows = lock(&self.0);
        let window = windows.entry(key).or_default();
        while window.front().is_some_and(|&first| now.saturating_duration_since(first) >= WINDOW) {
            window.pop_front();
        }
        let admitted = window.len() < limit as usize;
        if admitted {
            window.push_back(now);
        }
        admitted
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides() {
        let rates = Rates::default();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let key = RateKey { product: Product::Cvm, account: Some(0), action: 0, region: Some(0) };
        assert!(rates.admit(key, 2, at(0)));
        assert!(rates.admit(key, 2, at(600)));
        assert!(!rates.admit(key, 2, at(999)));
        assert!(rates.admit(key, 2, at(1000)), "the first has left the window");
        assert!(!rates.admit(key, 2, at(1500)));
        assert!(rates.admit(key, 2, at(1600)));
    }

    #[test]
    fn groups_do_not_share_a_window() {
        let rates = Rates::default();
        let now = Instant::now();
        let key = RateKey { product: Product::Cvm, account: Some(0), action: 0, region: Some(0) };
        assert!(rates.admit(key, 1, now));
        for other in [
            RateKey { product: Product::Sts, ..key },
            RateKey { account: Some(1), ..key },
            RateKey { account: None, ..key },
            RateKey { action: 1, ..key },
            RateKey { region: Some(1), ..key },
            RateKey { region: None, ..key },
        ] {
            assert!(rates.admit(other, 1, now), "{other:?}");
        }
        assert!(!rates.admit(key, 1, now));
        rates.clear();
        assert!(rates.admit(key, 1, now));
    }
}
