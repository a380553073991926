//! What an endpoint starts with: accounts and what they own, regions, quotas, limits, and how long things take.

use std::collections::BTreeMap;

use cvm_proto::input;
use serde::{Deserialize, Serialize};

mod account;
mod default;
mod image;
mod instance;

pub use account::{Account, Bucket, Key};
pub use image::{SeedDiskSnapshot, SeedImage, SeedSnapshot};
pub use instance::{InstanceType, SeedDisk, SeedInstance};

/// What an endpoint starts with, and what [`CvmLocal::reset`](crate::CvmLocal::reset) brings back.
///
/// [`Seed::default`] is the one described in the [crate's documentation](crate). As JSON, members have the names of the
/// fields; a member that is left out is as in the default, and an unknown one is an error.
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
///         "images": [{ "id": "img-0000abcd", "region": "ap-beijing", "name": "mine", "size_gib": 20 }],
///         "instances": [{
///             "id": "ins-0000abcd", "region": "ap-beijing", "name": "web", "state": "RUNNING",
///             "system_disk": { "id": "disk-0000abcd", "size_gib": 50 },
///             "data_disks": [{ "size_gib": 100, "rolling_back": true }]
///         }],
///         "snapshots": [{ "id": "snap-0000abcd", "region": "ap-beijing", "disk_usage": "SYSTEM_DISK" }],
///         "buckets": [{ "name": "exports-1250000000", "region": "ap-beijing", "read_only": true }],
///         "denied_actions": ["DeleteImages"]
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
    /// How long it takes to make an image from an instance or from snapshots, in seconds of the image clock.
    pub create_seconds: u64,
    /// How long an import takes, in seconds of the image clock.
    pub import_seconds: u64,
    /// How long an export takes, in seconds of the image clock.
    pub export_seconds: u64,
    /// How long an instance takes to start, stop, reboot or end, in seconds of the image clock.
    pub boot_seconds: u64,
    /// How many custom images an account may have in a region, where it has no quota of its own there.
    pub image_quota: u32,
    /// How many instances an account may have in a region.
    pub instance_quota: u32,
    /// How many accounts an image may be shared with.
    pub share_quota: u32,
    /// How many exports an account may have under way in a region.
    pub export_task_limit: u32,
    /// The largest image that `SyncImages` takes, in GiB.
    pub sync_size_limit_gib: u64,
    /// The largest image that `ExportImages` takes, in GiB.
    pub export_size_limit_gib: u64,
    /// The regions, in the order of `DescribeRegions`.
    pub regions: Vec<Region>,
    /// The types that instances may have.
    pub instance_types: Vec<InstanceType>,
    /// The accounts. The first one's first key is [`CvmLocal::credential`](crate::CvmLocal::credential).
    pub accounts: Vec<Account>,
    /// Images that belong to the service and that every account sees.
    pub public_images: Vec<SeedImage>,
}

impl Seed {
    /// An endpoint without images, instances, snapshots and buckets: one account with the usual key, and the regions,
    /// instance types, limits and durations of the default seed. What a test needs is added to it.
    ///
    /// ```
    /// use cvm_local::{CvmLocal, Seed, SeedImage, SeedInstance};
    ///
    /// let seed = Seed::empty()
    ///     .image(SeedImage::new("img-0000abcd", "ap-beijing", "mine"))
    ///     .instance(SeedInstance::new("ins-0000abcd", "ap-beijing", "web-1"));
    /// let local = CvmLocal::builder().seed(Seed { copy_seconds: 5, ..seed }).start()?;
    /// assert_eq!(local.images("ap-beijing").len(), 1);
    /// assert!(local.images("ap-shanghai").is_empty(), "not even public ones");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn empty() -> Self {
        let account = default::first_account();
        let account = Account {
            uin: account.uin,
            keys: account.keys,
            image_quotas: BTreeMap::new(),
            ..Account::default()
        };
        Self { accounts: vec![account], public_images: Vec::new(), ..Self::default() }
    }

    /// Adds a custom image of the first account.
    #[must_use]
    pub fn image(mut self, image: SeedImage) -> Self {
        self.first_account().images.push(image);
        self
    }

    /// Adds an instance of the first account.
    #[must_use]
    pub fn instance(mut self, instance: SeedInstance) -> Self {
        self.first_account().instances.push(instance);
        self
    }

    /// Adds an image that belongs to the service and that every account sees.
    #[must_use]
    pub fn public_image(mut self, image: SeedImage) -> Self {
        self.public_images.push(image);
        self
    }

    /// Adds an account behind those that are there.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    fn first_account(&mut self) -> &mut Account {
        if self.accounts.is_empty() {
            self.accounts.push(Account::default());
        }
        &mut self.accounts[0]
    }

    /// Reads a seed from JSON, or YAML if the crate has its feature `yaml`.
    ///
    /// # Errors
    ///
    /// What cannot be read, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = input::text(text.as_bytes()).map_err(|error| format!("the seed {error}"))?;
        // JSON is YAML as well, but a large file is read much faster as what it is.
        let parsed = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())
        } else {
            from_yaml(text)
        };
        parsed.map_err(|error| format!("the seed cannot be read: {error}"))
    }
}

#[cfg(feature = "yaml")]
fn from_yaml(text: &str) -> Result<Seed, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

#[cfg(not(feature = "yaml"))]
fn from_yaml(_: &str) -> Result<Seed, String> {
    Err("it is not a JSON object, and YAML is not read here: write it as JSON, and give the contents of a file, not its name"
        .into())
}

/// A region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Region {
    /// The region's id, such as `ap-guangzhou`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Whether it can be used.
    pub state: RegionState,
    /// Its zones.
    pub zones: Vec<Zone>,
    /// Whether `ImportImage` works there.
    pub imports_images: bool,
    /// Whether images with data disks can be made there.
    pub makes_instance_images: bool,
}

impl Default for Region {
    fn default() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            state: RegionState::Available,
            zones: Vec::new(),
            imports_images: true,
            makes_instance_images: true,
        }
    }
}

/// A zone of a region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Zone {
    /// The zone's name, such as `ap-guangzhou-3`.
    pub zone: String,
    /// Its name for people.
    pub name: String,
    /// Its number, as text, such as `100003`.
    pub id: String,
    /// Whether instances can be made there.
    pub state: RegionState,
}

/// Whether a region, or a zone, can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RegionState {
    /// It serves requests, and takes copies and instances.
    #[default]
    Available,
    /// It is listed, refuses requests, and takes nothing new.
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
