//! The making of an image: how long it takes, and what the image is meanwhile and afterwards.

use serde::{Deserialize, Serialize};

use super::ImageState;
use crate::clock::Moment;
use crate::fault::CopyTrouble;

/// How an image comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum How {
    Copied,
    Created,
    Imported,
}

/// The making of an image, or its end.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Making {
    how: How,
    pub(super) started: Moment,
    /// How long it takes, in milliseconds; more than 0.
    length: u64,
    trouble: Option<CopyTrouble>,
}

impl Making {
    pub(crate) fn new(how: How, started: Moment, length: u64, trouble: Option<CopyTrouble>) -> Self {
        Self { how, started, length: length.max(1), trouble }
    }

    pub(super) fn is_running(&self, now: Moment) -> bool {
        self.trouble == Some(CopyTrouble::NeverEnds) || now.saturating_sub(self.started) < self.length
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
        let fails = self.trouble == Some(CopyTrouble::Fails);
        match (self.how, self.is_running(now)) {
            (How::Copied, true) => (ImageState::Syncing, Some(self.percent(now))),
            (How::Created, true) => (ImageState::Creating, None),
            (How::Imported, true) => (ImageState::Importing, None),
            (How::Copied | How::Created, false) if fails => (ImageState::CreateFailed, None),
            (How::Imported, false) if fails => (ImageState::ImportFailed, None),
            (How::Copied, false) => (ImageState::Normal, Some(100)),
            (How::Created | How::Imported, false) => (ImageState::Normal, None),
        }
    }
}
