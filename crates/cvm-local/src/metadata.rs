//! The instance metadata of an instance that has a role: where programs on it get temporary credentials from.

use serde_json::json;

use crate::clock;
use crate::state::State;

/// Where the role's credentials are.
const CREDENTIALS: &str = "/latest/meta-data/cam/security-credentials/";

/// The answer to a path of the metadata: a media type and a body; `None` if there is nothing. The instance belongs to
/// the seed's first account, and has all of its roles.
pub(crate) fn answer(state: &mut State, path: &str, unix: u64) -> Option<(&'static str, String)> {
    let role = format!("{path}/").strip_prefix(CREDENTIALS)?.trim_end_matches('/').to_owned();
    if role.is_empty() {
        return Some(("text/plain", state.keys.instance_roles().join("\n")))
            .filter(|(_, roles)| !roles.is_empty());
    }
    let (temporary, is_new) = state.keys.for_instance(&role, unix)?;
    let document = json!({
        "TmpSecretId": temporary.secret_id,
        "TmpSecretKey": temporary.secret_key,
        "ExpiredTime": temporary.expires,
        "Expiration": clock::iso_seconds(temporary.expires),
        "Token": temporary.token,
        "Code": "Success",
    });
    if is_new {
        state.touch();
    }
    Some(("application/json", document.to_string()))
}

/// Whether a path is one of the metadata.
pub(crate) fn has(path: &str) -> bool {
    path.starts_with("/latest/")
}
