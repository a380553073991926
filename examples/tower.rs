//! A client whose requests go through a stack of tower's: `cargo run -p cvm-examples --example tower`
//!
//! Each layer sees every attempt, as it goes over the wire. A header that it adds is not signed, and need not be.

#[path = "hyper/exchange.rs"]
mod exchange;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cvm_reqwest::api::DescribeImages;
use cvm_reqwest::{Client, FromSettings};
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use tower::ServiceBuilder;

use crate::exchange::{ServiceExchange, hyper_client};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, _local) = cvm_examples::settings()?;
    let requests = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&requests);
    let stack = ServiceBuilder::new()
        .concurrency_limit(8)
        .map_request(move |mut request: Request<Full<Bytes>>| {
            let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
            request.headers_mut().insert("x-request-number", HeaderValue::from(number));
            request
        })
        .service(hyper_client());
    let client = Client::from_settings(settings)?.with_exchange(ServiceExchange(stack));

    let mut images = client.items(DescribeImages::default().limit(4));
    while let Some(image) = images.next().await {
        let image = image?;
        println!("{}  {}  {}", image.image_id, image.image_state.as_str(), image.image_name);
    }
    println!("{} requests", requests.load(Ordering::Relaxed));
    Ok(())
}
