//! `DescribeInstancesStatus`: the states of instances, in pages.

use cvm_proto::api::DescribeInstancesStatus;
use serde_json::{Value, json};

use super::{Call, Handler, answer, filters, instance_states, typed};
use crate::request::refusal::Refusal;

pub(super) const HANDLER: Handler = Handler {
    name: "DescribeInstancesStatus",
    run,
    causes: &[
        instance_states::ID_MALFORMED,
        ("InvalidParameterValue", "`Offset` is below 0, or `Limit` is not from 1 to 100"),
        ("InvalidParameterValue.LimitExceeded", "there are more than 100 ids"),
    ],
    states: &[],
};

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: DescribeInstancesStatus = typed(parameters)?;
    let (offset, limit) = filters::signed_page(request.offset, request.limit)?;
    let ids = &request.instance_ids;
    instance_states::check_ids(ids)?;
    let instances = call.resources.instances(call.region, call.account, call.now);
    let wanted = instances.filter(|instance| ids.is_empty() || ids.contains(&instance.id));
    let (page, total) = filters::page(wanted, offset, limit);
    call.next_change = page.iter().filter_map(|instance| instance.next_change(call.now)).min();
    let statuses: Vec<_> = page
        .into_iter()
        .map(|instance| json!({ "InstanceId": instance.id, "InstanceState": instance.state(call.now) }))
        .collect();
    answer(out, &json!({ "TotalCount": total, "InstanceStatusSet": statuses, "RequestId": call.request_id }))
}
