//! Hexadecimal text of a SHA-256 hash, on the stack: three are written for each request.

/// 32 bytes as 64 small hexadecimal digits.
#[derive(Clone, Copy)]
pub(crate) struct Hex([u8; 64]);

impl Hex {
    pub(crate) fn new(bytes: &[u8; 32]) -> Self {
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            pair[0] = digit(byte >> 4);
            pair[1] = digit(byte & 15);
        }
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).expect("every byte is one of the sixteen digits")
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// The bytes that exactly 64 small digits stand for.
    pub(crate) fn parse(text: &str) -> Option<[u8; 32]> {
        let text: &[u8; 64] = text.as_bytes().try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(bytes)
    }
}

/// Without a table or a branch, so that the compiler does sixteen at a time.
const fn digit(nibble: u8) -> u8 {
    let letter = (nibble > 9) as u8;
    b'0' + nibble + letter * (b'a' - b'0' - 10)
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_there_and_back() {
        for first in 0..=255_u8 {
            let bytes = core::array::from_fn(|i| first.wrapping_add(u8::try_from(i).unwrap()));
            let hex = Hex::new(&bytes);
            assert_eq!(hex.as_str()[..2], alloc::format!("{first:02x}"));
            assert_eq!(Hex::parse(hex.as_str()), Some(bytes));
        }
    }

    #[test]
    fn only_small_digits_and_exactly_64() {
        let zeros = "0".repeat(64);
        assert!(Hex::parse(&zeros).is_some());
        assert!(Hex::parse(&zeros[1..]).is_none());
        assert!(Hex::parse(&zeros.replacen('0', "A", 1)).is_none());
        assert!(Hex::parse(&zeros.replacen('0', "g", 1)).is_none());
        assert!(Hex::parse(&zeros.replacen("00", "é", 1)).is_none());
    }
}
