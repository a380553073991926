//! Values as texts and texts as numbers, in Python's notation.

use std::fmt::Write as _;

use serde_json::Value;

use super::values::Numeric;

/// A value as `json.dumps` writes it without spaces: only ASCII, numbers as Python shows them.
pub(super) fn write(value: &Value) -> String {
    let mut text = String::new();
    append(value, &mut text);
    text
}

fn append(value: &Value, to: &mut String) {
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(value) => to.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => match Numeric::of(number) {
            Numeric::Whole(whole) => to.push_str(&whole.to_string()),
            Numeric::Float(float) => append_float(float, to),
        },
        Value::String(text) => append_text(text, to),
        Value::Array(items) => {
            to.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    to.push(',');
                }
                append(item, to);
            }
            to.push(']');
        }
        Value::Object(members) => {
            to.push('{');
            for (at, (name, member)) in members.iter().enumerate() {
                if at > 0 {
                    to.push(',');
                }
                append_text(name, to);
                to.push(':');
                append(member, to);
            }
            to.push('}');
        }
    }
}

fn append_text(text: &str, to: &mut String) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\u{8}' => to.push_str("\\b"),
            '\u{c}' => to.push_str("\\f"),
            ' '..='~' => to.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(to, "\\u{unit:04x}");
                }
            }
        }
    }
    to.push('"');
}

/// The shortest digits that give the same number, with an exponent for what is very large or small.
fn append_float(float: f64, to: &mut String) {
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        let plain = float.to_string();
        to.push_str(&plain);
        if !plain.contains('.') {
            to.push_str(".0");
        }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(to, "{digits}e{sign}{:02}", exponent.unsigned_abs());
    }
}

/// The number that a text is to Python: with white space around it and single underscores between digits.
pub(super) fn read_number(text: &str) -> Option<Numeric> {
    // Python counts the separators of files, groups, records and units as white space.
    let text = text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let well_placed = |at: usize| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    if text.match_indices('_').any(|(at, _)| !well_placed(at)) {
        return None;
    }
    let text = text.replace('_', "");
    if let Ok(whole) = text.parse() {
        return Some(Numeric::Whole(whole));
    }
    // "nan" and "inf" are numbers to Python, but to no JSON.
    text.parse().ok().filter(|float: &f64| float.is_finite()).map(Numeric::Float)
}
