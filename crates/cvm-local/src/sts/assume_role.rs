//! `AssumeRole`: an account assumes a role of its own.

use cvm_proto::codec::percent;
use serde::Deserialize;
use serde_json::Value;

use super::{ParameterType, Refusal, Role, StsAction, StsAnswer, StsCall, optional, refuse, required};
use crate::actions::typed;

pub(super) const ACTION: StsAction = StsAction {
    name: "AssumeRole",
    rate: 600,
    is_open: false,
    parameters: &[
        required("RoleArn", ParameterType::Text),
        required("RoleSessionName", ParameterType::Text),
        optional("DurationSeconds", ParameterType::Count),
        optional("Policy", ParameterType::Text),
        optional("ExternalId", ParameterType::Text),
        optional(
            "Tags",
            ParameterType::List(&ParameterType::Record(&[
                required("Key", ParameterType::Text),
                required("Value", ParameterType::Text),
            ])),
        ),
        optional("SourceIdentity", ParameterType::Text),
        optional("SerialNumber", ParameterType::Text),
        optional("TokenCode", ParameterType::Text),
    ],
    run,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    #[serde(flatten)]
    role: Role,
    policy: Option<String>,
}

fn run(call: &mut StsCall<'_>, parameters: Value) -> Result<StsAnswer, Refusal> {
    let request: Request = typed(parameters)?;
    let (account, expires) = request.role.check(call)?;
    let Some((_, caller)) = call.caller.clone().filter(|(own, _)| *own == account) else {
        return refuse(
            "UnauthorizedOperation",
            "The role is another account's, and does not let this one assume it.",
        );
    };
    if let Some(policy) = &request.policy {
        let decoded = percent::decode(policy).ok();
        if decoded.and_then(|text| serde_json::from_str::<Value>(&text).ok()).is_none() {
            return refuse(
                "InvalidParameter.StrategyFormatError",
                "`Policy` is not the URL encoding of a JSON object.",
            );
        }
    }
    let by = caller.owner(call.keys.uin(account)).to_owned();
    Ok(request.role.issue(call, account, by, expires))
}
