#![doc = include_str!("../README.md")]

mod cancel;
mod exchange;
mod fault;
mod http;
mod lists;
mod provider_fn;

use std::convert::Infallible;
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cvm_config::seed;
use cvm_shell::warn_of;
use tokio::time::{Instant, Sleep};
use tracing::{Instrument, debug_span};

pub use cvm_proto;
use cvm_proto::machine::{AsyncClock, drive_async};
#[doc(inline)]
pub use cvm_proto::{
    Action, AnyList, Basis, Cancel, ClientBuilder, Config, Credential, Destination, Endpoint, Error,
    ErrorCode, ErrorKind, FromSettings, ImageSync, Job, Language, Machine, Notation, Outcome, Paged, Reply,
    Request, Response, Resumable, RetryPolicy, Settings, SignMethod, SyncProgress, SyncReport, SyncRun,
    SyncState, Verdict, WaitUntil, api, images_normal, instances_in_state,
};
use cvm_proto::{AnyCall, Call, Now, Pages};
pub use reqwest;

pub use crate::exchange::Exchange;
use crate::exchange::Transport;
use crate::http::Http;
pub use crate::lists::{ItemStream, PageStream};
pub use crate::provider_fn::{FnProvider, provider_fn};

/// An asynchronous client for one region.
///
/// Cheap to clone and to share between tasks and threads; clones, also those for [other regions](Self::with_region),
/// share connections, rate limits and the retry budget. It needs a tokio runtime with I/O and time enabled.
///
/// Time is tokio's. With an [exchange](Self::with_exchange) in memory and a paused clock
/// (`#[tokio::test(start_paused = true)]`) nothing that waits takes any time, be it a retry or a whole sync job; make the
/// client within the test, whose clock is its own. Over sockets a paused clock is of no use: tokio takes a wait for the
/// network for idleness, moves the clock on, and every time limit is over at once.
#[derive(Clone, Debug)]
pub struct Client {
    config: Config,
    transport: Transport,
    /// Where this client's monotonic clock starts; clones share rate limits, so they share this as well.
    epoch: Instant,
}

impl FromSettings for Client {
    fn from_settings(settings: Settings) -> Result<Self, Error> {
        let config = Config::new(settings)?;
        let transport = Transport::Http(Http::new(&config)?);
        Ok(Self { config, transport, epoch: Instant::now() })
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
        self.at(self.config.with_region(region)?)
    }

    /// The same client with other settings, for one call or for a part of a program: time limits, retries, language, headers,
    /// hook, region and others. It shares connections, limits, budget, clock and credentials with this one.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # let client = cvm_reqwest::Client::from_env()?;
    /// # use cvm_reqwest::RetryPolicy;
    /// let hurried = client.with(|settings| settings.call_timeout(Duration::from_secs(2)).retry(RetryPolicy::never()))?;
    /// # Ok::<(), cvm_reqwest::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a setting is wrong, or belongs to what is shared: see [`Config::with`].
    pub fn with(&self, set: impl FnOnce(ClientBuilder<Self>) -> ClientBuilder<Self>) -> Result<Self, Error> {
        self.at(self.config.derive(set)?)
    }

    /// The same client for another product of Tencent Cloud, such as `vpc` in version `2017-03-12`: what
    /// [`call`](Self::call) sends goes there. See [`Config::service`].
    ///
    /// ```no_run
    /// # async fn vpcs(client: cvm_reqwest::Client) -> Result<(), cvm_reqwest::Error> {
    /// let vpcs = client.service("vpc", "2017-03-12")?.call("DescribeVpcs", serde_json::json!({ "Limit": "5" })).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if that cannot be a product or a version.
    pub fn service(&self, name: &str, version: &str) -> Result<Self, Error> {
        self.at(self.config.service(name, version)?)
    }

    fn at(&self, config: Config) -> Result<Self, Error> {
        Ok(Self { transport: self.transport.at(&config)?, config, epoch: self.epoch })
    }

