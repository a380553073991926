//! What can be asked about images and regions.

use cvm_local::{CvmLocal, Seed, SeedImage};
use cvm_proto::SignMethod;
use cvm_proto::api::types::Filter;
use cvm_proto::api::{DescribeImageQuota, DescribeImages, DescribeRegions};
use serde_json::{Value, json};

use crate::client::Client;

/// The ids of the images in `ap-shanghai` that pass filters, given as pairs of a name and its values.
fn filtered(filters: &[(&str, &[&str])]) -> Vec<String> {
    let local = CvmLocal::start().unwrap();
    let request = DescribeImages::default().filters(filters.iter().map(|(name, values)| {
        let mut filter = Filter::default();
        filter.name = (*name).into();
        filter.values = values.iter().map(|value| (*value).into()).collect();
        filter
    }));
    let answer = Client::new(&local).send(request).unwrap();
    assert_eq!(answer.total_count, i64::try_from(answer.image_set.len()).unwrap());
    answer.image_set.into_iter().map(|image| image.image_id).collect()
}

fn check(parameters: &Value, expected: &str) {
    let local = CvmLocal::start().unwrap();
    assert_eq!(Client::new(&local).refused("DescribeImages", parameters), expected, "{parameters}");
}

#[test]
fn images_come_whole() {
    let local = CvmLocal::start().unwrap();
    let answer =
        Client::new(&local).call("DescribeImages", &json!({ "ImageIds": ["img-o3ycss2p"] })).unwrap();
    let expected = json!([{
        "ImageId": "img-o3ycss2p",
        "OsName": "Ubuntu Server 22.04 LTS 64bit",
        "ImageType": "PRIVATE_IMAGE",
        "CreatedTime": "2026-03-10T08:30:00Z",
        "ImageName": "base-ubuntu-22.04",
        "ImageDescription": "Base system with the monitoring agent",
        "ImageSize": 50,
        "Architecture": "x86_64",
        "ImageState": "NORMAL",
        "Platform": "Ubuntu",
        "ImageCreator": "100000000001",
        "ImageSource": "CREATE_IMAGE",
        "SyncPercent": null,
        "IsSupportCloudinit": true,
        "SnapshotSet": [{ "SnapshotId": "snap-b0k9x2ml", "DiskUsage": "SYSTEM_DISK", "DiskSize": 50 }],
        "Tags": [{ "Key": "env", "Value": "production" }, { "Key": "team", "Value": "platform" }],
        "LicenseType": "TencentCloud",
        "ImageFamily": "base-ubuntu",
        "ImageDeprecated": false,
        "CdcCacheStatus": "",
    }]);
    assert_eq!(answer["ImageSet"], expected);
    assert_eq!(answer["TotalCount"], 1);
    let typed: Vec<cvm_proto::api::types::Image> = serde_json::from_value(expected).unwrap();
    assert_eq!(local.images("ap-shanghai")[0], typed[0]);
    assert!(local.images("ap-atlantis").is_empty());
}

#[test]
fn values_are_alternatives_and_filters_conditions() {
    assert_eq!(
        filtered(&[("image-id", &["img-7kq2v9ta", "img-o3ycss2p"])]),
        ["img-o3ycss2p", "img-7kq2v9ta"]
    );
    assert_eq!(filtered(&[("image-name", &["ubuntu-22"])]), ["img-o3ycss2p"], "a part of the name is enough");
    assert_eq!(filtered(&[("platform", &["Tencent"]), ("image-type", &["PRIVATE_IMAGE"])]), ["img-7kq2v9ta"]);
    assert_eq!(filtered(&[("image-type", &["PUBLIC_IMAGE"])]), ["img-487zeit5", "img-eb30mz89"]);
    assert_eq!(filtered(&[("image-type", &["SHARED_IMAGE"])]), ["img-shared00"]);
    assert_eq!(filtered(&[("tag-key", &["env"])]), ["img-o3ycss2p", "img-7kq2v9ta"]);
    assert_eq!(filtered(&[("tag-value", &["staging", "platform"])]), ["img-o3ycss2p", "img-7kq2v9ta"]);
    assert_eq!(filtered(&[("tag:env", &["staging"])]), ["img-7kq2v9ta"]);
    assert_eq!(filtered(&[("tag:env", &["staging"]), ("tag:team", &["platform"])]), [""; 0]);
    assert_eq!(filtered(&[("dedicated-cluster-id", &["cluster-4q8z1kfm"])]), ["img-cluster0"]);
    assert_eq!(filtered(&[("cdc-cache-status", &["CACHED", "CACHING"])]), ["img-cluster0"]);
}

