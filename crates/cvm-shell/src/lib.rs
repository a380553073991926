#![doc = include_str!("../README.md")]

mod record;
mod tls;

pub use record::{ExchangeRecord, warn_of};
pub use tls::tls_config;

/// Why an exchange failed that ended with the cancel of its request.
pub const CANCELLED: &str = "interrupted because the job was cancelled";
