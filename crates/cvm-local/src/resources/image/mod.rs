//! One image: what it is, and what state it is in at a moment.

use serde::{Deserialize, Serialize};

use crate::clock::{Moment, parse_iso};
use crate::fault::Hiding;
use crate::ids::{Stream, is_resource};
use crate::resources::inventory::Resource;
use crate::resources::tags::Tags;
use crate::seed::{SeedImage, SeedSnapshot};

mod creation;
mod view;

pub(crate) use creation::{Creation, Origin};
use view::CachedJson;
pub(crate) use view::View;

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

impl Owner {
    /// Whether an account sees all that belongs to this owner, shared or not.
    pub(crate) fn shows_all(self, account: usize) -> bool {
        match self {
            Self::Service => true,
            Self::Account(owner) => owner == account,
        }
    }
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
    pub(crate) tags: Tags,
    pub(crate) shared_with: Vec<Share>,
    life: Lifecycle,
    /// The copies that were made of it last.
    outgoing: Vec<Creation>,
    /// Until when it is being exported.
    exported_until: Moment,
    #[serde(default)]
    hidden: Option<Hidden>,
    #[serde(skip)]
    cached_json: CachedJson,
}

impl Resource for Image {
    type Owner = Owner;

    fn owner(&self) -> Owner {
        self.owner
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> Moment {
        self.created
    }

    fn before_change(&mut self) {
        self.cached_json = CachedJson::default();
    }
}

/// Until when an image is not visible.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Hidden {
    until: Moment,
    /// Whether its name counts as free as long.
    is_name_free: bool,
}

/// An account that an image is shared with, and since when.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) account: usize,
    pub(crate) since: Moment,
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
    pub(crate) market: bool,
    pub(crate) dedicated_cluster_id: Option<String>,
    pub(crate) cdc_cache_status: Option<String>,
}

impl Traits {
    /// Those of an image of which nothing is known.
    pub(crate) fn plain() -> Self {
        Self {
            description: String::new(),
            os_name: "Other Linux 64bit".into(),
            platform: "Other Linux".into(),
            architecture: "x86_64".into(),
            size_gib: 0,
            source: "CREATE_IMAGE".into(),
            license_type: "TencentCloud".into(),
            family: String::new(),
            deprecated: false,
            cloudinit: true,
            instance_image: false,
            encrypted: false,
            market: false,
            dedicated_cluster_id: None,
            cdc_cache_status: None,
        }
    }

    /// Whether instances of an architecture can be made from it.
    pub(crate) fn runs_on(&self, architecture: &str) -> bool {
        (self.architecture == "arm") == (architecture == "arm")
    }
}

/// A snapshot of an image, written as the API writes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    #[serde(rename = "SnapshotId")]
    pub(crate) id: String,
    #[serde(rename = "DiskUsage")]
    pub(crate) disk_usage: DiskUsage,
    #[serde(rename = "DiskSize")]
    pub(crate) disk_gib: u64,
}

/// What the disk of a snapshot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum DiskUsage {
    SystemDisk,
    DataDisk,
}

