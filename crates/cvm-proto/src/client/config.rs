//! The settings of a client together with the state that all its calls share.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use super::clock::ClockOffset;
use super::endpoint::{self, Endpoint};
use super::failover::Breakers;
use super::limit::RateLimits;
use super::lock::Mutex;
use super::product::Product;
use super::retry::RetryBudget;
use super::settings::{ClientBuilder, FromSettings, Settings};
use crate::codec::check;
use crate::error::Error;
use crate::sign::SignMethod;
use crate::signer::{Credential, KeyCache, LeaseCache, Provider};
use crate::wire::{Notation, Origin, RequestDefaults, RequestTarget};

/// Checked settings, and the state that the calls of one client share: rate limits, the retry budget, what is known
/// of the service's clock, a credential that is not given once and for all, and today's signing key.
///
/// Cheap to clone; clones share that state, also those for [other regions](Self::with_region). Each call and job is
/// made from one. It can be shared between threads.
#[derive(Clone)]
pub struct Config(Arc<RegionView>);

/// One region as one client sees it.
struct RegionView {
    common: Arc<RequestDefaults>,
    client: Arc<Client>,
}

/// What a client has in common for all regions.
struct Client {
    settings: Settings,
    product: Product,
    notation: Notation,
    shared: Arc<Mutex<Shared>>,
}

/// What the calls of one client know together.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) limits: RateLimits,
    pub(crate) budget: RetryBudget,
    pub(crate) clock: ClockOffset,
    pub(crate) keys: KeyCache,
    pub(crate) leases: LeaseCache,
    pub(crate) breakers: Breakers,
}

