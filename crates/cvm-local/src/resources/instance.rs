//! One instance: what it is, and what state it is in at a moment.

use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::inventory::Resource;
use super::tags::Tags;
use crate::clock::{Moment, iso, parse_iso};
use crate::ids::{Stream, is_resource};
use crate::seed::{InstanceType, SeedDisk, SeedInstance};

/// The states that the API documents, and `FREEZING`, which only its error codes name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum InstanceState {
    Pending,
    LaunchFailed,
    Running,
    Stopped,
    Starting,
    Stopping,
    Rebooting,
    Shutdown,
    Terminating,
    EnterRescueMode,
    RescueMode,
    ExitRescueMode,
    EnterServiceLiveMigrate,
    ServiceLiveMigrate,
    ExitServiceLiveMigrate,
    Freezing,
}

impl InstanceState {
    /// The state as the API writes it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::LaunchFailed => "LAUNCH_FAILED",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Stopping => "STOPPING",
            Self::Rebooting => "REBOOTING",
            Self::Shutdown => "SHUTDOWN",
            Self::Terminating => "TERMINATING",
            Self::EnterRescueMode => "ENTER_RESCUE_MODE",
            Self::RescueMode => "RESCUE_MODE",
            Self::ExitRescueMode => "EXIT_RESCUE_MODE",
            Self::EnterServiceLiveMigrate => "ENTER_SERVICE_LIVE_MIGRATE",
            Self::ServiceLiveMigrate => "SERVICE_LIVE_MIGRATE",
            Self::ExitServiceLiveMigrate => "EXIT_SERVICE_LIVE_MIGRATE",
            Self::Freezing => "FREEZING",
        }
    }

    /// The state that a text such as `RUNNING` names.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(text.into()).ok()
    }
}

/// An instance in a region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) account: usize,
    pub(crate) name: String,
    pub(crate) created: Moment,
    pub(crate) spec: InstanceSpec,
    pub(crate) state: InstanceState,
    /// Its next state, and when.
    pub(crate) next: Option<(Moment, Transition)>,
    pub(crate) last_operation: Option<Operation>,
    /// Until when an image is being made from it.
    pub(crate) imaged_until: Moment,
}

/// What an instance has from the start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InstanceSpec {
    pub(crate) zone: String,
    pub(crate) project_id: i64,
    pub(crate) instance_type: String,
    pub(crate) cpu: u32,
    pub(crate) memory_gib: u32,
    /// The type has disks of its own kind, of which no image can be made.
    pub(crate) special: bool,
    pub(crate) image_id: String,
    pub(crate) os_name: String,
    pub(crate) charge_type: String,
    /// For how long a prepaid instance is paid for.
    pub(crate) prepaid_months: Option<u32>,
    pub(crate) restrict_state: String,
    pub(crate) stop_charging: bool,
    pub(crate) operating: bool,
    pub(crate) reinstall_failed: bool,
    pub(crate) protected: bool,
    pub(crate) system_disk: Disk,
    pub(crate) data_disks: Vec<Disk>,
    pub(crate) network: Network,
    pub(crate) host_name: String,
    pub(crate) key_ids: Vec<String>,
    pub(crate) uuid: String,
    pub(crate) tags: Tags,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Transition {
    /// It is in this state.
    State(InstanceState),
    /// It is there no more.
    Gone,
}

/// The latest operation, as `DescribeInstances` tells it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) action: String,
    pub(crate) request_id: String,
}

/// A disk of an instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Disk {
    pub(crate) id: String,
    pub(crate) disk_type: String,
    pub(crate) name: String,
    pub(crate) size_gib: u64,
    pub(crate) encrypted: bool,
    pub(crate) rolling_back: bool,
    pub(crate) fast_rollback: bool,
    pub(crate) swap: bool,
    /// It goes when its instance goes.
    pub(crate) deleted_with_instance: bool,
}

