//! What is in a destination: before a copy is requested, and after a request that got no answer.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::ask::Answer;
use super::lane::Errand;
use super::state::Stage;
use super::{ImageSyncMachine, OnConflict, Outcome, SyncProgress};
use crate::api::DescribeImages;
use crate::api::types::{Filter, Image, ImageState};
use crate::error::{Error, ErrorKind};
use crate::error_code::ErrorCode;
use crate::machine::Now;
use crate::page::Paged;

/// How long a copy that was accepted may stay invisible before it counts as gone.
pub(super) const INVISIBLE_FOR: Duration = Duration::from_secs(300);

/// How many requests of one run may be lost before the job stops sending more.
const MOST_LOST: u32 = 5;

/// The filter for images that the account has made.
pub(super) fn own_images() -> Filter {
    Filter::new("image-type", ["PRIVATE_IMAGE"])
}

impl ImageSyncMachine {
    /// A survey as long as it is not known what is there, and then looks at the copy.
    pub(super) fn next_of_target(&self, source: usize, target: usize) -> Errand {
        let of = &self.state.sources[source];
        let lost_trail = self.closing.is_some();
        match &of.targets[target].stage {
            Stage::Unseen if lost_trail => Errand::Idle,
            Stage::Unseen | Stage::Sent { .. } => match &of.traits {
                Some(_) if self.is_submitting(source) => Errand::Idle,
                Some(_) => self.survey(source),
                None => Errand::Idle,
            },
            Stage::Copying { .. } => Errand::Watch,
            Stage::Missing | Stage::Ended(_) => Errand::Idle,
        }
    }

    /// The name that the copies of a source have.
    pub(super) fn copy_name(&self, source: usize) -> &str {
        let traits = self.state.sources[source].traits.as_ref();
        let own = traits.map_or("", |traits| traits.name.as_str());
        self.state.job.name.as_deref().unwrap_or(own)
    }

    fn survey(&self, source: usize) -> Errand {
        // The service looks for a part of the name.
        let named = Filter::new("image-name", [self.copy_name(source)]);
        let query = DescribeImages::default().filters([named, own_images()]);
        Errand::Survey { query: Box::new(query), found: Vec::new() }
    }

    /// After a page of a survey.
    pub(super) fn surveyed(
        &mut self,
        source: usize,
        target: usize,
        (mut query, mut found): (Box<DescribeImages>, Vec<Image>),
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        let at = self.lane(source, Some(target));
        let answer = match outcome {
            Ok(Answer::Images(answer)) => answer,
            Ok(_) => return,
            Err(error) => return self.survey_failed(source, target, error, now),
        };
        self.lanes[at].trouble_since = None;
        let (page, more) = query.turn(answer);
        let name = self.copy_name(source);
        let id = &self.state.sources[source].image_id;
        found.extend(page.into_iter().filter(|image| image.image_name == name && image.image_id != *id));
        if more {
            self.lanes[at].errand = Errand::Survey { query, found };
            self.lanes[at].due = now.mono;
        } else {
            self.judge(source, target, &found, now);
        }
    }

    fn survey_failed(&mut self, source: usize, target: usize, error: Error, now: Now) {
        let uncertain = self.state.sources[source].targets[target].is_uncertain();
        if self.is_last(source, Some(target), now) {
            self.close(source, Some(target), now);
        } else if error.is_retryable() || uncertain {
            let too_long = self.troubled(source, Some(target), &error, now);
            if too_long && !uncertain {
                self.fail(source, target, None, error, now);
            } else if uncertain && !error.is_retryable() {
                self.close_as(source, target, Outcome::Unknown, Some(error), now);
            }
        } else {
            self.fail(source, target, None, error, now);
        }
    }

