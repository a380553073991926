//! The request log.

use std::collections::BTreeMap;

use cvm_proto::codec::percent;

use super::{AdminError, AdminResult, ok};
use crate::request::params::Shown;
use crate::service::Service;

/// The requests, oldest first: all, or those of an action or a region, or only the last ones.
pub(super) fn list(service: &Service, query: &str) -> AdminResult {
    let pairs =
        percent::parse_pairs(query).map_err(|error| AdminError::bad(super::sentence(error.message())))?;
    let mut requests = service.request_log.read();
    for (name, value) in &pairs {
        match name.as_str() {
            "action" => requests.retain(|request| request.action == *value),
            "region" => requests.retain(|request| request.region == *value),
            "last" => {}
            _ => {
                return Err(AdminError::bad(format!(
                    "There is no parameter `{}`: use action, region or last.",
                    Shown(name)
                )));
            }
        }
    }
    if let Some((_, last)) = pairs.iter().find(|(name, _)| name == "last") {
        let last: usize =
            last.parse().map_err(|_| AdminError::bad("`last` is a number of requests, such as 10."))?;
        requests.drain(..requests.len().saturating_sub(last));
    }
    ok(&BTreeMap::from([("requests", requests)]))
}
