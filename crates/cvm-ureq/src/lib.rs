#![doc = include_str!("../README.md")]

mod connect;
mod exchange;
mod fault;
mod frugal;
mod interrupt;
mod socks;
mod tcp;
mod tunnel;

use std::convert::Infallible;
use std::iter;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cvm_config::seed;
use tracing::{debug_span, warn};

use crate::connect::Agents;
use crate::interrupt::Asked;

pub use cvm_proto;
use cvm_proto::machine::{Clock, drive};
#[doc(no_inline)]
pub use cvm_proto::{
    Action, AnyList, ClientBuilder, Config, Credential, Endpoint, Error, ErrorCode, ErrorKind, FromSettings,
    ImageSync, Job, Language, Machine, Notation, Paged, RetryPolicy, Settings, SignMethod, SyncProgress,
    SyncReport, Verdict, WaitUntil, api,
};
use cvm_proto::{AnyCall, Call, Now, Pages};

/// A blocking client for one region.
///
/// Cheap to clone and to share between threads; clones, also those for [other regions](Self::with_region), share
/// connections, rate limits and the retry budget.
#[derive(Clone, Debug)]
pub struct Client {
    config: Config,
    agents: Agents,
    /// Who may break exchanges off.
    asked: Option<Asked>,
    /// The parsed URL of the region's endpoint: every exchange needs it.
    uri: ureq::http::Uri,
    /// Where this client's monotonic clock starts; clones share rate limits, so they share this as well.
    epoch: Instant,
}

impl FromSettings for Client {
    fn from_settings(settings: Settings) -> Result<Self, Error> {
        let config = Config::new(settings)?;
        let agents = Agents::new(config.settings())?;
        let uri = exchange::base_uri(&config)?;
        Ok(Self { config, agents, asked: None, uri, epoch: Instant::now() })
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
        let config = self.config.with_region(region)?;
        let uri = exchange::base_uri(&config)?;
        Ok(Self { config, uri, ..self.clone() })
    }

    /// The same client, with exchanges that can be broken off: while an [`exchange`](Self::exchange) waits, whether for a
    /// name, a connection or an answer, `interrupted` is asked about every 50 ms, in the thread that waits, and the
    /// exchange fails soon after it says `true`.
    ///
    /// For drivers of their own, such as a binding to a language whose signals are handled between two steps: a call
    /// takes the failure for a broken connection, and may try again.
    #[must_use]
    pub fn interruptible(&self, interrupted: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { asked: Some(Asked(Arc::new(interrupted))), ..self.clone() }
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
    pub fn items<L: Paged>(&self, list: L) -> impl Iterator<Item = Result<L::Item, Error>> + use<L> {
        self.pages(list).flat_map(|page| {
            let (items, error) = page.map_or_else(|error| (Vec::new(), Some(error)), |items| (items, None));
            items.into_iter().map(Ok).chain(error.map(Err))
        })
    }

    /// The same list as [`items`](Self::items), page by page; no page is empty.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), for each page.
    pub fn pages<L: Paged>(&self, list: L) -> impl Iterator<Item = Result<Vec<L::Item>, Error>> + use<L> {
        let client = self.clone();
        let mut pages = Some(Pages::new(&self.config, list, seed()));
        iter::from_fn(move || {
            let running = pages.as_mut()?;
            let _span = debug_span!("cvm.page", region = client.config.region()).entered();
            match client.drive(running) {
                Continue(page) => Some(Ok(page)),
                Break(end) => {
                    pages = None;
                    logged(end).err().map(Err)
                }
            }
        })
    }

    /// Runs a job, such as an [`ImageSync`] or a [`WaitUntil`], to its end; `progress` hears of every step that a user
    /// may want to see.
    pub fn run<J: Job>(
        &self,
        job: J,
        mut progress: impl FnMut(<J::Machine as Machine>::Progress),
    ) -> <J::Machine as Machine>::Output {
        let _span = debug_span!("cvm.job", region = self.config.region()).entered();
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
            Break(result) => logged(result),
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

/// Warns of a call's failure, within the call's span.
fn logged<T>(result: Result<T, Error>) -> Result<T, Error> {
    if let Err(error) = &result {
        warn!(kind = error.kind().as_str(), attempts = error.attempts(), "{error}");
    }
    result
}
