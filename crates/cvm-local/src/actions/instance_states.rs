//! What actions on instances have in common: which instances they take, and in which states.

use super::filters::MAX_IDS;
use super::{Call, Cause, Handler, checks, specification};
use crate::clock::Moment;
use crate::ids;
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::instance::{Instance, InstanceState, Operation, Transition};

/// The code and the words for an instance that is in a state in which an action does not take it.
const STATES: [(InstanceState, Cause); 16] = {
    use InstanceState as S;
    [
        (S::Pending, ("UnsupportedOperation.InstanceStatePending", "an instance is `PENDING`")),
        (
            S::LaunchFailed,
            ("UnsupportedOperation.InstanceStateLaunchFailed", "an instance is `LAUNCH_FAILED`"),
        ),
        (S::Running, ("UnsupportedOperation.InstanceStateRunning", "an instance is `RUNNING`")),
        (S::Stopped, ("UnsupportedOperation.InstanceStateStopped", "an instance is `STOPPED`")),
        (S::Starting, ("UnsupportedOperation.InstanceStateStarting", "an instance is `STARTING`")),
        (S::Stopping, ("UnsupportedOperation.InstanceStateStopping", "an instance is `STOPPING`")),
        (S::Rebooting, ("UnsupportedOperation.InstanceStateRebooting", "an instance is `REBOOTING`")),
        (S::Shutdown, ("UnsupportedOperation.InstanceStateShutdown", "an instance is `SHUTDOWN`")),
        (S::Terminating, ("UnsupportedOperation.InstanceStateTerminating", "an instance is `TERMINATING`")),
        (
            S::EnterRescueMode,
            ("UnsupportedOperation.InstanceStateEnterRescueMode", "an instance is in `ENTER_RESCUE_MODE`"),
        ),
        (S::RescueMode, ("UnsupportedOperation.InstanceStateRescueMode", "an instance is in `RESCUE_MODE`")),
        (
            S::ExitRescueMode,
            ("UnsupportedOperation.InstanceStateExitRescueMode", "an instance is in `EXIT_RESCUE_MODE`"),
        ),
        (
            S::EnterServiceLiveMigrate,
            (
                "UnsupportedOperation.InstanceStateEnterServiceLiveMigrate",
                "an instance is in `ENTER_SERVICE_LIVE_MIGRATE`",
            ),
        ),
        (
            S::ServiceLiveMigrate,
            (
                "UnsupportedOperation.InstanceStateServiceLiveMigrate",
                "an instance is in `SERVICE_LIVE_MIGRATE`",
            ),
        ),
        (
            S::ExitServiceLiveMigrate,
            (
                "UnsupportedOperation.InstanceStateExitServiceLiveMigrate",
                "an instance is in `EXIT_SERVICE_LIVE_MIGRATE`",
            ),
        ),
        (S::Freezing, ("UnsupportedOperation.InstanceStateFreezing", "an instance is `FREEZING`")),
    ]
};

pub(super) const ID_MALFORMED: Cause =
    ("InvalidInstanceId.Malformed", "an id is not `ins-` and eight of 0-9 and a-z");

/// The ways in which an instance is shut down.
pub(super) const STOP_TYPES: [&str; 3] = ["SOFT", "SOFT_FIRST", "HARD"];

const NOT_SUPPORTED: &str = "InvalidInstance.NotSupported";
const REINSTALL_FAILED: &str = "UnsupportedOperation.InstanceReinstallFailed";
const STOP_CHARGING: &str = "UnsupportedOperation.StoppedModeStopCharging";
const OPERATING: &str = "OperationDenied.InstanceOperationInProgress";
const IMAGED: &str = "MutexOperation.TaskRunning";

/// What instances are refused for beside their states, if the action does not say otherwise.
const PROPERTIES: &[Cause] = &[
    ID_MALFORMED,
    ("InvalidInstanceId.NotFound", "the account has no such instance in the region"),
    ("InvalidParameterValue.LimitExceeded", "there are more than 100 ids"),
    (
        NOT_SUPPORTED,
        "an instance is `EXPIRED` or `PROTECTIVELY_ISOLATED`, or in a state for which the action has no code of its own",
    ),
    (REINSTALL_FAILED, "the last reinstallation of an instance failed"),
    (STOP_CHARGING, "an instance is `STOPPED` and costs nothing"),
    (OPERATING, "an operation on an instance is under way"),
    (IMAGED, "an image is being made from an instance"),
];

