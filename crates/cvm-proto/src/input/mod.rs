//! Text that comes in: from files, standard input, the environment, and other programs.
//!
//! Whoever takes text in passes it through here, so that every door treats it alike: a byte order mark comes off, lines
//! may end in CR LF, and what is not UTF-8 is called what it is.
//!
//! ```
//! use cvm_proto::input;
//!
//! assert_eq!(input::text(b"\xEF\xBB\xBFkey = value\r\n")?, "key = value\r\n");
//! assert_eq!(input::trim("\u{feff} value\r\n"), "value");
//! assert_eq!(input::text(b"\xFF\xFEk\0").unwrap_err().at("keys.ini"), "keys.ini:1: is UTF-16: save it as UTF-8");
//! let wrong = input::json::<serde_json::Value>(b"{\n  \"a\": 1,\n}").unwrap_err();
//! assert_eq!(wrong.at("request.json"), "request.json:3: is not JSON: trailing comma at column 1");
//! # Ok::<(), input::Unreadable>(())
//! ```

use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;

use serde::Deserialize;
use serde_json::error::Category;

pub(crate) mod address;
mod pem;
mod similar;

pub use pem::certificates;
pub use similar::closest;

/// The byte order mark, which some editors put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why bytes are not what they are to be. `Display` is a clause about them that repeats nothing of what they hold, but
/// for a member's value that has the wrong type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    line: usize,
    what: &'static str,
    more: String,
}

impl Unreadable {
    pub(crate) fn new(line: usize, what: &'static str, more: impl Into<String>) -> Self {
        Self { line: line.max(1), what, more: more.into() }
    }

    /// The line that is wrong, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What they are or are not, such as `is UTF-16`, without details and advice.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// The same as a sentence about a line of `place`, such as a file.
    pub fn at(&self, place: impl fmt::Display) -> String {
        format!("{place}:{}: {self}", self.line)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.more)
    }
}

impl core::error::Error for Unreadable {}

/// What to do about text in another encoding.
const SAVE_AS_UTF8: &str = "save it as UTF-8";

/// The text that bytes are, without its byte order mark.
///
/// # Errors
///
/// What else they are: UTF-16, UTF-32, or some other encoding.
pub fn text(bytes: &[u8]) -> Result<&str, Unreadable> {
    let bytes = unmarked(bytes)?;
    core::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].split(|&byte| byte == b'\n').count();
        Unreadable::new(line, "is not UTF-8", SAVE_AS_UTF8)
    })
}

/// Bytes without their byte order mark, for what need not be UTF-8 from end to end, as the comments in a PEM file.
///
/// # Errors
///
/// If they are UTF-16 or UTF-32.
pub fn unmarked(bytes: &[u8]) -> Result<&[u8], Unreadable> {
    let wide = match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] | [1..=255, 0, 0, 0, ..] | [0, 0, 0, 1..=255, ..] => {
            "is UTF-32"
        }
        // Without a mark the zero in its first character tells: no text begins with one, or has one so early.
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [1..=255, 0, ..] | [0, 1..=255, ..] => "is UTF-16",
        [0xEF, 0xBB, 0xBF, rest @ ..] => return Ok(rest),
        _ => return Ok(bytes),
    };
    Err(Unreadable::new(1, wide, SAVE_AS_UTF8))
}

/// A single value without the byte order mark, the white space and the line ends around it.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK)
}

/// A value as an error may show it: escaped, and no further than it can be one value. Behind a control character, or a
/// blank before `KEY = VALUE`, stands what was to be another line, and that may be a secret.
pub fn excerpt(value: &str) -> String {
    let value = trim(value);
    let is_end = |(at, c): &(usize, char)| {
        let is_line_end = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        is_line_end || c.is_whitespace() && value[*at..].contains(['=', ':'])
    };
    match value.char_indices().find(is_end) {
        Some((end, _)) => format!("{}…", value[..end].escape_debug()),
        None => value.escape_debug().to_string(),
    }
}

/// What a JSON text says.
///
/// # Errors
///
/// What is wrong with it, and in which line.
pub fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Unreadable> {
    let text = text(bytes)?;
    serde_json::from_str(text).map_err(|error| wrong_json(text, &error))
}

