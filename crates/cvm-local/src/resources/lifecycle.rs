//! How images and instances are created and removed.

use super::image::{Creation, Image, NewImage, Origin, Owner};
use super::instance::Instance;
use super::{DiskSnapshot, Launch, MAX_LAUNCHES, Resources};
use crate::clock::Moment;
use crate::fault::ImageFaults;
use crate::ids::Stream;

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

/// Which images are removed.
#[derive(Debug)]
pub(crate) struct Removal<'a> {
    pub(crate) region: usize,
    pub(crate) images: &'a [String],
    /// Whether their snapshots are removed as well, unless another image is made of them.
    pub(crate) snapshots: bool,
}

impl Resources {
    /// Begins a copy in each destination; returns the ids of the copies, in the same order. `trouble` says what goes
    /// wrong on the way to a region.
    pub(crate) fn copy(
        &mut self,
        source: &str,
        order: &CopyOrder,
        destinations: &[usize],
        mut trouble: impl FnMut(&str) -> ImageFaults,
    ) -> Vec<String> {
        let Some(original) = self.image(order.region, order.account, source, order.now).cloned() else {
            return Vec::new();
        };
        let mut ids = Vec::with_capacity(destinations.len());
        let mut copies = Vec::with_capacity(destinations.len());
        for &destination in destinations {
            let trouble = trouble(&self.regions[destination].id);
            let creation =
                Creation::new(Origin::Copied, order.now, self.limits.copy_millis, trouble.creation);
            let mut new_image =
                original.new_copy(order.name.clone(), creation, trouble.hiding, &mut self.ids);
            new_image.traits.encrypted = order.encrypt;
            ids.push(self.make_image(destination, order.account, new_image));
            copies.push(creation);
        }
        if let Some(original) = self.image_mut(order.region, source) {
            original.copying(copies);
        }
        ids
    }

    /// Begins an image, and the snapshots that it is made up of, as far as they are not there; returns its id.
    pub(crate) fn make_image(&mut self, region: usize, account: usize, new_image: NewImage) -> String {
        let id = loop {
            let id = self.ids.resource("img");
            if self.regions.iter().all(|region| !region.images.has(&id)) {
                break id;
            }
        };
        let ready = new_image.creation.end();
        let image = Image::made(id.clone(), account, &self.accounts[account].uin, new_image);
        self.insert_image(region, image, ready);
        id
    }

    /// Adds an image. Those of an account leave snapshots with it.
    pub(super) fn insert_image(&mut self, region: usize, image: Image, ready: Moment) {
        self.changes += 1;
        self.sequence += 1;
        let region = &mut self.regions[region];
        region.hidden_until = region.hidden_until.max(image.hidden_until());
        if let Owner::Account(account) = image.owner {
            for snapshot in &image.snapshots {
                region.snapshots.entry(snapshot.id.clone()).or_insert_with(|| DiskSnapshot {
                    account,
                    disk_usage: snapshot.disk_usage,
                    disk_gib: snapshot.disk_gib,
                    encrypted: image.traits.encrypted,
                    ready,
                });
            }
        }
        region.images.insert(image, self.sequence);
    }

    /// Removes images.
    pub(crate) fn remove_images(&mut self, removal: &Removal<'_>) {
        self.changes += 1;
        let region = &mut self.regions[removal.region];
        let removed: Vec<_> = removal.images.iter().filter_map(|id| region.images.remove(id)).collect();
        if !removal.snapshots {
            return;
        }
        for snapshot in removed.iter().flat_map(|image| &image.snapshots) {
            let mut others = region.images.newest_first().flat_map(|(_, image)| &image.snapshots);
            if others.all(|other| other.id != snapshot.id) {
                region.snapshots.remove(&snapshot.id);
            }
        }
    }

    /// Adds instances, each made by `make` with an id of its own, and remembers the client token; returns their ids.
    pub(crate) fn launch(
        &mut self,
        region: usize,
        account: usize,
        (count, token): (u64, Option<String>),
        now: Moment,
        mut make: impl FnMut(String, u64, &mut Stream) -> Instance,
    ) -> Vec<String> {
        self.changes += 1;
        let Self { regions, ids, sequence, .. } = self;
        let mut launched = Vec::new();
        for number in 0..count {
            let id = loop {
                let id = ids.resource("ins");
                if regions.iter().all(|region| !region.instances.has(&id)) {
                    break id;
                }
            };
            *sequence += 1;
            regions[region].instances.insert(make(id.clone(), number, ids), *sequence);
            launched.push(id);
        }
        let region = &mut regions[region];
        // What has ended leaves no other trace, and would pile up.
        region.instances.retain(|instance| instance.state(now).is_some());
        if let Some(token) = token {
            if region.launches.len() >= MAX_LAUNCHES {
                region.launches.pop_front();
            }
            region.launches.push_back(Launch { account, token, instances: launched.clone() });
        }
        launched
    }

    /// A new id of a kind that no one looks up.
    pub(crate) fn new_id(&mut self, kind: &str) -> String {
        self.ids.resource(kind)
    }
}
