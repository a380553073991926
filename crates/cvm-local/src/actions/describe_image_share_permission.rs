//! `DescribeImageSharePermission`: the accounts that an image is shared with.

use cvm_proto::api::DescribeImageSharePermission;
use serde_json::{Value, json};

use super::{Call, Handler, answer, checks, typed};
use crate::clock::iso;
use crate::request::refusal::Refusal;

pub(super) const HANDLER: Handler = Handler {
    name: "DescribeImageSharePermission",
    run,
    causes: &[
        ("InvalidImageId.Malformed", "the id is not `img-` and eight of 0-9 and a-z"),
        ("InvalidImageId.NotFound", "the account sees no such image in the region"),
        ("UnauthorizedOperation.ImageNotBelongToAccount", "the image is public, or another account's"),
    ],
    states: &[],
};

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: DescribeImageSharePermission = typed(parameters)?;
    let image = checks::image(call, &request.image_id)?;
    checks::own_image(call, image)?;
    let shares: Vec<_> = image
        .shared_with
        .iter()
        .map(|share| {
            json!({ "CreatedTime": iso(share.since), "AccountId": call.resources.account(share.account).uin })
        })
        .collect();
    answer(out, &json!({ "SharePermissionSet": shares, "RequestId": call.request_id }))
}
