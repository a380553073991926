//! Who signs: a secret id, its secret key, and a token if the credential is temporary; and where these come from.
//!
//! A [`Credential`] that does not expire is a setting. One that does comes from a [`Provider`]: [`InstanceRole`],
//! [`AssumeRole`], [`WebIdentity`], one of your own, or a [`Chain`] of several. The calls of a client share what it
//! gives:
//!
//! - five minutes before its end (or when a quarter of a short life is left) one call fetches the next one, while all
//!   others use what there is; that call uses it too if the fetch fails;
//! - with none, or one that has expired, one call fetches and all others wait for it. If it fails, so do they, and so
//!   does every call in the pause after it: one second at first, ten at most;
//! - one that the service does not take any more is fetched again, once for each call.
//!
//! ```
//! use core::time::Duration;
//! use cvm_proto::api::DescribeZones;
//! use cvm_proto::credential::{Fetch, FetchContext, Found, Lease, Provider, ready};
//! use cvm_proto::{Call, Config, Credential, Error, Machine, Now, Settings, Step};
//!
//! /// A store of secrets that this program has at hand.
//! #[derive(Debug)]
//! struct Vault;
//!
//! impl Provider for Vault {
//!     fn fetch(&self, _: &FetchContext) -> Fetch {
//!         let credential = Credential::new("AKIDexample", "not-a-real-key");
//!         ready(credential.map(|credential| Found::Lease(Lease::until(credential, 1_551_120_000))))
//!     }
//! }
//!
//! let mut settings = Settings::default();
//! settings.provider = Some(std::sync::Arc::new(Vault));
//! settings.region = Some("ap-shanghai".into());
//! let mut call = Call::new(&Config::new(settings)?, DescribeZones::default(), 42);
//! let Step::Send(request) = call.poll(Now::new(1_551_113_065, Duration::ZERO)) else { panic!("it is there at once") };
//! assert!(request.headers().any(|(_, value)| value.contains("Credential=AKIDexample/")));
//! # Ok::<(), Error>(())
//! ```

mod assume_role;
mod chain;
mod identity;
mod instance_role;
mod role;
mod sts;
mod web_identity;

pub use crate::sign::key_part::part;
pub use crate::signer::{Credential, Errand, Fetch, FetchContext, Found, Lease, Provider, elsewhere, ready};
pub use assume_role::AssumeRole;
pub use chain::Chain;
pub use identity::{CallerIdentity, IdentityCall, WhoAmI};
pub use instance_role::InstanceRole;
pub use role::{MfaCode, Role};
pub use web_identity::WebIdentity;
