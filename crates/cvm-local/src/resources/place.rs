//! What a region holds: found by id, and in the order of its making.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Moment;

/// Something that has an id and an owner, and was made at a moment.
pub(crate) trait Placed: Clone {
    type Owner: Copy + Debug;
    fn id(&self) -> &str;
    /// It does not change.
    fn owner(&self) -> Self::Owner;
    fn created(&self) -> Moment;
    /// Forgets what it knows of itself only as long as nothing changes.
    fn before_change(&mut self) {}
}

/// The images, or the instances, of a region. A clone shares what neither it nor the original changes.
#[derive(Clone, Debug)]
pub(crate) struct Places<T: Placed> {
    in_order: BTreeMap<Place, Entry<T>>,
    by_id: HashMap<Box<str>, Place>,
}

/// The owner stands beside the rest: a page of a long list has to look at every owner, and at little else.
#[derive(Clone, Debug)]
struct Entry<T: Placed> {
    owner: T::Owner,
    one: Arc<T>,
}

/// The place of one among the others, oldest first: when it was made, and a number that tells those of one moment
/// apart.
type Place = (Moment, u64);

impl<T: Placed> Default for Places<T> {
    fn default() -> Self {
        Self { in_order: BTreeMap::new(), by_id: HashMap::new() }
    }
}

impl<T: Placed> Places<T> {
    /// Adds one whose id is not there yet.
    pub(crate) fn insert(&mut self, new: T, sequence: u64) {
        let place = (new.created(), sequence);
        self.by_id.insert(new.id().into(), place);
        self.in_order.insert(place, Entry { owner: new.owner(), one: Arc::new(new) });
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.in_order.get(self.by_id.get(id)?).map(|entry| &*entry.one)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let one = Arc::make_mut(&mut self.in_order.get_mut(self.by_id.get(id)?)?.one);
        one.before_change();
        Some(one)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Arc<T>> {
        self.in_order.remove(&self.by_id.remove(id)?).map(|entry| entry.one)
    }

    /// Takes away what does not pass.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.in_order.retain(|_, entry| keep(&entry.one));
        let in_order = &self.in_order;
        self.by_id.retain(|_, place| in_order.contains_key(place));
    }

    /// All with their owners, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = (T::Owner, &T)> {
        self.in_order.values().rev().map(|entry| (entry.owner, &*entry.one))
    }

    /// Those of the given ids that are there, newest first, each once.
    pub(crate) fn these(&self, ids: &[String]) -> impl Iterator<Item = &T> {
        let mut places: Vec<_> = ids.iter().filter_map(|id| self.by_id.get(id.as_str())).collect();
        places.sort_unstable_by(|a, b| b.cmp(a));
        places.dedup();
        places.into_iter().filter_map(|place| self.in_order.get(place)).map(|entry| &*entry.one)
    }
}

/// As a list, each with its number.
impl<T: Placed + Serialize> Serialize for Places<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.in_order.iter().map(|((_, sequence), entry)| (sequence, &*entry.one)))
    }
}

impl<'de, T: Placed + Deserialize<'de>> Deserialize<'de> for Places<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut places = Self::default();
        for (sequence, one) in Vec::<(u64, T)>::deserialize(deserializer)? {
            if places.has(one.id()) || places.in_order.contains_key(&(one.created(), sequence)) {
                return Err(D::Error::custom(format!("`{}` stands there twice", one.id())));
            }
            places.insert(one, sequence);
        }
        Ok(places)
    }
}
