//! The endpoint as a client meets it: over a socket, with signed requests.

#![allow(clippy::unwrap_used)]

mod client;
mod common_layer;
mod coverage;
mod describe;
mod faults;
mod image_life;
mod instances;
mod robust;
mod server;
mod signatures;
mod sync;
