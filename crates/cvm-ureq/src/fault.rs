//! What an error of ureq means. Its own words, and those of the libraries below it, are for nobody's eyes.

use std::fmt;
use std::io;
use std::time::Duration;

use cvm_proto::machine::{Cause, Fault};
use ureq::{Error, Timeout};

/// A connection that was not made: the request was not sent.
#[derive(Debug)]
pub(crate) struct NotConnected(pub(crate) Fault<'static>);

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not connected")
    }
}

impl std::error::Error for NotConnected {}

impl NotConnected {
    pub(crate) fn because(cause: Cause) -> Self {
        Self(Fault::not_sent(cause))
    }

    /// The same, between here and the proxy.
    pub(crate) fn at_proxy(self, at_proxy: bool) -> Self {
        Self(self.0.at_proxy(at_proxy))
    }
}

/// What was being done when a connection could not be made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConnectStage {
    Dialling,
    /// The TLS handshake.
    Securing,
    /// What a proxy is asked before it connects.
    Asking,
}

impl ConnectStage {
    /// What an error in this stage means. A connection may take as long as `limit`.
    pub(crate) fn failed(self, error: Error, limit: Duration) -> NotConnected {
        NotConnected::because(match (error, self) {
            (Error::Timeout(Timeout::Connect | Timeout::Resolve), _) => Cause::ConnectTimeout(limit),
            (Error::Timeout(_), _) => Cause::Timeout,
            (Error::HostNotFound, _) => Cause::Resolve,
            (Error::Io(error), stage) => match (in_tls(&error), stage) {
                (Some(error), _) => Cause::of_handshake(error),
                (None, Self::Dialling) if error.kind() == io::ErrorKind::ConnectionRefused => Cause::Refused,
                (None, stage) => stage.usual(),
            },
            (_, stage) => stage.usual(),
        })
    }

    fn usual(self) -> Cause {
        match self {
            Self::Dialling => Cause::Unreachable,
            Self::Securing => Cause::Handshake,
            Self::Asking => Cause::ProxyRefused,
        }
    }
}

/// The error of TLS that an I/O error holds, however deep.
fn in_tls(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| in_tls(inner.downcast_ref()?))
}

/// What it means that the head of an answer did not come. HTTP may be spoken to a proxy itself.
pub(crate) fn no_answer(error: Error, at_proxy: bool) -> Fault<'static> {
    match error {
        Error::Other(inner) => match inner.downcast::<NotConnected>() {
            Ok(inner) => inner.0,
            Err(_) => Fault::maybe_sent(Cause::NoAnswer),
        },
        // These come of an agent of the user's; ours says what it is that was not connected.
        Error::HostNotFound => Fault::not_sent(Cause::Resolve),
        Error::ConnectionFailed | Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            Fault::not_sent(Cause::Unreachable)
        }
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Fault::not_sent(Cause::Refused)
        }
        // A certificate is looked at in the handshake and never again: nothing has left by then.
        Error::Io(error) => match in_tls(&error) {
            Some(error @ rustls::Error::InvalidCertificate(_)) => Fault::not_sent(Cause::of_handshake(error)),
            _ => Fault::maybe_sent(Cause::NoAnswer),
        },
        Error::Timeout(_) => Fault::maybe_sent(Cause::Timeout),
        Error::Protocol(_) | Error::Http(_) | Error::LargeResponseHeader(..) => {
            Fault::maybe_sent(Cause::NotHttp).at_proxy(at_proxy)
        }
        _ => Fault::maybe_sent(Cause::NoAnswer),
    }
}

/// What it means that a body did not come whole.
pub(crate) fn cut_off(error: &Error) -> Fault<'static> {
    Fault::maybe_sent(match error {
        Error::BodyExceedsLimit(_) => Cause::TooLarge,
        Error::Timeout(_) => Cause::Timeout,
        _ => Cause::CutOff,
    })
}
