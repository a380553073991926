//! The life of an instance, as far as images need it.

use std::time::Duration;

use cvm_local::{Clock, CvmLocal, Seed, SeedInstance};
use cvm_proto::api::types::Instance;
use cvm_proto::api::{
    CreateImage, DescribeInstances, DescribeInstancesStatus, RebootInstances, RunInstances, StartInstances,
    StopInstances, TerminateInstances,
};
use serde_json::{Value, json};

use crate::client::Client;

fn stepped() -> CvmLocal {
    CvmLocal::builder().clock(Clock::stepped()).start().unwrap()
}

fn instance(client: &Client<'_>, id: &str) -> Instance {
    let answer = client.send(DescribeInstances::default().instance_ids([id])).unwrap();
    answer.instance_set.into_iter().next().unwrap_or_else(|| panic!("{id} is not there"))
}

fn state(client: &Client<'_>, id: &str) -> String {
    instance(client, id).instance_state.as_str().to_owned()
}

fn run(client: &Client<'_>, more: Value) -> Vec<String> {
    let mut parameters = json!({ "Placement": { "Zone": "ap-shanghai-3" }, "ImageId": "img-o3ycss2p" });
    parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = client.call("RunInstances", &parameters).unwrap();
    serde_json::from_value(answer["InstanceIdSet"].clone()).unwrap()
}

#[test]
fn an_instance_is_made_and_ends() {
    let local = stepped();
    let client = Client::new(&local);
    let ids = run(
        &client,
        json!({
            "InstanceType": "S5.LARGE8", "InstanceName": "build",
            "SystemDisk": { "DiskType": "CLOUD_SSD", "DiskSize": 80 },
            "DataDisks": [{ "DiskType": "CLOUD_PREMIUM", "DiskSize": 200 }],
            "InternetAccessible": { "InternetMaxBandwidthOut": 10 },
            "VirtualPrivateCloud": { "VpcId": "vpc-1a2b3c4d", "SubnetId": "subnet-1a2b3c4d" },
            "TagSpecification": [{ "ResourceType": "instance", "Tags": [{ "Key": "team", "Value": "build" }] }],
            "UserData": "IyEvYmluL3NoCg==",
        }),
    );
    let [id] = ids.as_slice() else { panic!("{ids:?}") };
    assert_eq!(state(&client, id), "PENDING");
    local.advance(Duration::from_secs(5));
    let made = instance(&client, id);
    assert_eq!(made.instance_state.as_str(), "RUNNING");
    assert_eq!((made.instance_name.as_str(), made.instance_type.as_str()), ("build", "S5.LARGE8"));
    assert_eq!((made.cpu, made.memory, made.image_id.as_str()), (4, 8, "img-o3ycss2p"));
    assert_eq!(made.placement.zone, "ap-shanghai-3");
    let disk = made.system_disk;
    assert_eq!((disk.disk_size, disk.disk_type.unwrap().as_str()), (Some(80), "CLOUD_SSD"));
    assert_ne!(disk.disk_id, made.data_disks[0].disk_id);
    assert_eq!(made.data_disks[0].disk_size, Some(200));
    assert_eq!((made.private_ip_addresses.len(), made.public_ip_addresses.len()), (1, 1));
    assert_eq!(made.virtual_private_cloud.vpc_id, "vpc-1a2b3c4d");
    assert_eq!(made.tags[0].value, "build");
    assert_eq!(made.latest_operation.as_deref(), Some("RunInstances"));
    assert_eq!(made.latest_operation_state.unwrap().as_str(), "SUCCESS");

    client.send(TerminateInstances::new([id.as_str()])).unwrap();
    assert_eq!(state(&client, id), "TERMINATING");
    local.advance(Duration::from_secs(5));
    let answer = client.send(DescribeInstances::default().instance_ids([id.as_str()])).unwrap();
    assert_eq!((answer.total_count, answer.instance_set.len()), (0, 0), "it is gone");
    let again = json!({ "InstanceIds": [id] });
    assert_eq!(client.refused("TerminateInstances", &again), "InvalidInstanceId.NotFound");
}

#[test]
fn instances_stop_start_and_reboot() {
    let local = stepped();
    let client = Client::new(&local);
    let id = "ins-running0";
    let turn = |during: &str, after: &str| {
        let status = client.send(DescribeInstancesStatus::default().instance_ids([id])).unwrap();
        assert_eq!(status.instance_status_set[0].instance_state.as_str(), during);
        local.advance(Duration::from_secs(5));
        assert_eq!(state(&client, id), after);
    };
    client.send(RebootInstances::new([id])).unwrap();
    turn("REBOOTING", "RUNNING");
    client.send(StopInstances::new([id]).stopped_mode("STOP_CHARGING")).unwrap();
    turn("STOPPING", "STOPPED");
    assert_eq!(instance(&client, id).stop_charging_mode.as_str(), "STOP_CHARGING");
    client.send(StartInstances::new([id])).unwrap();
    turn("STARTING", "RUNNING");
}

#[test]
fn an_instance_is_held_while_an_image_is_made_of_it() {
    let local = stepped();
    let client = Client::new(&local);
    let image = CreateImage::new("first").instance_id("ins-running0").force_poweroff("TRUE");
    client.send(image).unwrap();
    assert_eq!(state(&client, "ins-running0"), "STOPPED", "it was powered off");
    let again = json!({ "ImageName": "second", "InstanceId": "ins-running0" });
    assert_eq!(client.refused("CreateImage", &again), "MutexOperation.TaskRunning");
    local.advance(Duration::from_secs(20));
    assert_eq!(state(&client, "ins-running0"), "RUNNING", "it was started again");
    client.call("CreateImage", &again).unwrap();
    assert_eq!(state(&client, "ins-running0"), "RUNNING", "nobody asked to power it off");
}

