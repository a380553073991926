//! The life of an image: made, changed, shared, exported, deleted.

use std::time::Duration;

use cvm_local::{Clock, CvmLocal, Fault, Seed, SeedImage};
use cvm_proto::api::types::{Image, Tag, TagSpecification};
use cvm_proto::api::{
    CreateImage, DeleteImages, DescribeImageFromFamily, DescribeImageSharePermission, DescribeImages,
    DescribeImportImageOs, DescribeZones, ExportImages, ImportImage, ModifyImageAttribute,
    ModifyImageSharePermission,
};
use serde_json::{Value, json};

use crate::client::Client;

fn stepped() -> CvmLocal {
    CvmLocal::builder().clock(Clock::stepped()).start().unwrap()
}

fn image(client: &Client<'_>, id: &str) -> Image {
    let answer = client.send(DescribeImages::default().image_ids([id])).unwrap();
    answer.image_set.into_iter().next().unwrap_or_else(|| panic!("{id} is not there"))
}

fn state(client: &Client<'_>, id: &str) -> String {
    image(client, id).image_state.as_str().to_owned()
}

fn tagged(resource: &str, key: &str, value: &str) -> TagSpecification {
    let mut tag = Tag::default();
    (tag.key, tag.value) = (key.into(), value.into());
    let mut specification = TagSpecification::default();
    (specification.resource_type, specification.tags) = (resource.into(), vec![tag]);
    specification
}

#[test]
fn an_image_of_an_instance_is_made() {
    let local = stepped();
    let client = Client::new(&local);
    let request = CreateImage::new("gold")
        .instance_id("ins-running0")
        .data_disk_ids(["disk-data0000"])
        .image_description("the golden one")
        .image_family("gold")
        .tag_specification([tagged("image", "env", "test")]);
    let id = client.send(request).unwrap().image_id;
    assert_eq!(state(&client, &id), "CREATING");
    local.advance(Duration::from_secs(20));
    let made = image(&client, &id);
    assert_eq!(made.image_state.as_str(), "NORMAL");
    assert_eq!((made.image_name.as_str(), made.image_description.as_str()), ("gold", "the golden one"));
    assert_eq!((made.image_source.as_str(), made.image_type.as_str()), ("CREATE_IMAGE", "PRIVATE_IMAGE"));
    assert_eq!(
        (made.image_size, made.platform.as_str()),
        (50, "Ubuntu"),
        "from the instance's disk and image"
    );
    assert_eq!(made.image_creator, "100000000001");
    assert_eq!((made.tags[0].key.as_str(), made.tags[0].value.as_str()), ("env", "test"));
    let disks: Vec<_> =
        made.snapshot_set.iter().map(|disk| (disk.disk_usage.as_str(), disk.disk_size)).collect();
    assert_eq!(disks, [("SYSTEM_DISK", 50), ("DATA_DISK", 100)]);
    let newest = client.send(DescribeImages::default().limit(1)).unwrap();
    assert_eq!(newest.image_set[0].image_id, id);
}

#[test]
fn an_image_of_snapshots_is_made() {
    let local = stepped();
    let client = Client::new(&local);
    let made = |name: &str, snapshots: &[&str]| {
        let request = CreateImage::new(name).snapshot_ids(snapshots.iter().copied());
        client.send(request).unwrap().image_id
    };
    let id = made("one", &["snap-system00", "snap-data0000"]);
    let snapshots: Vec<_> =
        image(&client, &id).snapshot_set.into_iter().map(|snapshot| snapshot.snapshot_id).collect();
    assert_eq!(snapshots, ["snap-system00", "snap-data0000"]);
    let second = made("two", &["snap-b0k9x2ml"]);
    assert_eq!(image(&client, &second).platform, "Ubuntu", "as the image that the snapshot belongs to");
}

#[test]
fn making_an_image_may_fail_or_never_end() {
    let local = stepped();
    let client = Client::new(&local);
    let import = || {
        ImportImage::new("x86_64", "CentOS", "7", "https://host.example/disk.raw", format!("n{}", unique()))
    };
    let create = || CreateImage::new(format!("n{}", unique())).snapshot_ids(["snap-system00"]);
    local.faults().push(Fault::copy_fails().on("CreateImage").times(1)).unwrap();
    local.faults().push(Fault::copy_fails().on("ImportImage").times(1)).unwrap();
    let ids = [client.send(create()).unwrap().image_id, client.send(import()).unwrap().image_id];
    local.faults().push(Fault::copy_never_ends().on("ImportImage").times(1)).unwrap();
    let endless = client.send(import()).unwrap().image_id;
    let fine = client.send(import()).unwrap().image_id;
    local.advance(Duration::from_secs(3600));
    assert_eq!(ids.map(|id| state(&client, &id)), ["CREATEFAILED", "IMPORTFAILED"]);
    assert_eq!(state(&client, &endless), "IMPORTING");
    assert_eq!(state(&client, &fine), "NORMAL");
}

