//! TLS, and what must not be seen.

use std::env;
use std::io::Write;
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::Duration;

use cvm_proto::api::{DescribeImages, SyncImages};
use cvm_proto::{Credential, ErrorKind, Notation, Settings, SignMethod};

use crate::proxy::Proxy;
use crate::raw::{Raw, wait_for_end};
use crate::server::{Act, EMPTY, Server};
use crate::{SECRET_ID, SECRET_KEY, Shell, certificates, settings};

fn sync() -> SyncImages {
    SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"])
}

fn server() -> (Server, String) {
    let (tls, authority) = certificates::server();
    (Server::start_tls(tls, |_, _| Act::ok(EMPTY)), authority)
}

/// An authority that the platform does not know, given as `ca_pem`.
pub fn extra_authority_is_trusted<S: Shell>() {
    let (server, authority) = server();
    let mut settings = settings(&server.endpoint());
    settings.ca_pem = Some(authority.into_bytes());
    let client = S::from_settings(settings).unwrap();
    client.send(sync()).unwrap();
    server.wait_for_reuse(|| drop(client.send(DescribeImages::default()).unwrap()));
}

/// The address of a server whose authority is one of the platform's, in a process that was started for it.
const PLATFORM: &str = "CVM_SCENARIO_PLATFORM";

/// What `ca_pem` adds to is the platform's authorities: they are trusted as before. The platform's are those of a process,
/// so another one is started, where a variable names them.
pub fn platform_authorities_stay_trusted<S: Shell>() {
    if let Ok(endpoint) = env::var(PLATFORM) {
        for ca_pem in [None, Some(certificates::server().1.into_bytes())] {
            let mut settings = settings(&endpoint);
            settings.ca_pem = ca_pem;
            S::from_settings(settings).unwrap().send(sync()).unwrap();
        }
    } else if cfg!(target_os = "linux") {
        let (server, authority) = server();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(authority.as_bytes()).unwrap();
        let child = Command::new(env::current_exe().unwrap())
            .arg("platform_authorities_stay_trusted")
            .envs([("SSL_CERT_FILE", file.path())])
            .env_remove("SSL_CERT_DIR")
            .env(PLATFORM, server.endpoint())
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    }
}

/// Without it, or with another one, there is no connection and nothing was sent.
pub fn unknown_authority_is_refused<S: Shell>() {
    let (server, _) = server();
    let (_, other) = certificates::server();
    for ca_pem in [None, Some(other.into_bytes())] {
        let mut settings = settings(&server.endpoint());
        settings.ca_pem = ca_pem;
        let error = S::from_settings(settings).unwrap().send(sync()).unwrap_err();
        assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Network, false), "{error:?}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    assert_eq!(server.received().len(), 0);
}

/// The certificate is for 127.0.0.1 and for no other name.
pub fn wrong_host_is_refused<S: Shell>() {
    let (server, authority) = server();
    let mut settings = settings(&server.endpoint().replace("127.0.0.1", "localhost"));
    settings.ca_pem = Some(authority.into_bytes());
    let error = S::from_settings(settings).unwrap().send(sync()).unwrap_err();
    assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Network, false), "{error:?}");
    assert_eq!(server.received().len(), 0);
}

