//! Ids that look random and are not: the same seed gives the same ids in the same order.

use serde::{Deserialize, Serialize};

const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// A stream of numbers, repeatable from where it is. Nothing here needs to be hard to guess.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stream(u64);

impl Stream {
    /// The stream of a purpose: two purposes with one seed do not share their numbers.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        let mut stream = Self(seed ^ purpose.wrapping_mul(0xD1B5_4A32_D192_ED03));
        Self(stream.next())
    }

    pub(crate) fn next(&mut self) -> u64 {
        cvm_proto::splitmix64(&mut self.0)
    }

    /// A number from 0 up to, and without, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        // The upper 53 bits are what a float of this size holds exactly.
        #[allow(clippy::cast_precision_loss)]
        let fraction = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        fraction
    }

    /// An id such as `img-o3ycss2p`: the kind and eight of `0-9a-z`.
    pub(crate) fn resource(&mut self, kind: &str) -> String {
        format!("{kind}-{}", self.text(8))
    }

    /// A text of this many of `0-9a-z`, such as a key is made of.
    pub(crate) fn text(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let mut number = self.next();
            // A number has twelve digits of this alphabet to spare.
            for _ in 0..12.min(length - text.len()) {
                text.push(ALPHABET[usize::from((number % 36).to_le_bytes()[0])] as char);
                number /= 36;
            }
        }
        text
    }

    /// A request id: 128 bits in the form of a UUID of version 4.
    pub(crate) fn request(&mut self) -> RequestId {
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        RequestId(bits & !(0xF << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62)
    }
}

/// What identifies one request in the answer and in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(u128);

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = [0_u8; 36];
        f.write_str(self.write(&mut text))
    }
}

impl RequestId {
    /// Writes the id without going through the formatting machinery: it is part of every answer.
    pub(crate) fn write(self, text: &mut [u8; 36]) -> &str {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut at = 0;
        for nibble in 0..32_u32 {
            if matches!(nibble, 8 | 12 | 16 | 20) {
                text[at] = b'-';
                at += 1;
            }
            text[at] = DIGITS[usize::from((self.0 >> (124 - 4 * nibble)).to_le_bytes()[0] & 0xF)];
            at += 1;
        }
        std::str::from_utf8(text).unwrap_or_default()
    }
}

/// Whether a text has the form of an id of this kind.
pub(crate) fn is_resource(text: &str, kind: &str) -> bool {
    text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| {
        rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let ids = |seed, purpose| {
            let mut stream = Stream::new(seed, purpose);
            (stream.resource("img"), stream.request().to_string())
        };
        assert_eq!(ids(7, 1), ids(7, 1));
        assert_ne!(ids(7, 1), ids(7, 2));
        assert_ne!(ids(7, 1), ids(8, 1));
    }

    #[test]
    fn ids_have_the_forms_of_the_service() {
        let mut stream = Stream::new(0, 0);
        for _ in 0..1000 {
            let id = stream.resource("snap");
            assert!(is_resource(&id, "snap"), "{id}");
            let request = stream.request().to_string();
            let groups: Vec<&str> = request.split('-').collect();
            assert_eq!(
                groups.iter().map(|group| group.len()).collect::<Vec<_>>(),
                [8, 4, 4, 4, 12],
                "{request}"
            );
            assert!(groups[2].starts_with('4') && groups[3].starts_with(['8', '9', 'a', 'b']), "{request}");
            assert!((0.0..1.0).contains(&stream.fraction()));
        }
        for bad in [
            "",
            "img",
            "img-",
            "img-o3ycss2",
            "img-o3ycss2pp",
            "img-O3YCSS2P",
            "snap-o3ycss2p",
            "img-o3ycss2é",
        ] {
            assert!(!is_resource(bad, "img"), "{bad}");
        }
    }
}
