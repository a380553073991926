//! `TerminateInstances`: ends instances, which then are there no more.

use cvm_proto::api::TerminateInstances;
use serde_json::Value;

use super::{Call, Handler, done, instance_states, typed};
use crate::request::refusal::{Refusal, refuse};
use crate::resources::instance::{InstanceState, Transition};

pub(super) const HANDLER: Handler = Handler {
    name: "TerminateInstances",
    run,
    causes: &[
        ("UnsupportedOperation.InstanceMixedPricingModel", "the instances are paid for in different ways"),
        ("UnsupportedOperation.InstancesProtected", "an instance is protected from being terminated"),
    ],
    states: &[InstanceState::Running, InstanceState::Stopped, InstanceState::Shutdown],
};

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: TerminateInstances = typed(parameters)?;
    let instances = instance_states::chosen(call, &HANDLER, &request.instance_ids)?;
    if let Some(instance) = instances.iter().find(|instance| instance.spec.protected) {
        return refuse(
            "UnsupportedOperation.InstancesProtected",
            format!("The instance `{}` is protected from being terminated.", instance.id),
        );
    }
    if instances.windows(2).any(|pair| pair[0].spec.charge_type != pair[1].spec.charge_type) {
        return refuse(
            "UnsupportedOperation.InstanceMixedPricingModel",
            "The instances are paid for in different ways: terminate those of one way at a time.",
        );
    }
    instance_states::turn(
        call,
        &HANDLER,
        &request.instance_ids,
        InstanceState::Terminating,
        Transition::Gone,
    );
    done(call, out)
}
