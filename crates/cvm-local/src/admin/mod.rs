//! The admin path: what a test can do with the endpoint, as JSON over HTTP. The crate's documentation lists it.

use std::collections::BTreeMap;

use cvm_proto::input;
use hyper::http::request::Parts;
use hyper::{Method, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::request::params::Shown;
use crate::service::{Answer, Service};

mod clock;
mod requests;

/// Where it is.
const PREFIX: &str = "/_cvm-local";

/// The paths below it.
const PATHS: [&str; 8] =
    ["/reset", "/seed", "/snapshot", "/clock", "/clock/advance", "/requests", "/faults", "/faults/ID"];

/// Why something is not done: an HTTP status and one sentence.
struct AdminError {
    status: u16,
    sentence: String,
}

type AdminResult = Result<Answer, AdminError>;

impl AdminError {
    fn new(status: u16, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }

    /// What was sent cannot be used.
    fn bad(sentence: impl Into<String>) -> Self {
        Self::new(400, sentence)
    }
}

impl From<AdminError> for Answer {
    fn from(failure: AdminError) -> Self {
        let body = json!({ "error": failure.sentence }).to_string().into_bytes();
        Self { status: failure.status, ..Self::json(body) }
    }
}

/// Whether a path belongs to the admin path.
pub(crate) fn has(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Refuses what a web page may have sent: it must not be able to do anything here, though it reaches loopback.
pub(crate) fn refusal_of(head: &Parts) -> Option<Answer> {
    let value = |name: header::HeaderName| head.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let site = head.headers.get("sec-fetch-site").map(|value| value.to_str().unwrap_or("?"));
    let from_page = value(header::ORIGIN).is_some() || site.is_some_and(|site| site != "none");
    let host = head.uri.host().or_else(|| value(header::HOST)).unwrap_or_default();
    if !from_page && is_loopback(host) {
        return None;
    }
    let sentence = "The admin path takes no requests from web pages or by another name than localhost: \
                    use a program on this machine.";
    Some(AdminError::new(403, sentence).into())
}

/// Whether a host is this machine by a name that no other can have: a page's own name may lead here as well.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost")
        || name == "[::1]"
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

pub(crate) fn too_large(limit: usize) -> Answer {
    AdminError::new(413, format!("The body is larger than {} MiB.", limit >> 20)).into()
}

/// Does what a request asks for.
pub(crate) async fn answer(service: &Service, head: &Parts, body: &[u8]) -> Answer {
    route(service, head, body).await.unwrap_or_else(Into::into)
}

async fn route(service: &Service, head: &Parts, body: &[u8]) -> AdminResult {
    let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default().trim_end_matches('/');
    let query = head.uri.query().unwrap_or_default();
    let allowed: &'static str = match path {
        "" => "GET",
        "/reset" | "/clock/advance" => "POST",
        "/seed" | "/snapshot" | "/clock" => "GET, PUT",
        "/requests" => "GET, DELETE",
        "/faults" => "GET, POST, DELETE",
        _ if path.starts_with("/faults/") => "GET, DELETE",
        _ => {
            return Err(AdminError::new(
                404,
                format!("There is no `{}` below {PREFIX}: use one of {}.", Shown(path), PATHS.join(", ")),
            ));
        }
    };
    if !allowed.split(", ").any(|method| head.method == method) {
        return Err(AdminError::new(405, format!("`{PREFIX}{}` takes {allowed} only.", Shown(path))));
    }
    let writes = head.method != Method::GET;
    match path {
        "" => ok(&json!({
            "version": env!("CARGO_PKG_VERSION"),
            "skipped_checks": service.skipped_checks.names(),
            "paths": PATHS.map(|path| format!("{PREFIX}{path}")),
        })),
        "/reset" => done(service.reset()),
        "/seed" if writes => {
            let seed = crate::Seed::parse(text(body)?).map_err(|error| AdminError::bad(sentence(&error)))?;
            done(service.reseed(&seed))
        }
        "/seed" => ok(&service.state().seed_json()),
        "/snapshot" if writes => done(service.restore(&read(body)?)),
        "/snapshot" => ok(&service.snapshot().map_err(|error| AdminError::new(500, sentence(&error)))?),
        "/clock" if writes => clock::change(service, read(body)?),
        "/clock" => clock::read(service),
        "/clock/advance" => clock::advance(service, read(body)?),
        "/requests" if writes => {
            service.request_log.clear();
            done(Ok(()))
        }
        "/requests" => requests::list(service, query).await,
        "/faults" if head.method == Method::DELETE => {
            service.faults.clear();
            done(Ok(()))
        }
        "/faults" if writes => {
            let added = service.faults.push(read(body)?);
            let id = added.map_err(|error| AdminError::bad(sentence(&error.to_string())))?;
            ok(&json!({ "id": id }))
        }
        "/faults" => {
            let faults: Vec<_> = service.faults.list().into_iter().map(Listed::from).collect();
            ok(&BTreeMap::from([("faults", faults)]))
        }
        _ => one_fault(service, path.trim_start_matches("/faults/"), writes),
    }
}

#[derive(Serialize)]
struct Listed {
    id: u64,
    #[serde(flatten)]
    fault: crate::Fault,
}

impl From<(u64, crate::Fault)> for Listed {
    fn from((id, fault): (u64, crate::Fault)) -> Self {
        Self { id, fault }
    }
}

fn one_fault(service: &Service, id: &str, removes: bool) -> AdminResult {
    let none =
        || AdminError::new(404, format!("There is no fault `{}`: it was used up or removed.", Shown(id)));
    let id: u64 = id.parse().map_err(|_| none())?;
    if removes {
        return if service.faults.remove(id) { done(Ok(())) } else { Err(none()) };
    }
    let found = service.faults.list().into_iter().find(|(known, _)| *known == id);
    ok(&Listed::from(found.ok_or_else(none)?))
}

fn ok(value: &impl Serialize) -> AdminResult {
    let body = serde_json::to_vec(value)
        .map_err(|error| AdminError::new(500, format!("The answer cannot be written: {error}.")))?;
    Ok(Answer::json(body))
}

/// Done, with nothing to say; or what was sent contradicts itself.
fn done(result: Result<(), String>) -> AdminResult {
    result.map_err(|error| AdminError::bad(sentence(&error)))?;
    Ok(Answer { status: 204, content_type: "".into(), body: Vec::new() })
}

fn text(body: &[u8]) -> Result<&str, AdminError> {
    input::text(body).map_err(|error| AdminError::bad(sentence(&format!("the body {error}"))))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, AdminError> {
    input::json(body).map_err(|error| {
        let (line, what) = (error.line(), error.to_string());
        AdminError::bad(format!("The body cannot be used: line {line} {what}."))
    })
}

/// A reason as a sentence.
fn sentence(reason: &str) -> String {
    let mut chars = reason.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if reason.ends_with('?') { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_this_machine() {
        for name in ["localhost", "localhost:80", "LOCALHOST", "127.0.0.1:8080", "[::1]:80", "[::1]"] {
            assert!(is_loopback(name), "{name}");
        }
        for name in ["", "example.com", "localhost.example.com:80", "10.0.0.1", "[::2]:80"] {
            assert!(!is_loopback(name), "{name}");
        }
    }
}
