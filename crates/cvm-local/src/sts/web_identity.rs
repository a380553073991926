//! `AssumeRoleWithWebIdentity`: a user of an identity provider assumes a role.
//!
//! There is no provider to ask here. A token that is a JWT must not have expired; what else is in it, and who signed it,
//! is not looked at.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::{ParameterType, Refusal, Role, StsAction, StsAnswer, StsCall, optional, refuse, required};
use crate::actions::typed;

pub(super) const ACTION: StsAction = StsAction {
    name: "AssumeRoleWithWebIdentity",
    rate: 20,
    is_open: true,
    parameters: &[
        required("ProviderId", ParameterType::Text),
        required("WebIdentityToken", ParameterType::Text),
        required("RoleArn", ParameterType::Text),
        required("RoleSessionName", ParameterType::Text),
        optional("DurationSeconds", ParameterType::Count),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    #[serde(flatten)]
    role: Role,
    provider_id: String,
    web_identity_token: String,
}

fn run(call: &mut StsCall<'_>, parameters: Value) -> Result<StsAnswer, Refusal> {
    let request: Request = typed(parameters)?;
    if request.provider_id.is_empty() {
        return refuse("InvalidParameter.ParamError", "`ProviderId` is empty.");
    }
    let token = request.web_identity_token.trim();
    if token.is_empty() {
        return refuse("InvalidParameter.WebIdentityTokenError", "`WebIdentityToken` is empty.");
    }
    if expiry(token).is_some_and(|expires| expires <= call.unix) {
        return refuse("InvalidParameter.WebIdentityTokenError", "`WebIdentityToken` has expired.");
    }
    let (account, expires) = request.role.check(call)?;
    // No key asked for this one.
    let by = call.keys.uin(account).to_owned();
    Ok(request.role.issue(call, account, by, expires))
}

/// When a JWT expires, in seconds since 1970; `None` for what is none, or does not say.
fn expiry(token: &str) -> Option<u64> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Value>(&claims).ok()?.get("exp")?.as_u64()
}
