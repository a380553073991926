//! Tests of the core as its users meet it.

mod arbitrary;
mod call;
mod driver;
mod every_type;
mod image_sync;
mod pages;
mod properties;
mod round_trip;
mod signing;
mod vectors;
mod wait;
