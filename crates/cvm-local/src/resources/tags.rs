//! The tags of a resource.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The tags of a resource, sorted by key. Most resources have few, and there are many resources: a list is smaller than
/// a map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Tags(Box<[Tag]>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: Box<str>,
    value: Box<str>,
}

impl Tags {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|tag| *tag.key == *key).map(|tag| &*tag.value)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|tag| &*tag.value)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl From<&BTreeMap<String, String>> for Tags {
    fn from(map: &BTreeMap<String, String>) -> Self {
        let tag =
            |(key, value): (&String, &String)| Tag { key: key.as_str().into(), value: value.as_str().into() };
        Self(map.iter().map(tag).collect())
    }
}
