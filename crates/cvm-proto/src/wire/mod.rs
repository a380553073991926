//! What goes out and what comes in: requests, responses, and what is said where no response came.

mod fault;
mod time_limit;
mod way;

pub use fault::{Cause, CertificateFlaw, Fault};
pub(crate) use time_limit::Limit;
pub(crate) use way::Way;
