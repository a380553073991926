//! `cvm regions`: the regions of the service.

use cvm_proto::api::DescribeRegions;
use serde_json::json;

use crate::args::Global;
use crate::connect;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{List, counted};

/// Lists them, in the service's order.
pub(crate) fn run(global: &Global) -> Result<Exit, Failure> {
    let connection = connect::open(global)?;
    let regions = connection.client.send(DescribeRegions::default())?.region_set;
    let unusable = regions.iter().filter(|region| region.region_state != "AVAILABLE").count();
    let mut summary = format!("{} regions", regions.len());
    if unusable > 0 {
        summary = format!("{summary}, {}", counted([(unusable, "not AVAILABLE")]));
    }
    let rows = regions.iter().map(|region| {
        vec![region.region.clone(), region.region_name.clone(), region.region_state.to_string()]
    });
    let list =
        List { headings: &["REGION", "NAME", "STATE"], rows: rows.collect(), cut: &[1], drop: &[], summary };
    list.show(global.format(), || json!(regions))?;
    Ok(Exit::Done)
}
