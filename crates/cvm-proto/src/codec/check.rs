//! Checks of parameters whose limits are documented, so that a request need not be sent to learn of them.

use alloc::format;

use crate::error::Error;
use crate::input;

/// A required list holds something.
pub(crate) fn not_empty<T>(member: &str, list: &[T]) -> Result<(), Error> {
    if list.is_empty() {
        return Err(Error::parameter(format!("{member} is empty: give at least one value")));
    }
    Ok(())
}

/// A list holds no more than the service takes in one request.
pub(crate) fn max_items<T>(member: &str, list: &[T], max: usize) -> Result<(), Error> {
    if list.len() > max {
        let split = if max == 1 { "make one call for each" } else { "split it over several calls" };
        return Err(Error::parameter(format!(
            "{member} has {} values, the service takes at most {max}: {split}",
            list.len()
        )));
    }
    Ok(())
}

/// A string is no longer than the service stores.
pub(crate) fn max_chars(member: &str, text: Option<&str>, max: usize) -> Result<(), Error> {
    // A text has no more characters than bytes, which need not be counted.
    let Some(text) = text.filter(|text| text.len() > max) else { return Ok(()) };
    let chars = text.chars().count();
    if chars > max {
        return Err(Error::parameter(format!(
            "{member} has {chars} characters, the service takes at most {max}: shorten it"
        )));
    }
    Ok(())
}

/// A page is no larger than the service takes.
pub(crate) fn page_size(member: &str, value: Option<i64>, max: i64) -> Result<(), Error> {
    match value {
        Some(value) if value < 0 => {
            Err(Error::parameter(format!("{member} is {value}: give a number from 1 to {max}, or none")))
        }
        Some(value) if value > max => {
            Err(Error::parameter(format!("{member} is {value}, the service takes at most {max}: lower it")))
        }
        _ => Ok(()),
    }
}

/// Of two lists that exclude each other, one is empty.
pub(crate) fn exclusive<A, B>(action: &str, a: (&str, &[A]), b: (&str, &[B])) -> Result<(), Error> {
    if !a.1.is_empty() && !b.1.is_empty() {
        return Err(Error::parameter(format!("{action} takes {} or {}, not both: leave one out", a.0, b.0)));
    }
    Ok(())
}

/// Whether a region's name can be one: what goes into a header, a host and a file name unescaped.
pub(crate) fn region(region: &str) -> Result<(), Error> {
    if region.is_empty() {
        return Err(Error::config("region is empty: name one such as `ap-guangzhou`"));
    }
    if region.len() > 64 || !region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        return Err(Error::config(format!(
            "region `{}` is not a region's name: it has small letters, digits and hyphens, as `ap-guangzhou`",
            input::excerpt(region)
        )));
    }
    Ok(())
}

/// A language is one of those that the service speaks.
pub(crate) fn language(language: &str) -> Result<(), Error> {
    if matches!(language, "zh-CN" | "en-US") {
        return Ok(());
    }
    let language = input::excerpt(language);
    Err(Error::parameter(format!("language `{language}` is unknown: use zh-CN or en-US")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_size_that_the_service_takes() {
        for (size, expected) in [
            (None, None),
            (Some(1), None),
            (Some(100), None),
            (Some(101), Some("DescribeHosts.Limit is 101, the service takes at most 100: lower it")),
            (Some(-1), Some("DescribeHosts.Limit is -1: give a number from 1 to 100, or none")),
        ] {
            let error = page_size("DescribeHosts.Limit", size, 100).err();
            let message = error.as_ref().map(Error::message);
            assert_eq!(message, expected, "{size:?}");
        }
    }
}
