//! Proxies of all kinds, and hosts that are reached past them.

use cvm_proto::api::{DescribeImages, SyncImages, types::Filter};
use cvm_proto::{ErrorKind, NoProxy, Notation};

use crate::proxy::Proxy;
use crate::server::{Act, EMPTY, Server};
use crate::socks::Socks;
use crate::{Shell, certificates, settings};

fn sync() -> SyncImages {
    SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"])
}

/// The address of a server, as the small proxies want it.
fn bare(server: &Server) -> String {
    server.endpoint().split_once("://").unwrap().1.to_owned()
}

/// An endpoint without TLS is asked for through the proxy itself, as curl does: the first line names it whole, and the
/// host header stays the one that is signed.
pub fn http_through_a_proxy_names_its_host<S: Shell>() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    for (endpoint, written, notation, line) in [
        ("http://cvm.invalid", "me:p%40ss@", Notation::Json, "POST http://cvm.invalid/ HTTP/1.1"),
        ("http://cvm.invalid:8080", "", Notation::Json, "POST http://cvm.invalid:8080/ HTTP/1.1"),
        ("http://[::1]:81", "me@", Notation::Json, "POST http://[::1]:81/ HTTP/1.1"),
        ("http://10.1.2.3", "", Notation::Query, "GET http://10.1.2.3/?Filters.0.Name=image-id"),
        ("http://localhost", "", Notation::Query, "GET http://localhost/?Filters.0.Name=image-id"),
    ] {
        let proxy = Proxy::start(&server.endpoint());
        let mut settings = settings(endpoint);
        settings.proxy = Some(proxy.url().replace("//", &format!("//{written}")));
        settings.notation = Some(notation);
        let client = S::from_settings(settings).unwrap();
        let filter = Filter::new("image-id", ["img-o3ycss2p".repeat(40), "img-o3ycss2p".repeat(900)]);
        server.wait_for_reuse(|| {
            client.send(DescribeImages::default().filters([filter.clone()])).unwrap();
        });
        let heads = proxy.heads();
        assert!(!heads.iter().any(|head| head.starts_with("CONNECT")), "no tunnel: {heads:?}");
        for request in server.received().split_off(server.received().len() - 2) {
            assert!(
                request.line.starts_with(line) && request.line.ends_with(" HTTP/1.1"),
                "{}",
                request.line
            );
            let host = endpoint.trim_start_matches("http://");
            assert_eq!(request.header("host"), Some(host));
            let authorization = request.header("proxy-authorization");
            assert_eq!(authorization.is_some(), !written.is_empty(), "{request:?}");
        }
    }
}

/// A host that only the proxy knows: it resolves the name. User and password reach it as they were meant.
pub fn socks_proxy_resolves_names<S: Shell>() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let socks = Socks::start(Some(&bare(&server)), Some(("someone", "p@ss:w%rd + 镜")));
    let mut settings = settings("http://cvm.invalid");
    settings.proxy = Some(format!("socks5h://someone:p%40ss:w%25rd%20+%20镜@{}", socks.address()));
    let client = S::from_settings(settings).unwrap();
    client.send(sync()).unwrap();
    server.wait_for_reuse(|| drop(client.send(DescribeImages::default()).unwrap()));
    assert_eq!(server.received()[0].header("host"), Some("cvm.invalid"));
    let asked = socks.asked();
    assert!(asked.iter().all(|asked| asked == "cvm.invalid:80"), "{asked:?}");
}

/// With `socks5` names are resolved on this side, and the proxy is asked for an address.
pub fn socks_proxy_is_given_addresses<S: Shell>() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let socks = Socks::start(Some(&bare(&server)), None);
    for (host, asked) in
        [("localhost:8081", &["127.0.0.1:8081", "::1:8081"]), ("127.0.0.9:80", &["127.0.0.9:80"; 2])]
    {
        let mut settings = settings(&format!("http://{host}"));
        settings.proxy = Some(format!("socks5://{}", socks.address()));
        S::from_settings(settings).unwrap().send(sync()).unwrap();
        let last = socks.asked().pop().unwrap();
        assert!(asked.contains(&&*last), "{last}");
    }
}

/// TLS to the endpoint goes through such a proxy as well.
pub fn tls_through_a_socks_proxy<S: Shell>() {
    let (tls, authority) = certificates::server();
    let server = Server::start_tls(tls, |_, _| Act::ok(EMPTY));
    let socks = Socks::start(Some(&bare(&server)), None);
    let mut settings = settings(&server.endpoint());
    settings.ca_pem = Some(format!("\u{feff}{authority}").replace('\n', "\r\n").into_bytes());
    settings.proxy = Some(format!("socks5h://{}", socks.address()));
    S::from_settings(settings).unwrap().send(sync()).unwrap();
    assert_eq!((server.received().len(), socks.asked()), (1, vec![bare(&server)]));
}

/// A proxy that does not connect: nothing was sent, and nobody sees the password.
pub fn socks_proxy_that_refuses_was_not_sent<S: Shell>() {
    let unreachable = Socks::start(None, None);
    let known = Socks::start(None, Some(("someone", "another")));
    for proxy in [
        format!("socks5h://{}", unreachable.address()),
        format!("socks5h://someone:proxy-password@{}", known.address()),
        format!("socks5h://{}", known.address()),
        format!("socks5h://someone:proxy-password@{}", unreachable.address()),
    ] {
        let mut settings = settings("http://cvm.invalid");
        settings.proxy = Some(proxy);
        let client = S::from_settings(settings).unwrap();
        let error = client.send(sync()).unwrap_err();
        assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Network, false), "{error:?}");
        for text in [error.to_string(), format!("{error:?}"), client.shown()] {
            assert!(!text.contains("proxy-password"), "{text}");
        }
    }
}

/// What `no_proxy` lists is reached past the proxy, over a connection that is kept; all else is not.
pub fn no_proxy_leads_past_the_proxy<S: Shell>() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let proxy = Proxy::start(&server.endpoint());
    for (list, endpoint, past) in [
        ("localhost, 127.0.0.0/8", server.endpoint(), true),
        ("*", server.endpoint(), true),
        ("127.0.0.1:1", server.endpoint(), false),
        ("cvm.example", "http://cvm.invalid".to_owned(), false),
    ] {
        let (heads, connections) = (proxy.heads().len(), server.connections());
        let mut settings = settings(&endpoint);
        settings.proxy = Some(proxy.url());
        settings.no_proxy = NoProxy::list(list);
        let client = S::from_settings(settings).unwrap();
        for _ in 0..3 {
            client.send(DescribeImages::default()).unwrap();
        }
        assert_eq!(proxy.heads().len() == heads, past, "{list}");
        assert_eq!(server.connections() - connections, 1, "{list}");
    }
}

/// A password is percent-encoded in the address, and reaches the proxy as it was meant.
pub fn proxy_password_may_have_any_character<S: Shell>() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    for (written, base64) in [
        // `me:p@ss:w%rd+/?#`, and `me:` without a password.
        ("me:p%40ss:w%25rd+%2F%3F%23", "bWU6cEBzczp3JXJkKy8/Iw=="),
        ("me", "bWU6"),
    ] {
        let proxy = Proxy::start(&server.endpoint());
        let mut settings = settings("http://cvm.invalid");
        settings.proxy = Some(proxy.url().replace("//", &format!("//{written}@")));
        S::from_settings(settings).unwrap().send(sync()).unwrap();
        let heads = proxy.heads();
        let expected = format!("\r\nproxy-authorization: basic {base64}\r\n").to_lowercase();
        assert!(heads[0].to_lowercase().contains(&expected), "{written}: {heads:?}");
    }
}
