//! One list of scenarios, run through every transport.
//!
//! A scenario is a function over a [`Shell`]: it starts an endpoint, makes a client, and says what a user of that client
//! must see, and what the endpoint. `it/main.rs` makes one test of each scenario and shell. Endpoints are either
//! [`cvm_local`], or a [`Server`](server::Server) that misbehaves as a script says.

// A scenario fails by panicking; its callers are tests.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

pub mod faults;
pub mod proxy;
pub mod raw;
pub mod scenarios;
pub mod server;
pub mod shell;
pub mod socks;

mod certificates;

use std::time::Duration;

use cvm_local::CvmLocal;
use cvm_proto::{Credential, Endpoint, RetryPolicy, Settings};

pub use shell::Shell;

/// The credential of scenarios whose endpoint checks none. Each part can be searched for in what was logged.
pub const SECRET_ID: &str = "AKIDscenarios";
/// Signs, and must never be seen.
pub const SECRET_KEY: &str = "scenarios-secret-key-0123456789";

/// Settings for an endpoint that checks no signature, with pauses so short that nobody waits for them.
pub fn settings(endpoint: &str) -> Settings {
    let mut settings = Settings::default();
    settings.credential = Some(Credential::new(SECRET_ID, SECRET_KEY).unwrap());
    settings.region = Some("ap-shanghai".into());
    settings.endpoint = Endpoint::explicit(endpoint).unwrap();
    settings.retry = RetryPolicy::default().pauses(Duration::from_millis(2), Duration::from_millis(10));
    settings
}

/// Settings for a local endpoint, which checks signatures.
pub fn settings_for(local: &CvmLocal) -> Settings {
    let mut settings = settings(local.endpoint());
    settings.credential = Some(local.credential());
    settings
}

/// A client of a local endpoint.
pub fn client_of<S: Shell>(local: &CvmLocal) -> S {
    S::from_settings(settings_for(local)).unwrap()
}
