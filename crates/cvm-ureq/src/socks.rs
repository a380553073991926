//! The handshake with a SOCKS proxy, version 5 (RFC 1928), with a user and a password (RFC 1929) if the address has them.
//!
//! ureq has one as well, but over connections of its own, whose waits cannot be broken off.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

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

/// Has the proxy at the other end connect to a target.
pub(crate) fn connect(
    proxy: &mut (impl Read + Write),
    user: Option<(&str, &str)>,
    target: &Target<'_>,
) -> io::Result<()> {
    let method = if user.is_some() { USER_AND_PASSWORD } else { NO_AUTHENTICATION };
    proxy.write_all(&[VERSION, 1, method])?;
    let [version, chosen] = read(proxy)?;
    if version != VERSION {
        return Err(refused("is none: what answers does not speak SOCKS 5"));
    }
    match user {
        _ if chosen != method => {
            return Err(refused(match user {
                Some(_) => "takes no user and password: leave them out of its address",
                None => "wants a user and a password: write them into its address",
            }));
        }
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
    if version != VERSION || status != 0 {
        return Err(refused(match status {
            2 => "does not allow this connection",
            3 => "cannot reach the network of the endpoint",
            4 => "cannot reach the endpoint",
            5 => "was refused by the endpoint",
            6 => "found no way to the endpoint in time",
            _ => "could not connect",
        }));
    }
    // The address that it connects from, which nobody needs.
    let rest = match kind {
        IPV4 => 4,
        IPV6 => 16,
        _ => usize::from(read::<1>(proxy)?[0]),
    };
    proxy.read_exact(&mut [0; 255 + 2][..rest + 2])
}

fn authenticate(proxy: &mut (impl Read + Write), (user, password): (&str, &str)) -> io::Result<()> {
    let mut request = vec![1];
    push(&mut request, user)?;
    push(&mut request, password)?;
    proxy.write_all(&request)?;
    let [_, status] = read(proxy)?;
    if status == 0 { Ok(()) } else { Err(refused("does not take this user and password")) }
}

/// A text after its length; the settings allow none that is longer.
fn push(request: &mut Vec<u8>, text: &str) -> io::Result<()> {
    request.push(u8::try_from(text.len()).map_err(|_| refused("takes no names of more than 255 bytes"))?);
    request.extend(text.as_bytes());
    Ok(())
}

fn read<const N: usize>(proxy: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    match proxy.read_exact(&mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(refused("closed the connection")),
        read => read.map(|()| bytes),
    }
}

fn refused(why: &str) -> io::Error {
    io::Error::other(format!("the SOCKS proxy {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn run(answers: &[u8], user: Option<(&str, &str)>, target: &Target<'_>) -> Result<Vec<u8>, String> {
        let mut proxy = Proxy { answers, heard: Vec::new() };
        connect(&mut proxy, user, target).map_err(|error| error.to_string())?;
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
            run(&ok(&[1, 0, 0, 0, 0]), None, &v4).unwrap(),
            b"\x05\x01\x00\x05\x01\x00\x01\x0a\x00\x00\x01\x01\xbb"
        );
        let heard = run(&ok(&[&[4][..], &[0; 16]].concat()), None, &v6).unwrap();
        assert_eq!(heard[3..7], [5, 1, 0, 4]);
        assert_eq!(heard[22..], [1, 0, 80]);
        let heard = run(&ok(b"\x03\x02ab"), None, &name).unwrap();
        assert_eq!(heard[3..], *b"\x05\x01\x00\x03\x0bcvm.example\x01\xbb");
        let answers = [&[5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 80][..], rest].concat();
        let heard = run(&answers, Some(("me", "p@ss")), &name).unwrap();
        assert_eq!(heard[..12], *b"\x05\x01\x02\x01\x02me\x04p@ss");
    }

    #[test]
    fn a_refusal_is_said() {
        let target = Target::Name("cvm.example", 443);
        let user = Some(("me", "hidden"));
        for (answers, user, part) in [
            (&b"HTTP/1.1 400"[..], None, "does not speak SOCKS 5"),
            (b"\x05\xff", None, "wants a user and a password"),
            (b"\x05\x02", None, "wants a user and a password"),
            (b"\x05\xff", user, "takes no user and password"),
            (b"\x05\x02\x01\x01", user, "does not take this user and password"),
            (b"\x05\x00\x05\x02\x00\x01", None, "does not allow this connection"),
            (b"\x05\x00\x05\x04\x00\x01", None, "cannot reach the endpoint"),
            (b"\x05\x00\x05\x05\x00\x01", None, "was refused by the endpoint"),
            (b"\x05\x00\x05\x63\x00\x01", None, "could not connect"),
            (b"\x05", None, "closed the connection"),
        ] {
            let error = run(answers, user, &target).unwrap_err();
            assert!(error.contains(part) && !error.contains("hidden"), "{error}");
        }
    }
}
