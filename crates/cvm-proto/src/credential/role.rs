//! A role, and all that it is asked for with.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::sts;
use crate::codec::percent;
use crate::error::Error;
use crate::input;
use crate::signer::{Errand, ready};

/// A role that a credential assumes, by [`AssumeRole`](super::AssumeRole).
///
/// ```
/// use cvm_proto::credential::{MfaCode, Role};
///
/// let role = Role::new("qcs::cam::uin/100000000001:roleName/images", "nightly")
///     .duration(3600)
///     .policy(r#"{"version": "2.0", "statement": [{"effect": "allow", "action": ["cvm:Describe*"], "resource": ["*"]}]}"#)?
///     .mfa("qcs::cam:uin/100000000001::mfa/softToken", MfaCode::once("123456"));
/// assert_eq!(role.arn(), "qcs::cam::uin/100000000001:roleName/images");
/// # Ok::<(), cvm_proto::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Role {
    pub(super) arn: String,
    pub(super) session_name: String,
    pub(super) duration: u32,
    /// As it is sent: percent-encoded.
    pub(super) policy: Option<String>,
    pub(super) external_id: Option<String>,
    /// The device, and where its codes come from.
    pub(super) mfa: Option<(String, MfaCode)>,
}

impl Role {
    /// The role `arn`, such as `qcs::cam::uin/100000000001:roleName/images`; `session_name`, 2 to 128 letters, digits and
    /// `_+=,.@-`, is what audit logs show.
    pub fn new(arn: impl Into<String>, session_name: impl Into<String>) -> Self {
        Self {
            arn: arn.into(),
            session_name: session_name.into(),
            duration: sts::DEFAULT_DURATION_SECONDS,
            policy: None,
            external_id: None,
            mfa: None,
        }
    }

    /// Which role it is.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// How long each credential is to last, in seconds: 7200 by default, at most 43,200.
    #[must_use]
    pub fn duration(mut self, seconds: u32) -> Self {
        self.duration = seconds;
        self
    }

    /// What the credential may do at most: a policy of CAM, as JSON. It may do what this and the role's own policies allow.
    ///
    /// It is sent percent-encoded, as the service wants it: give it as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if it is no JSON object.
    pub fn policy(mut self, json: &str) -> Result<Self, Error> {
        input::json::<Map<String, Value>>(json.as_bytes()).map_err(|error| {
            Error::config(format!(
                "the role's policy is no JSON object (line {}, {}): write it as CAM shows it, and not percent-encoded",
                error.line(),
                error.what()
            ))
        })?;
        let mut encoded = String::new();
        percent::encode_into(input::trim(json), &mut encoded);
        self.policy = Some(encoded);
        Ok(self)
    }

    /// The id that the role's owner agreed on with whoever assumes it.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// The device for multi-factor authentication of whoever assumes the role, such as
    /// `qcs::cam:uin/100000000001::mfa/softToken`, and where its codes come from.
    #[must_use]
    pub fn mfa(mut self, serial_number: impl Into<String>, code: MfaCode) -> Self {
        self.mfa = Some((serial_number.into(), code));
        self
    }
}

/// Where the codes of a device for multi-factor authentication come from. Each code is good for one credential.
#[derive(Clone)]
pub struct MfaCode(Arc<dyn Fn() -> Errand<Result<String, Error>> + Send + Sync>);

impl MfaCode {
    /// This code, for one credential. When that one expires, an error asks for another.
    pub fn once(code: impl Into<String>) -> Self {
        let (code, is_used) = (Zeroizing::new(code.into()), AtomicBool::new(false));
        Self::ask(move || {
            ready(if is_used.swap(true, Ordering::Relaxed) {
                Err(Error::credential(
                    "the code of the MFA device has been used: give a new one, or a function that asks for one each time",
                ))
            } else {
                Ok(code.to_string())
            })
        })
    }

    /// A new code for each credential, which `ask` begins to find out, as by asking a person. What waits for the
    /// credential waits for the code.
    pub fn ask(ask: impl Fn() -> Errand<Result<String, Error>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }

    pub(super) fn begin(&self) -> Errand<Result<String, Error>> {
        (self.0)()
    }
}

impl fmt::Debug for MfaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MfaCode")
    }
}
