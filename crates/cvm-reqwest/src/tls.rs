//! TLS: rustls with ring, trusting the platform's certificate authorities and those that a user adds.

use std::sync::Arc;

use cvm_proto::{Error, Settings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// What the settings ask for. The platform's store is read only if a connection can need it.
pub(crate) fn config(settings: &Settings) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::config(format!("TLS cannot be set up: {error}")))?;
    let extra = settings.ca_pem.as_deref().map_or(Ok(Vec::new()), certificates)?;
    if !settings.uses_tls() {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(|error| {
        Error::config(format!("certificate authorities cannot be loaded from this system or ca_pem: {error}"))
    })?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| Settings::wrong_ca_pem("is not well-formed"))?;
    if all.is_empty() { Err(Settings::wrong_ca_pem("holds no certificate")) } else { Ok(all) }
}
