//! Tests of the core as its users meet it.

mod call;
mod driver;
mod image_sync;
