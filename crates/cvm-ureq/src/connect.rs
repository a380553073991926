//! How connections are made: resolution, proxy, TLS.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cvm_proto::machine::Cause;
use cvm_proto::{Error, ProxyAddress, ProxyScheme, Settings};
use rustls::pki_types::CertificateDer;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Duration as Span;
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, NextTimeout, RustlsConnector, Transport, TransportAdapter,
};
use ureq::{Agent, config::Config, http::Uri};

use crate::coalesce::{Absolute, Coalescing};
use crate::fault::{NotConnected, Stage};
use crate::socks::{self, Target};
use crate::tcp;
use crate::tunnel::{self, Tunnel};

/// The transport as the settings want it, with everything off that could change a request or send it again.
pub(crate) fn agent(settings: &Settings, proxy: Option<&Arc<ProxyAddress>>) -> Result<Agent, Error> {
    let config = Config::builder()
        .tls_config(tls(settings)?)
        .user_agent(tunnel::USER_AGENT)
        // Ours goes before; ureq would look for one in the environment.
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(settings.attempt_timeout))
        .timeout_connect(Some(settings.connect_timeout))
        .max_idle_connections(64)
        .max_idle_connections_per_host(64)
        .build();
    let connect = Connect {
        tls: RustlsConnector::default(),
        proxy: proxy.map(ProxyRoute::new).transpose()?,
        limit: settings.connect_timeout,
    };
    Ok(Agent::with_parts(config, connect, DeferredResolver))
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

/// A proxy, and the URL of it that ureq connects to.
struct ProxyRoute {
    address: Arc<ProxyAddress>,
    uri: Uri,
}

impl ProxyRoute {
    fn new(address: &Arc<ProxyAddress>) -> Result<Self, Error> {
        let scheme = if address.scheme() == ProxyScheme::Https { "https" } else { "http" };
        let uri = format!("{scheme}://{}:{}/", address.host(), address.port());
        let uri = uri.parse().map_err(|_| Settings::wrong_proxy())?;
        Ok(Self { address: Arc::clone(address), uri })
    }
}

/// Whether a proxy is asked by HTTP itself for what an address names, and leads to no connection of its own.
pub(crate) fn is_asked_itself(proxy: &ProxyAddress, uri: &Uri) -> bool {
    !proxy.scheme().is_socks() && uri.scheme_str() == Some("http")
}

/// Makes connections, through the proxy if there is one, and marks every failure to do so.
struct Connect {
    tls: RustlsConnector,
    proxy: Option<ProxyRoute>,
    /// The longest time for a connection.
    limit: Duration,
}

impl Connector for Connect {
    type Out = Coalescing<Box<dyn Transport>>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let connected = match &self.proxy {
            None => self.dial(details.uri, details).and_then(|tcp| self.secure(details, details.uri, tcp)),
            Some(route) if is_asked_itself(&route.address, details.uri) => {
                return self
                    .to_proxy(route, details)
                    .map(|proxy| {
                        Some(Coalescing::to_proxy(proxy, Absolute::new(&route.address, details.uri)))
                    })
                    .map_err(|error| ureq::Error::Other(Box::new(error.at_proxy(true))));
            }
            Some(route) => self.through(route, details),
        };
        connected
            .map(|transport| Some(Coalescing::new(transport)))
            .map_err(|error| ureq::Error::Other(Box::new(error)))
    }
}

impl Connect {
    fn dial(&self, uri: &Uri, details: &ConnectionDetails<'_>) -> Result<Box<dyn Transport>, NotConnected> {
        let tcp = tcp::connect(uri, details, tcp::end(details));
        tcp.map(|tcp| Box::new(tcp) as _).map_err(|error| Stage::Dialling.failed(error, self.limit))
    }

    /// The same connection over TLS, if the address is one of https.
    fn secure(
        &self,
        details: &ConnectionDetails<'_>,
        uri: &Uri,
        transport: Box<dyn Transport>,
    ) -> Result<Box<dyn Transport>, NotConnected> {
        let to_uri = ConnectionDetails {
            uri,
            addrs: details.resolver.empty(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::clone(&details.register_shutdown),
        };
        match self.tls.connect(&to_uri, Some(transport)) {
            Ok(Some(transport)) => Ok(Box::new(transport)),
            Ok(None) => Err(NotConnected::because(Cause::Handshake)),
            Err(error) => Err(Stage::Securing.failed(error, self.limit)),
        }
    }

    /// A connection to the proxy itself.
    fn to_proxy(
        &self,
        route: &ProxyRoute,
        details: &ConnectionDetails<'_>,
    ) -> Result<Box<dyn Transport>, NotConnected> {
        self.dial(&route.uri, details).and_then(|tcp| self.secure(details, &route.uri, tcp))
    }

    /// A connection to the host that the proxy has made.
    fn through(
        &self,
        route: &ProxyRoute,
        details: &ConnectionDetails<'_>,
    ) -> Result<Box<dyn Transport>, NotConnected> {
        let uri = details.uri;
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if details.needs_tls() { 443 } else { 80 });
        let ends = tcp::end(details);
        let is_local = route.address.scheme() == ProxyScheme::Socks5;
        let resolved = is_local.then(|| tcp::resolve(uri, details.config, details.timeout)).transpose();
        let resolved = resolved.map_err(|error| Stage::Dialling.failed(error, self.limit))?;
        let proxy = self.to_proxy(route, details).map_err(|error| error.at_proxy(true))?;
        let mut adapter = TransportAdapter::new(proxy, Arc::clone(&details.current_time));
        let after = Span::Exact(ends.saturating_duration_since(Instant::now()));
        adapter.set_timeout(NextTimeout { after, ..details.timeout });
        let asked = if route.address.scheme().is_socks() {
            let target = Target::of(host, port, resolved.and_then(|addresses| addresses.first().copied()));
            socks::connect(&mut adapter, &route.address, &target)
        } else {
            tunnel::connect(&mut adapter, &route.address, host, port)
        };
        asked.map_err(|refusal| refusal.into_failure(self.limit).at_proxy(true))?;
        self.secure(details, uri, Box::new(Tunnel(adapter.into_inner())))
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = self.proxy.as_ref().map(|route| &route.address);
        f.debug_struct("Connect").field("proxy", &proxy).finish_non_exhaustive()
    }
}

/// Leaves resolution to [`tcp::connect`]. ureq resolves before it looks for an open connection, with a timeout in a thread
/// of its own: for most exchanges a thread and a lookup for nothing.
#[derive(Debug)]
struct DeferredResolver;

impl Resolver for DeferredResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}
