//! What the command prints as JSON is what the schemas in `docs/schemas/` say.

use std::path::Path;

use boon::{Compiler, Schemas};
use cvm_local::{Clock, CvmLocal, Fault};
use serde_json::{Value, json};

use crate::command::{Folder, Ran, at, run};

/// The schemas, which refer to each other.
struct Checker(Schemas, [boon::SchemaIndex; 4]);

impl Checker {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
        let folder = folder.canonicalize().unwrap();
        let names = ["sync-report", "jobs", "error", "sync-event"];
        let indexes = names.map(|name| {
            let file = folder.join(format!("{name}.schema.json"));
            compiler.compile(file.to_str().unwrap(), &mut schemas).unwrap()
        });
        Self(schemas, indexes)
    }

    fn fits(&self, which: usize, value: &Value) -> Result<(), String> {
        self.0.validate(value, self.1[which]).map_err(|error| format!("{error:#}"))
    }

    /// The report, or the reports, that a run has printed.
    fn report(&self, ran: &Ran) -> Value {
        let report = ran.json();
        self.fits(0, &report).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        report
    }
}

#[test]
fn reports_jobs_and_errors_are_what_their_schemas_say() {
    let checker = Checker::new();
    let local = CvmLocal::builder().clock(Clock::scaled(1000.0)).start().unwrap();
    let folder = Folder::new("schemas");
    let sync = |args: &[&str]| -> Ran {
        let args = [&["sync"], args, &["--output", "json"]].concat();
        at(&local, &args).env("XDG_STATE_HOME", &folder.0).output().unwrap().into()
    };
    let good = "img-o3ycss2p";
    let outcomes = |report: &Value| -> Vec<Value> {
        report["destinations"].as_array().unwrap().iter().map(|of| of["outcome"].clone()).collect()
    };
    local.faults().push(Fault::error("UnauthorizedOperation").on("SyncImages").times(1)).unwrap();
    let failed = checker.report(&sync(&[good, "--to", "ap-seoul"]));
    assert_eq!((&outcomes(&failed)[..], &failed["complete"]), (&[json!("failed")][..], &json!(false)));
    for (args, outcome) in [
        (&[good, "--to", "ap-tokyo", "--dry-run"][..], "planned"),
        (&[good, "--to", "ap-tokyo", "--no-wait"], "started"),
        (&[good, "--to", "ap-beijing"], "copied"),
        (&[good, "--to", "ap-beijing"], "present"),
        (&[good, "--to", "ap-beijing", "--own-copies", "--on-conflict", "skip"], "present"),
    ] {
        assert_eq!(outcomes(&checker.report(&sync(args))), [outcome], "{args:?}");
    }
    // All that comes of several jobs, one of which cannot be read.
    std::fs::write(folder.0.join("cvm/jobs/broken-0123456789abcdef.json"), "{").unwrap();
    let jobs: Ran = at(&local, &["jobs", "--all", "--output", "json"])
        .env("XDG_STATE_HOME", &folder.0)
        .output()
        .unwrap()
        .into();
    let jobs = jobs.json();
    checker.fits(1, &jobs).unwrap();
    assert!(jobs.as_array().unwrap().len() >= 3, "{jobs}");
    let all = checker.report(&sync(&["--resume", "--all"]));
    let events: Vec<&Value> = all.as_array().unwrap().iter().map(|outcome| &outcome["event"]).collect();
    assert!(events.contains(&&json!("report")) && events.contains(&&json!("passed_over")), "{all}");
}

#[test]
fn every_line_on_the_way_is_an_event_and_the_last_one_the_report() {
    let checker = Checker::new();
    let local = CvmLocal::builder().clock(Clock::scaled(300.0)).start().unwrap();
    local
        .faults()
        .push(Fault::error("InternalError").on("DescribeImages").in_region("ap-seoul").times(4))
        .unwrap();
    local.faults().push(Fault::copy_fails().in_region("ap-beijing").times(1)).unwrap();
    let folder = Folder::new("schemas-events");
    let mut seen = Vec::new();
    for to in ["ap-guangzhou,ap-beijing,ap-seoul", "ap-guangzhou"] {
        let args = ["sync", "img-o3ycss2p", "--to", to, "--json", "--poll-every", "50ms"];
        let ran: Ran = at(&local, &args).env("XDG_STATE_HOME", &folder.0).output().unwrap().into();
        let mut lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        checker.fits(0, &lines.pop().unwrap()).unwrap();
        for line in &lines {
            checker.fits(3, line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let mut other = line.clone();
            other["event"] = "brand_new".into();
            assert!(checker.fits(3, &other).is_err(), "{line}");
        }
        seen.extend(lines.iter().map(|line| line["event"].as_str().unwrap().to_owned()));
    }
    for event in ["found", "submitted", "copying", "ended"] {
        assert!(seen.iter().any(|seen| seen == event), "{event}: {seen:?}");
    }
}

#[test]
fn a_job_that_ends_with_an_error_prints_it_on_stdout_too() {
    let checker = Checker::new();
    let local = CvmLocal::start().unwrap();
    for (images, to, code) in [
        (&["img-00000000"][..], "ap-beijing", "InvalidImageId.NotFound"),
        (&["img-00000000", "img-00000001"], "ap-beijing,ap-tokyo", "InvalidImageId.NotFound"),
        (&["img-o3ycss2p"], "ap-mumbai", "UnsupportedRegion"),
    ] {
        for format in [&["--output", "json"][..], &["--json"]] {
            let folder = Folder::new("schemas-failed");
            let args = [&["sync"], images, &["--to", to], format].concat();
            let ran: Ran = at(&local, &args).env("XDG_STATE_HOME", &folder.0).output().unwrap().into();
            let ran = ran.ended_with(5);
            let text = if format == ["--json"] { ran.out.lines().last().unwrap() } else { &ran.out };
            let outcome: Value = serde_json::from_str(text).unwrap();
            checker.fits(0, &outcome).unwrap();
            assert_eq!(
                (&outcome["event"], &outcome["error"]["code"]),
                (&json!("failed"), &json!(code)),
                "{ran:?}"
            );
            // Below what its progress has said to people.
            let error: Value = serde_json::from_str(ran.err.lines().last().unwrap()).unwrap();
            checker.fits(2, &error).unwrap();
            assert_eq!(error["error"], outcome["error"]);
        }
    }
}

#[test]
fn errors_of_every_command_fit_their_schema_and_another_version_does_not() {
    let checker = Checker::new();
    for args in [
        &["--output", "json"][..],
        &["call", "DescribeImages", "--local", "--output", "json"],
        &["call", "SyncImages", "--local", "--region", "ap-shanghai", "--output", "json"],
        &["call", "DescribeRegions", "--output", "json"],
        &["images", "--local", "--regions", "ap-mumbai", "--output", "json"],
        &["man", "--dir", "/no/such/folder", "--output", "json"],
    ] {
        let error: Value =
            serde_json::from_str(&run(args).err).unwrap_or_else(|_| panic!("{args:?}: {:?}", run(args)));
        checker.fits(2, &error).unwrap_or_else(|wrong| panic!("{wrong}: {error}"));
        let mut other = error.clone();
        other["schema_version"] = 2.into();
        assert!(checker.fits(2, &other).is_err());
        let mut other = error;
        other["error"]["kind"] = "brand_new".into();
        assert!(checker.fits(2, &other).is_err());
    }
    let report = json!({ "schema_version": 1, "event": "report", "complete": true, "as_asked": true, "source_region": "a", "destinations": [{}] });
    assert!(checker.fits(0, &report).is_err());
}
