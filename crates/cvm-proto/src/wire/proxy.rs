//! The proxy that requests go through, and the hosts that it is not asked for.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::origin::Origin;
use crate::codec::percent;
use crate::error::Error;
use crate::input;
use crate::input::address::{self, port_number, quoted, split_port};

/// The address of a proxy, such as `http://127.0.0.1:3128` or `socks5h://user:password@proxy.example`.
///
/// User and password are percent-decoded; the port is 80, 443 or 1080 by the scheme if the address has none. `Display`
/// and `Debug` show `***` in their place.
///
/// ```
/// use cvm_proto::{ProxyAddress, ProxyScheme};
///
/// let proxy: ProxyAddress = "socks5h://me:p%40ss@proxy.example".parse()?;
/// assert_eq!((proxy.scheme(), proxy.host(), proxy.port()), (ProxyScheme::Socks5h, "proxy.example", 1080));
/// assert_eq!((proxy.user(), proxy.password()), (Some("me"), Some("p@ss")));
/// assert_eq!(proxy.to_string(), "socks5h://***@proxy.example:1080");
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress {
    scheme: ProxyScheme,
    host: String,
    port: u16,
    user: Option<(String, Zeroizing<String>)>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyScheme {
    /// HTTP in the clear.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS version 5; names are resolved on this side.
    Socks5,
    /// SOCKS version 5; the proxy resolves names.
    Socks5h,
}

impl ProxyScheme {
    const ALL: [Self; 4] = [Self::Http, Self::Https, Self::Socks5, Self::Socks5h];

    /// The scheme as it begins an address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    /// Whether it is one of the two kinds of SOCKS.
    pub const fn is_socks(self) -> bool {
        matches!(self, Self::Socks5 | Self::Socks5h)
    }
}

impl FromStr for ProxyAddress {
    type Err = Error;

    /// Reads an address; white space around it does not count.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) that shows the address without its password.
    fn from_str(address: &str) -> Result<Self, Error> {
        Self::read(input::trim(address)).map_err(|why| {
            Error::config(format!(
                "proxy {} {why}: give one such as `http://127.0.0.1:3128` or `socks5h://127.0.0.1:1080`",
                quoted(address)
            ))
        })
    }
}

impl ProxyAddress {
    fn read(address: &str) -> Result<Self, Cow<'static, str>> {
        let parts = address::parse(address, &ProxyScheme::ALL.map(ProxyScheme::as_str))?;
        let scheme = ProxyScheme::ALL.into_iter().find(|known| parts.scheme == Some(known.as_str()));
        let scheme = scheme.ok_or("names no scheme")?;
        let user = match parts.userinfo.filter(|written| !written.is_empty()) {
            None => None,
            Some(written) => {
                let (user, password) = written.split_once(':').unwrap_or((written, ""));
                let decoded = |part: &str| {
                    // Only forms write a space as `+`.
                    let decoded = percent::decode(&part.replace('+', "%2B")).map(Cow::into_owned);
                    decoded.map_err(|_| "has a user or a password that is not percent-encoded UTF-8")
                };
                let (user, password) = (decoded(user)?, Zeroizing::new(decoded(password)?));
                if scheme.is_socks()
                    && [&user, &*password].iter().any(|part| !(1..=255).contains(&part.len()))
                {
                    return Err(
                        "needs a user and a password of 1 to 255 bytes each, as SOCKS has them".into()
                    );
                }
                Some((user, password))
            }
        };
        let usual = match scheme {
            ProxyScheme::Http => 80,
            ProxyScheme::Https => 443,
            ProxyScheme::Socks5 | ProxyScheme::Socks5h => 1080,
        };
        Ok(Self { scheme, host: parts.host, port: parts.port.unwrap_or(usual), user })
    }

    /// How the proxy is spoken to.
    pub fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// The host; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The user, if the proxy wants one.
    pub fn user(&self) -> Option<&str> {
        self.user.as_ref().map(|(user, _)| user.as_str())
    }

    /// The password that goes with the user: keep it out of logs.
    pub fn password(&self) -> Option<&str> {
        self.user.as_ref().map(|(_, password)| password.as_str())
    }

    /// What the header `Proxy-Authorization` says of user and password: keep it out of logs.
    pub fn authorization(&self) -> Option<Zeroizing<String>> {
        let (user, password) = self.user.as_ref()?;
        let both = Zeroizing::new(format!("{user}:{}", password.as_str()));
        Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(both.as_bytes()))))
    }

    /// The whole address with user and password, percent-encoded, for a transport: keep it out of logs.
    pub fn to_url(&self) -> Zeroizing<String> {
        let mut url = Zeroizing::new(format!("{}://", self.scheme.as_str()));
        if let Some((user, password)) = &self.user {
            percent::encode_into(user, &mut url);
            url.push(':');
            percent::encode_into(password, &mut url);
            url.push('@');
        }
        url.push_str(&format!("{}:{}", self.host, self.port));
        url
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = if self.user.is_some() { "***@" } else { "" };
        write!(f, "{}://{hidden}{}:{}", self.scheme.as_str(), self.host, self.port)
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyAddress({self})")
    }
}

