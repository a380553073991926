//! `RunInstances`: makes instances from an image.

use cvm_proto::api::RunInstances;
use serde_json::{Value, json};

use super::{Call, Handler, answer, checks, typed};
use crate::request::refusal::{Refusal, refuse};
use crate::resources::instance::{Instance, InstanceSpec, InstanceState, Operation, Transition};

mod access;
mod disks;
mod kind;
mod names;

pub(super) const HANDLER: Handler = Handler {
    name: "RunInstances",
    run,
    causes: &[
        ("FailedOperation.DisasterRecoverGroupNotFound", "a placement group is given: there are none"),
        ("FailedOperation.SnapshotSizeLargerThanDataSize", "a data disk is smaller than its snapshot"),
        checks::OUT_OF_FUNDS,
        ("InvalidClientToken.TooLong", "the client token has more than 64 characters"),
        ("InvalidHostId.NotFound", "a dedicated host is given: there are none"),
        ("InvalidImageId.Malformed", "the id is not `img-` and eight of 0-9 and a-z"),
        ("InvalidImageId.NotFound", "the account sees no such image in the region"),
        ("InvalidInstanceName.TooLong", "the name has more than 128 characters"),
        ("InvalidInstanceType.Malformed", "`InstanceType` is not a family and a size, as `S5.MEDIUM4`"),
        ("InvalidParameter.ParameterConflict", "two of `Password`, `KeyIds` and `KeepImageLogin` are given"),
        (
            "InvalidParameter.SnapshotNotFound",
            "the account has no snapshot that a data disk is to be filled from",
        ),
        ("InvalidPeriod", "a prepaid instance is to last for other than 1 to 12, 24 or 36 months"),
        ("InvalidParameterValue", "a charge type, or a disk type, does not exist"),
        ("InvalidParameterValue.ChcHostsNotFound", "a physical server is given: there are none"),
        (
            "InvalidParameterValue.DedicatedResourcePackIdsNotFound",
            "a resource pool is given: there are none",
        ),
        ("InvalidParameterValue.DuplicateTags", "two tags have the same key"),
        ("InvalidParameterValue.IllegalHostName", "the host name has characters, or a length, that none has"),
        ("InvalidParameterValue.InstanceTypeNotFound", "the seed has no such instance type"),
        (
            "InvalidParameterValue.InvalidImageForGivenInstanceType",
            "the image and the instance type have different architectures",
        ),
        ("InvalidParameterValue.InvalidImageState", "the image is not `NORMAL`"),
        ("InvalidParameterValue.InvalidParameterMinCount", "`MinCount` is not from 1 to `InstanceCount`"),
        ("InvalidParameterValue.InvalidPassword", "the password is too short, too long, or too simple"),
        ("InvalidParameterValue.InvalidUserDataFormat", "the user data is not base64, or more than 16 KiB"),
        ("InvalidParameterValue.LaunchTemplateNotFound", "a launch template is given: there are none"),
        ("InvalidParameterValue.LimitExceeded", "there are more than 21 data disks"),
        (
            "InvalidParameterValue.Range",
            "`InstanceCount` is not from 1 to 500, or the size of a disk is none it can have",
        ),
        (
            "InvalidParameterValue.SubnetIdMalformed",
            "the subnet's id is not `subnet-` and eight of 0-9 and a-z",
        ),
        checks::TAG_WITHOUT_KEY,
        checks::TOO_MANY_TAGS,
        ("InvalidParameterValue.VpcIdMalformed", "the VPC's id is not `vpc-` and eight of 0-9 and a-z"),
        ("InvalidParameterValue.ZoneNotSupported", "the zone is `UNAVAILABLE`"),
        ("InvalidZone.MismatchRegion", "the region has no such zone"),
        (
            "LimitExceeded.InstanceQuota",
            "the account would have more instances in the region than the seed's `instance_quota`",
        ),
        ("MissingParameter", "`Placement`, `ImageId`, or what a prepaid instance needs, is not given"),
        ("ResourceNotFound.HpcCluster", "a computing cluster is given: there are none"),
        ("ResourcesSoldOut.SpecifiedInstanceType", "the instance type is sold out in the seed"),
        ("UnsupportedOperation.KeyPairUnsupportedWindows", "a key pair is given for a Windows image"),
    ],
    states: &[],
};

/// How many instances one request may ask for.
const MAX_COUNT: i64 = 500;
/// The longest client token, in characters.
const MAX_TOKEN: usize = 64;

