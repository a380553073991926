//! An image in the form of the API.

use std::sync::{Arc, Mutex};

use serde::ser::{Error as _, Serialize, SerializeStruct, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::{Image, ImageState};
use crate::clock::{Moment, iso};
use crate::lock::lock;

/// An image as an account sees it at a moment, in the form of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) image: &'a Image,
    pub(crate) account: usize,
    pub(crate) now: Moment,
}

/// How an image was written last, which most often is how it is written next.
#[derive(Debug, Default)]
pub(super) struct CachedJson(Mutex<Option<(Appearance, Arc<RawValue>)>>);

impl Clone for CachedJson {
    /// A clone is there to be changed.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What an image shows that depends on who looks, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Appearance {
    kind: &'static str,
    state: ImageState,
    percent: Option<u8>,
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (state, percent) = self.image.state(self.now);
        let appearance = Appearance { kind: self.image.kind(self.account), state, percent };
        let mut last = lock(&self.image.cached_json.0);
        let json = match &*last {
            Some((known, json)) if *known == appearance => Arc::clone(json),
            _ => {
                let json: Arc<RawValue> = to_raw_value(&Members { image: self.image, appearance })
                    .map_err(S::Error::custom)?
                    .into();
                *last = Some((appearance, Arc::clone(&json)));
                json
            }
        };
        drop(last);
        json.serialize(serializer)
    }
}

struct Members<'a> {
    image: &'a Image,
    appearance: Appearance,
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { image, appearance: Appearance { kind, state, percent } } = *self;
        let traits = &image.traits;
        let mut out = serializer.serialize_struct("Image", 20)?;
        out.serialize_field("ImageId", &image.id)?;
        out.serialize_field("OsName", &traits.os_name)?;
        out.serialize_field("ImageType", kind)?;
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
