//! `AssumeRole`: one credential asks for the credential of a role.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::convert::Infallible;

use zeroize::Zeroizing;

use super::role::Role;
use super::sts;
use crate::client::{Endpoint, Settings};
use crate::error::Error;
use crate::input;
use crate::machine::{Machine, Now, Reply, Step};
use crate::sign::key_part::flaw;
use crate::signer::{Errand, Fetch, FetchContext, Found, Provider};

/// A role that another credential assumes, by the action `AssumeRole` of the service sts.
///
/// The credential it starts from may be temporary, and may come from any provider; it is fetched anew for each request.
#[derive(Clone, Debug)]
pub struct AssumeRole(Arc<Assumption>);

#[derive(Clone, Debug)]
struct Assumption {
    base: Arc<dyn Provider>,
    role: Role,
    endpoint: Endpoint,
    region: String,
}

impl AssumeRole {
    /// The role, for the credential that `base` gives.
    pub fn new(base: impl Provider + 'static, role: Role) -> Self {
        Self(Arc::new(Assumption {
            base: Arc::new(base),
            role,
            endpoint: Endpoint::default(),
            region: sts::DEFAULT_REGION.into(),
        }))
    }

    /// The endpoint of sts; its public host by default.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        Arc::make_mut(&mut self.0).endpoint = endpoint;
        self
    }

    /// The region of the request to sts, `ap-guangzhou` by default.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).region = region.into();
        self
    }
}

impl Provider for AssumeRole {
    fn fetch(&self, context: &FetchContext) -> Fetch {
        match &self.0.role.mfa {
            None => self.0.request(None, context),
            Some((_, code)) => Box::new(WithCode {
                assumption: Arc::clone(&self.0),
                context: context.clone(),
                state: State::Asking(code.begin()),
            }),
        }
    }
}

impl Assumption {
    fn request(&self, token_code: Option<&str>, context: &FetchContext) -> Fetch {
        let settings = Settings {
            provider: Some(Arc::clone(&self.base)),
            ..sts::settings(&self.endpoint, &self.region)
        };
        let role = &self.role;
        let request = sts::Request {
            provider_id: None,
            web_identity_token: None,
            role_arn: &role.arn,
            role_session_name: &role.session_name,
            duration_seconds: role.duration,
            policy: role.policy.as_deref(),
            external_id: role.external_id.as_deref(),
            serial_number: role.mfa.as_ref().map(|(serial_number, _)| &**serial_number),
            token_code,
        };
        sts::fetch(settings, "AssumeRole", request, context)
    }
}

/// A code that can be one.
fn checked(code: &str) -> Result<&str, Error> {
    let code = input::trim(code);
    let wrong = if code.is_empty() {
        Some("is empty".into())
    } else {
        flaw(code).map(|flaw| format!("contains {flaw}"))
    };
    match wrong {
        None => Ok(code),
        Some(wrong) => Err(Error::credential(format!(
            "the code of the MFA device {wrong}: give the digits that the device shows"
        ))),
    }
}

/// Finds out the code of the device, and assumes the role with it.
struct WithCode {
    assumption: Arc<Assumption>,
    context: FetchContext,
    state: State,
}

enum State {
    Asking(Errand<Result<String, Error>>),
    Assuming(Fetch),
}

impl Machine for WithCode {
    type Output = Result<Found, Error>;
    type Progress = Infallible;

    fn poll(&mut self, now: Now) -> Step<Self::Output> {
        loop {
            let code = match &mut self.state {
                State::Assuming(fetch) => return fetch.poll(now),
                State::Asking(asking) => match asking.poll(now) {
                    Step::Done(code) => code.map(Zeroizing::new),
                    Step::Send(request) => return Step::Send(request),
                    Step::WaitUntil(mono) => return Step::WaitUntil(mono),
                    Step::Progress(never) => match never {},
                },
            };
            let code = match &code {
                Ok(code) => checked(code),
                Err(error) => Err(error.clone()),
            };
            match code {
                Ok(code) => {
                    self.state = State::Assuming(self.assumption.request(Some(code), &self.context));
                }
                Err(error) => return Step::Done(Err(error)),
            }
        }
    }

    fn reply(&mut self, now: Now, reply: Reply) {
        match &mut self.state {
            State::Asking(asking) => asking.reply(now, reply),
            State::Assuming(fetch) => fetch.reply(now, reply),
        }
    }
}
