//! Where requests go, and whether by a proxy: what several settings decide together.

use cvm_proto::{Endpoint, Error, Failover, Scheme, Settings};

use crate::environment::Environment;
use crate::loader::{Found, Value};
use crate::origin::Origin;
use crate::setting::{INTERNAL_DOMAIN, Setting, parse_bool, parse_scheme};

/// Of an endpoint, a root domain and the internal network, the one that is set nearest to the program; at the same
/// distance the more exact one.
fn place(found: &Found) -> Result<(Option<&str>, Option<&str>), Error> {
    let rank = |setting| found.get(setting).map_or(0, |(_, origin)| origin.rank());
    let [endpoint, root, internal] = [Setting::Endpoint, Setting::RootDomain, Setting::Internal].map(rank);
    if let Some((value, _)) = found.get(Setting::Internal).filter(|_| internal > endpoint && internal > root)
        && parse_bool(value)?
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
pub(crate) fn endpoint(found: &Found) -> Result<Endpoint, Error> {
    match place(found)? {
        (Some(address), _) => explicit(found, address),
        (None, root) => hosts(found, root),
    }
}

/// Where requests go while that cannot be reached.
pub(crate) fn failover(found: &Found) -> Result<Option<Failover>, Error> {
    let backup =
        found.get(Setting::BackupEndpoint).map(|(address, _)| explicit(found, address)).transpose()?;
    Ok(backup.map(Failover::to))
}

/// Where it is asked whose the credential is, if that is set. An endpoint that is set nearer to the program has no other
/// beside it.
pub(crate) fn identity(found: &Found) -> Result<Option<Endpoint>, Error> {
    let Some((address, origin)) = found.get(Setting::StsEndpoint) else { return Ok(None) };
    let nearer = place(found)?.0.is_some()
        && found.get(Setting::Endpoint).is_some_and(|(_, endpoint)| endpoint.rank() > origin.rank());
    if nearer { Ok(None) } else { explicit(found, address).map(Some) }
}

/// Where roles are assumed: below the same domain as all else, unless it is said.
pub(crate) fn sts(found: &Found) -> Result<Endpoint, Error> {
    match found.get(Setting::StsEndpoint) {
        Some((address, _)) => explicit(found, address),
        None => hosts(found, place(found)?.1),
    }
}

/// Where the instance's metadata is, unless at the usual address: by plain HTTP, as there, if it names no scheme.
pub(crate) fn metadata(found: &Found) -> Result<Option<Endpoint>, Error> {
    let Some((address, _)) = found.get(Setting::MetadataEndpoint) else { return Ok(None) };
    let endpoint = Endpoint::explicit(address)?;
    Ok(Some(if address.contains("://") { endpoint } else { endpoint.scheme(Scheme::Http) }))
}

/// One address. A scheme that it names goes before the setting.
fn explicit(found: &Found, address: &str) -> Result<Endpoint, Error> {
    let endpoint = Endpoint::explicit(address)?;
    if address.contains("://") { Ok(endpoint) } else { Ok(endpoint.scheme(scheme(found)?)) }
}

/// The hosts below a root domain.
fn hosts(found: &Found, root: Option<&str>) -> Result<Endpoint, Error> {
    let endpoint = root.map_or_else(|| Ok(Endpoint::default()), Endpoint::root_domain)?;
    Ok(endpoint.scheme(scheme(found)?))
}

fn scheme(found: &Found) -> Result<Scheme, Error> {
    found.get(Setting::Scheme).map_or(Ok(Scheme::Https), |(value, _)| parse_scheme(value))
}

/// Takes the proxy that the machine has for all programs, if no setting says anything of one.
///
/// As with most programs: `HTTPS_PROXY` or `HTTP_PROXY` by the endpoint's scheme, in capitals or not (of the second only
/// `http_proxy`, as web servers set the other by a request's header), unless `NO_PROXY` holds the host, a domain above
/// it, or `*`. This machine's own addresses are never asked for by a proxy.
pub(crate) fn standard_proxy(
    environment: &Environment,
    settings: &mut Settings,
    values: &mut [Value],
) -> Result<(), Error> {
    let Some(value) = values.iter_mut().find(|value| value.setting == Setting::Proxy) else { return Ok(()) };
    if value.origin != Origin::Default {
        return Ok(());
    }
    let origin = settings.endpoint.origin(settings.region.as_deref().unwrap_or_default());
    let names: &[&'static str] =
        if origin.url().starts_with("https:") { &["HTTPS_PROXY", "https_proxy"] } else { &["http_proxy"] };
    let Some((name, address)) = environment.first(names)? else { return Ok(()) };
    let host = host_of(origin.host());
    if is_loopback(host) {
        return Ok(());
    }
    if let Some((_, excepted)) = environment.first(&["NO_PROXY", "no_proxy"])?
        && excepted.split(',').any(|pattern| excepts(pattern.trim(), host))
    {
        return Ok(());
    }
    let address = if address.contains("://") { address } else { format!("http://{address}") };
    let variable = Origin::Variable(name);
    settings.proxy = Some(address.clone());
    settings.check().map_err(|error| variable.blame(&error))?;
    value.shown = Setting::Proxy.shown(&address);
    value.origin = variable;
    Ok(())
}

/// The host without its port and brackets.
fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether one of the entries of `NO_PROXY` is about a host.
fn excepts(pattern: &str, host: &str) -> bool {
    let pattern = host_of(pattern).trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase();
    match pattern.as_str() {
        "" => false,
        "*" => true,
        _ => host.strip_suffix(&*pattern).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_no_proxy_excepts() {
        for (pattern, host, expected) in [
            ("*", "cvm.tencentcloudapi.com", true),
            ("tencentcloudapi.com", "cvm.tencentcloudapi.com", true),
            (".tencentcloudapi.com", "cvm.tencentcloudapi.com", true),
            ("*.tencentcloudapi.com:443", "cvm.tencentcloudapi.com", true),
            ("CVM.tencentcloudapi.com", "cvm.tencentcloudapi.com", true),
            ("cloudapi.com", "cvm.tencentcloudapi.com", false),
            ("", "cvm.tencentcloudapi.com", false),
            ("example.com", "cvm.tencentcloudapi.com", false),
        ] {
            assert_eq!(excepts(pattern, host), expected, "{pattern}");
        }
    }
}
