//! When a provider is asked: before the credential expires, by one call for all, and with growing pauses while it fails.
//!
//! ```text
//!   good ───────────────▶ use it
//!   near its end ───────▶ one call fetches, all others use it; a fetch that fails changes nothing but the next try
//!   none, or expired ───▶ one call fetches, all others wait; a fetch that fails fails them all, and those that come in
//!                         the pause after it
//! ```

use core::time::Duration;

use super::credential::Credential;
use super::provider::Lease;
use crate::error::Error;

/// How long before its end a credential is fetched anew, in seconds: at most this, and at most a quarter of its life.
const FETCH_EARLY: u64 = 300;
/// A credential with less life left than this, in seconds, is not used: the request has to arrive before its end.
const LEAST_LIFE: u64 = 5;
/// How often a call that waits for another's fetch looks whether it has ended.
const POLL_EVERY: Duration = Duration::from_millis(10);
/// After this time a fetch counts as abandoned by its driver, and another call may begin one.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);
/// The first pause after a fetch that failed, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A credential younger than this is not fetched again because the service refused it.
const FRESH_FOR: Duration = Duration::from_secs(10);

/// The credential that the calls of a client share.
#[derive(Default)]
pub(crate) struct LeaseCache {
    held: Option<Held>,
    fetching: Option<Fetching>,
    /// How many fetches have begun.
    fetches: u64,
    failed: Option<Failed>,
}

struct Held {
    lease: Lease,
    /// When the next one is fetched, in seconds since 1970.
    early: u64,
    /// When it was fetched, on the monotonic clock.
    since: Duration,
}

struct Fetching {
    fetch_id: FetchId,
    forgotten: Duration,
}

struct Failed {
    error: Error,
    times: u32,
    until: Duration,
}

/// Identifies a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FetchId(u64);

/// Whether a call has a credential to sign with, and what to do if not.
pub(crate) enum Availability {
    Use(Credential),
    /// Fetch one, and hand in the outcome under its id.
    Fetch(FetchId),
    /// Another call fetches one: ask again at this time of the monotonic clock.
    Wait(Duration),
    Fail(Error),
}

impl LeaseCache {
    /// Begins with a credential that was read before the client was made.
    pub(crate) fn begin_with(&mut self, credential: Credential) {
        let (lease, since) = (Lease::permanent(credential), Duration::ZERO);
        self.held = Some(Held { lease, early: u64::MAX, since });
    }

    /// `unix` is the service's time.
    pub(crate) fn availability(&mut self, unix: u64, mono: Duration) -> Availability {
        let fetching = self.fetching.as_ref().is_some_and(|fetching| mono < fetching.forgotten);
        let failed = self.failed.as_ref().filter(|failed| mono < failed.until);
        if let Some(held) = self.held.as_ref().filter(|held| held.is_good(unix)) {
            if unix < held.early || fetching || failed.is_some() {
                return Availability::Use(held.lease.credential.clone());
            }
        } else if fetching {
            return Availability::Wait(mono + POLL_EVERY);
        } else if let Some(failed) = failed {
            return Availability::Fail(failed.error.clone());
        }
        self.fetches += 1;
        let fetch_id = FetchId(self.fetches);
        self.fetching = Some(Fetching { fetch_id, forgotten: mono + FORGOTTEN_AFTER });
        Availability::Fetch(fetch_id)
    }

    /// Takes in the outcome of a fetch, also of one that counted as abandoned.
    pub(crate) fn fetched(
        &mut self,
        fetch_id: FetchId,
        outcome: Result<Lease, Error>,
        unix: u64,
        mono: Duration,
    ) {
        self.abandon(fetch_id);
        match outcome {
            Ok(lease) if lease.expires.is_some_and(|end| end <= unix.saturating_add(LEAST_LIFE)) => {
                let error = "the credential has expired already: let its source give a new one, and look at the clock";
                self.fetched(fetch_id, Err(Error::credential(error)), unix, mono);
            }
            Ok(lease) => {
                let life = lease.expires.map_or(u64::MAX, |end| end.saturating_sub(unix));
                let early = lease.expires.map_or(u64::MAX, |end| end - FETCH_EARLY.min(life / 4).min(end));
                self.held = Some(Held { lease, early, since: mono });
                self.failed = None;
            }
            Err(error) => {
                let times = self.failed.as_ref().map_or(0, |failed| failed.times);
                let pause = FIRST_PAUSE.saturating_mul(1 << times.min(16)).min(LONGEST_PAUSE);
                self.failed = Some(Failed { error, times: times + 1, until: mono + pause });
            }
        }
    }

    /// Gives a fetch up: its driver is gone.
    pub(crate) fn abandon(&mut self, fetch_id: FetchId) {
        if self.fetching.as_ref().is_some_and(|fetching| fetching.fetch_id == fetch_id) {
            self.fetching = None;
        }
    }

    /// The service refused this credential; says whether a newer one may be had.
    pub(crate) fn refused(&mut self, credential: &Credential, mono: Duration) -> bool {
        match &self.held {
            Some(held) if !held.lease.credential.is_wholly(credential) => true,
            // A file may have changed meanwhile, and costs nobody anything.
            Some(held) if mono < held.since + FRESH_FOR && credential.source().is_none() => false,
            _ => {
                self.held = None;
                true
            }
        }
    }
}

impl Held {
    fn is_good(&self, unix: u64) -> bool {
        self.lease.expires.is_none_or(|end| unix.saturating_add(LEAST_LIFE) < end)
    }
}