impl Disk {
    pub(crate) fn is_local(&self) -> bool {
        self.disk_type.starts_with("LOCAL_")
    }
}

/// How an instance is reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Network {
    pub(crate) vpc_id: String,
    pub(crate) subnet_id: String,
    pub(crate) private_ip: String,
    pub(crate) public_ip: Option<String>,
    pub(crate) bandwidth_mbps: i64,
    pub(crate) security_group_ids: Vec<String>,
}

impl Network {
    /// The network that an account has from the start, without addresses.
    pub(crate) fn usual() -> Self {
        Self {
            vpc_id: "vpc-default0".into(),
            subnet_id: "subnet-default0".into(),
            private_ip: String::new(),
            public_ip: None,
            bandwidth_mbps: 0,
            security_group_ids: vec!["sg-default0".into()],
        }
    }

    /// Gives an instance addresses: a public one, from those kept for documentation, if it has any bandwidth.
    pub(crate) fn give_addresses(&mut self, ids: &mut Stream) {
        let [a, b, c, ..] = ids.next().to_le_bytes();
        self.private_ip = format!("10.0.{a}.{}", b.clamp(2, 254));
        self.public_ip = (self.bandwidth_mbps > 0).then(|| format!("203.0.113.{}", c.clamp(1, 254)));
    }
}

impl Resource for Instance {
    type Owner = usize;

    fn owner(&self) -> usize {
        self.account
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> Moment {
        self.created
    }
}

impl Instance {
    /// The instance that a seed describes.
    pub(crate) fn seeded(
        seed: &SeedInstance,
        account: usize,
        zone: &str,
        instance_type: &InstanceType,
        ids: &mut Stream,
    ) -> Result<Self, String> {
        let at_fault =
            |what: &str| Err(format!("the instance `{}` in `{}` has {what}", seed.id, seed.region));
        if !is_resource(&seed.id, "ins") {
            return at_fault("an id of the wrong form: use `ins-` and eight of 0-9 and a-z");
        }
        let Some(created) = parse_iso(&seed.created) else {
            return at_fault("a time `created` that cannot be read: write it as `2026-01-31T08:00:00Z`");
        };
        let Some(state) = InstanceState::parse(&seed.state) else {
            return at_fault("a state that does not exist: use one such as `RUNNING` or `STOPPED`");
        };
        if !["NORMAL", "EXPIRED", "PROTECTIVELY_ISOLATED"].contains(&seed.restrict_state.as_str()) {
            return at_fault(
                "a `restrict_state` that does not exist: use `NORMAL`, `EXPIRED` or `PROTECTIVELY_ISOLATED`",
            );
        }
        let mut network = Network::usual();
        network.give_addresses(ids);
        Ok(Self {
            id: seed.id.clone(),
            account,
            name: seed.name.clone(),
            created,
            spec: InstanceSpec {
                zone: zone.into(),
                project_id: 0,
                instance_type: instance_type.name.clone(),
                cpu: instance_type.cpu,
                memory_gib: instance_type.memory_gib,
                special: instance_type.special,
                image_id: seed.image_id.clone(),
                os_name: seed.os_name.clone(),
                charge_type: seed.charge_type.clone(),
                prepaid_months: (seed.charge_type == "PREPAID").then_some(1),
                restrict_state: seed.restrict_state.clone(),
                stop_charging: seed.stop_charging,
                operating: seed.operating,
                reinstall_failed: seed.reinstall_failed,
                protected: seed.protected,
                system_disk: Disk::seeded(&seed.system_disk, ids),
                data_disks: seed.data_disks.iter().map(|disk| Disk::seeded(disk, ids)).collect(),
                network,
                host_name: seed.name.clone(),
                key_ids: Vec::new(),
                uuid: ids.request().to_string(),
                tags: Tags::from(&seed.tags),
            },
            state,
            next: None,
            last_operation: None,
            imaged_until: 0,
        })
    }

