//! `AssumeRole`: one credential asks for the credential of a role.

use alloc::string::String;
use alloc::sync::Arc;

use super::sts;
use crate::client::{Endpoint, Settings};
use crate::signer::{Fetch, FetchContext, Provider};

/// A role that another credential assumes, by the action `AssumeRole` of the service sts.
///
/// The credential it starts from may be temporary, and may come from any provider; it is fetched anew for each request.
#[derive(Clone, Debug)]
pub struct AssumeRole {
    base: Arc<dyn Provider>,
    role_arn: String,
    session_name: String,
    duration: u32,
    external_id: Option<String>,
    endpoint: Endpoint,
    region: String,
}

impl AssumeRole {
    /// The role `role_arn`, such as `qcs::cam::uin/100000000001:roleName/images`; `session_name`, 2 to 128 letters,
    /// digits and `_+=,.@-`, is what audit logs show.
    pub fn new(
        base: impl Provider + 'static,
        role_arn: impl Into<String>,
        session_name: impl Into<String>,
    ) -> Self {
        Self {
            base: Arc::new(base),
            role_arn: role_arn.into(),
            session_name: session_name.into(),
            duration: sts::DEFAULT_DURATION_SECONDS,
            external_id: None,
            endpoint: Endpoint::default(),
            region: sts::DEFAULT_REGION.into(),
        }
    }

    /// How long each credential is to last, in seconds: 7200 by default, at most 43,200.
    #[must_use]
    pub fn duration(mut self, seconds: u32) -> Self {
        self.duration = seconds;
        self
    }

    /// The id that the role's owner agreed on with whoever assumes it.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
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

impl Provider for AssumeRole {
    fn fetch(&self, context: &FetchContext) -> Fetch {
        let settings = Settings {
            provider: Some(Arc::clone(&self.base)),
            ..sts::settings(&self.endpoint, &self.region)
        };
        let request = sts::Request {
            provider_id: None,
            web_identity_token: None,
            role_arn: &self.role_arn,
            role_session_name: &self.session_name,
            duration_seconds: self.duration,
            external_id: self.external_id.as_deref(),
        };
        sts::fetch(settings, "AssumeRole", request, context)
    }
}