    /// The same client with exchanges of the caller's in the place of its own connections: a middleware, a recording that
    /// is replayed, a Unix socket. Limits, budget and credentials are shared with this one.
    ///
    /// What holds for every exchange holds for these: one that has not ended within [`Request::timeout`], or by the
    /// request's [cancel](Request::cancel), is dropped, and a body above [`Request::max_response_bytes`] is refused. What
    /// was dropped counts as sent. The settings that are the connections' ([`proxy`](Settings::proxy),
    /// [`ca_pem`](Settings::ca_pem), [`connect_timeout`](Settings::connect_timeout)) are the exchange's to keep, and so is
    /// [`Request::bypasses_proxy`].
    #[must_use]
    pub fn with_exchange(&self, exchange: impl Exchange) -> Self {
        Self { transport: Transport::Given(Arc::new(exchange)), ..self.clone() }
    }

    /// The same client over connections of the caller's.
    ///
    /// They keep to their own settings: proxy, certificates, time to connect. Make them with `redirect::Policy::none()` and
    /// `retry::never()`: an action must not be sent twice by what knows nothing of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the endpoint is no URL for reqwest.
    pub fn with_http_client(&self, http: reqwest::Client) -> Result<Self, Error> {
        let transport = Transport::Http(Http::over(http, &self.config)?);
        Ok(Self { transport, ..self.clone() })
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
    pub fn items<L>(&self, list: L) -> ItemStream<L>
    where
        L: Paged<Item: Send, Call: Send> + Send + 'static,
    {
        ItemStream::new(self.pages(list))
    }

    /// The same list as [`items`](Self::items), page by page; no page is empty.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), for each page.
    pub fn pages<L>(&self, list: L) -> PageStream<L>
    where
        L: Paged<Item: Send, Call: Send> + Send + 'static,
    {
        PageStream::new(self.clone(), Pages::new(&self.config, list, seed()))
    }

    /// The rest of a list that was left, also by another process, from where [`ItemStream::resume_token`] was asked for. The
    /// list is given as it was then; its page size may be another one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`] if the token cannot be read, or belongs to another action,
    /// region or other parameters.
    pub fn resume_items<L>(&self, list: &L, token: &str) -> Result<ItemStream<L>, Error>
    where
        L: Resumable<Item: Send, Call: Send> + Send + 'static,
    {
        self.resume_pages(list, token).map(ItemStream::new)
    }

    /// The same rest as [`resume_items`](Self::resume_items), page by page.
    ///
    /// # Errors
    ///
    /// As [`resume_items`](Self::resume_items).
    pub fn resume_pages<L>(&self, list: &L, token: &str) -> Result<PageStream<L>, Error>
    where
        L: Resumable<Item: Send, Call: Send> + Send + 'static,
    {
        Ok(PageStream::new(self.clone(), Pages::resume(&self.config, list, token, seed())?))
    }

    /// Runs a job, such as an [`ImageSync`] or a [`WaitUntil`], to its end; `progress` hears of every step that a user
    /// may want to see.
    pub async fn run<J: Job>(
        &self,
        job: J,
        mut progress: impl FnMut(<J::Machine as Machine>::Progress),
    ) -> <J::Machine as Machine>::Output {
        let span = debug_span!("cvm.job", job = job.name(), region = self.config.region());
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
            Break(result) => span.in_scope(|| warn_of(result)),
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
        let system = std::time::Instant::now();
        let tokio = Instant::now();
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Nothing, unless tokio's clock was moved on by a test.
        let ahead = tokio.into_std().saturating_duration_since(system);
        Now::new((unix + ahead).as_secs(), tokio - self.epoch)
    }
}

impl AsyncClock for Client {
    type Sleep = Sleep;

    fn now(&self) -> Now {
        self.now()
    }

    fn sleep_until(&self, mono: Duration) -> Sleep {
        tokio::time::sleep_until(self.epoch + mono)
    }
}
