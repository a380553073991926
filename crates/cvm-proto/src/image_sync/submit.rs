//! The request that starts copies: written down before it goes out, and not sent again before it is known what came of it.

use alloc::string::String;
use alloc::vec::Vec;

use super::ask::Answer;
use super::lane::Errand;
use super::state::Stage;
use super::survey::is_credentials;
use super::{ImageSyncMachine, Outcome, SyncProgress};
use crate::api::{SyncImages, SyncImagesResponse};
use crate::error::{Error, ErrorKind};
use crate::error_code::ErrorCode;
use crate::machine::Now;

impl ImageSyncMachine {
    /// The targets that the next request is for.
    pub(super) fn batch(&self, source: usize) -> Vec<usize> {
        let targets = &self.state.sources[source].targets;
        let missing = |&target: &usize| {
            matches!(targets[target].stage, Stage::Missing) && !self.is_over(source, target)
        };
        let mut batch: Vec<usize> = (0..targets.len()).filter(missing).collect();
        // One request has one name, or none.
        let unnamed = batch.first().is_some_and(|&first| targets[first].unnamed);
        batch.retain(|&target| targets[target].unnamed == unnamed);
        if self.fronts[source].singly {
            batch.truncate(1);
        }
        batch
    }

    /// Whether a source's request may be out, or is about to be.
    pub(super) fn is_submitting(&self, source: usize) -> bool {
        matches!(self.lanes[self.lane(source, None)].errand, Errand::Submit { .. })
    }

    /// The request for some targets of a source.
    pub(super) fn request(&self, source: usize, batch: &[usize]) -> SyncImages {
        let (of, job) = (&self.state.sources[source], &self.state.job);
        let regions = batch.iter().map(|&target| of.targets[target].region.as_str());
        let mut request = SyncImages::new([of.image_id.as_str()], regions).image_set_required(true);
        let unnamed = batch.iter().any(|&target| of.targets[target].unnamed);
        // The source's name is given too, as the service refuses one that is taken: no second copy can come of it.
        request.image_name = Some(String::from(self.copy_name(source))).filter(|_| !unnamed);
        request.encrypt = job.encrypt.then_some(true);
        request.kms_key_id.clone_from(&job.kms_key_id);
        request
    }

    /// Writes down that a request is going out now.
    pub(super) fn record_intent(&mut self, source: usize, now: Now) {
        let at = self.unix_millis(now);
        let lane = self.lane(source, None);
        let Errand::Submit { batch, .. } = &self.lanes[lane].errand else { return };
        for &target in batch {
            self.state.sources[source].targets[target].stage = Stage::Sent { at, accepted: false };
        }
        self.dirty = true;
    }

    /// Takes a request back that was refused or never left.
    pub(super) fn back_to_missing(&mut self, source: usize, batch: &[usize]) {
        for &target in batch {
            self.state.sources[source].targets[target].stage = Stage::Missing;
        }
        self.dirty = true;
    }

    /// After a request for copies.
    pub(super) fn submitted(
        &mut self,
        source: usize,
        batch: Vec<usize>,
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        let request_id = match &outcome {
            Ok(Answer::Sync(answer)) => Some(answer.request_id.as_str()),
            Ok(_) => None,
            Err(error) => error.request_id(),
        };
        for &target in &batch {
            self.state.sources[source].targets[target].request_ids.extend(request_id.map(String::from));
        }
        self.dirty = true;
        self.fronts[source].ready = false;
        self.fronts[source].told_busy = false;
        let at = self.lane(source, None);
        self.lanes[at].due = now.mono;
        match outcome {
            Ok(Answer::Sync(answer)) => self.accepted(source, &batch, answer, now),
            Ok(_) => {}
            Err(error) if error.outcome_unknown() => {
                self.troubled(source, None, &error, now);
                for target in batch {
                    let at = self.lane(source, Some(target));
                    self.lanes[at].refresh();
                    self.lanes[at].lost += 1;
                    self.lanes[at].due = now.mono;
                }
            }
            Err(error) => {
                self.back_to_missing(source, &batch);
                self.declined(source, batch, error, now);
            }
        }
    }

