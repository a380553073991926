//! Sources of credentials that change.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::convert::Infallible;
use core::fmt;
use core::time::Duration;

use serde_json::Value;

use super::credential::Credential;
use crate::attempt_end::AttemptHook;
use crate::error::Error;
use crate::machine::{Machine, Now, Reply, Step};
use crate::sign::key_part::flaw;

/// A credential and its expiry.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The credential.
    pub credential: Credential,
    /// When it expires, in seconds since 1970 on the service's clock; `None` if it does not.
    pub expires: Option<u64>,
}

impl Lease {
    /// A credential that does not expire.
    pub fn permanent(credential: Credential) -> Self {
        Self { credential, expires: None }
    }

    /// A credential that expires at a time in seconds since 1970.
    pub fn until(credential: Credential, expires: u64) -> Self {
        Self { credential, expires: Some(expires) }
    }

    /// The temporary credential in a document of the service, where the end may stand beside the object with the key.
    /// `whose` document it is begins the errors; none repeats what is in it.
    pub(crate) fn read(
        key: Option<&Value>,
        document: &Value,
        whose: &str,
        request_id: Option<&str>,
    ) -> Result<Self, Error> {
        let lacks =
            |name: &str| Error::response(format!("{whose} has no `{name}`"), request_id.map(Into::into), 200);
        let text = |name| {
            let text =
                key.and_then(|key| key.get(name)).and_then(Value::as_str).ok_or_else(|| lacks(name))?;
            // Nobody gives out a better one when asked again at once, so it is no answer that was cut off or mangled.
            flaw(text).map_or(Ok(text), |flaw| {
                Err(Error::credential(format!(
                    "{whose} holds a credential that is none: {name} contains {flaw}"
                )))
            })
        };
        let [id, key, token] = [text("TmpSecretId")?, text("TmpSecretKey")?, text("Token")?];
        for (name, half) in [("TmpSecretId", id), ("TmpSecretKey", key)] {
            if half.trim().is_empty() {
                return Err(lacks(name));
            }
        }
        let expires = document.get("ExpiredTime").and_then(Value::as_u64);
        let expires = expires.ok_or_else(|| lacks("ExpiredTime"))?;
        Ok(Self::until(Credential::new(id, key)?.with_token(token)?, expires))
    }
}

/// One that does not expire.
impl From<Credential> for Lease {
    fn from(credential: Credential) -> Self {
        Self::permanent(credential)
    }
}

/// What a provider found.
#[derive(Clone, Debug)]
pub enum Found {
    /// A credential.
    Lease(Lease),
    /// Nothing, as the provider is not set up: its name and what it lacked, such as
    /// `environment: TENCENTCLOUD_SECRET_ID is not set`. A [`Chain`](crate::credential::Chain) asks the next one.
    Nothing(String),
}

/// The work of a provider: a machine that ends with what it found.
///
/// An error means that the provider is set up, but wrongly, or that it failed: a [`Chain`](crate::credential::Chain) ends there.
pub type Fetch = Errand<Result<Found, Error>>;

/// A machine that reports nothing on its way, and ends with a `T`.
pub type Errand<T> = Box<dyn Machine<Output = T, Progress = Infallible> + Send>;

/// What a provider is given for a fetch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FetchContext {
    /// Feeds jitter and nonces; another one for each fetch.
    pub seed: u64,
    /// Is told the end of each attempt at a request of the provider.
    pub on_attempt: Option<AttemptHook>,
}

impl FetchContext {
    /// A fetch without a hook.
    pub fn new(seed: u64) -> Self {
        Self { seed, on_attempt: None }
    }
}

/// A source of credentials.
///
/// A client asks when it has no credential, and again before the one it has expires; one call asks for all. The
/// provider's requests are sent by the shell that runs the call.
pub trait Provider: fmt::Debug + Send + Sync {
    /// Begins to get a credential.
    fn fetch(&self, context: &FetchContext) -> Fetch;
}

impl<P: Provider + ?Sized> Provider for Arc<P> {
    fn fetch(&self, context: &FetchContext) -> Fetch {
        (**self).fetch(context)
    }
}

/// The first and the longest pause between two looks whether work elsewhere is done.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// Work that goes on elsewhere, in a task or a thread: `done` is asked now and then, every 20 ms at the latest, what came
/// of it, until it says. It is dropped when nobody waits for it any more.
///
/// The clients make providers of functions with it (`provider_fn`).
pub fn elsewhere<T: 'static>(done: impl FnMut() -> Option<T> + Send + 'static) -> Errand<T> {
    Box::new(Elsewhere { done, pause: PAUSES.0 })
}

struct Elsewhere<F> {
    done: F,
    pause: Duration,
}

impl<T, F: FnMut() -> Option<T>> Machine for Elsewhere<F> {
    type Output = T;
    type Progress = Infallible;

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        if let Some(outcome) = (self.done)() {
            return Step::Done(outcome);
        }
        let until = now.mono.saturating_add(self.pause);
        self.pause = (self.pause * 2).min(PAUSES.1);
        Step::WaitUntil(until)
    }

    fn reply(&mut self, _: Now, _: Reply) {}
}

/// Work that is done already, as it needs no network.
pub fn ready<T: Send + 'static>(outcome: T) -> Errand<T> {
    Box::new(Ready(Some(outcome)))
}

struct Ready<T>(Option<T>);

impl<T> Machine for Ready<T> {
    type Output = T;
    type Progress = Infallible;

    fn poll(&mut self, _: Now) -> Step<Self::Output> {
        Step::Done(self.0.take().expect("a fetch was polled after its end"))
    }

    fn reply(&mut self, _: Now, _: Reply) {}
}

/// A credential is a provider of itself.
impl Provider for Credential {
    fn fetch(&self, context: &FetchContext) -> Fetch {
        Lease::permanent(self.clone()).fetch(context)
    }
}

/// So is one with its expiry; when it has expired, there is no other.
impl Provider for Lease {
    fn fetch(&self, _: &FetchContext) -> Fetch {
        ready(Ok(Found::Lease(self.clone())))
    }
}
