//! Resources as JSON, to be kept and read again.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Resources;
use super::image::Owner;

/// The version of the form. A new one is needed only when a member changes its meaning.
pub(super) const VERSION: u32 = 1;

/// Represents [`VERSION`] in resources, and is read from nothing else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(VERSION)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let version = u32::deserialize(deserializer)?;
        if version == VERSION { Ok(Self) } else { Err(D::Error::custom(other_version(version))) }
    }
}

fn other_version(version: u32) -> String {
    format!("the saved state has version {version}, and this cvm-local reads version {VERSION} only")
}

/// What every version of the form has.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

impl Resources {
    /// Reads resources that were serialized to JSON, or says in one sentence why they cannot be used.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, String> {
        let unreadable = |error: serde_json::Error| format!("the saved state cannot be read: {error}");
        // The version comes first, wherever it stands: the rest of another version may not make sense.
        let head: Head = serde_json::from_slice(json).map_err(unreadable)?;
        if head.version != VERSION {
            return Err(other_version(head.version));
        }
        let mut resources: Self = serde_json::from_slice(json).map_err(unreadable)?;
        for (position, region) in resources.regions.iter().enumerate() {
            if resources.by_name.insert(region.id.clone(), position).is_some() {
                return Err(format!("the saved state has the region `{}` twice", region.id));
            }
        }
        resources.check_positions()?;
        Ok(resources)
    }

    /// Whether these are the accounts, in this order.
    pub(crate) fn has_accounts<'a>(&self, uins: impl Iterator<Item = &'a str>) -> bool {
        self.accounts.iter().map(|account| account.uin.as_str()).eq(uins)
    }

    /// Regions and accounts are named by their positions: none may point outside.
    fn check_positions(&self) -> Result<(), String> {
        let is_account = |&account: &usize| account < self.accounts.len();
        for (owner, image) in self.regions.iter().flat_map(|region| region.images.newest_first()) {
            let owned = match &owner {
                Owner::Service => true,
                Owner::Account(account) => is_account(account),
            };
            if !owned || !image.shared_with.iter().all(|share| is_account(&share.account)) {
                return Err(format!("the saved state has no account for the image `{}`", image.id));
            }
        }
        for (account, instance) in self.regions.iter().flat_map(|region| region.instances.newest_first()) {
            if !is_account(&account) {
                return Err(format!("the saved state has no account for the instance `{}`", instance.id));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::{self, Call};
    use crate::fault::{Fault, Faults};
    use crate::seed::Seed;
    use serde_json::{Value, json};

    /// An account's endpoint without its sockets.
    struct Client<'a> {
        resources: &'a mut Resources,
        faults: &'a Faults,
        now: u64,
        account: usize,
        region: &'a str,
    }

    impl Client<'_> {
        fn call(&mut self, action: &str, parameters: Value) -> Value {
            let region = self.resources.region_named(self.region).unwrap();
            let Self { faults, now, account, .. } = *self;
            let mut call = Call {
                resources: self.resources,
                faults,
                now,
                account,
                region,
                request_id: "id",
                next_change: None,
            };
            let mut out = Vec::new();
            actions::find(action).unwrap().1.perform(&mut call, parameters, &mut out).unwrap();
            serde_json::from_slice(&out).unwrap()
        }
    }

    /// What clients see of resources, in every region and at several moments.
    fn seen(resources: &mut Resources) -> Vec<Value> {
        let faults = Faults::new(0, resources.region_ids());
        let regions: Vec<_> = resources.regions.iter().map(|region| region.id.clone()).collect();
        let mut seen = Vec::new();
        for (region, account, now) in regions.iter().flat_map(|region| {
            [0, 1]
                .into_iter()
                .flat_map(move |account| [1_000, 4_000, 1_000_000].map(|now| (region, account, now)))
        }) {
            let mut client = Client { resources: &mut *resources, faults: &faults, now, account, region };
            for action in ["DescribeImages", "DescribeInstances"] {
                seen.push(client.call(action, json!({ "Limit": 100 })));
            }
            for action in ["DescribeImageQuota", "DescribeRegions", "DescribeZones"] {
                seen.push(client.call(action, json!({})));
            }
        }
        seen
    }

    /// Requests that leave something in every part of the resources.
    fn live(resources: &mut Resources, faults: &Faults, now: u64, round: usize) -> Vec<Value> {
        let mut client = Client { resources, faults, now, account: 0, region: "ap-shanghai" };
        let name = format!("image-{round}");
        let zone = json!({ "Zone": "ap-shanghai-2" });
        [
            (
                "SyncImages",
                json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-seoul", "ap-tokyo"] }),
            ),
            ("CreateImage", json!({ "ImageName": name, "InstanceId": "ins-running0" })),
            ("ModifyImageAttribute", json!({ "ImageId": "img-7kq2v9ta", "ImageDescription": name })),
            ("ExportImages", json!({ "BucketName": "exports-1250000000", "ImageIds": ["img-7kq2v9ta"] })),
            ("RunInstances", json!({ "Placement": zone, "ImageId": "img-7kq2v9ta", "ClientToken": name })),
            ("RunInstances", json!({ "Placement": zone, "ImageId": "img-7kq2v9ta", "ClientToken": name })),
        ]
        .map(|(action, parameters)| client.call(action, parameters))
        .into()
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let mut resources = Resources::new(&Seed::default()).unwrap();
        let faults = Faults::new(0, resources.region_ids());
        faults.push(Fault::copy_never_ends().in_region("ap-tokyo").times(1)).unwrap();
        assert_eq!(resources.changes(), 0);
        live(&mut resources, &faults, 1_000, 1);
        let changes = resources.changes();
        assert!(changes > 0, "changes are counted");
        let share =
            json!({ "ImageId": "img-7kq2v9ta", "AccountIds": ["100000000002"], "Permission": "SHARE" });
        let mut client = Client {
            resources: &mut resources,
            faults: &faults,
            now: 1_000,
            account: 0,
            region: "ap-shanghai",
        };
        client.call("ModifyImageSharePermission", share);
        assert!(resources.changes() > changes);

        let json = serde_json::to_vec(&resources).unwrap();
        let mut read = Resources::from_json(&json).unwrap();
        assert_eq!(seen(&mut read), seen(&mut resources));
        // The source of an endless copy is never free again.
        for resources in [&mut resources, &mut read] {
            let shanghai = resources.region_named("ap-shanghai").unwrap();
            resources.image_mut(shanghai, "img-o3ycss2p").unwrap().copying(Vec::new());
        }
        let later = live(&mut resources, &faults, 1_000_000, 2);
        assert_eq!(live(&mut read, &faults, 1_000_000, 2), later, "and goes on with the same ids");
        assert_eq!(seen(&mut read), seen(&mut resources));
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&resources).unwrap());
    }

    #[test]
    fn reading_is_no_change() {
        let mut resources = Resources::new(&Seed::default()).unwrap();
        seen(&mut resources);
        assert_eq!(resources.changes(), 0);
    }

    #[test]
    fn what_is_no_state_of_this_version_is_refused() {
        let check = |change: fn(&mut Value), expected: &str| {
            let mut saved = serde_json::to_value(Resources::new(&Seed::default()).unwrap()).unwrap();
            change(&mut saved);
            let error = Resources::from_json(saved.to_string().as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check(|saved| *saved = json!({ "version": 9, "regions": 7 }), "has version 9");
        check(|saved| *saved = json!({}), "missing field `version`");
        check(|saved| saved["regions"][1]["id"] = "ap-shanghai".into(), "the region `ap-shanghai` twice");
        check(
            |saved| saved["regions"][0]["images"][0][1]["owner"] = json!({ "Account": 9 }),
            "no account for",
        );
        check(
            |saved| saved["regions"][0]["instances"][0][1]["account"] = 9.into(),
            "no account for the instance",
        );
        check(
            |saved| saved["regions"][0]["images"][1] = saved["regions"][0]["images"][0].clone(),
            "is there twice",
        );
        let newer = |saved: &mut Value| saved["something_new"] = json!(1);
        let mut saved = serde_json::to_value(Resources::new(&Seed::default()).unwrap()).unwrap();
        newer(&mut saved);
        assert!(Resources::from_json(saved.to_string().as_bytes()).is_ok(), "an unknown member does no harm");
    }
}
