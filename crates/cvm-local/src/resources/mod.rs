//! What accounts have: which images, snapshots and instances are where, and who may see them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::ids::Stream;
use crate::request::refusal::{Refusal, refuse};
use crate::seed::{Bucket, InstanceType, RegionState, Zone};

mod export;
pub(crate) mod image;
pub(crate) mod instance;
mod inventory;
mod lifecycle;
mod saved;
mod seeding;
pub(crate) mod tags;

pub(crate) use export::Export;
pub(crate) use lifecycle::{CopyOrder, Removal};

use image::{DiskUsage, Image, Owner, View};
use instance::Instance;
use inventory::Inventory;
use saved::Version;

/// What all accounts have in all regions, and the ids that were given out.
///
/// It serializes, and [`Resources::from_json`] reads it again: positions of regions and accounts are part of the form, what
/// can be found again (`by_name`) is not. A member that is added later has a `serde(default)`; one whose meaning changes
/// takes a new [`saved::VERSION`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Resources {
    version: Version,
    regions: Vec<Region>,
    #[serde(skip)]
    by_name: HashMap<Arc<str>, usize>,
    accounts: Vec<Account>,
    pub(crate) instance_types: Vec<InstanceType>,
    pub(crate) limits: Limits,
    exports: Vec<Export>,
    last_task: u64,
    ids: Stream,
    /// Orders what was made at the same moment.
    sequence: u64,
    /// How often something was changed since they were made or read.
    #[serde(skip)]
    changes: u64,
}

/// A region and what is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Region {
    pub(crate) id: Arc<str>,
    pub(crate) name: String,
    pub(crate) state: RegionState,
    pub(crate) zones: Vec<Zone>,
    pub(crate) imports_images: bool,
    pub(crate) makes_instance_images: bool,
    images: Inventory<Image>,
    /// From when on all images are seen.
    #[serde(default)]
    hidden_until: Moment,
    instances: Inventory<Instance>,
    snapshots: BTreeMap<String, DiskSnapshot>,
    launches: VecDeque<Launch>,
}

/// An account, and what it may do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) uin: String,
    pub(crate) app_id: String,
    pub(crate) collaborator: bool,
    pub(crate) insufficient_balance: bool,
    pub(crate) internal: bool,
    denied_actions: Vec<String>,
    pub(crate) cos_roles: Vec<String>,
    pub(crate) buckets: Vec<Bucket>,
    image_quota: u32,
    /// Where the quota is another one, by the position of the region.
    image_quotas: BTreeMap<usize, u32>,
}

/// How long things take, in milliseconds, and how much of them there may be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Limits {
    copy_millis: u64,
    pub(crate) create_millis: u64,
    pub(crate) import_millis: u64,
    pub(crate) export_millis: u64,
    pub(crate) boot_millis: u64,
    pub(crate) instance_quota: u32,
    pub(crate) share_quota: u32,
    pub(crate) export_tasks: u32,
    pub(crate) sync_size_gib: u64,
    pub(crate) export_size_gib: u64,
}

/// A snapshot of a disk; images are made of them, and leave them behind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DiskSnapshot {
    account: usize,
    pub(crate) disk_usage: DiskUsage,
    pub(crate) disk_gib: u64,
    pub(crate) encrypted: bool,
    /// From when on it can be used.
    pub(crate) ready: Moment,
}

/// Instances that were made for a client token, which makes them only once.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Launch {
    account: usize,
    token: String,
    instances: Vec<String>,
}

/// How many client tokens a region remembers.
const MAX_LAUNCHES: usize = 1000;

impl Resources {
    pub(crate) fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The ids of all regions.
    pub(crate) fn region_ids(&self) -> Vec<Arc<str>> {
        self.regions.iter().map(|region| Arc::clone(&region.id)).collect()
    }

    pub(crate) fn region(&self, position: usize) -> &Region {
        &self.regions[position]
    }

    /// The position of a region that the endpoint lists.
    pub(crate) fn region_named(&self, id: &str) -> Option<usize> {
        self.by_name.get(id).copied()
    }

    pub(crate) fn account(&self, position: usize) -> &Account {
        &self.accounts[position]
    }

    /// The position of an account with this uin.
    pub(crate) fn account_named(&self, uin: &str) -> Option<usize> {
        self.accounts.iter().position(|account| account.uin == uin)
    }

    pub(crate) fn instance_type(&self, name: &str) -> Option<&InstanceType> {
        self.instance_types.iter().find(|instance_type| instance_type.name == name)
    }

    /// How often they were changed since they were made or read: the state file is compared by it.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// An image that an account sees.
    pub(crate) fn image(&self, region: usize, account: usize, id: &str, now: Moment) -> Option<&Image> {
        self.regions[region].images.get(id).filter(|image| image.is_visible_to(account, now))
    }

    /// An image that is to be changed.
    pub(crate) fn image_mut(&mut self, region: usize, id: &str) -> Option<&mut Image> {
        self.changes += 1;
        self.regions[region].images.get_mut(id)
    }

