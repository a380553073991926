//! The calendar: days to dates and back, the dates of HTTP, and those of RFC 3339.

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
///
/// Every answer has one, so it is read at fixed places.
#[rustfmt::skip]
pub(crate) fn parse_http_date(text: &str) -> Option<u64> {
    let text: &[u8; 29] = text.trim_ascii().as_bytes().try_into().ok()?;
    let &[
        _, _, _, b',', b' ', d1, d2, b' ', m1, m2, m3, b' ', y1, y2, y3, y4, b' ',
        h1, h2, b':', n1, n2, b':', s1, s2, b' ', b'G', b'M', b'T',
    ] = text else {
        return None;
    };
    let month = match &[m1, m2, m3] {
        b"Jan" => 1, b"Feb" => 2, b"Mar" => 3, b"Apr" => 4, b"May" => 5, b"Jun" => 6,
        b"Jul" => 7, b"Aug" => 8, b"Sep" => 9, b"Oct" => 10, b"Nov" => 11, b"Dec" => 12,
        _ => return None,
    };
    let (year, day) = (two(y1, y2, 99)? * 100 + two(y3, y4, 99)?, two(d1, d2, 31).filter(|&day| day > 0)?);
    let days = days_from_civil(year, month, day)?;
    Some(days * 86_400 + two(h1, h2, 23)? * 3600 + two(n1, n2, 59)? * 60 + two(s1, s2, 60)?)
}

/// Seconds since 1970 of a moment in UTC, as RFC 3339 writes it and people do: `2026-01-31T12:00:00Z`.
///
/// A blank may stand for the `T`, and `+00:00` or nothing for the `Z`. A fraction of a second is passed over, and a leap
/// second counts as the one before it. `None` for anything else: another zone, a day that no calendar has, a year before
/// 1970.
///
/// ```
/// use cvm_proto::codec::parse_rfc3339;
///
/// assert_eq!(parse_rfc3339("2026-01-31T12:00:00Z"), Some(1_769_860_800));
/// assert_eq!(parse_rfc3339("2026-01-31 12:00:00.5"), Some(1_769_860_800));
/// assert_eq!(parse_rfc3339("2026-01-31T12:00:00+08:00"), None);
/// ```
#[rustfmt::skip]
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let (moment, zone) = text.as_bytes().split_at_checked(19)?;
    let &[
        y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b' ',
        h1, h2, b':', n1, n2, b':', s1, s2,
    ] = moment else {
        return None;
    };
    let zone = match zone {
        [b'.', rest @ ..] => &rest[rest.iter().take_while(|byte| byte.is_ascii_digit()).count()..],
        zone => zone,
    };
    if !matches!(zone, b"" | b"Z" | b"+00:00") {
        return None;
    }
    let (year, month) = (two(y1, y2, 99)? * 100 + two(y3, y4, 99)?, two(m1, m2, 12)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u64::from(is_leap),
        1..=12 => 31,
        _ => return None,
    };
    let day = two(d1, d2, days).filter(|&day| day > 0)?;
    let days = days_from_civil(year, month, day)?;
    let second = two(s1, s2, 60)?.min(59);
    Some(days * 86_400 + two(h1, h2, 23)? * 3600 + two(n1, n2, 59)? * 60 + second)
}

/// A number of two digits, if it is not above `max`.
fn two(tens: u8, ones: u8, max: u64) -> Option<u64> {
    let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
    let number = u64::from(tens.wrapping_sub(b'0')) * 10 + u64::from(ones.wrapping_sub(b'0'));
    (is_number && number <= max).then_some(number)
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
    fn moments_of_rfc_3339() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-31T12:00:00Z", 1_769_860_800),
            ("2026-01-31 12:00:00", 1_769_860_800),
            ("2026-01-31T12:00:00+00:00", 1_769_860_800),
            ("2026-01-31T12:00:00.999999999999Z", 1_769_860_800),
            ("2026-01-31T12:00:00.", 1_769_860_800),
            ("2024-02-29T23:59:60Z", 1_709_251_199),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(parse_rfc3339(text), Some(seconds), "{text}");
        }
        for bad in [
            "",
            "soon",
            "2026-01-31T12:00Z",
            "2026-02-29T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-00-01T12:00:00Z",
            "2026-01-00T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:00.5+08:00",
            "2026-01-31T12:00:00Zz",
            "2026-01-31T12:00:00é",
            "1969-12-31T23:59:59Z",
            "０026-01-31T12:00:00",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }
}
