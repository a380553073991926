//! Images that `DescribeImages` is not to show.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::history::History;

/// Images that clients are not to see. They are there all the same: their names are taken, and their copies go on.
///
/// A page that loses an image loses it from its `TotalCount` too; the pages around it stay as they are.
///
/// As JSON, for [`control`](crate::control): `{"new_in": "ap-beijing", "milliseconds": 3000}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hide {
    /// The image with this id.
    pub id: Option<String>,
    /// Images with this name.
    pub name: Option<String>,
    /// Images of this region that nobody had seen when the rule was made.
    pub new_in: Option<String>,
    /// For so long: from the rule's making, new ones from when the endpoint first showed them. For good without it.
    pub milliseconds: Option<u64>,
}

impl Hide {
    /// The image with an id.
    pub fn id(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }

    /// Images with a name, everywhere.
    pub fn name(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// All images that appear in a region from now on.
    pub fn new_in(region: impl Into<String>) -> Self {
        Self { new_in: Some(region.into()), ..Self::default() }
    }

    /// Only for so long.
    #[must_use]
    pub fn for_time(mut self, time: Duration) -> Self {
        self.milliseconds = u64::try_from(time.as_millis()).ok();
        self
    }

    /// Whether it hides an image of a region now. `since` is when the rule was made.
    fn hides(&self, image: &Value, region: &str, history: &History, since: Duration, now: Duration) -> bool {
        let text = |member: &str| image[member].as_str().unwrap_or_default();
        let mut from = since;
        if let Some(wanted) = &self.new_in {
            let Some(known) = history.image(text("ImageId")).filter(|_| wanted == region) else {
                return false;
            };
            if known.first < since {
                return false;
            }
            from = known.first;
        }
        self.id.as_deref().is_none_or(|id| id == text("ImageId"))
            && self.name.as_deref().is_none_or(|name| name == text("ImageName"))
            && self.milliseconds.is_none_or(|time| now < from + Duration::from_millis(time))
    }
}

/// Takes images out of an answer; says whether there were any.
pub(crate) fn filter(
    answer: &mut Value,
    region: &str,
    hidden: &[(u64, Duration, Hide)],
    history: &History,
    now: Duration,
) -> bool {
    let Some(images) = answer.pointer_mut("/Response/ImageSet").and_then(Value::as_array_mut) else {
        return false;
    };
    let before = images.len();
    images.retain(|image| {
        !hidden.iter().any(|(_, since, hide)| hide.hides(image, region, history, *since, now))
    });
    let gone = (before - images.len()) as u64;
    if let Some(count) = answer.pointer_mut("/Response/TotalCount")
        && let Some(total) = count.as_u64()
    {
        *count = total.saturating_sub(gone).into();
    }
    gone > 0
}
