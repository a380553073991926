//! Actions from blocking code: `cargo run -p cvm-examples --example blocking`

use cvm_ureq::api::{DescribeImages, SyncImages};
use cvm_ureq::{Client, ErrorCode, FromSettings};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, _local) = cvm_examples::settings()?;
    let client = Client::from_settings(settings)?;

    // All images, however many pages they fill: each page is fetched when its first image is due.
    for image in client.items(DescribeImages::default()) {
        let image = image?;
        println!("{}  {}  {}", image.image_id, image.image_state.as_str(), image.image_name);
    }

    // By name and with JSON, for an action that this version has no type for.
    let regions = client.call("DescribeRegions", json!({}))?;
    println!("{} regions", regions["TotalCount"]);

    // Asks whether the copy would be accepted; nothing is copied.
    match client.send(SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]).dry_run(true)) {
        Ok(_) => println!("the copy would be accepted"),
        // Some regions of the service answer a dry run that would succeed with this code.
        Err(error) if error.code() == Some(&ErrorCode::DryRunOperation) => {
            println!("the copy would be accepted");
        }
        Err(error) => println!("the copy would be refused: {error}"),
    }
    Ok(())
}
