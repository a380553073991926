//! What ends an exchange that takes too long, and how lengths of time are written.

use core::fmt;
use core::time::Duration;

/// What ends an exchange that takes too long: a setting and its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// The setting's name; empty for a limit that nobody can set.
    pub(crate) setting: &'static str,
    pub(crate) value: Duration,
}

impl Limit {
    pub(crate) fn of_call(value: Duration) -> Self {
        Self { setting: "call_timeout", value }
    }

    pub(crate) fn of_attempt(value: Duration) -> Self {
        Self { setting: "attempt_timeout", value }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "within {}", Span(self.value))?;
        if self.setting.is_empty() { Ok(()) } else { write!(f, ", the limit of {}", self.setting) }
    }
}

/// A length of time as the settings have it: `300ms`, `1m 30s`.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if self.0.subsec_nanos() > 0 {
            // `Debug` of the standard library writes `1.5s` and `300ms`.
            return write!(f, "{:?}", self.0);
        }
        let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
        let mut parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let Some((count, unit)) = parts.next() else { return f.write_str("0s") };
        write!(f, "{count}{unit}")?;
        parts.try_for_each(|(count, unit)| write!(f, " {count}{unit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn spans_are_written_as_the_settings_have_them() {
        for (millis, shown) in [
            (0, "0s"),
            (300, "300ms"),
            (1500, "1.5s"),
            (2000, "2s"),
            (90_000, "1m 30s"),
            (120_000, "2m"),
            (3_600_000, "1h"),
            (7_265_000, "2h 1m 5s"),
        ] {
            assert_eq!(Span(Duration::from_millis(millis)).to_string(), shown);
        }
    }
}
