//! A client over an exchange of its user's, hyper's client: `cargo run -p cvm-examples --example hyper`
//!
//! Everything else stays: signing, retries, limits, deadlines, lists and jobs.

mod exchange;

use cvm_reqwest::api::DescribeImages;
use cvm_reqwest::{Client, FromSettings};

use crate::exchange::{ServiceExchange, hyper_client};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut settings, _local) = cvm_examples::settings()?;
    settings.request_client = Some("over-hyper".into());
    let client = Client::from_settings(settings)?.with_exchange(ServiceExchange(hyper_client()));

    let mut images = client.items(DescribeImages::default().limit(20));
    while let Some(image) = images.next().await {
        let image = image?;
        println!("{}  {}  {}", image.image_id, image.image_state.as_str(), image.image_name);
    }
    Ok(())
}
