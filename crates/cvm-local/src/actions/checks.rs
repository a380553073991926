//! Checks that several actions make.

use std::collections::BTreeMap;

use cvm_proto::api::types::TagSpecification;

use super::{Action, Call, Cause};
use crate::ids;
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::Resources;
use crate::resources::image::{Image, Owner};
use crate::resources::tags::Tags;
use crate::seed::InstanceType;

/// What whichever action documents the code refuses with it: an account, or a request that says too little.
pub(super) const SHARED_CAUSES: &[Cause] = &[
    ("InvalidParameterValue.InvalidAppIdFormat", "the account's app id is not a number"),
    ("MissingParameter", "a required parameter is absent"),
    ("OperationDenied.InnerUserProhibitAction", "the account is one of the service's own"),
    ("UnauthorizedOperation.PermissionDenied", "the account's policy denies the action"),
];

pub(super) const FAMILY_MALFORMED: Cause = (
    "InvalidParameterValue.InvalidImageFamily",
    "the family has more than 60 characters, or others than letters, digits, `-`, `_` and `.`",
);
pub(super) const NAME_TAKEN: Cause =
    ("InvalidImageName.Duplicate", "another image of the account in the region has the name");
pub(super) const OUT_OF_FUNDS: Cause = (
    "InvalidAccount.InsufficientBalance",
    "the account is out of funds (`insufficient_balance` in the seed)",
);
pub(super) const QUOTA_USED_UP: Cause = ("ImageQuotaLimitExceeded", "the quota of the region is used up");
pub(super) const TAG_WITHOUT_KEY: Cause = ("InvalidParameterValue.TagKeyNotFound", "a tag has no key");
pub(super) const TOO_MANY_TAGS: Cause =
    ("InvalidParameterValue.TagQuotaLimitExceeded", "there are more than 50 tags");

/// The longest name of an image, in characters.
const MAX_NAME: usize = 60;
/// The longest description of an image, in characters.
const MAX_DESCRIPTION: usize = 256;
/// The longest name of an image family, in characters.
const MAX_FAMILY: usize = 60;
/// How many tags a resource may have.
const MAX_TAGS: usize = 50;

/// Refuses an account that may not have an action done.
pub(super) fn account(call: &Call<'_>, action: &Action) -> Result<(), Refusal> {
    let account = call.resources.account(call.account);
    let code = "UnauthorizedOperation.PermissionDenied";
    let code = if action.documents(code) { code } else { "UnauthorizedOperation" };
    account.check_policy(action.name, code)?;
    let code = "InvalidParameterValue.InvalidAppIdFormat";
    let is_number = !account.app_id.is_empty() && account.app_id.bytes().all(|b| b.is_ascii_digit());
    if !is_number && action.documents(code) {
        return refuse(code, "The account's app id is not a number.");
    }
    let code = "OperationDenied.InnerUserProhibitAction";
    if account.internal && action.documents(code) {
        return refuse(code, format!("The service's own accounts may not use the action `{}`.", action.name));
    }
    Ok(())
}

/// Refuses an id that cannot be an image's.
pub(super) fn image_id(id: &str) -> Result<(), Refusal> {
    if ids::is_resource(id, "img") {
        return Ok(());
    }
    refuse(
        "InvalidImageId.Malformed",
        format!("The image id `{}` is malformed: it is `img-` and eight of 0-9 and a-z.", Shown(id)),
    )
}

/// An image that the account sees.
pub(super) fn image<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a Image, Refusal> {
    image_id(id)?;
    call.resources.image(call.region, call.account, id, call.now).ok_or_else(|| no_image(call, id))
}

/// Refuses an image that is not the account's own.
pub(super) fn own_image(call: &Call<'_>, image: &Image) -> Result<(), Refusal> {
    if image.owner == Owner::Account(call.account) {
        return Ok(());
    }
    refuse(
        "UnauthorizedOperation.ImageNotBelongToAccount",
        format!("The image `{}` is not this account's.", image.id),
    )
}

/// Refuses an image that never leaves where it is. `done` says what cannot be done with it.
pub(super) fn bound_image(image: &Image, done: &str) -> Result<(), Refusal> {
    let traits = &image.traits;
    let (code, why) = if traits.instance_image {
        ("InvalidParameter.InstanceImageNotSupport", "holds a whole instance")
    } else if traits.dedicated_cluster_id.is_some() {
        ("UnsupportedOperation.LocationImageNotSupported", "is bound to a dedicated cluster")
    } else if traits.encrypted {
        ("UnsupportedOperation.EncryptedImagesNotSupported", "is encrypted")
    } else {
        return Ok(());
    };
    refuse(code, format!("The image `{}` {why}, so it cannot be {done}.", image.id))
}

/// An image is not there.
pub(super) fn no_image(call: &Call<'_>, id: &str) -> Refusal {
    let region = &call.resources.region(call.region).id;
    Refusal::new("InvalidImageId.NotFound", format!("The image `{id}` does not exist in `{region}`."))
}

/// Refuses a list with more items than an action takes.
pub(super) fn length<T>(parameter: &str, items: &[T], most: usize) -> Result<(), Refusal> {
    if items.len() <= most {
        return Ok(());
    }
    refuse("InvalidParameterValue.LimitExceeded", format!("`{parameter}` takes at most {most} items."))
}

