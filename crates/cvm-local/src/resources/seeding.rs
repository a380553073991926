//! The resources that a seed describes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::image::{DiskUsage, Image, Owner, Share};
use super::instance::Instance;
use super::inventory::Inventory;
use super::saved::Version;
use super::{Account, DiskSnapshot, Limits, Region, Resources};
use crate::clock::Moment;
use crate::ids::{Stream, is_resource};
use crate::seed::{self, Seed, SeedDiskSnapshot, SeedImage, SeedInstance};

impl Resources {
    /// The resources that a seed describes, or what is wrong with the seed.
    pub(crate) fn new(seed: &Seed) -> Result<Self, String> {
        let millis = |seconds: u64| seconds.saturating_mul(1000);
        let mut resources = Self {
            version: Version,
            regions: Vec::with_capacity(seed.regions.len()),
            by_name: HashMap::new(),
            accounts: Vec::with_capacity(seed.accounts.len()),
            instance_types: seed.instance_types.clone(),
            limits: Limits {
                copy_millis: millis(seed.copy_seconds),
                create_millis: millis(seed.create_seconds),
                import_millis: millis(seed.import_seconds),
                export_millis: millis(seed.export_seconds),
                boot_millis: millis(seed.boot_seconds),
                instance_quota: seed.instance_quota,
                share_quota: seed.share_quota,
                export_tasks: seed.export_task_limit,
                sync_size_gib: seed.sync_size_limit_gib,
                export_size_gib: seed.export_size_limit_gib,
            },
            exports: Vec::new(),
            last_task: 0,
            ids: Stream::new(seed.number, 1),
            sequence: 0,
            changes: 0,
        };
        for region in &seed.regions {
            resources.seed_region(region)?;
        }
        for account in &seed.accounts {
            let account = resources.seed_account(seed.image_quota, account)?;
            resources.accounts.push(account);
        }
        for image in &seed.public_images {
            resources.seed_image(image, Owner::Service)?;
        }
        for (position, account) in seed.accounts.iter().enumerate() {
            for image in &account.images {
                resources.seed_image(image, Owner::Account(position))?;
            }
            for snapshot in &account.snapshots {
                resources.seed_snapshot(snapshot, position)?;
            }
            for instance in &account.instances {
                resources.seed_instance(instance, position)?;
            }
        }
        resources.changes = 0;
        Ok(resources)
    }

    fn seed_region(&mut self, region: &seed::Region) -> Result<(), String> {
        let id: Arc<str> = region.id.as_str().into();
        if id.is_empty() || self.by_name.insert(Arc::clone(&id), self.regions.len()).is_some() {
            return Err(format!("the region `{id}` is empty or in the seed twice"));
        }
        self.regions.push(Region {
            id,
            name: region.name.clone(),
            state: region.state,
            zones: region.zones.clone(),
            imports_images: region.imports_images,
            makes_instance_images: region.makes_instance_images,
            images: Inventory::default(),
            hidden_until: 0,
            instances: Inventory::default(),
            snapshots: BTreeMap::new(),
            launches: VecDeque::new(),
        });
        Ok(())
    }

    fn seed_account(&self, usual: u32, account: &seed::Account) -> Result<Account, String> {
        let mut image_quotas = BTreeMap::new();
        for (region, &quota) in &account.image_quotas {
            let region = self.seeded_region(region, || format!("account `{}` has a quota", account.uin))?;
            image_quotas.insert(region, quota);
        }
        Ok(Account {
            uin: account.uin.clone(),
            app_id: account.app_id.clone(),
            collaborator: account.collaborator,
            insufficient_balance: account.insufficient_balance,
            internal: account.internal,
            denied_actions: account.denied_actions.clone(),
            cos_roles: account.cos_roles.clone(),
            buckets: account.buckets.clone(),
            image_quota: usual,
            image_quotas,
        })
    }

    /// The position of a region that the seed has to have.
    fn seeded_region(&self, id: &str, what: impl FnOnce() -> String) -> Result<usize, String> {
        self.region_named(id).ok_or_else(|| format!("{} in `{id}`, which is no region of the seed", what()))
    }

    fn seed_image(&mut self, image: &SeedImage, owner: Owner) -> Result<(), String> {
        let region = self.seeded_region(&image.region, || format!("the image `{}` is", image.id))?;
        let creator = match owner {
            Owner::Service => "SYSTEM",
            Owner::Account(account) => &self.accounts[account].uin,
        };
        let mut new = Image::seeded(image, owner, creator)?;
        for uin in &image.shared_with {
            let Some(account) = self.account_named(uin) else {
                return Err(format!(
                    "the image `{}` is shared with `{uin}`, which is no account of the seed",
                    image.id
                ));
            };
            new.shared_with.push(Share { account, since: new.created });
        }
        if self.regions[region].images.has(&new.id) {
            return Err(twice("image", &image.id, &image.region));
        }
        self.insert_image(region, new, 0);
        Ok(())
    }

