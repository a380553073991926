//! `DescribeZones`: the zones of a region, and whether they can be used.

use serde_json::{Value, json};

use super::{Call, Handler, answer};
use crate::request::refusal::Refusal;

pub(super) const HANDLER: Handler = Handler { name: "DescribeZones", run, causes: &[], states: &[] };

fn run(call: &mut Call<'_>, _: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let zones = &call.resources.region(call.region).zones;
    let set: Vec<_> = zones
        .iter()
        .map(|zone| {
            json!({
                "Zone": zone.zone, "ZoneName": zone.name, "ZoneId": zone.id, "ZoneState": zone.state.as_str(),
            })
        })
        .collect();
    answer(out, &json!({ "TotalCount": set.len(), "ZoneSet": set, "RequestId": call.request_id }))
}
