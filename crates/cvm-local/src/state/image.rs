//! One image: what it is, and what state it is in at a moment.

use std::collections::BTreeMap;

use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use crate::clock::{Moment, iso, parse_iso};
use crate::fault::CopyTrouble;
use crate::ids::{Stream, is_resource};
use crate::seed::{SeedImage, SeedSnapshot};

/// The states that the API documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ImageState {
    Normal,
    Creating,
    CreateFailed,
    Syncing,
    Importing,
    ImportFailed,
}

impl ImageState {
    const ALL: [Self; 6] = [
        Self::Normal,
        Self::Creating,
        Self::CreateFailed,
        Self::Syncing,
        Self::Importing,
        Self::ImportFailed,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Creating => "CREATING",
            Self::CreateFailed => "CREATEFAILED",
            Self::Syncing => "SYNCING",
            Self::Importing => "IMPORTING",
            Self::ImportFailed => "IMPORTFAILED",
        }
    }
}

/// The caches' states that the API documents.
pub(crate) const CACHE_STATES: [&str; 5] =
    ["CACHED_ALL", "CACHING", "CACHED", "CACHE_INVALID", "CACHE_FAILED"];

/// Who an image belongs to: the service, or the account at this position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Owner {
    Service,
    Account(usize),
}

/// An image in a region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) id: String,
    pub(crate) owner: Owner,
    /// The uin of the owner, or `SYSTEM`.
    pub(crate) creator: String,
    pub(crate) name: String,
    pub(crate) created: Moment,
    pub(crate) traits: Traits,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) shared_with: Vec<usize>,
    life: Life,
    /// The copies that were made of it last.
    outgoing: Vec<Copying>,
}

/// What a copy has in common with its source.
// The flags are those of the API, and each is one of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Traits {
    pub(crate) description: String,
    pub(crate) os_name: String,
    pub(crate) platform: String,
    pub(crate) architecture: String,
    pub(crate) size_gib: u64,
    pub(crate) source: String,
    pub(crate) license_type: String,
    pub(crate) family: String,
    pub(crate) deprecated: bool,
    pub(crate) cloudinit: bool,
    pub(crate) instance_image: bool,
    pub(crate) encrypted: bool,
    pub(crate) dedicated_cluster_id: Option<String>,
    pub(crate) cdc_cache_status: Option<String>,
}

/// A snapshot of an image, written as the API writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    #[serde(rename = "SnapshotId")]
    id: String,
    #[serde(rename = "DiskUsage")]
    disk_usage: String,
    #[serde(rename = "DiskSize")]
    disk_gib: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Life {
    /// It is in this state and stays there.
    Settled(ImageState),
    /// It is being copied here, or was.
    Copied(Copying),
}

/// A copy under way, or its end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Copying {
    started: Moment,
    /// How long it takes, in milliseconds; more than 0.
    length: u64,
    trouble: Option<CopyTrouble>,
}

impl Copying {
    pub(crate) fn new(started: Moment, length: u64, trouble: Option<CopyTrouble>) -> Self {
        Self { started, length: length.max(1), trouble }
    }

    fn is_running(&self, now: Moment) -> bool {
        self.trouble == Some(CopyTrouble::NeverEnds) || now.saturating_sub(self.started) < self.length
    }

    /// From 0 to 99 while it runs.
    fn percent(&self, now: Moment) -> u8 {
        let passed = u128::from(now.saturating_sub(self.started)) * 100 / u128::from(self.length);
        u8::try_from(passed.min(99)).unwrap_or(99)
    }

    /// The state of the image that it makes, and the percentage shown with it.
    fn state(&self, now: Moment) -> (ImageState, Option<u8>) {
        if self.is_running(now) {
            (ImageState::Syncing, Some(self.percent(now)))
        } else if self.trouble == Some(CopyTrouble::Fails) {
            (ImageState::CreateFailed, None)
        } else {
            (ImageState::Normal, Some(100))
        }
    }
}

