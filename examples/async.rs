//! Actions from async code: `cargo run -p cvm-examples --example async`

use cvm_reqwest::api::{DescribeImages, SyncImages};
use cvm_reqwest::{Client, ErrorCode, FromSettings};
use futures_util::TryStreamExt;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, _local) = cvm_examples::settings()?;
    let client = Client::from_settings(settings)?;

    // All images, however many pages they fill: each page is fetched when its first image is due.
    let mut images = client.items(DescribeImages::default());
    while let Some(image) = images.try_next().await? {
        println!("{}  {}  {}", image.image_id, image.image_state.as_str(), image.image_name);
    }

    // By name and with JSON, for an action that this version has no type for.
    let regions = client.call("DescribeRegions", json!({})).await?;
    println!("{} regions", regions["TotalCount"]);

    // Asks whether the copy would be accepted; nothing is copied.
    match client.send(SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]).dry_run(true)).await {
        Ok(_) => println!("the copy would be accepted"),
        // Some regions of the service answer a dry run that would succeed with this code.
        Err(error) if error.code() == Some(&ErrorCode::DryRunOperation) => {
            println!("the copy would be accepted");
        }
        Err(error) => println!("the copy would be refused: {error}"),
    }
    Ok(())
}
