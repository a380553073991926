//! The whole sync job from async code: `cargo run -p cvm-examples --example sync_async`

use cvm_reqwest::{Client, FromSettings, ImageSync, SyncProgress};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, _local) = cvm_examples::settings()?;
    let client = Client::from_settings(settings)?;

    let job = ImageSync::new("img-o3ycss2p").from("ap-shanghai").to(["ap-guangzhou", "ap-beijing"]);
    let running = client.run(job, |progress| match progress {
        SyncProgress::Copying { region, state, percent, .. } => {
            println!("{region}: {} {} %", state.as_str(), percent.unwrap_or_default());
        }
        SyncProgress::Ended(destination) => {
            println!("{}: {}", destination.region, destination.outcome.as_str());
        }
        other => println!("{other:?}"),
    });
    let report = running.await?;

    for destination in &report.destinations {
        println!("{}  {}", destination.region, destination.image_id.as_deref().unwrap_or("-"));
    }
    if report.is_complete() { Ok(()) } else { Err("the image is not in every destination".into()) }
}
