//! An image of snapshots: one of a system disk, and any of data disks.

use super::super::Call;
use super::Source;
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::DiskSnapshot;
use crate::resources::image::{DiskUsage, ImageState, Snapshot, Traits};

pub(super) fn source(call: &Call<'_>, ids: &[String]) -> Result<Source, Refusal> {
    let snapshots: Vec<_> = ids.iter().map(|id| snapshot(call, id)).collect::<Result<_, _>>()?;
    let mut system = snapshots.iter().filter(|snapshot| snapshot.disk_usage == DiskUsage::SystemDisk);
    let Some(first) = system.next() else {
        return refuse(
            "InvalidParameter.SystemSnapshotNotFound",
            "None of the snapshots is of a system disk: an image needs one.",
        );
    };
    if system.next().is_some() {
        return refuse(
            "InvalidParameter.DuplicateSystemSnapshots",
            "Two of the snapshots are of system disks: an image takes one.",
        );
    }
    let traits = traits(call, first);
    Ok(Source { traits, snapshots })
}

/// A snapshot that an image can be made of now.
fn snapshot(call: &Call<'_>, id: &str) -> Result<Snapshot, Refusal> {
    let Some(snapshot) = call.resources.snapshot(call.region, call.account, id) else {
        return refuse(
            "InvalidParameter.SnapshotNotFound",
            format!("The snapshot `{}` does not exist.", Shown(id)),
        );
    };
    let DiskSnapshot { disk_usage, disk_gib, encrypted, ready, .. } = *snapshot;
    if encrypted {
        return refuse(
            "UnsupportedOperation.EncryptedImagesNotSupported",
            format!("The snapshot `{id}` is encrypted, and no image can be made of it."),
        );
    }
    if call.now < ready {
        return refuse(
            "ResourceUnavailable.SnapshotCreating",
            format!("The snapshot `{id}` is still being made."),
        );
    }
    let mut images = call.resources.own_images(call.region, call.account);
    if let Some(image) = images.find(|image| {
        image.state(call.now).0 == ImageState::Creating && image.snapshots.iter().any(|known| known.id == id)
    }) {
        return refuse(
            "ResourceInUse",
            format!("The image `{}` is being made of the snapshot `{id}`.", image.id),
        );
    }
    Ok(Snapshot { id: id.into(), disk_usage, disk_gib })
}

/// What the image has from another one that the system snapshot belongs to, if there is one.
fn traits(call: &Call<'_>, system: &Snapshot) -> Traits {
    let mut images = call.resources.own_images(call.region, call.account);
    let other = images.find(|image| image.snapshots.iter().any(|known| known.id == system.id));
    let base = other.map_or_else(Traits::plain, |image| image.traits.clone());
    Traits { size_gib: system.disk_gib, source: "CREATE_IMAGE".into(), deprecated: false, ..base }
}
