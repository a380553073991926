//! `DescribeImageQuota`: how many custom images an account may have in a region.

use serde::Serialize;
use serde_json::Value;

use super::{Call, Handler, answer};
use crate::request::refusal::Refusal;

pub(super) const HANDLER: Handler = Handler { name: "DescribeImageQuota", run, causes: &[], states: &[] };

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'a> {
    image_num_quota: u32,
    request_id: &'a str,
}

fn run(call: &mut Call<'_>, _: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let image_num_quota = call.resources.image_quota(call.region, call.account);
    answer(out, &Response { image_num_quota, request_id: call.request_id })
}