#[test]
fn pages_cover_everything_once_and_newest_first() {
    let mut seed = Seed::default();
    seed.accounts[0].images = (0..45)
        .map(|i| SeedImage {
            // Three of each minute: images of the same moment have an order, too.
            created: format!("2026-01-01T00:{:02}:00Z", i / 3),
            ..SeedImage::new(format!("img-{i:08}"), "ap-seoul", format!("n{i}"))
        })
        .collect();
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let client = Client::new(&local).region("ap-seoul");
    let page = |offset, limit| {
        let answer = client.send(DescribeImages::default().offset(offset).limit(limit)).unwrap();
        assert_eq!(answer.total_count, 45);
        answer.image_set.into_iter().map(|image| image.image_id).collect::<Vec<_>>()
    };
    let expected: Vec<String> = (0..45).rev().map(|i| format!("img-{i:08}")).collect();
    assert_eq!([page(0, 20), page(20, 20), page(40, 20)].concat(), expected);
    assert_eq!(page(0, 100), expected);
    assert_eq!(page(45, 1), [""; 0]);
    assert_eq!(page(i64::MAX, 100), [""; 0]);
    assert_eq!(client.send(DescribeImages::default()).unwrap().image_set.len(), 20, "the default page");
}

#[test]
fn a_long_list_is_paged_as_a_short_one() {
    let mut seed = Seed::default();
    seed.accounts[0].images =
        (0..10_000).map(|i| SeedImage::new(format!("img-{i:08}"), "ap-seoul", format!("n{i}"))).collect();
    let local = CvmLocal::builder().seed(seed).start().unwrap();
    let client = Client::new(&local).region("ap-seoul");
    let ids = |request: DescribeImages| {
        let answer = client.send(request).unwrap();
        let ids: Vec<_> = answer.image_set.into_iter().map(|image| image.image_id).collect();
        (answer.total_count, ids)
    };
    let expected =
        |numbers: std::ops::Range<usize>| numbers.rev().map(|i| format!("img-{i:08}")).collect::<Vec<_>>();
    assert_eq!(ids(DescribeImages::default().limit(100)), (10_000, expected(9_900..10_000)));
    assert_eq!(ids(DescribeImages::default().offset(9_950).limit(100)), (10_000, expected(0..50)));
    let some = DescribeImages::default().image_ids(["img-00000007", "img-00009000", "img-00000007"]);
    assert_eq!(ids(some), (2, vec!["img-00009000".into(), "img-00000007".into()]), "newest first, each once");
}