#[cold]
fn wrong_json(text: &str, error: &serde_json::Error) -> Unreadable {
    if text.trim().is_empty() {
        return Unreadable::new(1, "is empty", "write JSON");
    }
    let told = error.to_string();
    // The line is said before it.
    let detail = told.rsplit_once(" at line ").map_or(&*told, |(detail, _)| detail);
    let what = if error.classify() == Category::Data { "does not fit" } else { "is not JSON" };
    Unreadable::new(error.line(), what, format!("{detail} at column {}", error.column()))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use serde_json::Value;

    use super::*;

    fn utf16(text: &str, mark: bool, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mark = mark.then_some(0xFEFF);
        mark.into_iter().chain(text.encode_utf16()).flat_map(to_bytes).collect()
    }

    fn utf32(text: &str, mark: bool, to_bytes: fn(u32) -> [u8; 4]) -> Vec<u8> {
        let mark = mark.then_some(0xFEFF);
        mark.into_iter().chain(text.chars().map(u32::from)).flat_map(to_bytes).collect()
    }

    #[test]
    fn a_mark_comes_off_once_and_line_ends_stay() {
        for (bytes, expected) in [
            (&b""[..], ""),
            (b"\xEF\xBB\xBF", ""),
            (b"\xEF\xBB\xBF{}", "{}"),
            (b"a\r\nb\r\n", "a\r\nb\r\n"),
            ("\u{feff}\u{feff}x".as_bytes(), "\u{feff}x"),
            ("镜像".as_bytes(), "镜像"),
            (b"x", "x"),
            (b"\0", "\0"),
        ] {
            assert_eq!(text(bytes), Ok(expected));
        }
    }

    #[test]
    fn other_encodings_are_called_what_they_are() {
        for mark in [true, false] {
            for bytes in [utf16("[default]", mark, u16::to_le_bytes), utf16("{}", mark, u16::to_be_bytes)] {
                assert_eq!(text(&bytes).unwrap_err().to_string(), "is UTF-16: save it as UTF-8");
                assert_eq!(json::<u8>(&bytes).unwrap_err().line(), 1);
            }
            for bytes in [utf32("[x]", mark, u32::to_le_bytes), utf32("{}", mark, u32::to_be_bytes)] {
                assert_eq!(text(&bytes).unwrap_err().to_string(), "is UTF-32: save it as UTF-8");
            }
        }
        // GBK, Latin-1, a program.
        for bytes in [&b"a\nb = \xBE\xB5\xCF\xF1"[..], b"a\r\nM\xFCller", b"\x7FELF\x02\n\xFF"] {
            let error = text(bytes).unwrap_err();
            assert_eq!((error.line(), &*error.to_string()), (2, "is not UTF-8: save it as UTF-8"));
        }
    }

    #[test]
    fn what_surrounds_a_value_comes_off() {
        for around in ["value", " value", "value\n", "\u{feff}value\r\n", "\t\u{3000}value \u{feff}\n"] {
            assert_eq!(trim(around), "value");
        }
        assert_eq!(trim("\u{200b}v a"), "\u{200b}v a", "what is not seen, and is no white space, stays");
    }

    #[test]
    fn wrong_json_says_where() {
        for (bytes, expected) in [
            (&b""[..], "f:1: is empty: write JSON"),
            (b"\xEF\xBB\xBF\r\n", "f:1: is empty: write JSON"),
            (b"\xEF\xBB\xBF{\r\n\"a\": x}", "f:2: is not JSON: expected value at column 6"),
            (b"{\n", "f:2: is not JSON: EOF while parsing an object at column 0"),
            (b"[1]\n]", "f:2: is not JSON: trailing characters at column 1"),
            (b"\n\"5\"", "f:2: does not fit: invalid type: string \"5\", expected u8 at column 3"),
        ] {
            let outcome = if expected.contains("u8") {
                json::<u8>(bytes).map(|_| ())
            } else {
                json::<Value>(bytes).map(|_| ())
            };
            assert_eq!(outcome.map_err(|error| error.at("f")), Err(expected.into()));
        }
        assert_eq!(json::<u8>(b"\xEF\xBB\xBF 5\r\n"), Ok(5));
    }
}
