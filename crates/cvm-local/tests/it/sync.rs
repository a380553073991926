//! `SyncImages`: the life of a copy, and each thing that stands in its way.

use std::time::Duration;

use cvm_local::{Clock, CvmLocal, Fault, Seed};
use cvm_proto::api::types::Image;
use cvm_proto::api::{DescribeImages, SyncImages};
use serde_json::{Value, json};

use crate::client::Client;

fn stepped() -> CvmLocal {
    CvmLocal::builder().clock(Clock::stepped()).start().unwrap()
}

/// An image as `DescribeImages` shows it.
fn image(local: &CvmLocal, region: &str, id: &str) -> Image {
    let answer = Client::new(local).region(region).send(DescribeImages::default().image_ids([id])).unwrap();
    assert_eq!(answer.image_set.len(), 1, "{id} in {region}");
    answer.image_set[0].clone()
}

fn state(local: &CvmLocal, region: &str, id: &str) -> (String, Option<i64>) {
    let image = image(local, region, id);
    (image.image_state.as_str().to_owned(), image.sync_percent)
}

fn syncing(percent: i64) -> (String, Option<i64>) {
    ("SYNCING".into(), Some(percent))
}

/// What `SyncImages` is refused with, after which nothing has changed anywhere.
fn check(region: &str, parameters: &Value, expected: &str) {
    let local = CvmLocal::start().unwrap();
    let all =
        || Seed::default().regions.iter().map(|region| local.images(&region.id).len()).collect::<Vec<_>>();
    let before = all();
    assert_eq!(
        Client::new(&local).region(region).refused("SyncImages", parameters),
        expected,
        "{parameters}"
    );
    assert_eq!(all(), before, "{parameters}");
}

fn check_image(id: &str, expected: &str) {
    check("ap-shanghai", &json!({ "ImageIds": [id], "DestinationRegions": ["ap-guangzhou"] }), expected);
}

