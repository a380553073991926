//! The end of each attempt, for a hook of the client, and with the feature `tracing` for a log.

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

#[cfg(feature = "tracing")]
use tracing::Level;

use crate::error::{Error, ErrorCode, FailureKind};

/// How one attempt at a request ended, and what follows.
///
/// A client reports it to [`Settings::on_attempt`](crate::Settings::on_attempt), for everything that it sends: calls, the
/// pages of lists, the calls of jobs, and what fetches a credential. An attempt that is given up because its driver went
/// away comes to no end, and is not told.
///
/// With the feature `tracing` it is an event as well, of the target `cvm_proto::attempt`: at DEBUG if it succeeded, and else
/// at INFO. Its fields are named as OpenTelemetry's conventions for remote procedure calls have it:
///
/// | field | what it is |
/// |---|---|
/// | `rpc.system.name`, `rpc.method` | `tencentcloud`; service and action, as `cvm/DescribeImages` |
/// | `cloud.region`, `server.address` | the region if the request has one; host and port |
/// | `http.request.resend_count` | [`resend_count`](Self::resend_count) |
/// | `http.response.status_code` | [`status`](Self::status) |
/// | `rpc.response.status_code` | the service's error code, if it answered with one |
/// | `error.type` | [`error_type`](Self::error_type); missing if the attempt succeeded |
/// | `tencentcloud.request_id` | [`request_id`](Self::request_id) |
/// | `attempt`, `elapsed`, `next` | which attempt, how long it took, what follows |
/// | `pause`, `reason` | how long until it is sent again, and why; why it is not |
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AttemptEnd<'a> {
    /// The product that was called, such as `cvm` or `sts`.
    pub service: &'a str,
    /// The action; `instance metadata` for what is none.
    pub action: &'a str,
    /// The region it was called in.
    pub region: Option<&'a str>,
    /// Host and, unless it is the scheme's own, port.
    pub host: &'a str,
    /// Which attempt it was, from 1. One that was sent again with another clock or credential does not count, so two may have
    /// the same number.
    pub attempt: u32,
    /// How often the request had been sent before, for whatever reason.
    pub resend_count: u32,
    /// The time between handing out the request and taking in the reply.
    pub elapsed: Duration,
    /// The id that the answer names.
    pub request_id: Option<&'a str>,
    /// What went wrong; `None` if the attempt succeeded.
    pub error: Option<&'a Error>,
    /// What follows.
    pub next: NextStep,
}

/// What follows from the end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextStep {
    /// Nothing: it succeeded.
    Done,
    /// The request is sent again.
    Retry {
        /// Not before this has passed.
        pause: Duration,
        /// What makes another attempt worthwhile.
        reason: RetryReason,
    },
    /// The request is not sent again: its error is what the call ends with.
    Fail(FailReason),
}

/// Why a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryReason {
    /// Too many requests.
    Throttled,
    /// The service failed in a way that may pass.
    ServiceError,
    /// No whole response came.
    NoResponse,
    /// What came is no answer of the service.
    BadResponse,
    /// The client's [`RetryPolicy`](crate::RetryPolicy) says so of the code.
    Policy,
    /// The service refused the time stamp, and its clock is known now.
    ClockCorrected,
    /// The service refused the credential, and another one may be had.
    CredentialRefused,
}

/// Why a request is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailReason {
    /// Another attempt would fail in the same way.
    Permanent,
    /// The client's [`RetryPolicy`](crate::RetryPolicy) says so of the code.
    Policy,
    /// The service may have done the work, and doing it twice is not safe.
    NotSafeToRepeat,
    /// The last attempt that [`RetryPolicy`](crate::RetryPolicy) allows.
    AttemptsUsedUp,
    /// The call's time would be over first.
    NoTimeLeft,
    /// The calls of the client have used up their budget for retries.
    BudgetUsedUp,
}

impl NextStep {
    /// What follows as logs have it: `done`, `retry` or `fail`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry { .. } => "retry",
            Self::Fail(_) => "fail",
        }
    }

    /// How long until the request is sent again, if it is.
    pub const fn pause(self) -> Option<Duration> {
        match self {
            Self::Retry { pause, .. } => Some(pause),
            Self::Done | Self::Fail(_) => None,
        }
    }

    /// Why the request is sent again, or is not, as logs have it; a success needs no reason.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Retry { reason, .. } => Some(reason.as_str()),
            Self::Fail(reason) => Some(reason.as_str()),
        }
    }
}

