//! How connections are made: resolution, proxy, TLS.

use std::fmt;
use std::sync::Arc;

use cvm_proto::{Error, Settings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector,
};
use ureq::{Agent, Proxy, config::Config, http::Uri};

use crate::frugal::Frugal;
use crate::tcp::Tcp;

/// The transport as the settings want it, with everything off that could change a request or send it again.
pub(crate) fn agent(settings: &Settings) -> Result<Agent, Error> {
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
    let connect = ().chain(ConnectProxyConnector::default()).chain(Tcp).chain(RustlsConnector::default());
    Ok(Agent::with_parts(config, Connect(connect), Late))
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

/// Connects as another connector does, marks every failure to do so, and makes a connection frugal.
#[derive(Debug)]
struct Connect<C>(C);

impl<C: Connector> Connector for Connect<C> {
    type Out = Frugal<C::Out>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let connected = self.0.connect(details, None);
        connected.map(|transport| transport.map(Frugal::new)).map_err(|error| match error {
            // A proxy's connection is made by this connector as well.
            ureq::Error::Other(inner) if inner.is::<NotConnected>() => ureq::Error::Other(inner),
            error => ureq::Error::Other(Box::new(NotConnected(error))),
        })
    }
}

/// Leaves resolution to [`Tcp`]. ureq resolves before it looks for an open connection, with a timeout in a thread
/// of its own: for most exchanges a thread and a lookup for nothing.
#[derive(Debug)]
struct Late;

impl Resolver for Late {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
