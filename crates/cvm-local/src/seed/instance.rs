//! Instances that exist from the start, and the types that instances may have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A type that instances may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceType {
    /// Its name: a family and a size, such as `S5.MEDIUM4`.
    pub name: String,
    /// How many cores it has.
    pub cpu: u32,
    /// How much memory it has, in GiB.
    pub memory_gib: u32,
    /// `x86_64` or `arm`; images of the other kind do not run on it.
    pub architecture: String,
    /// Whether there is none left.
    pub sold_out: bool,
    /// Whether no image can be made from instances of this type, as they have disks of their own kind.
    pub special: bool,
}

impl Default for InstanceType {
    fn default() -> Self {
        Self {
            name: String::new(),
            cpu: 2,
            memory_gib: 4,
            architecture: "x86_64".into(),
            sold_out: false,
            special: false,
        }
    }
}

/// An instance that exists from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedInstance {
    /// The instance's id: `ins-` and eight of `0-9a-z`.
    pub id: String,
    /// The region it is in.
    pub region: String,
    /// The zone it is in; the region's first one if it is empty.
    pub zone: String,
    /// Its name.
    pub name: String,
    /// Its type, one of [`Seed::instance_types`](crate::Seed::instance_types).
    pub instance_type: String,
    /// The image it was made from.
    pub image_id: String,
    /// The operating system, such as `Ubuntu Server 22.04 LTS 64bit`.
    pub os_name: String,
    /// `POSTPAID_BY_HOUR`, `PREPAID`, `SPOTPAID`, `CDHPAID` or `CDCPAID`.
    pub charge_type: String,
    /// When it was made: `2026-01-31T08:00:00Z`.
    pub created: String,
    /// The state it is in and stays in until somebody changes it: one of the API's, such as `RUNNING`, `STOPPED` or
    /// `RESCUE_MODE`, or `FREEZING`.
    pub state: String,
    /// `NORMAL`, `EXPIRED` or `PROTECTIVELY_ISOLATED`; no image can be made from one that is not `NORMAL`.
    pub restrict_state: String,
    /// Whether it costs nothing while it is stopped; then no image can be made from it.
    pub stop_charging: bool,
    /// Whether an operation on it is under way, for ever.
    pub operating: bool,
    /// Whether its last reinstallation failed.
    pub reinstall_failed: bool,
    /// Whether it is protected from being terminated.
    pub protected: bool,
    /// Its system disk.
    pub system_disk: SeedDisk,
    /// Its data disks.
    pub data_disks: Vec<SeedDisk>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Default for SeedInstance {
    fn default() -> Self {
        Self {
            id: String::new(),
            region: String::new(),
            zone: String::new(),
            name: String::new(),
            instance_type: "S5.MEDIUM4".into(),
            image_id: "img-487zeit5".into(),
            os_name: "Ubuntu Server 22.04 LTS 64bit".into(),
            charge_type: "POSTPAID_BY_HOUR".into(),
            created: "2026-01-01T00:00:00Z".into(),
            state: "RUNNING".into(),
            restrict_state: "NORMAL".into(),
            stop_charging: false,
            operating: false,
            reinstall_failed: false,
            protected: false,
            system_disk: SeedDisk::default(),
            data_disks: Vec::new(),
            tags: BTreeMap::new(),
        }
    }
}

impl SeedInstance {
    /// A `RUNNING` instance with an id, a region and a name; everything else as in [`SeedInstance::default`].
    pub fn new(id: impl Into<String>, region: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), region: region.into(), name: name.into(), ..Self::default() }
    }
}

/// A disk of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedDisk {
    /// The disk's id: `disk-` and eight of `0-9a-z`; one is made up if it is empty.
    pub id: String,
    /// Its medium, such as `CLOUD_PREMIUM` or `LOCAL_SSD`.
    pub disk_type: String,
    /// Its size, in GiB.
    pub size_gib: u64,
    /// Whether it is encrypted; no image can be made of it.
    pub encrypted: bool,
    /// Whether it is being rolled back to a snapshot, for ever.
    pub rolling_back: bool,
    /// Whether it came from a fast rollback, whose data is still on its way.
    pub fast_rollback: bool,
    /// Whether it is used for swapping.
    pub swap: bool,
}

impl Default for SeedDisk {
    fn default() -> Self {
        Self {
            id: String::new(),
            disk_type: "CLOUD_PREMIUM".into(),
            size_gib: 50,
            encrypted: false,
            rolling_back: false,
            fast_rollback: false,
            swap: false,
        }
    }
}

impl SeedDisk {
    /// A disk with an id and a size; everything else as in [`SeedDisk::default`].
    pub fn new(id: impl Into<String>, size_gib: u64) -> Self {
        Self { id: id.into(), size_gib, ..Self::default() }
    }
}
