//! What is done to a copy at its end: it gets what it lacks of its source, or is deleted if it has failed.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::ask::Answer;
use super::lane::Errand;
use super::state::Stage;
use super::{ImageSyncMachine, Outcome};
use crate::api::types::Image;
use crate::error::Error;
use crate::machine::Now;

impl ImageSyncMachine {
    /// A copy is `NORMAL`.
    pub(super) fn arrived(&mut self, source: usize, target: usize, image: Box<Image>, now: Now) {
        let mut notes = Vec::new();
        let traits = self.state.sources[source].traits.as_ref().filter(|_| self.state.job.same_attributes);
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
        if differs && self.closing.is_some() {
            notes.push("the copy's description and family are not its source's: the time was over".into());
        } else if differs {
            let at = self.lane(source, Some(target));
            self.lanes[at].errand = Errand::Align { image, notes };
            self.lanes[at].due = now.mono;
            return;
        }
        self.copied(source, target, image.image_id, notes, now);
    }

    fn copied(&mut self, source: usize, target: usize, id: String, notes: Vec<String>, now: Now) {
        let change = |destination: &mut super::Destination| {
            destination.image_id = Some(id);
            destination.notes = notes;
        };
        self.end(source, target, Outcome::Copied, change, now);
    }

    /// After the description and the family were set. Setting them twice does no harm.
    pub(super) fn aligned(
        &mut self,
        source: usize,
        target: usize,
        (image, mut notes): (Box<Image>, Vec<String>),
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        if let Err(error) = outcome {
            if error.is_retryable() && !self.troubled(source, Some(target), &error, now) {
                let at = self.lane(source, Some(target));
                self.lanes[at].errand = Errand::Align { image, notes };
                return;
            }
            notes.push(format!("the copy's description and family could not be set: {error}"));
        }
        self.copied(source, target, image.image_id, notes, now);
    }

    /// After a failed copy was deleted: the end with its error, or the way is free for another.
    pub(super) fn discarded(
        &mut self,
        source: usize,
        target: usize,
        image_id: String,
        error: Option<Box<Error>>,
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        let at = self.lane(source, Some(target));
        let problem = match outcome {
            Err(trouble) if trouble.is_retryable() && !self.troubled(source, Some(target), &trouble, now) => {
                self.lanes[at].errand = Errand::Discard { image_id, error };
                return;
            }
            // Gone is gone.
            Err(trouble) if !trouble.is_not_found() => Some(trouble),
            _ => None,
        };
        match (error, problem) {
            (None, None) => {
                self.state.sources[source].targets[target].stage = Stage::Unseen;
                self.lanes[at].refresh();
                self.lanes[at].rest(now.mono, &mut self.random);
            }
            (error, problem) => {
                let note = match &problem {
                    Some(problem) => format!("the failed copy {image_id} could not be deleted: {problem}"),
                    None => format!("the failed copy {image_id} was deleted"),
                };
                let change = |destination: &mut super::Destination| {
                    destination.image_id = problem.is_some().then_some(image_id);
                    destination.error = error.map(|error| *error).or(problem);
                    destination.notes.push(note);
                };
                self.end(source, target, Outcome::Failed, change, now);
            }
        }
    }
}
