//! The calls that the job makes, behind one type.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::api::types::{Filter, RegionInfo};
use crate::api::{
    DeleteImages, DescribeImageQuota, DescribeImages, DescribeImagesResponse, DescribeRegions,
    ModifyImageAttribute, SyncImages, SyncImagesResponse,
};
use crate::call::Call;
use crate::client::Config;
use crate::credential::{CallerIdentity, IdentityCall};
use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};

/// A call on its way.
pub(super) enum SyncCall {
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

impl SyncCall {
    pub(super) fn images(config: &Config, action: DescribeImages, seed: u64) -> Self {
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

/// The filter for images that the account has made.
pub(super) fn own_images() -> Filter {
    Filter::new("image-type", ["PRIVATE_IMAGE"])
}
