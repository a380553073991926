//! Which host a request goes to.

use alloc::format;
use alloc::string::String;

use crate::error::Error;
use crate::input;
use crate::input::address::{self, is_host, quoted, split_port};
use crate::service::{ROOT_DOMAIN, SERVICE};
use crate::wire::Origin;

/// Where requests go: the public hosts by default, or one explicit endpoint.
///
/// A region does not change the host, except the isolated finance regions (`ap-shanghai-fsi`, `ap-shenzhen-fsi`, ...),
/// which are served by hosts of their own. An explicit endpoint serves every region.
///
/// ```
/// use cvm_proto::Endpoint;
///
/// assert_eq!(Endpoint::default().origin("ap-shanghai").host(), "cvm.tencentcloudapi.com");
/// assert_eq!(Endpoint::default().origin("ap-shanghai-fsi").host(), "cvm.ap-shanghai-fsi.tencentcloudapi.com");
/// assert_eq!(Endpoint::root_domain("intl.tencentcloudapi.com")?.origin("").host(), "cvm.intl.tencentcloudapi.com");
/// assert_eq!(Endpoint::explicit("http://127.0.0.1:8080")?.origin("ap-shanghai").url(), "http://127.0.0.1:8080/");
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Base);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Base {
    Root { domain: String, scheme: Scheme },
    Explicit(Origin),
}

/// How a host is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    #[default]
    Https,
}

impl Scheme {
    /// The scheme as it begins a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self(Base::Root { domain: ROOT_DOMAIN.into(), scheme: Scheme::default() })
    }
}

impl Endpoint {
    /// The public hosts under another root domain, such as `intl.tencentcloudapi.com`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is not a bare domain name.
    pub fn root_domain(domain: &str) -> Result<Self, Error> {
        let domain = input::trim(domain).trim_end_matches('.');
        if domain.contains(':') || !is_host(domain) {
            return Err(Error::config(format!(
                "root domain {} is not a domain name: give one such as `{ROOT_DOMAIN}`",
                quoted(domain)
            )));
        }
        Ok(Self(Base::Root { domain: domain.to_ascii_lowercase(), scheme: Scheme::default() }))
    }

    /// One endpoint for everything: `https://host`, `http://127.0.0.1:8080`, or a bare `host[:port]` (then over https).
    /// White space around it does not count.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is not such an address: another scheme, a user, a path
    /// or a query, a port that is no number from 1 to 65535.
    pub fn explicit(address: &str) -> Result<Self, Error> {
        let bad = |why: &str| {
            Error::config(format!(
                "endpoint {} {why}: give one such as `https://cvm.{ROOT_DOMAIN}` or `http://127.0.0.1:8080`",
                quoted(address)
            ))
        };
        let parts = address::parse(input::trim(address), &["http", "https"]).map_err(|why| bad(&why))?;
        if parts.userinfo.is_some() {
            return Err(bad("holds a user name"));
        }
        let scheme = parts.scheme.unwrap_or("https");
        // HTTP libraries leave the default port out of the Host header, and that header is signed.
        let port = parts.port.filter(|&port| port != if scheme == "http" { 80 } else { 443 });
        let host = match port {
            Some(port) => format!("{}:{port}", parts.host),
            None => parts.host,
        };
        Ok(Self(Base::Explicit(Origin::new(scheme, &host))))
    }

    /// The same hosts over another scheme. An explicit endpoint keeps its port.
    #[must_use]
    pub fn scheme(self, scheme: Scheme) -> Self {
        Self(match self.0 {
            Base::Root { domain, .. } => Base::Root { domain, scheme },
            Base::Explicit(origin) => Base::Explicit(Origin::new(scheme.as_str(), origin.host())),
        })
    }

    /// The origin that serves a region; an empty region stands for none.
    pub fn origin(&self, region: &str) -> Origin {
        self.origin_of(SERVICE, region)
    }

    /// The origin of a service in a region.
    pub(crate) fn origin_of(&self, service: &str, region: &str) -> Origin {
        match &self.0 {
            Base::Explicit(origin) => match own_domain(origin.host()) {
                Some(domain) if service != SERVICE => {
                    let scheme = if self.uses_tls() { Scheme::Https } else { Scheme::Http };
                    Origin::new(scheme.as_str(), &format!("{service}.{domain}"))
                }
                _ => origin.clone(),
            },
            Base::Root { domain, scheme } if is_finance(region) => {
                Origin::new(scheme.as_str(), &format!("{service}.{region}.{domain}"))
            }
            Base::Root { domain, scheme } => Origin::new(scheme.as_str(), &format!("{service}.{domain}")),
        }
    }

