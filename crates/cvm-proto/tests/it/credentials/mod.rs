//! Credentials that come from a provider: when they are fetched, by whom, and what becomes of a fetch that fails.

use std::collections::BTreeSet;
use std::time::Duration;

use cvm_proto::api::{DescribeImages, DescribeZones};
use cvm_proto::credential::{
    AssumeRole, Chain, Fetch, FetchContext, Found, InstanceRole, Provider, Role, WebIdentity, ready,
};
use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::sign::verify::{self, Incoming};
use cvm_proto::{
    Call, Config, Credential, Endpoint, Error, ErrorKind, Machine, Now, Reply, Request, Response, Step,
};

pub(crate) mod providers;
mod roles;

use crate::driver::{UNIX, answer, not_sent, ok, refused, run, settings};

const METADATA: &str = "instance metadata";

pub(crate) fn config(provider: impl Provider + 'static) -> Config {
    let mut settings = settings();
    settings.credential = None;
    settings.provider = Some(std::sync::Arc::new(provider));
    settings.rate_limit = false;
    Config::new(settings).unwrap()
}

fn describe(config: &Config) -> Call<DescribeImages> {
    Call::new(config, DescribeImages::default(), 1)
}

/// An instance of the role `images`; its credentials are numbered, and each is good for `life` seconds.
pub(crate) struct Instance {
    pub(crate) issued: u64,
    life: u64,
    /// Whether the metadata service works.
    up: bool,
}

impl Instance {
    pub(crate) fn serve(&mut self, request: &Request, mono: Duration) -> Reply {
        if request.action() != METADATA {
            return ok("");
        }
        if !self.up {
            return answer(500, "");
        }
        assert!(request.bypasses_proxy());
        assert_eq!(request.headers().collect::<Vec<_>>(), [("host", "metadata.tencentyun.com")]);
        match &*request.url() {
            "http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials/" => {
                answer(200, "images")
            }
            "http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials/images" => {
                self.issued += 1;
                let (number, expires) = (self.issued, UNIX + mono.as_secs() - 1000 + self.life);
                answer(
                    200,
                    &format!(
                        r#"{{"TmpSecretId":"ID{number}","TmpSecretKey":"key{number}","Token":"token{number}",
                            "ExpiredTime":{expires},"Code":"Success"}}"#
                    ),
                )
            }
            url => panic!("{url}"),
        }
    }
}

pub(crate) fn instance(life: u64) -> Instance {
    Instance { issued: 0, life, up: true }
}

/// Who signed a request.
pub(crate) fn signer(request: &Request) -> &str {
    let header = request.headers().find(|(name, _)| *name == "authorization").unwrap().1;
    header.split_once("Credential=").map_or(header, |(_, rest)| rest.split_once('/').unwrap().0)
}

pub(crate) fn token(request: &Request) -> Option<&str> {
    request.headers().find(|(name, _)| *name == "x-tc-token").map(|(_, value)| value)
}

/// Whether the signature is that of a key.
pub(crate) fn verified(request: &Request, secret_key: &str) {
    let incoming = Incoming {
        method: request.method().as_str(),
        path: "/",
        query: "",
        headers: &request.headers().collect::<Vec<_>>(),
        body: request.body(),
    };
    verify::verify(&incoming, &verify::claims(&incoming).unwrap(), secret_key).unwrap();
}

/// Drives many calls side by side, all from the time `start`. Each exchange takes 5 ms.
fn run_all<M: Machine>(
    machines: Vec<M>,
    start: Duration,
    mut serve: impl FnMut(&Request, Duration) -> Reply,
) -> Vec<M::Output> {
    enum Next {
        Poll(Duration),
        Reply(Duration, Reply),
    }
    let now_at = |mono: Duration| Now::new(UNIX + mono.as_secs() - 1000, mono);
    let mut outputs: Vec<Option<M::Output>> = machines.iter().map(|_| None).collect();
    let mut running: Vec<(usize, M, Next)> =
        machines.into_iter().enumerate().map(|(n, machine)| (n, machine, Next::Poll(start))).collect();
    let due = |next: &Next| match next {
        Next::Poll(at) | Next::Reply(at, _) => *at,
    };
    while let Some(mono) = running.iter().map(|(.., next)| due(next)).min() {
        let (ready, later): (Vec<_>, Vec<_>) = running.into_iter().partition(|(.., next)| due(next) <= mono);
        running = later;
        for (number, mut machine, next) in ready {
            if let Next::Reply(_, reply) = next {
                machine.reply(now_at(mono), reply);
            }
            match machine.poll(now_at(mono)) {
                Step::Send(request) => {
                    let reply = serve(&request, mono);
                    running.push((number, machine, Next::Reply(mono + Duration::from_millis(5), reply)));
                }
                Step::WaitUntil(at) => running.push((number, machine, Next::Poll(at))),
                Step::Progress(_) => running.push((number, machine, Next::Poll(mono))),
                Step::Done(output) => outputs[number] = Some(output),
            }
        }
    }
    outputs.into_iter().map(Option::unwrap).collect()
}

