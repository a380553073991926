#![doc = include_str!("../README.md")]

mod break_off;
mod exchange;
mod fault;
mod tls;

use std::convert::Infallible;
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cvm_config::seed;
use futures_core::Stream;
use futures_util::{TryStreamExt, stream};
use tokio::time::Sleep;
use tracing::{Instrument, debug_span, warn};

pub use cvm_proto;
use cvm_proto::machine::{AsyncClock, drive_async};
#[doc(no_inline)]
pub use cvm_proto::{
    Action, AnyList, ClientBuilder, Config, Credential, Endpoint, Error, ErrorCode, ErrorKind, FromSettings,
    ImageSync, Job, Language, Machine, Notation, Paged, RetryPolicy, Settings, SignMethod, SyncProgress,
    SyncReport, Verdict, WaitUntil, api,
};
use cvm_proto::{AnyCall, Call, Now, Pages, ProxyAddress};

/// An asynchronous client for one region.
///
/// Cheap to clone and to share between tasks and threads; clones, also those for [other regions](Self::with_region),
/// share connections, rate limits and the retry budget. It needs a tokio runtime with I/O and time enabled.
#[derive(Clone, Debug)]
pub struct Client {
    config: Config,
    http: reqwest::Client,
    /// The same without the proxy, for what has to go past it.
    direct: reqwest::Client,
    proxy: Option<Arc<ProxyAddress>>,
    /// The parsed URL of the region's endpoint: every exchange needs it.
    url: Arc<reqwest::Url>,
    /// Where this client's monotonic clock starts; clones share rate limits, so they share this as well.
    epoch: Instant,
}

impl FromSettings for Client {
    fn from_settings(settings: Settings) -> Result<Self, Error> {
        let config = Config::new(settings)?;
        let settings = config.settings();
        let (proxy, tls) = (settings.proxy_address()?, tls::config(settings)?);
        let goes_past = settings.provider.is_some() || !settings.no_proxy.is_empty();
        let http = exchange::http_client(settings, tls.clone(), proxy.as_ref())?;
        let direct = match &proxy {
            Some(_) if goes_past => exchange::http_client(settings, tls, None)?,
            _ => http.clone(),
        };
        let url = Arc::new(exchange::base_url(&config)?);
        Ok(Self { config, http, direct, proxy: proxy.map(Arc::new), url, epoch: Instant::now() })
    }
}

impl Client {
    /// Sets up a client.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(Settings::default())
    }

    /// A client with the credential and the settings of the environment and the user's files: see [`cvm_config`].
    ///
    /// The files are read at once, which takes well below a millisecond.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] naming the variable, or the file and the line, that is wrong. That there is no credential
    /// is an error of the first call.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_settings(cvm_config::from_env()?)
    }

    /// The same client for another region.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if that cannot be a region's name.
    pub fn with_region(&self, region: &str) -> Result<Self, Error> {
        let config = self.config.with_region(region)?;
        let url = Arc::new(exchange::base_url(&config)?);
        Ok(Self { config, url, ..self.clone() })
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
        self.complete(A::NAME, Call::new(&self.config, action, seed())).await
    }

    /// Performs an action by its name, with retries; gives the object inside `Response`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn call(
        &self,
        action: &str,
        parameters: serde_json::Value,
    ) -> Result<serde_json::Value, Error> {
        self.complete(action, AnyCall::new(&self.config, action, &parameters, seed())).await
    }

    /// Every item of a list, such as `DescribeImages` or an [`AnyList`]; a page is fetched when its first item is due.
    ///
    /// An error ends the stream. Between two items it can be dropped or kept for later; nothing runs in the background.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), for each page.
    pub fn items<L: Paged>(&self, list: L) -> impl Stream<Item = Result<L::Item, Error>> + Unpin + use<L> {
        self.pages(list).map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
    }

    /// The same list as [`items`](Self::items), page by page; no page is empty.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), for each page.
    pub fn pages<L: Paged>(
        &self,
        list: L,
    ) -> impl Stream<Item = Result<Vec<L::Item>, Error>> + Unpin + use<L> {
        let start = (self.clone(), Pages::new(&self.config, list, seed()));
        Box::pin(stream::try_unfold(start, |(client, mut pages)| async move {
            let span = debug_span!("cvm.page", region = client.config.region());
            match client.drive(&mut pages).instrument(span.clone()).await {
                Continue(page) => Ok(Some((page, (client, pages)))),
                Break(end) => span.in_scope(|| logged(end)).map(|()| None),
            }
        }))
    }

    /// Runs a job, such as an [`ImageSync`] or a [`WaitUntil`], to its end; `progress` hears of every step that a user
    /// may want to see.
    pub async fn run<J: Job>(
        &self,
        job: J,
        mut progress: impl FnMut(<J::Machine as Machine>::Progress),
    ) -> <J::Machine as Machine>::Output {
        let span = debug_span!("cvm.job", region = self.config.region());
        let mut machine = job.start(&self.config, seed());
        async {
            loop {
                match self.drive(&mut machine).await {
                    Continue(step) => progress(step),
                    Break(output) => return output,
                }
            }
        }
        .instrument(span)
        .await
    }

    async fn complete<T, M>(&self, action: &str, mut call: M) -> Result<T, Error>
    where
        M: Machine<Output = Result<T, Error>, Progress = Infallible>,
    {
        let span = debug_span!("cvm.call", action, region = self.config.region());
        // Pinned where it is, as it is large to move, and not wrapped for a span that nobody wants.
        let mut drive = pin!(self.drive(&mut call));
        let end = if span.is_disabled() {
            drive.as_mut().await
        } else {
            drive.as_mut().instrument(span.clone()).await
        };
        match end {
            Continue(never) => match never {},
            Break(result) => span.in_scope(|| logged(result)),
        }
    }

    /// Drives a machine until it reports progress (`Continue`) or is done (`Break`), for programs that make machines
    /// themselves. After progress, drive it again.
    ///
    /// A future that is dropped while an exchange is under way leaves the machine without a reply: see
    /// [`drive_async`].
    pub fn drive<M: Machine>(
        &self,
        machine: &mut M,
    ) -> impl Future<Output = ControlFlow<M::Output, M::Progress>> {
        drive_async(machine, self, |request| self.exchange(request))
    }

    /// The time by this client's clocks, for drivers of their own.
    pub fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now::new(unix.as_secs(), self.epoch.elapsed())
    }
}

impl AsyncClock for Client {
    type Sleep = Sleep;

    fn now(&self) -> Now {
        self.now()
    }

    fn sleep_until(&self, mono: Duration) -> Sleep {
        tokio::time::sleep_until((self.epoch + mono).into())
    }
}

/// Warns of a call's failure, within the call's span.
fn logged<T>(result: Result<T, Error>) -> Result<T, Error> {
    if let Err(error) = &result {
        warn!(kind = error.kind().as_str(), attempts = error.attempts(), "{error}");
    }
    result
}
