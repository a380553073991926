//! HTTPS with an authority of the endpoint's own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use cvm_local::CvmLocal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn config(ca_pem: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

fn connect(local: &CvmLocal) -> TcpStream {
    let stream = TcpStream::connect(local.endpoint().strip_prefix("https://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// The first line of the answer to a request, by a client that trusts this authority and asks for this name.
fn ask(local: &CvmLocal, ca_pem: &str, name: &str) -> std::io::Result<String> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let tls = ClientConnection::new(config(ca_pem), name).unwrap();
    let mut stream = StreamOwned::new(tls, connect(local));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[test]
fn clients_that_trust_its_authority_are_served() {
    let local = CvmLocal::builder().tls().start().unwrap();
    let ca_pem = local.ca_pem().unwrap();
    for name in ["127.0.0.1", "localhost", "cvm.tencentcloudapi.com"] {
        assert_eq!(ask(&local, ca_pem, name).unwrap(), "HTTP/1.1 200 OK", "{name}");
    }
    let error = ask(&local, ca_pem, "example.com").unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    let other = CvmLocal::builder().tls().start().unwrap();
    let error = ask(&local, other.ca_pem().unwrap(), "localhost").unwrap_err();
    assert!(error.to_string().contains("certificate"), "each has its own: {error}");
    assert!(CvmLocal::start().unwrap().ca_pem().is_none());
}

#[test]
fn who_does_not_finish_a_handshake_is_let_go() {
    let local = CvmLocal::builder().tls().read_timeout(Duration::from_millis(100)).start().unwrap();
    for bytes in [b"".as_slice(), b"\x16\x03\x01", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let mut stream = connect(&local);
        stream.write_all(bytes).unwrap();
        let mut rest = Vec::new();
        // A reset is as good as an end.
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP"), "no answer without TLS");
    }
    assert!(ask(&local, local.ca_pem().unwrap(), "localhost").is_ok());
}
