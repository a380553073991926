//! The backup endpoint: when it takes over, and when the usual one is back.

use std::time::Duration;

use cvm_proto::api::{DescribeImages, SyncImages};
use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::{Call, Config, Endpoint, Failover, Machine, Now, Reply, Request, RetryPolicy, Step};

use crate::driver::{UNIX, answer, lost, not_sent, ok, refused, settings};

const USUAL: &str = "cvm.tencentcloudapi.com";
const BACKUP: &str = "cvm.ap-guangzhou.tencentcloudapi.com";

fn failover() -> Failover {
    Failover::to(Endpoint::explicit(BACKUP).unwrap())
}

fn config(failover: Option<Failover>) -> Config {
    let mut settings = settings();
    settings.retry = RetryPolicy::never();
    settings.rate_limit = false;
    settings.failover = failover;
    Config::new(settings).unwrap()
}

/// A client's calls, one a second.
struct Calls {
    config: Config,
    mono: Duration,
}

impl Calls {
    fn new(failover: Option<Failover>) -> Self {
        Self { config: config(failover), mono: Duration::from_secs(1000) }
    }

    fn now(&self) -> Now {
        Now::new(UNIX, self.mono)
    }

    /// One call; gives the host that its request went to.
    fn one(&mut self, serve: impl FnOnce(&Request) -> Reply) -> String {
        self.mono += Duration::from_secs(1);
        let mut call = Call::new(&self.config, DescribeImages::default(), 1);
        let Step::Send(request) = call.poll(self.now()) else { panic!("nothing to wait for") };
        let host = request.origin().host().to_owned();
        assert!(request.headers().any(|header| header == ("host", &host)), "what is sent is what is signed");
        assert!(request.headers().any(|header| header == ("x-tc-region", "ap-shanghai")));
        let reply = serve(&request);
        call.reply(self.now(), reply);
        host
    }

    fn down(&mut self) -> String {
        self.one(|request| if request.origin().host() == USUAL { not_sent() } else { ok("") })
    }

    fn up(&mut self) -> String {
        self.one(|_| ok(""))
    }
}

#[test]
fn it_is_off_by_default() {
    let mut calls = Calls::new(None);
    for _ in 0..20 {
        assert_eq!(calls.down(), USUAL);
    }
}

#[test]
fn what_the_caller_breaks_off_is_no_failure_of_the_network() {
    let mut calls = Calls::new(Some(failover()));
    for _ in 0..20 {
        let broken_off = Failure::maybe_sent(FailureKind::Cancelled, "broken off by a cancel");
        assert_eq!(calls.one(|_| Reply::Failed(broken_off)), USUAL);
    }
}

#[test]
fn five_failures_in_a_row_bring_the_backup_and_five_probes_the_usual_one_back() {
    let mut calls = Calls::new(Some(failover()));
    for _ in 0..5 {
        assert_eq!(calls.down(), USUAL);
    }
    for _ in 0..59 {
        assert_eq!(calls.down(), BACKUP);
    }
    assert_eq!(calls.down(), USUAL, "one tries after a minute");
    for _ in 0..59 {
        assert_eq!(calls.down(), BACKUP, "and it failed");
    }
    for _ in 0..5 {
        assert_eq!(calls.up(), USUAL);
    }
    for _ in 0..4 {
        assert_eq!(calls.down(), USUAL, "it is back, and what was before does not count");
    }
}

#[test]
fn while_it_is_half_open_one_request_at_a_time_tries() {
    let mut calls = Calls::new(Some(failover()));
    for _ in 0..5 {
        calls.down();
    }
    calls.mono += Duration::from_secs(60);
    let new = || Call::new(&calls.config, DescribeImages::default(), 1);
    let host = |step| match step {
        Step::Send(request) => Request::origin(&request).host().to_owned(),
        _ => panic!("nothing to wait for"),
    };
    let mut probe = new();
    assert_eq!(host(probe.poll(calls.now())), USUAL);
    assert_eq!(host(new().poll(calls.now())), BACKUP);
    assert_eq!(host(probe.poll(calls.now())), USUAL, "asked again, the same request");
    probe.reply(calls.now(), ok(""));
    let mut forgotten = new();
    assert_eq!(host(forgotten.poll(calls.now())), USUAL);
    drop(forgotten);
    assert_eq!(host(new().poll(calls.now())), BACKUP);
    calls.mono += calls.config.settings().attempt_timeout;
    assert_eq!(host(new().poll(calls.now())), USUAL, "a probe that nobody drives on is over in time");
}

#[test]
fn whatever_the_service_answers_it_was_reached() {
    for reply in [
        || refused("InternalError"),
        || refused("RequestLimitExceeded"),
        || answer(502, "<html>Bad Gateway"),
        || answer(200, "not JSON"),
    ] {
        let mut calls = Calls::new(Some(failover()));
        for _ in 0..50 {
            assert_eq!(calls.one(|_| reply()), USUAL);
        }
    }
}

#[test]
fn scattered_failures_count_by_their_share() {
    let mut mostly = Calls::new(Some(failover()));
    let hosts: Vec<_> = (0..12).map(|n| if n % 4 == 3 { mostly.up() } else { mostly.down() }).collect();
    assert!(hosts.iter().any(|host| host == BACKUP), "three of four: {hosts:?}");
    let mut seldom = Calls::new(Some(failover()));
    for n in 0..100 {
        let host = if n % 2 == 0 { seldom.down() } else { seldom.up() };
        assert_eq!(host, USUAL, "every second one is not three of four");
    }
    let mut slow = Calls::new(Some(failover()));
    for _ in 0..10 {
        assert_eq!(slow.down(), USUAL, "failures that are far apart are not counted together");
        slow.up();
        slow.mono += Duration::from_secs(300);
    }
}

#[test]
fn regions_of_one_host_share_what_is_known_of_it_and_others_do_not() {
    let mut calls =
        Calls::new(Some(Failover::to(Endpoint::root_domain("intl.tencentcloudapi.com").unwrap())));
    for _ in 0..5 {
        calls.down();
    }
    let host = |region: &str| {
        let config = calls.config.with_region(region).unwrap();
        let mut call = Call::new(&config, DescribeImages::default(), 1);
        let Step::Send(request) = call.poll(calls.now()) else { panic!("nothing to wait for") };
        request.origin().host().to_owned()
    };
    assert_eq!(host("ap-beijing"), "cvm.intl.tencentcloudapi.com");
    assert_eq!(host("ap-shanghai-fsi"), "cvm.ap-shanghai-fsi.tencentcloudapi.com");
}

#[test]
fn a_request_that_may_have_arrived_is_not_sent_to_the_backup_either() {
    let mut settings = settings();
    settings.failover = Some(failover().failures(1));
    let config = Config::new(settings).unwrap();
    let now = Now::new(UNIX, Duration::from_secs(1000));
    let mut call = Call::new(&config, SyncImages::new(["img-o3ycss2p"], ["ap-guangzhou"]), 1);
    assert!(matches!(call.poll(now), Step::Send(_)));
    call.reply(now, lost());
    assert!(matches!(call.poll(now), Step::Done(Err(error)) if error.outcome_unknown()));
}
