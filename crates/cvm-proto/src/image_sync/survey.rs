//! What is in a destination: before a copy is requested, after a request that got no answer, and where a name is taken.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::calls::{Answer, own_images};
use super::ids::TargetId;
use super::run_state::{ProbeReason, Proof, SearchScope, Survey, Task};
use super::state::Stage;
use super::{Basis, ImageFacts, ImageSyncMachine, OnConflict, Outcome, SyncProgress};
use crate::api::DescribeImages;
use crate::api::types::{Filter, Image, ImageState, ImageType};
use crate::call::{PageGuard, Paged};
use crate::error::{Error, ErrorCode, ErrorKind};
use crate::machine::Now;

/// How long a copy that was accepted may stay invisible before it counts as gone, and how long the holder of a name is
/// searched for.
pub(super) const INVISIBLE_FOR: Duration = Duration::from_secs(300);

/// How many requests of one run may be lost before the job stops sending more.
const MAX_LOST_REQUESTS: u32 = 5;

/// Whether an image may be one that the account has made: a young one may have no type yet.
fn may_be_own(image: &Image) -> bool {
    image.image_type == ImageType::PrivateImage || image.image_type.as_str().is_empty()
}

/// A name without case and blanks, which people overlook.
fn fold_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

impl ImageSyncMachine {
    /// A survey as long as it is not known what is there, and then looks at the copy.
    pub(super) fn next_of_target(&self, target: TargetId) -> Task {
        if self.proof != Proof::Given {
            return Task::Idle;
        }
        let (of, run) = (&self.state[target], &self.runs[target]);
        let survey = |scope| self.survey(target, scope);
        match &of.stage {
            Stage::Unseen | Stage::Ended(_) if self.closing.is_some() && run.misses == 0 => Task::Idle,
            Stage::Unseen | Stage::Ended(_) => match of.known_copy().filter(|_| !run.known_is_missed) {
                Some(known) => Task::Recall(known),
                None => survey(SearchScope::ByName),
            },
            Stage::Sent { .. } if self.is_submitting(target.source) => Task::Idle,
            Stage::Sent { .. } => survey(SearchScope::ByName),
            Stage::Taken { .. } => survey(SearchScope::Everything),
            Stage::Copying { .. } | Stage::Deleting { .. } => Task::Watch,
            Stage::Missing => Task::Idle,
        }
    }

    /// The name that the copies of a source have; empty as long as nobody knows.
    pub(super) fn copy_name(&self, target: TargetId) -> &str {
        self.state[target.source].copy_name.as_deref().unwrap_or_default()
    }

    pub(super) fn survey(&self, target: TargetId, scope: SearchScope) -> Task {
        let query = match scope {
            SearchScope::Everything => DescribeImages::default(),
            // The service looks for a part of the name.
            SearchScope::ByName | SearchScope::Vanished => DescribeImages::default()
                .filters([Filter::new("image-name", [self.copy_name(target)]), own_images()]),
        };
        if self.state[target.source].copy_name.is_none() {
            return Task::Idle;
        }
        Task::Survey(Box::new(Survey { query, guard: PageGuard::default(), found: Vec::new(), scope }))
    }

    /// Takes in a page of a survey.
    pub(super) fn surveyed(
        &mut self,
        target: TargetId,
        mut survey: Box<Survey>,
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        let answer = match outcome {
            Ok(Answer::Images(answer)) => answer,
            Ok(_) => return,
            Err(error) => return self.survey_failed(target, error, now),
        };
        self.runs[target].schedule.trouble = None;
        let page = survey.query.turn(answer);
        let (page, more) = match survey.guard.admit::<DescribeImages>(page) {
            Ok(page) => page,
            Err(error) => return self.survey_failed(target, error, now),
        };
        let name = fold_name(self.copy_name(target));
        survey.found.extend(page.into_iter().filter(|image| fold_name(&image.image_name) == name));
        if more {
            self.runs[target].schedule.next(Task::Survey(survey), now.mono);
        } else {
            self.judge(target, &survey.found, survey.scope, now);
        }
    }

