//! `GetCallerIdentity`: who the account and the user behind a key are.

use serde_json::Value;

use super::{Refusal, StsAction, StsAnswer, StsCall, refuse};
use crate::request::principal::Principal;

pub(super) const ACTION: StsAction =
    StsAction { name: "GetCallerIdentity", rate: 20, is_open: false, parameters: &[], run };

/// The name of the user that a temporary key of the seed is for: the seed only says who requested it.
const FEDERATED_USER: &str = "cvm-local";

/// Who asks, in the words of the service.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(super) account_id: String,
    pub(super) user_id: String,
    pub(super) principal_id: String,
    pub(super) arn: String,
    pub(super) kind: &'static str,
}

fn run(call: &mut StsCall<'_>, _: Value) -> Result<StsAnswer, Refusal> {
    let Some((account, principal)) = &call.caller else {
        return refuse("AuthFailure.InvalidAuthorization", "The request is not signed.");
    };
    let uin = call.keys.uin(*account);
    let owner = principal.owner(uin);
    // The service's page has an example of each but the account itself.
    let (kind, user_id, arn) = match principal {
        Principal::Account => ("RootAccount", uin.to_owned(), format!("qcs::cam:{uin}:uin/{uin}")),
        Principal::User(user) => ("CAMUser", user.clone(), format!("qcs::cam:{uin}:uin/{user}")),
        Principal::Federated(by) => {
            ("CAMUser", format!("{by}:{FEDERATED_USER}"), format!("qcs::sts:{uin}:federated-user/{by}"))
        }
        Principal::Role { name, session, .. } => {
            let id = call.keys.role_id(*account, name);
            ("CAMRole", format!("{id}:{session}"), format!("qcs::sts:{uin}:assumed-role/{id}"))
        }
    };
    Ok(StsAnswer::Identity(Identity {
        account_id: uin.to_owned(),
        principal_id: owner.to_owned(),
        user_id,
        arn,
        kind,
    }))
}
