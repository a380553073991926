//! `StartInstances`: starts instances that are stopped.

use cvm_proto::api::StartInstances;
use serde_json::Value;

use super::{Call, Handler, done, instance_states, typed};
use crate::request::refusal::Refusal;
use crate::resources::instance::{InstanceState, Transition};

pub(super) const HANDLER: Handler =
    Handler { name: "StartInstances", run, causes: &[], states: &[InstanceState::Stopped] };

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: StartInstances = typed(parameters)?;
    instance_states::chosen(call, &HANDLER, &request.instance_ids)?;
    let next = Transition::State(InstanceState::Running);
    instance_states::turn(call, &HANDLER, &request.instance_ids, InstanceState::Starting, next);
    done(call, out)
}
