//! How new instances are reached: network, login, and what they are told at the start.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cvm_proto::api::RunInstances;

use crate::ids::is_resource;
use crate::request::params::Shown;
use crate::request::refusal::{Refusal, refuse};
use crate::resources::image::Traits;
use crate::resources::instance::Network;

/// The most user data, in bytes.
const MAX_USER_DATA: usize = 16 * 1024;

pub(super) fn check(request: &RunInstances, image: &Traits) -> Result<(), Refusal> {
    check_login(request, image)?;
    let Some(data) = request.user_data.as_deref() else { return Ok(()) };
    if STANDARD.decode(data).is_ok_and(|data| data.len() <= MAX_USER_DATA) {
        return Ok(());
    }
    refuse(
        "InvalidParameterValue.InvalidUserDataFormat",
        format!("`UserData` has to be base64 of at most {MAX_USER_DATA} bytes."),
    )
}

fn check_login(request: &RunInstances, image: &Traits) -> Result<(), Refusal> {
    let Some(login) = &request.login_settings else { return Ok(()) };
    let windows = image.platform == "Windows";
    let keeps = login.keep_image_login.as_deref().is_some_and(|keep| keep.eq_ignore_ascii_case("true"));
    let ways = [login.password.is_some(), !login.key_ids.is_empty(), keeps];
    if ways.into_iter().filter(|given| *given).count() > 1 {
        return refuse(
            "InvalidParameter.ParameterConflict",
            "`Password`, `KeyIds` and `KeepImageLogin` cannot be combined: give one of them.",
        );
    }
    if windows && !login.key_ids.is_empty() {
        return refuse(
            "UnsupportedOperation.KeyPairUnsupportedWindows",
            "One does not log in to Windows with a key pair.",
        );
    }
    match &login.password {
        Some(password) if !is_password(password, windows) => refuse(
            "InvalidParameterValue.InvalidPassword",
            "The password has to have 8 to 30 characters of two kinds, or for Windows 12 to 30 of three: lower case, \
             upper case, digits, others.",
        ),
        _ => Ok(()),
    }
}

fn is_password(password: &str, windows: bool) -> bool {
    let (least, kinds) = if windows { (12, 3) } else { (8, 2) };
    let has = |of_kind: fn(char) -> bool| password.contains(of_kind);
    let found = [
        has(|c| c.is_ascii_lowercase()),
        has(|c| c.is_ascii_uppercase()),
        has(|c| c.is_ascii_digit()),
        has(|c| c.is_ascii_punctuation()),
    ];
    (least..=30).contains(&password.len())
        && password.bytes().all(|b| b.is_ascii_graphic())
        && found.into_iter().filter(|found| *found).count() >= kinds
}

/// The network that is asked for; addresses come later, as each instance has its own.
pub(super) fn network(request: &RunInstances) -> Result<Network, Refusal> {
    let mut network = Network::usual();
    if let Some(vpc) = &request.virtual_private_cloud {
        // The word means what an account has from the start.
        if vpc.vpc_id != "DEFAULT" || vpc.subnet_id != "DEFAULT" {
            let (vpc_id, subnet_id) = (&vpc.vpc_id, &vpc.subnet_id);
            if !is_resource(vpc_id, "vpc") {
                return refuse(
                    "InvalidParameterValue.VpcIdMalformed",
                    format!(
                        "The id `{}` is malformed: it is `vpc-` and eight of 0-9 and a-z.",
                        Shown(vpc_id)
                    ),
                );
            }
            if !is_resource(subnet_id, "subnet") {
                return refuse(
                    "InvalidParameterValue.SubnetIdMalformed",
                    format!(
                        "The id `{}` is malformed: it is `subnet-` and eight of 0-9 and a-z.",
                        Shown(subnet_id)
                    ),
                );
            }
            (network.vpc_id, network.subnet_id) = (vpc_id.clone(), subnet_id.clone());
        }
    }
    if !request.security_group_ids.is_empty() {
        network.security_group_ids.clone_from(&request.security_group_ids);
    }
    if let Some(internet) = &request.internet_accessible {
        network.bandwidth_mbps = internet.internet_max_bandwidth_out.unwrap_or(0);
    }
    Ok(network)
}