impl DiskUsage {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "SYSTEM_DISK" => Some(Self::SystemDisk),
            "DATA_DISK" => Some(Self::DataDisk),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Lifecycle {
    /// It is in this state and stays there.
    Settled(ImageState),
    /// It is being made, or was.
    Made(Creation),
}

/// What is known of an image that is to be made.
#[derive(Debug)]
pub(crate) struct NewImage {
    pub(crate) name: String,
    pub(crate) traits: Traits,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) tags: Tags,
    pub(crate) creation: Creation,
    pub(crate) hiding: Option<Hiding>,
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
        let mut snapshots = Vec::with_capacity(seed.snapshots.len());
        for SeedSnapshot { id, disk_usage, disk_gib } in &seed.snapshots {
            let Some(disk_usage) = DiskUsage::parse(disk_usage) else {
                return at_fault("a snapshot whose `disk_usage` is neither `SYSTEM_DISK` nor `DATA_DISK`");
            };
            snapshots.push(Snapshot { id: id.clone(), disk_usage, disk_gib: *disk_gib });
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
                market: seed.market,
                dedicated_cluster_id: seed.dedicated_cluster_id.clone(),
                cdc_cache_status: seed.cdc_cache_status.clone(),
            },
            snapshots,
            tags: Tags::from(&seed.tags),
            shared_with: Vec::new(),
            life: Lifecycle::Settled(state),
            outgoing: Vec::new(),
            exported_until: 0,
            hidden: None,
            cached_json: CachedJson::default(),
        })
    }

    /// A new image of an account.
    pub(crate) fn made(id: String, account: usize, creator: &str, new_image: NewImage) -> Self {
        let hidden = new_image.hiding.map(|Hiding { time, late_name_check }| {
            let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            Hidden { until: new_image.creation.started.saturating_add(time), is_name_free: late_name_check }
        });
        Self {
            id,
            owner: Owner::Account(account),
            creator: creator.into(),
            name: new_image.name,
            created: new_image.creation.started,
            traits: new_image.traits,
            snapshots: new_image.snapshots,
            tags: new_image.tags,
            shared_with: Vec::new(),
            life: Lifecycle::Made(new_image.creation),
            outgoing: Vec::new(),
            exported_until: 0,
            hidden,
            cached_json: CachedJson::default(),
        }
    }

    /// What a copy of this image is. Tags and shares belong to one resource and do not go with it.
    pub(crate) fn new_copy(
        &self,
        name: String,
        creation: Creation,
        hiding: Option<Hiding>,
        ids: &mut Stream,
    ) -> NewImage {
        let copy = |snapshot: &Snapshot| Snapshot { id: ids.resource("snap"), ..snapshot.clone() };
        NewImage {
            name,
            traits: self.traits.clone(),
            snapshots: self.snapshots.iter().map(copy).collect(),
            tags: Tags::default(),
            creation,
            hiding,
        }
    }

    /// Records that copies of this image have begun.
    pub(crate) fn copying(&mut self, copies: Vec<Creation>) {
        self.outgoing = copies;
    }

    /// Records that it is being exported until a moment.
    pub(crate) fn exporting(&mut self, until: Moment) {
        self.exported_until = self.exported_until.max(until);
    }

    pub(crate) fn is_being_exported(&self, now: Moment) -> bool {
        now < self.exported_until
    }

    /// Whether an account sees the image.
    pub(crate) fn is_visible_to(&self, account: usize, now: Moment) -> bool {
        (self.owner.shows_all(account) || self.is_shared_with(account)) && !self.is_hidden(now)
    }

    /// Whether it is not visible yet.
    pub(crate) fn is_hidden(&self, now: Moment) -> bool {
        now < self.hidden_until()
    }

    /// From when on it is seen.
    pub(crate) fn hidden_until(&self) -> Moment {
        self.hidden.map_or(0, |hidden| hidden.until)
    }

    /// When a client next sees a change that comes by itself: the image is seen, is done, the last of its copies is, or
    /// its export. `None` if nothing is under way that ends.
    pub(crate) fn next_change(&self, now: Moment) -> Option<Moment> {
        if self.is_hidden(now) {
            return Some(self.hidden_until()).filter(|&at| at < Moment::MAX);
        }
        let made = match &self.life {
            Lifecycle::Made(creation) => creation.coming_end(now),
            Lifecycle::Settled(_) => None,
        };
        let copies = self.outgoing.iter().filter_map(|copy| copy.coming_end(now)).max();
        let exported = Some(self.exported_until).filter(|_| self.is_being_exported(now));
        [made, copies, exported].into_iter().flatten().min()
    }

    /// Whether another image may have its name.
    pub(crate) fn leaves_its_name(&self, now: Moment) -> bool {
        self.is_hidden(now) && self.hidden.is_some_and(|hidden| hidden.is_name_free)
    }

    pub(crate) fn is_shared_with(&self, account: usize) -> bool {
        self.shared_with.iter().any(|share| share.account == account)
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
            Lifecycle::Settled(state) => (*state, None),
            Lifecycle::Made(creation) => creation.state(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::CreationFault;

    fn image(state: &str) -> Image {
        let seed = SeedImage { state: state.into(), ..SeedImage::new("img-00000000", "ap-x", "n") };
        Image::seeded(&seed, Owner::Account(0), "1").unwrap()
    }

    #[test]
    fn a_copy_rises_to_its_end() {
        let copying = Creation::new(Origin::Copied, 1000, 2000, None);
        let states: Vec<_> = [0, 1000, 1020, 2000, 2999, 3000, 9000].map(|now| copying.state(now)).into();
        let syncing = |percent| (ImageState::Syncing, Some(percent));
        let normal = (ImageState::Normal, Some(100));
        assert_eq!(states, [syncing(0), syncing(0), syncing(1), syncing(50), syncing(99), normal, normal]);
    }

    #[test]
    fn a_copy_in_trouble_does_not_arrive() {
        let fails = Creation::new(Origin::Copied, 0, 10, Some(CreationFault::Fails));
        assert_eq!([fails.state(9).0, fails.state(10).0], [ImageState::Syncing, ImageState::CreateFailed]);
        let endless = Creation::new(Origin::Copied, 0, 10, Some(CreationFault::NeverEnds));
        assert_eq!(endless.state(u64::MAX), (ImageState::Syncing, Some(99)));
    }

    #[test]
    fn other_images_are_made_without_a_percentage() {
        let states = |how, trouble| {
            let creation = Creation::new(how, 0, 10, trouble);
            [creation.state(9), creation.state(10)].map(|(state, percent)| (state.as_str(), percent))
        };
        let fails = Some(CreationFault::Fails);
        assert_eq!(states(Origin::Created, None), [("CREATING", None), ("NORMAL", None)]);
        assert_eq!(states(Origin::Created, fails), [("CREATING", None), ("CREATEFAILED", None)]);
        assert_eq!(states(Origin::Imported, None), [("IMPORTING", None), ("NORMAL", None)]);
        assert_eq!(states(Origin::Imported, fails), [("IMPORTING", None), ("IMPORTFAILED", None)]);
    }

    #[test]
    fn a_source_shows_the_slowest_of_its_copies_and_comes_back() {
        let mut source = image("NORMAL");
        source.copying(vec![
            Creation::new(Origin::Copied, 0, 100, None),
            Creation::new(Origin::Copied, 0, 200, None),
        ]);
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
        let snapshot = SeedSnapshot { id: "snap-00000000".into(), disk_usage: "TAPE".into(), disk_gib: 1 };
        let seed = SeedImage { snapshots: vec![snapshot], ..SeedImage::new("img-00000000", "ap-x", "n") };
        assert!(Image::seeded(&seed, Owner::Service, "").unwrap_err().contains("`disk_usage`"));
    }
}