impl Config {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the setting that is missing or wrong. A region may be
    /// missing here: a call that needs one says so.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        if settings.credential.is_none() && settings.provider.is_none() {
            return Err(Error::config(
                "no credential: give one, or a provider such as the one that the environment and the profiles make",
            ));
        }
        Self::of_product(settings, Product::own())
    }

    /// Checks the settings for a client of another product; without a credential, its requests are not signed.
    pub(crate) fn of_product(settings: Settings, product: Product) -> Result<Self, Error> {
        let shared: Arc<Mutex<Shared>> = Arc::default();
        if let Some(written) = settings.credential.as_ref().filter(|written| written.source().is_some()) {
            shared.with(|shared| shared.leases.begin_with(written.clone()));
        }
        Self::sharing(shared, settings, product)
    }

    /// The same client for another product. It shares what the calls of this one share: credentials that were fetched,
    /// the clock, the budget for retries. `settings` has to keep who signs.
    pub(crate) fn for_product(&self, settings: Settings, product: Product) -> Result<Self, Error> {
        Self::sharing(Arc::clone(&self.0.client.shared), settings, product)
    }

    fn sharing(shared: Arc<Mutex<Shared>>, settings: Settings, product: Product) -> Result<Self, Error> {
        settings.check()?;
        let notation = settings.notation.unwrap_or(match settings.sign_method {
            SignMethod::Tc3HmacSha256 => Notation::Json,
            SignMethod::HmacSha256 | SignMethod::HmacSha1 => Notation::Form,
        });
        let region = settings.region.clone();
        Ok(Self::at(region, Arc::new(Client { settings, product, notation, shared })))
    }

    fn at(region: Option<String>, client: Arc<Client>) -> Self {
        let target_at = |endpoint: &Endpoint| {
            let origin = endpoint.origin_of(client.product.name(), region.as_deref().unwrap_or_default());
            RequestTarget { past_proxy: client.settings.no_proxy.excepts(&origin), origin }
        };
        let usual = target_at(&client.settings.endpoint);
        let backup = client.settings.failover.as_ref().map(|failover| target_at(failover.backup()));
        let settings = &client.settings;
        let common = Arc::new(RequestDefaults {
            usual,
            backup,
            service: client.product.name().clone(),
            sign_method: settings.sign_method,
            notation: client.notation,
            unsigned_payload: settings.unsigned_payload,
            language: settings.language,
            request_client: settings.request_client.clone(),
            headers: settings.headers.clone(),
            max_response_bytes: settings.max_response_bytes,
            region,
        });
        Self(Arc::new(RegionView { common, client }))
    }

    /// The same client for another region.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if that cannot be a region's name.
    pub fn with_region(&self, region: &str) -> Result<Self, Error> {
        check::region(region)?;
        Ok(Self::at(Some(region.into()), Arc::clone(&self.0.client)))
    }

    /// The same client with other settings, for one call or for a part of a program: timeouts, retries, language, headers,
    /// hook, region and others. It shares what the calls of this one share: rate limits, the retry budget, the clock, the
    /// credential.
    ///
    /// ```
    /// use core::time::Duration;
    /// use cvm_proto::{Config, Credential, RetryPolicy, Settings};
    ///
    /// let mut settings = Settings::default();
    /// settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key")?);
    /// let config = Config::new(settings)?;
    /// let hurried = config.with(|settings| {
    ///     settings.call_timeout(Duration::from_secs(2)).retry(RetryPolicy::never()).header("traceparent", "00-4bf92f")
    /// })?;
    /// assert_eq!(hurried.settings().call_timeout, Duration::from_secs(2));
    /// # Ok::<(), cvm_proto::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if a setting is wrong, or belongs to what is shared: the endpoint, the
    /// credential, the proxy, certificates, `connect_timeout`. They need a client of their own.
    pub fn with(&self, set: impl FnOnce(ClientBuilder<Self>) -> ClientBuilder<Self>) -> Result<Self, Error> {
        self.derive(set)
    }

    /// The same as [`with`](Self::with), for the builder of another client.
    ///
    /// # Errors
    ///
    /// As [`with`](Self::with).
    pub fn derive<C: FromSettings>(
        &self,
        set: impl FnOnce(ClientBuilder<C>) -> ClientBuilder<C>,
    ) -> Result<Self, Error> {
        let own = Settings { region: self.region().map(Into::into), ..self.settings().clone() };
        let settings = set(ClientBuilder::new(own)).into_settings();
        if let Some(shared) = self.settings().shared_that_differs(&settings) {
            return Err(Settings::shared_by_calls(shared));
        }
        self.for_product(settings, self.0.client.product.clone())
    }

    /// The same client for another product of Tencent Cloud: calls by an action's name ([`AnyCall`](crate::AnyCall)) go
    /// there, signed for it, to its host in the region. Typed actions go to their own product all the same.
    ///
    /// `name` is the first label of the product's hosts, such as `vpc`; `version` that of its API, such as `2017-03-12`. An
    /// endpoint of `cvm` itself becomes the one of that product beside it; any other explicit endpoint stays. It has no
    /// backup, as that serves `cvm`. Only what reads, by its name, or carries a `ClientToken` counts as safe to repeat.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if that cannot be a product or a version.
    pub fn service(&self, name: &str, version: &str) -> Result<Self, Error> {
        self.of(Product::new(name, version)?)
    }

    /// The same client for a product.
    pub(crate) fn of(&self, product: Product) -> Result<Self, Error> {
        if self.0.client.product == product {
            return Ok(self.clone());
        }
        let region = self.region().map(Into::into);
        let settings = self.settings();
        let failover = settings.failover.clone().filter(|_| product.is_own());
        let sts_endpoint = settings.sts_endpoint.as_ref().filter(|_| product.name() == "sts");
        let endpoint = sts_endpoint.unwrap_or(&settings.endpoint).clone();
        self.for_product(Settings { region, endpoint, failover, ..settings.clone() }, product)
    }

    /// An error with the call that it is of.
    pub(crate) fn in_call(&self, error: Error, action: &str, attempts: u32) -> Error {
        error.with_call(action, self.region(), attempts).with_service(self.product().name())
    }

    /// What is called.
    pub(crate) fn product(&self) -> &Product {
        &self.0.client.product
    }

    /// The same client for what no region is needed for. The finance regions have hosts of their own, so one of those stays.
    pub(crate) fn without_region(&self) -> Self {
        match self.region() {
            Some(region) if !endpoint::is_finance(region) => Self::at(None, Arc::clone(&self.0.client)),
            _ => self.clone(),
        }
    }

    /// The region that actions are sent to.
    pub fn region(&self) -> Option<&str> {
        self.0.common.region.as_deref()
    }

    /// The settings this was made from.
    pub fn settings(&self) -> &Settings {
        &self.0.client.settings
    }

    /// Where its requests go, unless a backup takes over.
    pub fn origin(&self) -> &Origin {
        &self.0.common.usual.origin
    }

    /// The origin of the backup endpoint; the usual one if there is no other.
    pub(crate) fn backup_origin(&self) -> &Origin {
        &self.0.common.target(true).origin
    }

    /// What all requests to this region have in common.
    pub(crate) fn common(&self) -> &Arc<RequestDefaults> {
        &self.0.common
    }

    /// Where the credential comes from, or is read once more, if it is not given once and for all.
    pub(crate) fn provider(&self) -> Option<&dyn Provider> {
        let settings = self.settings();
        match &settings.credential {
            Some(credential) => credential.source(),
            None => settings.provider.as_deref(),
        }
    }

    /// The credential that is given once and for all.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        self.settings().credential.as_ref().filter(|credential| credential.source().is_none())
    }

    /// Looks at or changes what the calls share; nothing is called under its lock that could take it again.
    pub(crate) fn shared<R>(&self, use_it: impl FnOnce(&mut Shared) -> R) -> R {
        self.0.client.shared.with(use_it)
    }
}

/// Whatever the features are.
const _: () = {
    const fn is_shared_between_threads<T: Send + Sync>() {}
    is_shared_between_threads::<Config>();
};

impl FromSettings for Config {
    fn from_settings(settings: Settings) -> Result<Self, Error> {
        Self::new(settings)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("region", &self.0.common.region)
            .field("origin", self.origin())
            .field("settings", &self.0.client.settings)
            .finish()
    }
}
