//! `DescribeImageFromFamily`: the newest image of a family that can be used.

use cvm_proto::api::DescribeImageFromFamily;
use serde::Serialize;
use serde_json::Value;

use super::{Call, Handler, answer, typed};
use crate::request::refusal::Refusal;
use crate::resources::image::{ImageState, View};

pub(super) const HANDLER: Handler =
    Handler { name: "DescribeImageFromFamily", run, causes: &[], states: &[] };

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'a> {
    image: Option<View<'a>>,
    request_id: &'a str,
}

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: DescribeImageFromFamily = typed(parameters)?;
    let family = request.image_family.unwrap_or_default();
    let mut images = call.resources.images(call.region, call.account, call.now);
    let image = images.find(|view| {
        let traits = &view.image.traits;
        !family.is_empty()
            && traits.family == family
            && !traits.deprecated
            && view.image.state(call.now).0 == ImageState::Normal
    });
    answer(out, &Response { image, request_id: call.request_id })
}
