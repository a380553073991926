//! `cvm images`: the images of one region, or of several side by side.

use std::collections::BTreeMap;

use cvm_proto::Error;
use cvm_proto::api::DescribeImages;
use cvm_proto::api::types::{Filter, Image};
use cvm_ureq::Client;
use serde_json::{Value, json};

use crate::args::{Global, ImagesArgs, Kind, Output};
use crate::failure::{Exit, Failure};
use crate::{connect, output, regions, table};

/// Lists them.
pub(crate) fn run(global: &Global, args: &ImagesArgs) -> Result<Exit, Failure> {
    let link = connect::open(global)?;
    let regions = if args.all_regions {
        regions::all(&link.client)?
    } else if args.regions.is_empty() {
        let own =
            link.client.config().region().ok_or_else(|| {
                Failure::usage("no region: name one with --region, or several with --regions")
            })?;
        vec![own.to_owned()]
    } else {
        args.regions.clone()
    };
    let answers = regions::ask(&link.client, &regions, |client| list(client, args));
    let mut lists = Vec::new();
    let mut failed = None;
    for (region, answer) in regions.into_iter().zip(answers) {
        match answer {
            Ok(images) => lists.push((region, images)),
            // The others are shown all the same.
            Err(error) => {
                let failure = Failure::from(error);
                failure.show(global.output);
                failed = Some(failure.exit);
            }
        }
    }
    if global.output == Output::Json {
        let images = lists
            .iter()
            .flat_map(|(region, images)| images.iter().map(move |image| with_region(image, region)));
        output::json(&images.collect::<Vec<Value>>())?;
    } else if let [(_, images)] = lists.as_slice() {
        output::lines(one_region(images))?;
    } else if !lists.is_empty() {
        output::lines(side_by_side(&lists))?;
    }
    Ok(failed.unwrap_or(Exit::Done))
}

/// All images of a region that the options ask for.
fn list(client: &Client, args: &ImagesArgs) -> Result<Vec<Image>, Error> {
    let kind = match args.kind {
        Kind::Private => Some("PRIVATE_IMAGE"),
        Kind::Shared => Some("SHARED_IMAGE"),
        Kind::Public => Some("PUBLIC_IMAGE"),
        Kind::Any => None,
    };
    let filters =
        [("image-type", kind), ("image-name", args.name.as_deref()), ("platform", args.platform.as_deref())];
    let filters = filters.into_iter().filter_map(|(name, value)| Some(Filter::new(name, [value?])));
    let list = DescribeImages::default().filters(filters);
    let mut images = client.items(list).collect::<Result<Vec<_>, _>>()?;
    // The service has no filter for it.
    if let Some(state) = &args.state {
        images.retain(|image: &Image| image.image_state.as_str().eq_ignore_ascii_case(state));
    }
    Ok(images)
}

fn with_region(image: &Image, region: &str) -> Value {
    let mut image = json!(image);
    image["Region"] = region.into();
    image
}

fn one_region(images: &[Image]) -> String {
    let rows: Vec<_> = images
        .iter()
        .map(|image| {
            vec![
                image.image_id.clone(),
                image.image_name.clone(),
                state(image),
                format!("{} GiB", image.image_size),
                image.os_name.clone(),
                image.created_time.clone(),
            ]
        })
        .collect();
    table::lay_out(&["IMAGE", "NAME", "STATE", "SIZE", "SYSTEM", "CREATED"], &rows)
}

/// A row for each name, a column for each region.
fn side_by_side(lists: &[(String, Vec<Image>)]) -> String {
    let mut by_name: BTreeMap<&str, Vec<Vec<String>>> = BTreeMap::new();
    for (column, (_, images)) in lists.iter().enumerate() {
        for image in images {
            let columns = by_name.entry(&image.image_name).or_insert_with(|| vec![Vec::new(); lists.len()]);
            let ready = image.image_state == "NORMAL";
            let text =
                if ready { image.image_id.clone() } else { format!("{} {}", image.image_id, state(image)) };
            columns[column].push(text);
        }
    }
    let headings: Vec<&str> =
        std::iter::once("NAME").chain(lists.iter().map(|(region, _)| region.as_str())).collect();
    let mut rows = Vec::new();
    for (name, columns) in by_name {
        // A name that several images of a region have takes as many rows.
        for line in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
            let cells = columns.iter().map(|column| column.get(line).cloned().unwrap_or_else(|| "-".into()));
            let first = if line == 0 { name.to_owned() } else { String::new() };
            rows.push(std::iter::once(first).chain(cells).collect());
        }
    }
    table::lay_out(&headings, &rows)
}

fn state(image: &Image) -> String {
    match image.sync_percent.filter(|_| image.image_state == "SYNCING") {
        Some(percent) => format!("SYNCING {percent} %"),
        None => image.image_state.to_string(),
    }
}
