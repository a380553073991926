//! When a request is sent again: the pauses, and the budget.

use alloc::vec::Vec;
use core::time::Duration;

use super::random::Random;
use crate::error::{Error, ErrorCode};

/// How often a request is sent, and how long the pauses between its attempts are.
///
/// Only what may succeed later is retried, and a request that may have reached the service only if its action is
/// [safe to repeat](crate::Action::safe_to_repeat). The pause before attempt `n + 1` is random between zero and
/// `base * 2^(n-1)`, at most `cap`. A throttled request waits longer, as the service counts by the second: between half of
/// and all of five times that. A `Retry-After` of the answer takes precedence if it is longer. No pause goes past the
/// call's deadline. Which codes may pass can be corrected: [`retry_on`](Self::retry_on),
/// [`never_retry_on`](Self::never_retry_on).
///
/// The calls of a client share a budget for retries, so that many callers do not turn an outage into a storm: it allows ten
/// retries at once, and one more for every ten calls that succeed at their first attempt.
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::{RetryPolicy, Settings};
///
/// let mut settings = Settings::default();
/// settings.retry = RetryPolicy::default().attempts(5).pauses(Duration::from_millis(500), Duration::from_secs(20));
/// # assert_eq!(settings.retry.attempts, 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often a request is sent at most, the first time included; 3 by default, 1 turns retries off.
    pub attempts: u32,
    /// The longest first pause, 200 ms by default.
    pub base: Duration,
    /// The longest pause of all, 10 s by default.
    pub cap: Duration,
    /// The codes that this program judges itself, and whether each may pass.
    codes: Vec<(ErrorCode, bool)>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(200),
            cap: Duration::from_secs(10),
            codes: Vec::new(),
        }
    }
}

impl RetryPolicy {
    /// No retries at all.
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// How often a request is sent at most, the first time included; 0 counts as 1.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The longest first pause, and the longest pause of all.
    #[must_use]
    pub fn pauses(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// Counts a refusal with this code as one that may pass, such as `ResourceInUse` where the program knows that it will.
    ///
    /// What may have been done already is sent again only if that is safe, whatever its code.
    ///
    /// ```
    /// use cvm_proto::{ErrorCode, RetryPolicy};
    ///
    /// let policy = RetryPolicy::default().retry_on("InvalidImageState").never_retry_on(ErrorCode::InternalError);
    /// # let _ = policy;
    /// ```
    #[must_use]
    pub fn retry_on(self, code: impl Into<ErrorCode>) -> Self {
        self.judge(code.into(), true)
    }

    /// Counts a refusal with this code as final, although it may pass.
    #[must_use]
    pub fn never_retry_on(self, code: impl Into<ErrorCode>) -> Self {
        self.judge(code.into(), false)
    }

    fn judge(mut self, code: ErrorCode, may_pass: bool) -> Self {
        self.codes.retain(|(judged, _)| *judged != code);
        self.codes.push((code, may_pass));
        self
    }

    /// What this program says of an error: whether it may pass.
    pub(crate) fn judgement(&self, error: &Error) -> Option<bool> {
        let code = error.code()?;
        self.codes.iter().find_map(|(judged, may_pass)| (judged == code).then_some(*may_pass))
    }

    /// Whether the same request may succeed later: as [`Error::is_retryable`] has it, unless this policy says otherwise of the
    /// code.
    pub fn is_retryable(&self, error: &Error) -> bool {
        self.judgement(error).unwrap_or_else(|| error.is_retryable())
    }

    /// The pause after `attempts_made` attempts.
    pub(crate) fn pause(&self, attempts_made: u32, throttled: bool, random: &mut Random) -> Duration {
        let doublings = attempts_made.saturating_sub(1).min(31);
        let base = if throttled { self.base.saturating_mul(THROTTLED_FACTOR) } else { self.base };
        let longest = base.saturating_mul(1 << doublings).min(self.cap);
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        let least = if throttled { nanos / 2 } else { 0 };
        Duration::from_nanos(least + random.up_to(nanos - least))
    }
}

/// How much longer a throttled request waits.
const THROTTLED_FACTOR: u32 = 5;

/// A client's allowance for retries, so that many callers do not turn an outage into a storm.
///
/// It holds at most 100 tokens. A retry takes ten of them, a first attempt that succeeds gives one back. A service
/// that is down sees ten retries and then first attempts only; one that fails now and then is retried as usual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryBudget(u32);

const BUDGET_FULL: u32 = 100;
const RETRY_COST: u32 = 10;

impl Default for RetryBudget {
    fn default() -> Self {
        Self(BUDGET_FULL)
    }
}

impl RetryBudget {
    /// Takes the cost of a retry, if the budget still has it.
    pub(crate) fn withdraw(&mut self) -> bool {
        let enough = self.0 >= RETRY_COST;
        if enough {
            self.0 -= RETRY_COST;
        }
        enough
    }

    /// Takes note of a success.
    pub(crate) fn deposit(&mut self, retried: bool) {
        let back = if retried { RETRY_COST } else { 1 };
        self.0 = (self.0 + back).min(BUDGET_FULL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_stay_random() {
        let policy = RetryPolicy::default();
        let mut random = Random::new(7);
        for (made, longest) in [(1, 200), (2, 400), (3, 800), (7, 10_000), (40, 10_000)] {
            let longest = Duration::from_millis(longest);
            let seen = core::array::from_fn::<_, 200, _>(|_| policy.pause(made, false, &mut random));
            assert!(seen.iter().all(|pause| *pause <= longest));
            assert!(seen.iter().any(|pause| *pause < longest / 4), "full jitter reaches low");
            assert!(seen.iter().any(|pause| *pause > longest / 4 * 3), "full jitter reaches high");
            let throttled = (longest * 5).min(Duration::from_secs(10));
            assert!((0..200).all(|_| policy.pause(made, true, &mut random) >= throttled / 2));
        }
    }

    #[test]
    fn budget_runs_dry_and_comes_back() {
        let mut budget = RetryBudget::default();
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 10);
        (0..9).for_each(|_| budget.deposit(false));
        assert!(!budget.withdraw());
        budget.deposit(false);
        assert!(budget.withdraw());
        budget.deposit(true);
        assert!(budget.withdraw());
    }
}