    /// The state at a moment; `None` once it is gone.
    pub(crate) fn state(&self, now: Moment) -> Option<InstanceState> {
        match self.next {
            Some((at, next)) if now >= at => match next {
                Transition::State(state) => Some(state),
                Transition::Gone => None,
            },
            _ => Some(self.state),
        }
    }

    /// Whether it is in a state only for a while, or an operation on it does not end.
    pub(crate) fn is_operating(&self, now: Moment) -> bool {
        self.spec.operating || self.next.is_some_and(|(at, _)| now < at) || now < self.imaged_until
    }

    /// When it next changes by itself, or an image of it is done; `None` if nothing is under way that ends.
    pub(crate) fn next_change(&self, now: Moment) -> Option<Moment> {
        let next = self.next.map(|(at, _)| at);
        [next, Some(self.imaged_until)].into_iter().flatten().filter(|&at| now < at).min()
    }

    /// Puts it into a state, and says what comes after.
    pub(crate) fn turn(&mut self, state: InstanceState, next: (Moment, Transition), operation: Operation) {
        self.state = state;
        self.next = Some(next);
        self.last_operation = Some(operation);
    }

    pub(crate) fn is_windows(&self) -> bool {
        self.spec.os_name.starts_with("Windows")
    }

    /// In the form of the API, at a moment.
    pub(crate) fn view(&self, now: Moment) -> InstanceView<'_> {
        InstanceView { instance: self, now }
    }
}

/// An instance at a moment, in the form of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InstanceView<'a> {
    instance: &'a Instance,
    now: Moment,
}

