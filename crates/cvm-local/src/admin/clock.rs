//! The clock: read, set, moved.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AdminError, AdminResult, ok};
use crate::clock::{Clock, Pace, iso, parse_iso};
use crate::service::Service;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PaceName {
    Real,
    Scaled,
    Stepped,
    AutoAdvance,
}

/// The clock as it is.
#[derive(Serialize)]
struct ClockView {
    pace: PaceName,
    factor: f64,
    image_time: String,
    skew_seconds: i64,
    signature_unix: u64,
}

/// What is to be another way; what is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockPatch {
    pace: Option<PaceName>,
    factor: Option<f64>,
    image_time: Option<String>,
    skew_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    seconds: f64,
}

pub(super) fn read(service: &Service) -> AdminResult {
    let clock = service.running_clock.clock();
    let (pace, factor) = match clock.pace {
        Pace::Stepped => (PaceName::Stepped, 0.0),
        Pace::AutoAdvance => (PaceName::AutoAdvance, 0.0),
        Pace::Scaled(1.0) => (PaceName::Real, 1.0),
        Pace::Scaled(factor) => (PaceName::Scaled, factor),
    };
    ok(&ClockView {
        pace,
        factor,
        image_time: iso(service.running_clock.now()),
        skew_seconds: clock.skew,
        signature_unix: service.running_clock.unix(),
    })
}

pub(super) fn change(service: &Service, change: ClockPatch) -> AdminResult {
    let time = match &change.image_time {
        None => None,
        Some(text) => Some(parse_iso(text).ok_or_else(|| {
            AdminError::bad("`image_time` cannot be read: write it as `2026-01-31T08:00:00Z`.")
        })?),
    };
    let now = service.running_clock.clock();
    let clock = match (change.pace, change.factor) {
        (None, None) => now,
        (Some(PaceName::Real), None) => Clock::real(),
        (Some(PaceName::Stepped), None) => Clock::stepped(),
        (Some(PaceName::AutoAdvance), None) => Clock::auto_advanced(),
        (Some(PaceName::Scaled) | None, Some(factor)) => Clock::scaled(factor),
        (Some(PaceName::Scaled), None) => {
            return Err(AdminError::bad("The pace `scaled` needs a `factor`, such as 60."));
        }
        (Some(_), Some(_)) => {
            return Err(AdminError::bad("A `factor` can only be given with the pace `scaled`."));
        }
    };
    let clock = clock.with_skew(change.skew_seconds.unwrap_or(now.skew));
    service.set_clock(clock).map_err(|error| AdminError::bad(super::sentence(&error)))?;
    if let Some(time) = time {
        service.set_time(time);
    }
    read(service)
}

pub(super) fn advance(service: &Service, advance: Advance) -> AdminResult {
    let by = Duration::try_from_secs_f64(advance.seconds).map_err(|_| {
        AdminError::bad(format!(
            "`seconds` is {}: give a number from 0 upwards, such as 20.",
            advance.seconds
        ))
    })?;
    service.advance(by);
    read(service)
}
