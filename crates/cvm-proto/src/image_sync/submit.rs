//! The request that starts copies: written down before it goes out, and not sent again before it is known what came of it.

use alloc::string::String;
use alloc::vec::Vec;

use super::calls::Answer;
use super::ids::{SourceId, TargetId};
use super::run_state::{BatchMode, ProbeReason, Task};
use super::state::Stage;
use super::survey::is_credentials;
use super::{Basis, ImageSyncMachine, Outcome, SyncProgress};
use crate::api::{SyncImages, SyncImagesResponse};
use crate::error::{Error, ErrorCode, ErrorKind};
use crate::machine::Now;

impl ImageSyncMachine {
    /// The regions that the next request is for.
    pub(super) fn batch(&self, source: SourceId) -> Vec<usize> {
        let is_missing =
            |&target: &TargetId| matches!(self.state[target].stage, Stage::Missing) && !self.is_over(target);
        let most = if self.runs[source].batch_mode == BatchMode::Single { 1 } else { usize::MAX };
        self.targets_of(source).filter(is_missing).map(|target| target.region).take(most).collect()
    }

    /// Whether a source's request may be out, or is about to be.
    pub(super) fn is_submitting(&self, source: SourceId) -> bool {
        matches!(self.runs[source].schedule.task, Task::Submit { .. })
    }

    /// The request for some targets of a source. It always has the name of the copies: the service refuses one that is
    /// taken, so that no second copy can come of it.
    pub(super) fn request(&self, source: SourceId, batch: &[usize]) -> SyncImages {
        let (of, job) = (&self.state[source], &self.state.job);
        let regions = batch.iter().map(|&region| of.targets[region].region.as_str());
        let mut request = SyncImages::new([of.image_id.as_str()], regions).image_set_required(true);
        request.image_name.clone_from(&of.copy_name);
        request.encrypt = job.encrypt.then_some(true);
        request.kms_key_id.clone_from(&job.kms_key_id);
        request
    }

    /// Writes down that a request is going out now.
    pub(super) fn record_submission(&mut self, source: SourceId, now: Now) {
        let at = self.unix_millis(now);
        let Task::Submit { batch, .. } = &self.runs[source].schedule.task else { return };
        for &region in batch {
            self.state[TargetId { source, region }].stage = Stage::Sent { at, accepted: false };
        }
        self.dirty = true;
    }

    /// Takes a request back that was refused or never left.
    pub(super) fn back_to_missing(&mut self, source: SourceId, batch: &[usize]) {
        for &region in batch {
            self.state[TargetId { source, region }].stage = Stage::Missing;
        }
        self.dirty = true;
    }

    /// Takes in the outcome of a request for copies.
    pub(super) fn submitted(
        &mut self,
        source: SourceId,
        batch: &[usize],
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        let request_id = match &outcome {
            Ok(Answer::Sync(answer)) => Some(answer.request_id.as_str()),
            Ok(_) => None,
            Err(error) => error.request_id(),
        };
        for &region in batch {
            self.state[TargetId { source, region }].request_ids.extend(request_id.map(String::from));
        }
        self.dirty = true;
        let run = &mut self.runs[source];
        run.ready = false;
        run.told_busy = false;
        run.schedule.due = now.mono;
        match outcome {
            Ok(Answer::Sync(answer)) => self.accepted(source, batch, answer, now),
            Ok(_) => {}
            Err(error) if error.outcome_unknown() => {
                self.troubled(source, &error, now);
                for &region in batch {
                    let run = &mut self.runs[TargetId { source, region }];
                    run.schedule.refresh();
                    run.lost += 1;
                    run.schedule.due = now.mono;
                }
            }
            Err(error) => {
                self.back_to_missing(source, batch);
                self.declined(source, batch, error, now);
            }
        }
    }

    fn accepted(&mut self, source: SourceId, batch: &[usize], answer: SyncImagesResponse, now: Now) {
        self.runs[source].schedule.refresh();
        let of = &self.state[source];
        self.events.push_back(SyncProgress::Submitted {
            source: of.image_id.clone(),
            regions: batch.iter().map(|&region| of.targets[region].region.clone()).collect(),
            request_id: answer.request_id,
        });
        for &region in batch {
            let target = TargetId { source, region };
            let of = &mut self.state[target];
            let Stage::Sent { at: since, .. } = of.stage else { continue };
            let copy =
                answer.image_set.iter().find(|copy| copy.region == of.region && !copy.image_id.is_empty());
            of.stage = match copy {
                Some(copy) => {
                    let image_id = copy.image_id.clone();
                    Stage::Copying { image_id, since, basis: Basis::Answered, seen: None }
                }
                // It is to be found by its name.
                None => Stage::Sent { at: since, accepted: true },
            };
            let schedule = &mut self.runs[target].schedule;
            schedule.refresh();
            schedule.rest(now.mono, &mut self.random);
            if copy.is_some() {
                self.started(target, now);
            }
        }
    }

