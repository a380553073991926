//! The settings of a client together with the state that all its calls share.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use crate::clock::ClockOffset;
use crate::credential::Credential;
use crate::endpoint::{self, Origin};
use crate::error::Error;
use crate::limit::RateLimits;
use crate::request::Notation;
use crate::retry::RetryBudget;
use crate::settings::Settings;
use crate::sign::{KeyCache, SignMethod};
use crate::sync::Mutex;

/// Checked settings, and the state that the calls of one client share: rate limits, the retry budget, what is known
/// of the service's clock, and today's signing key.
///
/// Cheap to clone; clones share that state, also those for [other regions](Self::with_region). Each call and job is
/// made from one. With the feature `std` it can be shared between threads.
#[derive(Clone)]
pub struct Config(Arc<Place>);

/// One region as one client sees it.
struct Place {
    region: Option<String>,
    origin: Origin,
    client: Arc<Client>,
}

/// What a client has in common for all regions.
struct Client {
    settings: Settings,
    credential: Credential,
    notation: Notation,
    shared: Mutex<Shared>,
}

/// What the calls of one client know together.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) limits: RateLimits,
    pub(crate) budget: RetryBudget,
    pub(crate) clock: ClockOffset,
    pub(crate) keys: KeyCache,
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the setting that is missing or wrong. A region may be
    /// missing here: a call that needs one says so.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let Some(credential) = settings.credential.clone() else {
            return Err(Error::config(
                "no credential: give one, or set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY",
            ));
        };
        let notation = settings.notation.unwrap_or(match settings.sign_method {
            SignMethod::Tc3HmacSha256 => Notation::Json,
            SignMethod::HmacSha256 | SignMethod::HmacSha1 => Notation::Form,
        });
        let region = settings.region.clone();
        let origin = settings.endpoint.origin(region.as_deref().unwrap_or_default());
        let client = Arc::new(Client { credential, notation, settings, shared: Mutex::default() });
        Ok(Self(Arc::new(Place { region, origin, client })))
    }

    /// The same client for another region.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if that cannot be a region's name.
    pub fn with_region(&self, region: &str) -> Result<Self, Error> {
        endpoint::check_region(region)?;
        let client = Arc::clone(&self.0.client);
        let origin = client.settings.endpoint.origin(region);
        Ok(Self(Arc::new(Place { region: Some(region.into()), origin, client })))
    }

    /// The region that actions are sent to.
    pub fn region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// The settings this was made from.
    pub fn settings(&self) -> &Settings {
        &self.0.client.settings
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.0.origin
    }

    pub(crate) fn credential(&self) -> &Credential {
        &self.0.client.credential
    }

    pub(crate) fn notation(&self) -> Notation {
        self.0.client.notation
    }

    /// Looks at or changes what the calls share; nothing is called under its lock that could take it again.
    pub(crate) fn shared<R>(&self, use_it: impl FnOnce(&mut Shared) -> R) -> R {
        self.0.client.shared.with(use_it)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("region", &self.0.region)
            .field("origin", &self.0.origin)
            .field("settings", &self.0.client.settings)
            .finish()
    }
}
