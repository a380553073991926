//! Numbers that only have to differ: jitter and nonces, all from the seed that the caller gave.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// The next number of a stream, and where the stream is then (`SplitMix64`): a few instructions a number, every start is a
/// good one, and the same start gives the same numbers. Nothing that has to be hard to guess may come of it.
pub fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The numbers of a machine, from the seed that it was given.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        splitmix64(&mut self.0)
    }

    /// A number from 0 to `max`, both included.
    pub(crate) fn up_to(&mut self, max: u64) -> u64 {
        match max.checked_add(1) {
            // The high half of the product is uniform to one part in 2^64 / max.
            Some(bound) => ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64,
            None => self.next(),
        }
    }

    /// Thirty-two hexadecimal digits that nobody else has, if nobody else has the seed.
    pub(crate) fn token(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// A duration around this one, by up to a quarter, so that many who wait do not wake together.
    pub(crate) fn jittered(&mut self, duration: Duration) -> Duration {
        let quarter = u64::try_from(duration.as_nanos() / 4).unwrap_or(u64::MAX / 2);
        duration
            .saturating_sub(Duration::from_nanos(quarter))
            .saturating_add(Duration::from_nanos(self.up_to(quarter.saturating_mul(2))))
    }
}
