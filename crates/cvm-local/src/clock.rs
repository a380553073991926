//! The endpoint's time: what moves images through their states, and what timestamps are compared with.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::lock::lock;

/// How time passes at the endpoint.
///
/// It has two parts. The *image clock* moves copies from `SYNCING` to `NORMAL` and dates new images; it can run at any
/// pace. The *signature clock* is what a request's timestamp is compared with (300 s either way), what temporary
/// credentials expire by, and what the `Date` header shows; it is the machine's own clock, whatever the pace, so that
/// signed requests stay valid. Only a skew changes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    pub(crate) pace: Pace,
    pub(crate) skew: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    Scaled(f64),
    Stepped,
    AutoAdvance,
}

impl Default for Clock {
    fn default() -> Self {
        Self::real()
    }
}

impl Clock {
    /// Image time runs like real time.
    pub const fn real() -> Self {
        Self { pace: Pace::Scaled(1.0), skew: 0 }
    }

    /// Image time runs `factor` times as fast: with 60, a copy of one minute takes a second. The factor is finite and
    /// not negative; starting an endpoint with another one fails.
    pub const fn scaled(factor: f64) -> Self {
        Self { pace: Pace::Scaled(factor), skew: 0 }
    }

    /// Image time stands still, and moves only with [`CvmLocal::advance`](crate::CvmLocal::advance).
    pub const fn stepped() -> Self {
        Self { pace: Pace::Stepped, skew: 0 }
    }

    /// Image time stands still until a client looks at something that is not done yet: an answer that shows an image or
    /// an instance on its way to another state moves it to the moment when the first of them arrives there. So whoever
    /// waits sees that there is something to wait for, and at the next look it is done: nothing takes real time but the
    /// client's own pauses.
    ///
    /// It moves for answers of `DescribeImages`, `DescribeInstances` and `DescribeInstancesStatus`, and for images that a
    /// fault hides from such an answer. What never ends moves nothing, and [`CvmLocal::advance`](crate::CvmLocal::advance)
    /// works as well. Requests are not counted against the rates of their actions: a second may pass between any two.
    pub const fn auto_advanced() -> Self {
        Self { pace: Pace::AutoAdvance, skew: 0 }
    }

    pub(crate) fn is_auto_advanced(self) -> bool {
        self.pace == Pace::AutoAdvance
    }

    /// The endpoint's signature clock is `seconds` ahead (behind, if negative): it refuses timestamps by that clock, and
    /// its `Date` header shows it.
    pub const fn skewed(seconds: i64) -> Self {
        Self::real().with_skew(seconds)
    }

    /// The same pace, with a signature clock that is `seconds` ahead.
    #[must_use]
    pub const fn with_skew(self, seconds: i64) -> Self {
        Self { pace: self.pace, skew: seconds }
    }

    pub(crate) fn check(self) -> Result<(), String> {
        match self.pace {
            Pace::Scaled(factor) if !factor.is_finite() || factor < 0.0 => Err(format!(
                "the clock's factor is {factor}: give a finite number that is not negative, such as 60"
            )),
            _ => Ok(()),
        }
    }
}

/// A point in image time: milliseconds since 1970-01-01T00:00:00Z.
pub(crate) type Moment = u64;

/// A running [`Clock`].
#[derive(Debug)]
pub(crate) struct RunningClock(Mutex<ClockState>);

#[derive(Debug)]
struct ClockState {
    clock: Clock,
    /// Image time at `since`, from which on it runs at the clock's pace.
    base: Moment,
    since: Instant,
}

impl ClockState {
    /// Image time, `elapsed` after `since`.
    fn after(&self, elapsed: Duration) -> Moment {
        let passed = match self.clock.pace {
            Pace::Stepped | Pace::AutoAdvance => 0,
            Pace::Scaled(factor) => scaled_millis(elapsed, factor),
        };
        self.base.saturating_add(passed)
    }

    fn now(&self) -> Moment {
        self.after(self.since.elapsed())
    }
}

impl RunningClock {
    pub(crate) fn new(clock: Clock) -> Self {
        Self(Mutex::new(ClockState { clock, base: millis(since_1970()), since: Instant::now() }))
    }

    pub(crate) fn clock(&self) -> Clock {
        lock(&self.0).clock
    }

    /// Runs another clock, from the present image time.
    pub(crate) fn set(&self, clock: Clock) {
        let mut running = lock(&self.0);
        *running = ClockState { clock, base: running.now(), since: Instant::now() };
    }

    /// Image time.
    pub(crate) fn now(&self) -> Moment {
        lock(&self.0).now()
    }

    /// Sets image time; it continues from there.
    pub(crate) fn set_now(&self, moment: Moment) {
        let mut running = lock(&self.0);
        (running.base, running.since) = (moment, Instant::now());
    }

    /// Continues where another endpoint stopped. A real image clock has run on meanwhile.
    pub(crate) fn resume(&self, moment: Moment) {
        let is_real = self.clock().pace == Pace::Scaled(1.0);
        self.set_now(if is_real { moment.max(self.now()) } else { moment });
    }

    /// Moves image time forward, on top of its own pace.
    pub(crate) fn advance(&self, by: Duration) {
        let mut running = lock(&self.0);
        running.base = running.base.saturating_add(millis(by));
    }

