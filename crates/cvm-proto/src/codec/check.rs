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

/// A number is no larger than the service takes.
pub(crate) fn max_value<N>(member: &str, value: Option<N>, max: u64) -> Result<(), Error>
where
    N: Copy + TryInto<u64>,
{
    match value.and_then(|value| value.try_into().ok()) {
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