    /// The ids that belong to something else of this job: its source, and the copies of other sources in that region.
    fn ids_of_others(&self, target: TargetId) -> Vec<String> {
        let others = self.all_sources().filter(|&source| source != target.source);
        let copies = others.filter_map(|source| self.state[TargetId { source, ..target }].image_id());
        copies.chain([&self.state[target.source].image_id]).cloned().collect()
    }

    fn survey_failed(&mut self, target: TargetId, error: Error, now: Now) {
        let is_uncertain = self.state[target].is_uncertain();
        let has_more_to_say = is_uncertain || !matches!(self.state[target].stage, Stage::Unseen);
        if self.is_last(target, now) {
            self.troubled(target, &error, now);
            self.close(target.into(), now);
        } else if error.is_retryable() || has_more_to_say {
            let too_long = self.troubled(target, &error, now);
            if too_long && !has_more_to_say {
                self.fail(target, None, error, now);
            } else if has_more_to_say && (!error.is_retryable() || too_long && !self.run.wait) {
                self.close_as(target, Outcome::Unknown, Some(error), now);
            }
        } else {
            self.fail(target, None, error, now);
        }
    }

    /// What the images mean whose names are the copy's, or nearly.
    fn judge(&mut self, target: TargetId, found: &[Image], scope: SearchScope, now: Now) {
        let name = self.copy_name(target);
        let (holders, near): (Vec<&Image>, Vec<&Image>) =
            found.iter().partition(|image| image.image_name == name && may_be_own(image));
        let others = self.ids_of_others(target);
        let (not_this, exact): (Vec<&Image>, Vec<&Image>) =
            holders.into_iter().partition(|image| others.contains(&image.image_id));
        let (of, traits) = (&self.state[target], &self.state[target.source].traits);
        let is_uncertain = of.is_uncertain();
        // An image that was not there before the request is the copy that was asked for.
        let is_new = |image: &Image| is_uncertain && !of.strangers.contains(&image.image_id);
        let differs = |image: &Image| traits.as_ref().and_then(|traits| traits.differs(image));
        let encrypt = self.state.job.encrypt;
        let copies: Vec<&Image> = exact
            .iter()
            .copied()
            .filter(|image| differs(image).is_none() && (!encrypt || is_new(image)))
            .collect();
        let is_there = |image: &&&Image| image.image_state == ImageState::Normal;
        let is_on_its_way = |image: &&&Image| !has_failed(&image.image_state);
        let copy = copies.iter().find(is_there).or_else(|| copies.iter().find(is_on_its_way));
        if let Some(&copy) = copy {
            let basis = match &of.stage {
                Stage::Copying { image_id, basis, .. } if *image_id == copy.image_id => *basis,
                _ if is_new(copy) => Basis::Appeared,
                _ => Basis::Found,
            };
            return self.copy_found(target, copy, basis, now);
        }
        if let Some(&copy) = copies.iter().find(|image| is_new(image)) {
            let (id, state) = (copy.image_id.clone(), copy.image_state.clone());
            return self.copy_failed(target, id, &state, now);
        }
        let shown = |image: &Image| {
            format!("image {} has the name `{}`", image.image_id, image.image_name.escape_debug())
        };
        if let Some((image, why)) = exact.iter().find_map(|image| Some((image, differs(image)?))) {
            let why = format!("{}, but {why}", shown(image));
            return self.conflict(target, image, &why, now);
        }
        if let Some(image) = not_this.first() {
            let why = format!("{}, and is the source or the copy of another one", shown(image));
            return self.conflict(target, image, &why, now);
        }
        if let Some(image) = exact.iter().find(|image| encrypt && !has_failed(&image.image_state)) {
            let why = format!("{}, and whether it is encrypted is not to be seen", shown(image));
            return self.conflict(target, image, &why, now);
        }
        if let Some(left) = exact.iter().find(|image| !is_new(image)) {
            return self.left_behind(target, left.image_id.clone(), now);
        }
        let source = &self.state[target.source].image_id;
        let holder = near.iter().find(|image| scope == SearchScope::Everything && image.image_id != *source);
        if let Some(&image) = holder {
            return self.seems_taken(target, image, now);
        }
        self.nothing_there(target, now);
    }

