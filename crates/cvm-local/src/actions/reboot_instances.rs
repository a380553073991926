//! `RebootInstances`: reboots instances that run.

use cvm_proto::api::RebootInstances;
use cvm_proto::api::types::StopType;
use serde_json::Value;

use super::instance_states::{self, STOP_TYPES};
use super::{Call, Handler, checks, done, typed};
use crate::request::refusal::{Refusal, refuse};
use crate::resources::instance::{InstanceState, Transition};

pub(super) const HANDLER: Handler = Handler {
    name: "RebootInstances",
    run,
    causes: &[
        ("InvalidParameterCombination", "`ForceReboot` and `StopType` are both given"),
        ("InvalidParameterValue", "`StopType` has no such value"),
    ],
    states: &[InstanceState::Running],
};

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: RebootInstances = typed(parameters)?;
    #[allow(deprecated)]
    if request.force_reboot.is_some() && request.stop_type.is_some() {
        return refuse(
            "InvalidParameterCombination",
            "`ForceReboot` and `StopType` cannot be combined: give one of them.",
        );
    }
    checks::one_of("StopType", request.stop_type.as_ref().map(StopType::as_str), &STOP_TYPES)?;
    instance_states::chosen(call, &HANDLER, &request.instance_ids)?;
    let next = Transition::State(InstanceState::Running);
    instance_states::turn(call, &HANDLER, &request.instance_ids, InstanceState::Rebooting, next);
    done(call, out)
}
