//! Tests of the core as its users meet it.

mod arbitrary;
mod call;
mod driver;
mod every_type;
mod image_sync;
mod pages;
mod round_trip;
mod properties;
mod signing;
mod vectors;
mod wait;
