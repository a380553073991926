//! What a sync job shows on its way, on stderr: bars for a terminal, lines for a file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cvm_proto::SyncProgress;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::failure::{Exit, Failure};
use crate::output;

/// What has been started and has not ended, for a user who interrupts.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Mutex<Started>>);

#[derive(Default)]
struct Started {
    /// The image whose request may be under way.
    asking: Option<String>,
    /// The copies' ids by region.
    copies: BTreeMap<String, String>,
}

impl Watch {
    /// From here on, an interrupt ends the program with a word on what goes on without it.
    pub(crate) fn over_interrupts(local: bool) -> Result<Self, Failure> {
        let watch = Self(Arc::default());
        let seen = watch.clone();
        let handler = move || {
            output::note(seen.last_words(local));
            std::process::exit(Exit::Interrupted as i32);
        };
        ctrlc::set_handler(handler)
            .map_err(|error| Failure::other(format!("cannot listen for interrupts: {error}")))?;
        Ok(watch)
    }

    fn started(&self) -> MutexGuard<'_, Started> {
        // What stands there is true whoever else panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, event: &SyncProgress) {
        let mut started = self.started();
        match event {
            SyncProgress::Found { source, .. } => started.asking = Some(source.clone()),
            SyncProgress::Submitted { .. } => started.asking = None,
            SyncProgress::Copying { region, image_id, .. } => {
                started.copies.insert(region.clone(), image_id.clone());
            }
            SyncProgress::Ended(destination) => {
                started.copies.remove(&destination.region);
            }
            _ => {}
        }
    }

    fn last_words(&self, local: bool) -> String {
        let started = self.started();
        let mut text = String::from("\ncvm: interrupted");
        if local {
            text.push_str("; the embedded endpoint and its copies end with the command");
            return text;
        }
        if let Some(image) = &started.asking {
            let _ = write!(text, "; copies of {image} may have been started: look before starting others");
        }
        if !started.copies.is_empty() {
            text.push_str("; these copies go on in the service:");
            for (region, image_id) in &started.copies {
                let _ = write!(text, "\n  cvm call DescribeImages --region {region} ImageIds.0={image_id}");
            }
        }
        text
    }
}

/// Shows one image's job.
pub(crate) struct Progress {
    image: String,
    watch: Watch,
    shown: Shown,
}

enum Shown {
    Bars { all: MultiProgress, by_region: BTreeMap<String, ProgressBar> },
    Lines { last: BTreeMap<String, (String, i64)> },
}

impl Progress {
    /// `bars`: whether a terminal may have bars.
    pub(crate) fn new(image: &str, watch: &Watch, bars: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let shown = if bars && !is_dumb && std::io::stderr().is_terminal() {
            Shown::Bars { all: MultiProgress::new(), by_region: BTreeMap::new() }
        } else {
            Shown::Lines { last: BTreeMap::new() }
        };
        Self { image: image.to_owned(), watch: watch.clone(), shown }
    }

    /// Shows what happened.
    pub(crate) fn show(&mut self, event: &SyncProgress) {
        self.watch.note(event);
        match event {
            SyncProgress::Found { source, image_name, image_size, .. } => {
                self.line(&format!("{source}: found, {image_name}, {image_size} GB"));
            }
            SyncProgress::Submitted { request_id, .. } => {
                self.line(&format!("{}: accepted (request id {request_id})", self.image));
            }
            SyncProgress::Copying { region, image_id, state, percent, elapsed, .. } => {
                self.copying(region, image_id, state.as_str(), percent.unwrap_or(0), *elapsed);
            }
            SyncProgress::Ended(destination) => {
                let outcome = destination.outcome.as_str();
                match &mut self.shown {
                    Shown::Bars { by_region, .. } => {
                        if let Some(bar) = by_region.get(&destination.region) {
                            if destination.error.is_none() {
                                bar.set_position(100);
                            }
                            bar.abandon_with_message(outcome);
                        }
                    }
                    Shown::Lines { .. } => {
                        let elapsed = destination.elapsed.as_secs();
                        self.line(&format!(
                            "{}: {}: {outcome} after {elapsed} s",
                            self.image, destination.region
                        ));
                    }
                }
            }
            _ => {}
        }
    }

    fn copying(&mut self, region: &str, copy: &str, state: &str, percent: i64, elapsed: Duration) {
        match &mut self.shown {
            Shown::Bars { all, by_region } => {
                let bar = by_region.entry(region.to_owned()).or_insert_with(|| bar(all, region, elapsed));
                bar.set_position(percent.clamp(0, 100).unsigned_abs());
                bar.set_message(state.to_owned());
            }
            Shown::Lines { last } => {
                // A file wants to know how it goes, not every percent of it.
                let seen = last.entry(region.to_owned()).or_insert_with(|| (String::new(), 0));
                if seen.0 != state || percent >= seen.1 + 10 {
                    *seen = (state.to_owned(), percent);
                    let elapsed = elapsed.as_secs();
                    self.line(&format!(
                        "{}: {region}: {copy} {state} {percent} % after {elapsed} s",
                        self.image
                    ));
                }
            }
        }
    }

    /// A line for both: bars stay below it.
    fn line(&self, text: &str) {
        match &self.shown {
            Shown::Bars { all, .. } => drop(all.println(text)),
            Shown::Lines { .. } => output::note(text),
        }
    }

    /// Leaves the bars as they are and stops their clocks.
    pub(crate) fn finish(self) {
        if let Shown::Bars { by_region, .. } = self.shown {
            by_region.into_values().filter(|bar| !bar.is_finished()).for_each(|bar| bar.abandon());
        }
    }
}

/// A bar for one destination, whose clock has run since the submission.
fn bar(all: &MultiProgress, region: &str, elapsed: Duration) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:18} {bar:30.cyan} {pos:>3} % {msg:10} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = all.add(ProgressBar::new(100).with_elapsed(elapsed));
    bar.set_style(style);
    bar.set_prefix(region.to_owned());
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