    /// Everything that an account sees in a region, newest first.
    pub(crate) fn images(
        &self,
        region: usize,
        account: usize,
        now: Moment,
    ) -> impl Iterator<Item = View<'_>> {
        // Most regions never hide an image, and then no image need be checked.
        let some_hidden = now < self.regions[region].hidden_until;
        let images = self.all_images(region, account, now);
        images.filter(move |view| !(some_hidden && view.image.is_hidden(now)))
    }

    /// The same, with those that are not visible yet.
    pub(crate) fn all_images(
        &self,
        region: usize,
        account: usize,
        now: Moment,
    ) -> impl Iterator<Item = View<'_>> {
        let visible =
            move |(owner, image): &(Owner, &Image)| owner.shows_all(account) || image.is_shared_with(account);
        let images = self.regions[region].images.newest_first().filter(visible);
        images.map(move |(_, image)| View { image, account, now })
    }

    /// The images of an account that are not visible yet.
    pub(crate) fn hidden_images(
        &self,
        region: usize,
        account: usize,
        now: Moment,
    ) -> impl Iterator<Item = &Image> {
        let some_hidden = now < self.regions[region].hidden_until;
        let images = some_hidden.then(|| self.own_images(region, account));
        images.into_iter().flatten().filter(move |image| image.is_hidden(now))
    }

    /// Those of these images that an account sees, newest first.
    pub(crate) fn these_images(
        &self,
        region: usize,
        account: usize,
        now: Moment,
        ids: &[String],
    ) -> impl Iterator<Item = View<'_>> {
        let visible =
            self.regions[region].images.these(ids).filter(move |image| image.is_visible_to(account, now));
        visible.map(move |image| View { image, account, now })
    }

    /// How many custom images an account may have in a region.
    pub(crate) fn image_quota(&self, region: usize, account: usize) -> u32 {
        let account = &self.accounts[account];
        account.image_quotas.get(&region).copied().unwrap_or(account.image_quota)
    }

    /// How many custom images an account has in a region.
    pub(crate) fn image_count(&self, region: usize, account: usize) -> usize {
        self.own_images(region, account).count()
    }

    /// Whether a custom image of an account in a region has a name, whatever its state is and whether it is seen.
    pub(crate) fn is_name_taken(&self, region: usize, account: usize, name: &str, now: Moment) -> bool {
        self.own_images(region, account).any(|image| image.name == name && !image.leaves_its_name(now))
    }

    /// The custom images of an account in a region, newest first, with those that are not visible yet.
    pub(crate) fn own_images(&self, region: usize, account: usize) -> impl Iterator<Item = &Image> {
        let own = move |(owner, _): &(Owner, &Image)| *owner == Owner::Account(account);
        self.regions[region].images.newest_first().filter(own).map(|(_, image)| image)
    }

    /// A snapshot of an account.
    pub(crate) fn snapshot(&self, region: usize, account: usize, id: &str) -> Option<&DiskSnapshot> {
        self.regions[region].snapshots.get(id).filter(|snapshot| snapshot.account == account)
    }

    /// An instance of an account that is there.
    pub(crate) fn instance(&self, region: usize, account: usize, id: &str, now: Moment) -> Option<&Instance> {
        let instance = self.regions[region].instances.get(id)?;
        (instance.account == account && instance.state(now).is_some()).then_some(instance)
    }

    /// An instance that is to be changed.
    pub(crate) fn instance_mut(&mut self, region: usize, id: &str) -> Option<&mut Instance> {
        self.changes += 1;
        self.regions[region].instances.get_mut(id)
    }

    /// The instances of an account in a region that are there, newest first.
    pub(crate) fn instances(
        &self,
        region: usize,
        account: usize,
        now: Moment,
    ) -> impl Iterator<Item = &Instance> {
        let own = self.regions[region].instances.newest_first().filter(move |(owner, _)| *owner == account);
        own.map(|(_, instance)| instance).filter(move |instance| instance.state(now).is_some())
    }

    /// The instances that were made for a client token of an account.
    pub(crate) fn launched(&self, region: usize, account: usize, token: &str) -> Option<&[String]> {
        let mut launches = self.regions[region].launches.iter();
        let launch = launches.find(|launch| launch.account == account && launch.token == token)?;
        Some(&launch.instances)
    }
}

impl Account {
    /// Refuses with `code` what the account's policy denies.
    pub(crate) fn check_policy(&self, action: &str, code: &'static str) -> Result<(), Refusal> {
        if self.denied_actions.iter().any(|denied| denied == action) {
            return refuse(code, format!("The account's policy denies the action `{action}`."));
        }
        Ok(())
    }
}

impl Region {
    pub(crate) fn is_finance(&self) -> bool {
        cvm_proto::is_finance(&self.id)
    }

    pub(crate) fn zone(&self, name: &str) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.zone == name)
    }
}
