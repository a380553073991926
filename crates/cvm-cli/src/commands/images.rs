//! `cvm images`: the images of one region, or of several side by side.

use std::collections::BTreeMap;

use cvm_proto::Error;
use cvm_proto::api::DescribeImages;
use cvm_proto::api::types::{Filter, Image};
use cvm_ureq::Client;
use serde_json::{Value, json};

use crate::args::{Global, ImageKind, ImagesArgs, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::List;
use crate::{connect, fan_out};

/// Lists them.
pub(crate) fn run(global: &Global, args: &ImagesArgs) -> Result<Exit, Failure> {
    let connection = connect::open(global)?;
    let regions = if args.all_regions {
        fan_out::all_regions(&connection.client)?
    } else if args.regions.is_empty() {
        let own =
            connection.client.config().region().ok_or_else(|| {
                Failure::usage("no region: name one with --region, or several with --regions")
            })?;
        vec![own.to_owned()]
    } else {
        fan_out::named_regions(&connection.client, &args.regions)?
    };
    let asked = regions.len();
    let answers = fan_out::ask(&connection.client, &regions, |client| list(client, args));
    let mut lists = Vec::new();
    let mut worst = Exit::Done;
    for (region, answer) in regions.into_iter().zip(answers) {
        match answer {
            Ok(images) => lists.push((region, images)),
            // The others are shown all the same.
            Err(error) => {
                let failure = Failure::from(error);
                failure.show(global.format());
                worst = worst.or_worse(failure.exit);
            }
        }
    }
    if lists.is_empty() && global.format() != Output::Json {
        return Ok(worst);
    }
    let json = || {
        lists.iter().flat_map(|(region, images)| images.iter().map(|of| with_region(of, region))).collect()
    };
    let summary = summary(&lists, asked);
    if lists.len() == 1 || global.format() == Output::Text {
        let mut headings = vec!["IMAGE", "NAME", "STATE", "SIZE", "SYSTEM", "CREATED"];
        if asked > 1 {
            headings.push("REGION");
        }
        let of_list = |(region, images): &(String, Vec<Image>)| -> Vec<Vec<String>> {
            images.iter().map(|image| row(image, (asked > 1).then_some(region))).collect()
        };
        let rows = lists.iter().flat_map(of_list).collect();
        List { headings: &headings, rows, cut: &[1, 4], drop: &[5, 4, 3], summary }
            .show(global.format(), json)?;
    } else {
        let (headings, rows) = side_by_side(&lists);
        List { headings: &headings, rows, cut: &[0], drop: &[], summary }.show(global.format(), json)?;
    }
    Ok(worst)
}

/// All images of a region that the options ask for.
fn list(client: &Client, args: &ImagesArgs) -> Result<Vec<Image>, Error> {
    let kind = match args.kind {
        ImageKind::Private => Some("PRIVATE_IMAGE"),
        ImageKind::Shared => Some("SHARED_IMAGE"),
        ImageKind::Public => Some("PUBLIC_IMAGE"),
        ImageKind::Any => None,
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

fn row(image: &Image, region: Option<&String>) -> Vec<String> {
    let cells = [
        image.image_id.clone(),
        image.image_name.clone(),
        state(image),
        format!("{} GiB", image.image_size),
        image.os_name.clone(),
        image.created_time.clone(),
    ];
    cells.into_iter().chain(region.cloned()).collect()
}

/// How many images there are, how many of them cannot be used, and how many regions are missing.
fn summary(lists: &[(String, Vec<Image>)], asked: usize) -> String {
    let images = || lists.iter().flat_map(|(_, images)| images);
    let unusable = images().filter(|image| image.image_state != "NORMAL").count();
    let mut parts = vec![format!("{} images", images().count())];
    if unusable > 0 {
        parts.push(format!("{unusable} not NORMAL"));
    }
    if asked > 1 {
        parts.push(format!("{asked} regions"));
    }
    if asked > lists.len() {
        parts.push(format!("{} without an answer", asked - lists.len()));
    }
    parts.join(", ")
}

/// A row for each name, a column for each region.
fn side_by_side(lists: &[(String, Vec<Image>)]) -> (Vec<&str>, Vec<Vec<String>>) {
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
    (headings, rows)
}

fn state(image: &Image) -> String {
    match image.sync_percent.filter(|_| image.image_state == "SYNCING") {
        Some(percent) => format!("SYNCING {percent} %"),
        None => image.image_state.to_string(),
    }
}