pub(crate) const START: Duration = Duration::from_secs(1000);

fn many(config: &Config, count: usize) -> Vec<Call<DescribeZones>> {
    (0..count as u64).map(|seed| Call::new(config, DescribeZones::default(), seed)).collect()
}

#[test]
fn a_call_gets_its_credential_by_itself() {
    let config = config(InstanceRole::new());
    let mut instance = instance(7200);
    let first = run(describe(&config), |request, mono| instance.serve(request, mono));
    assert_eq!(first.actions(), [METADATA, METADATA, "DescribeImages"]);
    assert_eq!((signer(&first.seen[2].request), token(&first.seen[2].request)), ("ID1", Some("token1")));
    verified(&first.seen[2].request, "key1");
    first.output.unwrap();
    let second = run(describe(&config), |request, mono| instance.serve(request, mono));
    assert_eq!(second.actions(), ["DescribeImages"], "the next one has it already");
}

#[test]
fn a_thousand_callers_cause_one_fetch() {
    let config = config(InstanceRole::new());
    let mut instance = instance(7200);
    let mut signers = BTreeSet::new();
    let mut serve = |request: &Request, mono| {
        if request.action() != METADATA {
            signers.insert(signer(request).to_owned());
        }
        instance.serve(request, mono)
    };
    for start in [START, START + Duration::from_secs(7000), START + Duration::from_secs(100_000)] {
        for output in run_all(many(&config, 1000), start, &mut serve) {
            output.unwrap();
        }
    }
    assert_eq!(instance.issued, 3, "one at first, one near its end, one after its end");
    assert_eq!(signers.into_iter().collect::<Vec<_>>(), ["ID1", "ID2", "ID3"]);
}

#[test]
fn only_one_caller_spends_time_on_a_credential_that_is_still_good() {
    let config = config(InstanceRole::new());
    let mut instance = instance(7200);
    run(describe(&config), |request, mono| instance.serve(request, mono)).output.unwrap();
    let late = START + Duration::from_secs(7000);
    let mut sent = Vec::new();
    run_all(many(&config, 100), late, |request, mono| {
        sent.push((request.action().to_owned(), mono.saturating_sub(late)));
        instance.serve(request, mono)
    });
    let at_once = sent.iter().filter(|(action, at)| action != METADATA && at.is_zero()).count();
    assert_eq!(at_once, 99);
}

#[test]
fn a_fetch_that_fails_leaves_the_old_credential_in_use_while_it_is_good() {
    let config = config(InstanceRole::new());
    let mut instance = instance(7200);
    run(describe(&config), |request, mono| instance.serve(request, mono)).output.unwrap();
    instance.up = false;
    let mut fetches = 0;
    for after in 6950..7190 {
        let calls = run_all(many(&config, 1), START + Duration::from_secs(after), |request, mono| {
            fetches += usize::from(request.action() == METADATA);
            instance.serve(request, mono)
        });
        assert!(calls.iter().all(Result::is_ok));
    }
    assert!(
        (20..80).contains(&fetches),
        "{fetches} requests in four minutes, two a try and further and further apart"
    );
    let after = START + Duration::from_secs(7300);
    let expired = run_all(many(&config, 1), after, |request, mono| instance.serve(request, mono));
    let error = expired.into_iter().next().unwrap().unwrap_err();
    assert!(error.to_string().contains("no credential: the metadata service failed"), "{error}");
    instance.up = true;
    let after = START + Duration::from_secs(7320);
    let back = run_all(many(&config, 1), after, |request, mono| instance.serve(request, mono));
    back.into_iter().next().unwrap().expect("no failure is remembered for long");
}

#[test]
fn a_failure_is_that_of_all_who_waited_for_it() {
    let config = config(InstanceRole::new());
    let mut fetches = 0;
    let calls = run_all(many(&config, 1000), START, |_, _| {
        fetches += 1;
        Reply::Failed(Failure::not_sent(FailureKind::Connect, "no such host"))
    });
    for output in calls {
        let error = output.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.outcome_unknown());
        assert_eq!(
            error.to_string(),
            "DescribeZones in ap-shanghai: no credential found: instance role: no metadata service answers: \
             no such host; give one, or set one of these up"
        );
    }
    assert_eq!(fetches, 1);
}