/// The hosts that are reached past the proxy, as the variable `NO_PROXY` lists them.
///
/// It is read as curl reads it. Entries are separated by commas or blanks: a domain (also all below it; a leading dot or
/// `*.` changes nothing), an IPv4 or IPv6 address with or without brackets, a network such as `10.0.0.0/8`, each with a
/// `:port` if it is about that port alone, or `*` for every host. What is none of these is passed over. Addresses are
/// compared with addresses and names with names: nothing is resolved.
///
/// ```
/// use cvm_proto::{Endpoint, NoProxy};
///
/// let none = NoProxy::list("localhost .example.com, 10.0.0.0/8,::1");
/// let excepts = |address| Endpoint::explicit(address).map(|endpoint| none.excepts(&endpoint.origin("")));
/// assert!(excepts("https://cvm.example.com")? && excepts("http://10.1.2.3:8080")? && excepts("http://[::1]")?);
/// assert!(!excepts("https://cvm.tencentcloudapi.com")?);
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<NoProxyEntry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum NoProxyEntry {
    All,
    Loopback,
    Name { name: String, port: Option<u16> },
    Net { address: IpAddr, bits: u32, port: Option<u16> },
}

impl NoProxy {
    /// Reads a list.
    pub fn list(list: &str) -> Self {
        let entries = input::trim(list).split(|c: char| c == ',' || c.is_whitespace());
        Self(entries.filter_map(NoProxyEntry::read).collect())
    }

    /// The same and this machine's own addresses: `localhost`, 127.0.0.0/8 and `::1`.
    #[must_use]
    pub fn and_loopback(mut self) -> Self {
        self.0.push(NoProxyEntry::Loopback);
        self
    }

    /// Whether it has no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an origin is reached past the proxy.
    pub fn excepts(&self, origin: &Origin) -> bool {
        let (host, port) = split_port(origin.host());
        let usual = if origin.url().starts_with("https:") { 443 } else { 80 };
        let port = port.and_then(port_number).unwrap_or(usual);
        let address = ip(host);
        self.0.iter().any(|entry| entry.is_about(host, address, port))
    }
}

impl NoProxyEntry {
    fn read(written: &str) -> Option<Self> {
        if written == "*" {
            return Some(Self::All);
        }
        if let Some((address, bits)) = written.split_once('/') {
            let (bits, port) = split_port(bits);
            return Self::net(ip(address)?, bits.parse().ok()?, port);
        }
        // Before a port is looked for: an address without brackets has colons of its own.
        if let Some(address) = ip(written) {
            return Self::net(address, u32::MAX, None);
        }
        let (host, port) = split_port(written);
        if let Some(address) = ip(host) {
            return Self::net(address, u32::MAX, port);
        }
        let name = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let name = name.strip_prefix('.').unwrap_or(name);
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let port = port.map(port_number);
        (!name.is_empty() && port != Some(None)).then_some(Self::Name { name, port: port.flatten() })
    }

    fn net(address: IpAddr, bits: u32, port: Option<&str>) -> Option<Self> {
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = if bits == u32::MAX { all } else { bits };
        let port = port.map(port_number);
        (bits <= all && port != Some(None)).then_some(Self::Net { address, bits, port: port.flatten() })
    }

    fn is_about(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        let fits = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match (self, address) {
            (Self::All, _) => true,
            (Self::Loopback, Some(address)) => address.is_loopback(),
            (Self::Loopback, None) => is_in("localhost", host),
            (Self::Name { name, port }, None) => fits(port) && is_in(name, host),
            (Self::Net { address: net, bits, port }, Some(address)) => {
                fits(port) && shares_prefix(*net, address, *bits)
            }
            (Self::Name { .. }, Some(_)) | (Self::Net { .. }, None) => false,
        }
    }
}

/// Whether a host is this domain, or below it.
fn is_in(domain: &str, host: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether two addresses of one family are the same in their first bits.
fn shares_prefix(net: IpAddr, address: IpAddr, bits: u32) -> bool {
    match (net, address) {
        (IpAddr::V4(net), IpAddr::V4(address)) => {
            (net.to_bits() ^ address.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0
        }
        (IpAddr::V6(net), IpAddr::V6(address)) => {
            (net.to_bits() ^ address.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// The address that a host is, in brackets or not; one of IPv4 that is written in IPv6 is one of IPv4.
fn ip(host: &str) -> Option<IpAddr> {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(IpAddr::V6(inner.parse::<Ipv6Addr>().ok()?).to_canonical());
    }
    let v4 = host.parse::<Ipv4Addr>().map(IpAddr::V4);
    v4.or_else(|_| host.parse::<Ipv6Addr>().map(IpAddr::V6)).ok().map(|address| address.to_canonical())
}
