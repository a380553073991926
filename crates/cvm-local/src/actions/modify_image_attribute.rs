//! `ModifyImageAttribute`: changes what an image is called.

use cvm_proto::api::ModifyImageAttribute;
use serde_json::Value;

use super::{Call, Handler, checks, done, typed};
use crate::request::refusal::{Refusal, refuse};
use crate::resources::image::ImageState;

pub(super) const HANDLER: Handler = Handler {
    name: "ModifyImageAttribute",
    run,
    causes: &[
        ("InvalidImageId.IncorrectState", "the image is not `NORMAL`"),
        ("InvalidImageId.Malformed", "the id is not `img-` and eight of 0-9 and a-z"),
        (
            "InvalidImageId.NotFound",
            "the account has no such image in the region, and none is shared with it",
        ),
        checks::NAME_TAKEN,
        checks::FAMILY_MALFORMED,
        (
            "InvalidParameterValue.TooLarge",
            "the name has more than 60 characters, or the description more than 256",
        ),
        ("UnsupportedOperation.SharedImageModifyUnsupported", "the image is another account's"),
    ],
    states: &[],
};

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    const TOO_LARGE: &str = "InvalidParameterValue.TooLarge";
    let request: ModifyImageAttribute = typed(parameters)?;
    let id = &request.image_id;
    if let Some(name) = &request.image_name {
        checks::name(name, TOO_LARGE)?;
    }
    checks::description(request.image_description.as_deref(), TOO_LARGE)?;
    checks::family(request.image_family.as_deref())?;
    let image = checks::image(call, id)?;
    match image.kind(call.account) {
        "PRIVATE_IMAGE" => {}
        "SHARED_IMAGE" => {
            return refuse(
                "UnsupportedOperation.SharedImageModifyUnsupported",
                format!("The image `{id}` is another account's: only that account can change it."),
            );
        }
        _ => return Err(checks::no_image(call, id)),
    }
    let state = image.state(call.now).0;
    if state != ImageState::Normal {
        return refuse(
            "InvalidImageId.IncorrectState",
            format!("The image `{id}` is {}, and not NORMAL.", state.as_str()),
        );
    }
    if let Some(name) = request.image_name.as_ref().filter(|name| **name != image.name) {
        checks::free_name(call, call.region, name)?;
    }
    if let Some(image) = call.resources.image_mut(call.region, id) {
        let traits = &mut image.traits;
        set(&mut image.name, request.image_name);
        set(&mut traits.description, request.image_description);
        set(&mut traits.family, request.image_family);
        set(&mut traits.deprecated, request.image_deprecated);
    }
    done(call, out)
}

fn set<T>(member: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *member = value;
    }
}
