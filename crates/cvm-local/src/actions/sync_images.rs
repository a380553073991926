//! `SyncImages`: copies an image to other regions.

use cvm_proto::api::SyncImages;
use serde::Serialize;
use serde_json::Value;

use super::{Call, Handler, answer, checks, typed};
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::image::{Image, ImageState};
use crate::resources::{CopyOrder, Resources};
use crate::seed::RegionState;

pub(super) const HANDLER: Handler = Handler {
    name: "SyncImages",
    run,
    causes: &[
        ("FailedOperation.InvalidImageState", "the image is being exported"),
        ("ImageQuotaLimitExceeded", "the quota of a destination is used up"),
        ("InvalidImageId.IncorrectState", "the image is neither `NORMAL` nor being copied"),
        ("InvalidImageId.Malformed", "the id is not `img-` and eight of 0-9 and a-z"),
        ("InvalidImageId.NotFound", "the account sees no such image in the region"),
        ("InvalidImageId.TooLarge", "the image is larger than the seed's `sync_size_limit_gib`"),
        (
            "InvalidImageName.Duplicate",
            "an image of the account in a destination has the name `ImageName`, whatever its state",
        ),
        ("InvalidParameter.InstanceImageNotSupport", "the image holds a whole instance"),
        (
            "InvalidParameter.InvalidKmsKeyId",
            "`KmsKeyId` is given without `Encrypt`, or is not in the form of a UUID",
        ),
        ("InvalidParameterValue.InvalidImageId", "the image is public"),
        ("InvalidParameterValue.InvalidImageState", "the image is being copied"),
        ("InvalidParameterValue.InvalidRegion", "a destination is named twice"),
        ("InvalidParameterValue.LimitExceeded", "there are two ids"),
        ("InvalidRegion.NotFound", "a destination does not exist"),
        ("InvalidRegion.Unavailable", "a destination is `UNAVAILABLE`"),
        ("UnsupportedOperation.EncryptedImagesNotSupported", "the image is encrypted"),
        ("UnsupportedOperation.LocationImageNotSupported", "the image is bound to a dedicated cluster"),
        (
            "UnsupportedOperation.Region",
            "a destination is the image's own region, or, for a shared image or with `Encrypt`, another one; or it lies on the other side of the border of the finance regions",
        ),
        (
            "UnsupportedOperation.SyncEncryptImageNotSupport",
            "the image is shared with the account, and `Encrypt` is set",
        ),
    ],
    states: &[],
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'a> {
    image_set: &'a [Copy<'a>],
    request_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Copy<'a> {
    image_id: String,
    region: &'a str,
}

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: SyncImages = typed(parameters)?;
    let encrypt = request.encrypt.unwrap_or(false);
    let [id] = request.image_ids.as_slice() else {
        return refuse("InvalidParameterValue.LimitExceeded", "`ImageIds` takes one image a request.");
    };
    // The form of the id comes before the destinations, what it names after them.
    checks::image_id(id)?;
    let destinations = destinations(call.resources, &request.destination_regions)?;
    let source = checks::image(call, id)?;
    check_source(call, source, encrypt)?;
    check_pairing(call, source, &destinations, encrypt)?;
    check_key(&request, encrypt)?;
    // A name that is given has to fit and be free. The source's own name is taken as it is.
    if let Some(name) = &request.image_name {
        checks::name(name, "InvalidParameterValue")?;
        for &region in &destinations {
            checks::free_name(call, region, name)?;
        }
    }
    for &region in &destinations {
        checks::image_quota(call.resources, region, call.account)?;
    }
    checks::dry_run(request.dry_run)?;

    let order = CopyOrder {
        region: call.region,
        account: call.account,
        name: request.image_name.clone().unwrap_or_else(|| source.name.clone()),
        encrypt,
        now: call.now,
    };
    let faults = call.faults;
    let made =
        call.resources.copy(id, &order, &destinations, |region| faults.for_image(HANDLER.name, region));
    let copies: Vec<_> = made
        .into_iter()
        .zip(&destinations)
        .map(|(image_id, &region)| Copy { image_id, region: &call.resources.region(region).id })
        .collect();
    let shown = if request.image_set_required == Some(true) { copies.as_slice() } else { &[] };
    answer(out, &Response { image_set: shown, request_id: call.request_id })
}

