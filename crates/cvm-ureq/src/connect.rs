//! How connections are made: resolution, proxy, TLS.

use std::fmt;
use std::sync::Arc;

use cvm_proto::{Error, Settings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Duration;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, DefaultConnector, NextTimeout,
    RustlsConnector, Transport,
};
use ureq::{Agent, Proxy, config::Config, http::Uri};

use crate::interruptible::{Interrupt, Tcp};

/// The transport as the settings want it, with everything off that could change a request or send it again.
///
/// With somebody to ask, all waits can be broken off.
pub(crate) fn agent(settings: &Settings, interrupt: Option<Interrupt>) -> Result<Agent, Error> {
    let config = Config::builder()
        .tls_config(tls(settings)?)
        .user_agent(concat!("cvm-ureq/", env!("CARGO_PKG_VERSION")))
        .proxy(settings.proxy.as_deref().map(proxy).transpose()?)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(settings.attempt_timeout))
        .timeout_connect(Some(settings.connect_timeout))
        .max_idle_connections(64)
        .max_idle_connections_per_host(64)
        .build();
    let connect = match interrupt {
        None => Connect::Plain(DefaultConnector::default()),
        Some(interrupt) => Connect::Interruptible(Box::new(
            ().chain(ConnectProxyConnector::default())
                .chain(Tcp(interrupt))
                .chain(RustlsConnector::default())
                .chain(Boxing),
        )),
    };
    Ok(Agent::with_parts(config, connect, Late))
}

fn proxy(address: &str) -> Result<Proxy, Error> {
    Proxy::new(address).map_err(|_| Settings::wrong_proxy())
}

/// rustls with ring, trusting the platform's certificate authorities and those that a user adds.
fn tls(settings: &Settings) -> Result<TlsConfig, Error> {
    let roots = match &settings.ca_pem {
        None => RootCerts::PlatformVerifier,
        Some(pem) => {
            let mut all: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
                .collect::<Result<_, _>>()
                .map_err(|_| Settings::wrong_ca_pem("is not well-formed"))?;
            if all.is_empty() {
                return Err(Settings::wrong_ca_pem("holds no certificate"));
            }
            all.extend(rustls_native_certs::load_native_certs().certs);
            RootCerts::new_with_certs(
                &all.iter().map(|der| Certificate::from_der(der).to_owned()).collect::<Vec<_>>(),
            )
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build())
}

/// A failure to connect: the request was not sent.
#[derive(Debug)]
pub(crate) struct NotConnected(pub(crate) ureq::Error);

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for NotConnected {}

/// Connects as ureq does, or so that it can be broken off, and marks every failure to do so.
#[derive(Debug)]
enum Connect {
    Plain(DefaultConnector),
    /// Resolves by itself, the proxy's name included.
    Interruptible(Box<dyn Connector<(), Out = Box<dyn Transport>>>),
}

/// Ends a chain of connectors with one type for all connections.
#[derive(Debug)]
struct Boxing;

impl<In: Transport> Connector<In> for Boxing {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        _: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(|transport| Box::new(transport) as Self::Out))
    }
}

impl Connector for Connect {
    type Out = Frugal;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let connected = match self {
            Self::Interruptible(chain) => chain.connect(details, None),
            Self::Plain(chain) => resolve(details).and_then(|addrs| {
                let details = ConnectionDetails {
                    addrs,
                    resolver: &DefaultResolver::default(),
                    run_connector: Arc::clone(&details.run_connector),
                    register_shutdown: Arc::clone(&details.register_shutdown),
                    current_time: Arc::clone(&details.current_time),
                    ..*details
                };
                chain.connect(&details, None)
            }),
        };
        let frugal = |transport| Frugal { transport, used: false };
        connected.map(|transport| transport.map(frugal)).map_err(|error| match error {
            // A proxy's connection is made by this connector as well.
            ureq::Error::Other(inner) if inner.is::<NotConnected>() => ureq::Error::Other(inner),
            error => ureq::Error::Other(Box::new(NotConnected(error))),
        })
    }
}

/// A transport with fewer system calls for an exchange on an open connection.
///
/// ureq asks for the time that is left before each read and write, and sets it on the socket wherever it differs: here
/// it is rounded up, by a sixteenth at most, and so mostly the same. And ureq looks twice whether a connection is open,
/// after one exchange and before the next: here the second look is the one that looks.
#[derive(Debug)]
struct Frugal {
    transport: Box<dyn Transport>,
    used: bool,
}

impl Transport for Frugal {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.used = true;
        self.transport.transmit_output(amount, coarse(timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.transport.await_input(coarse(timeout))
    }

    fn is_open(&mut self) -> bool {
        std::mem::take(&mut self.used) || self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}

/// The timeout in a sixteenth of its own size: 30 s in steps of a second.
fn coarse(timeout: NextTimeout) -> NextTimeout {
    let left = u64::try_from(timeout.after.as_millis()).unwrap_or(u64::MAX);
    let step = left.checked_ilog2().map_or(1, |log| 1 << log.saturating_sub(4));
    let after = match left.checked_next_multiple_of(step) {
        Some(rounded) if !timeout.after.is_zero() => Duration::from_millis(rounded.max(1)),
        _ => timeout.after,
    };
    NextTimeout { after, ..timeout }
}

/// The addresses to connect to; with a proxy it is the proxy that resolves the name.
fn resolve(details: &ConnectionDetails<'_>) -> Result<ResolvedSocketAddrs, ureq::Error> {
    let resolver = DefaultResolver::default();
    match details.config.proxy() {
        Some(_) => Ok(resolver.empty()),
        None => resolver.resolve(details.uri, details.config, details.timeout),
    }
}

/// Leaves resolution to [`Connect`]. ureq resolves before it looks for an open connection, with a timeout in a thread
/// of its own: for most exchanges a thread and a lookup for nothing.
#[derive(Debug)]
struct Late;

impl Resolver for Late {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