fn run(call: &mut Call<'_>, parameters: Value, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let request: RunInstances = typed(parameters)?;
    let token = request.client_token.clone().filter(|token| !token.is_empty());
    if let Some(token) = &token {
        if token.len() > MAX_TOKEN {
            return refuse(
                "InvalidClientToken.TooLong",
                format!("`ClientToken` takes at most {MAX_TOKEN} characters."),
            );
        }
        if let Some(instances) = call.resources.launched(call.region, call.account, token) {
            return answer(out, &json!({ "InstanceIdSet": instances, "RequestId": call.request_id }));
        }
    }
    let count = count(&request)?;
    let spec = spec(call, &request)?;
    checks::balance(call)?;
    let quota = u64::from(call.resources.limits.instance_quota);
    let present = call.resources.instances(call.region, call.account, call.now).count() as u64;
    if present + count > quota {
        return refuse(
            "LimitExceeded.InstanceQuota",
            format!("There would be more than {quota} instances in the region."),
        );
    }
    checks::dry_run(request.dry_run)?;

    let Call { now, account, .. } = *call;
    let running = now.saturating_add(call.resources.limits.boot_millis);
    let operation = Operation { action: HANDLER.name.into(), request_id: call.request_id.into() };
    let ids = call.resources.launch(call.region, account, (count, token), now, |id, number, ids| {
        let mut spec = spec.clone();
        for disk in std::iter::once(&mut spec.system_disk).chain(&mut spec.data_disks) {
            disk.id = ids.resource("disk");
        }
        spec.network.give_addresses(ids);
        spec.uuid = ids.request().to_string();
        let host_name = request.host_name.as_deref().map(|host| names::numbered(host, number, count));
        spec.host_name = host_name.unwrap_or_else(|| id.clone());
        let name = request.instance_name.as_deref().filter(|name| !name.is_empty());
        Instance {
            name: names::numbered(name.unwrap_or("Unnamed"), number, count),
            id,
            account,
            created: now,
            spec,
            state: InstanceState::Pending,
            next: Some((running, Transition::State(InstanceState::Running))),
            last_operation: Some(operation.clone()),
            imaged_until: 0,
        }
    });
    answer(out, &json!({ "InstanceIdSet": ids, "RequestId": call.request_id }))
}

/// How many instances are asked for.
fn count(request: &RunInstances) -> Result<u64, Refusal> {
    let count = request.instance_count.unwrap_or(1);
    if !(1..=MAX_COUNT).contains(&count) {
        return refuse(
            "InvalidParameterValue.Range",
            format!("`InstanceCount` must be from 1 to {MAX_COUNT}."),
        );
    }
    if request.min_count.is_some_and(|least| !(1..=count).contains(&least)) {
        return refuse(
            "InvalidParameterValue.InvalidParameterMinCount",
            "`MinCount` must be from 1 to `InstanceCount`.",
        );
    }
    Ok(count.unsigned_abs())
}

/// What all the instances have, ids and addresses apart.
fn spec(call: &Call<'_>, request: &RunInstances) -> Result<InstanceSpec, Refusal> {
    refuse_what_is_not_here(request)?;
    let zone = kind::zone(call, request)?;
    let image = kind::image(call, request)?;
    let instance_type = kind::instance_type(call, request, image)?;
    let (charge_type, prepaid_months) = kind::charge(request)?;
    names::check(request, &image.traits)?;
    access::check(request, &image.traits)?;
    let system_disk = disks::system(request, image)?;
    let data_disks = disks::data(call, request)?;
    let tags = checks::tags(&request.tag_specification, "instance", checks::TOO_MANY_TAGS.0)?;
    let given: usize = request.tag_specification.iter().map(|specification| specification.tags.len()).sum();
    if given > tags.len() {
        return refuse("InvalidParameterValue.DuplicateTags", "Two tags have the same key.");
    }
    let placement = request.placement.as_ref();
    Ok(InstanceSpec {
        zone,
        project_id: placement.and_then(|placement| placement.project_id).unwrap_or(0),
        instance_type: instance_type.name.clone(),
        cpu: instance_type.cpu,
        memory_gib: instance_type.memory_gib,
        special: instance_type.special,
        image_id: image.id.clone(),
        os_name: image.traits.os_name.clone(),
        charge_type,
        prepaid_months,
        restrict_state: "NORMAL".into(),
        stop_charging: false,
        operating: false,
        reinstall_failed: false,
        protected: request.disable_api_termination == Some(true),
        system_disk,
        data_disks,
        network: access::network(request)?,
        host_name: String::new(),
        key_ids: request.login_settings.as_ref().map(|login| login.key_ids.clone()).unwrap_or_default(),
        uuid: String::new(),
        tags,
    })
}

/// What an instance may be bound to, and what the endpoint has none of.
fn refuse_what_is_not_here(request: &RunInstances) -> Result<(), Refusal> {
    let placement = request.placement.as_ref();
    let hosts = placement.is_some_and(|placement| !placement.host_ids.is_empty());
    let packs = placement.is_some_and(|placement| !placement.dedicated_resource_pack_ids.is_empty());
    let groups = !request.disaster_recover_group_ids.is_empty();
    let cluster = request.hpc_cluster_id.as_deref().is_some_and(|id| !id.is_empty());
    let absent = [
        (
            request.launch_template.is_some(),
            "InvalidParameterValue.LaunchTemplateNotFound",
            "launch template",
        ),
        (hosts, "InvalidHostId.NotFound", "dedicated host"),
        (packs, "InvalidParameterValue.DedicatedResourcePackIdsNotFound", "resource pool"),
        (groups, "FailedOperation.DisasterRecoverGroupNotFound", "placement group"),
        (cluster, "ResourceNotFound.HpcCluster", "computing cluster"),
        (!request.chc_ids.is_empty(), "InvalidParameterValue.ChcHostsNotFound", "physical server"),
    ];
    match absent.into_iter().find(|(given, ..)| *given) {
        None => Ok(()),
        Some((_, code, what)) => refuse(code, format!("The {what} does not exist.")),
    }
}
