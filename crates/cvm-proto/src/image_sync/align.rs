//! A copy that is there gets what it lacks of its source.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::calls::Answer;
use super::ids::TargetId;
use super::run_state::Task;
use super::state::Stage;
use super::{Basis, Destination, ImageFacts, ImageSyncMachine, Outcome};
use crate::api::types::Image;
use crate::error::Error;
use crate::machine::Now;

impl ImageSyncMachine {
    /// A copy is `NORMAL`.
    pub(super) fn arrived(&mut self, target: TargetId, image: Box<Image>, now: Now) {
        let mut notes = Vec::new();
        let traits = self.state[target.source].traits.as_ref().filter(|_| self.state.job.same_attributes);
        let mut differs = false;
        if let Some(traits) = traits {
            let family = image.image_family.as_deref().unwrap_or_default();
            differs = traits.description != image.image_description || traits.family != family;
            let has = |key: &String| image.tags.iter().any(|tag| tag.key == *key);
            let lacking: Vec<&str> = traits.tags.iter().filter(|key| !has(key)).map(String::as_str).collect();
            if !lacking.is_empty() {
                notes.push(format!(
                    "the copy lacks the tags {}: the CVM API sets tags only when an image is made",
                    lacking.join(", ")
                ));
            }
        }
        if differs && self.run.dry_run {
            notes.push("the copy's description and family would be made those of its source".into());
        } else if differs && self.closing.is_some() {
            notes.push("the copy's description and family are not its source's: the time was over".into());
        } else if differs {
            return self.runs[target].schedule.next(Task::Align { image, notes }, now.mono);
        }
        self.arrived_whole(target, &image, notes, now);
    }

    fn arrived_whole(&mut self, target: TargetId, image: &Image, notes: Vec<String>, now: Now) {
        let basis = match &self.state[target].stage {
            Stage::Copying { basis, .. } => *basis,
            _ => Basis::Found,
        };
        self.copied(target, image.image_id.clone(), basis, ImageFacts::of(image), notes, now);
    }

    pub(super) fn copied(
        &mut self,
        target: TargetId,
        id: String,
        basis: Basis,
        facts: ImageFacts,
        notes: Vec<String>,
        now: Now,
    ) {
        let change = |destination: &mut Destination| {
            destination.image_id = Some(id);
            destination.basis = Some(basis);
            destination.image = Some(facts);
            destination.notes.extend(notes);
        };
        self.end(target, Outcome::Copied, change, now);
    }

    /// After the description and the family were set. Setting them twice does no harm.
    pub(super) fn aligned(
        &mut self,
        target: TargetId,
        (image, mut notes): (Box<Image>, Vec<String>),
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        if let Err(error) = outcome {
            if error.is_retryable() && !self.troubled(target, &error, now) {
                self.runs[target].schedule.task = Task::Align { image, notes };
                return;
            }
            notes.push(format!("the copy's description and family could not be set: {error}"));
        }
        self.arrived_whole(target, &image, notes, now);
    }
}