impl Image {
    /// The image that a seed describes.
    pub(crate) fn seeded(seed: &SeedImage, owner: Owner, creator: &str) -> Result<Self, String> {
        let at_fault = |what: &str| Err(format!("the image `{}` in `{}` has {what}", seed.id, seed.region));
        if !is_resource(&seed.id, "img") {
            return at_fault("an id of the wrong form: use `img-` and eight of 0-9 and a-z");
        }
        let Some(created) = parse_iso(&seed.created) else {
            return at_fault("a time `created` that cannot be read: write it as `2026-01-31T08:00:00Z`");
        };
        let Some(state) = ImageState::ALL.into_iter().find(|state| state.as_str() == seed.state) else {
            return at_fault(&format!(
                "a state that does not exist: use one of {}",
                ImageState::ALL.map(ImageState::as_str).join(", ")
            ));
        };
        if seed.cdc_cache_status.as_deref().is_some_and(|status| !CACHE_STATES.contains(&status)) {
            return at_fault(&format!(
                "a `cdc_cache_status` that does not exist: use one of {}",
                CACHE_STATES.join(", ")
            ));
        }
        Ok(Self {
            id: seed.id.clone(),
            owner,
            creator: creator.into(),
            name: seed.name.clone(),
            created,
            traits: Traits {
                description: seed.description.clone(),
                os_name: seed.os_name.clone(),
                platform: seed.platform.clone(),
                architecture: seed.architecture.clone(),
                size_gib: seed.size_gib,
                source: seed.source.clone(),
                license_type: seed.license_type.clone(),
                family: seed.family.clone(),
                deprecated: seed.deprecated,
                cloudinit: seed.cloudinit,
                instance_image: seed.instance_image,
                encrypted: seed.encrypted,
                dedicated_cluster_id: seed.dedicated_cluster_id.clone(),
                cdc_cache_status: seed.cdc_cache_status.clone(),
            },
            snapshots: seed.snapshots.iter().map(Snapshot::seeded).collect(),
            tags: seed.tags.clone(),
            shared_with: Vec::new(),
            life: Life::Settled(state),
            outgoing: Vec::new(),
        })
    }

    /// A copy of this image for an account, with ids of its own. Tags and shares belong to one resource and do not go
    /// with it.
    pub(crate) fn copy(
        &self,
        id: String,
        name: String,
        (account, creator): (usize, &str),
        copying: Copying,
        ids: &mut Stream,
    ) -> Self {
        Self {
            id,
            owner: Owner::Account(account),
            creator: creator.into(),
            name,
            created: copying.started,
            traits: self.traits.clone(),
            snapshots: self.snapshots.iter().map(|snapshot| snapshot.copy(ids)).collect(),
            tags: BTreeMap::new(),
            shared_with: Vec::new(),
            life: Life::Copied(copying),
            outgoing: Vec::new(),
        }
    }

    /// Takes down that copies of this image have begun.
    pub(crate) fn copying(&mut self, copies: Vec<Copying>) {
        self.outgoing = copies;
    }

    /// Whether an account sees the image.
    pub(crate) fn is_visible_to(&self, account: usize) -> bool {
        match self.owner {
            Owner::Service => true,
            Owner::Account(owner) => owner == account || self.shared_with.contains(&account),
        }
    }

    /// What the image is to an account that sees it.
    pub(crate) fn kind(&self, account: usize) -> &'static str {
        match self.owner {
            Owner::Service => "PUBLIC_IMAGE",
            Owner::Account(owner) if owner == account => "PRIVATE_IMAGE",
            Owner::Account(_) => "SHARED_IMAGE",
        }
    }

    /// The state at a moment, and the percentage shown with it. An image is `SYNCING` both while it is being made by a
    /// copy and while copies are being made of it, and then shows the one that has furthest to go.
    pub(crate) fn state(&self, now: Moment) -> (ImageState, Option<u8>) {
        let running = self.outgoing.iter().filter(|copy| copy.is_running(now));
        if let Some(percent) = running.map(|copy| copy.percent(now)).min() {
            return (ImageState::Syncing, Some(percent));
        }
        match &self.life {
            Life::Settled(state) => (*state, None),
            Life::Copied(copying) => copying.state(now),
        }
    }
}

impl Snapshot {
    fn seeded(seed: &SeedSnapshot) -> Self {
        Self { id: seed.id.clone(), disk_usage: seed.disk_usage.clone(), disk_gib: seed.disk_gib }
    }

    fn copy(&self, ids: &mut Stream) -> Self {
        Self { id: ids.resource("snap"), disk_usage: self.disk_usage.clone(), disk_gib: self.disk_gib }
    }
}

