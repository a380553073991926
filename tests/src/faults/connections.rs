//! No connection: names, ports, TLS, and TLS where there is none.

use super::{Fault, INSTEAD_OF_HTTP, INSTEAD_OF_HTTPS, Stage, TRUST, answering, nobody, tls};
use crate::certificates;
use crate::raw::{Raw, wait_for_end};

pub(super) const ALL: &[Fault] = &[
    Fault { name: "refused_connection", is_plain: true, begin: refused_connection },
    Fault { name: "unknown_name", is_plain: true, begin: unknown_name },
    Fault { name: "unknown_name_over_tls", is_plain: false, begin: unknown_name_over_tls },
    Fault { name: "unknown_issuer", is_plain: false, begin: unknown_issuer },
    Fault { name: "another_issuer", is_plain: false, begin: another_issuer },
    Fault { name: "other_name", is_plain: false, begin: other_name },
    Fault { name: "expired_certificate", is_plain: false, begin: expired_certificate },
    Fault { name: "certificate_of_the_future", is_plain: false, begin: certificate_of_the_future },
    Fault { name: "certificate_of_an_authority", is_plain: false, begin: certificate_of_an_authority },
    Fault { name: "handshake_that_is_cut_off", is_plain: false, begin: handshake_that_is_cut_off },
    Fault { name: "https_to_an_http_port", is_plain: false, begin: https_to_an_http_port },
    Fault { name: "http_to_an_https_port", is_plain: true, begin: http_to_an_https_port },
    Fault {
        name: "http_to_an_https_port_that_says_so",
        is_plain: true,
        begin: http_to_an_https_port_that_says_so,
    },
    Fault { name: "connection_that_takes_too_long", is_plain: false, begin: connection_that_takes_too_long },
    Fault {
        name: "call_that_takes_too_long_to_connect",
        is_plain: false,
        begin: call_that_takes_too_long_to_connect,
    },
];

fn refused_connection() -> Stage {
    let nobody = nobody();
    let said = format!("{nobody} refuses connections: check the endpoint, and that something listens there");
    Stage::new(format!("http://{nobody}"), said)
}

fn unknown_name() -> Stage {
    let said = "no address was found for cvm.invalid:80: check the name; if it is right, name resolution fails for now";
    Stage::new("http://cvm.invalid", said)
}

fn unknown_name_over_tls() -> Stage {
    let said = "no address was found for cvm.invalid:443: check the name; if it is right, name resolution fails for now";
    Stage::new("https://cvm.invalid", said)
}

fn unknown_issuer() -> Stage {
    let (place, server, _) = tls(certificates::server());
    let said = format!("the certificate of {place} was issued by an authority that is not trusted: {TRUST}");
    Stage::new(format!("https://{place}"), said).once().keeping(server)
}

fn another_issuer() -> Stage {
    let (place, server, _) = tls(certificates::server());
    let said = format!("the certificate of {place} was issued by an authority that is not trusted: {TRUST}");
    Stage::new(format!("https://{place}"), said).ca(certificates::server().1).once().keeping(server)
}

fn other_name() -> Stage {
    let (place, server, authority) = tls(certificates::server_with("cvm.example", (1975, 4096)));
    let said = format!(
        "the certificate of {place} is for other hosts: check the address, or who answers in the place of that host"
    );
    Stage::new(format!("https://{place}"), said).ca(authority).once().keeping(server)
}

fn expired_certificate() -> Stage {
    let (place, server, authority) = tls(certificates::server_with("127.0.0.1", (1975, 2019)));
    let said = format!(
        "the certificate of {place} has expired: have it renewed, or set this machine's clock if that is what is wrong"
    );
    Stage::new(format!("https://{place}"), said).ca(authority).once().keeping(server)
}

fn certificate_of_the_future() -> Stage {
    let (place, server, authority) = tls(certificates::server_with("127.0.0.1", (4000, 4096)));
    let said = format!(
        "the certificate of {place} is not valid yet: set this machine's clock if that is what is wrong"
    );
    Stage::new(format!("https://{place}"), said).ca(authority).once().keeping(server)
}

fn certificate_of_an_authority() -> Stage {
    let (place, server, authority) = tls(certificates::self_signed());
    let said = format!(
        "the certificate of {place} is not one that a server can prove itself with: have another one made by an authority, and name that with `--ca-file` (the setting ca_file; ca_pem in a program) if it is not trusted yet"
    );
    Stage::new(format!("https://{place}"), said).ca(authority).once().keeping(server)
}

fn handshake_that_is_cut_off() -> Stage {
    let raw = Raw::start(drop);
    let place = raw.address();
    let said = format!("{place} ended the TLS handshake: if it does not speak TLS, {INSTEAD_OF_HTTPS}");
    Stage::new(format!("https://{place}"), said).keeping(raw)
}

fn https_to_an_http_port() -> Stage {
    let raw = Raw::says(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    let place = raw.address();
    let said = format!("{place} does not speak TLS: {INSTEAD_OF_HTTPS}, or another port");
    Stage::new(format!("https://{place}"), said).once().keeping(raw)
}

fn http_to_an_https_port() -> Stage {
    let (place, server, _) = tls(certificates::server());
    let said = format!("the answer of {place} is not HTTP: if it speaks TLS, {INSTEAD_OF_HTTP}");
    Stage::new(format!("http://{place}"), said).once().keeping(server)
}

fn http_to_an_https_port_that_says_so() -> Stage {
    let html = "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>";
    answering(400, "", html, |place| format!("{place} speaks TLS: {INSTEAD_OF_HTTP}")).once()
}

fn connection_that_takes_too_long() -> Stage {
    let raw = Raw::start(|mut client| wait_for_end(&mut client));
    let place = raw.address();
    let said = format!("no connection to {place} within 200ms, the limit of connect_timeout");
    Stage::new(format!("https://{place}"), said).limit("connect_timeout", 200).keeping(raw)
}

fn call_that_takes_too_long_to_connect() -> Stage {
    let raw = Raw::start(|mut client| wait_for_end(&mut client));
    let place = raw.address();
    let said = format!("no whole answer from {place} within 300ms, the limit of call_timeout");
    Stage::new(format!("https://{place}"), said).limit("call_timeout", 300).once().keeping(raw)
}
