//! `cvm quota`: how many images every region has, and how many it may have.

use cvm_proto::Error;
use cvm_proto::api::types::Filter;
use cvm_proto::api::{DescribeImageQuota, DescribeImages};
use cvm_ureq::Client;
use serde_json::{Value, json};

use crate::args::{Global, Output, QuotaArgs};
use crate::failure::{Exit, Failure};
use crate::{connect, output, regions, table};

/// Shows them.
pub(crate) fn run(global: &Global, args: &QuotaArgs) -> Result<Exit, Failure> {
    let link = connect::open(global)?;
    let regions = if args.regions.is_empty() { regions::all(&link.client)? } else { args.regions.clone() };
    let answers = regions::ask(&link.client, &regions, count);
    let failed = answers.iter().find_map(|answer| answer.as_ref().err()).map(Exit::of);
    if global.output == Output::Json {
        let list: Vec<Value> = regions
            .iter()
            .zip(&answers)
            .map(|(region, answer)| match answer {
                Ok((images, quota)) => {
                    json!({ "region": region, "images": images, "quota": quota, "left": (quota - images).max(0) })
                }
                Err(error) => json!({ "region": region, "error": error }),
            })
            .collect();
        output::json(&list)?;
    } else {
        let rows: Vec<_> = regions
            .iter()
            .zip(&answers)
            .map(|(region, answer)| match answer {
                Ok((images, quota)) => vec![
                    region.clone(),
                    images.to_string(),
                    quota.to_string(),
                    (quota - images).max(0).to_string(),
                ],
                Err(error) => vec![region.clone(), "-".into(), "-".into(), error.to_string()],
            })
            .collect();
        output::lines(table::lay_out(&["REGION", "IMAGES", "QUOTA", "LEFT"], &rows))?;
    }
    Ok(failed.unwrap_or(Exit::Done))
}

/// The images of a region, and its quota.
fn count(client: &Client) -> Result<(i64, i64), Error> {
    let own = DescribeImages::default().filters([Filter::new("image-type", ["PRIVATE_IMAGE"])]).limit(1);
    let images = client.send(own)?.total_count;
    Ok((images, client.send(DescribeImageQuota::default())?.image_num_quota))
}
