//! Every image that was ever seen, with every state that it ever had.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::exchange::{Exchange, copies};

/// What is known of the images at the endpoint, from the answers as it gave them and from requests that went past the meddler.
#[derive(Clone, Debug, Default, Serialize)]
pub struct History {
    images: BTreeMap<String, Known>,
    /// Every `SyncImages` that was carried out, in the order of the answers.
    pub accepted: Vec<Accepted>,
    /// Images that `DeleteImages` names and whose answer never came: deleted perhaps, and when.
    perhaps_deleted: BTreeMap<String, Duration>,
}

/// An image.
#[derive(Clone, Debug, Serialize)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// The region that it is in.
    pub region: String,
    /// When it was first seen. What is there from the start was seen at 0.
    pub first: Duration,
    /// What `DescribeImages` said of it last; null if it never has.
    pub facts: Value,
    /// Every name that it ever had.
    pub names: BTreeSet<String>,
    /// The states it was seen in, one after the other.
    pub stays: Vec<Stay>,
    /// When and how it went, if it has.
    pub gone: Option<Departure>,
}

/// A state, and how long an image is known to have been in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stay {
    /// The state, as the API writes it.
    pub state: String,
    /// When it was first seen in it.
    pub first: Duration,
    /// When it was last seen in it, before it was seen in another.
    pub last: Duration,
}

/// How an image went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Departure {
    /// When.
    pub at: Duration,
    /// Whether a client's `DeleteImages` did it.
    pub by_client: bool,
}

/// A `SyncImages` that the endpoint carried out.
#[derive(Clone, Debug, Serialize)]
pub struct Accepted {
    /// The number of the exchange.
    pub exchange: usize,
    /// When it was answered.
    pub at: Duration,
    /// The image that was copied.
    pub source: String,
    /// The name that the copies were given; the source's without it.
    pub name: Option<String>,
    /// The regions, with the ids of the copies as far as the answer names them.
    pub copies: BTreeMap<String, Option<String>>,
}

impl Known {
    /// A member of what `DescribeImages` said of it, if it is a text.
    pub fn fact(&self, member: &str) -> &str {
        self.facts[member].as_str().unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.fact("ImageName")
    }

    /// Whether it is an account's own. One that only an answer of `SyncImages` named is.
    pub fn is_private(&self) -> bool {
        matches!(self.fact("ImageType"), "PRIVATE_IMAGE" | "")
    }

    /// Whether it was seen in a state at a moment or later.
    pub fn was(&self, state: impl Fn(&str) -> bool, since: Duration) -> bool {
        self.stays.iter().any(|stay| stay.last >= since && state(&stay.state))
    }

    /// Whether it was ever seen to have failed.
    pub fn has_failed(&self) -> bool {
        self.was(is_failed, Duration::ZERO)
    }

    /// Whether it may have been there at some moment of a span.
    pub fn was_there(&self, from: Duration, to: Duration) -> bool {
        self.first <= to && self.gone.is_none_or(|gone| gone.at >= from)
    }

    fn saw(&mut self, state: &str, at: Duration) {
        match self.stays.last_mut().filter(|stay| stay.state == state) {
            Some(stay) => stay.last = stay.last.max(at),
            None => self.stays.push(Stay { state: state.to_owned(), first: at, last: at }),
        }
    }
}

/// Whether a state is the end of an image that never was one.
pub(crate) fn is_failed(state: &str) -> bool {
    matches!(state, "CREATEFAILED" | "IMPORTFAILED")
}

impl History {
    /// An image by its id.
    pub fn image(&self, id: &str) -> Option<&Known> {
        self.images.get(id)
    }

    /// All images that were ever in a region.
    pub fn of_region<'a>(&'a self, region: &'a str) -> impl Iterator<Item = &'a Known> {
        self.images.values().filter(move |image| image.region == region)
    }

    /// The regions that images were ever seen in.
    pub fn regions(&self) -> BTreeSet<&str> {
        self.images.values().map(|image| &*image.region).collect()
    }

    /// Records an answer of the endpoint.
    pub(crate) fn take(&mut self, exchange: &Exchange) {
        let Some(at) = exchange.answered else {
            if exchange.action == "DeleteImages"
                && let Some(delivered) = exchange.delivered
            {
                let ids = exchange.image_ids().map(|id| (id.to_owned(), delivered));
                self.perhaps_deleted.extend(ids);
            }
            return;
        };
        if !exchange.is_accepted() {
            return;
        }
        let response = &exchange.answer["Response"];
        match &*exchange.action {
            "DescribeImages" => {
                for image in response["ImageSet"].as_array().into_iter().flatten() {
                    self.saw(image, &exchange.region, at);
                }
            }
            "SyncImages" => {
                let ids: BTreeMap<_, _> = copies(response).map(|(id, region)| (region, id)).collect();
                for (region, id) in &ids {
                    self.known(id, region, at);
                }
                let copy = |region: &str| (region.to_owned(), ids.get(region).map(|&id| id.to_owned()));
                self.accepted.push(Accepted {
                    exchange: exchange.number,
                    at,
                    source: exchange.image_ids().next().unwrap_or_default().to_owned(),
                    name: exchange.request["ImageName"].as_str().map(str::to_owned),
                    copies: exchange.destinations().map(copy).collect(),
                });
            }
            "DeleteImages" => exchange.image_ids().for_each(|id| self.left(id, at, true)),
            _ => {}
        }
    }

    /// Records all images of a region, as they were seen past the meddler by a look that began at `since`.
    pub(crate) fn look(&mut self, region: &str, images: &[Value], since: Duration, at: Duration) {
        let mut there = BTreeSet::new();
        for image in images {
            self.saw(image, region, at);
            there.extend(image["ImageId"].as_str());
        }
        let missing = |image: &&mut Known| {
            image.region == region
                && image.gone.is_none()
                && image.first < since
                && !there.contains(&*image.id)
        };
        for image in self.images.values_mut().filter(missing) {
            let deleted = self.perhaps_deleted.get(&image.id);
            image.gone = Some(Departure { at: deleted.copied().unwrap_or(at), by_client: deleted.is_some() });
        }
    }

    /// An image has gone.
    pub(crate) fn left(&mut self, id: &str, at: Duration, by_client: bool) {
        if let Some(image) = self.images.get_mut(id) {
            image.gone.get_or_insert(Departure { at, by_client });
        }
    }

    fn saw(&mut self, image: &Value, region: &str, at: Duration) {
        let (Some(id), Some(state)) = (image["ImageId"].as_str(), image["ImageState"].as_str()) else {
            return;
        };
        let known = self.known(id, region, at);
        known.saw(state, at);
        known.names.extend(image["ImageName"].as_str().map(str::to_owned));
        known.facts = image.clone();
    }

    fn known(&mut self, id: &str, region: &str, at: Duration) -> &mut Known {
        // A public image has one id in all regions, and is nobody's copy: the first region is as good as any.
        self.images.entry(id.to_owned()).or_insert_with(|| Known {
            id: id.to_owned(),
            region: region.to_owned(),
            first: at,
            facts: Value::Null,
            names: BTreeSet::new(),
            stays: Vec::new(),
            gone: None,
        })
    }
}
