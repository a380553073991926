//! What is written of exchanges and calls, as events of `tracing`.

use std::time::Instant;

use cvm_proto::machine::Failure;
use cvm_proto::output::escaped;
use cvm_proto::{Error, Reply, Request, Response};
use tracing::{Level, debug, enabled, trace, warn};

/// The events of one exchange: at DEBUG one when it begins, at TRACE its URL and headers, those that hold a secret as `***`,
/// and one when it ends. What is in the answer, an error perhaps, is the core's to say: see
/// [`AttemptEnd`](cvm_proto::AttemptEnd).
#[derive(Debug)]
pub struct ExchangeRecord {
    /// If anybody hears of it.
    started: Option<Instant>,
    attempt: u32,
}

impl ExchangeRecord {
    /// Writes that a request is about to be sent.
    pub fn begin(request: &Request) -> Self {
        let attempt = request.attempt();
        debug!(
            action = request.action(),
            region = request.region(),
            attempt,
            bytes = request.body().len(),
            "request"
        );
        trace!(?request);
        Self { started: enabled!(Level::DEBUG).then(Instant::now), attempt }
    }

    /// Writes what came of it.
    pub fn end(self, outcome: Result<Response, Failure>) -> Reply {
        let Self { started, attempt } = self;
        let elapsed = started.map(|started| started.elapsed()).unwrap_or_default();
        match &outcome {
            Ok(response) => {
                let (status, bytes) = (response.status(), response.body().len());
                trace!(attempt, status, bytes, ?elapsed, "response");
            }
            Err(Failure { sent, kind, message, .. }) => {
                let message = escaped(message);
                trace!(attempt, ?kind, ?sent, ?elapsed, "no response: {message}");
            }
        }
        outcome.into()
    }
}

/// Warns of a call that failed in the end; to be called within the call's span.
///
/// # Errors
///
/// What it is given.
pub fn warn_of<T>(result: Result<T, Error>) -> Result<T, Error> {
    if let Err(error) = &result {
        warn!(kind = error.kind().as_str(), attempts = error.attempts(), "{error}");
    }
    result
}
