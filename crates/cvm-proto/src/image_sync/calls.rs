//! The calls that the job makes, with one face.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::ImageSyncMachine;
use super::handle::Actor;
use super::runs::Task;
use super::state::Target;
use crate::api::types::{Filter, RegionInfo};
use crate::api::{
    DeleteImages, DescribeImageQuota, DescribeImages, DescribeImagesResponse, DescribeRegions,
    ModifyImageAttribute, SyncImages, SyncImagesResponse,
};
use crate::call::{Call, Paged};
use crate::client::Config;
use crate::credential::{CallerIdentity, IdentityCall};
use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};
use crate::regions::list_call;

/// A call on its way.
pub(super) enum AnyOf {
    Images(Box<Call<DescribeImages>>),
    Quota(Box<Call<DescribeImageQuota>>),
    Sync(Box<Call<SyncImages>>),
    Modify(Box<Call<ModifyImageAttribute>>),
    Delete(Box<Call<DeleteImages>>),
    Identity(Box<IdentityCall>),
    Regions(Box<Call<DescribeRegions>>),
}

/// What a call was answered with.
pub(super) enum Answer {
    Images(DescribeImagesResponse),
    Quota(i64),
    Sync(SyncImagesResponse),
    Identity(CallerIdentity),
    Regions(Vec<RegionInfo>),
    Done,
}

impl AnyOf {
    fn images(config: &Config, action: DescribeImages, seed: u64) -> Self {
        Self::Images(Box::new(Call::new(config, action, seed)))
    }

    pub(super) fn poll(&mut self, now: Now) -> Step<Result<Answer, Error>> {
        match self {
            Self::Images(call) => answered(call.poll(now), Answer::Images),
            Self::Quota(call) => answered(call.poll(now), |answer| Answer::Quota(answer.image_num_quota)),
            Self::Sync(call) => answered(call.poll(now), Answer::Sync),
            Self::Modify(call) => answered(call.poll(now), |_| Answer::Done),
            Self::Delete(call) => answered(call.poll(now), |_| Answer::Done),
            Self::Identity(call) => answered(call.poll(now), Answer::Identity),
            Self::Regions(call) => answered(call.poll(now), |answer| Answer::Regions(answer.region_set)),
        }
    }

    pub(super) fn reply(&mut self, now: Now, reply: Reply) {
        match self {
            Self::Images(call) => call.reply(now, reply),
            Self::Quota(call) => call.reply(now, reply),
            Self::Sync(call) => call.reply(now, reply),
            Self::Modify(call) => call.reply(now, reply),
            Self::Delete(call) => call.reply(now, reply),
            Self::Identity(call) => call.reply(now, reply),
            Self::Regions(call) => call.reply(now, reply),
        }
    }
}

fn answered<T>(step: Step<Result<T, Error>>, into: impl FnOnce(T) -> Answer) -> Step<Result<Answer, Error>> {
    match step {
        Step::Done(outcome) => Step::Done(outcome.map(into)),
        Step::Send(request) => Step::Send(request),
        Step::WaitUntil(mono) => Step::WaitUntil(mono),
        Step::Progress(never) => match never {},
    }
}

impl ImageSyncMachine {
    /// The call that a task makes.
    pub(super) fn call(&self, actor: Actor, task: &Task, seed: u64) -> AnyOf {
        let source = &self.state[actor.source()];
        let (config, target) = match actor {
            Actor::Source(_) => (&self.config, None),
            Actor::Target(target) => (&self.configs[target.region], Some(&self.state[target])),
        };
        let by_id = |id: &str| AnyOf::images(config, DescribeImages::default().image_ids([id]), seed);
        match task {
            Task::Idle | Task::Look => by_id(&source.image_id),
            Task::Identify => AnyOf::Identity(Box::new(IdentityCall::new(config, seed))),
            // It is the source's side of the border of the finance regions that is asked.
            Task::ListRegions { .. } => AnyOf::Regions(Box::new(list_call(&self.config, seed))),
            Task::Watch => by_id(target.and_then(Target::image_id).map_or("", String::as_str)),
            Task::Recall(known) => by_id(&known.image_id),
            Task::Submit { batch, .. } => {
                let request = self.request(actor.source(), batch);
                AnyOf::Sync(Box::new(Call::new(config, request, seed)))
            }
            Task::Survey(survey) => AnyOf::Images(Box::new(survey.query.call(config, seed))),
            Task::Count => {
                let all = DescribeImages::default().filters([own_images()]).limit(1);
                AnyOf::images(config, all, seed)
            }
            Task::Quota { .. } => {
                AnyOf::Quota(Box::new(Call::new(config, DescribeImageQuota::default(), seed)))
            }
            Task::Probe(_) => {
                let region = match actor {
                    Actor::Target(target) => target.region,
                    Actor::Source(_) => 0,
                };
                let request = self.request(actor.source(), &[region]).dry_run(true);
                // It is the source region that copies.
                AnyOf::Sync(Box::new(Call::new(&self.config, request, seed)))
            }
            Task::Align { image, .. } => {
                let mut change = ModifyImageAttribute::new(image.image_id.as_str());
                if let Some(traits) = &source.traits {
                    change.image_description =
                        Some(traits.description.clone()).filter(|text| *text != image.image_description);
                    let family = image.image_family.as_deref().unwrap_or_default();
                    change.image_family = Some(traits.family.clone()).filter(|text| text != family);
                }
                AnyOf::Modify(Box::new(Call::new(config, change, seed)))
            }
            Task::Delete { image_id, .. } => {
                let request = DeleteImages::new([image_id.as_str()]);
                AnyOf::Delete(Box::new(Call::new(config, request, seed)))
            }
        }
    }
}

/// The filter for images that the account has made.
pub(super) fn own_images() -> Filter {
    Filter::new("image-type", ["PRIVATE_IMAGE"])
}
