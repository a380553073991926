#![doc = include_str!("../README.md")]

mod coalesce;
mod connect;
mod exchange;
mod fault;
mod http;
mod interrupt;
mod lists;
mod provider_fn;
mod socks;
mod tcp;
mod tls;
mod tunnel;

use std::convert::Infallible;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cvm_config::seed;
use cvm_shell::warn_of;
use tracing::debug_span;

pub use cvm_proto;
use cvm_proto::machine::{Clock, drive};
#[doc(inline)]
pub use cvm_proto::{
    Action, AnyList, Basis, Cancel, ClientBuilder, Config, Credential, Destination, Endpoint, Error,
    ErrorCode, ErrorKind, FromSettings, ImageSync, Job, Language, Machine, Notation, Outcome, Paged, Reply,
    Request, Response, Resumable, RetryPolicy, Settings, SignMethod, SyncProgress, SyncReport, SyncRun,
    SyncState, Verdict, WaitUntil, api, images_normal, instances_in_state,
};
use cvm_proto::{AnyCall, Call, Now, Pages};
pub use ureq;

pub use crate::exchange::Exchange;
use crate::exchange::Transport;
use crate::http::Http;
use crate::interrupt::InterruptCheck;
pub use crate::lists::{ItemIter, PageIter};
pub use crate::provider_fn::{FnProvider, provider_fn};

/// A blocking client for one region.
///
/// Cheap to clone and to share between threads; clones, also those for [other regions](Self::with_region), share
/// connections, rate limits and the retry budget.
#[derive(Clone, Debug)]
pub struct Client {
    config: Config,
    transport: Transport,
    /// What may interrupt exchanges.
    interrupt: Option<InterruptCheck>,
    /// Where this client's monotonic clock starts; clones share rate limits, so they share this as well.
    epoch: Instant,
}

impl FromSettings for Client {
    fn from_settings(settings: Settings) -> Result<Self, Error> {
        let config = Config::new(settings)?;
        let transport = Transport::Http(Http::new(&config)?);
        Ok(Self { config, transport, interrupt: None, epoch: Instant::now() })
    }
}

