//! Refusals of what makes images from instances and snapshots.

use cvm_local::{Seed, SeedDisk, SeedInstance};
use serde_json::{Value, json};

use super::{Case, case, sound, with};
use crate::client::Client;

const ACTION: &str = "CreateImage";

fn set(name: &str, value: Value) -> Value {
    with(sound(ACTION), name, value)
}

/// The instance that sound requests are about.
fn instance(change: fn(&mut SeedInstance)) -> impl Fn(&mut Seed) {
    move |seed| change(&mut seed.accounts[0].instances[0])
}

fn disk(change: fn(&mut SeedDisk)) -> impl Fn(&mut Seed) {
    move |seed| change(&mut seed.accounts[0].instances[0].data_disks[0])
}

pub(super) fn cases() -> Vec<Case> {
    [of_an_instance(), of_snapshots(), of_anything()].into_iter().flatten().collect()
}

fn of_an_instance() -> Vec<Case> {
    let disks = |ids: &[&str]| set("DataDiskIds", json!(ids));
    let case = |code, parameters| case(ACTION, code, parameters);
    vec![
        case("InvalidInstanceId.NotFound", set("InstanceId", json!("ins-00000000"))),
        case("InvalidInstanceId.NotFound", set("InstanceId", json!("my instance"))),
        case("InvalidParameter.DataDiskIdContainsRootDisk", disks(&["disk-system00"])),
        case("InvalidParameter.DataDiskNotBelongSpecifiedInstance", disks(&["disk-system01"])),
        case("InvalidParameter.LocalDataDiskNotSupport", disks(&["disk-local000"])),
        case("InvalidParameter.SwapDiskNotSupport", disks(&["disk-data0000"]))
            .seed(disk(|disk| disk.swap = true)),
        case("InvalidParameterValue.LimitExceeded", disks(&["disk-data0000"; 22])),
        case("ResourceInUse.DiskRollbacking", disks(&["disk-data0000"]))
            .seed(disk(|disk| disk.rolling_back = true)),
        case("ResourceInUse.DiskRollbacking", sound(ACTION))
            .seed(instance(|instance| instance.system_disk.rolling_back = true)),
        case("UnsupportedOperation.InvalidDiskFastRollback", disks(&["disk-data0000"]))
            .seed(disk(|disk| disk.fast_rollback = true)),
        case("UnsupportedOperation.EncryptedImagesNotSupported", disks(&["disk-data0000"]))
            .seed(disk(|disk| disk.encrypted = true)),
        case("UnsupportedOperation.NotSupportInstanceImage", disks(&["disk-data0000"]))
            .seed(|seed| seed.regions[0].makes_instance_images = false),
        case("UnsupportedOperation.SpecialInstanceType", sound(ACTION))
            .seed(instance(|instance| instance.instance_type = "BMS5.24XLARGE384".into())),
    ]
}

fn of_snapshots() -> Vec<Case> {
    let snapshots = |ids: &[&str]| json!({ "ImageName": "new", "SnapshotIds": ids });
    let case = |code, parameters| case(ACTION, code, parameters);
    let twice = |client: &Client<'_>| {
        let first = json!({ "ImageName": "first", "SnapshotIds": ["snap-system00"] });
        client.call(ACTION, &first).unwrap();
    };
    vec![
        case("InvalidParameter.DuplicateSystemSnapshots", snapshots(&["snap-system00", "snap-b0k9x2ml"])),
        case("InvalidParameter.SnapshotNotFound", snapshots(&["snap-00000000"])),
        case("InvalidParameter.SystemSnapshotNotFound", snapshots(&["snap-data0000"])),
        case("InvalidParameterValue.LimitExceeded", snapshots(&["snap-system00"; 22])),
        case("ResourceInUse", snapshots(&["snap-system00"])).before(twice),
        case("ResourceUnavailable.SnapshotCreating", snapshots(&["snap-creating"])),
        case("UnsupportedOperation.EncryptedImagesNotSupported", snapshots(&["snap-encrypt0"])),
    ]
}

fn of_anything() -> Vec<Case> {
    let case = |code, parameters| case(ACTION, code, parameters);
    let tags = |tags: Value| set("TagSpecification", json!([{ "ResourceType": "image", "Tags": tags }]));
    let many: Vec<_> = (0..51).map(|i| json!({ "Key": i.to_string(), "Value": "" })).collect();
    vec![
        case("ImageQuotaLimitExceeded", sound(ACTION)).region("me-saudi-arabia"),
        case("InvalidAccount.InsufficientBalance", sound(ACTION))
            .seed(|seed| seed.accounts[0].insufficient_balance = true),
        case("InvalidImageName.Duplicate", set("ImageName", json!("web-tencentos-4"))),
        case(
            "InvalidParameter.InvalidDependence",
            json!({ "ImageName": "new", "DataDiskIds": ["disk-data0000"] }),
        ),
        case("InvalidParameter.SpecifyOneParameter", json!({ "ImageName": "new" })),
        case("InvalidParameter.ValueTooLarge", set("ImageDescription", json!("x".repeat(257)))),
        case("InvalidParameterConflict", set("SnapshotIds", json!(["snap-system00"]))),
        case("InvalidParameterValue.InvalidImageFamily", set("ImageFamily", json!("a/b"))),
        case("InvalidParameterValue.TagKeyNotFound", tags(json!([{ "Key": "", "Value": "v" }]))),
        case("InvalidParameterValue.TagQuotaLimitExceeded", tags(json!(many))),
        case("InvalidParameterValue.TooLarge", set("ImageName", json!("x".repeat(61)))),
    ]
}
