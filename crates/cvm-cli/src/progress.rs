//! What a sync job shows on its way: bars for a terminal, lines for a file, events for programs.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use cvm_proto::{Outcome, SyncProgress};

use crate::bars::{Bars, Board};
use crate::output;

/// Shows a job.
pub(crate) struct Progress {
    shown: Shown,
}

/// Says to people, while the progress is shown and after it, what the progress does not know. From any thread.
#[derive(Clone)]
pub(crate) struct Speaker {
    bars: Option<Bars>,
}

impl Speaker {
    /// Prints lines to stderr, and returns once they are there. Bars stay below them, and a `^C` that the terminal shows
    /// above.
    pub(crate) fn interject(&self, lines: &[String]) {
        if self.bars.is_none() && std::io::stderr().is_terminal() {
            output::note("");
        }
        for line in lines {
            match &self.bars {
                Some(bars) if bars.line(line.clone()).is_none() => bars.flush(),
                _ => output::note(line),
            }
        }
    }
}

/// An image and a region.
type ImageInRegion = (String, String);

enum Shown {
    Nothing,
    /// On stdout, one a line.
    Events,
    Bars(Bars),
    Lines {
        last: BTreeMap<ImageInRegion, (String, i64)>,
    },
}

impl Progress {
    /// Events for programs.
    pub(crate) fn events() -> Self {
        Self { shown: Shown::Events }
    }

    /// Nothing at all.
    pub(crate) fn nothing() -> Self {
        Self { shown: Shown::Nothing }
    }

    /// For people, on stderr: `bars` if a terminal may have some, for so many images and regions.
    pub(crate) fn for_people(images: usize, regions: usize, bars: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let has_colour = crate::connect::var("NO_COLOR").is_none();
        let wants_bars = bars && !is_dumb && std::io::stderr().is_terminal();
        let board = wants_bars.then(|| Board::new(images * regions, images > 1, has_colour));
        Self {
            shown: match board.and_then(Bars::on_stderr) {
                Some(bars) => Shown::Bars(bars),
                None => Shown::Lines { last: BTreeMap::new() },
            },
        }
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
            Shown::Bars(_) | Shown::Lines { .. } => {}
        }
        match event {
            SyncProgress::Found { source, image_name, image_size, .. } => {
                self.line(&format!("{source}: found, {image_name}, {image_size} GiB"));
            }
            SyncProgress::Busy { source, .. } => {
                self.line(&format!("{source}: busy with another copy; waiting for it to end"));
            }
            SyncProgress::Adopted { source, region, image_id, .. } => {
                self.line(&format!("{source}: {region}: {image_id} is on its way already"));
            }
            SyncProgress::NameTaken { source, region, image_name, .. } => {
                self.line(&format!(
                    "{source}: {region}: the name `{image_name}` is already taken; searching for the image that has it"
                ));
            }
            SyncProgress::Submitted { source, regions, request_id, .. } => {
                let regions = regions.join(", ");
                self.line(&format!("{source}: accepted for {regions} (request id {request_id})"));
            }
            SyncProgress::Trouble { source, region, error, .. } => {
                // Most errors name the region that was asked.
                let region = if error.region().is_some() { "" } else { &format!("{region}: ") };
                self.line(&format!("{source}: {region}{error}"));
            }
            SyncProgress::Copying { source, region, image_id, state, percent, elapsed, .. } => {
                let of = (source.clone(), region.clone());
                self.copying(of, image_id, state.as_str(), percent.unwrap_or(0), *elapsed);
            }
            SyncProgress::Ended(destination) => {
                let (source, region) = (&destination.source, &destination.region);
                let (outcome, after) = (destination.outcome.as_str(), destination.elapsed);
                if let Shown::Bars(bars) = &self.shown {
                    bars.update(|board| {
                        board.ended(source, region, outcome, destination.is_as_asked(), after);
                    });
                } else {
                    let after = match destination.outcome {
                        Outcome::Planned => String::new(),
                        _ => format!(" after {} s", after.as_secs()),
                    };
                    self.line(&format!("{source}: {region}: {outcome}{after}"));
                }
            }
            _ => {}
        }
    }

    fn copying(&mut self, of: ImageInRegion, copy: &str, state: &str, percent: i64, elapsed: Duration) {
        match &mut self.shown {
            Shown::Bars(bars) => {
                let state = output::escaped(state);
                bars.update(|board| board.copying(&of.0, &of.1, &state, percent, elapsed));
            }
            Shown::Lines { last } => {
                // A file wants to know how it goes, not every percent of it.
                let seen = last.entry(of.clone()).or_insert_with(|| (String::new(), 0));
                if seen.0 != state || percent >= seen.1 + 10 {
                    *seen = (state.to_owned(), percent);
                    let ((source, region), elapsed) = (of, elapsed.as_secs());
                    self.line(&format!("{source}: {region}: {copy} {state} {percent} % after {elapsed} s"));
                }
            }
            Shown::Nothing | Shown::Events => {}
        }
    }

    /// What others say meanwhile.
    pub(crate) fn speaker(&self) -> Speaker {
        Speaker { bars: self.bars().cloned() }
    }

    fn bars(&self) -> Option<&Bars> {
        match &self.shown {
            Shown::Bars(bars) => Some(bars),
            _ => None,
        }
    }

    /// A line for both: bars stay below it.
    fn line(&self, text: &str) {
        match &self.shown {
            // They are left no sooner than at the end.
            Shown::Bars(bars) => drop(bars.line(output::escaped(text).into_owned())),
            _ => output::note(text),
        }
    }

    /// Leaves the bars as they are.
    pub(crate) fn finish(self) {
        if let Shown::Bars(bars) = self.shown {
            bars.finish();
        }
    }
}