    fn accepted(&mut self, source: usize, batch: &[usize], answer: SyncImagesResponse, now: Now) {
        let lane = self.lane(source, None);
        self.lanes[lane].refresh();
        let of = &mut self.state.sources[source];
        self.events.push_back(SyncProgress::Submitted {
            source: of.image_id.clone(),
            regions: batch.iter().map(|&target| of.targets[target].region.clone()).collect(),
            request_id: answer.request_id,
        });
        for &target in batch {
            let aim = &mut self.state.sources[source].targets[target];
            let Stage::Sent { at: since, .. } = aim.stage else { continue };
            let copy =
                answer.image_set.iter().find(|copy| copy.region == aim.region && !copy.image_id.is_empty());
            aim.stage = match copy {
                Some(copy) => Stage::Copying { image_id: copy.image_id.clone(), since },
                // It is to be found by its name.
                None => Stage::Sent { at: since, accepted: true },
            };
            let at = self.lane(source, Some(target));
            self.lanes[at].refresh();
            self.lanes[at].rest(now.mono, &mut self.random);
            if copy.is_some() {
                self.started(source, target, now);
            }
        }
    }

    /// A copy is on its way: that is all if nobody waits for it.
    pub(super) fn started(&mut self, source: usize, target: usize, now: Now) {
        if !self.state.job.wait {
            self.close_as(source, target, Outcome::Started, None, now);
        }
    }

    /// A request was refused: nothing was started. Whose fault it is decides what comes next.
    fn declined(&mut self, source: usize, batch: Vec<usize>, error: Error, now: Now) {
        self.fronts[source].declined = Some(error.clone());
        if error.kind() == ErrorKind::State {
            // Another copy of the source was quicker, or its state has changed: a look tells.
            return self.busy(source, now);
        }
        if error.is_retryable() {
            if self.troubled(source, None, &error, now) {
                self.fail_all(source, &batch, &error, now);
            }
            return;
        }
        if is_credentials(&error) || error.attempts() == 0 {
            return self.fail_all(source, &batch, &error, now);
        }
        if let [target] = batch[..] {
            return self.declined_alone(source, target, error, now);
        }
        if core::mem::replace(&mut self.fronts[source].probed, true) {
            // Each would be accepted, all together are not.
            self.fronts[source].singly = true;
            return;
        }
        for target in batch {
            let at = self.lane(source, Some(target));
            self.lanes[at].errand = Errand::Probe;
            self.lanes[at].due = now.mono;
        }
    }

    /// A refusal that is about one target.
    fn declined_alone(&mut self, source: usize, target: usize, error: Error, now: Now) {
        if error.code() == Some(&ErrorCode::InvalidImageNameDuplicate) {
            // Something has the name that was not to be seen before.
            let at = self.lane(source, Some(target));
            self.lanes[at].taken = Some(error);
            self.lanes[at].due = now.mono;
            self.state.sources[source].targets[target].stage = Stage::Unseen;
        } else {
            self.fail_all(source, &[target], &error, now);
        }
    }

    fn fail_all(&mut self, source: usize, batch: &[usize], error: &Error, now: Now) {
        for &target in batch {
            // An earlier request may have been accepted all the same.
            let uncertain = self.state.sources[source].targets[target].is_uncertain();
            let error = error.clone();
            if uncertain {
                self.close_as(source, target, Outcome::Unknown, Some(error), now);
            } else {
                self.fail(source, target, None, error, now);
            }
        }
    }

    /// After a dry run for one target.
    pub(super) fn probed(&mut self, source: usize, target: usize, outcome: Result<Answer, Error>, now: Now) {
        let dry_run = self.state.job.dry_run;
        let error = match outcome {
            Ok(_) => None,
            // "It would have succeeded", or not at this moment.
            Err(error) if error.kind() == ErrorKind::State => None,
            Err(error) if error.is_retryable() => {
                if !self.troubled(source, Some(target), &error, now) {
                    let at = self.lane(source, Some(target));
                    self.lanes[at].errand = Errand::Probe;
                    return;
                }
                Some(error)
            }
            Err(error) => Some(error),
        };
        match error {
            None if dry_run => self.close_as(source, target, Outcome::Planned, None, now),
            None => {}
            Some(error) if dry_run => {
                self.fail(source, target, None, error, now);
            }
            Some(error) => self.declined_alone(source, target, error, now),
        }
    }
}
