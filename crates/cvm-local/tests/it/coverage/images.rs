//! Refusals of what lists, copies, changes and deletes images.

use cvm_local::{Account, Seed};
use serde_json::{Value, json};

use super::{Case, case, sound, with};

/// The first of the seed's images is what sound requests are about.
fn image(change: impl Fn(&mut cvm_local::SeedImage) + 'static) -> impl Fn(&mut Seed) {
    move |seed| change(&mut seed.accounts[0].images[0])
}

pub(super) fn cases() -> Vec<Case> {
    [describe(), sync(), delete(), modify()].into_iter().flatten().collect()
}

fn describe() -> Vec<Case> {
    let case = |code, parameters| case("DescribeImages", code, parameters);
    let filter = |name: &str, values: &[&str]| json!({ "Filters": [{ "Name": name, "Values": values }] });
    vec![
        case("FailedOperation.IllegalTagKey", filter("tag-key", &["a\tb"])),
        case("InvalidFilter", filter("colour", &["red"])),
        case("InvalidFilterValue.LimitExceeded", filter("image-name", &["a"; 6])),
        case("InvalidImageId.Malformed", json!({ "ImageIds": ["img-1"] })),
        case("InvalidInstanceType.Malformed", json!({ "InstanceType": "large" })),
        case(
            "InvalidParameter.InvalidParameterCoexistImageIdsFilters",
            with(filter("image-name", &["a"]), "ImageIds", json!(["img-o3ycss2p"])),
        ),
        case("InvalidParameterValue.InstanceTypeNotFound", json!({ "InstanceType": "X9.HUGE" })),
        case("InvalidParameterValue.InvalidParameterValueLimit", json!({ "Limit": 101 })),
        case("InvalidParameterValue.LimitExceeded", json!({ "ImageIds": vec!["img-o3ycss2p"; 101] })),
        case("InvalidParameterValue.TagKeyNotFound", filter("tag:", &["a"])),
        case("ResourcesSoldOut.SpecifiedInstanceType", json!({ "InstanceType": "S1.SMALL1" })),
    ]
}

fn sync() -> Vec<Case> {
    let action = "SyncImages";
    let of = |id: &str| json!({ "ImageIds": [id], "DestinationRegions": ["ap-guangzhou"] });
    let to = |regions: &[&str]| json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": regions });
    let case = |code, parameters| case(action, code, parameters);
    vec![
        case("FailedOperation.InvalidImageState", sound(action))
            .before(|client| _ = client.call("ExportImages", &sound("ExportImages")).unwrap()),
        case("ImageQuotaLimitExceeded", to(&["me-saudi-arabia"])),
        case("InvalidImageId.IncorrectState", of("img-creating")),
        case("InvalidImageId.Malformed", of("img-1")),
        case("InvalidImageId.NotFound", of("img-00000000")),
        case("InvalidImageId.TooLarge", of("img-toolarge")),
        case(
            "InvalidImageName.Duplicate",
            with(to(&["me-saudi-arabia"]), "ImageName", json!("first-of-two")),
        ),
        case("InvalidParameter.InstanceImageNotSupport", of("img-instance")),
        case("InvalidParameter.InvalidKmsKeyId", with(sound(action), "KmsKeyId", json!("1"))),
        case("InvalidParameterValue.InvalidImageId", of("img-487zeit5")),
        case("InvalidParameterValue.InvalidImageState", to(&["ap-seoul"]))
            .before(|client| _ = client.call("SyncImages", &sound("SyncImages")).unwrap()),
        case("InvalidParameterValue.InvalidRegion", to(&["ap-seoul", "ap-seoul"])),
        case(
            "InvalidParameterValue.LimitExceeded",
            with(sound(action), "ImageIds", json!(["img-o3ycss2p", "img-7kq2v9ta"])),
        ),
        case("InvalidRegion.NotFound", to(&["ap-atlantis"])),
        case("InvalidRegion.Unavailable", to(&["ap-mumbai"])),
        case("UnsupportedOperation.EncryptedImagesNotSupported", of("img-encrypt0")),
        case("UnsupportedOperation.LocationImageNotSupported", of("img-cluster0")),
        case("UnsupportedOperation.Region", to(&["ap-shanghai"])),
        case("UnsupportedOperation.Region", to(&["ap-shenzhen-fsi"])),
        case("UnsupportedOperation.Region", of("img-shared00")),
        case(
            "UnsupportedOperation.SyncEncryptImageNotSupport",
            json!({ "ImageIds": ["img-shared00"], "DestinationRegions": ["ap-shanghai"], "Encrypt": true }),
        ),
    ]
}

fn delete() -> Vec<Case> {
    let of = |id: &str| json!({ "ImageIds": [id] });
    let case = |code, parameters| case("DeleteImages", code, parameters);
    vec![
        case("InvalidImageId.InShared", sound("DeleteImages"))
            .seed(image(|image| image.shared_with = vec!["100000000002".into()])),
        case("InvalidImageId.IncorrectState", of("img-creating")),
        case("InvalidImageId.IncorrectState", of("img-o3ycss2p"))
            .before(|client| _ = client.call("SyncImages", &sound("SyncImages")).unwrap()),
        case("InvalidImageId.IncorrectState", of("img-o3ycss2p"))
            .before(|client| _ = client.call("RunInstances", &sound("RunInstances")).unwrap()),
        case("InvalidImageId.Malformed", of("img-1")),
        case("InvalidImageId.NotFound", of("img-00000000")),
        case("InvalidImageId.NotFound", json!({ "ImageIds": ["img-o3ycss2p", "img-00000000"] })),
        case("InvalidParameterValue.InvalidImageId", of("img-487zeit5")),
        case("InvalidParameterValue.InvalidImageIdIsShared", of("img-shared00")),
        case("InvalidParameterValue.LimitExceeded", json!({ "ImageIds": vec!["img-o3ycss2p"; 51] })),
        case("MutexOperation.TaskRunning", sound("DeleteImages"))
            .before(|client| _ = client.call("ExportImages", &sound("ExportImages")).unwrap()),
    ]
}

fn modify() -> Vec<Case> {
    let action = "ModifyImageAttribute";
    let of = |id: &str| json!({ "ImageId": id, "ImageName": "new" });
    let set = |name: &str, value: Value| with(sound(action), name, value);
    let case = |code, parameters| case(action, code, parameters);
    vec![
        case("InvalidImageId.IncorrectState", of("img-creating")),
        case("InvalidImageId.Malformed", of("img-1")),
        case("InvalidImageId.NotFound", of("img-00000000")),
        case("InvalidImageId.NotFound", of("img-487zeit5")),
        case("InvalidImageName.Duplicate", set("ImageName", json!("web-tencentos-4"))),
        case("InvalidParameterValue.InvalidImageFamily", set("ImageFamily", json!("a family"))),
        case("InvalidParameterValue.TooLarge", set("ImageName", json!("x".repeat(61)))),
        case("InvalidParameterValue.TooLarge", set("ImageDescription", json!("x".repeat(257)))),
        case("UnsupportedOperation.SharedImageModifyUnsupported", of("img-shared00")),
    ]
}

/// A third account, to share with.
pub(super) fn another(uin: &str) -> Account {
    Account { uin: uin.into(), ..Account::default() }
}
