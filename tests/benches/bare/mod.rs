//! The floor that whole calls are measured against: a bare hyper server that answers every request with the same bytes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::thread;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime::Builder;

/// Starts the server on a thread of its own; it lives as long as the process.
pub(crate) fn serve(body: impl Into<Bytes>) -> SocketAddr {
    let body = body.into();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.set_nonblocking(true).expect("a listener can be");
    let address = listener.local_addr().expect("a bound listener has an address");
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("it does not block");
            loop {
                let (stream, _) = listener.accept().await.expect("connections come from this process");
                stream.set_nodelay(true).expect("the stream is open");
                let body = body.clone();
                let connection = hyper::server::conn::http1::Builder::new().serve_connection(
                    TokioIo::new(stream),
                    service_fn(move |request| answer(request, body.clone())),
                );
                // A client that goes away ends its connection with an error, and nothing else.
                tokio::spawn(async move { connection.await.unwrap_or(()) });
            }
        });
    });
    address
}

async fn answer(
    request: hyper::Request<hyper::body::Incoming>,
    body: Bytes,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    // A request whose body breaks off has nobody to answer to.
    let _ = request.into_body().collect().await;
    let mut response = hyper::Response::new(Full::new(body));
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    Ok(response)
}

/// The one in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
