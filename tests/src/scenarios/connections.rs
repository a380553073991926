//! Connections: none, kept, broken, and through a proxy.

use std::net::TcpListener;
use std::thread;

use cvm_proto::ErrorKind;
use cvm_proto::api::{DescribeImages, SyncImages};

use crate::proxy::Proxy;
use crate::server::{Act, EMPTY, Server, response};
use crate::{Shell, settings};

fn sync() -> SyncImages {
    SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"])
}

/// The address of a port on which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Without a connection nothing was sent, so even `SyncImages` is tried again.
pub fn refused_connection_is_tried_again<S: Shell>() {
    let error = S::from_settings(settings(&nobody())).unwrap().send(sync()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 3), "{error:?}");
    assert!(!error.outcome_unknown(), "{error:?}");
    assert!(error.to_string().contains("refuses connections"), "{error}");
}

/// A name that has no address: the same, in the resolver's words.
pub fn unknown_host_was_not_sent<S: Shell>() {
    let error = S::from_settings(settings("http://no-such-host.invalid")).unwrap().send(sync()).unwrap_err();
    assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Network, false), "{error:?}");
}

/// The connection is there, and closes before the server has read anything. A client cannot tell that.
pub fn dropped_before_reading_is_repeated_only_if_safe<S: Shell>() {
    let dropping = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", dropping.local_addr().unwrap());
    let server = thread::spawn(move || {
        // One connection for the first call, three for the second.
        (0..4).for_each(|_| drop(dropping.accept().unwrap()));
    });
    let client = S::from_settings(settings(&address)).unwrap();
    let error = client.send(sync()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 1), "{error:?}");
    assert!(error.outcome_unknown(), "{error:?}");
    let error = client.send(DescribeImages::default()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 3), "{error:?}");
    server.join().unwrap();
}

/// One connection serves call after call.
pub fn connection_is_kept<S: Shell>() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let client = S::from_settings(settings(&server.endpoint())).unwrap();
    server.wait_for_reuse(|| drop(client.send(DescribeImages::default()).unwrap()));
    server.wait_for_reuse(|| {
        client.with_region("ap-beijing").unwrap().send(DescribeImages::default()).unwrap();
    });
}

/// A kept connection that the server has closed meanwhile is not the next request's fault.
pub fn closed_connection_is_replaced<S: Shell>() {
    let server = Server::start(|_, _| Act::Close(response(200, "", EMPTY)));
    let client = S::from_settings(settings(&server.endpoint())).unwrap();
    for count in 1..=3 {
        client.send(sync()).unwrap();
        server.wait_for_closed(count);
    }
    assert_eq!((server.received().len(), server.connections()), (3, 3), "each was sent once");
}

/// A host that only the proxy knows. The proxy gets the user and the password, and no error repeats them.
pub fn proxy_is_used_for_plain_http<S: Shell>() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let proxy = Proxy::start(&server.endpoint());
    let mut settings = settings("http://cvm.invalid");
    settings.proxy = Some(proxy.url_with_user("someone", "proxy-password"));
    S::from_settings(settings).unwrap().send(sync()).unwrap();
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].header("host"), Some("cvm.invalid"), "the signed header, not the proxy's");
    let heads = proxy.heads();
    // `someone:proxy-password` in base64.
    let authorization = "proxy-authorization: basic c29tZW9uZTpwcm94eS1wYXNzd29yZA==";
    assert!(heads[0].to_lowercase().contains(&authorization.to_lowercase()), "{heads:?}");
}

/// A proxy that is down.
pub fn proxy_that_is_not_there_was_not_sent<S: Shell>() {
    let mut settings = settings("http://cvm.invalid");
    settings.proxy = Some(nobody().replace("http://", "http://someone:proxy-password@"));
    let client = S::from_settings(settings).unwrap();
    let error = client.send(sync()).unwrap_err();
    assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Network, false), "{error:?}");
    for text in [error.to_string(), format!("{error:?}"), client.shown()] {
        assert!(!text.contains("proxy-password"), "{text}");
    }
}

/// Not a proxy's address: one sentence that names the setting and repeats no password.
pub fn bad_proxy<S: Shell>() {
    for address in
        ["", "someone:proxy-password@", "ftp://proxy-password@host", "http://", "http://proxy-password@ho st"]
    {
        let mut settings = settings("http://cvm.invalid");
        settings.proxy = Some(address.into());
        let error = S::from_settings(settings).err().unwrap_or_else(|| panic!("{address:?} was accepted"));
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(error.message().starts_with("proxy "), "{error}");
        assert!(!error.to_string().contains("password"), "{error}");
    }
}
