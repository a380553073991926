//! The service sts, version 2018-08-13: temporary credentials for a role, and whose a credential is.
//!
//! A role is a name in an account of the seed; whoever assumes it acts as the account. Policies restrict nothing here.

use cvm_proto::sign::verify::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock;
use crate::request::auth::{Keys, Temporary};
use crate::request::call::header;
use crate::request::params::{Parameter, ParameterType, Shown, optional, required};
use crate::request::principal::Principal;
use crate::request::refusal::{Refusal, refuse};

mod assume_role;
mod get_caller_identity;
pub(crate) mod mfa;
mod web_identity;

use get_caller_identity::Identity;

/// How long a credential lasts unless the request says otherwise, in seconds.
const USUAL_DURATION: u64 = 7200;
/// The longest that it may last.
const MAX_DURATION: u64 = 43_200;

/// Actions that the service has beside those that are here.
const OTHERS: [&str; 3] = ["AssumeRoleWithSAML", "GetFederationToken", "QueryApiKey"];

/// An action: how it is asked for, and what it does.
pub(crate) struct StsAction {
    pub(crate) name: &'static str,
    /// How many requests a second an account may send.
    pub(crate) rate: u32,
    /// Whether it is asked for without a signature: the identity is in the parameters.
    pub(crate) is_open: bool,
    pub(crate) parameters: &'static [Parameter],
    /// Does the work; nothing has changed if it refuses.
    pub(crate) run: fn(&mut StsCall<'_>, Value) -> Result<StsAnswer, Refusal>,
}

/// What an action has to work with.
pub(crate) struct StsCall<'a> {
    pub(crate) keys: &'a mut Keys,
    /// Who asks, and for which account; `None` if the action is open.
    pub(crate) caller: Option<(usize, Principal)>,
    /// The signature clock, in seconds since 1970.
    pub(crate) unix: u64,
}

static ACTIONS: [StsAction; 3] = [assume_role::ACTION, web_identity::ACTION, get_caller_identity::ACTION];

/// The names of all actions of sts, those included that the endpoint does not have.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().map(|action| action.name).chain(OTHERS)
}

/// An action by its name, with its position among the others.
pub(crate) fn find(name: &str) -> Result<(usize, &'static StsAction), Refusal> {
    if let Some(position) = ACTIONS.iter().position(|action| action.name == name) {
        return Ok((position, &ACTIONS[position]));
    }
    if OTHERS.contains(&name) {
        return refuse(
            "UnsupportedOperation",
            format!("cvm-local does not have the action `{name}` of sts."),
        );
    }
    refuse("InvalidAction", format!("The action `{}` does not exist.", Shown(name)))
}

/// Whether a request that is not signed is one for an action that is open: clients say `SKIP` in place of a signature.
pub(crate) fn is_open_to(incoming: &Incoming<'_>, name: &str) -> bool {
    header(incoming, "authorization").is_none_or(|value| value.eq_ignore_ascii_case("SKIP"))
        && find(name).is_ok_and(|(_, action)| action.is_open)
}

/// What an action answers.
pub(crate) enum StsAnswer {
    /// A credential that was not there before.
    Issued(Temporary),
    Identity(Identity),
}

impl StsAnswer {
    /// Whether anything is different now.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self, Self::Issued(_))
    }

    pub(crate) fn write(&self, request_id: &str) -> Vec<u8> {
        let response = match self {
            Self::Issued(temporary) => json!({
                "Credentials": {
                    "Token": temporary.token,
                    "TmpSecretId": temporary.secret_id,
                    "TmpSecretKey": temporary.secret_key,
                },
                "ExpiredTime": temporary.expires,
                "Expiration": clock::iso_seconds(temporary.expires),
                "RequestId": request_id,
            }),
            Self::Identity(identity) => json!({
                "Arn": identity.arn,
                "AccountId": identity.account_id,
                "UserId": identity.user_id,
                "PrincipalId": identity.principal_id,
                "Type": identity.kind,
                "RequestId": request_id,
            }),
        };
        json!({ "Response": response }).to_string().into_bytes()
    }
}

/// What is asked for in every case.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    role_arn: String,
    role_session_name: String,
    duration_seconds: Option<u64>,
}

impl Role {
    /// Issues a credential for the role to whoever `by` is the number of.
    fn issue(self, call: &mut StsCall<'_>, account: usize, by: String, expires: u64) -> StsAnswer {
        let name = parse_arn(&self.role_arn).map_or("", |(_, role)| role).to_owned();
        let principal = Principal::Role { name, session: self.role_session_name, by };
        StsAnswer::Issued(call.keys.issue((account, principal), expires, call.unix))
    }

    /// The account of the role, and when a credential for it expires.
    fn check(&self, call: &StsCall<'_>) -> Result<(usize, u64), Refusal> {
        let bad = |what: &str| Err(Refusal::new("InvalidParameter.ParamError", what.to_owned()));
        let name = &self.role_session_name;
        let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if !(2..=128).contains(&name.len()) || !name.chars().all(fits) {
            return bad("`RoleSessionName` must have 2 to 128 letters, digits and `_+=,.@-`.");
        }
        let duration = self.duration_seconds.unwrap_or(USUAL_DURATION);
        if duration == 0 {
            return bad("`DurationSeconds` is 0: give 1 or more.");
        }
        if duration > MAX_DURATION {
            return refuse(
                "InvalidParameter.OverTimeError",
                format!("`DurationSeconds` is {duration}: it is at most {MAX_DURATION}."),
            );
        }
        let Some((uin, role)) = parse_arn(&self.role_arn) else {
            return bad("`RoleArn` is not in the form `qcs::cam::uin/100000000001:roleName/name`.");
        };
        match call.keys.account_of_role(uin, role) {
            Some(account) => Ok((account, call.unix + duration)),
            None => refuse(
                "ResourceNotFound.RoleNotFound",
                format!("The account `{}` has no role `{}` in the seed.", Shown(uin), Shown(role)),
            ),
        }
    }
}

/// The account and the role's name in `qcs::cam::uin/ACCOUNT:roleName/NAME`, or in the form that service roles have.
fn parse_arn(arn: &str) -> Option<(&str, &str)> {
    let (uin, role) = arn.strip_prefix("qcs::cam::uin/")?.split_once(':')?;
    let role = role
        .strip_prefix("roleName/")
        .or_else(|| role.strip_prefix("role/tencentcloudServiceRoleName/"))
        .or_else(|| role.strip_prefix("role/"))?;
    (!uin.is_empty() && !role.is_empty()).then_some((uin, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named_in_the_forms_of_the_service() {
        let expected = Some(("12345678", "test"));
        assert_eq!(parse_arn("qcs::cam::uin/12345678:roleName/test"), expected);
        assert_eq!(parse_arn("qcs::cam::uin/12345678:role/tencentcloudServiceRoleName/test"), expected);
        for bad in ["", "test", "qcs::cam::uin/1", "qcs::cam::uin/:roleName/x", "qcs::cam::uin/1:roleName/"] {
            assert_eq!(parse_arn(bad), None, "{bad}");
        }
    }
}
