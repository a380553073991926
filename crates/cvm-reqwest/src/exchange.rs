//! Who performs the exchanges of a client, and what holds whoever does: time limit, cancel, size.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;

use cvm_proto::machine::{Cause, Failure, Fault};
use cvm_proto::{Config, Error, Reply, Request, Response};
use cvm_shell::ExchangeRecord;
use futures_util::future::{Either, select};

use crate::Client;
use crate::cancel::{Departure, Interrupt, interrupted};
use crate::http::Http;

/// What performs the HTTP exchanges of a [`Client`] in the place of its own connections: a middleware, a recording that is
/// replayed, a Unix socket. See [`Client::with_exchange`].
///
/// Closures are exchanges: `Fn(Request) -> impl Future<Output = Reply>`, or with an output of `Result<Response, Failure>`.
///
/// ```
/// use cvm_reqwest::cvm_proto::{Reply, Request, Response};
/// use cvm_reqwest::{Client, Credential, Exchange, api::DescribeZones};
///
/// /// Answers every request with the same text.
/// struct Replay(&'static str);
///
/// impl Exchange for Replay {
///     async fn exchange(&self, _: Request) -> Reply {
///         Reply::Response(Response::new(200, self.0.into()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let credential = Credential::new("AKIDexample", "not-a-real-key")?;
/// let client = Client::builder().credential(credential).region("ap-shanghai").build()?;
/// let client = client.with_exchange(Replay(r#"{"Response":{"ZoneSet":[],"TotalCount":0,"RequestId":"r-1"}}"#));
/// assert_eq!(client.send(DescribeZones::default()).await?.request_id, "r-1");
/// # Ok(())
/// # }
/// ```
pub trait Exchange: Send + Sync + 'static {
    /// Sends a request as it is, and gives what came of it.
    ///
    /// It adds no query, changes no header that is signed, follows no redirect and repeats nothing. Where no whole response
    /// comes, [`Request::failure`] makes the reply from a [`Fault`]: say [`Fault::not_sent`] only where no part of the
    /// request can have left, since what was not sent may be sent again.
    fn exchange(&self, request: Request) -> impl Future<Output = Reply> + Send;
}

impl<F, R> Exchange for F
where
    F: Fn(Request) -> R + Send + Sync + 'static,
    R: Future<Output: Into<Reply>> + Send,
{
    fn exchange(&self, request: Request) -> impl Future<Output = Reply> + Send {
        let reply = self(request);
        async { reply.await.into() }
    }
}

/// An exchange whose type is forgotten.
pub(crate) trait AnyExchange: Send + Sync {
    fn begin(&self, request: Request) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>>;
}

impl<E: Exchange> AnyExchange for E {
    fn begin(&self, request: Request) -> Pin<Box<dyn Future<Output = Reply> + Send + '_>> {
        Box::pin(self.exchange(request))
    }
}

/// Who performs a client's exchanges.
#[derive(Clone)]
pub(crate) enum Transport {
    Http(Http),
    Given(Arc<dyn AnyExchange>),
}

impl Transport {
    /// The same for the region of a config.
    pub(crate) fn at(&self, config: &Config) -> Result<Self, Error> {
        Ok(match self {
            Self::Http(http) => Self::Http(http.at(config)?),
            Self::Given(exchange) => Self::Given(Arc::clone(exchange)),
        })
    }

    async fn perform(&self, request: &Request, departure: &Departure) -> Result<Response, Failure> {
        let exchange = match self {
            Self::Http(http) => return http.perform(request, departure).await,
            Self::Given(exchange) => exchange,
        };
        // Nobody here sees when it leaves.
        departure.may_leave();
        match exchange.begin(request.clone()).await {
            Reply::Response(response) if response.body().len() > request.max_response_bytes() => {
                Err(request.failure(Fault::maybe_sent(Cause::TooLarge)))
            }
            Reply::Response(response) => Ok(response),
            Reply::Failed(failure) => Err(failure),
        }
    }

    /// What it means that the time of a request is over.
    fn too_late(&self, request: &Request, departure: &Departure) -> Failure {
        let proxy = match self {
            Self::Http(http) => http.proxy_of(request),
            Self::Given(_) => None,
        };
        request.failure(Fault::new(Cause::Timeout, departure.sent()).through(proxy))
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
    pub async fn exchange(&self, request: Request) -> Reply {
        let (record, timeout) = (ExchangeRecord::begin(&request), request.timeout());
        let departure = Departure::default();
        // Pinned where it is, as it is large to move.
        let perform = pin!(self.transport.perform(&request, &departure));
        let perform = tokio::time::timeout(timeout, perform);
        let in_time = match Interrupt::of(&request) {
            None => perform.await,
            Some(interrupt) => match select(pin!(interrupt.due()), pin!(perform)).await {
                Either::Left(((), _)) => Ok(Err(interrupted(&departure))),
                Either::Right((in_time, _)) => in_time,
            },
        };
        let outcome = in_time.unwrap_or_else(|_| Err(self.transport.too_late(&request, &departure)));
        record.end(outcome)
    }
}
