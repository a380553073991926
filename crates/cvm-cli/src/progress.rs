//! What a sync job shows on its way: bars for a terminal, lines for a file, events for programs.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cvm_proto::{Outcome, SyncProgress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{bars, output};

/// Shows a job.
pub(crate) struct Progress {
    /// Whether the image has to be named with each region.
    several: bool,
    shown: Shown,
    is_over: Arc<AtomicBool>,
}

/// Says to people, while the progress is shown and after it, what the progress does not know. From any thread.
#[derive(Clone)]
pub(crate) struct Speaker {
    bars: Option<MultiProgress>,
    is_over: Arc<AtomicBool>,
}

impl Speaker {
    /// Prints a line to stderr. Bars stay below it, and a `^C` that the terminal shows before it.
    pub(crate) fn interject(&self, text: &str) {
        match &self.bars {
            // Where stderr is gone, there is nobody to tell.
            Some(bars) if !self.is_over.load(Ordering::Acquire) => drop(bars.println(text)),
            bars => {
                if bars.is_none() && std::io::stderr().is_terminal() {
                    output::note("");
                }
                output::note(text);
            }
        }
    }
}

/// An image and a region.
type Place = (String, String);

enum Shown {
    Nothing,
    /// On stdout, one a line.
    Events,
    Bars {
        all: MultiProgress,
        by_place: BTreeMap<Place, ProgressBar>,
    },
    Lines {
        last: BTreeMap<Place, (String, i64)>,
    },
}

impl Progress {
    /// Events for programs.
    pub(crate) fn events() -> Self {
        Self::of(true, Shown::Events)
    }

    /// Nothing at all.
    pub(crate) fn nothing() -> Self {
        Self::of(true, Shown::Nothing)
    }

    /// For people, on stderr: `bars` if a terminal may have some.
    pub(crate) fn for_people(several: bool, bars: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let shown = if bars && !is_dumb && std::io::stderr().is_terminal() {
            Shown::Bars { all: bars::on_stderr(), by_place: BTreeMap::new() }
        } else {
            Shown::Lines { last: BTreeMap::new() }
        };
        Self::of(several, shown)
    }

    fn of(several: bool, shown: Shown) -> Self {
        Self { several, shown, is_over: Arc::default() }
    }

    /// Shows what happened.
    pub(crate) fn show(&mut self, event: &SyncProgress) {
        match &self.shown {
            Shown::Nothing => return,
            Shown::Events => {
                if !matches!(event, SyncProgress::Checkpoint) {
                    // Whoever reads the events has gone away: the job continues, and its end tells.
                    let _ = output::json_line(event);
                }
                return;
            }
            Shown::Bars { .. } | Shown::Lines { .. } => {}
        }
        match event {
            SyncProgress::Found { source, image_name, image_size, .. } => {
                self.line(&format!("{source}: found, {image_name}, {image_size} GiB"));
            }
            SyncProgress::Busy { source, .. } => {
                self.line(&format!("{source}: another copy of it is being made; waiting for its end"));
            }
            SyncProgress::Adopted { source, region, image_id, .. } => {
                self.line(&format!("{source}: {region}: {image_id} is on its way already"));
            }
            SyncProgress::NameTaken { source, region, image_name, .. } => {
                self.line(&format!(
                    "{source}: {region}: the name `{image_name}` is taken by an image that is not visible; searching for it"
                ));
            }
            SyncProgress::Submitted { source, regions, request_id, .. } => {
                let regions = regions.join(", ");
                self.line(&format!("{source}: accepted for {regions} (request id {request_id})"));
            }
            SyncProgress::Trouble { source, region, error, .. } => {
                self.line(&format!("{source}: {region}: {error}; trying again"));
            }
            SyncProgress::Copying { source, region, image_id, state, percent, elapsed, .. } => {
                let place = (source.clone(), region.clone());
                self.copying(place, image_id, state.as_str(), percent.unwrap_or(0), *elapsed);
            }
            SyncProgress::Ended(destination) => {
                let outcome = destination.outcome.as_str();
                let place = (destination.source.clone(), destination.region.clone());
                match &self.shown {
                    Shown::Bars { by_place, .. } if by_place.contains_key(&place) => {
                        let bar = &by_place[&place];
                        if destination.outcome == Outcome::Copied {
                            bar.set_position(100);
                        }
                        bar.abandon_with_message(outcome);
                    }
                    _ => {
                        let (source, region) = place;
                        let elapsed = destination.elapsed.as_secs();
                        self.line(&format!("{source}: {region}: {outcome} after {elapsed} s"));
                    }
                }
            }
            _ => {}
        }
    }

    fn copying(&mut self, place: Place, copy: &str, state: &str, percent: i64, elapsed: Duration) {
        match &mut self.shown {
            Shown::Bars { all, by_place } => {
                // Ids and almost all regions are no longer than this, so that the bars begin below each other.
                let label = if self.several {
                    format!("{:12} {:16}", place.0, place.1)
                } else {
                    format!("{:16}", place.1)
                };
                let bar = by_place.entry(place).or_insert_with(|| bar(all, label, elapsed));
                bar.set_position(percent.clamp(0, 100).unsigned_abs());
                bar.set_message(output::escaped(state).into_owned());
            }
            Shown::Lines { last } => {
                // A file wants to know how it goes, not every percent of it.
                let seen = last.entry(place.clone()).or_insert_with(|| (String::new(), 0));
                if seen.0 != state || percent >= seen.1 + 10 {
                    *seen = (state.to_owned(), percent);
                    let ((source, region), elapsed) = (place, elapsed.as_secs());
                    self.line(&format!("{source}: {region}: {copy} {state} {percent} % after {elapsed} s"));
                }
            }
            Shown::Nothing | Shown::Events => {}
        }
    }

    /// What others say meanwhile.
    pub(crate) fn speaker(&self) -> Speaker {
        let bars = match &self.shown {
            Shown::Bars { all, .. } => Some(all.clone()),
            _ => None,
        };
        Speaker { bars, is_over: Arc::clone(&self.is_over) }
    }

    /// A line for both: bars stay below it.
    fn line(&self, text: &str) {
        let text = output::escaped(text);
        match &self.shown {
            Shown::Bars { all, .. } => drop(all.println(text)),
            _ => output::note(text),
        }
    }

    /// Leaves the bars as they are and stops their clocks.
    pub(crate) fn finish(self) {
        self.is_over.store(true, Ordering::Release);
        if let Shown::Bars { by_place, .. } = self.shown {
            by_place.into_values().filter(|bar| !bar.is_finished()).for_each(|bar| bar.abandon());
        }
    }
}

/// A bar for one destination, whose clock has run since the submission.
fn bar(all: &MultiProgress, label: String, elapsed: Duration) -> ProgressBar {
    let colour = if crate::connect::var("NO_COLOR").is_some() { "" } else { ".cyan" };
    let template = format!("{{prefix}} {{bar:30{colour}}} {{pos:>3}} % {{msg:10}} {{elapsed}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = all.add(ProgressBar::new(100).with_elapsed(elapsed));
    bar.set_style(style);
    bar.set_prefix(label);
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}
