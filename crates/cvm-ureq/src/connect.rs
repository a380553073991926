//! How connections are made: resolution, proxy, TLS.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cvm_proto::{Error, ProxyAddress, ProxyScheme, Settings};
use rustls::ClientConfig;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Duration as Span;
use ureq::unversioned::transport::{ConnectionDetails, Connector, NextTimeout, Transport, TransportAdapter};
use ureq::{Agent, config::Config, http::Uri};

use crate::coalesce::{Coalescing, ProxyRequestForm};
use crate::fault::{ConnectStage, NotConnected};
use crate::socks::{self, Target};
use crate::tcp;
use crate::{tls, tunnel};

/// The transport as the settings want it, with everything off that could change a request or send it again.
pub(crate) fn agent(settings: &Settings, proxy: Option<&Arc<ProxyAddress>>) -> Result<Agent, Error> {
    let config = Config::builder()
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
        tls: Arc::new(cvm_shell::tls_config(settings)?),
        proxy: proxy.map(ProxyRoute::new).transpose()?,
        limit: settings.connect_timeout,
    };
    Ok(Agent::with_parts(config, connect, DeferredResolver))
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
    tls: Arc<ClientConfig>,
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
        let ends = tcp::end(details);
        let connected = match &self.proxy {
            None => self.reach(details.uri, details, ends),
            Some(route) if is_asked_itself(&route.address, details.uri) => {
                return self
                    .reach(&route.uri, details, ends)
                    .map(|proxy| {
                        Some(Coalescing::to_proxy(proxy, ProxyRequestForm::new(&route.address, details.uri)))
                    })
                    .map_err(|error| ureq::Error::Other(Box::new(error.at_proxy(true))));
            }
            Some(route) => self.through(route, details, ends),
        };
        connected
            .map(|transport| Some(Coalescing::new(transport)))
            .map_err(|error| ureq::Error::Other(Box::new(error)))
    }
}

impl Connect {
    /// A connection to the host of an address, over TLS if it is one of https.
    fn reach(
        &self,
        uri: &Uri,
        details: &ConnectionDetails<'_>,
        ends: Instant,
    ) -> Result<Box<dyn Transport>, NotConnected> {
        let tcp = tcp::connect(uri, details, ends);
        let tcp = tcp.map_err(|error| ConnectStage::Dialling.failed(error, self.limit))?;
        self.secure(uri, details, ends, Box::new(tcp))
    }

    /// The same connection over TLS, if the address is one of https.
    fn secure(
        &self,
        uri: &Uri,
        details: &ConnectionDetails<'_>,
        ends: Instant,
        transport: Box<dyn Transport>,
    ) -> Result<Box<dyn Transport>, NotConnected> {
        if uri.scheme_str() != Some("https") {
            return Ok(transport);
        }
        let host = uri.host().unwrap_or_default();
        let secured = tls::connect(&self.tls, host, details.config, until(ends, details, transport));
        match secured {
            Ok(transport) => Ok(Box::new(transport)),
            Err(error) => Err(ConnectStage::Securing.failed(ureq::Error::from(error), self.limit)),
        }
    }

    /// A connection to the host that the proxy has made.
    fn through(
        &self,
        route: &ProxyRoute,
        details: &ConnectionDetails<'_>,
        ends: Instant,
    ) -> Result<Box<dyn Transport>, NotConnected> {
        let uri = details.uri;
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(if details.needs_tls() { 443 } else { 80 });
        let is_local = route.address.scheme() == ProxyScheme::Socks5;
        let resolved = is_local.then(|| tcp::resolve(uri, details.config, details.timeout)).transpose();
        let resolved = resolved.map_err(|error| ConnectStage::Dialling.failed(error, self.limit))?;
        let proxy = self.reach(&route.uri, details, ends).map_err(|error| error.at_proxy(true))?;
        let mut proxy = until(ends, details, proxy);
        let asked = if route.address.scheme().is_socks() {
            let target = Target::of(host, port, resolved.and_then(|addresses| addresses.first().copied()));
            socks::connect(&mut proxy, &route.address, &target)
        } else {
            tunnel::connect(&mut proxy, &route.address, host, port)
        };
        asked.map_err(|refusal| refusal.into_failure(self.limit).at_proxy(true))?;
        self.secure(uri, details, ends, proxy.into_inner())
    }
}

/// A connection that is read from and written to within the time for making it.
fn until(ends: Instant, details: &ConnectionDetails<'_>, transport: Box<dyn Transport>) -> TransportAdapter {
    let mut adapter = TransportAdapter::new(transport, Arc::clone(&details.current_time));
    let after = Span::Exact(ends.saturating_duration_since(Instant::now()));
    adapter.set_timeout(NextTimeout { after, ..details.timeout });
    adapter
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
