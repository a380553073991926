//! What a region holds: found by id, and in the order of its creation.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Moment;

/// Something that has an id and an owner, and was made at a moment.
pub(crate) trait Resource: Clone {
    type Owner: Copy + Debug;
    fn id(&self) -> &str;
    /// It does not change.
    fn owner(&self) -> Self::Owner;
    fn created(&self) -> Moment;
    /// Drops what it has cached.
    fn before_change(&mut self) {}
}

/// The images, or the instances, of a region. A clone shares what neither it nor the original changes.
#[derive(Clone, Debug)]
pub(crate) struct Inventory<T: Resource> {
    in_order: BTreeMap<CreationOrder, Owned<T>>,
    by_id: HashMap<Box<str>, CreationOrder>,
}

/// The owner stands beside the rest: a page of a long list has to look at every owner, and at little else.
#[derive(Clone, Debug)]
struct Owned<T: Resource> {
    owner: T::Owner,
    resource: Arc<T>,
}

/// The position of a resource, oldest first: when it was made, and a number that tells apart those made at the same
/// moment.
type CreationOrder = (Moment, u64);

impl<T: Resource> Default for Inventory<T> {
    fn default() -> Self {
        Self { in_order: BTreeMap::new(), by_id: HashMap::new() }
    }
}

impl<T: Resource> Inventory<T> {
    /// Adds a resource whose id is not there yet.
    pub(crate) fn insert(&mut self, new: T, sequence: u64) {
        let order = (new.created(), sequence);
        self.by_id.insert(new.id().into(), order);
        self.in_order.insert(order, Owned { owner: new.owner(), resource: Arc::new(new) });
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.in_order.get(self.by_id.get(id)?).map(|owned| &*owned.resource)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let resource = Arc::make_mut(&mut self.in_order.get_mut(self.by_id.get(id)?)?.resource);
        resource.before_change();
        Some(resource)
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Arc<T>> {
        self.in_order.remove(&self.by_id.remove(id)?).map(|owned| owned.resource)
    }

    /// Keeps only what passes.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.in_order.retain(|_, owned| keep(&owned.resource));
        let in_order = &self.in_order;
        self.by_id.retain(|_, order| in_order.contains_key(order));
    }

    /// All with their owners, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = (T::Owner, &T)> {
        self.in_order.values().rev().map(|owned| (owned.owner, &*owned.resource))
    }

    /// Those of the given ids that are there, newest first, each once.
    pub(crate) fn these(&self, ids: &[String]) -> impl Iterator<Item = &T> {
        let mut orders: Vec<_> = ids.iter().filter_map(|id| self.by_id.get(id.as_str())).collect();
        orders.sort_unstable_by(|a, b| b.cmp(a));
        orders.dedup();
        orders.into_iter().filter_map(|order| self.in_order.get(order)).map(|owned| &*owned.resource)
    }
}

/// As a list, each with its number.
impl<T: Resource + Serialize> Serialize for Inventory<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_seq(self.in_order.iter().map(|((_, sequence), owned)| (sequence, &*owned.resource)))
    }
}

impl<'de, T: Resource + Deserialize<'de>> Deserialize<'de> for Inventory<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut inventory = Self::default();
        for (sequence, resource) in Vec::<(u64, T)>::deserialize(deserializer)? {
            if inventory.has(resource.id())
                || inventory.in_order.contains_key(&(resource.created(), sequence))
            {
                return Err(D::Error::custom(format!("`{}` is there twice", resource.id())));
            }
            inventory.insert(resource, sequence);
        }
        Ok(inventory)
    }
}
