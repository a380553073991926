//! A program as users of the Rust crates write it, in a process of its own.

use std::time::Duration;

use cvm_journal::Journal;
use cvm_proto::{Error, ImageSync, OnConflict, Outcome, SyncReport, SyncRun};
use cvm_ureq::Client;
use serde_json::{Value, json};

use crate::starter::JOB;

#[test]
#[ignore = "a program that other tests start"]
fn starts_a_job() {
    let what: Value = serde_json::from_str(&std::env::var(JOB).unwrap()).unwrap();
    // The harness leaves a line open.
    println!();
    std::process::exit(match run(&what) {
        Ok(report) => {
            println!("{}", json!(report));
            code(&report)
        }
        Err(error) => {
            eprintln!("{}", json!({ "error": error }));
            if error.code().is_some() { 5 } else { 1 }
        }
    });
}

fn run(what: &Value) -> Result<SyncReport, Error> {
    let texts = |name: &str| -> Vec<String> { serde_json::from_value(what[name].clone()).unwrap() };
    let options = &what["options"];
    let is_on = |name: &str| options[name].as_bool().unwrap();
    let time = |name: &str| Duration::from_secs_f64(options[name].as_f64().unwrap());
    let run = SyncRun::new()
        .settle(time("settle"))
        .timeout(time("timeout"))
        .delete_failed(is_on("delete_failed"))
        .wait(is_on("wait"))
        .dry_run(is_on("dry_run"));
    let mut job = ImageSync::of(texts("images"))
        .from(options["source_region"].as_str().unwrap())
        .to(texts("to"))
        .with_run(run);
    if options["on_conflict"] == "skip" {
        job = job.on_conflict(OnConflict::Skip);
    }
    if let Some(name) = options["name"].as_str() {
        job = job.name(name);
    }
    let client = Client::from_env()?;
    match options["journal"].as_str() {
        Some(path) => client.run(Journal::open(path)?.begin_or_resume(job, client.config())?, |_| ()),
        None => client.run(job, |_| ()),
    }
}

/// The command's exit code for a report.
fn code(report: &SyncReport) -> i32 {
    if report.failures().next().is_none() {
        0
    } else if report.failures().all(|failure| failure.outcome == Outcome::TimedOut) {
        4
    } else {
        3
    }
}
