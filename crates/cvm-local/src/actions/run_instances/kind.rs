//! Where instances are, what they are, what they run, and how they are paid for.

use cvm_proto::api::RunInstances;

use super::super::{Call, checks};
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::image::{Image, ImageState};
use crate::seed::{InstanceType, RegionState};

fn missing<T>(parameter: &str) -> Result<T, Refusal> {
    refuse("MissingParameter", format!("The request is missing the parameter `{parameter}`."))
}

pub(super) fn zone(call: &Call<'_>, request: &RunInstances) -> Result<String, Refusal> {
    let Some(placement) = &request.placement else { return missing("Placement") };
    let region = call.resources.region(call.region);
    match region.zone(&placement.zone) {
        Some(zone) if zone.state == RegionState::Available => Ok(zone.zone.clone()),
        Some(zone) => refuse(
            "InvalidParameterValue.ZoneNotSupported",
            format!("The zone `{}` takes no new instances.", zone.zone),
        ),
        None => refuse(
            "InvalidZone.MismatchRegion",
            format!("`{}` has no zone `{}`.", region.id, Shown(&placement.zone)),
        ),
    }
}

pub(super) fn image<'a>(call: &'a Call<'_>, request: &RunInstances) -> Result<&'a Image, Refusal> {
    let Some(id) = &request.image_id else { return missing("ImageId") };
    let image = checks::image(call, id)?;
    let state = image.state(call.now).0;
    if state != ImageState::Normal {
        return refuse(
            "InvalidParameterValue.InvalidImageState",
            format!("The image `{id}` is {}, and not NORMAL.", state.as_str()),
        );
    }
    Ok(image)
}

/// The type that is asked for, or the first one that the image runs on.
pub(super) fn instance_type<'a>(
    call: &'a Call<'_>,
    request: &RunInstances,
    image: &Image,
) -> Result<&'a InstanceType, Refusal> {
    let Some(name) = &request.instance_type else {
        let mut types = call.resources.instance_types.iter();
        let usual = types.find(|found| !found.sold_out && image.traits.runs_on(&found.architecture));
        return usual.ok_or_else(|| {
            Refusal::new(
                "ResourcesSoldOut.SpecifiedInstanceType",
                "There is no instance type left that the image runs on.",
            )
        });
    };
    let instance_type = checks::instance_type(call.resources, name)?;
    if !image.traits.runs_on(&instance_type.architecture) {
        return refuse(
            "InvalidParameterValue.InvalidImageForGivenInstanceType",
            format!("The image `{}` does not run on the type `{name}`.", image.id),
        );
    }
    Ok(instance_type)
}

/// How the instances are paid for, and for how many months at first.
pub(super) fn charge(request: &RunInstances) -> Result<(String, Option<u32>), Refusal> {
    const KNOWN: [&str; 5] = ["POSTPAID_BY_HOUR", "PREPAID", "SPOTPAID", "CDHPAID", "CDCPAID"];
    let charge_type = request.instance_charge_type.as_ref().map_or(KNOWN[0], |charge| charge.as_str());
    checks::one_of("InstanceChargeType", Some(charge_type), &KNOWN)?;
    if charge_type != "PREPAID" {
        return Ok((charge_type.into(), None));
    }
    let Some(prepaid) = &request.instance_charge_prepaid else { return missing("InstanceChargePrepaid") };
    match u32::try_from(prepaid.period) {
        Ok(months) if matches!(months, 1..=12 | 24 | 36) => Ok((charge_type.into(), Some(months))),
        _ => refuse("InvalidPeriod", "`InstanceChargePrepaid.Period` has to be 1 to 12, 24 or 36."),
    }
}
