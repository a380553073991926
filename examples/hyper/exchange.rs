//! Exchanges over hyper's own client, or whatever stack of tower's is around it: plain HTTP, no proxy.

use std::error::Error;
use std::io;

use cvm_reqwest::cvm_proto::machine::{Cause, Failure, Fault};
use cvm_reqwest::{Exchange, Reply, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use tower::{BoxError, Service, ServiceExt};

/// hyper's client, with its pool of connections.
pub(crate) type HyperClient = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn hyper_client() -> HyperClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

/// A service of tower's that performs exchanges.
pub(crate) struct ServiceExchange<S>(pub(crate) S);

impl<S> ServiceExchange<S>
where
    S: Service<hyper::Request<Full<Bytes>>, Response = hyper::Response<Incoming>, Error: Into<BoxError>>
        + Clone,
{
    async fn perform(&self, request: &Request) -> Result<Response, Failure> {
        let fault = |cause| request.failure(Fault::maybe_sent(cause));
        let answer = self.0.clone().oneshot(request.to_http()?).await;
        let answer = answer.map_err(|error| request.failure(no_answer(&*error.into())))?;
        let most = request.max_response_bytes();
        if answer.body().size_hint().lower() > most as u64 {
            return Err(fault(Cause::TooLarge));
        }
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, most).collect().await.map_err(|error| {
            fault(if error.is::<LengthLimitError>() { Cause::TooLarge } else { Cause::CutOff })
        })?;
        Ok(hyper::Response::from_parts(head, body.to_bytes()).into())
    }
}

impl<S> Exchange for ServiceExchange<S>
where
    S: Service<hyper::Request<Full<Bytes>>, Response = hyper::Response<Incoming>, Error: Into<BoxError>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
    S::Error: Send,
{
    async fn exchange(&self, request: Request) -> Reply {
        self.perform(&request).await.into()
    }
}

/// What it means that the head of an answer did not come. What fails before there is a connection was not sent.
fn no_answer(error: &(dyn Error + 'static)) -> Fault<'static> {
    if !find::<legacy::Error>(error).is_some_and(legacy::Error::is_connect) {
        let is_parse = find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse);
        return Fault::maybe_sent(if is_parse { Cause::NotHttp } else { Cause::NoAnswer });
    }
    if chain(error).any(|error| error.to_string() == "dns error") {
        return Fault::not_sent(Cause::Resolve);
    }
    let kind = find::<io::Error>(error).map(io::Error::kind);
    Fault::not_sent(match kind {
        Some(io::ErrorKind::ConnectionRefused) => Cause::Refused,
        _ => Cause::Unreachable,
    })
}

/// An error and what caused it, from the outside in.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The first error of a type among them.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}
