//! SHA-256 that goes on from a state, and its HMAC, on the compression function of the crate `sha2`.
//!
//! Most of what a request is hashed from begins as for the request before: the canonical request up to the hash of its
//! body, and both keyed blocks of the HMAC. A state that has taken such a beginning in is 32 bytes to keep. Those of the
//! crates `sha2` and `hmac` can be cloned as well, with their buffers, which costs more than a compression each.

use core::hint::black_box;

use sha2::block_api::compress256;
use zeroize::Zeroize;

const BLOCK: usize = 64;

/// The first 32 bits of the fractional parts of the square roots of the first eight primes (FIPS 180-4, 5.3.3).
const INITIAL_STATE: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// SHA-256 of a text.
pub(super) fn digest(text: &[u8]) -> [u8; 32] {
    Midstate { state: INITIAL_STATE, len: 0 }.finish(text)
}

/// A hash that has taken whole blocks in.
#[derive(Clone, Copy)]
pub(super) struct Midstate {
    state: [u32; 8],
    /// How many bytes it has taken in.
    len: usize,
}

impl Midstate {
    /// Takes the whole blocks of a beginning in, and gives back what is left of it.
    pub(super) fn after(beginning: &[u8]) -> (Self, &[u8]) {
        let (blocks, rest) = beginning.as_chunks::<BLOCK>();
        let mut state = INITIAL_STATE;
        compress256(&mut state, blocks);
        (Self { state, len: beginning.len() - rest.len() }, rest)
    }

    /// The hash of the beginning and `rest` together: a one bit, zeros, and the length in bits fill the last block.
    pub(super) fn finish(mut self, rest: &[u8]) -> [u8; 32] {
        const PADDING: usize = 1 + 8;
        let bits = (self.len + rest.len()) as u64 * 8;
        let (blocks, rest) = rest.as_chunks::<BLOCK>();
        let mut last = [0; 2 * BLOCK];
        let end = (rest.len() + PADDING).next_multiple_of(BLOCK);
        last[..rest.len()].copy_from_slice(rest);
        last[rest.len()] = 0x80;
        last[end - 8..end].copy_from_slice(&bits.to_be_bytes());
        compress256(&mut self.state, blocks);
        compress256(&mut self.state, last[..end].as_chunks().0);
        let mut hash = [0; 32];
        hash.copy_from_slice(self.state.map(u32::to_be_bytes).as_flattened());
        hash
    }
}

/// A key of HMAC-SHA256 as the two states that have taken it in, so that a short text costs two compressions and not
/// four. The states sign like the key: they are wiped when dropped.
#[derive(Clone)]
pub(super) struct HmacKey {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl HmacKey {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        if key.len() > BLOCK {
            block[..32].copy_from_slice(&digest(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let keyed = |pad: u8, block: &mut [u8; BLOCK]| {
            let mut state = INITIAL_STATE;
            for byte in block.iter_mut() {
                *byte ^= pad;
            }
            compress256(&mut state, &[*block]);
            state
        };
        let inner = keyed(0x36, &mut block);
        // The second pad on top of the first, which it takes off.
        let outer = keyed(0x36 ^ 0x5c, &mut block);
        block.zeroize();
        Self { inner, outer }
    }

    /// The code of a text.
    pub(super) fn sign(&self, text: &[u8]) -> [u8; 32] {
        let inner = Midstate { state: self.inner, len: BLOCK }.finish(text);
        Midstate { state: self.outer, len: BLOCK }.finish(&inner)
    }
}

impl Drop for HmacKey {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

/// Whether two codes are the same, in a time that does not depend on where they differ.
pub(super) fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    black_box(a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn every_length_around_the_block_in_every_cut() {
        let text: Vec<u8> = (0..=255).chain(0..1).collect();
        for len in 0..=256 {
            let expected: [u8; 32] = Sha256::digest(&text[..len]).into();
            assert_eq!(digest(&text[..len]), expected, "{len}");
            for cut in 0..=len {
                let (state, rest) = Midstate::after(&text[..cut]);
                let rest = [rest, &text[cut..len]].concat();
                assert_eq!(state.finish(&rest), expected, "{len} cut at {cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn prop_codes_are_those_of_the_crate_hmac(
            key in prop::collection::vec(any::<u8>(), 0..150),
            text in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let theirs = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(&text);
            let expected: [u8; 32] = theirs.finalize().into_bytes().into();
            let code = HmacKey::new(&key).sign(&text);
            prop_assert_eq!(code, expected);
            prop_assert!(same(&code, &expected));
            let mut other = expected;
            other[usize::from(code[0]) % 32] ^= 1;
            prop_assert!(!same(&code, &other));
        }
    }
}
