//! `ExportImages`: writes custom images into a bucket.

use cvm_proto::api::ExportImages;
use serde_json::{Value, json};

use super::{Call, Handler, answer, checks, typed};
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::Export;
use crate::resources::image::{DiskUsage, Image, ImageState};

pub(super) const HANDLER: Handler = Handler {
    name: "ExportImages",
    run,
    causes: &[
        (
            "AuthFailure.CamRoleNameAuthenticateFailed",
            "the role is none of the account's `cos_roles` in the seed",
        ),
        ("InvalidImageId.Malformed", "an id is not `img-` and eight of 0-9 and a-z"),
        ("InvalidImageId.NotFound", "the account sees no such image in the region"),
        ("InvalidParameter.ImageIdsSnapshotIdsMustOne", "`ImageIds` is not given"),
        ("InvalidParameter.SnapshotNotFound", "an image has no snapshot that is there"),
        ("InvalidParameterValue.BucketNotFound", "the account has no such bucket in the region"),
        ("InvalidParameterValue.InvalidBucketPermissionForExport", "the bucket is `read_only` in the seed"),
        (
            "InvalidParameterValue.InvalidFileNamePrefixList",
            "there are not as many prefixes as images, or a prefix has a character that file names do not have",
        ),
        ("InvalidParameterValue.InvalidImageId", "an image is named twice"),
        ("InvalidParameterValue.InvalidImageState", "an image is not `NORMAL`, or is being exported"),
        ("InvalidParameterValue.LimitExceeded", "there are more than 10 images"),
        (
            "InvalidParameterValue.MissingLocationCosEndpoint",
            "an image is bound to a dedicated cluster from which the bucket cannot be reached",
        ),
        ("InvalidParameterValue.TooLarge", "a prefix has more than 60 characters"),
        (
            "LimitExceeded.ExportImageTaskLimitExceeded",
            "the seed's `export_task_limit` of exports are under way in the region",
        ),
        ("UnsupportedOperation.EncryptedImagesNotSupported", "an image is encrypted"),
        (
            "UnsupportedOperation.ImageTooLargeExportUnsupported",
            "an image is larger than the seed's `export_size_limit_gib`",
        ),
        ("UnsupportedOperation.MarketImageExportUnsupported", "an image comes from the marketplace"),
        ("UnsupportedOperation.PublicImageExportUnsupported", "an image is public"),
        ("UnsupportedOperation.RedHatImageExportUnsupported", "an image holds a Red Hat system"),
        ("UnsupportedOperation.SharedImageExportUnsupported", "an image is another account's"),
        ("UnsupportedOperation.WindowsImageExportUnsupported", "an image holds a Windows system"),
    ],
    states: &[],
};

/// How many images one request may name.
const MAX_IMAGES: usize = 10;
/// The longest prefix of a file's name, in characters.
const MAX_PREFIX: usize = 60;
const USUAL_ROLE: &str = "CVM_QcsRole";

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: ExportImages = typed(parameters)?;
    let ids = &request.image_ids;
    if ids.is_empty() {
        return refuse("InvalidParameter.ImageIdsSnapshotIdsMustOne", "Give `ImageIds`.");
    }
    checks::length("ImageIds", ids, MAX_IMAGES)?;
    let extension = extension(&request)?;
    check_prefixes(&request)?;
    let system_only = request.only_export_root_disk == Some(true);
    let mut cos_paths = Vec::new();
    for (i, id) in ids.iter().enumerate() {
        let image = checks::image(call, id)?;
        if ids[..i].contains(id) {
            return refuse(
                "InvalidParameterValue.InvalidImageId",
                format!("The image `{id}` is named twice."),
            );
        }
        check_image(call, image)?;
        let prefix = request.file_name_prefix_list.get(i).map(String::as_str);
        cos_paths.extend(files(call, image, system_only, prefix, extension)?);
    }
    check_bucket(call, &request)?;
    let limits = &call.resources.limits;
    if call.resources.exports(call.region, call.account, call.now) >= limits.export_tasks as usize {
        return refuse(
            "LimitExceeded.ExportImageTaskLimitExceeded",
            format!("{} exports are under way: wait until one has ended.", limits.export_tasks),
        );
    }
    checks::dry_run(request.dry_run)?;

    let until = call.now.saturating_add(limits.export_millis);
    let export = Export { account: call.account, region: call.region, until };
    let task = call.resources.export(export, ids, call.now);
    answer(out, &json!({ "TaskId": task, "CosPaths": cos_paths, "RequestId": call.request_id }))
}

fn extension(request: &ExportImages) -> Result<&'static str, Refusal> {
    match request.export_format.as_ref().map_or("RAW", |format| format.as_str()) {
        "RAW" => Ok("raw"),
        "QCOW2" => Ok("qcow2"),
        "VHD" => Ok("vhd"),
        "VMDK" => Ok("vmdk"),
        other => refuse(
            "InvalidParameterValue",
            format!("`ExportFormat` is `{}`: use RAW, QCOW2, VHD or VMDK.", Shown(other)),
        ),
    }
}

