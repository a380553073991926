//! The sockets: accepts connections, bounds them, and lets them end.

use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use cvm_proto::output::escaped;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio_io_timeout::TimeoutWriter;

use crate::http::HttpHandler;

/// How many connections are served at a time; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1024;
/// The most that is buffered of what a connection has sent.
const MAX_BUFFER: usize = 256 << 10;
/// The pause after a connection could not be accepted, as when no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long requests that are under way are given to end.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// What connections carry HTTP in.
#[derive(Clone)]
pub(crate) enum Transport {
    Plain,
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

/// How the server is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Let requests that are under way come to their answer.
    Gracefully,
    /// Close all connections.
    AtOnce,
}

/// Serves until it is stopped, or until the handle that could stop it is gone.
pub(crate) async fn run(
    listener: StdListener,
    handler: Arc<HttpHandler>,
    transport: Transport,
    timeout: Duration,
    mut stop: oneshot::Receiver<Stop>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let how = loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            how = &mut stop => break how.unwrap_or(Stop::AtOnce),
        };
        let Ok((stream, slot)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // A client that does not read its answer must not keep its slot for ever. Reading has timeouts of its own.
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(timeout));
        let stream = Box::pin(stream);
        let (handler, watcher, transport) = (Arc::clone(&handler), connections.watcher(), transport.clone());
        tokio::spawn(async move {
            match transport {
                Transport::Plain => serve(stream, handler, timeout, watcher).await,
                #[cfg(feature = "tls")]
                Transport::Tls(tls) => match tokio::time::timeout(timeout, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve(stream, handler, timeout, watcher).await,
                    Ok(Err(error)) => {
                        tracing::warn!(error = %escaped(&error.to_string()), "TLS handshake failed");
                    }
                    Err(_) => tracing::warn!("TLS handshake took too long"),
                },
            }
            drop(slot);
        });
    };
    drop(listener);
    if how == Stop::Gracefully {
        // What has not ended within the time ends with the runtime.
        let _ = tokio::time::timeout(SHUTDOWN_LIMIT, connections.shutdown()).await;
    }
    Ok(())
}

async fn serve<S>(stream: S, handler: Arc<HttpHandler>, timeout: Duration, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { handler.answer(request).await }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(timeout).max_buf_size(MAX_BUFFER);
    if let Err(error) = watcher.watch(http.serve_connection(TokioIo::new(stream), service)).await {
        tracing::debug!(error = %escaped(&error.to_string()), "connection ended early");
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Answers are small, and clients wait for each.
    stream.set_nodelay(true)?;
    Ok((stream, slot))
}
