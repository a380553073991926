//! Proxies that are down, refuse, or are none.

use super::{Fault, HTML, INSTEAD_OF_HTTPS, Stage, TRUST, nobody, tls};
use crate::certificates;
use crate::proxy::Proxy;
use crate::raw::{Raw, wait_for_end};
use crate::server::{Act, Server};
use crate::socks::Socks;

const DOWN: &str = "check its address, and that it runs";
const REFUSES: &str = "check the endpoint, and what the proxy allows";

pub(super) const ALL: &[Fault] = &[
    Fault { name: "proxy_that_wants_a_user", is_plain: false, begin: proxy_that_wants_a_user },
    Fault { name: "proxy_that_wants_another_user", is_plain: false, begin: proxy_that_wants_another_user },
    Fault {
        name: "proxy_that_wants_a_user_for_http",
        is_plain: false,
        begin: proxy_that_wants_a_user_for_http,
    },
    Fault { name: "proxy_that_refuses", is_plain: false, begin: proxy_that_refuses },
    Fault { name: "proxy_that_refuses_http", is_plain: false, begin: proxy_that_refuses_http },
    Fault { name: "proxy_that_closes", is_plain: false, begin: proxy_that_closes },
    Fault { name: "proxy_that_is_none", is_plain: false, begin: proxy_that_is_none },
    Fault { name: "proxy_that_is_down", is_plain: false, begin: proxy_that_is_down },
    Fault { name: "proxy_that_is_down_for_http", is_plain: false, begin: proxy_that_is_down_for_http },
    Fault { name: "proxy_without_an_address", is_plain: false, begin: proxy_without_an_address },
    Fault { name: "proxy_of_an_unknown_issuer", is_plain: false, begin: proxy_of_an_unknown_issuer },
    Fault {
        name: "proxy_of_an_unknown_issuer_for_http",
        is_plain: false,
        begin: proxy_of_an_unknown_issuer_for_http,
    },
    Fault { name: "proxy_without_tls", is_plain: false, begin: proxy_without_tls },
    Fault { name: "unknown_issuer_behind_a_proxy", is_plain: false, begin: unknown_issuer_behind_a_proxy },
    Fault { name: "socks_proxy_that_refuses", is_plain: false, begin: socks_proxy_that_refuses },
    Fault { name: "socks_proxy_that_wants_a_user", is_plain: false, begin: socks_proxy_that_wants_a_user },
    Fault {
        name: "socks_proxy_that_wants_another_user",
        is_plain: false,
        begin: socks_proxy_that_wants_another_user,
    },
    Fault { name: "socks_proxy_that_is_none", is_plain: false, begin: socks_proxy_that_is_none },
    Fault { name: "socks_proxy_that_is_down", is_plain: false, begin: socks_proxy_that_is_down },
    Fault {
        name: "unknown_name_before_a_socks_proxy",
        is_plain: false,
        begin: unknown_name_before_a_socks_proxy,
    },
    Fault { name: "no_answer_behind_a_proxy", is_plain: false, begin: no_answer_behind_a_proxy },
    Fault { name: "proxy_that_takes_too_long", is_plain: false, begin: proxy_that_takes_too_long },
    Fault {
        name: "socks_proxy_that_takes_too_long",
        is_plain: false,
        begin: socks_proxy_that_takes_too_long,
    },
];