/// Refuses a name that no image may have.
pub(super) fn name(name: &str, too_long: &'static str) -> Result<(), Refusal> {
    if name.is_empty() {
        return refuse("InvalidParameterValue", "`ImageName` is empty.");
    }
    at_most("ImageName", name, MAX_NAME, too_long)
}

/// Refuses a description that no image may have.
pub(super) fn description(description: Option<&str>, too_long: &'static str) -> Result<(), Refusal> {
    at_most("ImageDescription", description.unwrap_or_default(), MAX_DESCRIPTION, too_long)
}

fn at_most(parameter: &str, text: &str, most: usize, code: &'static str) -> Result<(), Refusal> {
    let length = text.chars().count();
    if length <= most {
        return Ok(());
    }
    refuse(code, format!("`{parameter}` has {length} characters, and at most {most} are allowed."))
}

/// Refuses what cannot be the name of an image family. An empty one means none.
pub(super) fn family(family: Option<&str>) -> Result<(), Refusal> {
    let family = family.unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if family.is_empty() || family.len() <= MAX_FAMILY && family.chars().all(fits) {
        return Ok(());
    }
    refuse(
        "InvalidParameterValue.InvalidImageFamily",
        format!(
            "The image family `{}` is malformed: it takes up to {MAX_FAMILY} letters, digits, `-`, `_` and `.`.",
            Shown(family)
        ),
    )
}

/// Refuses a name that another image of the account has in a region.
pub(super) fn free_name(call: &Call<'_>, region: usize, name: &str) -> Result<(), Refusal> {
    if !call.resources.is_name_taken(region, call.account, name, call.now) {
        return Ok(());
    }
    refuse(
        "InvalidImageName.Duplicate",
        format!("An image named `{}` already exists in `{}`.", Shown(name), call.resources.region(region).id),
    )
}

/// Refuses one more image than the quota of a region allows.
pub(super) fn image_quota(resources: &Resources, region: usize, account: usize) -> Result<(), Refusal> {
    let quota = resources.image_quota(region, account);
    if resources.image_count(region, account) < quota as usize {
        return Ok(());
    }
    refuse(
        "ImageQuotaLimitExceeded",
        format!("The quota of {quota} images in `{}` is used up.", resources.region(region).id),
    )
}

/// The tags of a new resource. `too_many` is the code for more than it may have.
pub(super) fn tags(
    specifications: &[TagSpecification],
    resource: &str,
    too_many: &'static str,
) -> Result<Tags, Refusal> {
    let mut tags = BTreeMap::new();
    for specification in specifications {
        let kind = specification.resource_type.as_str();
        if kind != resource {
            return refuse(
                "InvalidParameterValue",
                format!("`TagSpecification` is for `{}`, and what is made is `{resource}`.", Shown(kind)),
            );
        }
        for tag in &specification.tags {
            if tag.key.is_empty() {
                return refuse("InvalidParameterValue.TagKeyNotFound", "A tag has no key.");
            }
            tags.insert(tag.key.clone(), tag.value.clone());
        }
    }
    if tags.len() > MAX_TAGS {
        return refuse(
            too_many,
            format!("There are {} tags, and at most {MAX_TAGS} are allowed.", tags.len()),
        );
    }
    Ok(Tags::from(&tags))
}

/// Refuses an account that cannot pay.
pub(super) fn balance(call: &Call<'_>) -> Result<(), Refusal> {
    if call.resources.account(call.account).insufficient_balance {
        return refuse("InvalidAccount.InsufficientBalance", "The account is out of funds.");
    }
    Ok(())
}

/// Ends a dry run of a request that is in order.
pub(super) fn dry_run(asked: Option<bool>) -> Result<(), Refusal> {
    if asked == Some(true) {
        return refuse("DryRunOperation", "The request would have succeeded; it is only a dry run.");
    }
    Ok(())
}

/// Refuses a value that a parameter does not have.
pub(super) fn one_of(parameter: &str, value: Option<&str>, known: &[&str]) -> Result<(), Refusal> {
    match value {
        Some(value) if !known.contains(&value) => refuse(
            "InvalidParameterValue",
            format!("`{parameter}` is `{}`: use {}.", Shown(value), known.join(", ")),
        ),
        _ => Ok(()),
    }
}

/// Reads a flag that the API writes as text, in any case.
pub(super) fn text_flag(parameter: &str, text: Option<&str>) -> Result<bool, Refusal> {
    match text {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(text) => refuse(
            "InvalidParameterValue",
            format!("`{parameter}` is `{}`: use `true` or `false`.", Shown(text)),
        ),
    }
}

/// An instance type of which there are instances to be had. It is a family and a size, as `S5.MEDIUM4`.
pub(super) fn instance_type<'a>(resources: &'a Resources, name: &str) -> Result<&'a InstanceType, Refusal> {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
    };
    match name.split_once('.') {
        Some((family, size)) if is_part(&family.to_ascii_uppercase()) && is_part(size) => {}
        _ => {
            return refuse(
                "InvalidInstanceType.Malformed",
                format!("The instance type `{}` is malformed: write it as `S5.MEDIUM4`.", Shown(name)),
            );
        }
    }
    match resources.instance_type(name) {
        Some(found) if !found.sold_out => Ok(found),
        Some(_) => refuse(
            "ResourcesSoldOut.SpecifiedInstanceType",
            format!("The instance type `{name}` is sold out."),
        ),
        None => refuse(
            "InvalidParameterValue.InstanceTypeNotFound",
            format!("The instance type `{name}` does not exist."),
        ),
    }
}
