//! `cvm quota`: how many images every region has, and how many it may have.

use cvm_proto::api::types::Filter;
use cvm_proto::api::{DescribeImageQuota, DescribeImages};
use cvm_proto::{Error, ErrorCode};
use cvm_ureq::Client;
use serde_json::json;

use crate::args::{Global, Output, QuotaArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{List, counted};
use crate::{connect, fan_out};

/// Shows them.
pub(crate) fn run(global: &Global, args: &QuotaArgs) -> Result<Exit, Failure> {
    let connection = connect::open(global)?;
    let regions = match (&args.regions[..], &global.region) {
        ([], None) => fan_out::all_regions(&connection.client)?,
        ([], Some(region)) => vec![region.clone()],
        (regions, _) => fan_out::named_regions(&connection.client, regions)?,
    };
    let answers = fan_out::ask(&connection.client, &regions, count);
    let failures = answers.iter().filter_map(|answer| answer.as_ref().err());
    let worst = failures.map(Exit::of).fold(Exit::Done, Exit::or_worse);
    if global.format() != Output::Json {
        answers.iter().filter_map(|answer| answer.as_ref().err()).for_each(|error| {
            Failure::from(error.clone()).show(global.format());
        });
    }
    let rows = regions.iter().zip(&answers).map(|(region, answer)| match answer {
        Ok((images, quota)) => {
            vec![region.clone(), images.to_string(), quota.to_string(), left(*images, *quota).to_string()]
        }
        Err(error) => {
            // The whole sentence stands on stderr.
            let why = error.code().map_or(error.kind().as_str(), ErrorCode::as_str);
            vec![region.clone(), "-".into(), "-".into(), why.to_owned()]
        }
    });
    let images: i64 = answers.iter().flatten().map(|(images, _)| images).sum();
    let unanswered = answers.iter().filter(|answer| answer.is_err()).count();
    let failures = counted([(unanswered, "without an answer")]);
    let mut summary = format!("{} regions, {images} images", regions.len());
    if !failures.is_empty() {
        summary = format!("{summary}, {failures}");
    }
    let list = List {
        headings: &["REGION", "IMAGES", "QUOTA", "LEFT"],
        rows: rows.collect(),
        cut: &[],
        drop: &[],
        summary,
    };
    list.show(global.format(), || {
        let entry = |(region, answer): (&String, &Result<(i64, i64), Error>)| match answer {
            Ok((images, quota)) => {
                json!({ "region": region, "images": images, "quota": quota, "left": left(*images, *quota) })
            }
            Err(error) => json!({ "region": region, "error": error }),
        };
        regions.iter().zip(&answers).map(entry).collect()
    })?;
    Ok(worst)
}

/// How many images may be added.
fn left(images: i64, quota: i64) -> i64 {
    (quota - images).max(0)
}

/// The images of a region, and its quota.
fn count(client: &Client) -> Result<(i64, i64), Error> {
    let own = DescribeImages::default().filters([Filter::new("image-type", ["PRIVATE_IMAGE"])]).limit(1);
    let images = client.send(own)?.total_count;
    Ok((images, client.send(DescribeImageQuota::default())?.image_num_quota))
}
