//! Where requests go, and whether by a proxy: what several settings decide together.

use alloc::format;
use alloc::string::ToString;

use cvm_proto::{Endpoint, Error, Failover, NoProxy, ProxyAddress, Scheme, Settings};

use crate::environment::Environment;
use crate::loader::{SetValues, Value};
use crate::origin::Origin;
use crate::reading::Given;
use crate::setting::{INTERNAL_DOMAIN, Setting};

/// Of an endpoint, a root domain and the internal network, the one that is set nearest to the program; at the same
/// distance the more exact one.
fn place(found: &SetValues) -> Result<(Option<&str>, Option<&str>), Error> {
    let rank = |setting| found.get(setting).map_or(0, |(_, origin)| origin.rank());
    let [endpoint, root, internal] = [Setting::Endpoint, Setting::RootDomain, Setting::Internal].map(rank);
    if let Some((value, _)) = found.get(Setting::Internal).filter(|_| internal > endpoint && internal > root)
        && (Given { setting: Setting::Internal, value }).switch()?
    {
        return Ok((None, Some(INTERNAL_DOMAIN)));
    }
    let value = |setting| found.get(setting).map(|(value, _)| value);
    if root > endpoint {
        Ok((None, value(Setting::RootDomain)))
    } else {
        Ok((value(Setting::Endpoint), None))
    }
}

/// Where requests go.
pub(crate) fn endpoint(found: &SetValues) -> Result<Endpoint, Error> {
    match place(found)? {
        (Some(address), _) => explicit(found, address),
        (None, root) => hosts(found, root),
    }
}

/// Where requests go while that cannot be reached.
pub(crate) fn failover(found: &SetValues) -> Result<Option<Failover>, Error> {
    let backup =
        found.get(Setting::BackupEndpoint).map(|(address, _)| explicit(found, address)).transpose()?;
    Ok(backup.map(Failover::to))
}

/// Where it is asked whose the credential is, if that is set. An endpoint that is set nearer to the program has no other
/// beside it.
pub(crate) fn identity(found: &SetValues) -> Result<Option<Endpoint>, Error> {
    let Some((address, origin)) = found.get(Setting::StsEndpoint) else { return Ok(None) };
    let nearer = place(found)?.0.is_some()
        && found.get(Setting::Endpoint).is_some_and(|(_, endpoint)| endpoint.rank() > origin.rank());
    if nearer { Ok(None) } else { explicit(found, address).map(Some) }
}

/// Where roles are assumed: below the same domain as all else, unless it is said.
pub(crate) fn sts(found: &SetValues) -> Result<Endpoint, Error> {
    match found.get(Setting::StsEndpoint) {
        Some((address, _)) => explicit(found, address),
        None => hosts(found, place(found)?.1),
    }
}

/// Where the instance's metadata is, unless at the usual address: by plain HTTP, as there, if it names no scheme.
pub(crate) fn metadata(found: &SetValues) -> Result<Option<Endpoint>, Error> {
    let Some((address, _)) = found.get(Setting::MetadataEndpoint) else { return Ok(None) };
    let endpoint = Endpoint::explicit(address)?;
    Ok(Some(if address.contains("://") { endpoint } else { endpoint.scheme(Scheme::Http) }))
}

/// One address. A scheme that it names goes before the setting.
fn explicit(found: &SetValues, address: &str) -> Result<Endpoint, Error> {
    let endpoint = Endpoint::explicit(address)?;
    if address.contains("://") { Ok(endpoint) } else { Ok(endpoint.scheme(scheme(found)?)) }
}

/// The hosts below a root domain.
fn hosts(found: &SetValues, root: Option<&str>) -> Result<Endpoint, Error> {
    let endpoint = root.map_or_else(|| Ok(Endpoint::default()), Endpoint::root_domain)?;
    Ok(endpoint.scheme(scheme(found)?))
}

fn scheme(found: &SetValues) -> Result<Scheme, Error> {
    found
        .get(Setting::Scheme)
        .map_or(Ok(Scheme::Https), |(value, _)| Given { setting: Setting::Scheme, value }.scheme())
}

/// Takes the proxy that the machine has for all programs, if no setting says anything of one.
///
/// As curl does it: by the endpoint's scheme `https_proxy` or `http_proxy`, else `all_proxy`, in small letters before
/// capitals (never `HTTP_PROXY`, which web servers set by a request's header), unless `no_proxy` excepts the endpoint.
/// Other hosts, such as that of sts, are judged for themselves. This machine's own addresses are never asked for by a
/// proxy.
pub(crate) fn standard_proxy(
    environment: &Environment,
    settings: &mut Settings,
    values: &mut [Value],
) -> Result<(), Error> {
    let Some(value) = values.iter_mut().find(|value| value.setting == Setting::Proxy) else { return Ok(()) };
    if value.origin != Origin::Default {
        return Ok(());
    }
    let names: &[&'static str] = if settings.endpoint.uses_tls() {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        &["http_proxy", "all_proxy", "ALL_PROXY"]
    };
    let Some((name, address)) = environment.first(names)? else { return Ok(()) };
    let excepted = environment.first(&["no_proxy", "NO_PROXY"])?;
    let no_proxy = NoProxy::list(excepted.as_ref().map_or("", |(_, list)| list)).and_loopback();
    if no_proxy.excepts(&settings.endpoint.origin(settings.region.as_deref().unwrap_or_default())) {
        return Ok(());
    }
    let address = if address.contains("://") { address } else { format!("http://{address}") };
    let proxy: ProxyAddress = address.parse().map_err(|error| Origin::Variable(name).blame(&error))?;
    value.shown = proxy.to_string();
    value.origin = Origin::Variable(name);
    settings.proxy = Some(address);
    settings.no_proxy = no_proxy;
    Ok(())
}
