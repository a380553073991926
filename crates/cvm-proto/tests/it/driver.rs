//! Drives a machine in virtual time: a wait takes no time, and the test answers each request.

use std::time::Duration;

use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::{Config, Credential, Machine, Now, Reply, Request, Response, Settings, Step};

pub(crate) const UNIX: u64 = 1_551_113_065;

pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key").unwrap());
    settings.region = Some("ap-shanghai".into());
    settings
}

pub(crate) fn config() -> Config {
    Config::new(settings()).unwrap()
}

/// A request as the service saw it, and when.
pub(crate) struct Seen {
    pub at: Duration,
    pub request: Request,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.request.headers().find(|(header, _)| *header == name).map_or("", |(_, value)| value)
    }
}

/// What a run was.
pub(crate) struct Run<T, P> {
    pub output: T,
    pub progress: Vec<P>,
    pub seen: Vec<Seen>,
    pub ended_at: Duration,
}

impl<T, P> Run<T, P> {
    /// Which actions the service saw, in order.
    pub(crate) fn actions(&self) -> Vec<&str> {
        self.seen.iter().map(|seen| seen.request.action()).collect()
    }
}

/// Drives `machine` to its end. The service answers through `serve`, which is given the request and the virtual time.
pub(crate) fn run<M: Machine>(
    mut machine: M,
    mut serve: impl FnMut(&Request, Duration) -> Reply,
) -> Run<M::Output, M::Progress> {
    let mut mono = Duration::from_secs(1000);
    let (mut progress, mut seen) = (Vec::new(), Vec::new());
    for _ in 0..100_000 {
        let now = Now::new(UNIX + mono.as_secs() - 1000, mono);
        match machine.poll(now) {
            Step::Send(request) => {
                let again = machine.poll(now);
                assert!(
                    matches!(again, Step::Send(ref same) if same.body() == request.body()),
                    "poll repeats the step"
                );
                let reply = serve(&request, mono);
                seen.push(Seen { at: mono, request });
                mono += Duration::from_millis(5);
                machine.reply(Now::new(UNIX + mono.as_secs() - 1000, mono), reply);
            }
            Step::WaitUntil(until) => {
                assert!(until > mono, "a machine never asks to wait for the past");
                mono = until;
            }
            Step::Progress(event) => progress.push(event),
            Step::Done(output) => return Run { output, progress, seen, ended_at: mono },
        }
    }
    panic!("the machine does not end");
}

pub(crate) fn ok(body: &str) -> Reply {
    answer(200, &format!(r#"{{"Response":{{{body}"RequestId":"r-ok"}}}}"#))
}

pub(crate) fn refused(code: &str) -> Reply {
    answer(
        200,
        &format!(r#"{{"Response":{{"Error":{{"Code":"{code}","Message":"because"}},"RequestId":"r-no"}}}}"#),
    )
}

pub(crate) fn answer(status: u16, body: &str) -> Reply {
    Reply::Response(Response::new(status, body.as_bytes().to_vec()))
}

pub(crate) fn not_sent() -> Reply {
    Reply::Failed(Failure::not_sent(FailureKind::Connect, "connection refused"))
}

pub(crate) fn lost() -> Reply {
    Reply::Failed(Failure::maybe_sent(FailureKind::Interrupted, "connection closed before the answer"))
}
