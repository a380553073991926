//! The requests that arrived, and how each was answered.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use tokio::sync::Notify;

use crate::lock::lock;

/// How many requests are kept: enough for any test, and a bound for an endpoint that runs for weeks.
const KEPT: usize = 10_000;

/// One request to the endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The action that it named; empty if none could be read.
    pub action: String,
    /// The region that it named; empty if there was none.
    pub region: String,
    /// When it arrived, by this machine's clock.
    #[serde(serialize_with = "rfc3339")]
    pub time: SystemTime,
    /// The request id in the answer.
    pub request_id: String,
    /// How it was answered.
    pub outcome: RequestOutcome,
    /// Whether its work was done, whatever the client learned of it.
    pub accepted: bool,
}

/// How a request was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RequestOutcome {
    /// With the result.
    Done,
    /// With this error code.
    Error(String),
    /// With the HTTP status and body of a fault.
    Status(u16),
    /// With half of the result, because of a fault.
    Truncated,
    /// Not at all: a fault closed the connection.
    Dropped,
}

fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*time))
}

/// A request before anybody asks for it: what can be shared is.
#[derive(Clone, Debug)]
pub(crate) struct LoggedRequest {
    pub(crate) action: Cow<'static, str>,
    pub(crate) region: Arc<str>,
    pub(crate) time: SystemTime,
    pub(crate) request_id: crate::ids::RequestId,
    pub(crate) outcome: LoggedOutcome,
    pub(crate) accepted: bool,
}

/// An [`RequestOutcome`] that costs nothing to make.
#[derive(Clone, Debug)]
pub(crate) enum LoggedOutcome {
    Done,
    Error(Cow<'static, str>),
    Status(u16),
    Truncated,
    Dropped,
}

/// The last requests.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    requests: Mutex<VecDeque<LoggedRequest>>,
    written: Notify,
}

impl RequestLog {
    pub(crate) fn write(&self, request: LoggedRequest) {
        let mut requests = lock(&self.requests);
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
        drop(requests);
        self.written.notify_waiters();
    }

    pub(crate) fn read(&self) -> Vec<RequestRecord> {
        lock(&self.requests).iter().map(LoggedRequest::record).collect()
    }

    pub(crate) fn clear(&self) {
        lock(&self.requests).clear();
    }

    /// Waits for the request for an action with this number, counted from 1.
    pub(crate) async fn nth(
        &self,
        action: &str,
        number: usize,
        limit: Duration,
    ) -> io::Result<RequestRecord> {
        let number = number.max(1);
        let found = async {
            loop {
                // From here on nothing is missed, also before it is awaited.
                let written = self.written.notified();
                if let Ok(request) = self.find(action, number) {
                    return request;
                }
                written.await;
            }
        };
        let waited = tokio::time::timeout(limit, found).await;
        waited.or_else(|_| self.find(action, number)).map_err(|count| {
            let limit = humantime::format_duration(limit);
            let sentence = format!("{count} of {number} requests for `{action}` arrived within {limit}");
            io::Error::new(io::ErrorKind::TimedOut, sentence)
        })
    }

    /// The request for an action with this number, or how many there are.
    fn find(&self, action: &str, number: usize) -> Result<RequestRecord, usize> {
        let requests = lock(&self.requests);
        let mut own = requests.iter().filter(|request| request.action == action);
        let mut count = 0;
        own.by_ref().inspect(|_| count += 1).nth(number - 1).map(LoggedRequest::record).ok_or(count)
    }
}

impl LoggedRequest {
    fn record(&self) -> RequestRecord {
        RequestRecord {
            action: self.action.to_string(),
            region: self.region.to_string(),
            time: self.time,
            request_id: self.request_id.to_string(),
            outcome: match &self.outcome {
                LoggedOutcome::Done => RequestOutcome::Done,
                LoggedOutcome::Error(code) => RequestOutcome::Error(code.to_string()),
                LoggedOutcome::Status(status) => RequestOutcome::Status(*status),
                LoggedOutcome::Truncated => RequestOutcome::Truncated,
                LoggedOutcome::Dropped => RequestOutcome::Dropped,
            },
            accepted: self.accepted,
        }
    }
}
