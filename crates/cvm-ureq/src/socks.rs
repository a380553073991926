//! The handshake with a SOCKS proxy, version 5 (RFC 1928), with a user and a password (RFC 1929) if the address has them.
//!
//! ureq has one as well, but over connections of its own, whose waits cannot be interrupted.

use std::io::{Read, Write};
use std::net::SocketAddr;

use cvm_proto::ProxyAddress;
use cvm_proto::machine::Cause;

use crate::tunnel::Refusal;

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// What the proxy is to connect to.
pub(crate) enum Target<'a> {
    Address(SocketAddr),
    /// A host that the proxy resolves.
    Name(&'a str, u16),
}

impl<'a> Target<'a> {
    /// A host as it stands in a URL, or the address that its name has been resolved to.
    pub(crate) fn of(host: &'a str, port: u16, resolved: Option<SocketAddr>) -> Self {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let written = host.parse().ok().map(|address| SocketAddr::new(address, port));
        resolved.or(written).map_or(Self::Name(host, port), Self::Address)
    }
}

/// Has the proxy at the other end connect to a target.
pub(crate) fn connect(
    proxy: &mut (impl Read + Write),
    address: &ProxyAddress,
    target: &Target<'_>,
) -> Result<(), Refusal> {
    let user = address.user().zip(address.password());
    let method = if user.is_some() { USER_AND_PASSWORD } else { NO_AUTHENTICATION };
    proxy.write_all(&[VERSION, 1, method])?;
    let [version, chosen] = read(proxy)?;
    if version != VERSION {
        return Err(Refusal::Said(Cause::NotSocks));
    }
    match user {
        _ if chosen != method => return Err(Refusal::Said(Cause::ProxyUser)),
        Some(user) => authenticate(proxy, user)?,
        None => {}
    }
    let (mut request, port) = (
        vec![VERSION, CONNECT, 0],
        match target {
            Target::Address(address) => address.port(),
            Target::Name(_, port) => *port,
        },
    );
    match target {
        Target::Address(SocketAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.ip().octets());
        }
        Target::Address(SocketAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.ip().octets());
        }
        Target::Name(host, _) => {
            request.push(NAME);
            push(&mut request, host)?;
        }
    }
    request.extend(port.to_be_bytes());
    proxy.write_all(&request)?;
    let [version, status, _, kind] = read(proxy)?;
    if version != VERSION {
        return Err(Refusal::Said(Cause::NotSocks));
    }
    if status != 0 {
        return Err(Refusal::Said(Cause::ProxyRefused));
    }
    // The address that it connects from, which nobody needs.
    let rest = match kind {
        IPV4 => 4,
        IPV6 => 16,
        _ => usize::from(read::<1>(proxy)?[0]),
    };
    Ok(proxy.read_exact(&mut [0; 255 + 2][..rest + 2])?)
}

fn authenticate(proxy: &mut (impl Read + Write), (user, password): (&str, &str)) -> Result<(), Refusal> {
    let mut request = vec![1];
    push(&mut request, user)?;
    push(&mut request, password)?;
    proxy.write_all(&request)?;
    let [_, status] = read(proxy)?;
    if status == 0 { Ok(()) } else { Err(Refusal::Said(Cause::ProxyUser)) }
}

/// A text after its length; the settings allow none that is longer.
fn push(request: &mut Vec<u8>, text: &str) -> Result<(), Refusal> {
    request.push(u8::try_from(text.len()).map_err(|_| Refusal::Said(Cause::ProxyRefused))?);
    request.extend(text.as_bytes());
    Ok(())
}

fn read<const N: usize>(proxy: &mut impl Read) -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    proxy.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// A proxy with all its answers ready.
    struct Proxy<'a> {
        answers: &'a [u8],
        heard: Vec<u8>,
    }

    impl Read for Proxy<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // A byte at a time, as a slow network does.
            self.answers.read(&mut buffer[..1])
        }
    }

    impl Write for Proxy<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.heard.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn run(answers: &[u8], user: &str, target: &Target<'_>) -> Result<Vec<u8>, Refusal> {
        let mut proxy = Proxy { answers, heard: Vec::new() };
        connect(&mut proxy, &format!("socks5h://{user}proxy").parse().unwrap(), target)?;
        assert_eq!(proxy.answers, b"and then the endpoint", "nothing of it is eaten");
        Ok(proxy.heard)
    }

    #[test]
    fn each_kind_of_target_is_asked_for() {
        let v4 = Target::Address("10.0.0.1:443".parse().unwrap());
        let v6 = Target::Address("[::1]:80".parse().unwrap());
        let name = Target::Name("cvm.example", 443);
        let rest = b"and then the endpoint";
        let ok = |kind: &[u8]| [&[5, 0, 5, 0, 0][..], kind, &[0, 80], rest].concat();
        assert_eq!(
            run(&ok(&[1, 0, 0, 0, 0]), "", &v4).unwrap(),
            b"\x05\x01\x00\x05\x01\x00\x01\x0a\x00\x00\x01\x01\xbb"
        );
        let heard = run(&ok(&[&[4][..], &[0; 16]].concat()), "", &v6).unwrap();
        assert_eq!(heard[3..7], [5, 1, 0, 4]);
        assert_eq!(heard[22..], [1, 0, 80]);
        let heard = run(&ok(b"\x03\x02ab"), "", &name).unwrap();
        assert_eq!(heard[3..], *b"\x05\x01\x00\x03\x0bcvm.example\x01\xbb");
        let answers = [&[5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 80][..], rest].concat();
        let heard = run(&answers, "me:p%40ss@", &name).unwrap();
        assert_eq!(heard[..12], *b"\x05\x01\x02\x01\x02me\x04p@ss");
    }

    #[test]
    fn a_refusal_is_told_apart() {
        let target = Target::Name("cvm.example", 443);
        let user = "me:hidden@";
        for (answers, user, cause) in [
            (&b"HTTP/1.1 400"[..], "", Some(Cause::NotSocks)),
            (b"\x05\xff", "", Some(Cause::ProxyUser)),
            (b"\x05\x02", "", Some(Cause::ProxyUser)),
            (b"\x05\xff", user, Some(Cause::ProxyUser)),
            (b"\x05\x02\x01\x01", user, Some(Cause::ProxyUser)),
            (b"\x05\x00\x05\x02\x00\x01", "", Some(Cause::ProxyRefused)),
            (b"\x05\x00\x05\x04\x00\x01", "", Some(Cause::ProxyRefused)),
            (b"\x05\x00\x05\x63\x00\x01", "", Some(Cause::ProxyRefused)),
            (b"\x05\x00\x04\x00\x00\x01", "", Some(Cause::NotSocks)),
            (b"\x05", "", None),
        ] {
            let said = match run(answers, user, &target).unwrap_err() {
                Refusal::Said(cause) => Some(cause),
                Refusal::Broken(_) => None,
            };
            assert_eq!(said, cause, "{answers:?}");
        }
    }
}
