//! Who signs: credentials, where they come from, and what the calls of a client share of them.

mod credential;
mod key_cache;
mod lease_cache;
mod provider;

pub use credential::Credential;
pub(crate) use key_cache::{DailySigner, KeyCache};
pub(crate) use lease_cache::{Availability, LeaseCache, Ticket};
pub use provider::{Fetch, FetchContext, Found, Lease, Provider, ready};
