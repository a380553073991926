//! How an image is made: how long it takes, and what the image is meanwhile and afterwards.

use serde::{Deserialize, Serialize};

use super::ImageState;
use crate::clock::Moment;
use crate::fault::CreationFault;

/// What an image is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Origin {
    Copied,
    Created,
    Imported,
}

/// What is known of how an image was or is being made.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Creation {
    #[serde(rename = "how")]
    origin: Origin,
    pub(super) started: Moment,
    /// How long it takes, in milliseconds; more than 0.
    length: u64,
    #[serde(rename = "trouble")]
    fault: Option<CreationFault>,
}

impl Creation {
    pub(crate) fn new(origin: Origin, started: Moment, length: u64, fault: Option<CreationFault>) -> Self {
        Self { origin, started, length: length.max(1), fault }
    }

    pub(super) fn is_running(&self, now: Moment) -> bool {
        self.fault == Some(CreationFault::NeverEnds) || now.saturating_sub(self.started) < self.length
    }

    /// When it ends, well or not; `None` if it has, or never does.
    pub(super) fn coming_end(&self, now: Moment) -> Option<Moment> {
        let ends = self.fault != Some(CreationFault::NeverEnds);
        Some(self.end()).filter(|&end| ends && now < end)
    }

    /// When the image can be used.
    pub(crate) fn end(&self) -> Moment {
        self.started.saturating_add(self.length)
    }

    /// From 0 to 99 while it runs.
    pub(super) fn percent(&self, now: Moment) -> u8 {
        let passed = u128::from(now.saturating_sub(self.started)) * 100 / u128::from(self.length);
        u8::try_from(passed.min(99)).unwrap_or(99)
    }

    /// The state of the image that it makes, and the percentage shown with it. Only copies have one.
    pub(super) fn state(&self, now: Moment) -> (ImageState, Option<u8>) {
        let fails = self.fault == Some(CreationFault::Fails);
        match (self.origin, self.is_running(now)) {
            (Origin::Copied, true) => (ImageState::Syncing, Some(self.percent(now))),
            (Origin::Created, true) => (ImageState::Creating, None),
            (Origin::Imported, true) => (ImageState::Importing, None),
            (Origin::Copied | Origin::Created, false) if fails => (ImageState::CreateFailed, None),
            (Origin::Imported, false) if fails => (ImageState::ImportFailed, None),
            (Origin::Copied, false) => (ImageState::Normal, Some(100)),
            (Origin::Created | Origin::Imported, false) => (ImageState::Normal, None),
        }
    }
}
