//! The seed that an endpoint has unless it is given another: one image for each thing that can go wrong.

use std::collections::BTreeMap;

use super::{
    Account, Bucket, InstanceType, Key, Seed, SeedDisk, SeedDiskSnapshot, SeedImage, SeedInstance,
    SeedSnapshot,
};
use crate::regions;

impl Default for Seed {
    fn default() -> Self {
        Self {
            number: 0,
            copy_seconds: 20,
            create_seconds: 20,
            import_seconds: 30,
            export_seconds: 30,
            boot_seconds: 5,
            image_quota: 500,
            instance_quota: 500,
            share_quota: 500,
            export_task_limit: 5,
            sync_size_limit_gib: 500,
            export_size_limit_gib: 500,
            regions: regions::served(),
            instance_types: instance_types(),
            accounts: vec![first_account(), second_account()],
            public_images: public_images(),
        }
    }
}

/// The account that users of the default seed are.
pub(super) fn first_account() -> Account {
    Account {
        uin: "100000000001".into(),
        keys: vec![Key {
            secret_id: "AKIDlocaldevelopment".into(),
            secret_key: "local-development-key".into(),
            ..Key::default()
        }],
        roles: vec!["cvm-local-role".into()],
        mfa_secret: "LOCALDEVELOPMENT".into(),
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
                snapshots: vec![SeedSnapshot {
                    id: "snap-5d7r1wqe".into(),
                    disk_usage: "SYSTEM_DISK".into(),
                    disk_gib: 20,
                }],
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
        buckets: vec![
            Bucket { name: "exports-1250000000".into(), region: "ap-shanghai".into(), ..Bucket::default() },
            Bucket {
                name: "readonly-1250000000".into(),
                region: "ap-shanghai".into(),
                read_only: true,
                ..Bucket::default()
            },
        ],
        instances: instances(),
        snapshots: snapshots(),
        ..Account::default()
    }
}

/// Instances to make images from, and one of which none can be made.
fn instances() -> Vec<SeedInstance> {
    let system_disk = |id: &str| SeedDisk::new(id, 50);
    vec![
        SeedInstance {
            system_disk: system_disk("disk-system00"),
            data_disks: vec![
                SeedDisk::new("disk-data0000", 100),
                SeedDisk { disk_type: "LOCAL_SSD".into(), ..SeedDisk::new("disk-local000", 200) },
            ],
            tags: BTreeMap::from([("env".into(), "production".into())]),
            created: "2026-02-03T08:30:00Z".into(),
            ..SeedInstance::new("ins-running0", "ap-shanghai", "web-1")
        },
        SeedInstance {
            state: "STOPPED".into(),
            system_disk: system_disk("disk-system01"),
            created: "2026-02-02T08:30:00Z".into(),
            ..SeedInstance::new("ins-stopped0", "ap-shanghai", "batch-1")
        },
        SeedInstance {
            state: "RESCUE_MODE".into(),
            system_disk: system_disk("disk-system02"),
            created: "2026-02-01T08:30:00Z".into(),
            ..SeedInstance::new("ins-rescue00", "ap-shanghai", "broken-1")
        },
    ]
}

/// Snapshots to make images from, and two of which none can be made.
fn snapshots() -> Vec<SeedDiskSnapshot> {
    let snapshot = |id: &str| SeedDiskSnapshot {
        id: id.into(),
        region: "ap-shanghai".into(),
        ..SeedDiskSnapshot::default()
    };
    vec![
        snapshot("snap-system00"),
        SeedDiskSnapshot { disk_usage: "DATA_DISK".into(), disk_gib: 100, ..snapshot("snap-data0000") },
        SeedDiskSnapshot { creating: true, ..snapshot("snap-creating") },
        SeedDiskSnapshot { encrypted: true, ..snapshot("snap-encrypt0") },
    ]
}

/// A few types of each kind; the smallest one is sold out.
fn instance_types() -> Vec<InstanceType> {
    let usual = ["S5", "SA5", "S6"].into_iter().flat_map(|family| {
        [("SMALL2", 1, 2), ("MEDIUM2", 2, 2), ("MEDIUM4", 2, 4), ("LARGE8", 4, 8), ("2XLARGE16", 8, 16)]
            .map(|(size, cpu, memory_gib)| (family, size, cpu, memory_gib))
    });
    let others = [
        ("SR1", "MEDIUM4", 2, 4),
        ("SR1", "LARGE8", 4, 8),
        ("S1", "SMALL1", 1, 1),
        ("BMS5", "24XLARGE384", 96, 384),
    ];
    usual
        .chain(others)
        .map(|(family, size, cpu, memory_gib)| InstanceType {
            name: format!("{family}.{size}"),
            cpu,
            memory_gib,
            architecture: if family == "SR1" { "arm" } else { "x86_64" }.into(),
            sold_out: family == "S1",
            special: family == "BMS5",
        })
        .collect()
}

/// An account whose only part is to share an image with the first one.
fn second_account() -> Account {
    Account {
        uin: "100000000002".into(),
        app_id: "1250000001".into(),
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
