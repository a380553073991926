//! A client: what can be set, and the state that its calls share.

mod clock;
mod config;
mod endpoint;
mod failover;
mod job;
mod limit;
mod lock;
mod prepared;
mod product;
mod random;
mod retry;
mod settings;

pub(crate) use clock::is_too_far;
pub use config::Config;
pub use endpoint::is_finance;
pub use endpoint::{Endpoint, Scheme};
pub use failover::Failover;
pub(crate) use failover::Route;
pub use job::Job;
pub(crate) use prepared::{AttemptSigner, Prepared};
pub(crate) use product::Product;
pub(crate) use random::Random;
pub use random::splitmix64;
pub use retry::RetryPolicy;
pub use settings::{ClientBuilder, FromSettings, Settings};
