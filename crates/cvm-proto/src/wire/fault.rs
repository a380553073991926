//! Why no whole response arrived: what a transport tells apart, and the one place where it becomes a sentence.
//!
//! A transport knows a [`Cause`] and whether the request may have arrived. [`Request::failure`] adds what it was about:
//! host, port, proxy, and the limit that ended it. So all transports say the same, whatever their libraries say.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use super::connection_path::ConnectionPath;
use super::proxy::ProxyAddress;
use super::request::Request;
use super::time_limit::Limit;
use crate::error::{Failure, FailureKind, Sent};

/// What a transport saw of an exchange without a whole response; [`Request::failure`] makes a [`Failure`] of it.
///
/// ```
/// use cvm_proto::machine::{Cause, Fault};
/// # use cvm_proto::{Call, Config, Credential, Machine, Now, Settings, Step, api::DescribeZones};
/// # let mut settings = Settings::default();
/// # settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key")?);
/// # settings.region = Some("ap-shanghai".into());
/// # let mut call = Call::new(&Config::new(settings)?, DescribeZones::default(), 1);
/// # let Step::Send(request) = call.poll(Now::new(1_551_113_065, Default::default())) else { unreachable!() };
/// let failure = request.failure(Fault::not_sent(Cause::Refused));
/// assert!(failure.message.starts_with("cvm.tencentcloudapi.com:443 refuses connections"));
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault<'a> {
    cause: Cause,
    sent: Sent,
    proxy: Option<&'a ProxyAddress>,
    at_proxy: bool,
}

impl<'a> Fault<'a> {
    /// What went wrong, and whether a part of the request may have left by then.
    pub const fn new(cause: Cause, sent: Sent) -> Self {
        Self { cause, sent, proxy: None, at_proxy: false }
    }

    /// What went wrong before any part of the request could have left.
    pub const fn not_sent(cause: Cause) -> Self {
        Self::new(cause, Sent::No)
    }

    /// What went wrong once a part of the request may have left.
    pub const fn maybe_sent(cause: Cause) -> Self {
        Self::new(cause, Sent::Maybe)
    }

    /// The proxy that the exchange went through, if it went through one.
    #[must_use]
    pub const fn through(mut self, proxy: Option<&'a ProxyAddress>) -> Self {
        self.proxy = proxy;
        self
    }

    /// It went wrong between here and the proxy, and not behind it.
    #[must_use]
    pub const fn at_proxy(mut self, at_proxy: bool) -> Self {
        self.at_proxy = at_proxy;
        self
    }
}

/// What a transport can tell apart.
// A new one is a variant, an arm of `judge`, and what tells it apart in each transport; a flaw of a certificate is told
// apart here for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The host's name has no address, or whoever knows it does not answer.
    Resolve,
    /// Nobody listens at the port.
    Refused,
    /// No way to the host, or no answer from there; whatever else keeps a connection from being made.
    Unreachable,
    /// No connection, TLS and proxy included, within this time, which is the setting `connect_timeout`.
    ConnectTimeout(Duration),
    /// The certificate is not accepted.
    Certificate(CertificateFlaw),
    /// The other side ended the TLS handshake, or has no version or cipher in common.
    Handshake,
    /// What answered the TLS handshake is not TLS.
    NotTls,
    /// What answered the request is not HTTP.
    NotHttp,
    /// The proxy wants a user and a password, or others than it was given.
    ProxyUser,
    /// The proxy made no connection to the host.
    ProxyRefused,
    /// What answered for a SOCKS proxy does not speak SOCKS 5.
    NotSocks,
    /// The connection ended before the head of an answer was there.
    NoAnswer,
    /// The connection ended within an answer, or what came is not a whole one.
    CutOff,
    /// No whole answer within [`Request::timeout`].
    Timeout,
    /// More than [`Request::max_response_bytes`].
    TooLarge,
    /// A part of the request cannot be sent over HTTP: this header, or the `URL`.
    Unsendable(&'static str),
}

/// Why a certificate is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateFlaw {
    /// No authority that is trusted vouches for it.
    UnknownIssuer,
    /// It is for other hosts.
    OtherName,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Its authority has taken it back.
    Revoked,
    /// Anything else.
    Unusable,
}

#[cfg(feature = "rustls")]
impl Cause {
    /// What an error of rustls during a handshake means.
    ///
    /// Needs the feature `rustls`.
    pub fn of_handshake(error: &rustls::Error) -> Self {
        use rustls::CertificateError as Flaw;
        Self::Certificate(match error {
            rustls::Error::InvalidCertificate(flaw) => match flaw {
                // An authority of the same name with another key is another authority.
                Flaw::UnknownIssuer | Flaw::BadSignature => CertificateFlaw::UnknownIssuer,
                Flaw::NotValidForName | Flaw::NotValidForNameContext { .. } => CertificateFlaw::OtherName,
                Flaw::Expired | Flaw::ExpiredContext { .. } => CertificateFlaw::Expired,
                Flaw::NotValidYet | Flaw::NotValidYetContext { .. } => CertificateFlaw::NotYetValid,
                Flaw::Revoked => CertificateFlaw::Revoked,
                _ => CertificateFlaw::Unusable,
            },
            rustls::Error::NoCertificatesPresented | rustls::Error::UnsupportedNameType => {
                CertificateFlaw::Unusable
            }
            rustls::Error::InvalidMessage(_) => return Self::NotTls,
            _ => return Self::Handshake,
        })
    }
}

