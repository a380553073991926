//! The sync job, in virtual time, against a service of a few lines.

use std::collections::BTreeMap;
use std::time::Duration;

use cvm_proto::{Error, ErrorKind, ImageSync, Job, Outcome, Reply, Request, SyncProgress, SyncReport};
use serde_json::{Value, json};

use crate::driver::{Run, config, lost, not_sent, ok, refused, run};

const SOURCE: &str = "img-o3ycss2p";

/// Where a copy stands after some seconds: `None` while it cannot be seen yet.
type Life = fn(u64) -> Option<(&'static str, i64)>;

fn in_a_minute(seconds: u64) -> Option<(&'static str, i64)> {
    if seconds < 60 { Some(("SYNCING", seconds as i64 * 100 / 60)) } else { Some(("NORMAL", 100)) }
}

struct Service {
    source_state: &'static str,
    submit: fn(&Service, &Value) -> Reply,
    lives: BTreeMap<&'static str, Life>,
    started: Option<Duration>,
    submissions: usize,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            source_state: "NORMAL",
            submit: |service, body| service.accept(body),
            lives: BTreeMap::new(),
            started: None,
            submissions: 0,
        }
    }
}

fn id(region: &str) -> String {
    format!("img-{region}")
}

impl Service {
    fn accept(&self, body: &Value) -> Reply {
        assert_eq!(body["ImageSetRequired"], json!(true));
        let regions = body["DestinationRegions"].as_array().unwrap();
        let set: Vec<_> = regions
            .iter()
            .map(|region| json!({"Region": region, "ImageId": id(region.as_str().unwrap())}))
            .collect();
        ok(&format!(r#""ImageSet":{},"#, json!(set)))
    }

    fn serve(&mut self, request: &Request, at: Duration) -> Reply {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let region = request.region().unwrap();
        match request.action() {
            "SyncImages" => {
                self.submissions += 1;
                self.started = Some(at);
                (self.submit)(self, &body)
            }
            "DescribeImages" if region == "ap-shanghai" => {
                assert_eq!(body["ImageIds"], json!([SOURCE]));
                let image = json!({"ImageId": SOURCE, "ImageName": "base", "ImageState": self.source_state});
                ok(&format!(r#""ImageSet":[{image}],"TotalCount":1,"#))
            }
            "DescribeImages" => {
                assert_eq!(body["ImageIds"], json!([id(region)]), "copies are watched by id");
                let life = self.lives.get(region).copied().unwrap_or(in_a_minute);
                match life(at.checked_sub(self.started.unwrap()).unwrap().as_secs()) {
                    None => refused("InvalidImageId.NotFound"),
                    Some(("", _)) => not_sent(),
                    Some((state, percent)) => {
                        let image =
                            json!({"ImageId": id(region), "ImageState": state, "SyncPercent": percent});
                        ok(&format!(r#""ImageSet":[{image}],"TotalCount":1,"#))
                    }
                }
            }
            other => panic!("unexpected action {other}"),
        }
    }
}

fn sync(service: &mut Service, job: ImageSync) -> Run<Result<SyncReport, Error>, SyncProgress> {
    run(job.start(&config(), 9), |request, at| service.serve(request, at))
}

fn job() -> ImageSync {
    ImageSync::new(SOURCE).to(["ap-guangzhou", "ap-beijing"])
}

fn outcomes(report: &SyncReport) -> Vec<(&str, Outcome)> {
    report.destinations.iter().map(|destination| (destination.region.as_str(), destination.outcome)).collect()
}

#[test]
fn copies_are_there_when_it_says_so() {
    let mut service = Service::default();
    let run = sync(&mut service, job());
    let report = run.output.unwrap();
    assert!(report.is_complete());
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Copied)]);
    assert_eq!(report.destinations[0].image_id.as_deref(), Some("img-ap-guangzhou"));
    assert_eq!((report.source_region.as_str(), report.request_id.as_deref()), ("ap-shanghai", Some("r-ok")));
    assert!(
        report
            .destinations
            .iter()
            .all(|d| d.elapsed >= Duration::from_secs(59) && d.elapsed < Duration::from_secs(90))
    );
    assert_eq!(service.submissions, 1);
    assert!(run.seen.len() < 2 + 2 * 20, "polling backs off: {}", run.seen.len());

    let mut percents = BTreeMap::<String, Vec<i64>>::new();
    for event in run.progress {
        if let SyncProgress::Copying { region, percent, .. } = event {
            percents.entry(region).or_default().push(percent.unwrap());
        }
    }
    assert_eq!(percents.len(), 2);
    assert!(percents.values().all(|seen| seen.len() > 3 && seen.is_sorted()), "{percents:?}");
}

#[test]
fn one_destination_ends_nothing_in_another() {
    let mut service = Service::default();
    service
        .lives
        .insert("ap-beijing", |seconds| Some(if seconds < 10 { ("SYNCING", 5) } else { ("SYNCFAILED", 5) }));
    service.lives.insert("ap-tokyo", |_| Some(("SYNCING", 50)));
    let job = job().to(["ap-tokyo"]).timeout(Duration::from_secs(600));
    let run = sync(&mut service, job);
    let report = run.output.unwrap();
    assert_eq!(
        outcomes(&report),
        [("ap-guangzhou", Outcome::Copied), ("ap-beijing", Outcome::Failed), ("ap-tokyo", Outcome::TimedOut)]
    );
    assert!(!report.is_complete() && report.is_timed_out());
    assert!(report.destinations[1].error.as_ref().unwrap().message().contains("SYNCFAILED"));
    assert!(run.ended_at >= Duration::from_secs(1600) && run.ended_at < Duration::from_secs(1601));
    let ends = run.progress.iter().filter(|event| matches!(event, SyncProgress::Ended(_))).count();
    assert_eq!(ends, 3);
}

#[test]
fn a_copy_may_be_invisible_at_first_and_the_network_away_for_a_while() {
    let mut service = Service::default();
    service.lives.insert("ap-guangzhou", |seconds| if seconds < 100 { None } else { Some(("NORMAL", 100)) });
    service.lives.insert("ap-beijing", |seconds| Some(if seconds < 300 { ("", 0) } else { ("NORMAL", 100) }));
    assert!(sync(&mut service, job()).output.unwrap().is_complete());
}

#[test]
fn a_copy_that_never_shows_or_goes_away_has_failed() {
    let mut service = Service::default();
    service.lives.insert("ap-guangzhou", |_| None);
    service.lives.insert("ap-beijing", |seconds| (seconds < 20).then_some(("SYNCING", 1)));
    let report = sync(&mut service, job()).output.unwrap();
    for destination in &report.destinations {
        assert_eq!(destination.outcome, Outcome::Failed);
        assert!(destination.image_id.is_some(), "what to look for");
        assert!(destination.error.as_ref().unwrap().is_not_found());
    }
}

#[test]
fn a_lost_answer_is_never_sent_again() {
    let mut service = Service { submit: |_, _| lost(), ..Service::default() };
    let report = sync(&mut service, job()).output.unwrap();
    assert_eq!(service.submissions, 1);
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Unknown), ("ap-beijing", Outcome::Unknown)]);

