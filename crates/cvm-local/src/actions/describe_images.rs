//! `DescribeImages`: the images of a region, by id or by filters, in pages, newest first.

use cvm_proto::api::DescribeImages;
use cvm_proto::api::types::Filter;
use serde::Serialize;
use serde_json::Value;

use super::{Action, Call, answer, check_image_id, typed};
use crate::params::{Kind, Shown, optional, required};
use crate::refusal::{Refusal, refuse};
use crate::state::image::{CACHE_STATES, View};

pub(super) const ACTION: Action = Action {
    name: "DescribeImages",
    rate: 40,
    needs_region: true,
    parameters: &[
        optional("ImageIds", Kind::List(&Kind::Text)),
        optional(
            "Filters",
            Kind::List(&Kind::Record(&[
                required("Name", Kind::Text),
                required("Values", Kind::List(&Kind::Text)),
            ])),
        ),
        optional("Offset", Kind::Count),
        optional("Limit", Kind::Count),
        optional("InstanceType", Kind::Text),
    ],
    run,
};

const MAX_IDS: usize = 100;
const MAX_FILTERS: usize = 10;
const MAX_VALUES: usize = 5;
const MAX_PAGE: u64 = 100;
const USUAL_PAGE: u64 = 20;
const MAX_TAG_KEY: usize = 127;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'a> {
    image_set: &'a [View<'a>],
    total_count: usize,
    request_id: &'a str,
}

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: DescribeImages = typed(parameters)?;
    let conditions = check(&request)?;
    let offset = usize::try_from(request.offset.unwrap_or(0)).unwrap_or(usize::MAX);
    let limit = usize::try_from(request.limit.unwrap_or(USUAL_PAGE)).unwrap_or(usize::MAX);

    let mut image_set = Vec::with_capacity(limit);
    let mut total_count = 0_usize;
    let is_wanted = |view: &View<'_>| {
        let ids = &request.image_ids;
        (ids.is_empty() || ids.contains(&view.image.id))
            && conditions.iter().all(|condition| condition.holds(view))
    };
    for view in call.state.images(call.region, call.account, call.now).filter(is_wanted) {
        if total_count >= offset && image_set.len() < limit {
            image_set.push(view);
        }
        total_count += 1;
    }
    answer(out, &Response { image_set: &image_set, total_count, request_id: call.request_id })
}

fn check(request: &DescribeImages) -> Result<Vec<Condition<'_>>, Refusal> {
    if !request.image_ids.is_empty() && !request.filters.is_empty() {
        return refuse(
            "InvalidParameter.InvalidParameterCoexistImageIdsFilters",
            "`ImageIds` and `Filters` exclude each other.",
        );
    }
    if request.image_ids.len() > MAX_IDS {
        return refuse(
            "InvalidParameterValue.LimitExceeded",
            format!("`ImageIds` takes at most {MAX_IDS} ids."),
        );
    }
    for id in &request.image_ids {
        check_image_id(id)?;
    }
    if request.limit.is_some_and(|limit| !(1..=MAX_PAGE).contains(&limit)) {
        return refuse(
            "InvalidParameterValue.InvalidParameterValueLimit",
            format!("`Limit` has to be from 1 to {MAX_PAGE}."),
        );
    }
    if let Some(instance_type) = &request.instance_type {
        check_instance_type(instance_type)?;
    }
    if request.filters.len() > MAX_FILTERS {
        return refuse(
            "InvalidParameterValue.LimitExceeded",
            format!("`Filters` takes at most {MAX_FILTERS} filters."),
        );
    }
    request.filters.iter().map(Condition::new).collect()
}

/// An instance type is a family and a size, as `S5.MEDIUM4`. Every image here suits every type.
fn check_instance_type(text: &str) -> Result<(), Refusal> {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
    };
    match text.split_once('.') {
        Some((family, size)) if is_part(&family.to_ascii_uppercase()) && is_part(size) => Ok(()),
        _ => refuse(
            "InvalidInstanceType.Malformed",
            format!("The instance type `{}` is malformed: write it as `S5.MEDIUM4`.", Shown(text)),
        ),
    }
}

/// One filter: what it looks at, and the values of which one has to fit.
struct Condition<'a> {
    subject: Subject<'a>,
    values: &'a [String],
}

enum Subject<'a> {
    Id,
    Kind,
    Name,
    Platform,
    TagKey,
    TagValue,
    Tag(&'a str),
    Cluster,
    Cache,
}

impl<'a> Condition<'a> {
    fn new(filter: &'a Filter) -> Result<Self, Refusal> {
        let name = filter.name.as_str();
        let subject = match name {
            "image-id" => Subject::Id,
            "image-type" => Subject::Kind,
            "image-name" => Subject::Name,
            "platform" => Subject::Platform,
            "tag-key" => Subject::TagKey,
            "tag-value" => Subject::TagValue,
            "dedicated-cluster-id" => Subject::Cluster,
            "cdc-cache-status" => Subject::Cache,
            _ => match name.strip_prefix("tag:") {
                Some(key) => Subject::Tag(key),
                None => return refuse("InvalidFilter", format!("There is no filter `{}`.", Shown(name))),
            },
        };
        if filter.values.len() > MAX_VALUES {
            return refuse(
                "InvalidFilterValue.LimitExceeded",
                format!("The filter `{}` takes at most {MAX_VALUES} values.", Shown(name)),
            );
        }
        let known: &[&str] = match subject {
            Subject::Kind => &["PRIVATE_IMAGE", "PUBLIC_IMAGE", "SHARED_IMAGE"],
            Subject::Cache => &CACHE_STATES,
            _ => &[],
        };
        for value in &filter.values {
            match subject {
                Subject::Id => check_image_id(value)?,
                Subject::TagKey => check_tag_key(value)?,
                Subject::Kind | Subject::Cache if !known.contains(&value.as_str()) => {
                    return refuse(
                        "InvalidFilter",
                        format!(
                            "`{}` is no value of the filter `{name}`: use {}.",
                            Shown(value),
                            known.join(", ")
                        ),
                    );
                }
                _ => {}
            }
        }
        if let Subject::Tag(key) = subject {
            check_tag_key(key)?;
        }
        Ok(Self { subject, values: &filter.values })
    }

    fn holds(&self, view: &View<'_>) -> bool {
        let image = view.image;
        let one_is = |text: &str| self.values.iter().any(|value| value == text);
        let one_is_in = |text: &str| self.values.iter().any(|value| text.contains(value.as_str()));
        match self.subject {
            Subject::Id => one_is(&image.id),
            Subject::Kind => one_is(image.kind(view.account)),
            Subject::Name => one_is_in(&image.name),
            Subject::Platform => one_is_in(&image.traits.platform),
            Subject::TagKey => image.tags.keys().any(|key| one_is(key)),
            Subject::TagValue => image.tags.values().any(|value| one_is(value)),
            Subject::Tag(key) => image.tags.get(key).is_some_and(|value| one_is(value)),
            Subject::Cluster => image.traits.dedicated_cluster_id.as_deref().is_some_and(one_is),
            Subject::Cache => image.traits.cdc_cache_status.as_deref().is_some_and(one_is),
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
