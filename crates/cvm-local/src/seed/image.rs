//! Images and snapshots that exist from the start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An image that exists from the start.
// The flags are those of the API, and each is one of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedImage {
    /// The image's id: `img-` and eight of `0-9a-z`.
    pub id: String,
    /// The region it is in.
    pub region: String,
    /// Its name, at most 60 characters.
    pub name: String,
    /// Its description, at most 256 characters.
    pub description: String,
    /// The operating system, such as `Ubuntu Server 22.04 LTS 64bit`.
    pub os_name: String,
    /// The platform, such as `Ubuntu`.
    pub platform: String,
    /// `x86_64`, `arm` or `i386`.
    pub architecture: String,
    /// The size of its system disk, in GiB.
    pub size_gib: u64,
    /// When it was made: `2026-01-31T08:00:00Z`.
    pub created: String,
    /// The state it is in and stays in: `NORMAL`, `CREATING`, `CREATEFAILED`, `SYNCING`, `IMPORTING`, `IMPORTFAILED`.
    pub state: String,
    /// `CREATE_IMAGE`, `EXTERNAL_IMPORT` or `OFFICIAL`.
    pub source: String,
    /// `TencentCloud` or `BYOL`.
    pub license_type: String,
    /// The family it belongs to; may be empty.
    pub family: String,
    /// Whether it is marked as out of date.
    pub deprecated: bool,
    /// Whether it runs cloud-init.
    pub cloudinit: bool,
    /// Its snapshots.
    pub snapshots: Vec<SeedSnapshot>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it holds a whole instance with its data disks; such an image cannot be copied or shared.
    pub instance_image: bool,
    /// Whether it is encrypted; such an image cannot be copied, shared or exported.
    pub encrypted: bool,
    /// The dedicated cluster it is bound to, if any; such an image cannot be copied or shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedicated_cluster_id: Option<String>,
    /// Whether it was made from an image of the marketplace; such an image cannot be exported.
    pub market: bool,
    /// How far the dedicated cluster has cached it: `CACHED_ALL`, `CACHING`, `CACHED`, `CACHE_INVALID`,
    /// `CACHE_FAILED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cdc_cache_status: Option<String>,
    /// The accounts it is shared with.
    pub shared_with: Vec<String>,
}

impl Default for SeedImage {
    fn default() -> Self {
        Self {
            id: String::new(),
            region: String::new(),
            name: String::new(),
            description: String::new(),
            os_name: "Ubuntu Server 22.04 LTS 64bit".into(),
            platform: "Ubuntu".into(),
            architecture: "x86_64".into(),
            size_gib: 20,
            created: "2026-01-01T00:00:00Z".into(),
            state: "NORMAL".into(),
            source: "CREATE_IMAGE".into(),
            license_type: "TencentCloud".into(),
            family: String::new(),
            deprecated: false,
            cloudinit: true,
            snapshots: Vec::new(),
            tags: BTreeMap::new(),
            instance_image: false,
            encrypted: false,
            dedicated_cluster_id: None,
            market: false,
            cdc_cache_status: None,
            shared_with: Vec::new(),
        }
    }
}

impl SeedImage {
    /// A `NORMAL` image with an id, a region and a name; everything else as in [`SeedImage::default`].
    pub fn new(id: impl Into<String>, region: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), region: region.into(), name: name.into(), ..Self::default() }
    }
}

/// A snapshot of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedSnapshot {
    /// The snapshot's id: `snap-` and eight of `0-9a-z`.
    pub id: String,
    /// `SYSTEM_DISK` or `DATA_DISK`.
    pub disk_usage: String,
    /// The size of the disk, in GiB.
    pub disk_gib: u64,
}

/// A snapshot of a disk, of which images can be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedDiskSnapshot {
    /// The snapshot's id: `snap-` and eight of `0-9a-z`.
    pub id: String,
    /// The region it is in.
    pub region: String,
    /// `SYSTEM_DISK` or `DATA_DISK`.
    pub disk_usage: String,
    /// The size of the disk, in GiB.
    pub disk_gib: u64,
    /// Whether it is still being made, for ever.
    pub creating: bool,
    /// Whether the disk is encrypted; no image can be made of it.
    pub encrypted: bool,
}

impl Default for SeedDiskSnapshot {
    fn default() -> Self {
        Self {
            id: String::new(),
            region: String::new(),
            disk_usage: "SYSTEM_DISK".into(),
            disk_gib: 50,
            creating: false,
            encrypted: false,
        }
    }
}
