#![doc = include_str!("../README.md")]

mod record;
mod tls;

pub use record::{ExchangeRecord, warn_of};
pub use tls::tls_config;
