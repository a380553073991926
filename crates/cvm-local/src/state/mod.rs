//! Everything the endpoint remembers: which images are where, and who may see them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::fault::CopyTrouble;
use crate::ids::Stream;
use crate::regions;
use crate::seed::{RegionState, Seed};

pub(crate) mod image;
mod images;
mod saved;

use image::{Copying, Image, Owner, View};
use images::Images;
use saved::Version;

/// The images of all regions, and the ids that were given out.
///
/// It serializes, and [`State::from_json`] reads it again: positions of regions and accounts are part of the form, what
/// can be found again (`by_name`) is not. A member that is added later has a `serde(default)`; one whose meaning changes
/// takes a new [`saved::VERSION`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    version: Version,
    regions: Vec<Region>,
    #[serde(skip)]
    by_name: HashMap<Arc<str>, usize>,
    accounts: Vec<Account>,
    ids: Stream,
    /// Orders images that were made at the same moment.
    sequence: u64,
    copy_millis: u64,
    pub(crate) sync_size_limit_gib: u64,
    /// How often something was changed since the state was made or read.
    #[serde(skip)]
    changes: u64,
}

/// A region and its images.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Region {
    pub(crate) id: Arc<str>,
    pub(crate) name: String,
    pub(crate) state: RegionState,
    images: Images,
}

/// An account, and how many custom images it may have.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Account {
    uin: String,
    image_quota: u32,
    /// Where the quota is another one, by the position of the region.
    image_quotas: BTreeMap<usize, u32>,
}

impl State {
    /// The state that a seed describes, or what is wrong with the seed.
    pub(crate) fn new(seed: &Seed) -> Result<Self, String> {
        let mut state = Self {
            version: Version,
            regions: Vec::with_capacity(seed.regions.len()),
            by_name: HashMap::new(),
            accounts: Vec::with_capacity(seed.accounts.len()),
            ids: Stream::new(seed.number, 1),
            sequence: 0,
            copy_millis: seed.copy_seconds.saturating_mul(1000),
            sync_size_limit_gib: seed.sync_size_limit_gib,
            changes: 0,
        };
        for region in &seed.regions {
            state.add_region(region)?;
        }
        for account in &seed.accounts {
            let account = state.account(seed.image_quota, account)?;
            state.accounts.push(account);
        }
        for image in &seed.public_images {
            state.seed_image(image, Owner::Service)?;
        }
        for (position, account) in seed.accounts.iter().enumerate() {
            for image in &account.images {
                state.seed_image(image, Owner::Account(position))?;
            }
        }
        Ok(state)
    }

    fn add_region(&mut self, region: &crate::seed::Region) -> Result<(), String> {
        let id: Arc<str> = region.id.as_str().into();
        if id.is_empty() || self.by_name.insert(Arc::clone(&id), self.regions.len()).is_some() {
            return Err(format!("the region `{id}` is empty or stands in the seed twice"));
        }
        self.regions.push(Region {
            id,
            name: region.name.clone(),
            state: region.state,
            images: Images::default(),
        });
        Ok(())
    }

    fn account(&self, usual: u32, account: &crate::seed::Account) -> Result<Account, String> {
        let mut image_quotas = BTreeMap::new();
        for (region, &quota) in &account.image_quotas {
            let Some(region) = self.region_named(region) else {
                return Err(format!(
                    "account `{}` has a quota in `{region}`, which is no region of the seed",
                    account.uin
                ));
            };
            image_quotas.insert(region, quota);
        }
        Ok(Account { uin: account.uin.clone(), image_quota: usual, image_quotas })
    }

    fn seed_image(&mut self, image: &crate::seed::SeedImage, owner: Owner) -> Result<(), String> {
        let Some(region) = self.region_named(&image.region) else {
            return Err(format!(
                "the image `{}` is in `{}`, which is no region of the seed",
                image.id, image.region
            ));
        };
        let creator = match owner {
            Owner::Service => "SYSTEM",
            Owner::Account(account) => &self.accounts[account].uin,
        };
        let mut new = Image::seeded(image, owner, creator)?;
        for uin in &image.shared_with {
            let Some(account) = self.accounts.iter().position(|known| known.uin == *uin) else {
                return Err(format!(
                    "the image `{}` is shared with `{uin}`, which is no account of the seed",
                    image.id
                ));
            };
            new.shared_with.push(account);
        }
        if self.regions[region].images.has(&new.id) {
            return Err(format!("the image `{}` stands in the seed twice for `{}`", image.id, image.region));
        }
        self.insert(region, new);
        Ok(())
    }

    pub(crate) fn regions(&self) -> &[Region] {
        &self.regions
    }

    pub(crate) fn region(&self, position: usize) -> &Region {
        &self.regions[position]
    }

    /// The position of a region that the endpoint lists.
    pub(crate) fn region_named(&self, id: &str) -> Option<usize> {
        self.by_name.get(id).copied()
    }

