//! Clock skew: how far this machine's clock is from the service's, and the calendar that both are read with.

/// What is known of the service's clock: added to ours, it gives theirs. Zero until a response shows otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClockOffset(i64);

/// A difference that a signature survives with room to spare; the service refuses from 300 s.
const TOLERATED_SECONDS: u64 = 60;

impl ClockOffset {
    /// The service's time when our clock reads `unix`.
    pub(crate) fn apply(self, unix: u64) -> u64 {
        unix.saturating_add_signed(self.0)
    }

    /// Takes in what the `Date` header of a response said when our clock read `unix`; says whether that changed
    /// anything. Small differences are left alone: they are the time on the wire.
    pub(crate) fn observe(&mut self, unix: u64, theirs: u64) -> bool {
        if theirs.abs_diff(self.apply(unix)) <= TOLERATED_SECONDS {
            return false;
        }
        let (Ok(theirs), Ok(ours)) = (i64::try_from(theirs), i64::try_from(unix)) else { return false };
        self.0 = theirs - ours;
        true
    }
}

/// Year, month (1 to 12) and day (1 to 31) of a day counted from 1970-01-01, in the Gregorian calendar.
pub(crate) fn civil_from_days(days: u64) -> (u64, u8, u8) {
    // Counting from 0000-03-01 puts the leap day at the end of a year, and 400 years have always 146,097 days.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    // Both are in the ranges that the documentation names, by construction.
    #[allow(clippy::cast_possible_truncation)]
    (year, month as u8, day as u8)
}

/// Days from 1970-01-01 to a date, or `None` before it.
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = (year % 400) * 365 + (year % 400) / 4 - (year % 400) / 100 + day_of_year;
    ((year / 400) * 146_097 + day_of_era).checked_sub(719_468)
}

/// Seconds since 1970 of an HTTP date in its preferred form (RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`).
pub(crate) fn parse_http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.trim().split_once(", ")?;
    let mut parts = rest.split(' ');
    let mut next = || parts.next();
    let (day, month, year, time, zone) = (next()?, next()?, next()?, next()?, next()?);
    if zone != "GMT" || next().is_some() {
        return None;
    }
    let number = |text: &str, max: u64| text.parse::<u64>().ok().filter(|&n| n <= max);
    let month = MONTHS.iter().position(|&name| name == month)? as u64 + 1;
    let mut clock = time.split(':');
    let (hour, minute, second) = (clock.next()?, clock.next()?, clock.next()?);
    let days = days_from_civil(number(year, 9999)?, month, number(day, 31).filter(|&d| d > 0)?)?;
    Some(days * 86_400 + number(hour, 23)? * 3600 + number(minute, 59)? * 60 + number(second, 60)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_agrees_with_itself_over_four_centuries() {
        let mut previous = (0, 0, 0);
        for days in 0..146_097 {
            let (year, month, day) = civil_from_days(days);
            assert!((year, month, day) > previous, "day {days}");
            assert_eq!(days_from_civil(year, month.into(), day.into()), Some(days));
            previous = (year, month, day);
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(17_956), (2019, 3, 1));
        assert_eq!(civil_from_days(11_016), (2000, 2, 29));
    }

    #[test]
    fn http_dates() {
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        for bad in [
            "",
            "now",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 00 Nov 1994 00:00:00 GMT",
        ] {
            assert_eq!(parse_http_date(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_large_difference_moves_the_clock() {
        let mut offset = ClockOffset::default();
        assert!(!offset.observe(784_111_777 + 60, 784_111_777));
        assert!(offset.observe(784_111_777 + 600, 784_111_777));
        assert_eq!(offset.apply(1_000), 400);
        assert_eq!(offset.apply(100), 0);
        assert!(offset.observe(0, 784_111_777));
        assert_eq!(offset.apply(0), 784_111_777);
    }
}
