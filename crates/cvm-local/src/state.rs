//! What an endpoint remembers: keys and resources. A reset, another seed or a snapshot replaces it as one.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::clock::Moment;
use crate::ids::{RequestId, Stream};
use crate::request::auth::Keys;
use crate::resources::Resources;
use crate::seed::Seed;

/// The version of the form of a [`Snapshot`].
const VERSION: u32 = 1;

/// The number of an account that has none.
const FIRST_UIN: u64 = 100_000_000_001;

/// Everything that another seed replaces.
#[derive(Debug)]
pub(crate) struct State {
    /// The seed as JSON: the form in which it is kept, shown and written down.
    seed: Arc<RawValue>,
    pub(crate) number: u64,
    pub(crate) keys: Keys,
    pub(crate) resources: Resources,
    request_ids: Stream,
    revision: u64,
    /// The resources' count of changes at the last revision.
    seen: u64,
}

/// All that an endpoint remembers of its images and credentials, at one moment.
///
/// It goes through JSON and back, so that a test can begin where another one ended. Faults, the request log and counted
/// rates are no part of it. It holds the seed, and with it the keys: they are of use with an endpoint of this kind only.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    version: u32,
    seed: Arc<RawValue>,
    state: Arc<RawValue>,
    issued: Arc<RawValue>,
    request_ids: Stream,
    /// Image time, in milliseconds since 1970.
    time: Moment,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("time", &self.time).finish_non_exhaustive()
    }
}

impl Snapshot {
    pub(crate) fn time(&self) -> Moment {
        self.time
    }

    pub(crate) fn seed(&self) -> Result<Seed, String> {
        read_seed(&self.seed)
    }
}

impl State {
    /// The beginning that a seed describes, or what is wrong with the seed.
    pub(crate) fn new(seed: &Seed) -> Result<Self, String> {
        let seed = &*numbered(seed);
        let raw = to_raw_value(seed).map_err(|error| format!("the seed cannot be written: {error}"))?;
        Ok(Self {
            seed: raw.into(),
            number: seed.number,
            keys: Keys::new(seed)?,
            resources: Resources::new(seed)?,
            request_ids: Stream::new(seed.number, 2),
            revision: 0,
            seen: 0,
        })
    }

    /// What a snapshot holds, or why it cannot be used.
    pub(crate) fn restored(snapshot: &Snapshot) -> Result<Self, String> {
        if snapshot.version != VERSION {
            return Err(format!(
                "the snapshot has version {}, and this cvm-local reads version {VERSION} only",
                snapshot.version
            ));
        }
        let seed = snapshot.seed()?;
        let resources = Resources::from_json(snapshot.state.get().as_bytes())?;
        if !resources.has_accounts(seed.accounts.iter().map(|account| account.uin.as_str())) {
            return Err("the snapshot's state and its seed do not have the same accounts".into());
        }
        let mut keys = Keys::new(&seed)?;
        keys.restore(snapshot.issued.get(), seed.accounts.len())?;
        Ok(Self {
            seed: Arc::clone(&snapshot.seed),
            number: seed.number,
            keys,
            resources,
            request_ids: snapshot.request_ids.clone(),
            revision: 0,
            seen: 0,
        })
    }

    /// Everything as it is at this moment of image time.
    pub(crate) fn snapshot(&self, time: Moment) -> Result<Snapshot, String> {
        let unwritten = |error: serde_json::Error| format!("the state cannot be written: {error}");
        Ok(Snapshot {
            version: VERSION,
            seed: Arc::clone(&self.seed),
            state: to_raw_value(&self.resources).map_err(unwritten)?.into(),
            issued: to_raw_value(self.keys.issued()).map_err(unwritten)?.into(),
            request_ids: self.request_ids.clone(),
            time,
        })
    }

    /// The seed that everything began with.
    pub(crate) fn seed(&self) -> Result<Seed, String> {
        read_seed(&self.seed)
    }

    /// The same as JSON.
    pub(crate) fn seed_json(&self) -> Arc<RawValue> {
        Arc::clone(&self.seed)
    }

    /// Puts another state in this one's place.
    pub(crate) fn replace(&mut self, other: Self) {
        let revision = self.revision + 1;
        *self = other;
        self.revision = revision;
    }

    pub(crate) fn next_request_id(&mut self) -> RequestId {
        self.request_ids.request()
    }

    /// Counts a change that the resources do not count themselves.
    pub(crate) fn touch(&mut self) {
        self.revision += 1;
    }

    /// How often anything was changed that a snapshot holds.
    pub(crate) fn revision(&mut self) -> u64 {
        let changes = self.resources.changes();
        if changes != self.seen {
            self.seen = changes;
            self.revision += 1;
        }
        self.revision
    }
}

/// The seed with a number for each account that has none.
fn numbered(seed: &Seed) -> Cow<'_, Seed> {
    let mut seed = Cow::Borrowed(seed);
    while let Some(position) = seed.accounts.iter().position(|account| account.uin.is_empty()) {
        let is_free = |uin: &String| seed.accounts.iter().all(|account| account.uin != *uin);
        let uin = (FIRST_UIN..).map(|number| number.to_string()).find(is_free).unwrap_or_default();
        seed.to_mut().accounts[position].uin = uin;
    }
    seed
}

fn read_seed(raw: &RawValue) -> Result<Seed, String> {
    serde_json::from_str(raw.get()).map_err(|error| format!("the snapshot's seed cannot be read: {error}"))
}
