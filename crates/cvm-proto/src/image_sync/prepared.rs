//! The one rule of starting a job again: resume it, begin it anew, or refuse.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::job::SyncJob;
use super::run::ResumeMode;
use super::state::{KnownCopy, Stage};
use super::{ImageSync, ImageSyncMachine, OnConflict, Outcome, SyncEndpoint, SyncRun, SyncState};
use crate::client::{Config, Job};
use crate::error::Error;

/// A sync job that is ready to run: begun, resumed, or begun anew.
///
/// Made by [`ImageSync::begin_or_resume`] and [`SyncState::resume`], which compare; a [`Job`] for a client's `run`.
#[derive(Clone, Debug)]
pub struct PreparedSync {
    state: SyncState,
    run: SyncRun,
    mode: ResumeMode,
}

impl ImageSync {
    /// Begins the job, or resumes it: the one rule for whoever keeps a [`SyncState`].
    ///
    /// `stored` is what was kept last, read under the lock that this run holds. If nothing was, or what was has
    /// [ended](SyncState::is_finished), the job begins anew; the copies that an ended job knows are looked at by their ids
    /// first. If it is this same job, it is resumed, and what had ended is looked at again. If it is another one, it is
    /// refused, and nothing is touched. `endpoint` is that of `config`, or [`SyncEndpoint::embedded`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) that names what differs, with both values, if another job is stored
    /// that has not ended. A dry run says what this one would do with what is stored; it changes nothing, and is not kept.
    pub fn begin_or_resume(
        self,
        stored: Option<SyncState>,
        endpoint: SyncEndpoint,
        config: &Config,
    ) -> Result<PreparedSync, Error> {
        let Self { mut job, run } = self;
        job.from = job.from.or_else(|| config.region().map(Into::into));
        let Some(mut stored) = stored else {
            return Ok(PreparedSync { state: SyncState::new(job, endpoint), run, mode: ResumeMode::Begun });
        };
        stored.check()?;
        if stored.is_finished() {
            let mut state = SyncState::new(job, endpoint);
            state.remember(&stored);
            return Ok(PreparedSync { state, run, mode: ResumeMode::Begun });
        }
        let mut differences = Vec::new();
        compare_endpoints(&stored.endpoint, &endpoint, &mut differences);
        stored.job.compare(&job, &mut differences);
        if !differences.is_empty() {
            return Err(Error::config(format!(
                "it holds another job that has not ended: {}; resume that one, or keep this one elsewhere",
                differences.join("; ")
            )));
        }
        stored.arrange(&job);
        stored.begin_ended_again();
        Ok(PreparedSync { state: stored, run, mode: ResumeMode::Continued })
    }
}

impl Job for ImageSync {
    type Machine = ImageSyncMachine;

    fn name(&self) -> &'static str {
        "ImageSync"
    }

    fn start(self, config: &Config, seed: u64) -> ImageSyncMachine {
        PreparedSync::unkept(self, config).start(config, seed)
    }
}

impl SyncState {
    /// Resumes the job as it is stored. What has ended is looked at again, and nothing is started there; of a job that has
    /// ended altogether it looks, and reports.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the job is of another endpoint;
    /// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) for a dry run.
    pub fn resume(self, run: SyncRun, endpoint: &SyncEndpoint) -> Result<PreparedSync, Error> {
        if run.dry_run {
            return Err(Error::parameter("a job is not resumed as a dry run: leave dry_run out"));
        }
        self.check()?;
        let mut differences = Vec::new();
        compare_endpoints(&self.endpoint, endpoint, &mut differences);
        match differences.pop() {
            Some(difference) => Err(Error::config(format!(
                "the job was begun elsewhere: {difference}; resume it with the settings that it was begun with"
            ))),
            None => Ok(PreparedSync { state: self, run, mode: ResumeMode::Resumed }),
        }
    }

    /// Takes over the copies that a job which has ended knows, where this one would make the same.
    fn remember(&mut self, ended: &Self) {
        let same = |job: &SyncJob| (job.from.clone(), job.name.clone(), job.encrypt, job.kms_key_id.clone());
        if self.endpoint != ended.endpoint || same(&self.job) != same(&ended.job) {
            return;
        }
        self.account.clone_from(&ended.account);
        for source in &mut self.sources {
            let before = ended.sources.iter().find(|before| before.image_id == source.image_id);
            for target in &mut source.targets {
                let before = before
                    .and_then(|before| before.targets.iter().find(|before| before.region == target.region));
                target.known = before
                    .and_then(super::state::Target::known_copy)
                    .map(|known| KnownCopy { outcome: Outcome::Present, ..known });
            }
        }
    }