/// An image as an account sees it at a moment, in the form of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) image: &'a Image,
    pub(crate) account: usize,
    pub(crate) now: Moment,
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let image = self.image;
        let traits = &image.traits;
        let (state, percent) = image.state(self.now);
        let mut out = serializer.serialize_struct("Image", 20)?;
        out.serialize_field("ImageId", &image.id)?;
        out.serialize_field("OsName", &traits.os_name)?;
        out.serialize_field("ImageType", image.kind(self.account))?;
        out.serialize_field("CreatedTime", &iso(image.created))?;
        out.serialize_field("ImageName", &image.name)?;
        out.serialize_field("ImageDescription", &traits.description)?;
        out.serialize_field("ImageSize", &traits.size_gib)?;
        out.serialize_field("Architecture", &traits.architecture)?;
        out.serialize_field("ImageState", state.as_str())?;
        out.serialize_field("Platform", &traits.platform)?;
        out.serialize_field("ImageCreator", &image.creator)?;
        out.serialize_field("ImageSource", &traits.source)?;
        out.serialize_field("SyncPercent", &percent)?;
        out.serialize_field("IsSupportCloudinit", &traits.cloudinit)?;
        out.serialize_field("SnapshotSet", &image.snapshots)?;
        out.serialize_field("Tags", &Tags(&image.tags))?;
        out.serialize_field("LicenseType", &traits.license_type)?;
        out.serialize_field("ImageFamily", &traits.family)?;
        out.serialize_field("ImageDeprecated", &traits.deprecated)?;
        out.serialize_field("CdcCacheStatus", traits.cdc_cache_status.as_deref().unwrap_or_default())?;
        out.end()
    }
}

struct Tags<'a>(&'a BTreeMap<String, String>);

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Tag))
    }
}

struct Tag<'a>((&'a String, &'a String));

impl Serialize for Tag<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Tag", 2)?;
        out.serialize_field("Key", self.0.0)?;
        out.serialize_field("Value", self.0.1)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(state: &str) -> Image {
        let seed = SeedImage { state: state.into(), ..SeedImage::new("img-00000000", "ap-x", "n") };
        Image::seeded(&seed, Owner::Account(0), "1").unwrap()
    }

    #[test]
    fn a_copy_rises_to_its_end() {
        let copying = Copying::new(1000, 2000, None);
        let states: Vec<_> = [0, 1000, 1020, 2000, 2999, 3000, 9000].map(|now| copying.state(now)).into();
        let syncing = |percent| (ImageState::Syncing, Some(percent));
        let normal = (ImageState::Normal, Some(100));
        assert_eq!(states, [syncing(0), syncing(0), syncing(1), syncing(50), syncing(99), normal, normal]);
    }

    #[test]
    fn a_copy_in_trouble_does_not_arrive() {
        let fails = Copying::new(0, 10, Some(CopyTrouble::Fails));
        assert_eq!([fails.state(9).0, fails.state(10).0], [ImageState::Syncing, ImageState::CreateFailed]);
        let endless = Copying::new(0, 10, Some(CopyTrouble::NeverEnds));
        assert_eq!(endless.state(u64::MAX), (ImageState::Syncing, Some(99)));
    }

    #[test]
    fn a_source_shows_the_slowest_of_its_copies_and_comes_back() {
        let mut source = image("NORMAL");
        source.copying(vec![Copying::new(0, 100, None), Copying::new(0, 200, None)]);
        assert_eq!(source.state(50), (ImageState::Syncing, Some(25)));
        assert_eq!(source.state(150), (ImageState::Syncing, Some(75)));
        assert_eq!(source.state(200), (ImageState::Normal, None));
    }

    #[test]
    fn a_seed_is_checked() {
        let check = |change: fn(&mut SeedImage), expected: &str| {
            let mut seed = SeedImage::new("img-00000000", "ap-x", "n");
            change(&mut seed);
            let error = Image::seeded(&seed, Owner::Service, "").unwrap_err();
            assert!(error.contains(expected) && error.contains("ap-x"), "{error}");
        };
        check(|seed| seed.id = "img-1".into(), "id of the wrong form");
        check(|seed| seed.created = "now".into(), "`created`");
        check(|seed| seed.state = "USING".into(), "NORMAL, CREATING");
        check(|seed| seed.cdc_cache_status = Some("WARM".into()), "CACHED_ALL");
    }
}
