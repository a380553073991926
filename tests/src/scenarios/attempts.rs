//! What came of each attempt, as a hook hears it.

use std::sync::{Arc, Mutex};

use cvm_proto::api::DescribeImages;
use cvm_proto::{AttemptHook, NextStep, Verdict, WaitUntil};

use crate::server::{Act, EMPTY, Server};
use crate::{Shell, settings};

/// Throttled, then failed, then fine.
pub fn troubled() -> Server {
    Server::start(|number, _| match number % 3 {
        0 => Act::refuse("RequestLimitExceeded"),
        1 => Act::refuse("InternalError"),
        _ => Act::ok(EMPTY),
    })
}

/// The hook of the settings hears of a call, of each page of a list, and of what a job sends.
pub fn hook_hears_every_attempt<S: Shell>() {
    let server = troubled();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&heard);
    let mut settings = settings(&server.endpoint());
    settings.on_attempt = Some(AttemptHook::new(move |end| {
        let again = matches!(end.next, NextStep::Retry { .. });
        let kind = end.error_type().unwrap_or("fine").to_owned();
        told.lock().unwrap().push((end.action.to_owned(), end.attempt, kind, again));
    }));
    let client = S::from_settings(settings).unwrap();
    client.send(DescribeImages::default()).unwrap();
    assert_eq!(client.items(DescribeImages::default()).count(), 0);
    client.run(WaitUntil::new(DescribeImages::default(), |_| Verdict::Ready), |_| {}).unwrap();
    let one = [(1, "RequestLimitExceeded", true), (2, "InternalError", true), (3, "fine", false)]
        .map(|(attempt, kind, again)| ("DescribeImages".to_owned(), attempt, kind.to_owned(), again));
    assert_eq!(*heard.lock().unwrap(), [one.clone(), one.clone(), one].concat());
}
