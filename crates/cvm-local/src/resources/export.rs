//! Exports of images into buckets.

use serde::{Deserialize, Serialize};

use super::Resources;
use crate::clock::Moment;

/// An export under way. What it writes is nowhere: only its end matters, as it holds its images until then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Export {
    pub(crate) account: usize,
    pub(crate) region: usize,
    pub(crate) until: Moment,
}

impl Resources {
    /// How many exports of an account are under way in a region.
    pub(crate) fn exports(&self, region: usize, account: usize, now: Moment) -> usize {
        let under_way =
            |export: &&Export| (export.region, export.account) == (region, account) && now < export.until;
        self.exports.iter().filter(under_way).count()
    }

    /// Begins an export; returns the number of its task.
    pub(crate) fn export(&mut self, export: Export, images: &[String], now: Moment) -> u64 {
        self.changes += 1;
        for id in images {
            if let Some(image) = self.regions[export.region].images.get_mut(id) {
                image.exporting(export.until);
            }
        }
        self.exports.retain(|export| now < export.until);
        self.exports.push(export);
        self.last_task += 1;
        self.last_task
    }
}
