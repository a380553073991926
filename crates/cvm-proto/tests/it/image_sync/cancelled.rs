//! A cancel while a request hangs: each is waited for as long as its answer is worth it, and no longer.

use std::time::Duration;

use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::{Cancel, ImageSync, Job, Machine, Now, Outcome, Reply, Step, SyncReport};

use super::service::{Fault, Service};
use crate::driver::{UNIX, config};

/// From the cancel to the report; what is promised is six seconds to the end of the program.
const PROMISED: Duration = Duration::from_millis(5700);

/// How late a driver notices a cancel.
const TICK: Duration = Duration::from_millis(50);

/// A network that swallows requests from one of them on, until it is mended.
struct Network {
    service: Service,
    job: ImageSync,
    /// The request that is the first not to be answered, counted from 1, and how long it hangs before the cancel comes.
    hangs_from: usize,
    cancelled_after: Duration,
    /// Whether requests are answered again after the cancel.
    mended: bool,
    /// Whether the service gets the requests whose answers are lost.
    delivers: bool,
}

struct Ended {
    report: SyncReport,
    /// The action that hung first.
    hung: String,
    /// From the cancel to the report.
    took: Duration,
}

impl Network {
    /// Drives a job as a shell does; `None` if it ends before any request hangs.
    fn drive(&mut self) -> Option<Ended> {
        let cancel = Cancel::new();
        let mut machine = self.job.clone().cancel_with(&cancel).start(&config(), 3);
        let (mut mono, mut requests) = (Duration::from_secs(5), 0);
        let mut cancelled: Option<(Duration, String)> = None;
        loop {
            let now = Now::new(UNIX + mono.as_secs(), mono);
            match machine.poll(now) {
                Step::Send(request) => {
                    requests += 1;
                    let is_first = cancelled.is_none();
                    if requests < self.hangs_from || (!is_first && self.mended) {
                        let reply = self.service.serve(&request, now.unix * 1000);
                        mono += Duration::from_millis(5);
                        machine.reply(Now::new(UNIX + mono.as_secs(), mono), reply);
                        continue;
                    }
                    if self.delivers {
                        self.service.serve(&request, now.unix * 1000);
                    }
                    if is_first {
                        mono += self.cancelled_after;
                        cancel.cancel();
                        cancelled = Some((mono, request.action().to_owned()));
                    }
                    let (_, grace) = request.cancel().expect("every request of the job can be broken off");
                    // One who hears of it at once loses no time.
                    mono += grace + if is_first { TICK } else { Duration::ZERO };
                    let failure = Failure::maybe_sent(FailureKind::Cancelled, "broken off by a cancel");
                    machine.reply(Now::new(UNIX + mono.as_secs(), mono), Reply::Failed(failure));
                }
                Step::WaitUntil(until) => mono = until,
                Step::Progress(_) => {}
                Step::Done(outcome) => {
                    let (at, hung) = cancelled?;
                    return Some(Ended {
                        report: outcome.unwrap(),
                        hung,
                        took: mono.checked_sub(at).unwrap(),
                    });
                }
            }
        }
    }
}

fn job() -> ImageSync {
    ImageSync::new("img-source01").to(["ap-guangzhou", "ap-beijing"])
}

/// Every request of the job hangs once, and with it all that come after the cancel.
#[test]
fn the_job_ends_in_time_whatever_hangs() {
    for cancelled_after in [0, 3, 25].map(Duration::from_secs) {
        let mut hung = Vec::new();
        for hangs_from in 1.. {
            let service = Service::default();
            let mut network =
                Network { service, job: job(), hangs_from, cancelled_after, mended: false, delivers: false };
            let Some(ended) = network.drive() else { break };
            let shown = format!("{} after {cancelled_after:?}: {:?}", ended.hung, ended.report);
            assert!(ended.took <= PROMISED, "{:?}: {shown}", ended.took);
            let begun = network.service.count("SyncImages") > 0;
            let is_write = ended.hung == "SyncImages";
            for destination in &ended.report.destinations {
                let expected = match (is_write, begun) {
                    (true, _) => Outcome::Unknown,
                    (false, true) => Outcome::Started,
                    (false, false) => Outcome::Cancelled,
                };
                assert!([expected, Outcome::Copied].contains(&destination.outcome), "{shown}");
            }
            if !is_write {
                assert!(ended.took < Duration::from_secs(1), "{:?}: a read is given up: {shown}", ended.took);
            }
            hung.push(ended.hung);
        }
        assert!(hung.len() > 10 && hung.iter().any(|action| action == "SyncImages"), "{hung:?}");
    }
}

/// The answer to `SyncImages` is lost, and the last look finds out what it was.
#[test]
fn the_last_look_finds_what_a_lost_answer_began() {
    for delivers in [false, true] {
        let mut found = false;
        for hangs_from in 1..12 {
            let service = Service::default();
            let cancelled_after = Duration::from_secs(3);
            let mut network =
                Network { service, job: job(), hangs_from, cancelled_after, mended: true, delivers };
            let ended = network.drive().unwrap();
            assert!(ended.took <= PROMISED, "{:?}: {:?}", ended.took, ended.report);
            if ended.hung == "SyncImages" {
                let expected = if delivers { Outcome::Started } else { Outcome::Unknown };
                let outcomes = ended.report.destinations.iter().map(|destination| destination.outcome);
                assert_eq!(outcomes.collect::<Vec<_>>(), [expected; 2]);
                assert_eq!(network.service.accepted.len(), usize::from(delivers));
                found = true;
            }
        }
        assert!(found);
    }
}

/// A job, the service that it meets, and the last request that it has out.
type Case = (ImageSync, fn() -> Service, &'static str);

/// A dry run writes nothing, and neither does the last look of a run whose time is over.
#[test]
fn what_changes_nothing_is_given_up_at_once() {
    let lost = || {
        let service = Service { hidden_millis: 100_000, ..Service::default() };
        service.faulty(Fault::DropAfter, "SyncImages", "", 9)
    };
    let runs: [Case; 2] = [
        (job().dry_run(true), Service::default, "SyncImages"),
        (job().timeout(Duration::from_secs(3)), lost, "DescribeImages"),
    ];
    for (job, service, last) in runs {
        let mut hung = Vec::new();
        for hangs_from in 1.. {
            let mut network = Network {
                service: service(),
                job: job.clone(),
                hangs_from,
                cancelled_after: Duration::from_secs(7),
                mended: false,
                delivers: false,
            };
            let Some(ended) = network.drive() else { break };
            assert!(ended.took <= PROMISED, "{:?}: {:?}", ended.took, ended.report);
            hung.push((ended.hung, ended.took));
        }
        let (action, took) = hung.last().unwrap();
        assert!(action == last && *took < Duration::from_secs(1), "{hung:?}");
    }
}