impl Request {
    /// What to reply with where no whole response arrives: one sentence with host, port, proxy, the limit that ended it by
    /// its setting's name, and what to do.
    pub fn failure(&self, fault: Fault<'_>) -> Failure {
        let Fault { cause, sent, proxy, at_proxy } = fault;
        let path = self.connection_path(proxy);
        let (kind, permanence, message) = judge(self, cause, &path, proxy.filter(|_| at_proxy));
        Failure { sent, kind, message, is_lasting: permanence == Permanence::Permanent }
    }
}

/// Whether it would be the same again, however often the request is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Permanence {
    Permanent,
    Temporary,
}

/// What a cause means, in one place for each: the sort of failure, whether another attempt would meet it again, and the
/// sentence.
fn judge(
    request: &Request,
    cause: Cause,
    path: &ConnectionPath<'_>,
    proxy: Option<&ProxyAddress>,
) -> (FailureKind, Permanence, String) {
    use FailureKind::{Connect, Interrupted, Timeout, TooLarge};
    use Permanence::{Permanent, Temporary};
    // The other end of the connection that failed.
    let peer = proxy.map_or_else(|| format!("{path}"), |proxy| format!("the proxy {proxy}"));
    match cause {
        Cause::Resolve | Cause::Refused | Cause::Unreachable if proxy.is_some() => {
            (Connect, Temporary, format!("no connection to {peer}: check its address, and that it runs"))
        }
        Cause::Resolve => (
            Connect,
            Temporary,
            format!(
                "no address was found for {}: check the name; if it is right, name resolution fails for now",
                path.address
            ),
        ),
        Cause::Refused => (
            Connect,
            Temporary,
            format!("{peer} refuses connections: check the endpoint, and that something listens there"),
        ),
        Cause::Unreachable => {
            (Connect, Temporary, format!("{peer} cannot be reached: check the endpoint and the network"))
        }
        Cause::ConnectTimeout(value) => {
            let limit = Limit { setting: "connect_timeout", value };
            (Connect, Temporary, format!("no connection to {path} {limit}"))
        }
        Cause::Certificate(flaw) => {
            (Connect, Permanent, format!("the certificate of {peer} {}", flaw.clause()))
        }
        Cause::Handshake => (
            Connect,
            Temporary,
            format!(
                "{peer} ended the TLS handshake: if it does not speak TLS, write http:// in place of https://"
            ),
        ),
        Cause::NotTls => (
            Connect,
            Permanent,
            format!("{peer} does not speak TLS: write http:// in place of https://, or another port"),
        ),
        Cause::NotHttp => (
            Interrupted,
            Permanent,
            match proxy {
                Some(_) => {
                    format!("what answers for {peer} does not speak HTTP: check its address and its scheme")
                }
                None if path.is_tls => format!("the answer of {peer} is not HTTP: check the endpoint"),
                None => {
                    format!(
                        "the answer of {peer} is not HTTP: if it speaks TLS, write https:// in place of http://"
                    )
                }
            },
        ),
        Cause::ProxyUser => (Connect, Permanent, path.proxy_wants_a_user()),
        Cause::ProxyRefused => (
            Connect,
            Temporary,
            match path.proxy {
                Some(proxy) => format!(
                    "the proxy {proxy} does not connect to {}: check the endpoint, and what the proxy allows",
                    path.address
                ),
                None => format!("the proxy does not connect to {}", path.address),
            },
        ),
        Cause::NotSocks => (
            Connect,
            Permanent,
            format!("what answers for {peer} does not speak SOCKS 5: check its address and its scheme"),
        ),
        Cause::NoAnswer => {
            let hint = if path.is_tls || !path.address.ends_with(":443") {
                ""
            } else {
                ": if it speaks TLS, write https:// in place of http://"
            };
            (Interrupted, Temporary, format!("the connection to {path} ended before an answer{hint}"))
        }
        Cause::CutOff => {
            (Interrupted, Temporary, format!("the connection to {path} ended before the answer was whole"))
        }
        Cause::Timeout => (Timeout, Temporary, format!("no whole answer from {path} {}", request.limit())),
        Cause::TooLarge => (
            TooLarge,
            Temporary,
            format!(
                "the answer of {path} is larger than {} bytes, the limit of max_response_bytes",
                request.max_response_bytes()
            ),
        ),
        Cause::Unsendable(what) => {
            (Connect, Permanent, format!("the request's {what} cannot be sent over HTTP"))
        }
    }
}

impl CertificateFlaw {
    /// The end of a sentence that begins with "the certificate of somebody".
    fn clause(self) -> &'static str {
        match self {
            Self::UnknownIssuer => {
                "was issued by an authority that is not trusted: if that is the right host, name the file with the authority's certificate (`--ca-file`, the setting ca_file; ca_pem in a program)"
            }
            Self::OtherName => {
                "is for other hosts: check the address, or who answers in the place of that host"
            }
            Self::Expired => {
                "has expired: have it renewed, or set this machine's clock if that is what is wrong"
            }
            Self::NotYetValid => "is not valid yet: set this machine's clock if that is what is wrong",
            Self::Revoked => "has been revoked by its authority: do not trust that host",
            Self::Unusable => {
                "is not one that a server can prove itself with: have another one made by an authority, and name that with `--ca-file` (the setting ca_file; ca_pem in a program) if it is not trusted yet"
            }
        }
    }
}
