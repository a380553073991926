//! The request log.

use std::collections::BTreeMap;
use std::time::Duration;

use cvm_proto::codec::percent;

use super::{AdminError, AdminResult, ok};
use crate::actions;
use crate::request::params::Shown;
use crate::service::Service;

/// How long requests are waited for unless the query says otherwise.
const USUAL_LIMIT: Duration = Duration::from_secs(10);

/// What a query may have: which requests are listed, and whether some are waited for first.
#[derive(Default)]
struct Query {
    action: Option<String>,
    region: Option<String>,
    last: Option<usize>,
    wait_for: Option<usize>,
    seconds: Option<Duration>,
}

impl Query {
    fn read(query: &str) -> Result<Self, AdminError> {
        let pairs =
            percent::parse_pairs(query).map_err(|error| AdminError::bad(super::sentence(error.message())))?;
        let mut read = Self::default();
        for (name, value) in pairs {
            let count = |what: &str| {
                let refused = || AdminError::bad(format!("`{what}` is a number of requests, such as 10."));
                value.parse().map(Some).map_err(|_| refused())
            };
            match name.as_str() {
                "action" => read.action = Some(value),
                "region" => read.region = Some(value),
                "last" => read.last = count("last")?,
                "wait_for" => read.wait_for = count("wait_for")?,
                "seconds" => {
                    let seconds = value.parse().ok().and_then(|time| Duration::try_from_secs_f64(time).ok());
                    let refused = || AdminError::bad("`seconds` is a number from 0 upwards, such as 10.");
                    read.seconds = Some(seconds.ok_or_else(refused)?);
                }
                _ => {
                    return Err(AdminError::bad(format!(
                        "There is no parameter `{}`: use action, region, last, wait_for or seconds.",
                        Shown(&name)
                    )));
                }
            }
        }
        Ok(read)
    }
}

/// The requests, oldest first: all, or those of an action or a region, or only the last ones. With `wait_for` they come
/// once so many requests for the action have arrived.
pub(super) async fn list(service: &Service, query: &str) -> AdminResult {
    let query = Query::read(query)?;
    if let Some(count) = query.wait_for {
        let Some(action) = &query.action else {
            return Err(AdminError::bad("`wait_for` needs an `action`."));
        };
        actions::check_name(action).map_err(|why| AdminError::bad(super::sentence(&why)))?;
        let limit = query.seconds.unwrap_or(USUAL_LIMIT);
        let waited = service.request_log.nth(action, count, limit).await;
        waited.map_err(|error| AdminError::new(408, super::sentence(&error.to_string())))?;
    }
    let mut requests = service.request_log.read();
    let fits = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
    requests.retain(|request| fits(&query.action, &request.action) && fits(&query.region, &request.region));
    if let Some(last) = query.last {
        requests.drain(..requests.len().saturating_sub(last));
    }
    ok(&BTreeMap::from([("requests", requests)]))
}
