//! The transports, all with one face.

#[path = "../../examples/by_hand/clock.rs"]
mod clock;
#[path = "../../examples/by_hand/exchange.rs"]
mod exchange;
#[path = "../../examples/hyper/exchange.rs"]
mod hyper_exchange;

use std::iter;
use std::marker::PhantomData;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use cvm_proto::machine::drive;
use cvm_proto::{
    Action, AnyCall, Call, Config, Error, FromSettings, Job, Machine, Paged, Pages, Resumable, Settings,
};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use self::clock::SystemClock;
use self::hyper_exchange::{ServiceExchange, hyper_client};

/// A list that every client can read.
pub trait AnyPaged: Paged<Item: Send, Call: Send> + Send + 'static {}

impl<L: Paged<Item: Send, Call: Send> + Send + 'static> AnyPaged for L {}

/// A client over one of the transports. The methods are those that every client has.
#[allow(missing_docs)]
pub trait Shell: FromSettings + Clone + Send + Sync {
    fn send<A: Action>(&self, action: A) -> Result<A::Response, Error>;
    fn call(&self, action: &str, parameters: Value) -> Result<Value, Error>;
    fn run<J: Job>(
        &self,
        job: J,
        progress: impl FnMut(<J::Machine as Machine>::Progress),
    ) -> <J::Machine as Machine>::Output;
    fn items<L: AnyPaged>(&self, list: L) -> impl Iterator<Item = Result<L::Item, Error>>;
    fn pages<L: AnyPaged>(&self, list: L) -> impl Iterator<Item = Result<Vec<L::Item>, Error>>;
    /// As many items as are wanted, from the beginning or from where a token says, and the token of the rest.
    fn some_items<L: AnyPaged + Resumable>(
        &self,
        list: &L,
        token: Option<&str>,
        count: usize,
    ) -> (Vec<Result<L::Item, Error>>, Option<String>);
    fn with_region(&self, region: &str) -> Result<Self, Error>;
    /// The same client with one more header, and another time limit for each attempt.
    fn with_header(&self, name: &str, value: &str, attempt_timeout: Duration) -> Result<Self, Error>;
    /// The same client for another product.
    fn service(&self, name: &str, version: &str) -> Result<Self, Error>;
    /// What the client's `Debug` shows.
    fn shown(&self) -> String;
}

/// `cvm-reqwest`, on a runtime of its own.
pub type Reqwest = Async<OwnConnections>;

/// The same, with hyper's client as its exchange: that of the example `hyper`.
pub type Hyper = Async<OverHyper>;

/// `cvm-reqwest` with some exchange, on a runtime of its own.
#[derive(Clone)]
pub struct Async<E> {
    client: cvm_reqwest::Client,
    runtime: Arc<Runtime>,
    exchange: PhantomData<E>,
}

/// What performs the exchanges of `cvm-reqwest`.
pub trait Over: Clone + Send + Sync {
    /// The same client, with that.
    fn over(client: cvm_reqwest::Client) -> cvm_reqwest::Client {
        client
    }
}

/// Its own connections.
#[derive(Clone)]
pub struct OwnConnections;

impl Over for OwnConnections {}

/// hyper's client.
#[derive(Clone)]
pub struct OverHyper;

impl Over for OverHyper {
    fn over(client: cvm_reqwest::Client) -> cvm_reqwest::Client {
        client.with_exchange(ServiceExchange(hyper_client()))
    }
}

impl<E: Over> FromSettings for Async<E> {
    fn from_settings(settings: Settings) -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = E::over(cvm_reqwest::Client::from_settings(settings)?);
        Ok(Self { client, runtime: Arc::new(runtime), exchange: PhantomData })
    }
}

impl<E: Over> Shell for Async<E> {
    fn send<A: Action>(&self, action: A) -> Result<A::Response, Error> {
        self.runtime.block_on(self.client.send(action))
    }

    fn call(&self, action: &str, parameters: Value) -> Result<Value, Error> {
        self.runtime.block_on(self.client.call(action, parameters))
    }

    fn run<J: Job>(
        &self,
        job: J,
        progress: impl FnMut(<J::Machine as Machine>::Progress),
    ) -> <J::Machine as Machine>::Output {
        self.runtime.block_on(self.client.run(job, progress))
    }

    fn items<L: AnyPaged>(&self, list: L) -> impl Iterator<Item = Result<L::Item, Error>> {
        let mut items = self.client.items(list);
        iter::from_fn(move || self.runtime.block_on(items.next()))
    }

    fn pages<L: AnyPaged>(&self, list: L) -> impl Iterator<Item = Result<Vec<L::Item>, Error>> {
        let mut pages = self.client.pages(list);
        iter::from_fn(move || self.runtime.block_on(pages.next()))
    }

    fn some_items<L: AnyPaged + Resumable>(
        &self,
        list: &L,
        token: Option<&str>,
        count: usize,
    ) -> (Vec<Result<L::Item, Error>>, Option<String>) {
        let mut items = match token.map(|token| self.client.resume_items(list, token)) {
            None => self.client.items(list.clone()),
            Some(Ok(items)) => items,
            Some(Err(error)) => return (vec![Err(error)], None),
        };
        let some = iter::from_fn(|| self.runtime.block_on(items.next())).take(count).collect();
        (some, items.resume_token())
    }

    fn with_region(&self, region: &str) -> Result<Self, Error> {
        Ok(Self { client: self.client.with_region(region)?, ..self.clone() })
    }

    fn with_header(&self, name: &str, value: &str, attempt_timeout: Duration) -> Result<Self, Error> {
        let client =
            self.client.with(|settings| settings.header(name, value).attempt_timeout(attempt_timeout))?;
        Ok(Self { client, ..self.clone() })
    }

