//! What came of a job, for people and for programs.

use std::time::Duration;

use cvm_proto::{Basis, Destination, Outcome, SyncReport};
use serde_json::{Value, json};

use super::hint;
use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{List, SCHEMA_VERSION, counted};
use crate::signals::Signal;
use crate::{output, table};

/// For programs: the report as the core writes it, and whether all is well.
pub(super) fn summary(report: &SyncReport) -> Value {
    let mut summary = json!(report);
    summary["schema_version"] = SCHEMA_VERSION.into();
    summary["event"] = "report".into();
    summary["complete"] = report.is_complete().into();
    summary["as_asked"] = report.failures().next().is_none().into();
    summary
}

/// For people: a table on stdout, and under it, on stderr, why something is missing and what was merely found.
pub(super) fn people(global: &Global, report: &SyncReport) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let mut remarks = Remarks::default();
    for destination in &report.destinations {
        // Whole seconds are enough for people.
        let elapsed = Duration::from_secs(destination.elapsed.as_secs());
        rows.push(vec![
            destination.source.clone(),
            destination.region.clone(),
            destination.outcome.as_str().to_owned(),
            destination.basis.map_or("-", Basis::as_str).to_owned(),
            destination.image_id.clone().unwrap_or_else(|| "-".into()),
            humantime::format_duration(elapsed).to_string(),
        ]);
        if let Some(error) = &destination.error {
            remarks.add(destination, error.to_string());
        }
        for note in &destination.notes {
            remarks.add(destination, note.clone());
        }
        if let Some(found) = found(destination).filter(|_| !global.quiet) {
            remarks.add(destination, found);
        }
    }
    let headings = &["IMAGE", "REGION", "OUTCOME", "BASIS", "COPY", "TIME"];
    let is_of_one = report.destinations.windows(2).all(|pair| pair[0].source == pair[1].source);
    let drop: &[usize] = if is_of_one { &[3, 5, 0] } else { &[3, 5] };
    let list = List { headings, rows, cut: &[], drop, summary: counts(report) };
    list.show(global.format(), || summary(report))?;
    remarks.show();
    Ok(())
}

/// How many destinations ended in which way: what is as asked for first, then what is missing.
fn counts(report: &SyncReport) -> String {
    const ORDER: [Outcome; 11] = [
        Outcome::Copied,
        Outcome::Present,
        Outcome::Skipped,
        Outcome::Started,
        Outcome::Planned,
        Outcome::Conflict,
        Outcome::Gone,
        Outcome::Failed,
        Outcome::TimedOut,
        Outcome::Cancelled,
        Outcome::Unknown,
    ];
    let count = |outcome| report.destinations.iter().filter(|of| of.outcome == outcome).count();
    counted(ORDER.map(|outcome| (count(outcome), outcome.as_str().replace('_', " "))))
}

/// What was found in place of a copy that this job started.
fn found(destination: &Destination) -> Option<String> {
    let facts = destination.image.as_ref().filter(|_| destination.basis == Some(Basis::Found))?;
    let id = destination.image_id.as_deref().unwrap_or("an image");
    Some(format!(
        "{id} was found, not started by this job as far as it knows: {}, {}, {}, {} GiB, created {}",
        facts.name, facts.os_name, facts.architecture, facts.image_size, facts.created_time
    ))
}

/// What is to be said of images and regions: once for all regions of an image that it is said of.
#[derive(Default)]
struct Remarks<'a>(Vec<(&'a str, String, Vec<String>)>);

impl<'a> Remarks<'a> {
    fn add(&mut self, about: &'a Destination, text: String) {
        let region = about.region.clone();
        match self.0.iter_mut().find(|(source, said, _)| *source == about.source && *said == text) {
            Some((_, _, regions)) => regions.push(region),
            None => self.0.push((&about.source, text, vec![region])),
        }
    }

    fn show(&self) {
        for (source, text, regions) in &self.0 {
            let line = format!("cvm: {source}: {}: {text}", table::abbreviate(regions));
            output::note(line);
        }
    }
}

/// All is well if every destination has its copy, or what else was asked for: to be started, to be planned.
pub(super) fn exit(report: &SyncReport) -> Exit {
    let mut failures = report.failures().peekable();
    if failures.peek().is_none() {
        Exit::Done
    } else if failures.all(|of| of.outcome == Outcome::TimedOut) {
        Exit::TimedOut
    } else {
        Exit::Incomplete
    }
}

/// What continues without the program.
pub(super) fn last_words(global: &Global, signal: Signal, report: &SyncReport) -> Vec<String> {
    let mut text = format!("cvm: {}", signal.participle());
    if global.local {
        text.push_str("; the embedded endpoint and its copies end with the command");
        return vec![text];
    }
    let started = report.destinations.iter().filter(|of| of.outcome == Outcome::Started);
    let mut ids = started.filter_map(|of| Some((&of.region, of.image_id.as_ref()?))).peekable();
    if ids.peek().is_some() {
        text.push_str("; these copies continue in the service:");
    }
    let lines = ids.map(|(region, id)| format!("  {}", hint::look_at(global, region, id)));
    std::iter::once(text).chain(lines).collect()
}
