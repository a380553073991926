//! `DescribeRegions`: the regions, and whether they can be used.

use serde::Serialize;
use serde_json::Value;

use super::{Call, Handler, answer};
use crate::request::refusal::Refusal;
use crate::resources;

pub(super) const HANDLER: Handler = Handler { name: "DescribeRegions", run, causes: &[], states: &[] };

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'a> {
    total_count: usize,
    region_set: Vec<Region<'a>>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Region<'a> {
    #[serde(rename = "Region")]
    id: &'a str,
    #[serde(rename = "RegionName")]
    name: &'a str,
    #[serde(rename = "RegionState")]
    state: &'static str,
}

fn run(call: &mut Call<'_>, _: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let region_set: Vec<_> = call.resources.regions().iter().map(region).collect();
    answer(out, &Response { total_count: region_set.len(), region_set, request_id: call.request_id })
}

fn region(region: &resources::Region) -> Region<'_> {
    Region { id: &region.id, name: &region.name, state: region.state.as_str() }
}
