//! Moments and times as people write them: `2026-01-31T12:00:00Z`; `30s`, `500ms`, `1h 30m`, `1.5 min`.
//!
//! The language of times is that of the crate `humantime`, by which programs of Rust read times; it needs the standard library,
//! and this does not.

use core::time::Duration;

use cvm_proto::codec::parse_rfc3339;
use serde_json::Value;

/// A moment as JSON has it, in seconds since 1970.
pub(crate) fn seconds(value: &Value) -> Option<u64> {
    match value {
        // Some tools write seconds with a fraction.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_f64().filter(|&seconds| (0.0..1e15).contains(&seconds)).map(|s| s as u64)),
        Value::String(text) => parse_rfc3339(text.trim()),
        _ => None,
    }
}

/// A unit of time.
struct Unit {
    names: &'static [&'static str],
    /// One of them.
    one: Amount,
    /// One of them, in the smallest step that a fraction of it may have; nothing is smaller than a nanosecond.
    parts: Option<Amount>,
}

#[derive(Clone, Copy)]
enum Amount {
    Seconds(u64),
    Nanos(u64),
}

use Amount::{Nanos, Seconds};

const fn unit(names: &'static [&'static str], one: Amount, parts: Option<Amount>) -> Unit {
    Unit { names, one, parts }
}

/// A month has 30.44 days and a year 365.25.
const UNITS: [Unit; 10] = [
    unit(&["nanos", "nsec", "ns"], Nanos(1), None),
    unit(&["usec", "us", "µs"], Nanos(1000), Some(Nanos(1000))),
    unit(&["millis", "msec", "ms"], Nanos(1_000_000), Some(Nanos(1_000_000))),
    unit(&["seconds", "second", "secs", "sec", "s"], Seconds(1), Some(Nanos(1_000_000_000))),
    unit(&["minutes", "minute", "mins", "min", "m"], Seconds(60), Some(Nanos(60_000_000_000))),
    unit(&["hours", "hour", "hrs", "hr", "h"], Seconds(3600), Some(Seconds(3600))),
    unit(&["days", "day", "d"], Seconds(86_400), Some(Seconds(86_400))),
    unit(&["weeks", "week", "wks", "wk", "w"], Seconds(604_800), Some(Seconds(604_800))),
    unit(&["months", "month", "M"], Seconds(2_630_016), Some(Seconds(2_630_016))),
    unit(&["years", "year", "yrs", "yr", "y"], Seconds(31_557_600), Some(Seconds(31_557_600))),
];

/// The time that a text says: numbers with their units, one after the other, or `0`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut total, mut rest) = span(Duration::ZERO, text)?;
    while !rest.trim_start().is_empty() {
        (total, rest) = span(total, rest)?;
    }
    Some(total)
}

/// Adds the number with a unit that a text begins with; what follows it comes back.
fn span(total: Duration, text: &str) -> Option<(Duration, &str)> {
    let (whole, _, rest) = number(text)?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => number(rest).map(|(digits, count, rest)| (Some((digits, count)), rest))?,
        None => (None, rest),
    };
    let end = rest.find(|c: char| !c.is_ascii_alphabetic() && c != 'µ').unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let unit = UNITS.iter().find(|unit| unit.names.contains(&name))?;
    let mut total = add(total, unit.one, |amount| amount.checked_mul(whole))?;
    if let Some((digits, count)) = fraction {
        let scale = 10u64.checked_pow(count)?;
        // What is less than the smallest step is refused rather than rounded.
        let part = |amount: u64| {
            let scaled = amount.checked_mul(digits)?;
            (scaled % scale == 0).then_some(scaled / scale)
        };
        total = add(total, unit.parts?, part)?;
    }
    Some((total, rest))
}

/// The digits that a text begins with, as a number and how many they are. White space between them does not count.
fn number(text: &str) -> Option<(u64, u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !c.is_whitespace()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let (mut number, mut count) = (0u64, 0);
    for digit in digits.bytes().filter(u8::is_ascii_digit) {
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        count += 1;
    }
    (count > 0).then_some((number, count, rest))
}

fn add(total: Duration, amount: Amount, times: impl Fn(u64) -> Option<u64>) -> Option<Duration> {
    match amount {
        Seconds(seconds) => total.checked_add(Duration::from_secs(times(seconds)?)),
        Nanos(nanos) => total.checked_add(Duration::from_nanos(times(nanos)?)),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_as_people_write_them() {
        for (text, nanos) in [
            ("0", 0),
            ("30s", 30_000_000_000),
            ("500ms", 500_000_000),
            ("1h 30m", 5_400_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5min", 90_000_000_000),
            (" 1 0 s ", 10_000_000_000),
            ("10 µs", 10_000),
            ("0.000000001s", 1),
        ] {
            assert_eq!(parse(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        let bad = [
            "",
            " ",
            "s",
            "5",
            "-5s",
            "+5s",
            "1.s",
            ".5s",
            "0.5ns",
            "5 parsecs",
            "5s,",
            "5s.",
            "1e3s",
            "5\u{2009}µ",
        ];
        for text in bad {
            assert_eq!(parse(text), None, "{text}");
        }
        // The crate panics at this one.
        assert_eq!(parse("18446744073709551615s 999999999ns 1ns"), None);
    }

    mod properties {
        use super::*;

        proptest! {
            /// What programs of Rust read as a time is one here, and the same; nothing else is.
            #[test]
            fn the_language_is_that_of_humantime(
                likely in "( ?[0-9]{1,3}( ?[0-9]{1,17})?(\\.[0-9 ]{0,12})?( )?(ns|nsec|nanos|us|usec|µs|ms|msec|millis|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?|M|months?|y|yrs?|years?|x|µ)[ \t]?){1,3}",
                near in "[0-9. smhdwyMµn\u{a0}-]{0,8}",
                any: String,
            ) {
                for text in [likely, near, any] {
                    prop_assert_eq!(parse(&text), humantime::parse_duration(&text).ok(), "{:?}", text);
                }
            }

            #[test]
            fn moments_are_those_of_humantime(
                text in "(19[67][0-9]|[2-9][0-9]{3})-(0[0-9]|1[0-3])-([012][0-9]|3[0-2])[T ]([01][0-9]|2[0-4]):[0-6][0-9]:([0-5][0-9]|60)(\\.[0-9]{0,10})?(Z|\\+00:00)?",
            ) {
                let moment = humantime::parse_rfc3339_weak(&text).ok();
                let seconds = moment.map(|moment| moment.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs());
                prop_assert_eq!(parse_rfc3339(&text), seconds, "{:?}", text);
            }
        }
    }
}
