//! TLS: rustls with ring, trusting the platform's certificate authorities and those that a user adds.

use std::sync::{Arc, OnceLock};

use cvm_proto::{Error, Settings};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, crypto};
use rustls_platform_verifier::Verifier;
use tracing::warn;

/// The TLS that the settings ask for. What is to be spoken over it (ALPN) is left to the client.
///
/// # Errors
///
/// [`ErrorKind::Config`](cvm_proto::ErrorKind::Config) if `ca_pem` holds no certificate of an authority. That the platform
/// has no authorities is an error of the first handshake: its certificate is of an unknown issuer.
pub fn tls_config(settings: &Settings) -> Result<ClientConfig, Error> {
    let extra: Vec<_> = settings.ca_certificates()?.into_iter().map(CertificateDer::from).collect();
    let mut roots = RootCertStore::empty();
    for certificate in &extra {
        roots.add(certificate.clone()).map_err(|_| {
            Error::config("ca_pem holds a certificate that cannot be read: give that of an authority, in PEM")
        })?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(LazyVerifier { extra, provider: Arc::clone(&provider), inner: OnceLock::new() });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::config(format!("TLS cannot be set up: {error}")))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// The platform's verifier, made at the first handshake: it reads the platform's authorities, which takes milliseconds and
/// fails where there are none, and many clients make no handshake.
#[derive(Debug)]
struct LazyVerifier {
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    inner: OnceLock<Option<Verifier>>,
}

impl LazyVerifier {
    fn inner(&self) -> Result<&Verifier, rustls::Error> {
        let inner = self.inner.get_or_init(|| {
            let made = Verifier::new_with_extra_roots(self.extra.iter().cloned(), Arc::clone(&self.provider));
            if let Err(error) = &made {
                warn!("no certificate authorities can be loaded from this system: {error}");
            }
            made.ok()
        });
        inner.as_ref().ok_or(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }
}

impl ServerCertVerifier for LazyVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.inner()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
