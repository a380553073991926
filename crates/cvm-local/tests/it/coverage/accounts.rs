//! What an account is refused for, whatever it asks.

use cvm_local::coverage;

use super::{Case, case, sound};

/// The actions that document a code.
fn documented(code: &'static str) -> impl Iterator<Item = &'static str> {
    coverage().filter(move |row| row.code == code).map(|row| row.action)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let code = "InvalidParameterValue.InvalidAppIdFormat";
    cases.extend(documented(code).map(|action| {
        case(action, code, sound(action)).seed(|seed| seed.accounts[0].app_id = "twelve".into())
    }));
    let code = "UnauthorizedOperation.PermissionDenied";
    cases.extend(documented(code).map(|action| {
        case(action, code, sound(action)).seed(|seed| seed.accounts[0].denied_actions = vec![action.into()])
    }));
    let code = "OperationDenied.InnerUserProhibitAction";
    cases.extend(
        documented(code)
            .map(|action| case(action, code, sound(action)).seed(|seed| seed.accounts[0].internal = true)),
    );
    cases
}
