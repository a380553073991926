//! Text that goes out: to a terminal, or into a log.
//!
//! Whatever others wrote (names, messages, ids) passes through here before it is shown, so that it cannot steer a terminal,
//! turn the direction of what stands beside it, or add a line to a log. `Display` of [`Error`](crate::Error) and of
//! [`ErrorCode`](crate::ErrorCode) does so by itself. What programs read stays as it is: [`json`] escapes within texts, which
//! every reader undoes.
//!
//! ```
//! use cvm_proto::output;
//!
//! assert_eq!(output::escaped("镜像\u{1b}[31m\r\n"), r"镜像\u{1b}[31m\r\n");
//! assert_eq!(output::json("{\"Name\":\"\u{202e}gpj\"}"), r#"{"Name":"\u202egpj"}"#);
//! ```

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::{self, Write};

/// Text of others as a terminal or a log may have it: on one line, with escapes as Rust writes them for control characters
/// and for those that turn the direction of writing.
///
/// What is escaped already stays as it is.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    // A string takes all that is written to it.
    let _ = Escaping(&mut safe).write_str(text);
    Cow::Owned(safe)
}

/// JSON as a terminal may have it: the same JSON, with escapes in its texts.
///
/// `text` is to be what a writer of JSON gave out: it has neither control character but between its tokens.
pub fn json(text: &str) -> Cow<'_, str> {
    // A writer of JSON escapes those below U+0020 itself, and lays its lines out with some of them.
    let is_left_over = |c: char| c >= ' ' && is_unsafe(c);
    if !text.contains(is_left_over) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_left_over(c) {
            // None of them needs more than four digits.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Passes on what is written to it, escaped.
pub(crate) struct Escaping<'a, W>(pub(crate) &'a mut W);

impl<W: Write> Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_unsafe) {
            let (safe, tail) = rest.split_at(at);
            self.0.write_str(safe)?;
            let mut chars = tail.chars();
            match chars.next() {
                Some(c @ ('\n' | '\r' | '\t')) => write!(self.0, "{}", c.escape_default())?,
                Some(c) => write!(self.0, "{}", c.escape_unicode())?,
                None => {}
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}

/// Whether a terminal or a reader of lines would obey it rather than show it.
fn is_unsafe(c: char) -> bool {
    let turns =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    use crate::{Error, ErrorCode};

    /// What would steer a terminal, forge a line or turn the direction, and what stands for it.
    const UNSAFE: [(&str, &str, &str); 14] = [
        ("\u{1b}[31m", r"\u{1b}[31m", r"\u001b[31m"),
        ("\u{1b}]0;title\u{7}", r"\u{1b}]0;title\u{7}", r"\u001b]0;title\u0007"),
        ("\u{8}", r"\u{8}", r"\b"),
        ("\r", r"\r", r"\r"),
        ("\n", r"\n", r"\n"),
        ("\t", r"\t", r"\t"),
        ("\0", r"\u{0}", r"\u0000"),
        ("\u{7f}", r"\u{7f}", r"\u007f"),
        ("\u{85}", r"\u{85}", r"\u0085"),
        ("\u{9b}31m", r"\u{9b}31m", r"\u009b31m"),
        ("\u{202e}gpj.exe", r"\u{202e}gpj.exe", r"\u202egpj.exe"),
        ("\u{2066}a\u{2069}", r"\u{2066}a\u{2069}", r"\u2066a\u2069"),
        ("\u{200f}", r"\u{200f}", r"\u200f"),
        ("\u{2028}\u{2029}", r"\u{2028}\u{2029}", r"\u2028\u2029"),
    ];

    #[test]
    fn what_would_steer_a_terminal_is_escaped_and_the_rest_is_not() {
        for safe in ["", "镜像 ü 👩‍💻", r"C:\new\u{1b}", "`a` 'b' \"c\""] {
            assert!(matches!(escaped(safe), Cow::Borrowed(text) if text == safe), "{safe}");
        }
        for (text, shown, _) in UNSAFE {
            assert_eq!(escaped(text), shown);
            assert_eq!(escaped(shown), shown, "once is enough");
            assert_eq!(escaped(&alloc::format!("镜{text}像")), alloc::format!("镜{shown}像"));
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        for (text, _, written) in UNSAFE {
            let value = serde_json::json!({ "镜像": [text, text], text: 1 });
            for json in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let safe = super::json(&json);
                assert!(safe.contains(written) && !safe.replace('\n', "").contains(is_unsafe), "{safe}");
                assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
            }
        }
        assert!(matches!(super::json("{\n  \"a\": \"\\u001b\"\n}"), Cow::Borrowed(_)));
    }

    #[test]
    fn an_error_shows_nothing_that_steers_a_terminal_or_forges_a_line_and_keeps_it_exact() {
        for (text, shown, _) in UNSAFE {
            let message = alloc::format!("a{text}b");
            let errors = [
                Error::service("A.B".into(), message.clone(), None, 200),
                Error::service("A.B".into(), "why".into(), Some(message.clone()), 200),
                Error::service(ErrorCode::from(&*message), "why".into(), None, 200),
                Error::config(message.clone()),
                Error::parameter("why").with_call(&message, None, 2),
                Error::parameter("why").with_call("DescribeImages", Some(&message), 2),
                Error::response(message.clone(), Some(message.clone()), 502),
                Error::journal(message.clone()),
            ];
            for error in errors {
                let sentence = error.to_string();
                assert!(sentence.contains(&alloc::format!("a{shown}b")), "{sentence}");
                assert!(!sentence.contains(is_unsafe), "{sentence:?}");
                let debugged = alloc::format!("{error:?}");
                assert!(!debugged.contains(is_unsafe), "{debugged:?}");
            }
            assert_eq!(Error::config(message.clone()).message(), message);
            let code = ErrorCode::from(&*message);
            assert_eq!((code.as_str(), code.to_string()), (&*message, alloc::format!("a{shown}b")));
        }
    }
}
