//! `ImportImage`: makes an image from files in COS.

use cvm_proto::api::ImportImage;
use serde_json::{Value, json};

use super::{Call, Handler, answer, checks, describe_import_image_os, typed};
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::image::{Creation, DiskUsage, NewImage, Origin, Snapshot, Traits};

pub(super) const HANDLER: Handler = Handler {
    name: "ImportImage",
    run,
    causes: &[
        checks::QUOTA_USED_UP,
        checks::NAME_TAKEN,
        ("InvalidImageOsType.Unsupported", "`DescribeImportImageOs` does not list the operating system"),
        ("InvalidImageOsVersion.Unsupported", "`DescribeImportImageOs` does not list the version"),
        (
            "InvalidParameter.InvalidParameterUrlError",
            "an address is not that of a file: `https://HOST/PATH`",
        ),
        ("InvalidParameterValue.ISOMustImportByForce", "the file is an `.iso`, and `Force` is not set"),
        ("InvalidParameterValue.InvalidBootMode", "`BootMode` is neither `Legacy BIOS` nor `UEFI`"),
        checks::FAMILY_MALFORMED,
        ("InvalidParameterValue.InvalidLicenseType", "`LicenseType` is neither `TencentCloud` nor `BYOL`"),
        checks::TAG_WITHOUT_KEY,
        (
            "InvalidParameterValue.TooLarge",
            "the name has more than 60 characters, or the description more than 256",
        ),
        (
            "RegionAbilityLimit.UnsupportedToImportImage",
            "the region imports no images (`imports_images` in the seed)",
        ),
    ],
    states: &[],
};

/// The size of an imported image, whose file is not read, in GiB.
const DISK_GIB: u64 = 50;

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    const TOO_LARGE: &str = "InvalidParameterValue.TooLarge";
    let request: ImportImage = typed(parameters)?;
    let region = call.resources.region(call.region);
    if !region.imports_images {
        return refuse(
            "RegionAbilityLimit.UnsupportedToImportImage",
            format!("`{}` imports no images.", region.id),
        );
    }
    checks::name(&request.image_name, TOO_LARGE)?;
    checks::description(request.image_description.as_deref(), TOO_LARGE)?;
    checks::family(request.image_family.as_deref())?;
    let tags = checks::tags(&request.tag_specification, "image", "LimitExceeded")?;
    let traits = traits(&request)?;
    check_files(&request)?;
    checks::free_name(call, call.region, &request.image_name)?;
    checks::image_quota(call.resources, call.region, call.account)?;
    checks::dry_run(request.dry_run)?;

    let trouble = call.faults.for_image(HANDLER.name, &call.resources.region(call.region).id);
    let creation =
        Creation::new(Origin::Imported, call.now, call.resources.limits.import_millis, trouble.creation);
    let disks = std::iter::once(DiskUsage::SystemDisk)
        .chain(request.import_image_data_disk_list.iter().map(|_| DiskUsage::DataDisk));
    let snapshots = disks
        .map(|disk_usage| Snapshot { id: call.resources.new_id("snap"), disk_usage, disk_gib: DISK_GIB })
        .collect();
    let new_image =
        NewImage { name: request.image_name, traits, snapshots, tags, creation, hiding: trouble.hiding };
    let id = call.resources.make_image(call.region, call.account, new_image);
    answer(out, &json!({ "ImageId": id, "RequestId": call.request_id }))
}

/// What the image is said to be.
fn traits(request: &ImportImage) -> Result<Traits, Refusal> {
    let Some(os) = describe_import_image_os::named(&request.os_type) else {
        return refuse(
            "InvalidImageOsType.Unsupported",
            format!("`{}` is not imported: see `DescribeImportImageOs`.", Shown(&request.os_type)),
        );
    };
    let version = request.os_version.as_str();
    if !os.versions.contains(&version) {
        return refuse(
            "InvalidImageOsVersion.Unsupported",
            format!("`{}` of {} is not imported: use {}.", Shown(version), os.name, os.versions.join(", ")),
        );
    }
    let (architecture, bits) = match request.architecture.as_str() {
        "x86_64" => ("x86_64", 64),
        "i386" => ("i386", 32),
        "arm_64" => ("arm", 64),
        other => {
            return refuse(
                "InvalidParameterValue",
                format!("`Architecture` is `{}`: use x86_64, i386 or arm_64.", Shown(other)),
            );
        }
    };
    let boot_mode = request.boot_mode.as_ref().map_or("Legacy BIOS", |mode| mode.as_str());
    if !["Legacy BIOS", "UEFI"].contains(&boot_mode) {
        return refuse(
            "InvalidParameterValue.InvalidBootMode",
            format!("`BootMode` is `{}`: use `Legacy BIOS` or `UEFI`.", Shown(boot_mode)),
        );
    }
    let license_type = request.license_type.as_ref().map_or("TencentCloud", |license| license.as_str());
    if !["TencentCloud", "BYOL"].contains(&license_type) {
        return refuse(
            "InvalidParameterValue.InvalidLicenseType",
            format!("`LicenseType` is `{}`: use `TencentCloud` or `BYOL`.", Shown(license_type)),
        );
    }
    Ok(Traits {
        description: request.image_description.clone().unwrap_or_default(),
        os_name: format!("{} {version} {bits}bit", os.name),
        platform: os.name.into(),
        architecture: architecture.into(),
        size_gib: DISK_GIB,
        source: "EXTERNAL_IMPORT".into(),
        license_type: license_type.into(),
        family: request.image_family.clone().unwrap_or_default(),
        instance_image: !request.import_image_data_disk_list.is_empty(),
        ..Traits::plain()
    })
}

/// The addresses must be those of files.
fn check_files(request: &ImportImage) -> Result<(), Refusal> {
    let data_disks = request.import_image_data_disk_list.iter().map(|disk| disk.image_url.as_str());
    for url in std::iter::once(request.image_url.as_str()).chain(data_disks) {
        if path(url).is_none() {
            return refuse(
                "InvalidParameter.InvalidParameterUrlError",
                "An address is not that of a file: write it as `https://HOST/PATH`.",
            );
        }
    }
    let is_iso = path(&request.image_url).is_some_and(|path| {
        path.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("iso"))
    });
    if is_iso && request.force != Some(true) {
        return refuse(
            "InvalidParameterValue.ISOMustImportByForce",
            "An `.iso` is imported only with `Force`.",
        );
    }
    Ok(())
}

/// The path of a file's address, without the query, which may hold a signature.
fn path(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let is_clean = !url.contains(|c: char| c.is_whitespace() || c.is_control());
    (is_clean && !host.is_empty() && !path.is_empty()).then_some(path)
}