    fn service(&self, name: &str, version: &str) -> Result<Self, Error> {
        Ok(Self { client: self.client.service(name, version)?, ..self.clone() })
    }

    fn shown(&self) -> String {
        format!("{:?}", self.client)
    }
}

impl Shell for cvm_ureq::Client {
    fn send<A: Action>(&self, action: A) -> Result<A::Response, Error> {
        self.send(action)
    }

    fn call(&self, action: &str, parameters: Value) -> Result<Value, Error> {
        self.call(action, parameters)
    }

    fn run<J: Job>(
        &self,
        job: J,
        progress: impl FnMut(<J::Machine as Machine>::Progress),
    ) -> <J::Machine as Machine>::Output {
        self.run(job, progress)
    }

    fn items<L: AnyPaged>(&self, list: L) -> impl Iterator<Item = Result<L::Item, Error>> {
        self.items(list)
    }

    fn pages<L: AnyPaged>(&self, list: L) -> impl Iterator<Item = Result<Vec<L::Item>, Error>> {
        self.pages(list)
    }

    fn some_items<L: AnyPaged + Resumable>(
        &self,
        list: &L,
        token: Option<&str>,
        count: usize,
    ) -> (Vec<Result<L::Item, Error>>, Option<String>) {
        let mut items = match token.map(|token| self.resume_items(list, token)) {
            None => self.items(list.clone()),
            Some(Ok(items)) => items,
            Some(Err(error)) => return (vec![Err(error)], None),
        };
        (items.by_ref().take(count).collect(), items.resume_token())
    }

    fn with_region(&self, region: &str) -> Result<Self, Error> {
        self.with_region(region)
    }

    fn with_header(&self, name: &str, value: &str, attempt_timeout: Duration) -> Result<Self, Error> {
        self.with(|settings| settings.header(name, value).attempt_timeout(attempt_timeout))
    }

    fn service(&self, name: &str, version: &str) -> Result<Self, Error> {
        self.service(name, version)
    }

    fn shown(&self) -> String {
        format!("{self:?}")
    }
}

/// The core driven by hand, with the exchange of the example `by_hand`: no pool, no TLS, no proxy.
#[derive(Clone)]
pub struct ByHand {
    config: Config,
    clock: SystemClock,
}

impl FromSettings for ByHand {
    fn from_settings(settings: Settings) -> Result<Self, Error> {
        Ok(Self { config: Config::new(settings)?, clock: SystemClock::start() })
    }
}

impl ByHand {
    fn drive<M: Machine>(&self, mut machine: M, mut progress: impl FnMut(M::Progress)) -> M::Output {
        loop {
            match self.advance(&mut machine) {
                Continue(step) => progress(step),
                Break(output) => return output,
            }
        }
    }

    fn advance<M: Machine>(&self, machine: &mut M) -> ControlFlow<M::Output, M::Progress> {
        let Ok(flow) = drive(machine, &self.clock, |request| exchange::perform(&request));
        flow
    }
}

impl Shell for ByHand {
    fn send<A: Action>(&self, action: A) -> Result<A::Response, Error> {
        self.drive(Call::new(&self.config, action, 1), |never| match never {})
    }

    fn call(&self, action: &str, parameters: Value) -> Result<Value, Error> {
        self.drive(AnyCall::new(&self.config, action, &parameters, 2), |never| match never {})
    }

    fn run<J: Job>(
        &self,
        job: J,
        progress: impl FnMut(<J::Machine as Machine>::Progress),
    ) -> <J::Machine as Machine>::Output {
        self.drive(job.start(&self.config, 3), progress)
    }

    fn items<L: AnyPaged>(&self, list: L) -> impl Iterator<Item = Result<L::Item, Error>> {
        self.pages(list).flat_map(|page| match page {
            Ok(items) => items.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }

    fn pages<L: AnyPaged>(&self, list: L) -> impl Iterator<Item = Result<Vec<L::Item>, Error>> {
        let mut pages = Some(Pages::new(&self.config, list, 4));
        iter::from_fn(move || match self.advance(pages.as_mut()?) {
            Continue(page) => Some(Ok(page)),
            Break(end) => {
                pages = None;
                end.err().map(Err)
            }
        })
    }

    fn some_items<L: AnyPaged + Resumable>(
        &self,
        list: &L,
        token: Option<&str>,
        count: usize,
    ) -> (Vec<Result<L::Item, Error>>, Option<String>) {
        let mut pages = match token.map(|token| Pages::resume(&self.config, list, token, 4)) {
            None => Pages::new(&self.config, list.clone(), 4),
            Some(Ok(pages)) => pages,
            Some(Err(error)) => return (vec![Err(error)], None),
        };
        let (mut some, mut left) = (Vec::new(), 0);
        while some.len() < count {
            match self.advance(&mut pages) {
                Continue(page) => {
                    let wanted = page.len().min(count - some.len());
                    left = page.len() - wanted;
                    some.extend(page.into_iter().take(wanted).map(Ok));
                }
                Break(end) => {
                    some.extend(end.err().map(Err));
                    break;
                }
            }
        }
        (some, pages.place().resume_token(left))
    }

    fn with_region(&self, region: &str) -> Result<Self, Error> {
        Ok(Self { config: self.config.with_region(region)?, clock: self.clock.clone() })
    }

    fn with_header(&self, name: &str, value: &str, attempt_timeout: Duration) -> Result<Self, Error> {
        let config =
            self.config.with(|settings| settings.header(name, value).attempt_timeout(attempt_timeout))?;
        Ok(Self { config, ..self.clone() })
    }

    fn service(&self, name: &str, version: &str) -> Result<Self, Error> {
        Ok(Self { config: self.config.service(name, version)?, ..self.clone() })
    }

    fn shown(&self) -> String {
        format!("{:?}", self.config)
    }
}