fn proxy_that_wants_a_user() -> Stage {
    let raw = Raw::says(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n");
    let proxy = format!("http://{}", raw.address());
    let said = format!(
        "the proxy {proxy} requires a user name and a password: put them into its address, as http://USER:PASSWORD@HOST:PORT"
    );
    Stage::new("https://cvm.invalid", said).proxy(proxy).once().keeping(raw)
}

fn proxy_that_wants_another_user() -> Stage {
    let raw = Raw::says(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n");
    let said = format!(
        "the proxy http://***@{} does not take the user and the password in its address: correct them, or leave them out",
        raw.address()
    );
    let proxy = format!("http://someone:proxy-password@{}", raw.address());
    Stage::new("https://cvm.invalid", said).proxy(proxy).once().keeping(raw)
}

fn proxy_that_wants_a_user_for_http() -> Stage {
    let raw = Raw::says(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n");
    let proxy = format!("http://{}", raw.address());
    let said = format!(
        "the proxy {proxy} requires a user name and a password: put them into its address, as http://USER:PASSWORD@HOST:PORT"
    );
    Stage::new("http://cvm.invalid", said).proxy(proxy).status(407).once().keeping(raw)
}

fn proxy_that_refuses() -> Stage {
    let raw = Raw::says(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
    let proxy = format!("http://{}", raw.address());
    let said = format!("the proxy {proxy} does not connect to cvm.invalid:443: {REFUSES}");
    Stage::new("https://cvm.invalid", said).proxy(proxy).keeping(raw)
}

fn proxy_that_refuses_http() -> Stage {
    let raw = Raw::says(
        b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 15\r\n\r\n<html>no</html>",
    );
    let proxy = format!("http://{}", raw.address());
    let said = format!(
        "the answer is not one of this API: it is not JSON, it begins `{HTML}`; it came from cvm.invalid:80 through the proxy {proxy}"
    );
    Stage::new("http://cvm.invalid", said).proxy(proxy).status(502).keeping(raw)
}

fn proxy_that_closes() -> Stage {
    let raw = Raw::start(drop);
    let proxy = format!("http://{}", raw.address());
    let said = format!("the proxy {proxy} does not connect to cvm.invalid:443: {REFUSES}");
    Stage::new("https://cvm.invalid", said).proxy(proxy).keeping(raw)
}

fn proxy_that_is_none() -> Stage {
    let raw = Raw::says(b"SSH-2.0-OpenSSH_8.9\r\n");
    let proxy = format!("http://{}", raw.address());
    let said =
        format!("what answers for the proxy {proxy} does not speak HTTP: check its address and its scheme");
    Stage::new("http://cvm.invalid", said).proxy(proxy).once().keeping(raw)
}

fn proxy_that_is_down() -> Stage {
    let proxy = format!("http://someone:proxy-password@{}", nobody());
    let shown = proxy.replace("someone:proxy-password", "***");
    Stage::new("https://cvm.invalid", format!("no connection to the proxy {shown}: {DOWN}")).proxy(proxy)
}

fn proxy_that_is_down_for_http() -> Stage {
    let proxy = format!("http://{}", nobody());
    Stage::new("http://cvm.invalid", format!("no connection to the proxy {proxy}: {DOWN}")).proxy(proxy)
}

fn proxy_without_an_address() -> Stage {
    let proxy = "http://proxy.invalid:3128";
    Stage::new("https://cvm.invalid", format!("no connection to the proxy {proxy}: {DOWN}")).proxy(proxy)
}

fn proxy_of_an_unknown_issuer() -> Stage {
    let (place, server, _) = tls(certificates::server());
    let said = format!(
        "the certificate of the proxy https://{place} was issued by an authority that is not trusted: {TRUST}"
    );
    Stage::new("https://cvm.invalid", said).proxy(format!("https://{place}")).once().keeping(server)
}

fn proxy_of_an_unknown_issuer_for_http() -> Stage {
    let (place, server, _) = tls(certificates::server());
    let said = format!(
        "the certificate of the proxy https://{place} was issued by an authority that is not trusted: {TRUST}"
    );
    Stage::new("http://cvm.invalid", said).proxy(format!("https://{place}")).once().keeping(server)
}

fn proxy_without_tls() -> Stage {
    let raw = Raw::says(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    let proxy = format!("https://{}", raw.address());
    let said = format!("the proxy {proxy} does not speak TLS: {INSTEAD_OF_HTTPS}, or another port");
    Stage::new("https://cvm.invalid", said).proxy(proxy).once().keeping(raw)
}

fn unknown_issuer_behind_a_proxy() -> Stage {
    let (place, server, _) = tls(certificates::server());
    let proxy = Proxy::start(&place);
    let said = format!(
        "the certificate of {place} through the proxy {} was issued by an authority that is not trusted: {TRUST}",
        proxy.url()
    );
    let url = proxy.url();
    Stage::new(format!("https://{place}"), said).proxy(url).once().keeping(server).keeping(proxy)
}

fn socks_proxy_that_refuses() -> Stage {
    let socks = Socks::start(None, None);
    let proxy = format!("socks5h://{}", socks.address());
    let said = format!("the proxy {proxy} does not connect to cvm.invalid:80: {REFUSES}");
    Stage::new("http://cvm.invalid", said).proxy(proxy).keeping(socks)
}

fn socks_proxy_that_wants_a_user() -> Stage {
    let socks = Socks::start(None, Some(("someone", "proxy-password")));
    let proxy = format!("socks5h://{}", socks.address());
    let said = format!(
        "the proxy {proxy} requires a user name and a password: put them into its address, as socks5h://USER:PASSWORD@HOST:PORT"
    );
    Stage::new("https://cvm.invalid", said).proxy(proxy).once().keeping(socks)
}

fn socks_proxy_that_wants_another_user() -> Stage {
    let socks = Socks::start(None, Some(("someone", "another-password")));
    let said = format!(
        "the proxy socks5h://***@{} does not take the user and the password in its address: correct them, or leave them out",
        socks.address()
    );
    let proxy = format!("socks5h://someone:proxy-password@{}", socks.address());
    Stage::new("http://cvm.invalid", said).proxy(proxy).once().keeping(socks)
}

fn socks_proxy_that_is_none() -> Stage {
    let raw = Raw::says(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    let proxy = format!("socks5://{}", raw.address());
    let said = format!(
        "what answers for the proxy {proxy} does not speak SOCKS 5: check its address and its scheme"
    );
    Stage::new("http://127.0.0.9", said).proxy(proxy).once().keeping(raw)
}

fn socks_proxy_that_is_down() -> Stage {
    let proxy = format!("socks5h://{}", nobody());
    Stage::new("https://cvm.invalid", format!("no connection to the proxy {proxy}: {DOWN}")).proxy(proxy)
}

fn unknown_name_before_a_socks_proxy() -> Stage {
    let socks = Socks::start(None, None);
    let said = "no address was found for cvm.invalid:443: check the name; if it is right, name resolution fails for now";
    Stage::new("https://cvm.invalid", said).proxy(format!("socks5://{}", socks.address())).keeping(socks)
}

fn no_answer_behind_a_proxy() -> Stage {
    let server = Server::start(|_, _| Act::Close(Vec::new()));
    let proxy = Proxy::start(&server.endpoint());
    let said =
        format!("the connection to cvm.invalid:80 through the proxy {} ended before an answer", proxy.url());
    let url = proxy.url();
    Stage::new("http://cvm.invalid", said).proxy(url).keeping(server).keeping(proxy)
}

fn proxy_that_takes_too_long() -> Stage {
    let raw = Raw::start(|mut client| wait_for_end(&mut client));
    let proxy = format!("http://{}", raw.address());
    let said = format!(
        "no connection to cvm.invalid:443 through the proxy {proxy} within 200ms, the limit of connect_timeout"
    );
    Stage::new("https://cvm.invalid", said).proxy(proxy).limit("connect_timeout", 200).keeping(raw)
}

fn socks_proxy_that_takes_too_long() -> Stage {
    let raw = Raw::start(|mut client| wait_for_end(&mut client));
    let proxy = format!("socks5h://{}", raw.address());
    let said = format!(
        "no connection to cvm.invalid:80 through the proxy {proxy} within 200ms, the limit of connect_timeout"
    );
    Stage::new("http://cvm.invalid", said).proxy(proxy).limit("connect_timeout", 200).keeping(raw)
}