/// Why actions refuse instances, if they take only those in some states.
pub(super) fn causes(states: &'static [InstanceState]) -> impl Iterator<Item = &'static Cause> {
    let refused = STATES.iter().filter(|(state, _)| !states.contains(state)).map(|(_, cause)| cause);
    refused.chain(PROPERTIES).filter(|_| !states.is_empty())
}

/// Refuses an instance that an action does not take.
pub(super) fn check(handler: &Handler, instance: &Instance, now: Moment) -> Result<(), Refusal> {
    let Instance { id, spec, .. } = instance;
    let documents = |code: &str| specification(handler.name).is_some_and(|found| found.errors.contains(code));
    let state = instance.state(now).unwrap_or(instance.state);
    if spec.reinstall_failed && documents(REINSTALL_FAILED) {
        return refuse(REINSTALL_FAILED, format!("The last reinstallation of the instance `{id}` failed."));
    }
    if state == InstanceState::Stopped && spec.stop_charging && documents(STOP_CHARGING) {
        return refuse(
            STOP_CHARGING,
            format!("The instance `{id}` was stopped so that it costs nothing: start it first."),
        );
    }
    if !handler.states.contains(&state) {
        let code =
            STATES.iter().find(|(known, _)| *known == state).map_or(NOT_SUPPORTED, |(_, (code, _))| code);
        let code = if documents(code) { code } else { NOT_SUPPORTED };
        return refuse(code, format!("The instance `{id}` is {}.", state.as_str()));
    }
    if spec.restrict_state != "NORMAL" {
        return refuse(NOT_SUPPORTED, format!("The instance `{id}` is {}.", spec.restrict_state));
    }
    if now < instance.imaged_until {
        return refuse(IMAGED, format!("An image is being made from the instance `{id}`."));
    }
    if spec.operating {
        return refuse(OPERATING, format!("An operation on the instance `{id}` is under way."));
    }
    Ok(())
}

/// Refuses ids that cannot be instances'.
pub(super) fn check_ids(ids: &[String]) -> Result<(), Refusal> {
    checks::length("InstanceIds", ids, MAX_IDS)?;
    match ids.iter().find(|id| !ids::is_resource(id, "ins")) {
        None => Ok(()),
        Some(id) => refuse(
            "InvalidInstanceId.Malformed",
            format!("The instance id `{}` is malformed: it is `ins-` and eight of 0-9 and a-z.", Shown(id)),
        ),
    }
}

/// An instance is not there.
pub(super) fn no_instance(call: &Call<'_>, id: &str) -> Refusal {
    let region = &call.resources.region(call.region).id;
    Refusal::new(
        "InvalidInstanceId.NotFound",
        format!("The instance `{}` does not exist in `{region}`.", Shown(id)),
    )
}

/// The instances that are asked for, all of which an action takes.
pub(super) fn chosen<'a>(
    call: &'a Call<'_>,
    handler: &Handler,
    ids: &[String],
) -> Result<Vec<&'a Instance>, Refusal> {
    check_ids(ids)?;
    let find = |id: &String| {
        let found = call.resources.instance(call.region, call.account, id, call.now);
        let instance = found.ok_or_else(|| no_instance(call, id))?;
        check(handler, instance, call.now).map(|()| instance)
    };
    ids.iter().map(find).collect()
}

/// Puts instances into a state, and says what comes after it.
pub(super) fn turn(
    call: &mut Call<'_>,
    handler: &Handler,
    ids: &[String],
    state: InstanceState,
    next: Transition,
) {
    let at = call.now.saturating_add(call.resources.limits.boot_millis);
    for id in ids {
        if let Some(instance) = call.resources.instance_mut(call.region, id) {
            let operation = Operation { action: handler.name.into(), request_id: call.request_id.into() };
            instance.turn(state, (at, next), operation);
        }
    }
}
