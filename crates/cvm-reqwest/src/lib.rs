#![doc = include_str!("../README.md")]

mod exchange;
mod tls;

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tracing::{Instrument, Span, debug_span, warn};

pub use cvm_proto;
#[doc(no_inline)]
pub use cvm_proto::{
    Action, ClientBuilder, Config, Credential, Endpoint, Error, ErrorCode, ErrorKind, FromSettings,
    ImageSync, Job, Language, Machine, Notation, RetryPolicy, Settings, SignMethod, SyncProgress, SyncReport,
    api,
};
use cvm_proto::{AnyCall, Call, Now, Step};

/// An asynchronous client for one region.
///
/// Cheap to clone and to share between tasks and threads; clones, also those for [other regions](Self::with_region),
/// share connections, rate limits and the retry budget. It needs a tokio runtime with I/O and time enabled.
#[derive(Clone, Debug)]
pub struct Client {
    config: Config,
    http: reqwest::Client,
    /// The parsed URL of the region's endpoint: every exchange needs it.
    url: Arc<reqwest::Url>,
    /// Where this client's monotonic clock starts; clones share rate limits, so they share this as well.
    epoch: Instant,
}

impl FromSettings for Client {
    fn from_settings(settings: Settings) -> Result<Self, Error> {
        let config = Config::new(settings)?;
        let http = exchange::http_client(config.settings())?;
        let url = Arc::new(exchange::base_url(&config)?);
        Ok(Self { config, http, url, epoch: Instant::now() })
    }
}

impl Client {
    /// Sets up a client.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(Settings::default())
    }

    /// A client with the credential, region and endpoint in the environment: see [`Settings::from_vars`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the variable that is missing or wrong.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_settings(Settings::from_vars(|name| std::env::var(name).ok())?)
    }

    /// The same client for another region.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if that cannot be a region's name.
    pub fn with_region(&self, region: &str) -> Result<Self, Error> {
        let config = self.config.with_region(region)?;
        let url = Arc::new(exchange::base_url(&config)?);
        Ok(Self { config, url, http: self.http.clone(), epoch: self.epoch })
    }

    /// The settings, and the state that the clones of this client share.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Performs one action, with retries.
    ///
    /// # Errors
    ///
    /// What the service refused, or why it gave no answer: see [`ErrorKind`].
    pub async fn send<A: Action>(&self, action: A) -> Result<A::Response, Error> {
        let span = debug_span!("cvm.call", action = A::NAME, region = self.config.region());
        let call = Call::new(&self.config, action, seed());
        warn_of_failure(self.drive(call, no_progress)).instrument(span).await
    }

    /// Performs an action by its name, with retries; gives the object inside `Response`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); an action that only changes things if sent twice is the caller's to know.
    pub async fn call(
        &self,
        action: &str,
        parameters: serde_json::Value,
    ) -> Result<serde_json::Value, Error> {
        let span = debug_span!("cvm.call", action, region = self.config.region());
        let call = AnyCall::new(&self.config, action, &parameters, seed());
        warn_of_failure(self.drive(call, no_progress)).instrument(span).await
    }

    /// Runs a job, such as an [`ImageSync`], to its end; `progress` hears of every step that a user may want to see.
    pub async fn run<J: Job>(
        &self,
        job: J,
        progress: impl FnMut(<J::Machine as Machine>::Progress),
    ) -> <J::Machine as Machine>::Output {
        let span = debug_span!("cvm.job", region = self.config.region());
        self.drive(job.start(&self.config, seed()), progress).instrument(span).await
    }

    /// Does what the machine says until it is done.
    async fn drive<M: Machine>(&self, mut machine: M, mut progress: impl FnMut(M::Progress)) -> M::Output {
        loop {
            match machine.poll(self.now()) {
                Step::Send(request) => {
                    let reply = self.exchange(request).await;
                    machine.reply(self.now(), reply);
                }
                Step::WaitUntil(at) => tokio::time::sleep_until((self.epoch + at).into()).await,
                Step::Progress(step) => progress(step),
                Step::Done(output) => return output,
            }
        }
    }

    fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now::new(unix.as_secs(), self.epoch.elapsed())
    }
}

async fn warn_of_failure<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let result = work.await;
    if let Err(error) = &result {
        warn!(parent: Span::current(), kind = error.kind().as_str(), attempts = error.attempts(), "{error}");
    }
    result
}

fn no_progress(never: Infallible) {
    match never {}
}

/// A number that differs each time: the standard library keys its hash maps with the system's entropy.
fn seed() -> u64 {
    RandomState::new().hash_one(0)
}
