//! The endpoint as a client meets it: over a socket, with signed requests.

#![allow(clippy::unwrap_used)]

mod admin;
mod client;
mod common_codes;
mod common_layer;
mod coverage;
mod describe;
mod faults;
mod for_tests;
mod image_life;
mod instances;
mod language;
mod names;
mod properties;
mod robust;
mod server;
mod signatures;
mod skipped_checks;
mod state_file;
mod sts;
mod sts_identity;
mod sync;
mod tls;