#[test]
fn several_instances_are_told_apart() {
    let local = stepped();
    let client = Client::new(&local);
    let names = |name: &str| -> Vec<String> {
        let ids = run(&client, json!({ "InstanceName": name, "InstanceCount": 2 }));
        ids.iter().map(|id| instance(&client, id).instance_name).collect()
    };
    assert_eq!(names("web"), ["web1", "web2"]);
    assert_eq!(names("web-{R:3,F:2}"), ["web-03", "web-04"]);
}

#[test]
fn a_client_token_makes_instances_once() {
    let local = stepped();
    let client = Client::new(&local);
    let ids = |token: &str| run(&client, json!({ "ClientToken": token, "InstanceCount": 2 }));
    let first = ids("a");
    assert_eq!(ids("a"), first);
    assert_ne!(ids("b"), first);
    assert_eq!(client.send(DescribeInstances::default()).unwrap().total_count, 3 + 4);
    let mut request = RunInstances::default().image_id("img-487zeit5").client_token("a");
    request.placement = Some(cvm_proto::api::types::Placement::new("ap-guangzhou-3"));
    let elsewhere = Client::new(&local).region("ap-guangzhou").send(request).unwrap();
    assert_ne!(elsewhere.instance_id_set, first, "another region has tokens of its own");
}

#[test]
fn instances_are_found_by_filters() {
    let mut seed = Seed::default();
    seed.accounts[1].instances.push(SeedInstance::new("ins-neighbor", "ap-shanghai", "web-9"));
    let local = CvmLocal::builder().seed(seed).clock(Clock::stepped()).start().unwrap();
    let client = Client::new(&local);
    let ids = |answer: Value| -> Vec<String> {
        let set = answer["InstanceSet"].as_array().unwrap();
        assert_eq!(answer["TotalCount"], set.len());
        set.iter().map(|instance| instance["InstanceId"].as_str().unwrap().to_owned()).collect()
    };
    let found = |name: &str, values: &[&str]| {
        let filters = json!({ "Filters": [{ "Name": name, "Values": values }] });
        ids(client.call("DescribeInstances", &filters).unwrap())
    };
    let all = ids(client.call("DescribeInstances", &json!({})).unwrap());
    assert_eq!(all, ["ins-running0", "ins-stopped0", "ins-rescue00"], "the account's own, newest first");
    assert_eq!(found("instance-id", &["ins-stopped0"]), ["ins-stopped0"]);
    assert_eq!(found("instance-state", &["STOPPED", "RESCUE_MODE"]), ["ins-stopped0", "ins-rescue00"]);
    assert_eq!(found("instance-name", &["web"]), ["ins-running0"]);
    assert_eq!(found("zone", &["ap-shanghai-2"]), all);
    assert_eq!(found("tag:env", &["production"]), ["ins-running0"]);
    assert_eq!(found("tag-key", &["env"]), ["ins-running0"]);
    assert_eq!(found("instance-type", &["S5.MEDIUM4"]), all);
    assert_eq!(found("image-id", &["img-487zeit5"]), all);
    assert_eq!(found("instance-charge-type", &["PREPAID"]), [""; 0]);
    assert_eq!(found("host-id", &["host-1"]), [""; 0]);
    assert_eq!(found("creation-start-time", &["2026-02-02T08:30:00Z"]), ["ins-running0", "ins-stopped0"]);
    assert_eq!(found("creation-end-time", &["2026-02-01T08:30:00Z"]), ["ins-rescue00"]);
    let whole = instance(&client, "ins-running0");
    for (name, value) in
        [("uuid", whole.uuid.as_str()), ("private-ip-address", whole.private_ip_addresses[0].as_str())]
    {
        assert_eq!(found(name, &[value]), ["ins-running0"]);
    }
    for (name, value) in [
        ("project-id", "0"),
        ("vpc-id", "vpc-default0"),
        ("subnet-id", "subnet-default0"),
        ("security-group-id", "sg-default0"),
    ] {
        assert_eq!(found(name, &[value]), all, "{name}");
    }
}

#[test]
fn instances_come_in_pages() {
    let local = stepped();
    let client = Client::new(&local);
    let page = |offset, limit| {
        let answer = client.send(DescribeInstances::default().offset(offset).limit(limit)).unwrap();
        assert_eq!(answer.total_count, 3);
        answer.instance_set.into_iter().map(|instance| instance.instance_id).collect::<Vec<_>>()
    };
    assert_eq!([page(0, 2), page(2, 2)].concat(), ["ins-running0", "ins-stopped0", "ins-rescue00"]);
}

#[test]
fn instances_come_with_every_member() {
    let local = stepped();
    let client = Client::new(&local);
    let answer = client.call("DescribeInstances", &json!({ "InstanceIds": ["ins-running0"] })).unwrap();
    let shown = &answer["InstanceSet"][0];
    for member in
        ["PublicIpAddresses", "RenewFlag", "ExpiredTime", "LatestOperation", "IPv6Addresses", "CamRoleName"]
    {
        assert_eq!(shown.get(member), Some(&Value::Null), "{member} may be null, and is not left out");
    }
    assert_eq!(shown["CreatedTime"], "2026-02-03T08:30:00Z");
    assert_eq!(shown["DataDisks"][1]["DiskType"], "LOCAL_SSD");
    let typed: Instance = serde_json::from_value(shown.clone()).unwrap();
    let members: Vec<_> = serde_json::to_value(typed).unwrap().as_object().unwrap().keys().cloned().collect();
    for member in members {
        // What has no GPU leaves it out, as the service does.
        assert!(member == "GPUInfo" || shown.get(&member).is_some(), "{member} is missing");
    }
}