    /// What the images that have the name mean.
    fn judge(&mut self, source: usize, target: usize, found: &[Image], now: Now) {
        let of = &self.state.sources[source];
        let (Some(traits), aim) = (&of.traits, &of.targets[target]) else { return };
        let uncertain = aim.is_uncertain();
        // An image that was not there before the request is the copy that was asked for.
        let is_new = |image: &Image| uncertain && !aim.before.contains(&image.image_id);
        let encrypt = self.state.job.encrypt;
        let fits = |image: &&Image| traits.differs(image).is_none() && (!encrypt || is_new(image));
        let copies = || found.iter().filter(fits);
        if let Some(copy) = copies().find(|image| image.image_state == ImageState::NORMAL) {
            let outcome = if is_new(copy) { Outcome::Copied } else { Outcome::Present };
            let id = copy.image_id.clone();
            if outcome == Outcome::Copied && self.state.job.same_attributes {
                // A last look by its id brings over what it lacks.
                return self.adopt(source, target, id, now);
            }
            return self.end(source, target, outcome, |destination| destination.image_id = Some(id), now);
        }
        if let Some(copy) = copies().find(|image| !has_failed(&image.image_state)) {
            let id = copy.image_id.clone();
            return self.adopt(source, target, id, now);
        }
        if let Some(copy) = copies().find(|image| is_new(image)) {
            let (id, state) = (copy.image_id.clone(), copy.image_state.clone());
            return self.copy_failed(source, target, id, &state, now);
        }
        if let Some((image, why)) = found.iter().find_map(|image| Some((image, traits.differs(image)?))) {
            let why = format!("image {} has the name `{}`, but {why}", image.image_id, image.image_name);
            return self.conflict(source, target, image.image_id.clone(), &why, now);
        }
        if let Some(image) = found.iter().find(|_| encrypt) {
            let why = format!(
                "image {} has the name `{}`, and whether it is encrypted is not to be seen",
                image.image_id, image.image_name
            );
            return self.conflict(source, target, image.image_id.clone(), &why, now);
        }
        if let Some(left) = found.first().filter(|_| !uncertain) {
            return self.left_behind(source, target, left.image_id.clone(), found, now);
        }
        self.nothing_there(source, target, found, now);
    }

    /// A copy is on its way.
    fn adopt(&mut self, source: usize, target: usize, image_id: String, now: Now) {
        let unix = self.unix_millis(now);
        let at = self.lane(source, Some(target));
        let id = self.state.sources[source].image_id.clone();
        let of = &mut self.state.sources[source].targets[target];
        let since = if let Stage::Sent { at, .. } = of.stage { at } else { unix };
        of.stage = Stage::Copying { image_id: image_id.clone(), since };
        self.events.push_back(SyncProgress::Adopted { source: id, region: of.region.clone(), image_id });
        self.dirty = true;
        self.lanes[at].refresh();
        self.lanes[at].due = now.mono;
        self.started(source, target, now);
    }

    /// An earlier copy failed, and its remains have the name.
    fn left_behind(&mut self, source: usize, target: usize, image_id: String, found: &[Image], now: Now) {
        let at = self.lane(source, Some(target));
        if self.state.job.delete_failed && !self.state.job.dry_run {
            self.lanes[at].errand = Errand::Discard { image_id, error: None };
            self.lanes[at].due = now.mono;
        } else if self.state.job.name.is_some() {
            let why = format!("image {image_id} has the name, and is a copy that failed: delete it");
            self.conflict(source, target, image_id, &why, now);
        } else {
            // The service takes the source's own name also where it is taken.
            self.state.sources[source].targets[target].unnamed = true;
            self.nothing_there(source, target, found, now);
        }
    }

    fn conflict(&mut self, source: usize, target: usize, image_id: String, why: &str, now: Now) {
        let outcome = match self.state.job.on_conflict {
            OnConflict::Fail => Outcome::Conflict,
            OnConflict::Skip => Outcome::Skipped,
        };
        let region = &self.state.sources[source].targets[target].region;
        let error =
            Error::failed(format!("{why}: nothing was started in {region}; give the copies another name"))
                .with_call("SyncImages", Some(region), 0);
        let change = |destination: &mut super::Destination| {
            destination.image_id = Some(image_id);
            destination.error = Some(error);
        };
        self.end(source, target, outcome, change, now);
    }

