//! What a proxy is asked to connect to a host with, over HTTP.
//!
//! ureq has this as well, but it tells neither whether the proxy refused or could not be reached, nor sends the same to it
//! as other libraries do.

use std::io::{self, Read, Write};
use std::time::Duration;

use cvm_proto::ProxyAddress;
use cvm_proto::machine::Cause;
use ureq::Error;

use crate::fault::{ConnectStage, NotConnected};

pub(crate) const USER_AGENT: &str = concat!("cvm-ureq/", env!("CARGO_PKG_VERSION"));

/// The longest head of an answer that is read, in bytes.
const LONGEST_HEAD: usize = 8 << 10;

/// Why a proxy did not connect to a host.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It said so.
    Said(Cause),
    /// The connection to it broke, or took too long.
    Broken(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Refusal {
    pub(crate) fn into_failure(self, limit: Duration) -> NotConnected {
        match self {
            Self::Said(cause) => NotConnected::because(cause),
            Self::Broken(error) => ConnectStage::Asking.failed(Error::from(error), limit),
        }
    }
}

/// Has the proxy at the other end connect to a host.
pub(crate) fn connect(
    proxy: &mut (impl Read + Write),
    address: &ProxyAddress,
    host: &str,
    port: u16,
) -> Result<(), Refusal> {
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(authorization) = address.authorization() {
        request.extend(["Proxy-Authorization: ", &authorization, "\r\n"]);
    }
    request.extend(["User-Agent: ", USER_AGENT, "\r\n\r\n"]);
    proxy.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    // What comes after the head is the host's.
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        proxy.read_exact(&mut byte)?;
        head.push(byte[0]);
        if head.len() > LONGEST_HEAD {
            return Err(Refusal::Said(Cause::ProxyRefused));
        }
    }
    let status = head.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
    match status {
        Some(b"200") => Ok(()),
        Some(b"407") => Err(Refusal::Said(Cause::ProxyUser)),
        _ => Err(Refusal::Said(Cause::ProxyRefused)),
    }
}