    /// Host and port, the scheme's own included, unless it is one of the service's hosts.
    pub(crate) fn foreign_host(&self) -> Option<String> {
        let origin = self.origin("");
        let (host, port) = split_port(origin.host());
        let is_service =
            host == ROOT_DOMAIN || host.strip_suffix(ROOT_DOMAIN).is_some_and(|rest| rest.ends_with('.'));
        let port = port.unwrap_or(if self.uses_tls() { "443" } else { "80" });
        (!is_service).then(|| format!("{host}:{port}"))
    }

    /// Whether requests to it go over TLS.
    pub fn uses_tls(&self) -> bool {
        match &self.0 {
            Base::Root { scheme, .. } => *scheme == Scheme::Https,
            Base::Explicit(origin) => origin.url().starts_with("https:"),
        }
    }
}

/// The domain that a host of the service has below its first label, in which other products have theirs.
fn own_domain(host: &str) -> Option<&str> {
    let domain = host.strip_prefix(SERVICE)?.strip_prefix('.')?;
    let above = split_port(domain).0.strip_suffix(ROOT_DOMAIN)?;
    (above.is_empty() || above.ends_with('.')).then_some(domain)
}

/// Whether a region is one of the finance regions: they have hosts of their own, and no image crosses their border.
pub fn is_finance(region: &str) -> bool {
    region.ends_with("-fsi")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn check(address: &str, expected: Result<&str, &str>) {
        let got = Endpoint::explicit(address).map(|endpoint| endpoint.origin("ap-guangzhou"));
        match (got, expected) {
            (Ok(origin), Ok(url)) => assert_eq!(origin.url(), url, "{address}"),
            (Err(error), Err(part)) => {
                let text = error.to_string();
                assert!(text.contains(part) && text.contains("endpoint"), "{address}: {text}");
            }
            (got, _) => panic!("{address}: {got:?}"),
        }
    }

    #[test]
    fn explicit_endpoints() {
        check("https://cvm.tencentcloudapi.com", Ok("https://cvm.tencentcloudapi.com/"));
        check("cvm.ap-guangzhou.tencentcloudapi.com", Ok("https://cvm.ap-guangzhou.tencentcloudapi.com/"));
        check("HTTP://LocalHost:8080/", Ok("http://localhost:8080/"));
        check("https://host:443", Ok("https://host/"));
        check("http://host:80", Ok("http://host/"));
        check("http://host:443", Ok("http://host:443/"));
        check("http://[::1]:8080", Ok("http://[::1]:8080/"));
        check("localhost:8080", Ok("https://localhost:8080/"));
        check("", Err("names no host"));
        check("ftp://host", Err("scheme"));
        check("http://host/path", Err("path"));
        check("http://host?x=1", Err("path or a query"));
        check("http://user@host", Err("user"));
        check("http://host:0", Err("port"));
        check("http://host:port", Err("port"));
        check("http://host:+80", Err("port"));
        check("http://host:", Err("port"));
        check("http://ho st", Err("host"));
        check("http://::1", Err("host"));
        check("http://a..b", Err("host"));
        check("http://host\r\nX: y", Err("host"));
        check("http://host:99999", Err("port"));
        check("http://host:-1", Err("port"));
        check("http://host:80x", Err("port"));
        check("http://256.1.1.1", Err("host"));
        check("http://host\u{200b}", Err("\\u{200b}"));
        check("\u{feff}http://host \r\n", Ok("http://host/"));
    }

    #[test]
    fn no_error_shows_a_password() {
        for address in [
            "http://me:hidden@host",
            "https://me:hidden@host:99999/",
            "me:hidden@host",
            "ftp://me:hidden@host",
            "http://me:hidden@",
            "http://me:hidden/x@host",
            "http://me:hidden",
            "http://hidden@ho st",
        ] {
            for error in
                [Endpoint::explicit(address).unwrap_err(), Endpoint::root_domain(address).unwrap_err()]
            {
                let text = error.to_string();
                assert!(text.contains("***") && !text.contains("hidden"), "{text}");
            }
        }
    }

    #[test]
    fn only_finance_regions_have_hosts_of_their_own() {
        for region in ["", "ap-shanghai", "na-siliconvalley", "ap-shanghai-adc"] {
            assert_eq!(Endpoint::default().origin(region).host(), "cvm.tencentcloudapi.com", "{region}");
        }
        for region in ["ap-shanghai-fsi", "ap-shenzhen-fsi"] {
            let expected = format!("cvm.{region}.tencentcloudapi.com");
            assert_eq!(Endpoint::default().origin(region).host(), expected);
        }
    }
}