    let mut service = Service { submit: |_, _| not_sent(), ..Service::default() };
    let report = sync(&mut service, job()).output.unwrap();
    assert_eq!(service.submissions, 3, "what never left may be sent again");
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Failed), ("ap-beijing", Outcome::Failed)]);
}

#[test]
fn a_refusal_is_reported_for_each_destination() {
    let mut service = Service { submit: |_, _| refused("ImageQuotaLimitExceeded"), ..Service::default() };
    let report = sync(&mut service, job()).output.unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Failed), ("ap-beijing", Outcome::Failed)]);
    assert_eq!(report.destinations[0].error.as_ref().unwrap().kind(), ErrorKind::Quota);
    assert_eq!(report.request_id.as_deref(), Some("r-no"));
}

#[test]
fn an_accepted_request_without_ids_is_not_taken_for_a_failure() {
    let mut service = Service { submit: |_, _| ok(r#""ImageSet":null,"#), ..Service::default() };
    let report = sync(&mut service, job()).output.unwrap();
    assert_eq!(outcomes(&report), [("ap-guangzhou", Outcome::Unknown), ("ap-beijing", Outcome::Unknown)]);
}

#[test]
fn what_cannot_be_right_starts_nothing() {
    fn check(source_state: &'static str, job: ImageSync, kind: ErrorKind, part: &str) {
        let mut service = Service { source_state, ..Service::default() };
        let error = sync(&mut service, job).output.unwrap_err();
        assert_eq!((error.kind(), service.submissions), (kind, 0), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let to = |regions: &[&str]| ImageSync::new(SOURCE).to(regions.iter().copied());
    check("NORMAL", to(&[]), ErrorKind::Parameter, "no destination region");
    check(
        "NORMAL",
        to(&["ap-beijing", "ap-shanghai"]),
        ErrorKind::Parameter,
        "ap-shanghai is the image's own region",
    );
    check("NORMAL", to(&["ap-shanghai-fsi"]), ErrorKind::Parameter, "finance regions are isolated");
    check("NORMAL", to(&["AP Beijing"]), ErrorKind::Config, "region `AP Beijing`");
    check("CREATING", to(&["ap-beijing"]), ErrorKind::State, "CREATING");
    check(
        "NORMAL",
        to(&["ap-beijing"]).name("x".repeat(61)),
        ErrorKind::Parameter,
        "ImageName has 61 characters",
    );
}