/// A CA file that is none.
pub fn bad_authority<S: Shell>() {
    // The last is well-formed, and a number.
    let wrong = ["!!", "MAMCAQE="]
        .map(|inside| format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n"));
    for pem in [String::new(), "not PEM".into()].into_iter().chain(wrong) {
        let mut settings = settings("https://127.0.0.1:1");
        settings.ca_pem = Some(pem.clone().into());
        let error = S::from_settings(settings).err().unwrap_or_else(|| panic!("{pem:?} was accepted"));
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(error.message().starts_with("ca_pem "), "{error}");
    }
}

/// TLS to the endpoint through a tunnel: the proxy sees a host and a port, and nothing else.
pub fn tls_through_a_proxy<S: Shell>() {
    let (server, authority) = server();
    let proxy = Proxy::start(server.endpoint().trim_start_matches("https://"));
    let mut settings = settings(&server.endpoint());
    settings.ca_pem = Some(authority.into_bytes());
    settings.proxy = Some(proxy.url());
    S::from_settings(settings).unwrap().send(sync()).unwrap();
    assert_eq!(server.received().len(), 1);
    let heads = proxy.heads();
    let address = server.endpoint().replace("https://", "");
    assert!(heads[0].starts_with(&format!("CONNECT {address} HTTP/1.1\r\n")), "{heads:?}");
    assert!(!heads[0].to_lowercase().contains("\r\nauthorization:"), "{heads:?}");
}

/// A connection that closes during the TLS handshake: the request cannot have been sent.
pub fn cut_off_handshake_was_not_sent<S: Shell>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || (0..3).for_each(|_| drop(listener.accept().unwrap())));
    let error = S::from_settings(settings(&address)).unwrap().send(sync()).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 3), "{error:?}");
    assert!(!error.outcome_unknown(), "{error:?}");
    server.join().unwrap();
}

/// A time that is over while there is no connection yet: the request cannot have been sent, whichever limit it was.
pub fn handshake_that_takes_too_long_was_not_sent<S: Shell>() {
    let silent = Raw::start(|mut client| wait_for_end(&mut client));
    for (attempt, call, connect) in [(100, 9_000, 9_000), (9_000, 200, 9_000), (9_000, 9_000, 100)] {
        let mut settings = settings(&format!("https://{}", silent.address()));
        settings.attempt_timeout = Duration::from_millis(attempt);
        settings.call_timeout = Duration::from_millis(call);
        settings.connect_timeout = Duration::from_millis(connect);
        let error = S::from_settings(settings).unwrap().send(sync()).unwrap_err();
        assert!(!error.outcome_unknown(), "{error:?}");
        assert_eq!(error.attempts(), if call == 200 { 1 } else { 3 }, "{error:?}");
    }
}

/// Runs calls that succeed and calls that fail, signed in every way; gives all that a user of the client can print.
pub fn all_that_is_shown<S: Shell>(token: &str) -> String {
    let mut shown = String::new();
    let server = Server::start(|number, _| match number % 3 {
        0 => Act::ok(EMPTY),
        1 => Act::refuse("AuthFailure.SignatureFailure"),
        _ => Act::Close(Vec::new()),
    });
    for (method, notation) in [
        (SignMethod::Tc3HmacSha256, Notation::Json),
        (SignMethod::Tc3HmacSha256, Notation::Query),
        (SignMethod::HmacSha256, Notation::Query),
        (SignMethod::HmacSha1, Notation::Form),
    ] {
        let mut settings: Settings = settings(&server.endpoint());
        settings.credential =
            Some(Credential::new(SECRET_ID, SECRET_KEY).unwrap().with_token(token).unwrap());
        settings.sign_method = method;
        settings.notation = Some(notation);
        settings.rate_limit = false;
        shown += &format!("{settings:?}");
        let client = S::from_settings(settings).unwrap();
        shown += &client.shown();
        for _ in 0..3 {
            shown += &format!("{:?}", client.send(sync()));
            shown += &client.send(sync()).map_or_else(|error| error.to_string(), |answer| answer.request_id);
        }
    }
    assert_eq!(server.received().len(), 4 * 6);
    shown
}

/// Neither the key nor the token nor a signature is in what a client, its settings, its answers and errors show.
pub fn nothing_secret_is_shown<S: Shell>() {
    let token = "scenarios-token-9876543210";
    let shown = all_that_is_shown::<S>(token);
    for secret in [SECRET_KEY, token, "Signature="] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
    assert!(shown.contains(SECRET_ID), "the public half helps to find out which key was used");
}