/// A number that no other name of this test run has.
fn unique() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[test]
fn an_image_is_imported() {
    let local = stepped();
    let client = Client::new(&local);
    let listed = client.send(DescribeImportImageOs::default()).unwrap();
    let os = listed.import_image_os_version_set.iter().find(|os| os.os_name == "Ubuntu").unwrap();
    assert!(listed.import_image_os_list_supported.linux.contains(&os.os_name));
    let request = ImportImage::new(
        "arm_64",
        os.os_name.as_str(),
        os.os_versions[0].as_str(),
        "https://host.example/a.iso",
        "mine",
    )
    .force(true)
    .license_type("BYOL")
    .boot_mode("UEFI");
    let id = client.send(request).unwrap().image_id;
    assert_eq!(state(&client, &id), "IMPORTING");
    local.advance(Duration::from_secs(30));
    let made = image(&client, &id);
    assert_eq!(made.image_state.as_str(), "NORMAL");
    assert_eq!((made.image_source.as_str(), made.architecture.as_str()), ("EXTERNAL_IMPORT", "arm"));
    assert_eq!((made.platform.as_str(), made.license_type.as_str()), ("Ubuntu", "BYOL"));
    assert_eq!(made.sync_percent, None);
}

#[test]
fn a_dry_run_makes_nothing() {
    let local = stepped();
    let client = Client::new(&local);
    let count = || local.images("ap-shanghai").len();
    let before = count();
    let dry = |action: &str, mut parameters: Value| {
        parameters["DryRun"] = json!(true);
        assert_eq!(client.refused(action, &parameters), "DryRunOperation", "{action}");
    };
    dry("CreateImage", json!({ "ImageName": "new", "InstanceId": "ins-running0" }));
    dry(
        "ImportImage",
        json!({
            "Architecture": "x86_64", "OsType": "CentOS", "OsVersion": "7", "ImageName": "new",
            "ImageUrl": "https://host.example/disk.raw",
        }),
    );
    dry("ExportImages", json!({ "BucketName": "exports-1250000000", "ImageIds": ["img-o3ycss2p"] }));
    dry("DeleteImages", json!({ "ImageIds": ["img-o3ycss2p"] }));
    dry("RunInstances", json!({ "Placement": { "Zone": "ap-shanghai-2" }, "ImageId": "img-o3ycss2p" }));
    assert_eq!(count(), before);
    client.send(DeleteImages::new(["img-o3ycss2p"])).unwrap();
}

#[test]
fn deleted_images_leave_their_snapshots_unless_asked() {
    let local = stepped();
    let client = Client::new(&local);
    let missing = json!({ "ImageName": "again", "SnapshotIds": ["snap-b0k9x2ml"] });
    let shared = client.send(CreateImage::new("other").snapshot_ids(["snap-b0k9x2ml"])).unwrap().image_id;
    local.advance(Duration::from_secs(20));
    client.send(DeleteImages::new(["img-o3ycss2p"]).delete_binded_snap(true)).unwrap();
    assert!(local.images("ap-shanghai").iter().all(|image| image.image_id != "img-o3ycss2p"));
    client.call("CreateImage", &missing).expect("another image has the snapshot, so it is still there");
    local.advance(Duration::from_secs(20));
    let again = local.images("ap-shanghai")[0].image_id.clone();
    client.send(DeleteImages::new([shared])).unwrap();
    client.send(DeleteImages::new([again]).delete_binded_snap(true)).unwrap();
    assert_eq!(client.refused("CreateImage", &missing), "InvalidParameter.SnapshotNotFound");
}

#[test]
fn deleting_frees_the_quota() {
    let local = stepped();
    let client = Client::new(&local).region("me-saudi-arabia");
    let import = || ImportImage::new("x86_64", "CentOS", "7", "https://host.example/disk.raw", "third");
    assert!(client.send(import()).is_err());
    client.send(DeleteImages::new(["img-quota001"])).unwrap();
    client.send(import()).unwrap();
}

#[test]
fn attributes_change() {
    let local = stepped();
    let client = Client::new(&local);
    let change = || ModifyImageAttribute::new("img-o3ycss2p");
    client.send(change().image_name("new").image_description("text").image_deprecated(true)).unwrap();
    let changed = image(&client, "img-o3ycss2p");
    assert_eq!((changed.image_name.as_str(), changed.image_description.as_str()), ("new", "text"));
    assert_eq!(changed.image_deprecated, Some(true));
    assert_eq!(changed.image_family.as_deref(), Some("base-ubuntu"), "what is not named stays");
    client.send(change().image_name("new").image_family("")).expect("its own name is no duplicate");
    assert_eq!(image(&client, "img-o3ycss2p").image_family.as_deref(), Some(""));
}

