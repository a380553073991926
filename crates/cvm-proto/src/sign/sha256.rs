//! SHA-256 and its HMAC with their states in the open, on the compression function of the crate `sha2`.
//!
//! A request is hashed from a few short texts, and most of them begin as those of the request before: the canonical
//! request up to the hash of its body, and both keyed blocks of the HMAC. A state that has taken such a beginning in is
//! 32 bytes to keep, and going on from it costs nothing but the compressions that are left.

use core::hint::black_box;

use sha2::block_api::compress256;
use zeroize::Zeroize;

use super::sink::Sink;

const BLOCK: usize = 64;

/// The first 32 bits of the fractional parts of the square roots of the first eight primes (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// How much is gathered before it is compressed: what a request is hashed from fits with its padding mostly, and is then
/// one call. The compression loads and stores its state anew in each.
const GATHERED: usize = 3 * BLOCK;

/// SHA-256 of what has been written to it so far.
pub(super) struct Sha256 {
    state: [u32; 8],
    /// Whole blocks in `state`.
    blocks: u64,
    /// What is not in `state` yet.
    rest: [u8; GATHERED],
    filled: usize,
}

impl Sha256 {
    pub(super) fn new() -> Self {
        Self::after(INITIAL, 0)
    }

    /// What has been written, to go on from more than once.
    pub(super) fn midstate(&mut self) -> Midstate {
        self.compress_rest();
        let mut rest = [0; BLOCK];
        rest[..self.filled].copy_from_slice(&self.rest[..self.filled]);
        Midstate { state: self.state, blocks: self.blocks, rest, filled: self.filled }
    }

    /// Goes on from a state that has taken `blocks` whole blocks in.
    #[inline]
    fn after(state: [u32; 8], blocks: u64) -> Self {
        Self { state, blocks, rest: [0; GATHERED], filled: 0 }
    }

    /// The hash of one text.
    pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
        let mut hash = Self::new();
        hash.update(bytes);
        hash.finalize()
    }

    #[inline]
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self.rest.get_mut(self.filled..self.filled + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.filled += bytes.len();
            }
            None => self.update_blocks(bytes),
        }
    }

    fn update_blocks(&mut self, bytes: &[u8]) {
        let (first, bytes) = bytes.split_at(GATHERED - self.filled);
        self.rest[self.filled..].copy_from_slice(first);
        self.filled = GATHERED;
        self.compress_rest();
        let (whole, rest) = bytes.as_chunks::<BLOCK>();
        compress256(&mut self.state, whole);
        self.blocks += whole.len() as u64;
        self.rest[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
    }

    fn compress_rest(&mut self) {
        let (whole, rest) = self.rest[..self.filled].as_chunks::<BLOCK>();
        compress256(&mut self.state, whole);
        self.blocks += whole.len() as u64;
        let from = self.filled - rest.len();
        self.rest.copy_within(from..self.filled, 0);
        self.filled -= from;
    }

    /// The hash, after which it is of no more use. A one bit, zeros, and the length in bits fill the last block.
    pub(super) fn finalize(&mut self) -> [u8; 32] {
        const PADDING: usize = 1 + 8;
        if self.filled + PADDING > GATHERED {
            self.compress_rest();
        }
        let bits = (self.blocks * BLOCK as u64 + self.filled as u64) * 8;
        let end = (self.filled + PADDING).next_multiple_of(BLOCK);
        self.rest[self.filled] = 0x80;
        self.rest[self.filled + 1..end].fill(0);
        self.rest[end - 8..end].copy_from_slice(&bits.to_be_bytes());
        compress256(&mut self.state, self.rest[..end].as_chunks().0);
        let mut hash = [0; 32];
        hash.copy_from_slice(self.state.map(u32::to_be_bytes).as_flattened());
        hash
    }
}

/// A hash that has taken a beginning in.
#[derive(Clone)]
pub(super) struct Midstate {
    state: [u32; 8],
    blocks: u64,
    rest: [u8; BLOCK],
    filled: usize,
}

impl Midstate {
    #[inline]
    pub(super) fn begin(&self) -> Sha256 {
        let mut hash = Sha256::after(self.state, self.blocks);
        hash.rest[..BLOCK].copy_from_slice(&self.rest);
        hash.filled = self.filled;
        hash
    }
}

impl Sink for Sha256 {
    #[inline]
    fn put(&mut self, text: &[u8]) {
        self.update(text);
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
            block[..32].copy_from_slice(&Sha256::digest(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let keyed = |pad: u8, block: &mut [u8; BLOCK]| {
            let mut state = INITIAL;
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

    /// The hash to write the text to.
    #[inline]
    pub(super) fn begin(&self) -> Sha256 {
        Sha256::after(self.inner, 1)
    }

    /// The code of the text that was written to `text`, which this key [began](Self::begin).
    pub(super) fn finish(&self, text: &mut Sha256) -> [u8; 32] {
        let mut outer = Sha256::after(self.outer, 1);
        outer.update(&text.finalize());
        outer.finalize()
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
    use sha2::Digest;

    #[test]
    fn every_length_around_the_block_in_every_cut() {
        let text: Vec<u8> = (0..=255).chain(0..1).collect();
        for len in 0..=256 {
            let expected: [u8; 32] = sha2::Sha256::digest(&text[..len]).into();
            assert_eq!(Sha256::digest(&text[..len]), expected, "{len}");
            for cut in 0..=len {
                let mut hash = Sha256::new();
                hash.update(&text[..cut]);
                hash.update(&text[cut..len]);
                assert_eq!(hash.finalize(), expected, "{len} cut at {cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn prop_codes_are_those_of_the_crate_hmac(
            key in prop::collection::vec(any::<u8>(), 0..150),
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..150), 0..4),
        ) {
            let mut theirs = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
            let ours = HmacKey::new(&key);
            let mut text = ours.begin();
            for part in &parts {
                theirs.update(part);
                text.update(part);
            }
            let expected: [u8; 32] = theirs.finalize().into_bytes().into();
            let code = ours.finish(&mut text);
            prop_assert_eq!(code, expected);
            prop_assert!(same(&code, &expected));
            let mut other = expected;
            other[usize::from(code[0]) % 32] ^= 1;
            prop_assert!(!same(&code, &other));
        }
    }
}
