//! What the filters of several actions have in common.

use cvm_proto::api::types::Filter;

use super::{Cause, checks};
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::tags::Tags;

/// What filters are refused for by every action that takes some.
pub(super) const ILLEGAL_TAG_KEY: Cause = (
    "FailedOperation.IllegalTagKey",
    "a tag key of a filter is empty, longer than 127 characters, or has a character that keys do not have",
);
pub(super) const INVALID: Cause = ("InvalidFilter", "there is no such filter, or it has no such value");
pub(super) const TOO_MANY_VALUES: Cause =
    ("InvalidFilterValue.LimitExceeded", "a filter has more than 5 values");
pub(super) const TOO_MANY: Cause =
    ("InvalidParameterValue.LimitExceeded", "there are more than 100 ids or more than 10 filters");
pub(super) const TAG_WITHOUT_KEY: Cause =
    ("InvalidParameterValue.TagKeyNotFound", "a filter is `tag:` without a key");

pub(super) const MAX_IDS: usize = 100;
const MAX_FILTERS: usize = 10;
const MAX_VALUES: usize = 5;
const MAX_TAG_KEY: usize = 127;

/// The largest page.
pub(super) const MAX_PAGE: usize = 100;
/// The page of a request that does not say.
pub(super) const USUAL_PAGE: usize = 20;

/// Refuses more filters, or more values of one, than an action takes.
pub(super) fn check_numbers(filters: &[Filter]) -> Result<(), Refusal> {
    checks::length("Filters", filters, MAX_FILTERS)?;
    match filters.iter().find(|filter| filter.values.len() > MAX_VALUES) {
        None => Ok(()),
        Some(filter) => refuse(
            "InvalidFilterValue.LimitExceeded",
            format!("The filter `{}` takes at most {MAX_VALUES} values.", Shown(&filter.name)),
        ),
    }
}

/// Refuses a filter that an action does not have.
pub(super) fn unknown<T>(name: &str) -> Result<T, Refusal> {
    refuse("InvalidFilter", format!("There is no filter `{}`.", Shown(name)))
}

/// Refuses a value that a filter does not have.
pub(super) fn check_values(filter: &Filter, known: &[&str]) -> Result<(), Refusal> {
    match filter.values.iter().find(|value| !known.contains(&value.as_str())) {
        None => Ok(()),
        Some(value) => refuse(
            "InvalidFilter",
            format!(
                "`{}` is no value of the filter `{}`: use {}.",
                Shown(value),
                filter.name,
                known.join(", ")
            ),
        ),
    }
}

/// A filter on tags.
#[derive(Clone, Copy, Debug)]
pub(super) enum TagSubject<'a> {
    Key,
    Value,
    Tag(&'a str),
}

impl<'a> TagSubject<'a> {
    /// What a filter on tags looks at; `None` for any other filter.
    pub(super) fn new(filter: &'a Filter) -> Result<Option<Self>, Refusal> {
        match filter.name.as_str() {
            "tag-key" => {
                filter.values.iter().try_for_each(|key| check_tag_key(key))?;
                Ok(Some(Self::Key))
            }
            "tag-value" => Ok(Some(Self::Value)),
            name => match name.strip_prefix("tag:") {
                Some("") => refuse(
                    "InvalidParameterValue.TagKeyNotFound",
                    "The filter `tag:` has no key: write it as `tag:KEY`.",
                ),
                Some(key) => {
                    check_tag_key(key)?;
                    Ok(Some(Self::Tag(key)))
                }
                None => Ok(None),
            },
        }
    }

    /// Whether tags fit one of the values.
    pub(super) fn holds(self, tags: &Tags, values: &[String]) -> bool {
        match self {
            Self::Key => values.iter().any(|key| tags.get(key).is_some()),
            Self::Value => tags.values().any(|tag| values.iter().any(|value| value == tag)),
            Self::Tag(key) => tags.get(key).is_some_and(|tag| values.iter().any(|value| value == tag)),
        }
    }
}

fn check_tag_key(key: &str) -> Result<(), Refusal> {
    let fits = |c: char| {
        c.is_alphanumeric()
            || matches!(c, ' ' | '+' | '-' | '=' | '.' | '_' | ':' | '/' | '@' | '(' | ')' | '[' | ']')
    };
    if key.is_empty() || key.chars().count() > MAX_TAG_KEY || !key.chars().all(fits) {
        return refuse(
            "FailedOperation.IllegalTagKey",
            format!(
                "The tag key `{}` is empty, too long, or has a character that keys do not have.",
                Shown(key)
            ),
        );
    }
    Ok(())
}

/// One page of a list: the items from `offset` on, `limit` of them at most, and how many there are in all.
pub(super) fn page<T>(items: impl Iterator<Item = T>, offset: usize, limit: usize) -> (Vec<T>, usize) {
    let mut page = Vec::with_capacity(limit);
    let mut total = 0_usize;
    for item in items {
        if total >= offset && page.len() < limit {
            page.push(item);
        }
        total += 1;
    }
    (page, total)
}

/// The first item and the largest number of items of a page, where the API has signed numbers.
pub(super) fn signed_page(offset: Option<i64>, limit: Option<i64>) -> Result<(usize, usize), Refusal> {
    let Ok(offset) = usize::try_from(offset.unwrap_or(0)) else {
        return refuse("InvalidParameterValue", "`Offset` is below 0.");
    };
    let limit = limit.map_or(Ok(USUAL_PAGE), usize::try_from).unwrap_or(0);
    if !(1..=MAX_PAGE).contains(&limit) {
        return refuse("InvalidParameterValue", format!("`Limit` must be from 1 to {MAX_PAGE}."));
    }
    Ok((offset, limit))
}
