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

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::input;

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
/// let credential = Credential::new("AKIDexample", "not-a-real-key")?.with_token("not-a-real-token")?;
/// assert_eq!(format!("{credential:?}"), r#"Credential { secret_id: "AKIDexample", secret_key: "***", token: "***" }"#);
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone)]
pub struct Credential(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    secret_id: String,
    secret_key: Zeroizing<String>,
    token: Option<Zeroizing<String>>,
    source: Option<Arc<dyn Provider>>,
}

impl Credential {
    /// A permanent credential. White space and line ends around the parts do not count.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if either part is empty, or has something in it that no key has:
    /// white space, or what is not printable ASCII.
    pub fn new(secret_id: impl Into<String>, secret_key: impl Into<String>) -> Result<Self, Error> {
        let (secret_id, secret_key) = (secret_id.into(), Zeroizing::new(secret_key.into()));
        let secret_id = part("secret_id", &secret_id)?.into();
        let secret_key = Zeroizing::new(part("secret_key", &secret_key)?.into());
        Ok(Self(Arc::new(Parts { secret_id, secret_key, token: None, source: None })))
    }

    /// The same credential with the token of a temporary one; an empty token means none.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_token(mut self, token: impl Into<String>) -> Result<Self, Error> {
        let token = Zeroizing::new(token.into());
        Arc::make_mut(&mut self.0).token = match input::trim(&token) {
            "" => None,
            token => Some(Zeroizing::new(part("token", token)?.into())),
        };
        Ok(self)
    }

    /// Names where the credential was read, such as a file that somebody may write anew while the client runs: after the
    /// service has refused it, it is read there once more, and the request sent again if another one came.
    #[must_use]
    pub fn with_source(mut self, source: Arc<dyn Provider>) -> Self {
        Arc::make_mut(&mut self.0).source = Some(source);
        self
    }

    /// Where it is read once more.
    pub(crate) fn source(&self) -> Option<&dyn Provider> {
        self.0.source.as_deref()
    }

    /// Whether both halves of the key are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let (own, theirs) = (&*self.0, &*other.0);
        Arc::ptr_eq(&self.0, &other.0)
            || (own.secret_key == theirs.secret_key && own.secret_id == theirs.secret_id)
    }

    /// Whether the token is the same as well.
    pub(crate) fn is_wholly(&self, other: &Self) -> bool {
        self.is(other) && self.0.token == other.0.token
    }

    /// The public half of the key; it appears in every request.
    pub fn secret_id(&self) -> &str {
        &self.0.secret_id
    }

    /// The secret half. It signs and is never sent: keep it out of logs.
    pub fn secret_key(&self) -> &str {
        &self.0.secret_key
    }

    /// The token of a temporary credential.
    pub fn token(&self) -> Option<&str> {
        self.0.token.as_deref().map(String::as_str)
    }
}

/// One part of a key, by the name that its setting has, without the white space around it.
///
/// # Errors
///
/// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is empty, or holds white space or what is not printable ASCII. Of
/// the value it shows only the character that cannot be part of one.
pub fn part<'a>(name: &str, value: &'a str) -> Result<&'a str, Error> {
    let value = input::trim(value);
    if value.is_empty() {
        return Err(Error::config(format!("{name} is empty: give both halves of the API key")));
    }
    match flaw(value) {
        None => Ok(value),
        Some(flaw) => Err(Error::config(format!("{name} contains {flaw}: copy it again without that"))),
    }
}

/// What of a part of a key cannot be one; white space around it does no harm.
fn flaw(value: &str) -> Option<String> {
    let (at, wrong) = input::trim(value).chars().enumerate().find(|(_, c)| !c.is_ascii_graphic())?;
    Some(if wrong.is_whitespace() || wrong.is_control() {
        "white space or a control character".into()
    } else {
        format!("what is not printable ASCII (U+{:04X}, character {})", u32::from(wrong), at + 1)
    })
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("secret_id", &self.secret_id())
            .field("secret_key", &"***")
            .field("token", &self.token().map_or("none", |_| "***"))
            .finish()
    }
}