impl Serialize for InstanceView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { instance, now } = *self;
        let spec = &instance.spec;
        let Network { vpc_id, subnet_id, private_ip, public_ip, bandwidth_mbps, security_group_ids } =
            &spec.network;
        let operation = instance.last_operation.as_ref();
        let outcome = if instance.is_operating(now) { "OPERATING" } else { "SUCCESS" };
        let expires = spec
            .prepaid_months
            .map(|months| iso(instance.created.saturating_add(MONTH.saturating_mul(months.into()))));
        let prepaid = expires.is_some();
        let state = instance.state(now);
        let stop_charging = match state {
            Some(InstanceState::Stopped) if spec.stop_charging => "STOP_CHARGING",
            Some(InstanceState::Stopped) => "KEEP_CHARGING",
            _ => "NOT_APPLICABLE",
        };
        let mut out = serializer.serialize_struct("Instance", 47)?;
        out.serialize_field(
            "Placement",
            &json!({ "Zone": spec.zone, "ProjectId": spec.project_id, "HostId": "" }),
        )?;
        out.serialize_field("InstanceId", &instance.id)?;
        out.serialize_field("InstanceType", &spec.instance_type)?;
        out.serialize_field("CPU", &spec.cpu)?;
        out.serialize_field("Memory", &spec.memory_gib)?;
        out.serialize_field("RestrictState", &spec.restrict_state)?;
        out.serialize_field("InstanceName", &instance.name)?;
        out.serialize_field("InstanceChargeType", &spec.charge_type)?;
        out.serialize_field("SystemDisk", &spec.system_disk.system_view())?;
        out.serialize_field("DataDisks", &spec.data_disks.iter().map(Disk::data_view).collect::<Vec<_>>())?;
        out.serialize_field("PrivateIpAddresses", &json!([private_ip]))?;
        out.serialize_field("PublicIpAddresses", &public_ip.as_ref().map(|ip| [ip]))?;
        out.serialize_field(
            "InternetAccessible",
            &json!({
            "InternetChargeType": if prepaid { "BANDWIDTH_PREPAID" } else { "TRAFFIC_POSTPAID_BY_HOUR" },
            "InternetMaxBandwidthOut": bandwidth_mbps,
            }),
        )?;
        out.serialize_field(
            "VirtualPrivateCloud",
            &json!({ "VpcId": vpc_id, "SubnetId": subnet_id, "AsVpcGateway": false }),
        )?;
        out.serialize_field("ImageId", &spec.image_id)?;
        out.serialize_field("RenewFlag", &prepaid.then_some("NOTIFY_AND_MANUAL_RENEW"))?;
        out.serialize_field("CreatedTime", &iso(instance.created))?;
        out.serialize_field("ExpiredTime", &expires)?;
        out.serialize_field("OsName", &spec.os_name)?;
        out.serialize_field("SecurityGroupIds", &security_group_ids)?;
        out.serialize_field("LoginSettings", &json!({ "KeyIds": spec.key_ids }))?;
        out.serialize_field("InstanceState", &state)?;
        out.serialize_field("Tags", &spec.tags)?;
        out.serialize_field("StopChargingMode", stop_charging)?;
        out.serialize_field("Uuid", &spec.uuid)?;
        out.serialize_field("LatestOperation", &operation.map(|operation| &operation.action))?;
        out.serialize_field("LatestOperationState", &operation.map(|_| outcome))?;
        out.serialize_field("LatestOperationRequestId", &operation.map(|operation| &operation.request_id))?;
        out.serialize_field("DisasterRecoverGroupId", "")?;
        out.serialize_field("IPv6Addresses", &())?;
        out.serialize_field("CamRoleName", &())?;
        out.serialize_field("HpcClusterId", "")?;
        out.serialize_field("RdmaIpAddresses", &())?;
        out.serialize_field("DedicatedClusterId", "")?;
        out.serialize_field("IsolatedSource", "NOTISOLATED")?;
        out.serialize_field("DisasterRecoverGroupIds", &json!([]))?;
        out.serialize_field("LicenseType", "TencentCloud")?;
        out.serialize_field("DisableApiTermination", &spec.protected)?;
        out.serialize_field("HostName", &spec.host_name)?;
        out.serialize_field(
            "DefaultLoginUser",
            &(if instance.is_windows() { "Administrator" } else { "root" }),
        )?;
        out.serialize_field("DefaultLoginPort", &(if instance.is_windows() { 3389 } else { 22 }))?;
        out.serialize_field("LatestOperationErrorMsg", &())?;
        out.serialize_field("EnableJumboFrame", &false)?;
        out.serialize_field("Metadata", &json!({ "Items": [] }))?;
        out.serialize_field("PublicIPv6Addresses", &json!([]))?;
        out.serialize_field(
            "CpuTopology",
            &json!({ "CoreCount": spec.cpu.div_ceil(2), "ThreadPerCore": 2 }),
        )?;
        out.serialize_field("PartitionNumber", &0)?;
        out.end()
    }
}

/// A month that is paid for, in milliseconds.
const MONTH: Moment = 30 * 24 * 3_600_000;

impl Disk {
    fn seeded(seed: &SeedDisk, ids: &mut Stream) -> Self {
        Self {
            id: if seed.id.is_empty() { ids.resource("disk") } else { seed.id.clone() },
            disk_type: seed.disk_type.clone(),
            name: String::new(),
            size_gib: seed.size_gib,
            encrypted: seed.encrypted,
            rolling_back: seed.rolling_back,
            fast_rollback: seed.fast_rollback,
            swap: seed.swap,
            deleted_with_instance: true,
        }
    }

    fn system_view(&self) -> Value {
        json!({
            "DiskType": self.disk_type, "DiskId": self.id, "DiskSize": self.size_gib, "CdcId": null,
            "DiskName": self.name, "Encrypt": self.encrypted, "KmsKeyId": "",
        })
    }

    fn data_view(&self) -> Value {
        json!({
            "DiskSize": self.size_gib, "DiskType": self.disk_type, "DiskId": self.id,
            "DeleteWithInstance": self.deleted_with_instance, "SnapshotId": "", "Encrypt": self.encrypted,
            "KmsKeyId": null, "ThroughputPerformance": 0, "CdcId": null, "BurstPerformance": false,
            "DiskName": self.name,
        })
    }
}
