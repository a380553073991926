//! `DeleteImages`: takes custom images away, with their snapshots or without.

use cvm_proto::api::DeleteImages;
use serde_json::Value;

use super::{Call, Handler, checks, done, typed};
use crate::request::refusal::{Refusal, refuse};
use crate::resources::Removal;
use crate::resources::image::{Image, ImageState};
use crate::resources::instance::InstanceState;

pub(super) const HANDLER: Handler = Handler {
    name: "DeleteImages",
    run,
    causes: &[
        ("InvalidImageId.InShared", "an image is shared with another account"),
        (
            "InvalidImageId.IncorrectState",
            "an image is being made or copied, or an instance is being made from it",
        ),
        ("InvalidImageId.Malformed", "an id is not `img-` and eight of 0-9 and a-z"),
        ("InvalidImageId.NotFound", "the account sees no such image in the region"),
        ("InvalidParameterValue.InvalidImageId", "an image is public"),
        ("InvalidParameterValue.InvalidImageIdIsShared", "an image is another account's"),
        ("InvalidParameterValue.LimitExceeded", "there are more than 50 ids"),
        ("MutexOperation.TaskRunning", "an image is being exported"),
    ],
    states: &[],
};

/// How many images one request may name.
const MAX_IMAGES: usize = 50;

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: DeleteImages = typed(parameters)?;
    checks::length("ImageIds", &request.image_ids, MAX_IMAGES)?;
    for id in &request.image_ids {
        check(call, checks::image(call, id)?)?;
    }
    checks::dry_run(request.dry_run)?;
    call.resources.remove_images(&Removal {
        region: call.region,
        images: &request.image_ids,
        snapshots: request.delete_binded_snap == Some(true),
    });
    done(call, out)
}

fn check(call: &Call<'_>, image: &Image) -> Result<(), Refusal> {
    let id = &image.id;
    match image.kind(call.account) {
        "PUBLIC_IMAGE" => {
            return refuse(
                "InvalidParameterValue.InvalidImageId",
                format!("The image `{id}` is public: it cannot be deleted."),
            );
        }
        "SHARED_IMAGE" => {
            return refuse(
                "InvalidParameterValue.InvalidImageIdIsShared",
                format!("The image `{id}` is another account's: only that account can delete it."),
            );
        }
        _ => {}
    }
    let state = image.state(call.now).0;
    if matches!(state, ImageState::Creating | ImageState::Syncing | ImageState::Importing) {
        return refuse(
            "InvalidImageId.IncorrectState",
            format!("The image `{id}` is {}: it cannot be deleted yet.", state.as_str()),
        );
    }
    let mut instances = call.resources.instances(call.region, call.account, call.now);
    if let Some(instance) = instances.find(|instance| {
        instance.spec.image_id == *id && instance.state(call.now) == Some(InstanceState::Pending)
    }) {
        return refuse(
            "InvalidImageId.IncorrectState",
            format!("The instance `{}` is being made from the image `{id}`.", instance.id),
        );
    }
    if image.is_being_exported(call.now) {
        return refuse("MutexOperation.TaskRunning", format!("The image `{id}` is being exported."));
    }
    if !image.shared_with.is_empty() {
        return refuse(
            "InvalidImageId.InShared",
            format!("The image `{id}` is shared: stop sharing it with `ModifyImageSharePermission` first."),
        );
    }
    Ok(())
}
