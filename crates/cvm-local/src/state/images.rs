//! The images of a region: found by id, and in the order of their making.

use std::collections::{BTreeMap, HashMap};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::image::Image;
use crate::clock::Moment;

/// The images of a region.
#[derive(Clone, Debug, Default)]
pub(super) struct Images {
    in_order: BTreeMap<Place, Image>,
    by_id: HashMap<String, Place>,
}

/// The place of an image among the others, oldest first: when it was made, and a number that tells those of one moment
/// apart.
type Place = (Moment, u64);

impl Images {
    /// Adds an image whose id is not there yet.
    pub(super) fn insert(&mut self, image: Image, sequence: u64) {
        let place = (image.created, sequence);
        self.by_id.insert(image.id.clone(), place);
        self.in_order.insert(place, image);
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Image> {
        self.in_order.get(self.by_id.get(id)?)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Image> {
        self.in_order.get_mut(self.by_id.get(id)?)
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Image> {
        self.in_order.values().rev()
    }
}

/// As a list of images, each with its number.
impl Serialize for Images {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.in_order.iter().map(|((_, sequence), image)| (sequence, image)))
    }
}

impl<'de> Deserialize<'de> for Images {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut images = Self::default();
        for (sequence, image) in Vec::<(u64, Image)>::deserialize(deserializer)? {
            if images.has(&image.id) || images.in_order.contains_key(&(image.created, sequence)) {
                return Err(D::Error::custom(format!("the image `{}` stands there twice", image.id)));
            }
            images.insert(image, sequence);
        }
        Ok(images)
    }
}
