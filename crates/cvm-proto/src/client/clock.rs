//! Clock skew: how far this machine's clock is from the service's.

/// What is added to this machine's clock to get the service's. Zero until a response shows otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClockOffset(i64);

/// The largest difference that is corrected. A clock that is wrong by more has to be set: it is more likely that whoever
/// answers is not the service, and a signature for another day could be kept for it.
pub(crate) const MAX_CORRECTION_SECONDS: u64 = 86_400;

/// A difference that a signature survives with room to spare; the service refuses from 300 s.
const TOLERATED_SECONDS: u64 = 60;

impl ClockOffset {
    /// The service's time when our clock reads `unix`.
    pub(crate) fn apply(self, unix: u64) -> u64 {
        unix.saturating_add_signed(self.0)
    }

    /// Takes in what the `Date` header of a response said when our clock read `unix`; says whether that changed
    /// anything. Small differences are left alone: they are the time on the wire.
    pub(crate) fn observe(&mut self, unix: u64, theirs: u64) -> bool {
        if theirs.abs_diff(self.apply(unix)) <= TOLERATED_SECONDS || is_too_far(unix, theirs) {
            return false;
        }
        let (Ok(theirs), Ok(ours)) = (i64::try_from(theirs), i64::try_from(unix)) else { return false };
        self.0 = theirs - ours;
        true
    }
}

/// Whether the clocks differ by more than is ever corrected.
pub(crate) fn is_too_far(ours: u64, theirs: u64) -> bool {
    theirs.abs_diff(ours) > MAX_CORRECTION_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_large_difference_moves_the_clock() {
        let mut offset = ClockOffset::default();
        assert!(!offset.observe(784_111_777 + 60, 784_111_777));
        assert!(offset.observe(784_111_777 + 600, 784_111_777));
        assert_eq!(offset.apply(1_000), 400);
        assert_eq!(offset.apply(100), 0);
        assert!(offset.observe(784_111_777 - 86_400, 784_111_777));
        assert_eq!(offset.apply(0), 86_400);
        for (ours, theirs) in
            [(0, 784_111_777), (784_111_777, 253_402_300_799), (784_111_777 + 86_401, 784_111_777)]
        {
            assert!(!offset.observe(ours, theirs), "more than a day: {ours} and {theirs}");
        }
        assert_eq!(offset.apply(0), 86_400);
    }
}