    /// An image that an account sees.
    pub(crate) fn image(&self, region: usize, account: usize, id: &str) -> Option<&Image> {
        self.regions[region].images.get(id).filter(|image| image.is_visible_to(account))
    }

    /// Everything that an account sees in a region, newest first.
    pub(crate) fn images(
        &self,
        region: usize,
        account: usize,
        now: Moment,
    ) -> impl Iterator<Item = View<'_>> {
        let visible =
            self.regions[region].images.newest_first().filter(move |image| image.is_visible_to(account));
        visible.map(move |image| View { image, account, now })
    }

    /// An id that no image has.
    fn new_image_id(&mut self) -> String {
        loop {
            let id = self.ids.resource("img");
            if self.regions.iter().all(|region| !region.images.has(&id)) {
                return id;
            }
        }
    }

    fn insert(&mut self, region: usize, image: Image) {
        self.sequence += 1;
        self.regions[region].images.insert(image, self.sequence);
    }

    /// How often the state was changed since it was made or read: whoever keeps it elsewhere too compares.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
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

    /// Whether an account has a custom image of this name in a region.
    pub(crate) fn has_name(&self, region: usize, account: usize, name: &str) -> bool {
        self.own_images(region, account).any(|image| image.name == name)
    }

    fn own_images(&self, region: usize, account: usize) -> impl Iterator<Item = &Image> {
        self.regions[region].images.newest_first().filter(move |image| image.owner == Owner::Account(account))
    }
}

/// Who copies an image, and as what.
#[derive(Debug)]
pub(crate) struct CopyOrder {
    /// The region that the source is in.
    pub(crate) region: usize,
    pub(crate) account: usize,
    pub(crate) name: String,
    pub(crate) encrypt: bool,
    pub(crate) now: Moment,
}

impl State {
    /// Begins a copy in each destination; returns the ids of the copies, in the same order. `trouble` says what goes
    /// wrong on the way to a region.
    pub(crate) fn copy(
        &mut self,
        source: &str,
        order: &CopyOrder,
        destinations: &[usize],
        mut trouble: impl FnMut(&str) -> Option<CopyTrouble>,
    ) -> Vec<String> {
        let Some(original) = self.image(order.region, order.account, source).cloned() else {
            return Vec::new();
        };
        self.changes += 1;
        let creator = self.accounts[order.account].uin.clone();
        let mut ids = Vec::with_capacity(destinations.len());
        let mut copies = Vec::with_capacity(destinations.len());
        for &destination in destinations {
            let copying = Copying::new(order.now, self.copy_millis, trouble(&self.regions[destination].id));
            let id = self.new_image_id();
            let owner = (order.account, creator.as_str());
            let mut image = original.copy(id.clone(), order.name.clone(), owner, copying, &mut self.ids);
            image.traits.encrypted = order.encrypt;
            self.insert(destination, image);
            copies.push(copying);
            ids.push(id);
        }
        if let Some(original) = self.regions[order.region].images.get_mut(source) {
            original.copying(copies);
        }
        ids
    }
}

impl Region {
    pub(crate) fn is_finance(&self) -> bool {
        regions::is_finance(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::SeedImage;

    #[test]
    fn the_default_seed_is_a_state() {
        let state = State::new(&Seed::default()).unwrap();
        let shanghai = state.region_named("ap-shanghai").unwrap();
        let ids: Vec<_> = state.images(shanghai, 0, 0).map(|view| view.image.id.as_str()).collect();
        assert_eq!(ids.first(), Some(&"img-o3ycss2p"), "the newest comes first");
        assert_eq!(ids.last(), Some(&"img-eb30mz89"), "the service's own images are old");
        assert!(ids.contains(&"img-shared00"));
        assert_eq!(state.images(shanghai, 1, 0).count(), 3, "its own and two public ones");
        let riyadh = state.region_named("me-saudi-arabia").unwrap();
        assert_eq!(state.image_count(riyadh, 0), state.image_quota(riyadh, 0) as usize);
        assert_eq!(state.image_quota(shanghai, 0), 500);
    }

    #[test]
    fn a_contradictory_seed_is_refused_in_words() {
        let check = |change: fn(&mut Seed), expected: &str| {
            let mut seed = Seed::default();
            change(&mut seed);
            let error = State::new(&seed).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(
            |seed| seed.regions.push(seed.regions[0].clone()),
            "`ap-shanghai` is empty or stands in the seed twice",
        );
        check(|seed| seed.accounts[0].images[0].region = "ap-x".into(), "`img-o3ycss2p` is in `ap-x`");
        check(|seed| seed.accounts[0].images[1].id = "img-o3ycss2p".into(), "twice for `ap-shanghai`");
        check(|seed| seed.accounts[0].images[0].shared_with = vec!["7".into()], "shared with `7`");
        check(|seed| _ = seed.accounts[0].image_quotas.insert("ap-x".into(), 1), "quota in `ap-x`");
        check(
            |seed| seed.public_images.push(SeedImage::new("img-x", "ap-beijing", "n")),
            "id of the wrong form",
        );
    }
}
