//! `StopInstances`: stops instances that run.

use cvm_proto::api::StopInstances;
use cvm_proto::api::types::{StopType, StoppedMode};
use serde_json::Value;

use super::instance_states::{self, STOP_TYPES};
use super::{Call, Handler, checks, done, typed};
use crate::request::refusal::{Refusal, refuse};
use crate::resources::instance::{InstanceState, Transition};

pub(super) const HANDLER: Handler = Handler {
    name: "StopInstances",
    run,
    causes: &[
        ("InvalidParameterCombination", "`ForceStop` and `StopType` are both given"),
        ("InvalidParameterValue", "`StopType` or `StoppedMode` has no such value"),
    ],
    states: &[InstanceState::Running],
};

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: StopInstances = typed(parameters)?;
    #[allow(deprecated)]
    if request.force_stop.is_some() && request.stop_type.is_some() {
        return refuse(
            "InvalidParameterCombination",
            "`ForceStop` and `StopType` cannot be combined: give one of them.",
        );
    }
    checks::one_of("StopType", request.stop_type.as_ref().map(StopType::as_str), &STOP_TYPES)?;
    let mode = request.stopped_mode.as_ref().map(StoppedMode::as_str);
    checks::one_of("StoppedMode", mode, &["KEEP_CHARGING", "STOP_CHARGING"])?;
    let stop_charging = mode == Some("STOP_CHARGING");
    instance_states::chosen(call, &HANDLER, &request.instance_ids)?;
    let next = Transition::State(InstanceState::Stopped);
    instance_states::turn(call, &HANDLER, &request.instance_ids, InstanceState::Stopping, next);
    for id in &request.instance_ids {
        if let Some(instance) = call.resources.instance_mut(call.region, id) {
            // Only what is paid by the hour can cost nothing.
            instance.spec.stop_charging = stop_charging && instance.spec.charge_type == "POSTPAID_BY_HOUR";
        }
    }
    done(call, out)
}
