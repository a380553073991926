//! The way that an exchange takes: whom errors name, and what they say of whoever answered in the service's place.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::origin::Origin;
use super::proxy::ProxyAddress;
use crate::error::{Error, ErrorKind};
use crate::input::address::split_port;

/// The way that an exchange took: to a host and a port, perhaps through a proxy.
pub(crate) struct ConnectionPath<'a> {
    /// Host and port, the scheme's own included.
    pub(crate) address: String,
    pub(crate) is_tls: bool,
    pub(crate) proxy: Option<&'a ProxyAddress>,
}

impl fmt::Display for ConnectionPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)?;
        self.proxy.map_or(Ok(()), |proxy| write!(f, " through the proxy {proxy}"))
    }
}

impl<'a> ConnectionPath<'a> {
    pub(crate) fn new(origin: &Origin, proxy: Option<&'a ProxyAddress>) -> Self {
        let is_tls = origin.url().starts_with("https:");
        let (host, port) = split_port(origin.host());
        let port = port.unwrap_or(if is_tls { "443" } else { "80" });
        Self { address: format!("{host}:{port}"), is_tls, proxy }
    }

    /// What to do about a proxy that asks who this is.
    pub(crate) fn proxy_wants_a_user(&self) -> String {
        match self.proxy {
            Some(proxy) if proxy.user().is_some() => {
                format!(
                    "the proxy {proxy} does not take the user and the password in its address: correct them, or leave them out"
                )
            }
            Some(proxy) => format!(
                "the proxy {proxy} requires a user name and a password: put them into its address, as {}://USER:PASSWORD@HOST:PORT",
                proxy.scheme().as_str()
            ),
            None => {
                "the proxy requires a user name and a password: put them into its address, as http://USER:PASSWORD@HOST:PORT".into()
            }
        }
    }

    /// Says of an answer that is not one of the service where it came from and, by its status, what to do.
    pub(crate) fn explain_intermediary(
        &self,
        error: Error,
        location: Option<String>,
        mentions_https: bool,
    ) -> Error {
        if error.code().is_some() || error.kind() != ErrorKind::Response {
            return error;
        }
        let mut kind = ErrorKind::Response;
        let message = match error.status() {
            // It was not even looked at.
            Some(429) => {
                kind = ErrorKind::Throttled;
                format!("too many requests: whoever answers for {self} wants fewer")
            }
            Some(300..=399) => {
                let to = location.map_or_else(String::new, |to| format!(" to `{}`", to.escape_debug()));
                format!(
                    "a redirect{to} came in place of an answer of {self}: a proxy or a captive portal is in the way, or the endpoint is not the service's"
                )
            }
            Some(407) => self.proxy_wants_a_user(),
            // What nginx, Go's server, Apache and others say to those who speak in the clear.
            Some(400 | 497) if mentions_https && !self.is_tls => {
                format!("{self} speaks TLS: write https:// in place of http://")
            }
            _ => format!("{}; it came from {self}", error.message()),
        };
        error.reworded(kind, message)
    }
}