#[test]
fn limits_are_kept() {
    let ids = |count: usize| (0..count).map(|i| format!("img-{i:08}")).collect::<Vec<_>>();
    let filters = |count: usize| vec![json!({ "Name": "image-name", "Values": ["a"] }); count];
    let values = |count: usize| json!([{ "Name": "image-name", "Values": vec!["a"; count] }]);
    let local = CvmLocal::start().unwrap();
    for fine in [
        json!({ "ImageIds": ids(100) }),
        json!({ "Filters": filters(10) }),
        json!({ "Filters": values(5) }),
        json!({}),
    ] {
        Client::new(&local).call("DescribeImages", &fine).unwrap();
    }
    check(&json!({ "ImageIds": ids(101) }), "InvalidParameterValue.LimitExceeded");
    check(&json!({ "Filters": filters(11) }), "InvalidParameterValue.LimitExceeded");
    check(&json!({ "Filters": values(6) }), "InvalidFilterValue.LimitExceeded");
    check(&json!({ "Limit": 101 }), "InvalidParameterValue.InvalidParameterValueLimit");
    check(&json!({ "Limit": 0 }), "InvalidParameterValue.InvalidParameterValueLimit");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let filter = |name: &str, value: &str| json!([{ "Name": name, "Values": [value] }]);
    check(
        &json!({ "ImageIds": ["img-o3ycss2p"], "Filters": filter("image-name", "a") }),
        "InvalidParameter.InvalidParameterCoexistImageIdsFilters",
    );
    check(&json!({ "ImageIds": ["img-1"] }), "InvalidImageId.Malformed");
    check(&json!({ "Filters": filter("colour", "red") }), "InvalidFilter");
    check(&json!({ "Filters": filter("image-type", "MINE") }), "InvalidFilter");
    check(&json!({ "Filters": filter("tag:", "a") }), "InvalidParameterValue.TagKeyNotFound");
    check(&json!({ "Filters": filter("tag-key", "a\tb") }), "FailedOperation.IllegalTagKey");
    check(&json!({ "Filters": [{ "Name": "image-name", "Values": [] }] }), "MissingParameter");
    check(&json!({ "Filters": filter("tag:a\tb", "a") }), "FailedOperation.IllegalTagKey");
    check(&json!({ "InstanceType": "large" }), "InvalidInstanceType.Malformed");
    check(&json!({ "Offset": -1 }), "InvalidParameter");
}

#[test]
fn every_notation_asks_the_same() {
    let local = CvmLocal::start().unwrap();
    let parameters = json!({ "Filters": [{ "Name": "tag:env", "Values": ["staging"] }], "Limit": 5 });
    for method in [SignMethod::Tc3HmacSha256, SignMethod::HmacSha256, SignMethod::HmacSha1] {
        for notation in [cvm_proto::Notation::Json, cvm_proto::Notation::Query, cvm_proto::Notation::Form] {
            let v1 = method != SignMethod::Tc3HmacSha256;
            if v1 == (notation == cvm_proto::Notation::Json) && notation != cvm_proto::Notation::Query
                || !v1 && notation == cvm_proto::Notation::Form
            {
                continue;
            }
            let client =
                Client::new(&local).signed(method).with(|settings| settings.notation = Some(notation));
            let answer = client.call("DescribeImages", &parameters).unwrap();
            assert_eq!(answer["ImageSet"][0]["ImageId"], "img-7kq2v9ta", "{method:?} {notation:?}");
        }
    }
}

#[test]
fn quotas_are_told() {
    let local = CvmLocal::start().unwrap();
    let quota = |region| {
        Client::new(&local).region(region).send(DescribeImageQuota::default()).unwrap().image_num_quota
    };
    assert_eq!([quota("ap-shanghai"), quota("me-saudi-arabia")], [500, 2]);
}

#[test]
fn regions_are_listed_without_one() {
    let local = CvmLocal::start().unwrap();
    let client = Client::new(&local).with(|settings| settings.region = None);
    let answer = client.send(DescribeRegions::default()).unwrap();
    assert_eq!((answer.total_count, answer.region_set.len()), (20, 20));
    let state = |id: &str| {
        let region = answer.region_set.iter().find(|region| region.region == id).unwrap();
        (region.region_name.clone(), region.region_state.as_str().to_owned())
    };
    assert_eq!(state("ap-guangzhou"), ("South China (Guangzhou)".into(), "AVAILABLE".into()));
    assert_eq!(state("ap-mumbai").1, "UNAVAILABLE");
}
