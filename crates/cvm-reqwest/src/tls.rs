//! TLS: rustls with ring, trusting the platform's certificate authorities and those that a user adds.

use std::sync::Arc;

use cvm_proto::{Error, Settings};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// What the settings ask for. The platform's store is read only if a connection can need it.
pub(crate) fn config(settings: &Settings) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::config(format!("TLS cannot be set up: {error}")))?;
    let extra = settings.ca_certificates()?.into_iter().map(CertificateDer::from).collect::<Vec<_>>();
    if !settings.uses_tls() {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let verifier = Verifier::new_with_extra_roots(extra, provider).map_err(|error| {
        Error::config(format!("certificate authorities cannot be loaded from this system or ca_pem: {error}"))
    })?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
