//! Refusals of what lists, makes and changes instances.

use cvm_local::{Seed, SeedInstance, coverage};
use serde_json::{Value, json};

use super::{Case, case, sound, with};
use crate::client::Client;

pub(super) fn cases() -> Vec<Case> {
    [describe(), run(), states(), properties(), lists()].into_iter().flatten().collect()
}

/// The actions that take instances in some states only.
const CHANGING: [&str; 4] = ["StartInstances", "StopInstances", "RebootInstances", "TerminateInstances"];

/// The instances of the default seed.
fn every_instance(change: impl Fn(&mut SeedInstance) + 'static) -> impl Fn(&mut Seed) {
    move |seed| seed.accounts[0].instances.iter_mut().for_each(&change)
}

fn documents(action: &str, code: &str) -> bool {
    coverage().any(|row| row.action == action && row.code == code)
}

/// An instance in each state, for each action that documents a code for it and does not take it.
fn states() -> Vec<Case> {
    const STATES: [(&str, &str); 16] = [
        ("PENDING", "UnsupportedOperation.InstanceStatePending"),
        ("LAUNCH_FAILED", "UnsupportedOperation.InstanceStateLaunchFailed"),
        ("RUNNING", "UnsupportedOperation.InstanceStateRunning"),
        ("STOPPED", "UnsupportedOperation.InstanceStateStopped"),
        ("STARTING", "UnsupportedOperation.InstanceStateStarting"),
        ("STOPPING", "UnsupportedOperation.InstanceStateStopping"),
        ("REBOOTING", "UnsupportedOperation.InstanceStateRebooting"),
        ("SHUTDOWN", "UnsupportedOperation.InstanceStateShutdown"),
        ("TERMINATING", "UnsupportedOperation.InstanceStateTerminating"),
        ("ENTER_RESCUE_MODE", "UnsupportedOperation.InstanceStateEnterRescueMode"),
        ("RESCUE_MODE", "UnsupportedOperation.InstanceStateRescueMode"),
        ("EXIT_RESCUE_MODE", "UnsupportedOperation.InstanceStateExitRescueMode"),
        ("ENTER_SERVICE_LIVE_MIGRATE", "UnsupportedOperation.InstanceStateEnterServiceLiveMigrate"),
        ("SERVICE_LIVE_MIGRATE", "UnsupportedOperation.InstanceStateServiceLiveMigrate"),
        ("EXIT_SERVICE_LIVE_MIGRATE", "UnsupportedOperation.InstanceStateExitServiceLiveMigrate"),
        ("FREEZING", "UnsupportedOperation.InstanceStateFreezing"),
    ];
    let taken = |action: &str| match action {
        "StartInstances" => vec!["STOPPED"],
        "StopInstances" | "RebootInstances" => vec!["RUNNING"],
        "TerminateInstances" => vec!["RUNNING", "STOPPED", "SHUTDOWN"],
        _ => vec!["RUNNING", "STOPPED"],
    };
    let mut cases = Vec::new();
    for action in CHANGING.into_iter().chain(["CreateImage"]) {
        for (state, code) in STATES {
            if documents(action, code) && !taken(action).contains(&state) {
                let seed = every_instance(move |instance| instance.state = state.into());
                cases.push(case(action, code, sound(action)).seed(seed));
            }
        }
    }
    cases
}

/// What an instance is refused for beside its state.
fn properties() -> Vec<Case> {
    let mut cases = Vec::new();
    for action in CHANGING.into_iter().chain(["CreateImage"]) {
        let mut add = |code, change: fn(&mut SeedInstance)| {
            if documents(action, code) {
                cases.push(case(action, code, sound(action)).seed(every_instance(change)));
            }
        };
        add("InvalidInstance.NotSupported", |instance| instance.restrict_state = "EXPIRED".into());
        add("UnsupportedOperation.InstanceReinstallFailed", |instance| instance.reinstall_failed = true);
        add("UnsupportedOperation.StoppedModeStopCharging", |instance| {
            (instance.state, instance.stop_charging) = ("STOPPED".into(), true);
        });
        add("OperationDenied.InstanceOperationInProgress", |instance| instance.operating = true);
        let imaged = move |client: &Client<'_>| {
            let id = if action == "StartInstances" { "ins-stopped0" } else { "ins-running0" };
            client.call("CreateImage", &json!({ "ImageName": "first", "InstanceId": id })).unwrap();
        };
        cases.push(case(action, "MutexOperation.TaskRunning", sound(action)).before(imaged));
    }
    // A state without a code of its own.
    let failed = every_instance(|instance| instance.state = "LAUNCH_FAILED".into());
    cases.push(case("StopInstances", "InvalidInstance.NotSupported", sound("StopInstances")).seed(failed));
    cases
}

