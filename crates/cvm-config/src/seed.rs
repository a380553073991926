//! The number that each of a client's machines starts from.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::process;
use std::time::SystemTime;

/// A seed for a machine of the core: a number that differs each time, also from that of a forked process. It is no secret,
/// and makes none.
pub fn seed() -> u64 {
    // The standard library keys its hash maps with the system's entropy. Parent and child of a fork have the same keys, and
    // what comes of their seeds, such as the token of a request, must not be taken for the other's.
    RandomState::new().hash_one((process::id(), SystemTime::now()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_seeds_are_the_same() {
        let seeds: BTreeSet<u64> = (0..1000).map(|_| seed()).collect();
        assert_eq!(seeds.len(), 1000);
    }
}
