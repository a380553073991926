//! The endpoint as a client meets it: over a socket, with signed requests.

#![allow(clippy::unwrap_used)]

mod client;
mod common_layer;
mod describe;
mod faults;
mod robust;
mod server;
mod signatures;
mod sync;