#[test]
fn a_caller_that_goes_away_leaves_its_turn_to_the_next() {
    let config = config(InstanceRole::new());
    let now = Now::new(UNIX, START);
    let mut leaves = describe(&config);
    assert!(matches!(leaves.poll(now), Step::Send(_)));
    let mut waits = describe(&config);
    assert!(matches!(waits.poll(now), Step::WaitUntil(at) if at < START + Duration::from_millis(100)));
    drop(leaves);
    let mut instance = instance(7200);
    let output =
        run_all(vec![waits], START + Duration::from_secs(1), |request, mono| instance.serve(request, mono));
    output.into_iter().next().unwrap().unwrap();
}

#[test]
fn a_fetch_that_its_caller_breaks_off_fails_nobody_else() {
    let config = config(InstanceRole::new());
    let now = Now::new(UNIX, START);
    let mut leaves = describe(&config);
    assert!(matches!(leaves.poll(now), Step::Send(_)));
    let mut waits = describe(&config);
    assert!(matches!(waits.poll(now), Step::WaitUntil(_)));
    let broken_off = Failure::maybe_sent(FailureKind::Cancelled, "broken off by a cancel");
    leaves.reply(now, Reply::Failed(broken_off));
    let mut instance = instance(7200);
    let calls = vec![waits, describe(&config), leaves];
    let soon = START + Duration::from_millis(10);
    for output in run_all(calls, soon, |request, mono| instance.serve(request, mono)) {
        output.unwrap();
    }
    assert_eq!(instance.issued, 1);
}

#[test]
fn a_caller_that_is_never_driven_on_is_given_up() {
    let config = config(InstanceRole::new());
    let mut forgotten = describe(&config);
    assert!(matches!(forgotten.poll(Now::new(UNIX, START)), Step::Send(_)));
    let mut instance = instance(7200);
    let output = run(describe(&config), |request, mono| instance.serve(request, mono));
    assert!(output.ended_at >= START + Duration::from_secs(60));
    output.output.unwrap();
}

#[test]
fn the_calls_deadline_holds_for_its_credential_too() {
    let base = Credential::new("AKIDexample", "not-a-real-key").unwrap();
    let mut settings = settings();
    settings.credential = None;
    settings.provider =
        Some(std::sync::Arc::new(AssumeRole::new(base, Role::new("qcs::cam::uin/1:roleName/x", "y"))));
    settings.call_timeout = Duration::from_secs(4);
    let mut call = describe(&Config::new(settings).unwrap());
    let Step::Send(request) = call.poll(Now::new(UNIX, START)) else { panic!("a credential comes first") };
    assert_eq!(request.timeout(), Duration::from_secs(4));
}

#[test]
fn a_credential_that_the_service_refuses_is_fetched_again_once() {
    for code in ["AuthFailure.TokenFailure", "AuthFailure.SecretIdNotFound"] {
        let config = config(InstanceRole::new());
        let mut instance = instance(7200);
        run(describe(&config), |request, mono| instance.serve(request, mono)).output.unwrap();
        let mut revoked = |known: &'static [&'static str]| {
            run_all(many(&config, 1), START + Duration::from_secs(60), |request, mono| {
                match request.action() {
                    METADATA => instance.serve(request, mono),
                    _ if known.contains(&signer(request)) => ok(""),
                    _ => refused(code),
                }
            })
            .remove(0)
        };
        revoked(&["ID2"]).unwrap();
        let error = revoked(&["ID3"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credential, "ID2 is fresh: a newer one would be no better");
    }
}

#[test]
fn a_credential_that_has_expired_when_it_comes_is_an_error() {
    let config = config(InstanceRole::new());
    let mut instance = instance(3);
    let error = run(describe(&config), |request, mono| instance.serve(request, mono)).output.unwrap_err();
    assert!(error.to_string().contains("has expired already"), "{error}");
    assert_eq!(instance.issued, 1);
}

#[test]
fn a_wrong_clock_does_not_make_a_credential_older() {
    let config = config(InstanceRole::new());
    let mut instance = instance(7200);
    // Our clock is two hours late, as the service's first answer shows; the credential is near its end then.
    let theirs = Response::new(200, br#"{"Response":{"RequestId":"r-1"}}"#.to_vec())
        .header("Date", "Mon, 25 Feb 2019 18:40:00 GMT");
    run(describe(&config), |request, mono| match request.action() {
        METADATA => instance.serve(request, mono),
        _ => Reply::Response(theirs.clone()),
    })
    .output
    .unwrap();
    let next = run(describe(&config), |request, mono| instance.serve(request, mono));
    assert_eq!(next.actions(), [METADATA, METADATA, "DescribeImages"]);
}
