//! Percent-encoding of queries and forms.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Error;

/// Appends `text`, with every byte but the letters, digits, `-`, `_`, `.` and `~` written as `%XX`; a space is `%20`.
pub fn encode_into(text: &str, to: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| !is_unreserved(b)) {
        to.push_str(&rest[..at]);
        // A character outside ASCII is encoded byte by byte and as a whole, so the rest begins at a character.
        let len = rest[at..].chars().next().map_or(1, char::len_utf8);
        for byte in rest[at..at + len].bytes() {
            to.push('%');
            to.push(char::from(DIGITS[usize::from(byte >> 4)]));
            to.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        rest = &rest[at + len..];
    }
    to.push_str(rest);
}

/// Undoes [`encode_into`], and also reads `+` as a space, as forms write it.
///
/// # Errors
///
/// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if a `%` is not followed by two hexadecimal digits, or the
/// result is not UTF-8.
pub fn decode(text: &str) -> Result<Cow<'_, str>, Error> {
    if !text.bytes().any(|b| b == b'%' || b == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |at: usize| tail.get(at).and_then(|&b| char::from(b).to_digit(16));
                let (Some(high), Some(low)) = (digit(0), digit(1)) else {
                    return Err(Error::parameter(format!(
                        "`{}` has a `%` that two hexadecimal digits do not follow: write `%` as `%25`",
                        shown(text)
                    )));
                };
                // Two digits to the base 16 are at most 255.
                #[allow(clippy::cast_possible_truncation)]
                bytes.push((high * 16 + low) as u8);
                rest = &tail[2..];
            }
            other => bytes.push(*other),
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Owned(text)),
        Err(_) => Err(Error::parameter(format!(
            "`{}` is not UTF-8 once decoded: encode text as UTF-8",
            shown(text)
        ))),
    }
}

/// The names and values of a query or form, decoded, in their order.
///
/// A piece without `=` is a name with an empty value; empty pieces are skipped.
///
/// # Errors
///
/// As [`decode`].
pub fn parse_pairs(raw: &str) -> Result<Vec<(String, String)>, Error> {
    raw.split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Ok((decode(name)?.into_owned(), decode(value)?.into_owned()))
        })
        .collect()
}

/// The query or form of names and values: what [`parse_pairs`] reads.
pub fn encode_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    let len = pairs.iter().map(|(name, value)| name.as_ref().len() + value.as_ref().len() + 2).sum();
    let mut text = String::with_capacity(len);
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        encode_into(name.as_ref(), &mut text);
        text.push('=');
        encode_into(value.as_ref(), &mut text);
    }
    text
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// The beginning of a text that may be of any length and hold anything.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    fn check(text: &str, encoded: &str) {
        let mut got = String::new();
        encode_into(text, &mut got);
        assert_eq!(got, encoded);
        assert_eq!(decode(encoded).unwrap(), text);
    }

    #[test]
    fn every_sort_of_byte() {
        check("", "");
        check("AZaz09-_.~", "AZaz09-_.~");
        check(" ", "%20");
        check("a+b", "a%2Bb");
        check("100%", "100%25");
        check("*'()!", "%2A%27%28%29%21");
        check("/path?x=1#f&g", "%2Fpath%3Fx%3D1%23f%26g");
        check("中é🚀\0\n", "%E4%B8%AD%C3%A9%F0%9F%9A%80%00%0A");
    }

    #[test]
    fn what_others_write_is_read() {
        assert_eq!(decode("a+b%2b%2B").unwrap(), "a b++");
        for bad in ["%", "%2", "%zz", "%+1", "a%%20", "%é"] {
            assert!(decode(bad).unwrap_err().to_string().contains("hexadecimal"), "{bad}");
        }
        for bad in ["%ff", "%E4%B8", "x%C0%80"] {
            assert!(decode(bad).unwrap_err().to_string().contains("UTF-8"), "{bad}");
        }
    }

    #[test]
    fn pairs() {
        let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
        assert_eq!(parse_pairs("").unwrap(), vec![]);
        assert_eq!(
            parse_pairs("a=1&&b&c==&=d&a=2").unwrap(),
            [pair("a", "1"), pair("b", ""), pair("c", "="), pair("", "d"), pair("a", "2")]
        );
        assert_eq!(encode_pairs(&[("Name", "a b"), ("X.0", "&=")]), "Name=a%20b&X.0=%26%3D");
        assert!(parse_pairs("a=%").is_err());
    }

    #[test]
    fn errors_quote_only_the_beginning() {
        let error = decode(&"%".repeat(10_000)).unwrap_err();
        assert!(error.to_string().len() < 300);
    }
}
