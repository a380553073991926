//! A certificate authority of our own, and servers' certificates by it.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;

/// A server for 127.0.0.1, and the authority to trust for it in PEM.
pub(crate) fn server() -> (ServerConfig, String) {
    server_with("127.0.0.1", (1975, 4096))
}

/// The same for another name, from the first day of one year to that of another.
pub(crate) fn server_with(name: &str, (from, to): (i32, i32)) -> (ServerConfig, String) {
    let (authority, authority_key) = (authority(), KeyPair::generate().unwrap());
    let certificate = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new([name.to_owned()]).unwrap();
    leaf.not_before = date_time_ymd(from, 1, 1);
    leaf.not_after = date_time_ymd(to, 1, 1);
    let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    (config(&leaf, &key), certificate.pem())
}

/// A server whose certificate is that of an authority: what `openssl req -x509` makes unless it is told otherwise.
pub(crate) fn self_signed() -> (ServerConfig, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = authority().self_signed(&key).unwrap();
    (config(&certificate, &key), certificate.pem())
}

fn authority() -> CertificateParams {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, "scenarios authority");
    authority
}

fn config(certificate: &Certificate, key: &KeyPair) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap()
}
