//! What an error of reqwest means. Its own words, and those of the libraries below it, are for nobody's eyes.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use cvm_proto::ProxyScheme;
use cvm_proto::machine::{Cause, Fault};

/// How a connection was to be made.
pub(crate) struct Connecting {
    /// Whether the host is spoken to over TLS.
    pub(crate) is_tls: bool,
    pub(crate) proxy: Option<ProxyScheme>,
    /// The longest time for it, if it is a setting that says so.
    pub(crate) limit: Option<Duration>,
}

/// What it means that the head of an answer did not come.
pub(crate) fn no_answer(error: &reqwest::Error, connecting: &Connecting) -> Fault<'static> {
    let chain = Chain::of(error);
    // Without TLS to the host, HTTP is spoken to the proxy itself.
    let is_proxy_s_own = !connecting.is_tls && connecting.proxy.is_some_and(|scheme| !scheme.is_socks());
    if !error.is_connect() && !error.is_builder() {
        let is_none = chain.find::<hyper::Error>().is_some_and(hyper::Error::is_parse);
        let cause = if is_none { Cause::NotHttp } else { Cause::NoAnswer };
        return Fault::maybe_sent(cause).at_proxy(is_proxy_s_own && is_none);
    }
    if error.is_timeout() {
        return Fault::not_sent(connecting.limit.map_or(Cause::Unreachable, Cause::ConnectTimeout));
    }
    if let Some(cause) = chain.of_proxy() {
        return Fault::not_sent(cause).at_proxy(true);
    }
    let in_tunnel = chain.says("tunnel error: failed to create underlying connection");
    let at_proxy = in_tunnel || is_proxy_s_own;
    let is_tls = if at_proxy { connecting.proxy == Some(ProxyScheme::Https) } else { connecting.is_tls };
    Fault::not_sent(chain.of_connection(error.is_dns(), is_tls)).at_proxy(at_proxy)
}

/// An error and what caused it, from the outside in.
struct Chain<'a>(Vec<&'a (dyn StdError + 'static)>);

impl<'a> Chain<'a> {
    fn of(error: &'a (dyn StdError + 'static)) -> Self {
        let mut chain = vec![error];
        let mut last = error;
        // What an I/O error holds is the error, and not its source.
        while let Some(next) = match last.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => last.source(),
        } {
            chain.push(next);
            last = next;
        }
        Self(chain)
    }

    /// The innermost error of a type.
    fn find<E: StdError + 'static>(&self) -> Option<&'a E> {
        self.0.iter().rev().find_map(|error| error.downcast_ref())
    }

    fn says(&self, text: &str) -> bool {
        self.0.iter().any(|error| error.to_string() == text)
    }

    /// What went wrong with a proxy. The types of these errors are private: their texts are all that there is, and the
    /// scenarios of proxies compare each with what the blocking client says.
    fn of_proxy(&self) -> Option<Cause> {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        if let Some(what) = texts.iter().find_map(|text| text.strip_prefix("tunnel error: ")) {
            return match what {
                "failed to create underlying connection" => None,
                "proxy authorization required" => Some(Cause::ProxyUser),
                _ => Some(Cause::ProxyRefused),
            };
        }
        let what = texts.iter().find_map(|text| text.strip_prefix("SOCKS error: "))?;
        Some(match what {
            "failed to create underlying connection" => Cause::Unreachable,
            "server does not support user/pass authentication"
            | "server implements authentication incorrectly"
            | "credentials not accepted" => Cause::ProxyUser,
            "failed parsing server response" => Cause::NotSocks,
            _ => Cause::ProxyRefused,
        })
    }

    /// What went wrong with a connection to the host, or to the proxy itself.
    fn of_connection(&self, is_dns: bool, is_tls: bool) -> Cause {
        if let Some(error) = self.find::<rustls::Error>() {
            return Cause::of_handshake(error);
        }
        if is_dns || self.says("dns error") || self.says("error resolving for socks proxy") {
            return Cause::Resolve;
        }
        match self.find::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Cause::Refused,
            // The connection was there, and was ended in the handshake.
            Some(
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe,
            ) if is_tls => Cause::Handshake,
            _ => Cause::Unreachable,
        }
    }
}
