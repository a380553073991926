//! Who signs: a secret id, its secret key, and a token if the credential is temporary; and where these come from.
//!
//! A [`Credential`] that does not expire is a setting. One that does comes from a [`Provider`]: [`InstanceRole`],
//! [`AssumeRole`], [`WebIdentity`], one of your own, or a [`Chain`] of several. The calls of a client share what it
//! gives:
//!
//! - five minutes before its end (or when a quarter of a short life is left) one call fetches the next one, while all
//!   others go on with what there is; that call too goes on with it if the fetch fails;
//! - with none, or one that has expired, one call fetches and all others wait for it. If it fails, so do they, and so
//!   does every call in the pause after it: one second at first, ten at most;
//! - one that the service does not take any more is fetched again, once for each call.
//!
//! ```
//! use core::time::Duration;
//! use cvm_proto::api::DescribeZones;
//! use cvm_proto::credential::{Fetch, Found, Lease, Provider, ready};
//! use cvm_proto::{Call, Config, Credential, Error, Machine, Now, Settings, Step};
//!
//! /// A store of secrets that this program has at hand.
//! #[derive(Debug)]
//! struct Vault;
//!
//! impl Provider for Vault {
//!     fn fetch(&self, _seed: u64) -> Fetch {
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
mod cache;
mod chain;
mod identity;
mod instance_role;
mod provider;
mod sts;
mod web_identity;

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use zeroize::Zeroizing;

use crate::error::Error;

pub use assume_role::AssumeRole;
pub(crate) use cache::{Ask, LeaseCache, Ticket};
pub use chain::Chain;
pub use identity::{CallerIdentity, IdentityCall, WhoAmI};
pub use instance_role::InstanceRole;
pub use provider::{Fetch, Found, Lease, Provider, ready};
pub use web_identity::WebIdentity;

/// An API key of Tencent Cloud, permanent or temporary.
///
/// Cheap to clone. The secret key and the token are wiped from memory when the last clone goes, and never appear in
/// `Debug`.
///
/// ```
/// use cvm_proto::Credential;
///
/// let credential = Credential::new("AKIDexample", "not-a-real-key")?.with_token("not-a-real-token");
/// assert_eq!(format!("{credential:?}"), r#"Credential { secret_id: "AKIDexample", secret_key: "***", token: "***" }"#);
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone)]
pub struct Credential {
    secret_id: Arc<str>,
    secret_key: Arc<Zeroizing<String>>,
    token: Option<Arc<Zeroizing<String>>>,
}

impl Credential {
    /// A permanent credential.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if either part is empty, or holds white space or control
    /// characters, as a key copied with its line break does.
    pub fn new(secret_id: impl Into<String>, secret_key: impl Into<String>) -> Result<Self, Error> {
        let secret_id: String = secret_id.into();
        let secret_key = Zeroizing::new(secret_key.into());
        check("secret_id", &secret_id)?;
        check("secret_key", &secret_key)?;
        Ok(Self { secret_id: secret_id.into(), secret_key: Arc::new(secret_key), token: None })
    }

    /// The same credential with the token of a temporary one; an empty token means none.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        let token = Zeroizing::new(token.into());
        self.token = if token.is_empty() { None } else { Some(Arc::new(token)) };
        self
    }

    /// Whether both halves of the key are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let shared = Arc::ptr_eq(&self.secret_key, &other.secret_key);
        (shared || self.secret_key == other.secret_key) && self.secret_id == other.secret_id
    }

    /// The public half of the key; it appears in every request.
    pub fn secret_id(&self) -> &str {
        &self.secret_id
    }

    /// The secret half. It signs and is never sent: keep it out of logs.
    pub fn secret_key(&self) -> &str {
        &self.secret_key
    }

    /// The token of a temporary credential.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref().map(|token| token.as_str())
    }
}

fn check(name: &str, value: &str) -> Result<(), Error> {
    if value.is_empty() {
        return Err(Error::config(alloc::format!("{name} is empty: give both halves of the API key")));
    }
    if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::config(alloc::format!(
            "{name} contains white space or a control character: copy the key again without it"
        )));
    }
    Ok(())
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("secret_id", &self.secret_id)
            .field("secret_key", &"***")
            .field("token", &self.token.as_ref().map_or("none", |_| "***"))
            .finish()
    }
}
