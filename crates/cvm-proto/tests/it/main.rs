//! Tests of the core as its users meet it.

// Made-up numbers are small, or meant to wrap.
#![allow(
    clippy::unwrap_used,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

mod addresses;
mod arbitrary;
mod attempts;
mod call;
mod credentials;
mod derived;
mod driver;
mod every_type;
mod examples;
mod failover;
mod failures;
mod identity;
mod image_sync;
mod intermediaries;
mod open_enums;
mod pages;
mod properties;
mod regions;
mod round_trip;
mod signing;
mod text_call;
mod vectors;
mod wait;
mod written_keys;
