//! The settings of a client together with the state that all its calls share.

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
pub struct Config {
    region: Option<Arc<str>>,
    origin: Arc<Origin>,
    inner: Arc<Inner>,
}

struct Inner {
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
        let region = settings.region.as_deref().map(Arc::from);
        let origin = Arc::new(settings.endpoint.origin(settings.region.as_deref().unwrap_or_default()));
        let inner = Inner { credential, notation, settings, shared: Mutex::default() };
        Ok(Self { region, origin, inner: Arc::new(inner) })
    }

    /// The same client for another region.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if that cannot be a region's name.
    pub fn with_region(&self, region: &str) -> Result<Self, Error> {
        endpoint::check_region(region)?;
        Ok(Self {
            region: Some(region.into()),
            origin: Arc::new(self.inner.settings.endpoint.origin(region)),
            inner: Arc::clone(&self.inner),
        })
    }

    /// The region that actions are sent to.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The settings this was made from.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn shared_region(&self) -> Option<Arc<str>> {
        self.region.clone()
    }

    pub(crate) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    pub(crate) fn credential(&self) -> &Credential {
        &self.inner.credential
    }

    pub(crate) fn notation(&self) -> Notation {
        self.inner.notation
    }

    /// Looks at or changes what the calls share; nothing is called under its lock that could take it again.
    pub(crate) fn shared<R>(&self, use_it: impl FnOnce(&mut Shared) -> R) -> R {
        self.inner.shared.with(use_it)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("region", &self.region)
            .field("origin", &self.origin)
            .field("settings", &self.inner.settings)
            .finish()
    }
}
