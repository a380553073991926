//! How connections are made: resolution, proxy, TLS.

use std::fmt;
use std::sync::Arc;

use cvm_proto::{Error, ProxyAddress, Settings};
use rustls::pki_types::CertificateDer;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector,
};
use ureq::{Agent, Proxy, config::Config, http::Uri};

use crate::frugal::Frugal;
use crate::tcp::Tcp;

/// A client's agents.
#[derive(Clone, Debug)]
pub(crate) struct Agents {
    pub(crate) usual: Agent,
    /// For what goes past the proxy, if there is a proxy and anything can.
    pub(crate) direct: Option<Agent>,
}

impl Agents {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let proxy = settings.proxy_address()?;
        let goes_past = settings.provider.is_some() || !settings.no_proxy.is_empty();
        let direct = (proxy.is_some() && goes_past).then(|| agent(settings, None));
        Ok(Self { usual: agent(settings, proxy.as_ref())?, direct: direct.transpose()? })
    }
}

/// The transport as the settings want it, with everything off that could change a request or send it again.
fn agent(settings: &Settings, proxy: Option<&ProxyAddress>) -> Result<Agent, Error> {
    let config = Config::builder()
        .tls_config(tls(settings)?)
        .user_agent(concat!("cvm-ureq/", env!("CARGO_PKG_VERSION")))
        .proxy(proxy.map(to_proxy).transpose()?)
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

fn to_proxy(address: &ProxyAddress) -> Result<Proxy, Error> {
    Proxy::new(&address.to_url()).map_err(|_| Settings::wrong_proxy())
}

/// rustls with ring, trusting the platform's certificate authorities and those that a user adds.
fn tls(settings: &Settings) -> Result<TlsConfig, Error> {
    let roots = if settings.ca_pem.is_none() {
        RootCerts::PlatformVerifier
    } else {
        let mut all: Vec<_> = settings.ca_certificates()?.into_iter().map(CertificateDer::from).collect();
        all.extend(rustls_native_certs::load_native_certs().certs);
        RootCerts::new_with_certs(
            &all.iter().map(|der| Certificate::from_der(der).to_owned()).collect::<Vec<_>>(),
        )
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
