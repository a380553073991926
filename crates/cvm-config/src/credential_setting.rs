//! What says which credential is used: one table for every place where it can be written.

use core::fmt;

/// A part of what says which credential is used, as it is given, set in the environment, or written into a profile.
///
/// They are no [`Setting`](crate::Setting)s: what stands in one place belongs together, and the nearest place that names a
/// credential, or a role, takes precedence with all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CredentialSetting {
    /// The public half of a key.
    SecretId,
    /// Its secret half.
    SecretKey,
    /// The token of a temporary key.
    Token,
    /// A command line that prints a credential.
    CredentialProcess,
    /// The role that is assumed with the credential.
    RoleArn,
    /// What audit logs call those who have assumed it; `cvm` by default.
    RoleSessionName,
    /// How long a credential of the role lasts, as `7200`, in seconds, or `2h`.
    RoleDuration,
    /// What a credential of the role may do at most: a policy of CAM, as JSON.
    RolePolicy,
    /// The id that the role's owner agreed on with whoever assumes it.
    ExternalId,
    /// The device for multi-factor authentication of whoever assumes the role.
    MfaSerial,
    /// A code of that device; good once, so it is in no profile.
    MfaCode,
    /// The identity provider whose token is exchanged for the role's credential.
    WebIdentityProviderId,
    /// The file with that token.
    WebIdentityTokenFile,
}

impl CredentialSetting {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::SecretId,
        Self::SecretKey,
        Self::Token,
        Self::CredentialProcess,
        Self::RoleArn,
        Self::RoleSessionName,
        Self::RoleDuration,
        Self::RolePolicy,
        Self::ExternalId,
        Self::MfaSerial,
        Self::MfaCode,
        Self::WebIdentityProviderId,
        Self::WebIdentityTokenFile,
    ];

    /// The name: as a key in the file of credentials, such as `role_arn`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SecretId => "secret_id",
            Self::SecretKey => "secret_key",
            Self::Token => "token",
            Self::CredentialProcess => "credential_process",
            Self::RoleArn => "role_arn",
            Self::RoleSessionName => "role_session_name",
            Self::RoleDuration => "role_duration",
            Self::RolePolicy => "role_policy",
            Self::ExternalId => "external_id",
            Self::MfaSerial => "mfa_serial",
            Self::MfaCode => "mfa_code",
            Self::WebIdentityProviderId => "web_identity_provider_id",
            Self::WebIdentityTokenFile => "web_identity_token_file",
        }
    }

    /// The environment variables; the first that is set counts.
    pub const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::SecretId => &["TENCENTCLOUD_SECRET_ID"],
            Self::SecretKey => &["TENCENTCLOUD_SECRET_KEY"],
            Self::Token => {
                &["TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SESSION_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN"]
            }
            Self::CredentialProcess => &["TENCENTCLOUD_CREDENTIAL_PROCESS"],
            Self::RoleArn => &["TENCENTCLOUD_ROLE_ARN"],
            Self::RoleSessionName => &["TENCENTCLOUD_ROLE_SESSION_NAME"],
            Self::RoleDuration => &["TENCENTCLOUD_ROLE_DURATION"],
            Self::RolePolicy => &["TENCENTCLOUD_ROLE_POLICY"],
            Self::ExternalId => &["TENCENTCLOUD_EXTERNAL_ID"],
            Self::MfaSerial => &["TENCENTCLOUD_MFA_SERIAL"],
            Self::MfaCode => &["TENCENTCLOUD_MFA_CODE"],
            Self::WebIdentityProviderId => &["TENCENTCLOUD_WEB_IDENTITY_PROVIDER_ID"],
            Self::WebIdentityTokenFile => &["TENCENTCLOUD_WEB_IDENTITY_TOKEN_FILE"],
        }
    }

    /// Whether a profile can have it.
    pub const fn is_in_profiles(self) -> bool {
        !matches!(self, Self::MfaCode)
    }
}

impl fmt::Display for CredentialSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
