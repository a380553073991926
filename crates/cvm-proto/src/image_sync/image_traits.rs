//! What a copy has in common with its source.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::api::types::Image;

/// What a copy has in common with its source, and what is brought over to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Traits {
    /// The source's name when it was last looked at.
    pub(super) name: String,
    os_name: String,
    architecture: String,
    size: i64,
    created: String,
    pub(super) description: String,
    pub(super) family: String,
    pub(super) tags: Vec<String>,
}

impl Traits {
    pub(super) fn of(image: &Image) -> Self {
        Self {
            name: image.image_name.clone(),
            os_name: image.os_name.clone(),
            architecture: image.architecture.as_str().into(),
            size: image.image_size,
            created: image.created_time.clone(),
            description: image.image_description.clone(),
            family: image.image_family.clone().unwrap_or_default(),
            tags: image.tags.iter().map(|tag| tag.key.clone()).collect(),
        }
    }

    /// Why an image of the same name cannot be a copy of this one. What the service leaves out, as it may while a copy
    /// is young, speaks against nothing.
    pub(super) fn differs(&self, image: &Image) -> Option<String> {
        let other = |ours: &str, theirs: &str| !ours.is_empty() && !theirs.is_empty() && ours != theirs;
        let architecture = image.architecture.as_str();
        if other(&self.os_name, &image.os_name) {
            Some(format!("its system is {}, not {}", image.os_name, self.os_name))
        } else if other(&self.architecture, architecture) {
            Some(format!("its architecture is {architecture}, not {}", self.architecture))
        } else if self.size > 0 && image.image_size > 0 && self.size != image.image_size {
            Some(format!("its size is {} GiB, not {}", image.image_size, self.size))
        } else if is_time(&self.created)
            && is_time(&image.created_time)
            && image.created_time.as_str() < self.created.as_str()
        {
            Some(format!("it was made at {}, before the source", image.created_time))
        } else {
            None
        }
    }
}

/// Whether it is a time as the service writes it, `2026-01-31T08:00:00Z`; such times compare as texts.
fn is_time(text: &str) -> bool {
    let form = b"0000-00-00T00:00:00Z";
    text.len() == form.len()
        && text.bytes().zip(form).all(|(b, &f)| if f == b'0' { b.is_ascii_digit() } else { b == f })
}
