//! `CreateImage`: makes an image from an instance, or from snapshots.

use cvm_proto::api::CreateImage;
use serde_json::{Value, json};

use super::{Call, Handler, answer, checks, typed};
use crate::request::refusal::{Refusal, refuse};
use crate::resources::image::{Creation, NewImage, Origin, Snapshot, Traits};
use crate::resources::instance::InstanceState;

mod from_instance;
mod from_snapshots;

pub(super) const HANDLER: Handler = Handler {
    name: "CreateImage",
    run,
    causes: &[
        checks::QUOTA_USED_UP,
        checks::OUT_OF_FUNDS,
        checks::NAME_TAKEN,
        ("InvalidParameter.DataDiskIdContainsRootDisk", "`DataDiskIds` has the system disk"),
        (
            "InvalidParameter.DataDiskNotBelongSpecifiedInstance",
            "`DataDiskIds` has a disk that the instance does not have",
        ),
        ("InvalidParameter.DuplicateSystemSnapshots", "two of the snapshots are of system disks"),
        ("InvalidParameter.InvalidDependence", "`DataDiskIds` is given without `InstanceId`"),
        ("InvalidParameter.LocalDataDiskNotSupport", "a data disk is a local one"),
        ("InvalidParameter.SnapshotNotFound", "the account has no such snapshot in the region"),
        ("InvalidParameter.SpecifyOneParameter", "neither `InstanceId` nor `SnapshotIds` is given"),
        ("InvalidParameter.SwapDiskNotSupport", "a data disk is used for swapping"),
        ("InvalidParameter.SystemSnapshotNotFound", "none of the snapshots is of a system disk"),
        ("InvalidParameter.ValueTooLarge", "the description has more than 256 characters"),
        ("InvalidParameterConflict", "`InstanceId` and `SnapshotIds` are both given"),
        checks::FAMILY_MALFORMED,
        ("InvalidParameterValue.LimitExceeded", "there are more than 21 disks or snapshots"),
        checks::TAG_WITHOUT_KEY,
        checks::TOO_MANY_TAGS,
        ("InvalidParameterValue.TooLarge", "the name has more than 60 characters"),
        ("ResourceInUse", "another image is being made from a snapshot"),
        ("ResourceInUse.DiskRollbacking", "a disk is being rolled back"),
        ("ResourceUnavailable.SnapshotCreating", "a snapshot is still being made"),
        ("UnsupportedOperation.EncryptedImagesNotSupported", "a disk or a snapshot is encrypted"),
        ("UnsupportedOperation.InvalidDiskFastRollback", "a disk came from a fast rollback"),
        (
            "UnsupportedOperation.NotSupportInstanceImage",
            "the image would have data disks, and the region makes no such images (`makes_instance_images` in the seed)",
        ),
        ("UnsupportedOperation.SpecialInstanceType", "the type of the instance has disks of its own kind"),
    ],
    states: &[InstanceState::Running, InstanceState::Stopped],
};

/// How many disks or snapshots an image is made of at most.
const MAX_DISKS: usize = 21;

/// What an image is made from.
struct Source {
    traits: Traits,
    snapshots: Vec<Snapshot>,
}

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: CreateImage = typed(parameters)?;
    checks::name(&request.image_name, "InvalidParameterValue.TooLarge")?;
    checks::description(request.image_description.as_deref(), "InvalidParameter.ValueTooLarge")?;
    checks::family(request.image_family.as_deref())?;
    let tags = checks::tags(&request.tag_specification, "image", checks::TOO_MANY_TAGS.0)?;
    let force_poweroff = checks::text_flag("ForcePoweroff", request.force_poweroff.as_deref())?;
    // Whether Windows is generalized leaves no trace that a client could see.
    checks::text_flag("Sysprep", request.sysprep.as_deref())?;
    check_source(&request)?;
    checks::balance(call)?;
    checks::free_name(call, call.region, &request.image_name)?;
    checks::image_quota(call.resources, call.region, call.account)?;

    let mut source = match request.instance_id.as_deref() {
        Some(id) => from_instance::source(call, id, &request.data_disk_ids)?,
        None => from_snapshots::source(call, &request.snapshot_ids)?,
    };
    source.traits.instance_image = source.snapshots.len() > 1;
    if source.traits.instance_image && !call.resources.region(call.region).makes_instance_images {
        return refuse(
            "UnsupportedOperation.NotSupportInstanceImage",
            format!("Images with data disks cannot be made in `{}`.", call.resources.region(call.region).id),
        );
    }
    checks::dry_run(request.dry_run)?;

    let trouble = call.faults.for_image(HANDLER.name, &call.resources.region(call.region).id);
    let creation =
        Creation::new(Origin::Created, call.now, call.resources.limits.create_millis, trouble.creation);
    if let Some(id) = request.instance_id.as_deref() {
        from_instance::hold(call, id, creation.end(), force_poweroff);
    }
    let traits = Traits {
        description: request.image_description.unwrap_or_default(),
        family: request.image_family.unwrap_or_default(),
        ..source.traits
    };
    let new_image = NewImage {
        name: request.image_name,
        traits,
        snapshots: source.snapshots,
        tags,
        creation,
        hiding: trouble.hiding,
    };
    let id = call.resources.make_image(call.region, call.account, new_image);
    answer(out, &json!({ "ImageId": id, "RequestId": call.request_id }))
}

/// An image is made from one thing.
fn check_source(request: &CreateImage) -> Result<(), Refusal> {
    checks::length("DataDiskIds", &request.data_disk_ids, MAX_DISKS)?;
    checks::length("SnapshotIds", &request.snapshot_ids, MAX_DISKS)?;
    match (&request.instance_id, request.snapshot_ids.is_empty()) {
        (Some(_), false) => refuse(
            "InvalidParameterConflict",
            "`InstanceId` and `SnapshotIds` cannot be combined: give one of them.",
        ),
        (None, _) if !request.data_disk_ids.is_empty() => {
            refuse("InvalidParameter.InvalidDependence", "`DataDiskIds` needs `InstanceId`.")
        }
        (None, true) => refuse("InvalidParameter.SpecifyOneParameter", "Give `InstanceId` or `SnapshotIds`."),
        _ => Ok(()),
    }
}
