//! Addresses as users write them: of endpoints and of proxies, taken apart once and whole.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::String;
use core::net::{Ipv4Addr, Ipv6Addr};

use super as input;

/// The parts of an address.
pub(crate) struct Address<'a> {
    /// One of those that were allowed; none if the address has none.
    pub(crate) scheme: Option<&'static str>,
    /// User and password as written, before the `@`.
    pub(crate) userinfo: Option<&'a str>,
    /// In small letters; an IPv6 address in its brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

/// Takes an address apart.
///
/// # Errors
///
/// A clause that goes on from the address.
pub(crate) fn parse<'a>(
    address: &'a str,
    schemes: &[&'static str],
) -> Result<Address<'a>, Cow<'static, str>> {
    let (scheme, rest) = if let Some((written, rest)) = address.split_once("://") {
        let scheme = schemes.iter().find(|known| written.eq_ignore_ascii_case(known)).ok_or_else(|| {
            let (last, others) = schemes.split_last().unwrap_or((&"", &[]));
            format!("has a scheme other than {} and {last}", others.join(", "))
        })?;
        (Some(*scheme), rest)
    } else {
        (None, address)
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (userinfo, place) = match authority.rsplit_once('@') {
        Some((userinfo, place)) => (Some(userinfo), place),
        None => (None, authority),
    };
    if place.is_empty() {
        return Err("names no host".into());
    }
    if authority.contains(['/', '?', '#']) {
        return Err("has a path or a query".into());
    }
    let (host, port) = split_port(place);
    if !is_host(host) {
        return Err("names a host that is not one".into());
    }
    let port = match port.map(port_number) {
        Some(None) => return Err("has a port that is not a number from 1 to 65535".into()),
        Some(number) => number,
        None => None,
    };
    Ok(Address { scheme, userinfo, host: host.to_ascii_lowercase(), port })
}

/// An address to be shown, whether it is one or not: what may be a password is `***`.
pub(crate) fn masked(address: &str) -> String {
    let (scheme, rest) = match address.find("://") {
        Some(at) => address.split_at(at + 3),
        None => ("", address),
    };
    let shown = if let Some((_, place)) = rest.rsplit_once('@') {
        format!("***@{place}")
    } else {
        // Of `user:password` without a host the password stands in the port's place.
        let colon = rest.find(']').unwrap_or(0);
        let (host, port) = rest[colon..].find(':').map_or((rest, "0"), |at| rest.split_at(colon + at));
        let port = port.trim_start_matches(':').split(['/', '?', '#']).next().unwrap_or_default();
        let is_known = port.bytes().all(|b| b.is_ascii_digit()) || rest.parse::<Ipv6Addr>().is_ok();
        if is_known { rest.to_owned() } else { format!("{host}:***") }
    };
    format!("{scheme}{shown}")
}

/// The same, ready to stand in an error.
pub(crate) fn quoted(address: &str) -> String {
    format!("`{}`", input::excerpt(&masked(input::trim(address))))
}

/// Splits `host:port`; the colons inside `[::1]` are not the port's.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    let after_brackets = authority.rfind(']').unwrap_or(0);
    match authority[after_brackets..].rfind(':') {
        Some(colon) => {
            let at = after_brackets + colon;
            (&authority[..at], Some(&authority[at + 1..]))
        }
        None => (authority, None),
    }
}

/// A port's number, written in digits alone.
pub(crate) fn port_number(port: &str) -> Option<u16> {
    let number = port.parse().ok().filter(|&number| number > 0);
    number.filter(|_| port.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether this is a domain name, an IPv4 address, or an IPv6 address in brackets.
pub(crate) fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let fits = |label: &str| {
        let letters = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        letters && (1..=63).contains(&label.len())
    };
    // What ends in a number is an IPv4 address or nothing: libraries disagree on the rest.
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit())
        || last.strip_prefix(['0']).is_some_and(|rest| rest.starts_with(['x', 'X']));
    host.len() <= 253 && host.split('.').all(fits) && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (host, fits) in [
            ("cvm.tencentcloudapi.com", true),
            ("localhost", true),
            ("a_b-c.d1", true),
            ("10.0.0.1", true),
            ("[::1]", true),
            ("[2001:db8::7]", true),
            ("", false),
            ("a..b", false),
            (".a", false),
            ("a.", false),
            ("::1", false),
            ("[::1", false),
            ("[127.0.0.1]", false),
            ("[fe80::1%eth0]", false),
            ("256.0.0.1", false),
            ("127.1", false),
            ("0x7f.0x1", false),
            ("2130706433", false),
            ("ho st", false),
            ("host\u{200b}", false),
            ("镜像.example", false),
        ] {
            assert_eq!(is_host(host), fits, "{host:?}");
        }
        assert!(!is_host(&"a".repeat(64)) && !is_host(&["a"; 130].join(".")));
    }

    #[test]
    fn no_password_is_shown_whatever_stands_around_it() {
        for (address, shown) in [
            ("http://proxy:3128", "http://proxy:3128"),
            ("http://me:hid@den@proxy:3128", "http://***@proxy:3128"),
            ("me:hidden@proxy:3128", "***@proxy:3128"),
            ("http://me:hid/den?#@proxy", "http://***@proxy"),
            ("http://me:hidden", "http://me:***"),
            ("me:hidden", "me:***"),
            ("http://hidden@", "http://***@"),
            ("socks5://me:hidden@[::1]:1080", "socks5://***@[::1]:1080"),
            ("://hidden@host", "://***@host"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("http://me:hidden/1:80", "http://me:***"),
            ("http://host:80/path", "http://host:80/path"),
            ("http://host/path", "http://host/path"),
            ("2001:db8::7", "2001:db8::7"),
            ("http://host:", "http://host:"),
        ] {
            assert_eq!(masked(address), shown);
        }
    }
}
