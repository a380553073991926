//! The names of new instances, which may hold a pattern: `web-{R:3}` counts from 3, `web-{R:3,F:4}` with four digits.

use cvm_proto::api::RunInstances;

use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::image::Traits;

/// The longest name, in characters.
const MAX_NAME: usize = 128;

pub(super) fn check(request: &RunInstances, image: &Traits) -> Result<(), Refusal> {
    if request.instance_name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
        return refuse(
            "InvalidInstanceName.TooLong",
            format!("`InstanceName` takes at most {MAX_NAME} characters."),
        );
    }
    let Some(host) = request.host_name.as_deref() else { return Ok(()) };
    let windows = image.platform == "Windows";
    let longest = if windows { 15 } else { 60 };
    // What a pattern becomes has no other characters than digits and hyphens.
    let plain = numbered(host, 0, 1);
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' && !windows;
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if (2..=longest).contains(&plain.len())
        && plain.chars().all(fits)
        && edge(plain.chars().next())
        && edge(plain.chars().last())
        && !plain.contains("..")
    {
        return Ok(());
    }
    refuse(
        "InvalidParameterValue.IllegalHostName",
        format!(
            "The host name `{}` is not one: it has 2 to {longest} letters, digits and hyphens.",
            Shown(host)
        ),
    )
}

/// The name of one of `count` instances: its pattern is filled in. Without one, several get a number at the end.
pub(super) fn numbered(name: &str, number: u64, count: u64) -> String {
    match pattern(name) {
        Some((before, first, digits, after)) => {
            let number = first.saturating_add(number);
            format!("{before}{number:0digits$}{after}")
        }
        None if count > 1 => format!("{name}{}", number + 1),
        None => name.into(),
    }
}

/// A name's first pattern: what stands before it, the first number, how many digits, what stands after it.
fn pattern(name: &str) -> Option<(&str, u64, usize, &str)> {
    let (before, rest) = name.split_once("{R:")?;
    let (inside, after) = rest.split_once('}')?;
    let (first, digits) = match inside.split_once(",F:") {
        Some((first, digits)) => (first, digits.parse().ok().filter(|digits| *digits <= 8)?),
        None => (inside, 0),
    };
    Some((before, first.parse().ok()?, digits, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered() {
        let names = |name| [numbered(name, 0, 2), numbered(name, 1, 2)];
        assert_eq!(names("web"), ["web1", "web2"]);
        assert_eq!(names("web-{R:9}-a"), ["web-9-a", "web-10-a"]);
        assert_eq!(names("web-{R:9,F:3}"), ["web-009", "web-010"]);
        assert_eq!(names("web-{R:x}"), ["web-{R:x}1", "web-{R:x}2"], "no pattern");
        assert_eq!(numbered("web", 0, 1), "web");
    }
}
