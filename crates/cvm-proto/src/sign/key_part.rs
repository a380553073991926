//! The parts of a key as texts: what can be one.

use alloc::format;
use alloc::string::String;

use crate::error::Error;
use crate::input;

/// One part of a key, by the name that its setting has, without the white space around it.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is empty, or holds white space or what is not printable ASCII. Of
/// the value it shows only the character that cannot be part of one.
pub fn part<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    let value = input::trim(value);
    if value.is_empty() {
        return Err(Error::config(format!("{name} is empty: give both halves of the API key")));
    }
    match flaw(value) {
        None => Ok(value),
        Some(flaw) => Err(Error::config(format!("{name} contains {flaw}: copy it again without that"))),
    }
}

/// What of a part of a key cannot be one; white space around it does no harm.
pub(crate) fn flaw(value: &str) -> Option<String> {
    let (at, wrong) = input::trim(value).chars().enumerate().find(|(_, c)| !c.is_ascii_graphic())?;
    Some(if wrong.is_whitespace() || wrong.is_control() {
        "white space or a control character".into()
    } else {
        format!("what is not printable ASCII (U+{:04X}, character {})", u32::from(wrong), at + 1)
    })
}