#[test]
fn a_family_has_its_newest_usable_image() {
    let mut seed = Seed::default();
    let image = |id: &str, day: u8, state: &str| SeedImage {
        family: "nightly".into(),
        created: format!("2026-01-{day:02}T00:00:00Z"),
        state: state.into(),
        ..SeedImage::new(id, "ap-seoul", id)
    };
    seed.accounts[0].images = vec![
        image("img-00000001", 1, "NORMAL"),
        image("img-00000002", 2, "NORMAL"),
        image("img-00000003", 3, "CREATING"),
    ];
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let client = Client::new(&local).region("ap-seoul");
    let found = |family: &str| {
        let answer = client.send(DescribeImageFromFamily::default().image_family(family)).unwrap();
        answer.image.map(|image| image.image_id)
    };
    assert_eq!(found("nightly").as_deref(), Some("img-00000002"));
    client.send(ModifyImageAttribute::new("img-00000002").image_deprecated(true)).unwrap();
    assert_eq!(found("nightly").as_deref(), Some("img-00000001"));
    assert_eq!([found("weekly"), found("")], [None, None]);
    let answer = client.call("DescribeImageFromFamily", &json!({})).unwrap();
    assert_eq!(answer.get("Image"), Some(&Value::Null), "there is none, and the answer says so");
}

#[test]
fn an_image_is_shared_and_taken_back() {
    let local = stepped();
    let client = Client::new(&local);
    let neighbour = Client::new(&local).key("AKIDlocalneighbour", "local-neighbour-key");
    let uin = "100000000002";
    let sees = || neighbour.send(DescribeImages::default().image_ids(["img-o3ycss2p"])).unwrap().image_set;
    assert!(sees().is_empty());
    client.send(ModifyImageSharePermission::new("img-o3ycss2p", [uin], "SHARE")).unwrap();
    assert_eq!(sees()[0].image_type.as_str(), "SHARED_IMAGE");
    let shares = client.send(DescribeImageSharePermission::new("img-o3ycss2p")).unwrap().share_permission_set;
    assert_eq!((shares.len(), shares[0].account_id.as_str()), (1, uin));
    assert!(shares[0].created_time.ends_with('Z'), "{}", shares[0].created_time);
    client.send(ModifyImageSharePermission::new("img-o3ycss2p", [uin], "CANCEL")).unwrap();
    assert!(sees().is_empty());
    client.send(DeleteImages::new(["img-o3ycss2p"])).expect("it is shared no more");
}

#[test]
fn an_export_names_its_files_and_holds_its_images_until_it_ends() {
    let local = stepped();
    let client = Client::new(&local);
    let request = ExportImages::new("exports-1250000000")
        .image_ids(["img-o3ycss2p", "img-instance"])
        .file_name_prefix_list(["a", "b"])
        .export_format("QCOW2");
    let answer = client.send(request).unwrap();
    assert_eq!(
        answer.cos_paths,
        [
            "a_img-o3ycss2p_system_snap-b0k9x2ml.qcow2",
            "b_img-instance_system_snap-3n5w8qzd.qcow2",
            "b_img-instance_data_snap-6t1y4hpc.qcow2",
        ]
    );
    let delete = json!({ "ImageIds": ["img-o3ycss2p"] });
    assert_eq!(client.refused("DeleteImages", &delete), "MutexOperation.TaskRunning");
    local.advance(Duration::from_secs(30));
    let request =
        ExportImages::new("exports-1250000000").image_ids(["img-instance"]).only_export_root_disk(true);
    let second = client.send(request).unwrap();
    assert_eq!(second.cos_paths, ["img-instance_system_snap-3n5w8qzd.raw"]);
    assert_ne!(second.task_id, answer.task_id);
    client.call("DeleteImages", &delete).unwrap();
}

#[test]
fn only_images_that_run_on_a_type_are_listed_for_it() {
    let mut seed = Seed::default();
    seed.accounts[0].images[1].architecture = "arm".into();
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let listed = |instance_type: &str| -> Vec<String> {
        let request = DescribeImages::default().instance_type(instance_type).limit(100);
        let answer = Client::new(&local).send(request).unwrap();
        answer.image_set.into_iter().map(|image| image.image_id).collect()
    };
    assert_eq!(listed("SR1.MEDIUM4"), ["img-7kq2v9ta"]);
    let x86 = listed("S5.MEDIUM4");
    assert!(x86.contains(&"img-o3ycss2p".into()) && !x86.contains(&"img-7kq2v9ta".into()));
}

#[test]
fn zones_are_those_of_the_region() {
    let local = CvmLocal::start().unwrap();
    let answer = Client::new(&local).region("ap-guangzhou").send(DescribeZones::default()).unwrap();
    assert_eq!((answer.total_count, answer.zone_set.len()), (6, 6));
    let zone = answer.zone_set.iter().find(|zone| zone.zone == "ap-guangzhou-3").unwrap();
    assert_eq!(
        (zone.zone_name.as_str(), zone.zone_id.as_str(), zone.zone_state.as_str()),
        ("Guangzhou Zone 3", "100003", "AVAILABLE")
    );
}