    /// What had ended is looked at again, its known copy first.
    fn begin_ended_again(&mut self) {
        for target in self.sources.iter_mut().flat_map(|source| &mut source.targets) {
            if matches!(target.stage, Stage::Ended(_)) {
                target.known = target.known_copy();
                target.stage = Stage::Unseen;
                target.unanswered = 0;
                target.request_ids.clear();
            }
        }
    }
}

fn compare_endpoints(stored: &SyncEndpoint, given: &SyncEndpoint, differences: &mut Vec<String>) {
    if stored != given {
        differences.push(format!("its endpoint is {stored}, not {given}"));
    }
}

impl SyncJob {
    /// Says of each option that differs what it is here, and what in the other.
    fn compare(&self, other: &Self, differences: &mut Vec<String>) {
        let mut differ = |what: &str, ours: String, theirs: String| {
            if ours != theirs {
                differences.push(format!("its {what} is {ours}, not {theirs}"));
            }
        };
        let set = |list: &[String]| {
            let mut sorted: Vec<&str> = list.iter().map(String::as_str).collect();
            sorted.sort_unstable();
            sorted.join(",")
        };
        let text = |text: &Option<String>| {
            text.as_ref().map_or_else(|| "none".into(), |text| format!("`{}`", text.escape_debug()))
        };
        let number = |number: Option<i64>| number.map_or_else(|| "none".into(), |gib| format!("{gib} GiB"));
        let switch = |on: bool| String::from(if on { "on" } else { "off" });
        let rule = |rule: OnConflict| {
            String::from(match rule {
                OnConflict::Fail => "fail",
                OnConflict::Skip => "skip",
            })
        };
        differ("source region", text(&self.from), text(&other.from));
        differ("list of images", set(&self.images), set(&other.images));
        differ("list of destinations (to)", set(&self.to), set(&other.to));
        differ("name of the copies (name)", text(&self.name), text(&other.name));
        differ("encryption (encrypt)", switch(self.encrypt), switch(other.encrypt));
        differ("KMS key (kms_key_id)", text(&self.kms_key_id), text(&other.kms_key_id));
        differ("size limit (max_size)", number(self.max_size), number(other.max_size));
        differ("conflict rule (on_conflict)", rule(self.on_conflict), rule(other.on_conflict));
        differ(
            "attribute rule (same_attributes)",
            switch(self.same_attributes),
            switch(other.same_attributes),
        );
    }
}

impl PreparedSync {
    /// A job that nobody keeps.
    pub(super) fn unkept(job: ImageSync, config: &Config) -> Self {
        let ImageSync { mut job, run } = job;
        job.from = job.from.or_else(|| config.region().map(ToString::to_string));
        Self { state: SyncState::new(job, SyncEndpoint::of(config)), run, mode: ResumeMode::Begun }
    }

    /// The job as it stands.
    pub fn state(&self) -> &SyncState {
        &self.state
    }

    /// Whether a job that had not ended is resumed.
    pub fn is_resumed(&self) -> bool {
        self.mode != ResumeMode::Begun
    }

    /// Notes the profile that the job is begun with; see [`SyncState::with_profile`].
    #[must_use]
    pub fn with_profile(mut self, name: Option<String>) -> Self {
        self.state = self.state.with_profile(name);
        self
    }

    /// Lets this run be cancelled.
    #[must_use]
    pub fn cancel_with(mut self, cancel: &crate::Cancel) -> Self {
        self.run.cancel = Some(cancel.clone());
        self
    }
}

impl Job for PreparedSync {
    type Machine = ImageSyncMachine;

    fn name(&self) -> &'static str {
        "ImageSync"
    }

    fn start(mut self, config: &Config, seed: u64) -> ImageSyncMachine {
        self.state.forget_what_may_have_changed();
        ImageSyncMachine::new(self.state, self.run, self.mode, config, seed)
    }
}
