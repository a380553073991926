//! Refusals of what imports and exports images.

use cvm_local::{Seed, SeedImage};
use serde_json::{Value, json};

use super::{Case, case, sound, with};

pub(super) fn cases() -> Vec<Case> {
    [import(), export()].into_iter().flatten().collect()
}

fn import() -> Vec<Case> {
    let action = "ImportImage";
    let set = |name: &str, value: Value| with(sound(action), name, value);
    let case = |code, parameters| case(action, code, parameters);
    let tags = |tags: Value| set("TagSpecification", json!([{ "ResourceType": "image", "Tags": tags }]));
    vec![
        case("ImageQuotaLimitExceeded", sound(action)).region("me-saudi-arabia"),
        case("InvalidImageName.Duplicate", set("ImageName", json!("web-tencentos-4"))),
        case("InvalidImageOsType.Unsupported", set("OsType", json!("Plan 9"))),
        case("InvalidImageOsVersion.Unsupported", set("OsVersion", json!("99"))),
        case("InvalidParameter.InvalidParameterUrlError", set("ImageUrl", json!("disk.qcow2"))),
        case(
            "InvalidParameter.InvalidParameterUrlError",
            set("ImportImageDataDiskList", json!([{ "ImageUrl": "ftp://host/data.raw" }])),
        ),
        case(
            "InvalidParameterValue.ISOMustImportByForce",
            set("ImageUrl", json!("https://host.example/a.ISO?sign=1")),
        ),
        case("InvalidParameterValue.InvalidBootMode", set("BootMode", json!("Punch cards"))),
        case("InvalidParameterValue.InvalidImageFamily", set("ImageFamily", json!("x".repeat(61)))),
        case("InvalidParameterValue.InvalidLicenseType", set("LicenseType", json!("GPL"))),
        case("InvalidParameterValue.TagKeyNotFound", tags(json!([{ "Key": "", "Value": "v" }]))),
        case("InvalidParameterValue.TooLarge", set("ImageDescription", json!("x".repeat(257)))),
        case("RegionAbilityLimit.UnsupportedToImportImage", sound(action))
            .seed(|seed| seed.regions[0].imports_images = false),
    ]
}

fn export() -> Vec<Case> {
    let action = "ExportImages";
    let of = |id: &str| with(sound(action), "ImageIds", json!([id]));
    let set = |name: &str, value: Value| with(sound(action), name, value);
    let case = |code, parameters| case(action, code, parameters);
    let first = |change: fn(&mut SeedImage)| move |seed: &mut Seed| change(&mut seed.accounts[0].images[0]);
    let cluster = first(|image| image.dedicated_cluster_id = Some("cluster-4q8z1kfm".into()));
    vec![
        case("AuthFailure.CamRoleNameAuthenticateFailed", set("RoleName", json!("Nobody"))),
        case("AuthFailure.CamRoleNameAuthenticateFailed", sound(action))
            .seed(|seed| seed.accounts[0].cos_roles.clear()),
        case("InvalidImageId.Malformed", of("img-1")),
        case("InvalidImageId.NotFound", of("img-00000000")),
        case("InvalidParameter.ImageIdsSnapshotIdsMustOne", json!({ "BucketName": "exports-1250000000" })),
        case("InvalidParameter.SnapshotNotFound", sound(action)).seed(first(|image| image.snapshots.clear())),
        case("InvalidParameterValue.BucketNotFound", set("BucketName", json!("nowhere-1250000000"))),
        case(
            "InvalidParameterValue.InvalidBucketPermissionForExport",
            set("BucketName", json!("readonly-1250000000")),
        ),
        case("InvalidParameterValue.InvalidFileNamePrefixList", set("FileNamePrefixList", json!(["a", "b"]))),
        case("InvalidParameterValue.InvalidFileNamePrefixList", set("FileNamePrefixList", json!(["a b"]))),
        case(
            "InvalidParameterValue.InvalidImageId",
            set("ImageIds", json!(["img-o3ycss2p", "img-o3ycss2p"])),
        ),
        case("InvalidParameterValue.InvalidImageState", of("img-creating")),
        case("InvalidParameterValue.InvalidImageState", sound(action))
            .before(|client| _ = client.call("ExportImages", &sound("ExportImages")).unwrap()),
        case("InvalidParameterValue.LimitExceeded", set("ImageIds", json!(vec!["img-o3ycss2p"; 11]))),
        case("InvalidParameterValue.MissingLocationCosEndpoint", sound(action)).seed(cluster),
        case("InvalidParameterValue.TooLarge", set("FileNamePrefixList", json!(["x".repeat(61)]))),
        case("LimitExceeded.ExportImageTaskLimitExceeded", of("img-7kq2v9ta"))
            .seed(|seed| seed.export_task_limit = 1)
            .before(|client| _ = client.call("ExportImages", &sound("ExportImages")).unwrap()),
        case("UnsupportedOperation.EncryptedImagesNotSupported", of("img-encrypt0")),
        case("UnsupportedOperation.ImageTooLargeExportUnsupported", of("img-toolarge")),
        case("UnsupportedOperation.MarketImageExportUnsupported", sound(action))
            .seed(first(|image| image.market = true)),
        case("UnsupportedOperation.PublicImageExportUnsupported", of("img-487zeit5")),
        case("UnsupportedOperation.RedHatImageExportUnsupported", sound(action))
            .seed(first(|image| image.os_name = "Red Hat Enterprise Linux 9.2 64bit".into())),
        case("UnsupportedOperation.SharedImageExportUnsupported", of("img-shared00")),
        case("UnsupportedOperation.WindowsImageExportUnsupported", sound(action))
            .seed(first(|image| image.platform = "Windows".into())),
    ]
}
