//! Who performs the exchanges of a client, and what is done for whoever does: cancel, size, records.

use std::fmt;
use std::sync::Arc;

use cvm_proto::machine::{Cause, Failure, Fault};
use cvm_proto::{Config, Error, Reply, Request, Response};
use cvm_shell::ExchangeRecord;

use crate::Client;
use crate::http::Http;
use crate::interrupt::Interrupt;

/// What performs the HTTP exchanges of a [`Client`] in the place of its own connections: a middleware, a recording that is
/// replayed, a Unix socket. See [`Client::with_exchange`].
///
/// Closures are exchanges: `Fn(Request) -> Reply`, or with an output of `Result<Response, Failure>`.
///
/// ```
/// use cvm_ureq::cvm_proto::{Reply, Response};
/// use cvm_ureq::{Client, Credential, api::DescribeZones};
///
/// let credential = Credential::new("AKIDexample", "not-a-real-key")?;
/// let client = Client::builder().credential(credential).region("ap-shanghai").build()?;
/// let client = client.with_exchange(|_request| {
///     let body = r#"{"Response":{"ZoneSet":[],"TotalCount":0,"RequestId":"r-1"}}"#;
///     Reply::Response(Response::new(200, body.into()))
/// });
/// assert_eq!(client.send(DescribeZones::default())?.request_id, "r-1");
/// # Ok::<(), cvm_ureq::Error>(())
/// ```
pub trait Exchange: Send + Sync + 'static {
    /// Sends a request as it is, and gives what came of it.
    ///
    /// It adds no query, changes no header that is signed, follows no redirect and repeats nothing. It ends within
    /// [`Request::timeout`], and earlier if [`Request::cancel`] says so: nobody else can end it. Where no whole response
    /// comes, [`Request::failure`] makes the reply from a [`Fault`]: say [`Fault::not_sent`] only where no part of the
    /// request can have left, since what was not sent may be sent again.
    fn exchange(&self, request: Request) -> Reply;
}

impl<F, R> Exchange for F
where
    F: Fn(Request) -> R + Send + Sync + 'static,
    R: Into<Reply>,
{
    fn exchange(&self, request: Request) -> Reply {
        self(request).into()
    }
}

/// Who performs a client's exchanges.
#[derive(Clone)]
pub(crate) enum Transport {
    Http(Http),
    Given(Arc<dyn Exchange>),
}

impl Transport {
    /// The same for the region of a config.
    pub(crate) fn at(&self, config: &Config) -> Result<Self, Error> {
        Ok(match self {
            Self::Http(http) => Self::Http(http.at(config)?),
            Self::Given(exchange) => Self::Given(Arc::clone(exchange)),
        })
    }

    fn perform(&self, request: &Request) -> Result<Response, Failure> {
        let exchange = match self {
            Self::Http(http) => return http.perform(request),
            Self::Given(exchange) => exchange,
        };
        match exchange.exchange(request.clone()) {
            Reply::Response(response) if response.body().len() > request.max_response_bytes() => {
                Err(request.failure(Fault::maybe_sent(Cause::TooLarge)))
            }
            Reply::Response(response) => Ok(response),
            Reply::Failed(failure) => Err(failure),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(http) => http.fmt(f),
            Self::Given(_) => f.write_str("Given"),
        }
    }
}

impl Client {
    /// Performs one exchange, for drivers of their own; whatever comes of it is a reply. It decides nothing and is not
    /// repeated: see [`machine`](cvm_proto::machine).
    pub fn exchange(&self, request: Request) -> Reply {
        let record = ExchangeRecord::begin(&request);
        let outcome = match Interrupt::of(&request, self.interrupt.as_ref()) {
            None => self.transport.perform(&request),
            Some(interrupt) => interrupt
                .check_cancel()
                .and_then(|()| interrupt.during(|| self.transport.perform(&request)))
                .map_err(|failure| interrupt.explain(failure)),
        };
        record.end(outcome)
    }
}
