//! Many jobs at once that share a client: what the service's rates are to them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use cvm_proto::{ImageSync, ImageSyncMachine, Job, Machine, Now, Reply, Step};

use super::service::{HOME, Image, Service};
use crate::driver::{UNIX, config};

const JOBS: usize = 300;
const REGIONS: [&str; 5] = ["ap-guangzhou", "ap-beijing", "ap-chengdu", "ap-nanjing", "ap-hongkong"];

/// How long an exchange takes.
const EXCHANGE: Duration = Duration::from_millis(20);

struct Running {
    machine: ImageSyncMachine,
    reply: Option<Reply>,
    done: bool,
}

#[test]
fn rates_are_kept_and_used() {
    let mut service = Service { copy_millis: 1000, ..Service::default() };
    let image = |number: usize| Image::new(&format!("img-{number:08}"), &format!("image-{number:05}"));
    service.images.insert(HOME.into(), (0..JOBS).map(image).collect());
    let config = config();
    let begun = Duration::from_secs(1000);
    let mut crowd: Vec<_> = (0..JOBS)
        .map(|number| {
            let job = ImageSync::new(format!("img-{number:08}")).to(REGIONS);
            Running { machine: job.start(&config, number as u64), reply: None, done: false }
        })
        .collect();
    let mut due: BinaryHeap<_> = (0..JOBS).map(|at| Reverse((begun, at))).collect();
    let mut sent = BTreeMap::<(String, String), Vec<Duration>>::new();
    let mut ended = begun;
    while let Some(Reverse((mono, at))) = due.pop() {
        let now = Now::new(UNIX + mono.as_secs(), mono);
        let running = &mut crowd[at];
        if let Some(reply) = running.reply.take() {
            running.machine.reply(now, reply);
        }
        loop {
            match running.machine.poll(now) {
                Step::Send(request) => {
                    let key = (request.action().to_owned(), request.region().unwrap().to_owned());
                    sent.entry(key).or_default().push(mono);
                    let millis = u64::try_from(mono.as_millis()).unwrap();
                    running.reply = Some(service.serve(&request, UNIX * 1000 + millis));
                    due.push(Reverse((mono + EXCHANGE, at)));
                }
                Step::WaitUntil(until) => due.push(Reverse((until, at))),
                Step::Progress(_) => continue,
                Step::Done(report) => {
                    assert!(report.unwrap().is_complete());
                    running.done = true;
                    ended = mono;
                }
            }
            break;
        }
    }
    assert!(crowd.iter().all(|running| running.done));
    let mut allowed = 0.0_f64;
    for ((action, region), times) in &sent {
        let rate = if action == "DescribeImages" { 40 } else { 10 };
        let busiest = times.windows(rate + 1).map(|second| second[rate].saturating_sub(second[0])).min();
        assert!(
            busiest.is_none_or(|span| span > Duration::from_secs(1)),
            "{action} in {region}: {busiest:?}"
        );
        allowed = allowed.max(times.len() as f64 / rate as f64);
    }
    // The requests are spaced a little wider than the rate, and the last copy is looked at when it is due.
    let took = ended.saturating_sub(begun).as_secs_f64();
    assert!(took < allowed * 1.06 + 3.0, "{took} s, where the rates leave {allowed} s");
}