/// Where to: regions that exist, take copies, and are named once.
fn destinations(resources: &Resources, names: &[String]) -> Result<Vec<usize>, Refusal> {
    let mut found = Vec::with_capacity(names.len().min(resources.regions().len()));
    for name in names {
        let Some(region) = resources.region_named(name) else {
            return refuse("InvalidRegion.NotFound", format!("The region `{}` does not exist.", Shown(name)));
        };
        if resources.region(region).state == RegionState::Unavailable {
            return refuse("InvalidRegion.Unavailable", format!("The region `{name}` takes no images."));
        }
        if found.contains(&region) {
            return refuse(
                "InvalidParameterValue.InvalidRegion",
                format!("The region `{name}` is named twice."),
            );
        }
        found.push(region);
    }
    Ok(found)
}

/// What may be copied at all.
fn check_source(call: &Call<'_>, source: &Image, encrypt: bool) -> Result<(), Refusal> {
    let Image { id, traits, .. } = source;
    match source.kind(call.account) {
        "PUBLIC_IMAGE" => {
            return refuse(
                "InvalidParameterValue.InvalidImageId",
                format!("The image `{id}` is public: it is in every region already."),
            );
        }
        "SHARED_IMAGE" if encrypt => {
            return refuse(
                "UnsupportedOperation.SyncEncryptImageNotSupport",
                format!("The image `{id}` is shared with this account, and cannot be copied encrypted."),
            );
        }
        _ => {}
    }
    checks::bound_image(source, "copied")?;
    if source.is_being_exported(call.now) {
        return refuse(
            "FailedOperation.InvalidImageState",
            format!("The image `{id}` is being exported: try again later."),
        );
    }
    match source.state(call.now).0 {
        ImageState::Normal => {}
        ImageState::Syncing => {
            return refuse(
                "InvalidParameterValue.InvalidImageState",
                format!("The image `{id}` is being copied: wait until it is NORMAL."),
            );
        }
        state => {
            return refuse(
                "InvalidImageId.IncorrectState",
                format!("The image `{id}` is {}, and not NORMAL.", state.as_str()),
            );
        }
    }
    if traits.size_gib > call.resources.limits.sync_size_gib {
        return refuse(
            "InvalidImageId.TooLarge",
            format!(
                "The image `{id}` has {} GiB, and at most {} can be copied.",
                traits.size_gib, call.resources.limits.sync_size_gib
            ),
        );
    }
    Ok(())
}

/// Which regions go together: a private image goes to other regions, or encrypted into its own; a shared one only into
/// its own; and none crosses the border of the finance regions.
fn check_pairing(
    call: &Call<'_>,
    source: &Image,
    destinations: &[usize],
    encrypt: bool,
) -> Result<(), Refusal> {
    let home = call.resources.region(call.region);
    let stays = encrypt || source.kind(call.account) == "SHARED_IMAGE";
    for &destination in destinations {
        let region = call.resources.region(destination);
        let problem = if stays && destination != call.region {
            "is not the image's own, and a shared image, or one that is to be encrypted, is copied in its own region"
        } else if !stays && destination == call.region {
            "is the one that the image is in"
        } else if region.is_finance() != home.is_finance() {
            "lies on the other side of the border between finance regions and others"
        } else {
            continue;
        };
        return refuse("UnsupportedOperation.Region", format!("The region `{}` {problem}.", region.id));
    }
    Ok(())
}

/// A key belongs to an encrypted copy, and its id is a UUID.
fn check_key(request: &SyncImages, encrypt: bool) -> Result<(), Refusal> {
    let Some(key) = request.kms_key_id.as_deref() else { return Ok(()) };
    let groups = [8, 4, 4, 4, 12];
    let is_uuid = key.split('-').count() == groups.len()
        && key
            .split('-')
            .zip(groups)
            .all(|(part, length)| part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit()));
    if encrypt && is_uuid {
        return Ok(());
    }
    let why = if encrypt { "is not in the form of a UUID" } else { "has no use without `Encrypt`" };
    refuse("InvalidParameter.InvalidKmsKeyId", format!("`KmsKeyId` {why}."))
}