    fn seed_snapshot(&mut self, snapshot: &SeedDiskSnapshot, account: usize) -> Result<(), String> {
        let SeedDiskSnapshot { id, region: name, .. } = snapshot;
        let region = self.seeded_region(name, || format!("the snapshot `{id}` is"))?;
        if !is_resource(id, "snap") {
            return Err(format!(
                "the snapshot `{id}` in `{name}` has an id of the wrong form: use `snap-` and eight of 0-9 and a-z"
            ));
        }
        let Some(disk_usage) = DiskUsage::parse(&snapshot.disk_usage) else {
            return Err(format!(
                "the snapshot `{id}` in `{name}` has a `disk_usage` that is neither `SYSTEM_DISK` nor `DATA_DISK`"
            ));
        };
        let ready = if snapshot.creating { Moment::MAX } else { 0 };
        let SeedDiskSnapshot { disk_gib, encrypted, .. } = *snapshot;
        let new = DiskSnapshot { account, disk_usage, disk_gib, encrypted, ready };
        match self.regions[region].snapshots.insert(id.clone(), new) {
            None => Ok(()),
            Some(_) => Err(twice("snapshot", id, name)),
        }
    }

    fn seed_instance(&mut self, instance: &SeedInstance, account: usize) -> Result<(), String> {
        let SeedInstance { id, region: name, zone, instance_type, .. } = instance;
        let region = self.seeded_region(name, || format!("the instance `{id}` is"))?;
        let zones = &self.regions[region].zones;
        let known = zones.iter().find(|known| zone.is_empty() || known.zone == *zone);
        let Some(zone) = known.map(|known| known.zone.clone()) else {
            return Err(format!("the instance `{id}` is in the zone `{zone}`, which `{name}` does not have"));
        };
        let Some(instance_type) = self.instance_type(instance_type).cloned() else {
            return Err(format!(
                "the instance `{id}` has the type `{instance_type}`, which the seed does not have"
            ));
        };
        let new = Instance::seeded(instance, account, &zone, &instance_type, &mut self.ids)?;
        if self.regions[region].instances.has(id) {
            return Err(twice("instance", id, name));
        }
        self.sequence += 1;
        self.regions[region].instances.insert(new, self.sequence);
        Ok(())
    }
}

fn twice(what: &str, id: &str, region: &str) -> String {
    format!("the {what} `{id}` is in the seed twice for `{region}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_seed_is_a_state() {
        let resources = Resources::new(&Seed::default()).unwrap();
        let shanghai = resources.region_named("ap-shanghai").unwrap();
        let ids: Vec<_> = resources.images(shanghai, 0, 0).map(|view| view.image.id.as_str()).collect();
        assert_eq!(ids.first(), Some(&"img-o3ycss2p"), "the newest comes first");
        assert_eq!(ids.last(), Some(&"img-eb30mz89"), "the service's own images are old");
        assert!(ids.contains(&"img-shared00"));
        assert_eq!(resources.images(shanghai, 1, 0).count(), 3, "its own and two public ones");
        let riyadh = resources.region_named("me-saudi-arabia").unwrap();
        assert_eq!(resources.image_count(riyadh, 0), resources.image_quota(riyadh, 0) as usize);
        assert_eq!(resources.image_quota(shanghai, 0), 500);
    }

    #[test]
    fn a_contradictory_seed_is_refused_in_words() {
        let check = |change: fn(&mut Seed), expected: &str| {
            let mut seed = Seed::default();
            change(&mut seed);
            let error = Resources::new(&seed).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(
            |seed| seed.regions.push(seed.regions[0].clone()),
            "`ap-shanghai` is empty or in the seed twice",
        );
        check(|seed| seed.accounts[0].images[0].region = "ap-x".into(), "`img-o3ycss2p` is in `ap-x`");
        check(|seed| seed.accounts[0].images[1].id = "img-o3ycss2p".into(), "twice for `ap-shanghai`");
        check(|seed| seed.accounts[0].images[0].shared_with = vec!["7".into()], "shared with `7`");
        check(|seed| _ = seed.accounts[0].image_quotas.insert("ap-x".into(), 1), "quota in `ap-x`");
        check(
            |seed| seed.public_images.push(SeedImage::new("img-x", "ap-beijing", "n")),
            "id of the wrong form",
        );
        let instance = |change: fn(&mut SeedInstance), expected: &str| {
            let mut seed = Seed::default();
            let mut instance = SeedInstance::new("ins-00000000", "ap-seoul", "n");
            change(&mut instance);
            seed.accounts[0].instances.push(instance);
            let error = Resources::new(&seed).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        instance(|instance| instance.id = "i-1".into(), "use `ins-` and eight");
        instance(|instance| instance.region = "ap-x".into(), "`ins-00000000` is in `ap-x`");
        instance(|instance| instance.zone = "ap-tokyo-1".into(), "which `ap-seoul` does not have");
        instance(|instance| instance.instance_type = "X".into(), "the type `X`");
        instance(|instance| instance.state = "ASLEEP".into(), "a state that does not exist");
        instance(|instance| instance.restrict_state = "SAD".into(), "a `restrict_state`");
        instance(|instance| instance.created = "now".into(), "`created`");
        let snapshot = |change: fn(&mut SeedDiskSnapshot), expected: &str| {
            let mut seed = Seed::default();
            let mut snapshot = SeedDiskSnapshot {
                id: "snap-00000000".into(),
                region: "ap-seoul".into(),
                ..SeedDiskSnapshot::default()
            };
            change(&mut snapshot);
            seed.accounts[0].snapshots.push(snapshot);
            let error = Resources::new(&seed).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        snapshot(|snapshot| snapshot.id = "s".into(), "use `snap-` and eight");
        snapshot(|snapshot| snapshot.disk_usage = "TAPE".into(), "neither `SYSTEM_DISK` nor");
        snapshot(
            |snapshot| (snapshot.id, snapshot.region) = ("snap-b0k9x2ml".into(), "ap-shanghai".into()),
            "`snap-b0k9x2ml` is in the seed twice",
        );
    }
}
