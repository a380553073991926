//! A header of its own for each call, such as the context of a trace: `cargo run -p cvm-examples --example traceparent`
//!
//! A client with a header is derived where a call begins; it shares connections, limits and credentials with the one that
//! it is derived from. The exchange shows what goes over the wire.

use cvm_ureq::api::DescribeImages;
use cvm_ureq::{Client, Error, FromSettings, Request};

/// What a program does for one of its own requests, in the trace of that request.
fn images_in_trace(client: &Client, traceparent: &str) -> Result<usize, Error> {
    let client = client.with(|settings| settings.header("traceparent", traceparent))?;
    client.items(DescribeImages::default().limit(4)).try_fold(0, |sum, image| image.map(|_| sum + 1))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, _local) = cvm_examples::settings()?;
    let connections = Client::from_settings(settings)?;
    let inner = connections.clone();
    let client = connections.with_exchange(move |request: Request| {
        let traceparent = request.headers().find(|(name, _)| *name == "traceparent").map(|(_, value)| value);
        println!("{} traceparent={}", request.action(), traceparent.unwrap_or("-"));
        inner.exchange(request)
    });

    for request in 1..=2 {
        let traceparent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{request:016x}-01");
        println!("{} images", images_in_trace(&client, &traceparent)?);
    }
    Ok(())
}