/// Which instances an action is for.
fn lists() -> Vec<Case> {
    let mut cases = Vec::new();
    for action in CHANGING {
        let of = |ids: Value| json!({ "InstanceIds": ids });
        cases.extend([
            case(action, "InvalidInstanceId.Malformed", of(json!(["ins-1"]))),
            case(action, "InvalidInstanceId.NotFound", of(json!(["ins-00000000"]))),
            case(action, "InvalidParameterValue.LimitExceeded", of(json!(vec!["ins-running0"; 101]))),
            case(action, "MissingParameter", json!({})),
        ]);
    }
    let both = |action, forced| {
        let parameters = with(sound(action), "StopType", json!("HARD"));
        case(action, "InvalidParameterCombination", with(parameters, forced, json!(true)))
    };
    cases.push(both("StopInstances", "ForceStop"));
    cases.push(both("RebootInstances", "ForceReboot"));
    for action in ["StopInstances", "RebootInstances"] {
        cases.push(case(action, "InvalidParameterValue", with(sound(action), "StopType", json!("GENTLY"))));
    }
    let action = "TerminateInstances";
    let all = json!({ "InstanceIds": ["ins-running0", "ins-stopped0"] });
    cases.push(
        case(action, "UnsupportedOperation.InstanceMixedPricingModel", all)
            .seed(|seed| seed.accounts[0].instances[0].charge_type = "PREPAID".into()),
    );
    cases.push(
        case(action, "UnsupportedOperation.InstancesProtected", sound(action))
            .seed(every_instance(|instance| instance.protected = true)),
    );
    cases
}

fn describe() -> Vec<Case> {
    let filter = |name: &str, values: &[&str]| json!({ "Filters": [{ "Name": name, "Values": values }] });
    let ids = |count: usize| json!({ "InstanceIds": vec!["ins-running0"; count] });
    let list = |code, parameters| case("DescribeInstances", code, parameters);
    let status = |code, parameters| case("DescribeInstancesStatus", code, parameters);
    vec![
        list("FailedOperation.IllegalTagKey", filter("tag:a\tb", &["v"])),
        list("InvalidFilter", filter("colour", &["red"])),
        list("InvalidFilter", filter("instance-state", &["ASLEEP"])),
        list("InvalidFilterValue.LimitExceeded", filter("zone", &["a"; 6])),
        list("InvalidInstanceId.Malformed", json!({ "InstanceIds": ["ins-1"] })),
        list("InvalidParameter", with(ids(1), "Filters", filter("zone", &["a"])["Filters"].clone())),
        list("InvalidParameterValue", json!({ "Limit": 0 })),
        list("InvalidParameterValue", json!({ "Offset": -1 })),
        list("InvalidParameterValue.InvalidTimeFormat", filter("creation-start-time", &["yesterday"])),
        list("InvalidParameterValue.LimitExceeded", ids(101)),
        list("InvalidParameterValue.TagKeyNotFound", filter("tag:", &["v"])),
        status("InvalidInstanceId.Malformed", json!({ "InstanceIds": ["ins-1"] })),
        status("InvalidParameterValue", json!({ "Limit": 101 })),
        status("InvalidParameterValue.LimitExceeded", ids(101)),
    ]
}

