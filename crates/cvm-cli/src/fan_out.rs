//! The regions that a command is for, and the same question to each of them at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use cvm_proto::api::DescribeRegions;
use cvm_proto::{Error, WhichRegions};
use cvm_ureq::Client;

use crate::failure::Failure;

/// How many regions are asked at a time.
const AT_ONCE: usize = 8;

/// The regions that these names and patterns stand for.
pub(crate) fn named_regions(client: &Client, names: &[String]) -> Result<Vec<String>, Failure> {
    Ok(client.run(WhichRegions::of(names), |never| match never {})?)
}

/// Every region that can be used.
pub(crate) fn all_regions(client: &Client) -> Result<Vec<String>, Failure> {
    named_regions(client, &["all".into()])
}

/// An error with the region that was meant, where the service refused the one that was asked.
pub(crate) fn with_region_meant(client: &Client, error: Error) -> Error {
    cvm_proto::with_region_meant(error, || {
        client.send(DescribeRegions::default()).ok().map(|listed| listed.region_set)
    })
}

/// Asks every region, some at a time; the answers come in the order of the regions.
pub(crate) fn ask<T: Send>(
    client: &Client,
    regions: &[String],
    question: impl Fn(&Client) -> Result<T, Error> + Sync,
) -> Vec<Result<T, Error>> {
    let next = AtomicUsize::new(0);
    let answers: Vec<Mutex<Option<Result<T, Error>>>> = regions.iter().map(|_| Mutex::default()).collect();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(regions.len()) {
            scope.spawn(|| {
                while let Some((region, place)) = {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    regions.get(at).zip(answers.get(at))
                } {
                    let client = client.with_region(region);
                    let answer = client.and_then(|client| {
                        question(&client).map_err(|error| with_region_meant(&client, error))
                    });
                    // Nobody else writes to this place.
                    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
                }
            });
        }
    });
    let taken = answers.into_iter().map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner));
    // Each thread goes on until there is no region left, so every place has been filled.
    taken.flatten().collect()
}