    /// A copy is there, or on its way.
    fn copy_found(&mut self, target: TargetId, copy: &Image, basis: Basis, now: Now) {
        let id = copy.image_id.clone();
        if let Some(known) = self.state[target].known.clone().filter(|known| known.image_id == id) {
            return self.known_is_there(target, known, copy, now);
        }
        if basis == Basis::Found && self.run.own_copies {
            return self.not_own(target, id, now);
        }
        if copy.image_state != ImageState::Normal {
            return self.adopt(target, id, basis, now);
        }
        if basis == Basis::Found {
            return self.end_present(target, copy, basis, now);
        }
        if self.state.job.same_attributes {
            // A last look by its id brings over what it lacks.
            return self.adopt(target, id, basis, now);
        }
        let (facts, notes) = (ImageFacts::of(copy), Vec::new());
        self.copied(target, id, basis, facts, notes, now);
    }

    /// A copy is there, and only those of this job's own are a success.
    pub(super) fn not_own(&mut self, target: TargetId, image_id: String, now: Now) {
        let why = format!("image {image_id} is there, but this job is not known to have started it");
        self.conflict_for_all(target, image_id, &why, now);
    }

    /// A copy was there already.
    pub(super) fn end_present(&mut self, target: TargetId, copy: &Image, basis: Basis, now: Now) {
        let (id, facts) = (copy.image_id.clone(), ImageFacts::of(copy));
        let change = |destination: &mut super::Destination| {
            destination.image_id = Some(id);
            destination.basis = Some(basis);
            destination.image = Some(facts);
        };
        self.end(target, Outcome::Present, change, now);
    }

    /// A copy is on its way.
    pub(super) fn adopt(&mut self, target: TargetId, image_id: String, basis: Basis, now: Now) {
        let unix = self.unix_millis(now);
        let source = self.state[target.source].image_id.clone();
        let of = &mut self.state[target];
        let since = if let Stage::Sent { at, .. } = of.stage { at } else { unix };
        of.stage = Stage::Copying { image_id: image_id.clone(), since, basis, seen: Some(unix) };
        self.events.push_back(SyncProgress::Adopted { source, region: of.region.clone(), image_id });
        self.dirty = true;
        let run = &mut self.runs[target];
        run.is_reviewed = false;
        run.seen = Some(unix);
        run.misses = 0;
        run.schedule.refresh();
        run.schedule.due = now.mono;
        self.started(target, now);
    }

    /// Another image has the name: one that can be used may be passed over.
    pub(super) fn conflict(&mut self, target: TargetId, image: &Image, why: &str, now: Now) {
        if self.state.job.on_conflict == OnConflict::Skip && can_be_used(&image.image_state) {
            let error = Error::failed(format!("{why}: {} is passed over", self.state[target].region));
            self.end_taken(target, Outcome::Skipped, image.image_id.clone(), error, now);
        } else {
            self.conflict_for_all(target, image.image_id.clone(), why, now);
        }
    }

    /// Another image has the name, and none that could be passed over.
    pub(super) fn conflict_for_all(&mut self, target: TargetId, image_id: String, why: &str, now: Now) {
        let error = self.in_the_way(target, why);
        self.end_taken(target, Outcome::Conflict, image_id, error, now);
    }

    fn end_taken(&mut self, target: TargetId, outcome: Outcome, image_id: String, error: Error, now: Now) {
        let change = |destination: &mut super::Destination| {
            destination.image_id = Some(image_id);
            destination.error = Some(error);
        };
        self.end(target, outcome, change, now);
    }

    /// The error of a name that an image has.
    pub(super) fn in_the_way(&self, target: TargetId, why: &str) -> Error {
        let region = &self.state[target].region;
        Error::failed(format!("{why}: nothing was started in {region}; give the copies another name"))
    }

