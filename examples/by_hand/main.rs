//! A call without an HTTP library: `cargo run -p cvm-examples --example by_hand`
//!
//! Any runtime can drive a call like this. It needs three things: an HTTP exchange, a clock and a way to wait.

mod clock;
mod exchange;

use std::ops::ControlFlow;

use clock::SystemClock;
use cvm_proto::api::DescribeImages;
use cvm_proto::machine::{Clock, drive};
use cvm_proto::{Call, Config};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, _local) = cvm_examples::settings()?;
    let config = Config::new(settings)?;
    let clock = SystemClock::start();
    // Feeds jitter and nonces: a program with several calls takes another seed for each.
    let seed = clock.now().unix;

    let mut call = Call::new(&config, DescribeImages::default().limit(20), seed);
    let Ok(end) = drive(&mut call, &clock, |request| exchange::perform(&request));
    let images = match end {
        ControlFlow::Break(outcome) => outcome?,
        ControlFlow::Continue(never) => match never {},
    };
    for image in &images.image_set {
        println!("{}  {}  {}", image.image_id, image.image_state.as_str(), image.image_name);
    }
    Ok(())
}