    /// A copy is on its way: that is all if nobody waits for it.
    pub(super) fn started(&mut self, target: TargetId, now: Now) {
        if !self.run.wait || self.run.dry_run {
            self.close_as(target, Outcome::Started, None, now);
        }
    }

    /// A request was refused: nothing was started. What follows depends on who is at fault.
    fn declined(&mut self, source: SourceId, batch: &[usize], error: Error, now: Now) {
        self.runs[source].declined = Some(error.clone());
        if error.kind() == ErrorKind::State {
            // Another copy of the source was quicker, or its state has changed: a look tells.
            return self.busy(source, now);
        }
        if error.is_retryable() {
            if self.troubled(source, &error, now) {
                self.fail_all(source, batch, &error, now);
            }
            return;
        }
        // Nor does the network carry another batch where it is the certificate, or a proxy's password.
        if is_credentials(&error) || error.kind() == ErrorKind::Network || error.attempts() == 0 {
            return self.fail_all(source, batch, &error, now);
        }
        if let &[region] = batch {
            return self.declined_alone(TargetId { source, region }, error, now);
        }
        if self.runs[source].batch_mode != BatchMode::All {
            self.runs[source].batch_mode = BatchMode::Single;
            return;
        }
        self.runs[source].batch_mode = BatchMode::Probed;
        for &region in batch {
            self.runs[TargetId { source, region }].schedule.next(Task::Probe(ProbeReason::Blame), now.mono);
        }
    }

    /// A refusal that is about one target.
    fn declined_alone(&mut self, target: TargetId, error: Error, now: Now) {
        if error.code() != Some(&ErrorCode::InvalidImageNameDuplicate) {
            return self.fail_all(target.source, &[target.region], &error, now);
        }
        // Something has the name that was not to be seen before: it is searched for.
        let since = self.unix_millis(now);
        let image_name = self.copy_name(target).into();
        let source = self.state[target.source].image_id.clone();
        let of = &mut self.state[target];
        of.stage = Stage::Taken { since };
        let region = of.region.clone();
        self.dirty = true;
        self.runs[target].has_searched = false;
        self.events.push_back(SyncProgress::NameTaken { source, region, image_name });
        let schedule = &mut self.runs[target].schedule;
        schedule.refresh();
        schedule.next(Task::Idle, now.mono);
    }

    fn fail_all(&mut self, source: SourceId, batch: &[usize], error: &Error, now: Now) {
        for &region in batch {
            let target = TargetId { source, region };
            // An earlier request may have been accepted all the same.
            if self.state[target].is_uncertain() {
                self.close_as(target, Outcome::Unknown, Some(error.clone()), now);
            } else {
                self.fail(target, None, error.clone(), now);
            }
        }
    }

    /// Takes in a dry run for one target.
    pub(super) fn probed(
        &mut self,
        target: TargetId,
        why: ProbeReason,
        outcome: Result<Answer, Error>,
        now: Now,
    ) {
        match why {
            ProbeReason::Vanished => return self.name_asked_for(target, &outcome, now),
            ProbeReason::Taken => return self.taken_asked_for(target, &outcome, now),
            ProbeReason::Blame => {}
        }
        let dry_run = self.run.dry_run;
        let error = match outcome {
            Ok(_) => None,
            // "It would have succeeded", or not at this moment.
            Err(error) if error.kind() == ErrorKind::State => None,
            Err(error) if error.is_retryable() => {
                if !self.troubled(target, &error, now) {
                    self.runs[target].schedule.task = Task::Probe(why);
                    return;
                }
                Some(error)
            }
            Err(error) => Some(error),
        };
        match error {
            None if dry_run => self.close_as(target, Outcome::Planned, None, now),
            None => {}
            Some(error) => self.declined_alone(target, error, now),
        }
    }
}
