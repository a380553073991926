//! A call without an HTTP library: `cargo run -p cvm-examples --example by_hand`
//!
//! Any runtime can drive a call like this. It needs three things: an HTTP exchange, a clock and a way to wait.

mod exchange;

use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use cvm_proto::api::DescribeImages;
use cvm_proto::{Call, Config, Machine, Now, Step};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, _local) = cvm_examples::settings()?;
    let config = Config::new(settings)?;

    let start = Instant::now();
    let now = || {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now::new(unix.as_secs(), start.elapsed())
    };
    // Feeds jitter and nonces: a program with several calls takes another seed for each.
    let seed = now().unix;

    let mut call = Call::new(&config, DescribeImages::default().limit(20), seed);
    let images = loop {
        match call.poll(now()) {
            Step::Send(request) => {
                let reply = exchange::perform(&request);
                call.reply(now(), reply);
            }
            Step::WaitUntil(mono) => thread::sleep(mono.saturating_sub(start.elapsed())),
            Step::Progress(never) => match never {},
            Step::Done(result) => break result?,
        }
    };
    for image in &images.image_set {
        println!("{}  {}  {}", image.image_id, image.image_state.as_str(), image.image_name);
    }
    Ok(())
}
