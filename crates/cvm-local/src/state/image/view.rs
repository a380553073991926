//! An image in the form of the API.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Image;
use crate::clock::{Moment, iso};

/// An image as an account sees it at a moment, in the form of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) image: &'a Image,
    pub(crate) account: usize,
    pub(crate) now: Moment,
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let image = self.image;
        let traits = &image.traits;
        let (state, percent) = image.state(self.now);
        let mut out = serializer.serialize_struct("Image", 20)?;
        out.serialize_field("ImageId", &image.id)?;
        out.serialize_field("OsName", &traits.os_name)?;
        out.serialize_field("ImageType", image.kind(self.account))?;
        out.serialize_field("CreatedTime", &iso(image.created))?;
        out.serialize_field("ImageName", &image.name)?;
        out.serialize_field("ImageDescription", &traits.description)?;
        out.serialize_field("ImageSize", &traits.size_gib)?;
        out.serialize_field("Architecture", &traits.architecture)?;
        out.serialize_field("ImageState", state.as_str())?;
        out.serialize_field("Platform", &traits.platform)?;
        out.serialize_field("ImageCreator", &image.creator)?;
        out.serialize_field("ImageSource", &traits.source)?;
        out.serialize_field("SyncPercent", &percent)?;
        out.serialize_field("IsSupportCloudinit", &traits.cloudinit)?;
        out.serialize_field("SnapshotSet", &image.snapshots)?;
        out.serialize_field("Tags", &image.tags)?;
        out.serialize_field("LicenseType", &traits.license_type)?;
        out.serialize_field("ImageFamily", &traits.family)?;
        out.serialize_field("ImageDeprecated", &traits.deprecated)?;
        out.serialize_field("CdcCacheStatus", traits.cdc_cache_status.as_deref().unwrap_or_default())?;
        out.end()
    }
}