fn check_prefixes(request: &ExportImages) -> Result<(), Refusal> {
    const CODE: &str = "InvalidParameterValue.InvalidFileNamePrefixList";
    let prefixes = &request.file_name_prefix_list;
    if !prefixes.is_empty() && prefixes.len() != request.image_ids.len() {
        return refuse(
            CODE,
            format!("There are {} prefixes for {} images.", prefixes.len(), request.image_ids.len()),
        );
    }
    for prefix in prefixes {
        if prefix.chars().count() > MAX_PREFIX {
            return refuse(
                "InvalidParameterValue.TooLarge",
                format!("A prefix takes at most {MAX_PREFIX} characters."),
            );
        }
        if !prefix.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')) {
            return refuse(
                CODE,
                format!(
                    "The prefix `{}` may only have letters, digits, `-`, `_`, `.` and `/`.",
                    Shown(prefix)
                ),
            );
        }
    }
    Ok(())
}

/// What may be exported at all.
fn check_image(call: &Call<'_>, image: &Image) -> Result<(), Refusal> {
    let Image { id, traits, .. } = image;
    let system = |name: &str| traits.os_name.contains(name) || traits.platform.contains(name);
    let state = image.state(call.now).0;
    let limit = call.resources.limits.export_size_gib;
    let (code, why) = match image.kind(call.account) {
        "PUBLIC_IMAGE" => ("UnsupportedOperation.PublicImageExportUnsupported", "is public"),
        "SHARED_IMAGE" => ("UnsupportedOperation.SharedImageExportUnsupported", "is another account's"),
        _ if traits.market => {
            ("UnsupportedOperation.MarketImageExportUnsupported", "comes from the marketplace")
        }
        _ if traits.encrypted => ("UnsupportedOperation.EncryptedImagesNotSupported", "is encrypted"),
        _ if system("Windows") => {
            ("UnsupportedOperation.WindowsImageExportUnsupported", "holds a Windows system")
        }
        _ if system("Red Hat") || system("RedHat") => {
            ("UnsupportedOperation.RedHatImageExportUnsupported", "holds a Red Hat system")
        }
        _ if traits.size_gib > limit => {
            ("UnsupportedOperation.ImageTooLargeExportUnsupported", "is too large")
        }
        _ if image.is_being_exported(call.now) => {
            ("InvalidParameterValue.InvalidImageState", "is being exported")
        }
        _ if state != ImageState::Normal => {
            return refuse(
                "InvalidParameterValue.InvalidImageState",
                format!("The image `{id}` is {}, and not NORMAL.", state.as_str()),
            );
        }
        _ => return Ok(()),
    };
    refuse(code, format!("The image `{id}` {why}, and cannot be exported."))
}

/// The names of the files that an image becomes.
fn files(
    call: &Call<'_>,
    image: &Image,
    system_only: bool,
    prefix: Option<&str>,
    extension: &str,
) -> Result<Vec<String>, Refusal> {
    let snapshots = image.snapshots.iter();
    let wanted: Vec<_> = snapshots
        .filter(|snapshot| !system_only || snapshot.disk_usage == DiskUsage::SystemDisk)
        .filter(|snapshot| call.resources.snapshot(call.region, call.account, &snapshot.id).is_some())
        .collect();
    if wanted.is_empty() {
        return refuse(
            "InvalidParameter.SnapshotNotFound",
            format!("The image `{}` has no snapshot that could be exported.", image.id),
        );
    }
    let name = |usage: DiskUsage, snapshot: &str| {
        let usage = if usage == DiskUsage::SystemDisk { "system" } else { "data" };
        let prefix = prefix.map(|prefix| format!("{prefix}_")).unwrap_or_default();
        format!("{prefix}{}_{usage}_{snapshot}.{extension}", image.id)
    };
    Ok(wanted.into_iter().map(|snapshot| name(snapshot.disk_usage, &snapshot.id)).collect())
}

/// The bucket must exist, and the role must be allowed to write to it.
fn check_bucket(call: &Call<'_>, request: &ExportImages) -> Result<(), Refusal> {
    let account = call.resources.account(call.account);
    let role = request.role_name.as_deref().unwrap_or(USUAL_ROLE);
    if !account.cos_roles.iter().any(|known| known == role) {
        return refuse(
            "AuthFailure.CamRoleNameAuthenticateFailed",
            format!("The role `{}` does not exist, or may not write to COS.", Shown(role)),
        );
    }
    let region = &*call.resources.region(call.region).id;
    let mut buckets = account.buckets.iter();
    let Some(bucket) = buckets.find(|bucket| bucket.name == request.bucket_name && bucket.region == region)
    else {
        return refuse(
            "InvalidParameterValue.BucketNotFound",
            format!("There is no bucket `{}` in `{region}`.", Shown(&request.bucket_name)),
        );
    };
    if bucket.read_only {
        return refuse(
            "InvalidParameterValue.InvalidBucketPermissionForExport",
            format!("The bucket `{}` cannot be written to.", bucket.name),
        );
    }
    for id in &request.image_ids {
        let image = checks::image(call, id)?;
        if let Some(cluster) = &image.traits.dedicated_cluster_id
            && !bucket.dedicated_clusters.contains(cluster)
        {
            return refuse(
                "InvalidParameterValue.MissingLocationCosEndpoint",
                format!(
                    "The bucket `{}` cannot be reached from the cluster of the image `{id}`.",
                    bucket.name
                ),
            );
        }
    }
    Ok(())
}