    /// Moves image time on to a change that a client has been shown to be coming, if the clock is one that does so; says
    /// whether it has moved.
    pub(crate) fn advance_to_seen(&self, change: Moment) -> bool {
        let mut running = lock(&self.0);
        let moves = running.clock.is_auto_advanced() && running.base < change;
        if moves {
            running.base = change;
        }
        moves
    }

    /// Signature time, in seconds since 1970. It is read afresh: this machine's clock may be set while we run.
    pub(crate) fn unix(&self) -> u64 {
        since_1970().as_secs().saturating_add_signed(self.clock().skew)
    }

    /// The `Date` header, where it differs from the one that the HTTP library writes.
    pub(crate) fn skewed_date(&self) -> Option<String> {
        let unix = if self.clock().skew == 0 { return None } else { self.unix() };
        // The header has four digits for the year.
        Some(httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix.min(LAST_SECOND))))
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// 9999-12-31T23:59:59Z, the last second that dates on the wire can tell.
const LAST_SECOND: u64 = 253_402_300_799;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A float's conversion to an integer saturates, and rounding below a millisecond does not matter here.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn scaled_millis(elapsed: Duration, factor: f64) -> u64 {
    (elapsed.as_secs_f64() * factor * 1000.0) as u64
}

/// A moment as the API writes it: `2026-11-24T04:05:06Z`.
pub(crate) fn iso(moment: Moment) -> String {
    iso_seconds(moment / 1000)
}

/// The same for seconds since 1970.
pub(crate) fn iso_seconds(unix: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(unix.min(LAST_SECOND));
    humantime::format_rfc3339_seconds(time).to_string()
}

/// A point in image time as the rest of the world writes it.
pub(crate) fn system_time(moment: Moment) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(moment.min(LAST_SECOND * 1000))
}

/// The moment of a point in time; 1970 for what lies before.
pub(crate) fn moment(time: SystemTime) -> Moment {
    millis(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// The moment that a text such as `2026-11-24T04:05:06Z` names.
pub(crate) fn parse_iso(text: &str) -> Option<Moment> {
    let time = humantime::parse_rfc3339(text).ok()?;
    time.duration_since(UNIX_EPOCH).ok().map(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stepped_clock_moves_by_hand_only() {
        let running_clock = RunningClock::new(Clock::stepped());
        let start = running_clock.now();
        assert_eq!(lock(&running_clock.0).after(Duration::from_secs(3600)), start);
        running_clock.advance(Duration::from_secs(90));
        assert_eq!(running_clock.now(), start + 90_000);
        running_clock.advance(Duration::MAX);
        running_clock.advance(Duration::MAX);
        assert_eq!(running_clock.now(), u64::MAX);
    }

    #[test]
    fn a_clock_that_is_set_goes_on_from_where_it_was() {
        let running_clock = RunningClock::new(Clock::stepped());
        running_clock.set_now(5_000);
        running_clock.set(Clock::stepped().with_skew(60));
        assert_eq!((running_clock.now(), running_clock.clock()), (5_000, Clock::stepped().with_skew(60)));
        running_clock.resume(3_000);
        assert_eq!(running_clock.now(), 3_000, "what stands still stood still meanwhile");
        running_clock.set(Clock::real());
        running_clock.resume(1_000);
        assert!(running_clock.now() >= 3_000, "real time never goes back");
    }

    #[test]
    fn a_factor_scales_what_has_passed() {
        let running = |clock| ClockState { clock, base: 1000, since: Instant::now() };
        let second = Duration::from_secs(1);
        assert_eq!(running(Clock::real()).after(second), 2_000);
        assert_eq!(running(Clock::scaled(60.0)).after(second), 61_000);
        assert_eq!(scaled_millis(Duration::from_secs(2), 60.0), 120_000);
        assert_eq!(scaled_millis(Duration::from_secs(2), 0.0), 0);
        assert_eq!(scaled_millis(Duration::from_secs(2), f64::MAX), u64::MAX);
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(Clock::scaled(bad).check().unwrap_err().contains("factor"), "{bad}");
        }
    }

    #[test]
    fn a_skew_moves_the_signature_clock_and_not_the_images() {
        let (plain, ahead) = (RunningClock::new(Clock::real()), RunningClock::new(Clock::skewed(86_400)));
        assert!(ahead.unix() - plain.unix() >= 86_400);
        assert!(ahead.now() - plain.now() < 60_000);
        assert_eq!(plain.skewed_date(), None);
        let date = httpdate::parse_http_date(&ahead.skewed_date().unwrap()).unwrap();
        assert!(date.duration_since(SystemTime::now()).unwrap() > Duration::from_secs(86_000));
        assert!(
            RunningClock::new(Clock::skewed(i64::MAX)).skewed_date().unwrap().ends_with("9999 23:59:59 GMT")
        );
    }

    #[test]
    fn moments_are_read_as_they_are_written() {
        let text = "2026-11-24T04:05:06Z";
        assert_eq!(iso(parse_iso(text).unwrap()), text);
        assert_eq!(parse_iso("1969-12-31T23:59:59Z"), None);
        assert_eq!(parse_iso("yesterday"), None);
        assert_eq!(iso(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
