//! The checks of a job before anything is sent.

use alloc::format;
use alloc::vec::Vec;

use super::SyncState;
use super::job::SyncJob;
use crate::api::SyncImages;
use crate::call::Action;
use crate::client::{Config, is_finance};
use crate::error::Error;
use crate::regions::WhichRegions;

/// Checks the job and makes the settings of each destination, in their order.
pub(super) fn check(state: &SyncState, config: &Config) -> Result<(Config, Vec<Config>), Error> {
    let job = &state.job;
    let home = match &job.from {
        Some(region) => config.with_region(region)?,
        None => config.clone(),
    };
    let Some(from) = home.region() else {
        return Err(Error::config("no source region: name the region that the images are in"));
    };
    if job.images.is_empty() {
        return Err(Error::parameter("no image: name at least one to copy"));
    }
    if job.to.is_empty() {
        return Err(Error::parameter("no destination region: name at least one region to copy the image to"));
    }
    let mut configs = Vec::with_capacity(job.to.len());
    for region in &job.to {
        if WhichRegions::is_pattern(region) {
            return Err(Error::parameter(format!(
                "`{}` is no region, and may stand for several: ask WhichRegions which, and give those",
                region.escape_debug()
            )));
        }
        // Only whether it can be a region's name: which regions there are, the service knows.
        configs.push(config.with_region(region)?);
        if is_finance(region) != is_finance(from) {
            return Err(Error::parameter(format!(
                "an image cannot go from {from} to {region}: finance regions are isolated from all others"
            )));
        }
    }
    pairing(job, from)?;
    let mut request = SyncImages::new(["img"], ["region"]);
    request.image_name.clone_from(&job.name);
    request.check()?;
    if job.name.as_deref() == Some("") {
        return Err(Error::parameter("the name of the copies is empty: give one, or leave it out"));
    }
    if job.name.is_some() && job.images.len() > 1 {
        return Err(Error::parameter(
            "one name for the copies of several images: leave it out, or copy them one by one",
        ));
    }
    if let Some(most) = job.max_size.filter(|most| *most < 1) {
        return Err(Error::parameter(format!("the size limit (max_size) is {most} GiB: give 1 or more")));
    }
    Ok((home, configs))
}

/// Which regions go together, as far as it does not depend on the images.
fn pairing(job: &SyncJob, from: &str) -> Result<(), Error> {
    if job.encrypt && job.to != [from] {
        return Err(Error::parameter(format!(
            "an encrypted copy stays in the image's own region: name {from} and no other destination"
        )));
    }
    if job.encrypt && job.name.is_none() {
        return Err(Error::parameter(
            "an encrypted copy stays in the region of its source, which has the name: give the copy another one",
        ));
    }
    if job.kms_key_id.is_some() && !job.encrypt {
        return Err(Error::parameter(
            "a KMS key is for an encrypted copy: ask for one, or leave the key out",
        ));
    }
    Ok(())
}
