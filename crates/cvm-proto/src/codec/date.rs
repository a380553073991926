//! The calendar: days to dates and back, and the dates of HTTP.

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
    let two = |tens: u8, ones: u8, max: u64| {
        let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
        let number = u64::from(tens.wrapping_sub(b'0')) * 10 + u64::from(ones.wrapping_sub(b'0'));
        (is_number && number <= max).then_some(number)
    };
    let (year, day) = (two(y1, y2, 99)? * 100 + two(y3, y4, 99)?, two(d1, d2, 31).filter(|&day| day > 0)?);
    let days = days_from_civil(year, month, day)?;
    Some(days * 86_400 + two(h1, h2, 23)? * 3600 + two(n1, n2, 59)? * 60 + two(s1, s2, 60)?)
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
}
