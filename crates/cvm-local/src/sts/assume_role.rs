//! `AssumeRole`: an account assumes a role of its own.

use cvm_proto::codec::percent;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ParameterType, Refusal, Role, StsAction, StsAnswer, StsCall, mfa, optional, refuse, required};
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
    external_id: Option<String>,
    serial_number: Option<String>,
    token_code: Option<String>,
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
        if decoded.and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok()).is_none() {
            return refuse(
                "InvalidParameter.StrategyFormatError",
                "`Policy` is not the URL encoding of a JSON object.",
            );
        }
    }
    if let Some(id) = &request.external_id {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        if !(2..=128).contains(&id.len()) || !id.chars().all(fits) {
            return refuse(
                "InvalidParameter.ParamError",
                "`ExternalId` must have 2 to 128 letters, digits and `_+=,.@:/-`.",
            );
        }
    }
    match (&request.serial_number, &request.token_code) {
        (None, None) => {}
        (Some(serial_number), Some(code)) => {
            mfa::check_device(serial_number, call.keys.uin(account))?;
            if !call.keys.take_code(account, code, call.unix) {
                return refuse(
                    "FailedOperation.CheckMFAError",
                    "`TokenCode` is not a code of the device, or has been used.",
                );
            }
        }
        _ => {
            return refuse(
                "InvalidParameter.ParamError",
                "`SerialNumber` and `TokenCode` belong together: give both, or none.",
            );
        }
    }
    let by = caller.owner(call.keys.uin(account)).to_owned();
    Ok(request.role.issue(call, account, by, expires))
}
