//! A circuit breaker between the usual endpoint and the backup.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::endpoint::Endpoint;

/// A backup endpoint for when the usual one cannot be reached. A client has none unless it is given one.
///
/// ```text
///   Closed ── failures enough ──▶ Open ── the pause is over ──▶ HalfOpen ── probes enough succeed ──▶ Closed
///                                   ▲                              │
///                                   └────────── a probe fails ─────┘
/// ```
///
/// - **Closed**: requests go to the usual endpoint. Five failures in a row open it, or five within five minutes that are
///   three of four requests. Only a request without an answer is a failure: an error of the service is an answer.
/// - **Open**: requests go to the backup, for a minute.
/// - **Half open**: one request at a time tries the usual endpoint, and all others go to the backup. Five that succeed
///   close it.
///
/// The calls of a client share what they know of an endpoint, and so do its clones for other regions. A request is signed
/// for the host that it goes to.
///
/// ```
/// use core::time::Duration;
/// use cvm_proto::{Endpoint, Failover, Settings};
///
/// let mut settings = Settings::default();
/// let backup = Endpoint::explicit("cvm.ap-guangzhou.tencentcloudapi.com")?;
/// settings.failover = Some(Failover::to(backup).failures(3).pause(Duration::from_secs(30)));
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failover {
    backup: Endpoint,
    failures: u32,
    percent: u32,
    window: Duration,
    pause: Duration,
    probes: u32,
}

impl Failover {
    /// A failover to `backup`, such as `Endpoint::explicit("cvm.ap-guangzhou.tencentcloudapi.com")`.
    pub fn to(backup: Endpoint) -> Self {
        Self {
            backup,
            failures: 5,
            percent: 75,
            window: Duration::from_secs(300),
            pause: Duration::from_secs(60),
            probes: 5,
        }
    }

    /// How many failures it takes, in a row or together with the share of [`percent`](Self::percent); 5 by default, and
    /// 0 counts as 1.
    #[must_use]
    pub fn failures(mut self, failures: u32) -> Self {
        self.failures = failures.max(1);
        self
    }

    /// How many of a hundred requests have to fail, if the failures are not in a row; 75 by default.
    #[must_use]
    pub fn percent(mut self, percent: u32) -> Self {
        self.percent = percent;
        self
    }

    /// How long failures are counted together, 5 min by default.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How long the usual endpoint is left alone, 60 s by default.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// How many probes have to succeed until the usual endpoint is back; 5 by default, and 0 counts as 1.
    #[must_use]
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = probes.max(1);
        self
    }

    /// The endpoint that takes over.
    pub fn backup(&self) -> &Endpoint {
        &self.backup
    }
}

/// Where one attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To the usual endpoint; its outcome counts for the period that it was sent in.
    Usual {
        period: u64,
    },
    Backup,
}

/// The breakers of a client, one for each host that it has.
#[derive(Default)]
pub(crate) struct Breakers(Vec<Breaker>);

impl Breakers {
    /// Where the next attempt for `host` goes. `patience` is the longest that it may take.
    pub(crate) fn route(
        &mut self,
        failover: &Failover,
        host: &str,
        mono: Duration,
        patience: Duration,
    ) -> Route {
        match self.of(host) {
            Some(breaker) => breaker.route(failover, mono, patience),
            None => Route::Usual { period: 0 },
        }
    }

    /// Takes in what came of an attempt: whether an answer arrived.
    pub(crate) fn report(&mut self, failover: &Failover, host: &str, route: Route, mono: Duration, ok: bool) {
        let Route::Usual { period } = route else { return };
        match self.of(host) {
            Some(breaker) if breaker.period == period => breaker.report(failover, mono, ok),
            Some(_) => {}
            // A host that has always answered needs no breaker.
            None if ok => {}
            None => {
                let mut breaker = Breaker { host: host.into(), period: 0, state: State::closed(mono) };
                breaker.report(failover, mono, ok);
                self.0.push(breaker);
            }
        }
    }

    /// The breaker of a host; a client has few of them.
    fn of(&mut self, host: &str) -> Option<&mut Breaker> {
        self.0.iter_mut().find(|breaker| breaker.host == host)
    }
}

struct Breaker {
    host: String,
    /// Counts the states it has been in: what was sent in another one tells nothing of this one.
    period: u64,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Closed {
        since: Duration,
        requests: u32,
        failures: u32,
        in_a_row: u32,
    },
    Open {
        until: Duration,
    },
    /// `probe` is when the probe that is out is over at the latest.
    HalfOpen {
        probe: Option<Duration>,
        succeeded: u32,
    },
}

impl State {
    fn closed(since: Duration) -> Self {
        Self::Closed { since, requests: 0, failures: 0, in_a_row: 0 }
    }
}

impl Breaker {
    fn enter(&mut self, state: State) {
        self.state = state;
        self.period += 1;
    }

    fn route(&mut self, failover: &Failover, mono: Duration, patience: Duration) -> Route {
        match &mut self.state {
            State::Closed { since, .. } if mono.saturating_sub(*since) >= failover.window => {
                self.enter(State::closed(mono));
            }
            State::Closed { .. } => {}
            State::Open { until } if mono < *until => return Route::Backup,
            State::Open { .. } => self.enter(State::HalfOpen { probe: Some(mono + patience), succeeded: 0 }),
            State::HalfOpen { probe: Some(end), .. } if mono < *end => return Route::Backup,
            State::HalfOpen { probe, .. } => *probe = Some(mono + patience),
        }
        Route::Usual { period: self.period }
    }

    fn report(&mut self, failover: &Failover, mono: Duration, ok: bool) {
        match &mut self.state {
            State::Closed { requests, failures, in_a_row, .. } => {
                *requests = requests.saturating_add(1);
                if ok {
                    *in_a_row = 0;
                    return;
                }
                *failures = failures.saturating_add(1);
                *in_a_row = in_a_row.saturating_add(1);
                let share = u64::from(*failures) * 100 >= u64::from(*requests) * u64::from(failover.percent);
                if *in_a_row >= failover.failures || (*failures >= failover.failures && share) {
                    self.enter(State::Open { until: mono + failover.pause });
                }
            }
            State::Open { .. } => {}
            State::HalfOpen { probe, succeeded } => {
                *probe = None;
                *succeeded += 1;
                if !ok {
                    self.enter(State::Open { until: mono + failover.pause });
                } else if *succeeded >= failover.probes {
                    self.enter(State::closed(mono));
                }
            }
        }
    }
}
