//! A state as JSON, to be kept and read again.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::State;
use super::image::Owner;

/// The version of the form. A new one is needed only when a member changes its meaning.
pub(super) const VERSION: u32 = 1;

/// Stands for [`VERSION`] in a state, and is read from nothing else.
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

impl State {
    /// Reads a state that was serialized to JSON, or says in one sentence why it cannot be used.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, String> {
        let unreadable = |error: serde_json::Error| format!("the saved state cannot be read: {error}");
        // The version comes first, wherever it stands: the rest of another version may not make sense.
        let head: Head = serde_json::from_slice(json).map_err(unreadable)?;
        if head.version != VERSION {
            return Err(other_version(head.version));
        }
        let mut state: Self = serde_json::from_slice(json).map_err(unreadable)?;
        for (position, region) in state.regions.iter().enumerate() {
            if state.by_name.insert(region.id.clone(), position).is_some() {
                return Err(format!("the saved state has the region `{}` twice", region.id));
            }
        }
        state.check_positions()?;
        Ok(state)
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
    use super::super::CopyOrder;
    use super::*;
    use crate::fault::CopyTrouble;
    use crate::seed::Seed;
    use serde_json::{Value, json};

    /// What an account can see of a region at a moment.
    fn seen(state: &State, account: usize, now: u64) -> Value {
        let regions = (0..state.regions.len()).map(|region| {
            let images: Vec<_> = state.images(region, account, now).collect();
            let instances: Vec<_> =
                state.instances(region, account, now).map(|instance| instance.view(now)).collect();
            json!([state.region(region).id, images, instances, state.image_quota(region, account)])
        });
        regions.collect()
    }

    fn copy(state: &mut State, now: u64) -> Vec<String> {
        let region = state.region_named("ap-shanghai").unwrap();
        let order = CopyOrder { region, account: 0, name: "copy".into(), encrypt: false, now };
        let to = ["ap-seoul", "ap-tokyo"].map(|name| state.region_named(name).unwrap());
        state.copy("img-o3ycss2p", &order, &to, |region| {
            (region == "ap-tokyo").then_some(CopyTrouble::NeverEnds)
        })
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let mut state = State::new(&Seed::default()).unwrap();
        assert_eq!(state.changes(), 0);
        copy(&mut state, 1_000);
        assert!(state.changes() > 0, "a change is counted");
        let json = serde_json::to_vec(&state).unwrap();
        let mut read = State::from_json(&json).unwrap();
        for now in [1_000, 2_000, 1_000_000] {
            for account in [0, 1] {
                assert_eq!(seen(&read, account, now), seen(&state, account, now));
            }
        }
        assert_eq!(copy(&mut read, 1_000_000), copy(&mut state, 1_000_000), "and goes on with the same ids");
        assert_eq!(seen(&read, 0, 2_000_000), seen(&state, 0, 2_000_000));
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&state).unwrap());
    }

    #[test]
    fn what_is_no_state_of_this_version_is_refused() {
        let check = |change: fn(&mut Value), expected: &str| {
            let mut saved = serde_json::to_value(State::new(&Seed::default()).unwrap()).unwrap();
            change(&mut saved);
            let error = State::from_json(saved.to_string().as_bytes()).unwrap_err();
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
            "stands there twice",
        );
        let newer = |saved: &mut Value| saved["something_new"] = json!(1);
        let mut saved = serde_json::to_value(State::new(&Seed::default()).unwrap()).unwrap();
        newer(&mut saved);
        assert!(State::from_json(saved.to_string().as_bytes()).is_ok(), "an unknown member does no harm");
    }
}