impl RetryReason {
    /// The reason as logs have it, such as `throttled`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::ServiceError => "service_error",
            Self::NoResponse => "no_response",
            Self::BadResponse => "bad_response",
            Self::Policy => "policy",
            Self::ClockCorrected => "clock_corrected",
            Self::CredentialRefused => "credential_refused",
        }
    }
}

impl FailReason {
    /// The reason as logs have it, such as `not_safe_to_repeat`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Policy => "policy",
            Self::NotSafeToRepeat => "not_safe_to_repeat",
            Self::AttemptsUsedUp => "attempts_used_up",
            Self::NoTimeLeft => "no_time_left",
            Self::BudgetUsedUp => "budget_used_up",
        }
    }
}

impl<'a> AttemptEnd<'a> {
    /// The HTTP status, if an answer came; a success has 200.
    pub fn status(&self) -> Option<u16> {
        self.error.map_or(Some(200), Error::status)
    }

    /// What sort of error it was, of few values: the service's code, or what sort of failure kept an answer from coming, or
    /// whose fault it is.
    pub fn error_type(&self) -> Option<&'a str> {
        let error = self.error?;
        let code = error.code().map(ErrorCode::as_str);
        Some(code.or(error.failure_kind().map(FailureKind::as_str)).unwrap_or(error.kind().as_str()))
    }

    #[cfg(feature = "tracing")]
    fn log(&self) {
        let Self { service, action, attempt, resend_count, elapsed, .. } = *self;
        let (next, pause, reason) = (self.next.as_str(), self.next.pause(), self.next.reason());
        // A macro, since the level of an event is a constant. A field without a value is left out.
        macro_rules! event {
            ($level:expr, $($message:tt)+) => {
                tracing::event!(
                    target: TARGET,
                    $level,
                    rpc.system.name = SYSTEM,
                    rpc.method = format_args!("{service}/{action}"),
                    cloud.region = self.region,
                    server.address = self.host,
                    http.request.resend_count = resend_count,
                    http.response.status_code = self.status(),
                    rpc.response.status_code = self.error.and_then(Error::code).map(ErrorCode::as_str),
                    "error.type" = self.error_type(),
                    tencentcloud.request_id = self.request_id,
                    attempt,
                    ?elapsed,
                    next,
                    pause = pause.map(tracing::field::debug),
                    reason,
                    $($message)+
                )
            };
        }
        match self.error {
            None => event!(Level::DEBUG, "attempt succeeded"),
            Some(error) => event!(Level::INFO, "attempt failed: {error}"),
        }
    }
}

#[cfg(feature = "tracing")]
const TARGET: &str = "cvm_proto::attempt";
#[cfg(feature = "tracing")]
const SYSTEM: &str = "tencentcloud";

/// What a client tells the ends of its attempts to; made by [`ClientBuilder::on_attempt`](crate::ClientBuilder::on_attempt).
///
/// It is called by whoever drives the call, in its thread, with nothing of the client locked, and should return soon.
#[derive(Clone)]
pub struct AttemptHook(Arc<dyn Fn(&AttemptEnd<'_>) + Send + Sync>);

impl AttemptHook {
    /// A hook that calls `hook`.
    pub fn new(hook: impl Fn(&AttemptEnd<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    /// Whether a success is to be reported: to this hook, or to a log.
    pub(crate) fn is_told_of_success(hook: Option<&Self>) -> bool {
        #[cfg(feature = "tracing")]
        if tracing::enabled!(target: TARGET, Level::DEBUG) {
            return true;
        }
        hook.is_some()
    }

    /// Tells whoever listens.
    pub(crate) fn tell(hook: Option<&Self>, end: &AttemptEnd<'_>) {
        #[cfg(feature = "tracing")]
        end.log();
        if let Some(hook) = hook {
            (hook.0)(end);
        }
    }
}

impl fmt::Debug for AttemptHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttemptHook")
    }
}
