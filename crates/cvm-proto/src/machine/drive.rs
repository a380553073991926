//! The loop that drives a machine: once for drivers that block, and once for those that await.

use core::ops::ControlFlow::{self, Break, Continue};
use core::time::Duration;

use super::{Machine, Now, Reply, Step};
use crate::wire::Request;

/// How a driver that blocks tells the time and sleeps.
pub trait Clock {
    /// Why driving stops before the machine is done; [`core::convert::Infallible`] if it never does.
    type Interrupt;

    /// What time it is.
    fn now(&self) -> Now;

    /// Sleeps until the monotonic clock ([`Now::mono`]) reads this.
    ///
    /// # Errors
    ///
    /// What interrupts the sleep, and with it the driving.
    fn sleep_until(&self, mono: Duration) -> Result<(), Self::Interrupt>;

    /// Whether to stop. Asked after each exchange, when the machine has had its reply.
    ///
    /// # Errors
    ///
    /// Why to stop.
    fn interrupted(&self) -> Result<(), Self::Interrupt> {
        Ok(())
    }
}

/// How a driver that awaits tells the time and sleeps.
pub trait AsyncClock {
    /// A sleep.
    type Sleep: Future<Output = ()>;

    /// What time it is.
    fn now(&self) -> Now;

    /// Sleeps until the monotonic clock ([`Now::mono`]) reads this.
    fn sleep_until(&self, mono: Duration) -> Self::Sleep;
}

/// Does what a machine says until it reports progress (`Continue`) or is done (`Break`). After progress, drive it again.
///
/// `exchange` performs one HTTP exchange: it sends the request as it is, decides nothing and repeats nothing. What it has
/// to keep to is what [`Request`] says: [`timeout`](Request::timeout), [`cancel`](Request::cancel),
/// [`max_response_bytes`](Request::max_response_bytes).
///
/// # Errors
///
/// What interrupted the clock. The machine is left as it is: drive it again to resume.
///
/// # Examples
///
/// ```
/// use core::convert::Infallible;
/// use core::ops::ControlFlow;
/// use core::time::Duration;
/// use std::thread;
/// use std::time::{Instant, SystemTime, UNIX_EPOCH};
///
/// use cvm_proto::machine::{Clock, drive};
/// use cvm_proto::{Call, Config, Credential, Now, Reply, Response, Settings, api::DescribeZones};
///
/// struct SystemClock(Instant);
///
/// impl Clock for SystemClock {
///     type Interrupt = Infallible;
///
///     fn now(&self) -> Now {
///         let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
///         Now::new(unix.as_secs(), self.0.elapsed())
///     }
///
///     fn sleep_until(&self, mono: Duration) -> Result<(), Infallible> {
///         Ok(thread::sleep(mono.saturating_sub(self.0.elapsed())))
///     }
/// }
///
/// # let mut settings = Settings::default();
/// # settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key")?);
/// # settings.region = Some("ap-shanghai".into());
/// # let config = Config::new(settings)?;
/// let mut call = Call::new(&config, DescribeZones::default(), 1);
/// let clock = SystemClock(Instant::now());
/// let Ok(end) = drive(&mut call, &clock, |_request| {
///     let body = r#"{"Response":{"ZoneSet":[],"TotalCount":0,"RequestId":"r-1"}}"#;
///     Reply::Response(Response::new(200, body.into()))
/// });
/// let answer = match end {
///     ControlFlow::Break(outcome) => outcome?,
///     ControlFlow::Continue(never) => match never {},
/// };
/// assert_eq!(answer.request_id, "r-1");
/// # Ok::<(), cvm_proto::Error>(())
/// ```
pub fn drive<M: Machine, C: Clock>(
    machine: &mut M,
    clock: &C,
    mut exchange: impl FnMut(Request) -> Reply,
) -> Result<ControlFlow<M::Output, M::Progress>, C::Interrupt> {
    let mut now = clock.now();
    loop {
        match machine.poll(now) {
            Step::Send(request) => {
                let reply = exchange(request);
                now = clock.now();
                machine.reply(now, reply);
                clock.interrupted()?;
            }
            Step::WaitUntil(mono) => {
                clock.sleep_until(mono)?;
                now = clock.now();
            }
            Step::Progress(progress) => return Ok(Continue(progress)),
            Step::Done(output) => return Ok(Break(output)),
        }
    }
}

/// The same as [`drive`], for exchanges and sleeps that are awaited.
///
/// It needs no particular runtime. The future is `Send` if machine, clock and exchange are. One that is dropped while an
/// exchange is under way leaves the machine without a reply: hand it one that says so before it is driven again
/// ([`Failure::maybe_sent`](super::Failure::maybe_sent)).
pub async fn drive_async<M: Machine, C: AsyncClock, F: Future<Output = Reply>>(
    machine: &mut M,
    clock: &C,
    mut exchange: impl FnMut(Request) -> F,
) -> ControlFlow<M::Output, M::Progress> {
    let mut now = clock.now();
    loop {
        match machine.poll(now) {
            Step::Send(request) => {
                let reply = exchange(request).await;
                now = clock.now();
                machine.reply(now, reply);
            }
            Step::WaitUntil(mono) => {
                clock.sleep_until(mono).await;
                now = clock.now();
            }
            Step::Progress(progress) => return Continue(progress),
            Step::Done(output) => return Break(output),
        }
    }
}