    /// No copy is to be seen: one is to be requested, unless a request may still show its copy.
    fn nothing_there(&mut self, source: usize, target: usize, found: &[Image], now: Now) {
        let at = self.lane(source, Some(target));
        let unix = self.unix_millis(now);
        let named = self.state.job.name.is_some();
        if let Stage::Sent { at: sent, accepted } = self.state.sources[source].targets[target].stage {
            let waited = self.since(sent, now);
            let settled = waited >= if accepted { INVISIBLE_FOR } else { self.state.job.settle };
            if self.is_last(source, Some(target), now) {
                self.close(source, Some(target), now);
            } else if !settled {
                let soonest = now.mono.saturating_add(self.state.job.settle.saturating_sub(waited));
                self.lanes[at].rest(now.mono, &mut self.random);
                if !accepted {
                    self.lanes[at].due = self.lanes[at].due.min(soonest);
                }
            } else if accepted || self.lanes[at].lost >= MOST_LOST {
                self.close(source, Some(target), now);
            } else {
                let of = &mut self.state.sources[source].targets[target];
                of.unanswered += 1;
                of.stage = Stage::Missing;
                self.dirty = true;
            }
            return;
        }
        let taken = self.lanes[at].taken.take();
        let of = &mut self.state.sources[source].targets[target];
        match taken {
            // The copy that nobody sees has the name.
            Some(_) if of.unanswered > 0 => {
                of.stage = Stage::Sent { at: unix, accepted: true };
                self.lanes[at].rest(now.mono, &mut self.random);
            }
            Some(error) if named || of.unnamed => {
                self.fail(source, target, None, error, now);
            }
            Some(_) => {
                of.unnamed = true;
                of.stage = Stage::Missing;
            }
            None if of.unanswered > 0 => of.stage = Stage::Missing,
            None => {
                of.before = found.iter().map(|image| image.image_id.clone()).collect();
                self.lanes[at].errand = Errand::Count;
                self.lanes[at].due = now.mono;
            }
        }
    }

    /// After the number of images in a region. Only the service's own answer counts: where it does not tell, it will
    /// refuse what is too much.
    pub(super) fn counted(&mut self, source: usize, target: usize, outcome: Result<Answer, Error>) {
        match outcome {
            Ok(Answer::Images(images)) => {
                let at = self.lane(source, Some(target));
                self.lanes[at].errand = Errand::Quota { images: images.total_count };
            }
            _ => self.missing(source, target),
        }
    }

    /// After the quota of a region.
    pub(super) fn quota_known(
        &mut self,
        source: usize,
        target: usize,
        images: i64,
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        match outcome {
            Ok(Answer::Quota(quota)) if images >= quota => {
                let region = self.state.sources[source].targets[target].region.clone();
                let message = format!(
                    "the quota of {quota} images in {region} is used up: delete images there, or ask for more"
                );
                let error = Error::service(ErrorCode::ImageQuotaLimitExceeded, message, None, 200);
                self.fail(source, target, None, error, now);
            }
            _ => self.missing(source, target),
        }
    }

    fn missing(&mut self, source: usize, target: usize) {
        self.state.sources[source].targets[target].stage = Stage::Missing;
        if self.state.job.dry_run {
            let at = self.lane(source, Some(target));
            self.lanes[at].errand = Errand::Probe;
        }
    }
}

/// Whether a state is the end of an image that never was one: `CREATEFAILED`, `IMPORTFAILED`, and what may come.
pub(super) fn has_failed(state: &ImageState) -> bool {
    state.as_str().ends_with("FAILED")
}

/// Whether an error is the credential's: it will be met everywhere.
pub(super) fn is_credentials(error: &Error) -> bool {
    error.kind() == ErrorKind::Credential
}
