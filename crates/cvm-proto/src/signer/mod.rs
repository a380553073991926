//! Credentials: where they come from, and how the calls of a client share them.

mod credential;
mod key_cache;
mod lease_cache;
mod provider;

pub use credential::Credential;
pub(crate) use key_cache::{DailySigner, KeyCache};
pub(crate) use lease_cache::{Availability, FetchId, LeaseCache};
pub use provider::{Errand, Fetch, FetchContext, Found, Lease, Provider, elsewhere, ready};
