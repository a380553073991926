//! `AssumeRoleWithWebIdentity`: a token of an identity provider is exchanged for the credential of a role.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use zeroize::Zeroizing;

use super::sts;
use crate::client::Endpoint;
use crate::error::Error;
use crate::input;
use crate::sign::key_part::flaw;
use crate::signer::{Fetch, FetchContext, Provider, ready};

/// A role that the token of an identity provider grants, by the action `AssumeRoleWithWebIdentity` of the service sts.
///
/// This is how a pod in a TKE cluster gets a credential. The token is read anew for each request, as it is short-lived.
#[derive(Clone)]
pub struct WebIdentity {
    role_arn: String,
    session_name: String,
    provider_id: String,
    duration: u32,
    endpoint: Endpoint,
    region: String,
    token: Arc<dyn Fn() -> Result<String, Error> + Send + Sync>,
}

impl WebIdentity {
    /// The role `role_arn` for the bearer of `token`, which `provider_id` has issued.
    pub fn new(
        role_arn: impl Into<String>,
        session_name: impl Into<String>,
        provider_id: impl Into<String>,
        token: impl Fn() -> Result<String, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            role_arn: role_arn.into(),
            session_name: session_name.into(),
            provider_id: provider_id.into(),
            duration: sts::DEFAULT_DURATION_SECONDS,
            endpoint: Endpoint::default(),
            region: sts::DEFAULT_REGION.into(),
            token: Arc::new(token),
        }
    }

    /// How long each credential is to last, in seconds: 7200 by default, at most 43,200.
    #[must_use]
    pub fn duration(mut self, seconds: u32) -> Self {
        self.duration = seconds;
        self
    }

    /// The endpoint of sts; its public host by default.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// The region of the request to sts, `ap-guangzhou` by default.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }
}

impl Provider for WebIdentity {
    fn fetch(&self, context: &FetchContext) -> Fetch {
        let token = match (self.token)().map(Zeroizing::new) {
            Ok(token) => token,
            Err(error) => return ready(Err(error)),
        };
        let token = match flaw(&token) {
            None => input::trim(&token),
            Some(flaw) => {
                return ready(Err(Error::credential(format!(
                    "the token of the web identity contains {flaw}"
                ))));
            }
        };
        let request = sts::Request {
            provider_id: Some(&self.provider_id),
            web_identity_token: Some(token),
            role_arn: &self.role_arn,
            role_session_name: &self.session_name,
            duration_seconds: self.duration,
            policy: None,
            external_id: None,
            serial_number: None,
            token_code: None,
        };
        let settings = sts::settings(&self.endpoint, &self.region);
        sts::fetch(settings, "AssumeRoleWithWebIdentity", request, context)
    }
}

impl fmt::Debug for WebIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentity")
            .field("role_arn", &self.role_arn)
            .field("session_name", &self.session_name)
            .field("provider_id", &self.provider_id)
            .field("duration", &self.duration)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
