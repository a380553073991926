//! What an endpoint starts with: accounts, keys, images, regions, quotas, and how long a copy takes.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

mod default;

/// What an endpoint starts with, and what [`CvmLocal::reset`](crate::CvmLocal::reset) brings back.
///
/// [`Seed::default`] is the one described in the [crate's documentation](crate). As JSON, members have the names of the
/// fields; what is left out is as in the default, and an unknown member is an error.
///
/// ```
/// use cvm_local::{CvmLocal, Seed};
///
/// let seed: Seed = serde_json::from_str(r#"{
///     "number": 7,
///     "copy_seconds": 5,
///     "accounts": [{
///         "uin": "100000000009",
///         "keys": [{ "secret_id": "AKIDmine", "secret_key": "not-a-real-key" }],
///         "images": [{ "id": "img-0000abcd", "region": "ap-beijing", "name": "mine", "size_gib": 20 }]
///     }]
/// }"#)?;
/// let local = CvmLocal::builder().seed(seed).start()?;
/// assert_eq!(local.images("ap-beijing")[0].image_name, "mine");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// Feeds every id that the endpoint gives out: the same number and the same requests give the same ids.
    pub number: u64,
    /// How long one copy to one region takes, in seconds of the image clock.
    pub copy_seconds: u64,
    /// How many custom images an account may have in a region, where it has no quota of its own there.
    pub image_quota: u32,
    /// The largest image that `SyncImages` takes, in GiB.
    pub sync_size_limit_gib: u64,
    /// The regions, in the order of `DescribeRegions`.
    pub regions: Vec<Region>,
    /// The accounts. The first one's first key is [`CvmLocal::credential`](crate::CvmLocal::credential).
    pub accounts: Vec<Account>,
    /// Images that belong to the service and that every account sees.
    pub public_images: Vec<SeedImage>,
}

impl Seed {
    /// Reads a seed from JSON or YAML.
    ///
    /// # Errors
    ///
    /// What cannot be read, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        // JSON is YAML as well, but a large file is read much faster as what it is.
        let parsed = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())
        } else {
            serde_saphyr::from_str(text).map_err(|error| error.to_string())
        };
        parsed.map_err(|error| format!("the seed cannot be read: {error}"))
    }
}

/// A region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// The region's id, such as `ap-guangzhou`.
    pub id: String,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// Whether it can be used.
    #[serde(default)]
    pub state: RegionState,
}

/// Whether a region can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RegionState {
    /// It serves requests and takes copies.
    #[default]
    Available,
    /// It is listed, refuses requests, and takes no copies.
    Unavailable,
}

impl RegionState {
    /// The state as the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Unavailable => "UNAVAILABLE",
        }
    }
}

/// An account: who owns images. Accounts see nothing of each other, except images that are shared with them.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// The account's number, as text.
    pub uin: String,
    /// The API keys that sign for it.
    pub keys: Vec<Key>,
    /// Its quota of custom images in a region, where it differs from [`Seed::image_quota`].
    pub image_quotas: BTreeMap<String, u32>,
    /// Its custom images.
    pub images: Vec<SeedImage>,
    /// The names of its roles, which `AssumeRole` and the instance metadata give temporary credentials for.
    pub roles: Vec<String>,
}

/// An API key of an account; for use against this endpoint only.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Key {
    /// The half that is sent.
    pub secret_id: String,
    /// The half that signs.
    pub secret_key: String,
    /// The token that has to come with each request, if the key is temporary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When it expires by the signature clock: `2026-01-31T08:00:00Z`; never, if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl fmt::Debug for Key {
    /// Shows no secret: a test may well put a real key into a seed by mistake.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("secret_id", &self.secret_id).finish_non_exhaustive()
    }
}

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
    /// Whether it is encrypted; such an image cannot be copied.
    pub encrypted: bool,
    /// The dedicated cluster it is bound to, if any; such an image cannot be copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dedicated_cluster_id: Option<String>,
    /// Where the dedicated cluster stands in caching it: `CACHED_ALL`, `CACHING`, `CACHED`, `CACHE_INVALID`,
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