fn run() -> Vec<Case> {
    let action = "RunInstances";
    let set = |name: &str, value: Value| with(sound(action), name, value);
    let placed =
        |name: &str, value: Value| set("Placement", with(json!({ "Zone": "ap-shanghai-2" }), name, value));
    let login = |login: Value| set("LoginSettings", login);
    let vpc =
        |vpc: &str, subnet: &str| set("VirtualPrivateCloud", json!({ "VpcId": vpc, "SubnetId": subnet }));
    let tags = |tags: Value| set("TagSpecification", json!([{ "ResourceType": "instance", "Tags": tags }]));
    let tag = |key: &str| json!({ "Key": key, "Value": "v" });
    let prepaid = || set("InstanceChargeType", json!("PREPAID"));
    let many: Vec<_> = (0..51).map(|i| tag(&i.to_string())).collect();
    let case = |code, parameters| case(action, code, parameters);
    vec![
        case("FailedOperation.DisasterRecoverGroupNotFound", set("DisasterRecoverGroupIds", json!(["ps-1"]))),
        case(
            "FailedOperation.SnapshotSizeLargerThanDataSize",
            set("DataDisks", json!([{ "DiskSize": 50, "SnapshotId": "snap-data0000" }])),
        ),
        case("InvalidAccount.InsufficientBalance", sound(action))
            .seed(|seed| seed.accounts[0].insufficient_balance = true),
        case("InvalidClientToken.TooLong", set("ClientToken", json!("x".repeat(65)))),
        case("InvalidHostId.NotFound", placed("HostIds", json!(["host-1"]))),
        case("InvalidImageId.Malformed", set("ImageId", json!("img-1"))),
        case("InvalidImageId.NotFound", set("ImageId", json!("img-00000000"))),
        case("InvalidInstanceName.TooLong", set("InstanceName", json!("x".repeat(129)))),
        case("InvalidInstanceType.Malformed", set("InstanceType", json!("large"))),
        case(
            "InvalidParameter.ParameterConflict",
            login(json!({ "Password": "Aa345678", "KeyIds": ["skey-1"] })),
        ),
        case(
            "InvalidParameter.SnapshotNotFound",
            set("DataDisks", json!([{ "DiskSize": 50, "SnapshotId": "snap-00000000" }])),
        ),
        case("InvalidPeriod", with(prepaid(), "InstanceChargePrepaid", json!({ "Period": 13 }))),
        case("MissingParameter", prepaid()),
        case("InvalidParameterValue", set("InstanceChargeType", json!("BARTER"))),
        case("InvalidParameterValue", set("SystemDisk", json!({ "DiskType": "TAPE" }))),
        case("InvalidParameterValue.ChcHostsNotFound", set("ChcIds", json!(["chc-1"]))),
        case(
            "InvalidParameterValue.DedicatedResourcePackIdsNotFound",
            placed("DedicatedResourcePackIds", json!(["rpp-1"])),
        ),
        case("InvalidParameterValue.DuplicateTags", tags(json!([tag("a"), tag("a")]))),
        case("InvalidParameterValue.IllegalHostName", set("HostName", json!("-web"))),
        case("InvalidParameterValue.InstanceTypeNotFound", set("InstanceType", json!("X9.HUGE"))),
        case(
            "InvalidParameterValue.InvalidImageForGivenInstanceType",
            set("InstanceType", json!("SR1.MEDIUM4")),
        ),
        case("InvalidParameterValue.InvalidImageState", set("ImageId", json!("img-creating"))),
        case("InvalidParameterValue.InvalidParameterMinCount", set("MinCount", json!(2))),
        case("InvalidParameterValue.InvalidPassword", login(json!({ "Password": "12345678" }))),
        case("InvalidParameterValue.InvalidUserDataFormat", set("UserData", json!("#!"))),
        case(
            "InvalidParameterValue.LaunchTemplateNotFound",
            set("LaunchTemplate", json!({ "LaunchTemplateId": "lt-1" })),
        ),
        case(
            "InvalidParameterValue.LimitExceeded",
            set("DataDisks", json!(vec![json!({ "DiskSize": 10 }); 22])),
        ),
        case("InvalidParameterValue.Range", set("InstanceCount", json!(501))),
        case("InvalidParameterValue.Range", set("SystemDisk", json!({ "DiskSize": 20 }))),
        case("InvalidParameterValue.Range", set("DataDisks", json!([{ "DiskSize": 15 }]))),
        case("InvalidParameterValue.SubnetIdMalformed", vpc("vpc-00000000", "subnet-1")),
        case("InvalidParameterValue.TagKeyNotFound", tags(json!([tag("")]))),
        case("InvalidParameterValue.TagQuotaLimitExceeded", tags(json!(many))),
        case("InvalidParameterValue.VpcIdMalformed", vpc("vpc-1", "subnet-00000000")),
        case("InvalidParameterValue.ZoneNotSupported", sound(action))
            .seed(|seed| seed.regions[0].zones[0].state = cvm_local::RegionState::Unavailable),
        case("InvalidZone.MismatchRegion", placed("Zone", json!("ap-seoul-1"))),
        case("LimitExceeded.InstanceQuota", set("InstanceCount", json!(2)))
            .seed(|seed| seed.instance_quota = 4),
        case("MissingParameter", json!({ "ImageId": "img-o3ycss2p" })),
        case("MissingParameter", json!({ "Placement": { "Zone": "ap-shanghai-2" } })),
        case("ResourceNotFound.HpcCluster", set("HpcClusterId", json!("hpc-1"))),
        case("ResourcesSoldOut.SpecifiedInstanceType", set("InstanceType", json!("S1.SMALL1"))),
        case("UnsupportedOperation.KeyPairUnsupportedWindows", login(json!({ "KeyIds": ["skey-1"] })))
            .seed(|seed| seed.accounts[0].images[0].platform = "Windows".into()),
    ]
}
