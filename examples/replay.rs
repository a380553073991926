//! Calls that are answered from a recording, without a socket: `cargo run -p cvm-examples --example replay`
//!
//! The first client records what an endpoint answers, the second is answered from that.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use cvm_ureq::api::{DescribeImages, DescribeZones};
use cvm_ureq::cvm_proto::machine::{Failure, FailureKind};
use cvm_ureq::{Client, Error, FromSettings, Reply, Request, Response};

/// What was answered to which action, in its order.
#[derive(Clone, Default)]
struct Recording(Arc<Mutex<VecDeque<(String, Response)>>>);

impl Recording {
    /// The same client, whose answers are recorded.
    fn of(&self, client: &Client) -> Client {
        let (recording, inner) = (self.clone(), client.clone());
        client.with_exchange(move |request: Request| {
            let action = request.action().to_owned();
            let reply = inner.exchange(request);
            if let Reply::Response(response) = &reply {
                recording.lock(|answers| answers.push_back((action, response.clone())));
            }
            reply
        })
    }

    /// The same client, answered from what was recorded.
    fn for_replay(self, client: &Client) -> Client {
        client.with_exchange(move |request: Request| match self.lock(VecDeque::pop_front) {
            Some((action, response)) if action == request.action() => Ok(response),
            _ => Err(Failure::not_sent(
                FailureKind::Connect,
                "the recording has another request at this place",
            )),
        })
    }

    fn lock<T>(&self, use_it: impl FnOnce(&mut VecDeque<(String, Response)>) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is to be tested.
fn count(client: &Client) -> Result<(usize, i64), Error> {
    let images = client.items(DescribeImages::default()).collect::<Result<Vec<_>, _>>()?;
    Ok((images.len(), client.send(DescribeZones::default())?.total_count))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (settings, local) = cvm_examples::settings()?;
    let client = Client::from_settings(settings)?;
    let recording = Recording::default();
    let recorded = count(&recording.of(&client))?;

    // Nobody is there to answer any more.
    drop(local);
    let replayed = count(&recording.for_replay(&client))?;
    println!("{} images and {} zones, recorded and replayed", replayed.0, replayed.1);
    if recorded == replayed { Ok(()) } else { Err("the recording answers something else".into()) }
}