    /// No copy is to be seen: one is to be requested, unless one may still show.
    pub(super) fn nothing_there(&mut self, target: TargetId, now: Now) {
        let is_last = self.is_last(target, now);
        match self.state[target].stage {
            Stage::Sent { at, accepted } => self.nothing_after(target, at, accepted, now),
            Stage::Taken { since } => self.holder_not_found(target, since, now),
            Stage::Ended(ref ended) => {
                let is_gone = ended.outcome == Outcome::Gone;
                let run = &mut self.runs[target];
                run.misses += u32::from(is_gone);
                if run.misses > 0 {
                    self.probe(target, ProbeReason::Vanished, now);
                } else {
                    self.review_finds_nothing(target, now);
                }
            }
            // The name of a copy that is not to be seen any more.
            Stage::Copying { .. } => self.probe(target, ProbeReason::Vanished, now),
            _ if is_last => self.close(target.into(), now),
            _ if self.state[target].unanswered > 0 => self.missing(target, now),
            _ => self.runs[target].schedule.next(Task::Count, now.mono),
        }
    }

    /// No copy is to be seen after a request that got no answer, or one without the copy's id.
    fn nothing_after(&mut self, target: TargetId, sent: u64, accepted: bool, now: Now) {
        let waited = self.since(sent, now);
        let patience = if accepted { INVISIBLE_FOR } else { self.run.settle };
        if self.is_last(target, now) {
            return self.close(target.into(), now);
        }
        if waited < patience {
            let run = &mut self.runs[target];
            run.schedule.rest(now.mono, &mut self.random);
            if !accepted {
                run.schedule.due =
                    run.schedule.due.min(now.mono.saturating_add(patience.saturating_sub(waited)));
            }
        } else if accepted {
            self.probe(target, ProbeReason::Vanished, now);
        } else if self.runs[target].lost >= MAX_LOST_REQUESTS {
            self.close(target.into(), now);
        } else {
            self.state[target].unanswered += 1;
            self.dirty = true;
            self.missing(target, now);
        }
    }

    pub(super) fn probe(&mut self, target: TargetId, why: ProbeReason, now: Now) {
        self.runs[target].schedule.next(Task::Probe(why), now.mono);
    }

    /// After the number of images in a region. Only the service's own answer counts: where it does not tell, it will
    /// refuse what is too much.
    pub(super) fn counted(&mut self, target: TargetId, outcome: Result<Answer, Error>, now: Now) {
        match outcome {
            Ok(Answer::Images(images)) => {
                self.runs[target].schedule.task = Task::Quota { images: images.total_count };
            }
            _ => self.missing(target, now),
        }
    }

    /// Takes in the quota of a region.
    pub(super) fn quota_known(
        &mut self,
        target: TargetId,
        images: i64,
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        match outcome {
            Ok(Answer::Quota(quota)) if images >= quota => {
                let region = &self.state[target].region;
                let message = format!(
                    "the quota of {quota} images in {region} is used up: delete images there, or ask for more"
                );
                let error = Error::service(ErrorCode::ImageQuotaLimitExceeded, message, None, 200);
                self.fail(target, None, error, now);
            }
            _ => self.missing(target, now),
        }
    }

    /// A copy is to be requested.
    pub(super) fn missing(&mut self, target: TargetId, now: Now) {
        self.state[target].stage = Stage::Missing;
        if let Some(error) = self.runs[target.source].refused.clone() {
            self.refuse_target(target, &error, now);
        } else if self.run.dry_run {
            self.probe(target, ProbeReason::Blame, now);
        }
    }
}

/// Whether a state is the end of an image that never was one: `CREATEFAILED`, `IMPORTFAILED`, and what may come.
pub(super) fn has_failed(state: &ImageState) -> bool {
    state.as_str().ends_with("FAILED")
}

/// Whether a dry run says that a copy would be made. Whatever else comes back proves nothing.
pub(super) fn says_yes(outcome: &Result<Answer, Error>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(error) => error.code() == Some(&ErrorCode::DryRunOperation),
    }
}

/// Whether an image of this state is ready for use; one that is the source of a copy is.
fn can_be_used(state: &ImageState) -> bool {
    matches!(state, ImageState::Normal | ImageState::Using | ImageState::Syncing)
}

/// Whether an error is the credential's: it will be met everywhere.
pub(super) fn is_credentials(error: &Error) -> bool {
    error.kind() == ErrorKind::Credential
}
