//! The disks of new instances.

use cvm_proto::api::RunInstances;

use super::super::{Call, checks};
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::image::Image;
use crate::resources::instance::Disk;

const USUAL_TYPE: &str = "CLOUD_PREMIUM";
/// The smallest system disk, in GiB.
const MIN_SYSTEM_GIB: u64 = 20;
/// The usual system disk, in GiB.
const USUAL_SYSTEM_GIB: u64 = 50;
/// The smallest data disk, and the step to the next size, in GiB.
const MIN_DATA_GIB: u64 = 10;
/// The largest disk, in GiB.
const MAX_GIB: u64 = 32_000;
const MAX_DATA_DISKS: usize = 21;

pub(super) fn system(request: &RunInstances, image: &Image) -> Result<Disk, Refusal> {
    let asked = request.system_disk.clone().unwrap_or_default();
    let least = image.traits.size_gib.max(MIN_SYSTEM_GIB);
    let size_gib = match asked.disk_size {
        Some(size) => size_within("SystemDisk.DiskSize", size, least, 1)?,
        None => least.max(USUAL_SYSTEM_GIB),
    };
    Ok(Disk {
        name: asked.disk_name.unwrap_or_default(),
        encrypted: asked.encrypt == Some(true),
        ..disk(asked.disk_type.as_ref().map_or(USUAL_TYPE, |kind| kind.as_str()), size_gib)?
    })
}

/// The data disks. One of size 0 means none.
pub(super) fn data(call: &Call<'_>, request: &RunInstances) -> Result<Vec<Disk>, Refusal> {
    checks::length("DataDisks", &request.data_disks, MAX_DATA_DISKS)?;
    let mut disks = Vec::with_capacity(request.data_disks.len());
    for asked in request.data_disks.iter().filter(|asked| asked.disk_size != Some(0)) {
        let size = asked.disk_size.unwrap_or_default();
        let size_gib = size_within("DataDisks.DiskSize", size, MIN_DATA_GIB, MIN_DATA_GIB)?;
        if let Some(id) = asked.snapshot_id.as_deref().filter(|id| !id.is_empty()) {
            let Some(snapshot) = call.resources.snapshot(call.region, call.account, id) else {
                return refuse(
                    "InvalidParameter.SnapshotNotFound",
                    format!("The snapshot `{}` does not exist.", Shown(id)),
                );
            };
            if snapshot.disk_gib > size_gib {
                return refuse(
                    "FailedOperation.SnapshotSizeLargerThanDataSize",
                    format!(
                        "A data disk of {size_gib} GiB does not hold the snapshot `{id}` of {} GiB.",
                        snapshot.disk_gib
                    ),
                );
            }
        }
        disks.push(Disk {
            name: asked.disk_name.clone().unwrap_or_default(),
            encrypted: asked.encrypt == Some(true),
            deleted_with_instance: asked.delete_with_instance.unwrap_or(true),
            ..disk(asked.disk_type.as_ref().map_or("LOCAL_BASIC", |kind| kind.as_str()), size_gib)?
        });
    }
    Ok(disks)
}

fn size_within(parameter: &str, size: i64, least: u64, step: u64) -> Result<u64, Refusal> {
    match u64::try_from(size) {
        Ok(size) if (least..=MAX_GIB).contains(&size) && size % step == 0 => Ok(size),
        _ => refuse(
            "InvalidParameterValue.Range",
            format!("`{parameter}` has to be from {least} to {MAX_GIB}, in steps of {step}."),
        ),
    }
}

fn disk(disk_type: &str, size_gib: u64) -> Result<Disk, Refusal> {
    const KNOWN: [&str; 8] = [
        "CLOUD_PREMIUM",
        "CLOUD_BASIC",
        "CLOUD_SSD",
        "CLOUD_BSSD",
        "CLOUD_HSSD",
        "CLOUD_TSSD",
        "LOCAL_BASIC",
        "LOCAL_SSD",
    ];
    checks::one_of("DiskType", Some(disk_type), &KNOWN)?;
    Ok(Disk {
        id: String::new(),
        disk_type: disk_type.into(),
        name: String::new(),
        size_gib,
        encrypted: false,
        rolling_back: false,
        fast_rollback: false,
        swap: false,
        deleted_with_instance: true,
    })
}