impl Client {
    /// Sets up a client.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new(Settings::default())
    }

    /// A client with the credential and the settings of the environment and the user's files: see [`cvm_config`].
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
    /// # let client = cvm_ureq::Client::from_env()?;
    /// # use cvm_ureq::RetryPolicy;
    /// let hurried = client.with(|settings| settings.call_timeout(Duration::from_secs(2)).retry(RetryPolicy::never()))?;
    /// # Ok::<(), cvm_ureq::Error>(())
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
    /// # let client = cvm_ureq::Client::from_env()?;
    /// let vpcs = client.service("vpc", "2017-03-12")?.call("DescribeVpcs", serde_json::json!({ "Limit": "5" }))?;
    /// # Ok::<(), cvm_ureq::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if that cannot be a product or a version.
    pub fn service(&self, name: &str, version: &str) -> Result<Self, Error> {
        self.at(self.config.service(name, version)?)
    }

    fn at(&self, config: Config) -> Result<Self, Error> {
        Ok(Self { transport: self.transport.at(&config)?, config, ..self.clone() })
    }

    /// The same client with exchanges of the caller's in the place of its own connections: a middleware, a recording that
    /// is replayed, a Unix socket. Limits, budget and credentials are shared with this one.
    ///
    /// A body above [`Request::max_response_bytes`] is refused, and after a [cancel](Request::cancel) nothing is begun.
    /// Nobody can end an exchange that blocks but itself: it keeps to [`Request::timeout`], and looks at the cancel where
    /// that is to help while it waits. The settings that are the connections' ([`proxy`](Settings::proxy),
    /// [`ca_pem`](Settings::ca_pem), [`connect_timeout`](Settings::connect_timeout)) are its to keep as well, and so is
    /// [`Request::bypasses_proxy`].
    #[must_use]
    pub fn with_exchange(&self, exchange: impl Exchange) -> Self {
        Self { transport: Transport::Given(Arc::new(exchange)), ..self.clone() }
    }

    /// The same client over connections of the caller's.
    ///
    /// They keep to their own settings: proxy, certificates, time to connect. Each request has its own time limit, follows no
    /// redirect, and ends early by no cancel once it has begun.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the endpoint is no URL for ureq.
    pub fn with_agent(&self, agent: ureq::Agent) -> Result<Self, Error> {
        let transport = Transport::Http(Http::over(agent, &self.config)?);
        Ok(Self { transport, ..self.clone() })
    }

    /// The same client, with exchanges that can be interrupted: while an [`exchange`](Self::exchange) waits, whether for a
    /// name, a connection or an answer, `interrupted` is asked about every 50 ms, in the thread that waits, and the
    /// exchange fails soon after it says `true`.
    ///
    /// For drivers of their own, such as a binding to a language whose signals are handled between two steps: a call
    /// takes the failure for a broken connection, and may try again.
    #[must_use]
    pub fn interruptible(&self, interrupted: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { interrupt: Some(InterruptCheck(Arc::new(interrupted))), ..self.clone() }
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
    pub fn send<A: Action>(&self, action: A) -> Result<A::Response, Error> {
        self.complete(A::NAME, Call::new(&self.config, action, seed()))
    }

    /// Performs an action by its name, with retries; gives the object inside `Response`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn call(&self, action: &str, parameters: serde_json::Value) -> Result<serde_json::Value, Error> {
        self.complete(action, AnyCall::new(&self.config, action, &parameters, seed()))
    }

    /// Every item of a list, such as `DescribeImages` or an [`AnyList`]; a page is fetched when its first item is due.
    ///
    /// An error ends the iterator.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), for each page.
    pub fn items<L: Paged>(&self, list: L) -> ItemIter<L> {
        ItemIter::new(self.pages(list))
    }

    /// The same list as [`items`](Self::items), page by page; no page is empty.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), for each page.
    pub fn pages<L: Paged>(&self, list: L) -> PageIter<L> {
        PageIter::new(self.clone(), Pages::new(&self.config, list, seed()))
    }

    /// The rest of a list that was left, also by another process, from where [`ItemIter::resume_token`] was asked for. The list
    /// is given as it was then; its page size may be another one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Parameter`] if the token cannot be read, or belongs to another action,
    /// region or other parameters.
    pub fn resume_items<L: Resumable>(&self, list: &L, token: &str) -> Result<ItemIter<L>, Error> {
        self.resume_pages(list, token).map(ItemIter::new)
    }

    /// The same rest as [`resume_items`](Self::resume_items), page by page.
    ///
    /// # Errors
    ///
    /// As [`resume_items`](Self::resume_items).
    pub fn resume_pages<L: Resumable>(&self, list: &L, token: &str) -> Result<PageIter<L>, Error> {
        Ok(PageIter::new(self.clone(), Pages::resume(&self.config, list, token, seed())?))
    }

    /// Runs a job, such as an [`ImageSync`] or a [`WaitUntil`], to its end; `progress` hears of every step that a user
    /// may want to see.
    pub fn run<J: Job>(
        &self,
        job: J,
        mut progress: impl FnMut(<J::Machine as Machine>::Progress),
    ) -> <J::Machine as Machine>::Output {
        let _span = debug_span!("cvm.job", job = job.name(), region = self.config.region()).entered();
        let mut machine = job.start(&self.config, seed());
        loop {
            match self.drive(&mut machine) {
                Continue(step) => progress(step),
                Break(output) => return output,
            }
        }
    }

    fn complete<T, M>(&self, action: &str, mut call: M) -> Result<T, Error>
    where
        M: Machine<Output = Result<T, Error>, Progress = Infallible>,
    {
        let _span = debug_span!("cvm.call", action, region = self.config.region()).entered();
        match self.drive(&mut call) {
            Continue(never) => match never {},
            Break(result) => warn_of(result),
        }
    }

    /// Drives a machine until it reports progress (`Continue`) or is done (`Break`), for programs that make machines
    /// themselves. After progress, drive it again.
    pub fn drive<M: Machine>(&self, machine: &mut M) -> ControlFlow<M::Output, M::Progress> {
        let Ok(flow) = drive(machine, self, |request| self.exchange(request));
        flow
    }

    /// The time by this client's clocks, for drivers of their own.
    pub fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now::new(unix.as_secs(), self.epoch.elapsed())
    }
}

impl Clock for Client {
    type Interrupt = Infallible;

    fn now(&self) -> Now {
        self.now()
    }

    fn sleep_until(&self, mono: Duration) -> Result<(), Infallible> {
        thread::sleep(mono.saturating_sub(self.epoch.elapsed()));
        Ok(())
    }
}
