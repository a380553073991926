//! An image of an instance: its system disk, and those of its data disks that are asked for.

use super::super::{Call, instance_states};
use super::{HANDLER, Source};
use crate::clock::Moment;
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::image::{DiskUsage, Snapshot, Traits};
use crate::resources::instance::{Disk, Instance, InstanceState, Operation, Transition};

pub(super) fn source(call: &mut Call<'_>, id: &str, data_disk_ids: &[String]) -> Result<Source, Refusal> {
    let found = call.resources.instance(call.region, call.account, id, call.now);
    let instance = found.ok_or_else(|| instance_states::no_instance(call, id))?;
    if instance.spec.special {
        return refuse(
            "UnsupportedOperation.SpecialInstanceType",
            format!("Images cannot be made from instances of the type `{}`.", instance.spec.instance_type),
        );
    }
    instance_states::check(&HANDLER, instance, call.now)?;
    let mut disks = vec![(DiskUsage::SystemDisk, &instance.spec.system_disk)];
    for id in data_disk_ids {
        disks.push((DiskUsage::DataDisk, data_disk(instance, id)?));
    }
    disks.iter().try_for_each(|(_, disk)| check_disk(disk))?;

    let traits = traits(call, instance);
    let sizes: Vec<_> = disks.iter().map(|&(usage, disk)| (usage, disk.size_gib)).collect();
    let snapshots = sizes
        .into_iter()
        .map(|(disk_usage, disk_gib)| Snapshot { id: call.resources.new_id("snap"), disk_usage, disk_gib })
        .collect();
    Ok(Source { traits, snapshots })
}

/// A disk of the instance that is not its system disk.
fn data_disk<'a>(instance: &'a Instance, id: &str) -> Result<&'a Disk, Refusal> {
    let spec = &instance.spec;
    if spec.system_disk.id == id {
        return refuse(
            "InvalidParameter.DataDiskIdContainsRootDisk",
            format!("`{id}` is the system disk, which is always part of the image."),
        );
    }
    let Some(disk) = spec.data_disks.iter().find(|disk| disk.id == id) else {
        return refuse(
            "InvalidParameter.DataDiskNotBelongSpecifiedInstance",
            format!("The instance `{}` has no data disk `{}`.", instance.id, Shown(id)),
        );
    };
    if disk.is_local() {
        return refuse(
            "InvalidParameter.LocalDataDiskNotSupport",
            format!("`{id}` is a local disk, and no image can be made of it."),
        );
    }
    if disk.swap {
        return refuse(
            "InvalidParameter.SwapDiskNotSupport",
            format!("`{id}` is used for swapping, and no image can be made of it."),
        );
    }
    Ok(disk)
}

fn check_disk(disk: &Disk) -> Result<(), Refusal> {
    let id = &disk.id;
    if disk.rolling_back {
        return refuse("ResourceInUse.DiskRollbacking", format!("The disk `{id}` is being rolled back."));
    }
    if disk.fast_rollback {
        return refuse(
            "UnsupportedOperation.InvalidDiskFastRollback",
            format!("The disk `{id}` came from a fast rollback, whose data is still on its way."),
        );
    }
    if disk.encrypted {
        return refuse(
            "UnsupportedOperation.EncryptedImagesNotSupported",
            format!("The disk `{id}` is encrypted, and no image can be made of it."),
        );
    }
    Ok(())
}

/// What the image has from the instance's own image, if that is still there, and from the instance.
fn traits(call: &Call<'_>, instance: &Instance) -> Traits {
    let spec = &instance.spec;
    let base = call
        .resources
        .image(call.region, call.account, &spec.image_id, call.now)
        .map(|image| image.traits.clone());
    let architecture =
        call.resources.instance_type(&spec.instance_type).map(|found| found.architecture.clone());
    let base = base.unwrap_or_else(|| Traits {
        os_name: spec.os_name.clone(),
        platform: spec.os_name.split(' ').next().unwrap_or_default().into(),
        architecture: architecture.unwrap_or_else(|| "x86_64".into()),
        ..Traits::plain()
    });
    Traits {
        size_gib: spec.system_disk.size_gib,
        source: "CREATE_IMAGE".into(),
        deprecated: false,
        dedicated_cluster_id: None,
        cdc_cache_status: None,
        ..base
    }
}

/// Holds the instance until the image is made. One that is powered off for it is started again then.
pub(super) fn hold(call: &mut Call<'_>, id: &str, until: Moment, force_poweroff: bool) {
    let Call { now, request_id, .. } = *call;
    let Some(instance) = call.resources.instance_mut(call.region, id) else { return };
    instance.imaged_until = until;
    let operation = Operation { action: HANDLER.name.into(), request_id: request_id.into() };
    if force_poweroff && instance.state(now) == Some(InstanceState::Running) {
        instance.turn(InstanceState::Stopped, (until, Transition::State(InstanceState::Running)), operation);
    } else {
        instance.last_operation = Some(operation);
    }
}
