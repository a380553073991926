//! The call that each task makes.

use alloc::boxed::Box;
use alloc::string::String;

use super::ImageSyncMachine;
use super::calls::{SyncCall, own_images};
use super::ids::Actor;
use super::run_state::Task;
use super::state::Target;
use crate::api::{DeleteImages, DescribeImageQuota, DescribeImages, ModifyImageAttribute};
use crate::call::{Call, Paged};
use crate::credential::IdentityCall;
use crate::regions::list_call;

impl ImageSyncMachine {
    /// The call that a task makes.
    pub(super) fn call(&self, actor: Actor, task: &Task, seed: u64) -> SyncCall {
        let source = &self.state[actor.source()];
        let (config, target) = match actor {
            Actor::Source(_) => (&self.config, None),
            Actor::Target(target) => (&self.configs[target.region], Some(&self.state[target])),
        };
        let by_id = |id: &str| SyncCall::images(config, DescribeImages::default().image_ids([id]), seed);
        match task {
            Task::Idle | Task::Look => by_id(&source.image_id),
            Task::Identify => SyncCall::Identity(Box::new(IdentityCall::new(config, seed))),
            // It is the source's side of the border of the finance regions that is asked.
            Task::ListRegions { .. } => SyncCall::Regions(Box::new(list_call(&self.config, seed))),
            Task::Watch => by_id(target.and_then(Target::image_id).map_or("", String::as_str)),
            Task::Recall(known) => by_id(&known.image_id),
            Task::Submit { batch, .. } => {
                let request = self.request(actor.source(), batch);
                SyncCall::Sync(Box::new(Call::new(config, request, seed)))
            }
            Task::Survey(survey) => SyncCall::Images(Box::new(survey.query.call(config, seed))),
            Task::Count => {
                let all = DescribeImages::default().filters([own_images()]).limit(1);
                SyncCall::images(config, all, seed)
            }
            Task::Quota { .. } => {
                SyncCall::Quota(Box::new(Call::new(config, DescribeImageQuota::default(), seed)))
            }
            Task::Probe(_) => {
                let region = match actor {
                    Actor::Target(target) => target.region,
                    Actor::Source(_) => 0,
                };
                let request = self.request(actor.source(), &[region]).dry_run(true);
                // It is the source region that copies.
                SyncCall::Sync(Box::new(Call::new(&self.config, request, seed)))
            }
            Task::Align { image, .. } => {
                let mut change = ModifyImageAttribute::new(image.image_id.as_str());
                if let Some(traits) = &source.traits {
                    change.image_description =
                        Some(traits.description.clone()).filter(|text| *text != image.image_description);
                    let family = image.image_family.as_deref().unwrap_or_default();
                    change.image_family = Some(traits.family.clone()).filter(|text| text != family);
                }
                SyncCall::Modify(Box::new(Call::new(config, change, seed)))
            }
            Task::Delete { image_id, .. } => {
                let request = DeleteImages::new([image_id.as_str()]);
                SyncCall::Delete(Box::new(Call::new(config, request, seed)))
            }
        }
    }
}
