//! The seed that an endpoint has unless it is given another: one image for each thing that can go wrong.

use std::collections::BTreeMap;

use super::{Account, Key, Seed, SeedImage, SeedSnapshot};
use crate::regions;

impl Default for Seed {
    fn default() -> Self {
        Self {
            number: 0,
            copy_seconds: 20,
            image_quota: 500,
            sync_size_limit_gib: 500,
            regions: regions::served(),
            accounts: vec![first_account(), second_account()],
            public_images: public_images(),
        }
    }
}

/// The account that users of the default seed are.
fn first_account() -> Account {
    Account {
        uin: "100000000001".into(),
        keys: vec![Key {
            secret_id: "AKIDlocaldevelopment".into(),
            secret_key: "local-development-key".into(),
            ..Key::default()
        }],
        roles: vec!["cvm-local-role".into()],
        image_quotas: BTreeMap::from([("me-saudi-arabia".into(), 2)]),
        images: vec![
            SeedImage {
                description: "Base system with the monitoring agent".into(),
                size_gib: 50,
                created: "2026-03-10T08:30:00Z".into(),
                snapshots: vec![SeedSnapshot {
                    id: "snap-b0k9x2ml".into(),
                    disk_usage: "SYSTEM_DISK".into(),
                    disk_gib: 50,
                }],
                tags: BTreeMap::from([
                    ("env".into(), "production".into()),
                    ("team".into(), "platform".into()),
                ]),
                family: "base-ubuntu".into(),
                ..SeedImage::new("img-o3ycss2p", "ap-shanghai", "base-ubuntu-22.04")
            },
            SeedImage {
                os_name: "TencentOS Server 4 for x86_64".into(),
                platform: "TencentOS".into(),
                created: "2026-03-09T08:30:00Z".into(),
                tags: BTreeMap::from([("env".into(), "staging".into())]),
                ..SeedImage::new("img-7kq2v9ta", "ap-shanghai", "web-tencentos-4")
            },
            SeedImage {
                instance_image: true,
                size_gib: 100,
                created: "2026-03-08T08:30:00Z".into(),
                snapshots: vec![
                    SeedSnapshot {
                        id: "snap-3n5w8qzd".into(),
                        disk_usage: "SYSTEM_DISK".into(),
                        disk_gib: 50,
                    },
                    SeedSnapshot { id: "snap-6t1y4hpc".into(), disk_usage: "DATA_DISK".into(), disk_gib: 50 },
                ],
                ..SeedImage::new("img-instance", "ap-shanghai", "whole-instance")
            },
            SeedImage {
                size_gib: 2000,
                created: "2026-03-07T08:30:00Z".into(),
                ..SeedImage::new("img-toolarge", "ap-shanghai", "data-warehouse")
            },
            SeedImage {
                state: "CREATING".into(),
                created: "2026-03-06T08:30:00Z".into(),
                ..SeedImage::new("img-creating", "ap-shanghai", "never-finished")
            },
            SeedImage {
                state: "CREATEFAILED".into(),
                created: "2026-03-05T08:30:00Z".into(),
                ..SeedImage::new("img-failed00", "ap-shanghai", "broken-build")
            },
            SeedImage {
                encrypted: true,
                created: "2026-03-04T08:30:00Z".into(),
                ..SeedImage::new("img-encrypt0", "ap-shanghai", "encrypted-disk")
            },
            SeedImage {
                dedicated_cluster_id: Some("cluster-4q8z1kfm".into()),
                cdc_cache_status: Some("CACHED".into()),
                created: "2026-03-03T08:30:00Z".into(),
                ..SeedImage::new("img-cluster0", "ap-shanghai", "dedicated-cluster")
            },
            SeedImage {
                created: "2026-03-02T08:30:00Z".into(),
                ..SeedImage::new("img-finance0", "ap-shanghai-fsi", "ledger")
            },
            SeedImage {
                created: "2026-03-01T09:30:00Z".into(),
                ..SeedImage::new("img-quota001", "me-saudi-arabia", "first-of-two")
            },
            SeedImage {
                created: "2026-03-01T08:30:00Z".into(),
                ..SeedImage::new("img-quota002", "me-saudi-arabia", "second-of-two")
            },
        ],
    }
}

/// An account whose only part is to share an image with the first one.
fn second_account() -> Account {
    Account {
        uin: "100000000002".into(),
        keys: vec![Key {
            secret_id: "AKIDlocalneighbour".into(),
            secret_key: "local-neighbour-key".into(),
            ..Key::default()
        }],
        images: vec![SeedImage {
            created: "2026-02-20T08:30:00Z".into(),
            shared_with: vec!["100000000001".into()],
            ..SeedImage::new("img-shared00", "ap-shanghai", "shared-tools")
        }],
        ..Account::default()
    }
}

/// Two of the service's own images, in the regions that most people use.
fn public_images() -> Vec<SeedImage> {
    let official = |id: &str, region: &str, name: &str, platform: &str, created: &str| SeedImage {
        os_name: name.into(),
        platform: platform.into(),
        source: "OFFICIAL".into(),
        created: created.into(),
        ..SeedImage::new(id, region, name)
    };
    ["ap-shanghai", "ap-guangzhou", "ap-beijing", "ap-singapore"]
        .into_iter()
        .flat_map(|region| {
            // An official image has the same id everywhere.
            [
                official(
                    "img-487zeit5",
                    region,
                    "Ubuntu Server 22.04 LTS 64bit",
                    "Ubuntu",
                    "2025-06-01T00:00:00Z",
                ),
                official("img-eb30mz89", region, "TencentOS Server 3.1", "TencentOS", "2025-05-01T00:00:00Z"),
            ]
        })
        .collect()
}
