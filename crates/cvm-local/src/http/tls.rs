//! HTTPS with a certificate authority of the endpoint's own.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// The names that the certificate is for: this machine, and the service's own hosts, which a test may let lead here.
const NAMES: [&str; 4] = ["127.0.0.1", "::1", "localhost", "*.tencentcloudapi.com"];

/// What it takes to serve HTTPS, and to trust it.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// The authority, in PEM. Its key is gone as soon as it has signed.
    pub(crate) ca_pem: String,
}

impl Tls {
    /// A new authority, and a certificate by it.
    pub(crate) fn generate() -> Result<Self, String> {
        let failed = |error: rcgen::Error| format!("no certificate can be made: {error}");
        let authority_key = KeyPair::generate().map_err(failed)?;
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority.distinguished_name.push(DnType::CommonName, "cvm-local authority");
        let ca_pem = authority.self_signed(&authority_key).map_err(failed)?.pem();

        let key = KeyPair::generate().map_err(failed)?;
        let mut leaf = CertificateParams::new(NAMES.map(str::to_owned)).map_err(failed)?;
        leaf.distinguished_name.push(DnType::CommonName, "cvm-local");
        // Strict clients want all three.
        leaf.use_authority_key_identifier_extension = true;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).map_err(failed)?;

        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
                config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key)
            })
            .map_err(|error| format!("TLS cannot be set up: {error}"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), ca_pem })
    }
}