fn check_destination(region: &str, expected: &str) {
    check("ap-shanghai", &json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": [region] }), expected);
}

fn check_with(name: &str, value: Value, expected: &str) {
    let mut parameters = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-guangzhou"] });
    parameters[name] = value;
    check("ap-shanghai", &parameters, expected);
}

#[test]
fn a_copy_lives_from_syncing_to_normal() {
    let local = stepped();
    let client = Client::new(&local);
    let request = SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou", "ap-beijing"]).image_set_required(true);
    let answer = client.send(request).unwrap();
    let [first, second] = answer.image_set.as_slice() else { panic!("{answer:?}") };
    assert_eq!([first.region.as_str(), second.region.as_str()], ["ap-guangzhou", "ap-beijing"]);
    assert_ne!(first.image_id, second.image_id);
    assert!(![&first.image_id, &second.image_id].contains(&&"img-o3ycss2p".to_owned()));

    for expected in [0, 25, 50, 75] {
        assert_eq!(state(&local, "ap-guangzhou", &first.image_id), syncing(expected));
        assert_eq!(state(&local, "ap-beijing", &second.image_id), syncing(expected));
        assert_eq!(
            state(&local, "ap-shanghai", "img-o3ycss2p"),
            syncing(expected),
            "the source shows it too"
        );
        local.advance(Duration::from_secs(5));
    }
    assert_eq!(state(&local, "ap-guangzhou", &first.image_id), ("NORMAL".into(), Some(100)));
    assert_eq!(state(&local, "ap-shanghai", "img-o3ycss2p"), ("NORMAL".into(), None));

    let (source, copy) =
        (image(&local, "ap-shanghai", "img-o3ycss2p"), image(&local, "ap-guangzhou", &first.image_id));
    assert_eq!(copy.image_name, source.image_name);
    assert_eq!(copy.image_size, source.image_size);
    assert_eq!(copy.image_type.as_str(), "PRIVATE_IMAGE");
    assert_ne!(copy.snapshot_set[0].snapshot_id, source.snapshot_set[0].snapshot_id);
    assert!(source.tags.len() == 2 && copy.tags.is_empty(), "tags stay with their resource");
}

#[test]
fn ids_are_told_only_if_asked_for() {
    let local = stepped();
    let answer = Client::new(&local).send(SyncImages::new(["img-o3ycss2p"], ["ap-seoul"])).unwrap();
    assert!(answer.image_set.is_empty());
    assert_eq!(local.images("ap-seoul").len(), 1);
}

#[test]
fn the_same_seed_gives_the_same_ids() {
    let ids = |number| {
        let local = CvmLocal::builder().seed(Seed { number, ..Seed::default() }).start().unwrap();
        let request = SyncImages::new(["img-o3ycss2p"], ["ap-seoul"]).image_set_required(true);
        let answer = Client::new(&local).send(request).unwrap();
        (answer.image_set[0].image_id.clone(), answer.request_id)
    };
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
}

#[test]
fn an_image_that_is_being_copied_is_not_copied_again() {
    let local = stepped();
    let client = Client::new(&local);
    client.send(SyncImages::new(["img-o3ycss2p"], ["ap-seoul"])).unwrap();
    let again = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-tokyo"] });
    assert_eq!(client.refused("SyncImages", &again), "InvalidParameterValue.InvalidImageState");
    let copy = local.images("ap-seoul")[0].image_id.clone();
    let onward = json!({ "ImageIds": [copy], "DestinationRegions": ["ap-tokyo"] });
    let in_seoul = Client::new(&local).region("ap-seoul");
    assert_eq!(in_seoul.refused("SyncImages", &onward), "InvalidParameterValue.InvalidImageState");
    local.advance(Duration::from_secs(20));
    client.call("SyncImages", &again).unwrap();
    in_seoul.call("SyncImages", &onward).unwrap();
    assert_eq!(local.images("ap-tokyo").len(), 2);
}

#[test]
fn two_equal_requests_make_two_copies() {
    let local = stepped();
    let request = || SyncImages::new(["img-o3ycss2p"], ["ap-seoul"]);
    Client::new(&local).send(request()).unwrap();
    local.advance(Duration::from_secs(20));
    Client::new(&local).send(request()).unwrap();
    assert_eq!(local.images("ap-seoul").len(), 2);
}

#[test]
fn the_quota_of_the_destination_is_full() {
    check_destination("me-saudi-arabia", "ImageQuotaLimitExceeded");
}

#[test]
fn copies_count_against_the_quota() {
    let mut seed = Seed::default();
    seed.accounts[0].image_quotas.insert("ap-seoul".into(), 1);
    let local = CvmLocal::builder().seed(seed).clock(Clock::stepped()).start().unwrap();
    let client = Client::new(&local);
    let parameters = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-seoul"] });
    client.call("SyncImages", &parameters).unwrap();
    local.advance(Duration::from_secs(20));
    assert_eq!(client.refused("SyncImages", &parameters), "ImageQuotaLimitExceeded");
}

#[test]
fn one_full_destination_keeps_all_from_starting() {
    let both = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-seoul", "me-saudi-arabia"] });
    check("ap-shanghai", &both, "ImageQuotaLimitExceeded");
}

#[test]
fn the_state_of_the_image_is_wrong() {
    check_image("img-creating", "InvalidImageId.IncorrectState");
    check_image("img-failed00", "InvalidImageId.IncorrectState");
}

#[test]
fn the_image_is_too_large() {
    check_image("img-toolarge", "InvalidImageId.TooLarge");
}

#[test]
fn the_image_is_not_there() {
    check_image("img-00000000", "InvalidImageId.NotFound");
    let elsewhere = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-guangzhou"] });
    check("ap-beijing", &elsewhere, "InvalidImageId.NotFound");
}

#[test]
fn the_image_holds_an_instance() {
    check_image("img-instance", "InvalidParameter.InstanceImageNotSupport");
}

#[test]
fn the_id_is_malformed() {
    for id in ["img-1", "", "snap-b0k9x2ml", "IMG-o3ycss2p", "img-o3ycss2p ", "图像"] {
        check_image(id, "InvalidImageId.Malformed");
    }
}

#[test]
fn there_are_two_ids() {
    let two = json!({ "ImageIds": ["img-o3ycss2p", "img-7kq2v9ta"], "DestinationRegions": ["ap-guangzhou"] });
    check("ap-shanghai", &two, "InvalidParameterValue.LimitExceeded");
}

#[test]
fn the_destination_does_not_exist() {
    check_destination("ap-atlantis", "InvalidRegion.NotFound");
    check_destination("", "InvalidRegion.NotFound");
}

#[test]
fn the_destination_is_unavailable() {
    check_destination("ap-mumbai", "InvalidRegion.Unavailable");
}

#[test]
fn the_regions_do_not_go_together() {
    check_destination("ap-shanghai", "UnsupportedOperation.Region");
    check_destination("ap-shenzhen-fsi", "UnsupportedOperation.Region");
    let out = json!({ "ImageIds": ["img-finance0"], "DestinationRegions": ["ap-shanghai"] });
    check("ap-shanghai-fsi", &out, "UnsupportedOperation.Region");
    let local = stepped();
    let request = SyncImages::new(["img-finance0"], ["ap-shenzhen-fsi"]);
    Client::new(&local).region("ap-shanghai-fsi").send(request).unwrap();
    assert_eq!(local.images("ap-shenzhen-fsi").len(), 1);
}

#[test]
fn other_refusals_have_their_causes() {
    check_image("img-487zeit5", "InvalidParameterValue.InvalidImageId");
    check_image("img-encrypt0", "UnsupportedOperation.EncryptedImagesNotSupported");
    check_image("img-cluster0", "UnsupportedOperation.LocationImageNotSupported");
    check_with("DestinationRegions", json!(["ap-seoul", "ap-seoul"]), "InvalidParameterValue.InvalidRegion");
    check_with("DestinationRegions", json!([]), "MissingParameter");
    check_with("ImageIds", json!([]), "MissingParameter");
    check_with("ImageName", json!("x".repeat(61)), "InvalidParameterValue");
    check_with("KmsKeyId", json!("1"), "InvalidParameter.InvalidKmsKeyId");
    check_with("Encrypt", json!(true), "UnsupportedOperation.Region");
    check_with("DryRun", json!(true), "DryRunOperation");
    check_with("DryRun", json!("true"), "InvalidParameter");
    let shared =
        json!({ "ImageIds": ["img-shared00"], "DestinationRegions": ["ap-shanghai"], "Encrypt": true });
    check("ap-shanghai", &shared, "UnsupportedOperation.SyncEncryptImageNotSupport");
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let local = stepped();
    let client = Client::new(&local);
    client.send(SyncImages::new(["img-o3ycss2p"], ["ap-seoul"]).image_name("gold")).unwrap();
    assert_eq!(local.images("ap-seoul")[0].image_name, "gold");
    local.advance(Duration::from_secs(20));
    let again = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-tokyo", "ap-seoul"], "ImageName": "gold" });
    assert_eq!(client.refused("SyncImages", &again), "InvalidImageName.Duplicate");
}

#[test]
fn encrypted_and_shared_copies_stay_in_their_region() {
    let local = stepped();
    let client = Client::new(&local);
    let key = "11111111-2222-3333-4444-555555555555";
    let request = SyncImages::new(["img-o3ycss2p"], ["ap-shanghai"]).encrypt(true).kms_key_id(key);
    let answer = client.send(request.image_set_required(true)).unwrap();
    local.advance(Duration::from_secs(20));
    let onward = json!({ "ImageIds": [answer.image_set[0].image_id], "DestinationRegions": ["ap-seoul"] });
    assert_eq!(client.refused("SyncImages", &onward), "UnsupportedOperation.EncryptedImagesNotSupported");

    let request = SyncImages::new(["img-shared00"], ["ap-shanghai"]).image_set_required(true);
    let answer = client.send(request).unwrap();
    let copy = image(&local, "ap-shanghai", &answer.image_set[0].image_id);
    assert_eq!((copy.image_type.as_str(), copy.image_creator.as_str()), ("PRIVATE_IMAGE", "100000000001"));
    assert_eq!(image(&local, "ap-shanghai", "img-shared00").image_type.as_str(), "SHARED_IMAGE");
}

#[test]
fn a_copy_may_fail_or_never_end() {
    let local = stepped();
    local.faults().push(Fault::copy_fails().in_region("ap-seoul").times(1)).unwrap();
    local.faults().push(Fault::copy_never_ends().in_region("ap-tokyo").times(1)).unwrap();
    let client = Client::new(&local);
    client.send(SyncImages::new(["img-o3ycss2p"], ["ap-seoul", "ap-tokyo", "ap-bangkok"])).unwrap();
    client.send(SyncImages::new(["img-7kq2v9ta"], ["ap-seoul"])).unwrap();
    local.advance(Duration::from_secs(3600));
    let states = |region| -> Vec<String> {
        local.images(region).iter().map(|image| image.image_state.as_str().to_owned()).collect()
    };
    assert_eq!(states("ap-seoul"), ["NORMAL", "CREATEFAILED"], "the second copy was not asked to fail");
    assert_eq!(states("ap-tokyo"), ["SYNCING"]);
    assert_eq!(states("ap-bangkok"), ["NORMAL"]);
    assert_eq!(
        state(&local, "ap-shanghai", "img-o3ycss2p"),
        syncing(99),
        "one of its copies is still on its way"
    );
}

#[test]
fn accounts_do_not_see_each_other() {
    let local = stepped();
    let neighbour = Client::new(&local).key("AKIDlocalneighbour", "local-neighbour-key");
    let parameters = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-guangzhou"] });
    assert_eq!(neighbour.refused("SyncImages", &parameters), "InvalidImageId.NotFound");
    let own = json!({ "ImageIds": ["img-shared00"], "DestinationRegions": ["ap-seoul"] });
    neighbour.call("SyncImages", &own).unwrap();
    assert!(local.images("ap-seoul").is_empty());
    let listed = neighbour.region("ap-seoul").send(DescribeImages::default()).unwrap();
    assert_eq!(listed.image_set[0].image_type.as_str(), "PRIVATE_IMAGE");
}
