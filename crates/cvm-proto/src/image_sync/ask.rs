//! The calls that the job makes, with one face.

use alloc::boxed::Box;
use alloc::string::String;

use super::ImageSyncMachine;
use super::lane::Errand;
use super::state::Target;
use crate::api::{
    DeleteImages, DescribeImageQuota, DescribeImages, DescribeImagesResponse, ModifyImageAttribute,
    SyncImages, SyncImagesResponse,
};
use crate::call::Call;
use crate::config::Config;
use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};
use crate::page::Paged;

/// A call on its way.
pub(super) enum Ask {
    Images(Box<Call<DescribeImages>>),
    Quota(Box<Call<DescribeImageQuota>>),
    Sync(Box<Call<SyncImages>>),
    Modify(Box<Call<ModifyImageAttribute>>),
    Delete(Box<Call<DeleteImages>>),
}

/// What a call was answered with.
pub(super) enum Answer {
    Images(DescribeImagesResponse),
    Quota(i64),
    Sync(SyncImagesResponse),
    Done,
}

impl Ask {
    pub(super) fn images(config: &Config, action: DescribeImages, seed: u64) -> Self {
        Self::Images(Box::new(Call::new(config, action, seed)))
    }

    pub(super) fn quota(config: &Config, seed: u64) -> Self {
        Self::Quota(Box::new(Call::new(config, DescribeImageQuota::default(), seed)))
    }

    pub(super) fn sync(config: &Config, action: SyncImages, seed: u64) -> Self {
        Self::Sync(Box::new(Call::new(config, action, seed)))
    }

    pub(super) fn modify(config: &Config, action: ModifyImageAttribute, seed: u64) -> Self {
        Self::Modify(Box::new(Call::new(config, action, seed)))
    }

    pub(super) fn delete(config: &Config, image_id: &str, seed: u64) -> Self {
        Self::Delete(Box::new(Call::new(config, DeleteImages::new([image_id]), seed)))
    }

    pub(super) fn poll(&mut self, now: Now) -> Step<Result<Answer, Error>> {
        match self {
            Self::Images(call) => told(call.poll(now), Answer::Images),
            Self::Quota(call) => told(call.poll(now), |answer| Answer::Quota(answer.image_num_quota)),
            Self::Sync(call) => told(call.poll(now), Answer::Sync),
            Self::Modify(call) => told(call.poll(now), |_| Answer::Done),
            Self::Delete(call) => told(call.poll(now), |_| Answer::Done),
        }
    }

    pub(super) fn reply(&mut self, now: Now, reply: Reply) {
        match self {
            Self::Images(call) => call.reply(now, reply),
            Self::Quota(call) => call.reply(now, reply),
            Self::Sync(call) => call.reply(now, reply),
            Self::Modify(call) => call.reply(now, reply),
            Self::Delete(call) => call.reply(now, reply),
        }
    }
}

fn told<T>(step: Step<Result<T, Error>>, into: impl FnOnce(T) -> Answer) -> Step<Result<Answer, Error>> {
    match step {
        Step::Done(outcome) => Step::Done(outcome.map(into)),
        Step::Send(request) => Step::Send(request),
        Step::WaitUntil(mono) => Step::WaitUntil(mono),
        Step::Progress(never) => match never {},
    }
}

impl ImageSyncMachine {
    /// The call that an errand makes.
    pub(super) fn ask(&self, source: usize, target: Option<usize>, errand: &Errand, seed: u64) -> Ask {
        let of = &self.state.sources[source];
        let config = target.map_or(&self.config, |target| &self.configs[target]);
        let by_id = |id: &str| DescribeImages::default().image_ids([id]);
        let target = target.map(|target| &of.targets[target]);
        match errand {
            Errand::Idle | Errand::Look => Ask::images(config, by_id(&of.image_id), seed),
            Errand::Watch => {
                let id = target.and_then(Target::image_id).map_or("", String::as_str);
                Ask::images(config, by_id(id), seed)
            }
            Errand::Submit { batch, .. } => Ask::sync(config, self.request(source, batch), seed),
            Errand::Survey { query, .. } => Ask::Images(Box::new(query.call(config, seed))),
            Errand::Count => {
                let all = DescribeImages::default().filters([super::survey::own_images()]).limit(1);
                Ask::images(config, all, seed)
            }
            Errand::Quota { .. } => Ask::quota(config, seed),
            Errand::Probe => {
                let at =
                    of.targets.iter().position(|of| target.is_some_and(|target| of.region == target.region));
                let request = self.request(source, at.as_slice()).dry_run(true);
                // It is the source region that copies.
                Ask::sync(&self.config, request, seed)
            }
            Errand::Align { image, .. } => {
                let mut change = ModifyImageAttribute::new(image.image_id.as_str());
                if let Some(traits) = &of.traits {
                    change.image_description =
                        Some(traits.description.clone()).filter(|text| *text != image.image_description);
                    let family = image.image_family.as_deref().unwrap_or_default();
                    change.image_family = Some(traits.family.clone()).filter(|text| text != family);
                }
                Ask::modify(config, change, seed)
            }
            Errand::Discard { image_id, .. } => Ask::delete(config, image_id, seed),
        }
    }
}
