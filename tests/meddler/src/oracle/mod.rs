//! Says what is not true: of a report, and of what became of the endpoint's images.
//!
//! It goes by the [`History`], which has every image with every state that it ever had, and by the [`Exchange`]s, which
//! have what each client received. A client can know nothing else.
//!
//! | a line says | that is true if |
//! |---|---|
//! | `copied`, `present` | the id is that of a copy that was `NORMAL` during the run, and its basis is what happened |
//! | `skipped` | it was asked for, and an image of that name was there |
//! | `conflict` | an image had the name during the run, and was no usable copy |
//! | `failed` | the copy was seen to have failed; or a client received the error; or answers were lost |
//! | `gone` | the copy was there once, and is not any more |
//! | `started` | the copy was there during the run, and nobody was to wait for it |
//! | `timed_out` | the copy, if one is named, was there during the run, and was not seen to be ready |
//! | `unknown` | a request's answer was lost, the name is taken, or a copy is not to be seen |
//! | `cancelled` | the run was interrupted, and started no copy there |
//! | `planned` | the run was a dry run |

mod endpoint_state;
mod line;
mod report;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::Value;

use crate::exchange::{Exchange, Received};
use crate::history::{History, Known};

/// What a run of a sync job was asked to do.
// Each flag is an option of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The images; none if the run took them from a journal.
    pub images: Vec<String>,
    /// The regions; none if the run took them from a journal.
    pub regions: Vec<String>,
    /// The name of the copies, where it is not the source's.
    pub name: Option<String>,
    /// Whether failed copies were to be deleted.
    pub deletes_failed: bool,
    /// Whether conflicts were to be passed over.
    pub skips_conflicts: bool,
    /// Whether it was to end once the copies were accepted.
    pub starts_only: bool,
    /// Whether nothing was to be started.
    pub dry_run: bool,
    /// Whether another job may be in its journal, so that it may be refused.
    pub may_be_refused: bool,
    /// Whether another run may have its journal.
    pub may_be_locked: bool,
}

/// A run that is over. Times are those of the [`Meddler`](crate::Meddler).
#[derive(Clone, Debug)]
pub struct Run {
    /// What it was to do.
    pub asked: Asked,
    /// When it began.
    pub from: Duration,
    /// When it was over.
    pub to: Duration,
    /// Whether it was asked to stop, by a signal.
    pub interrupted: bool,
    /// Whether it was stopped for a while, so that it may have given up on an answer that came.
    pub deaf: bool,
    /// Whether no other run overlapped with it.
    pub alone: bool,
    /// How it ended.
    pub end: End,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum End {
    /// Without a word: it was killed, or had nothing to do.
    Silence,
    /// With a report, and an exit code.
    Report(i32, Value),
    /// With an error in place of a report: an object with `kind`, `code` and so on, or a sentence.
    Error(i32, Value),
}

/// What is known of a job, and judges what is said of it.
#[derive(Clone, Copy, Debug)]
pub struct Oracle<'a> {
    /// What is known of images, a look after the last run included.
    pub history: &'a History,
    /// Everything that passed.
    pub exchanges: &'a [Exchange],
    /// Every run.
    pub runs: &'a [Run],
}

/// An answer that comes so shortly before the end of a run may have come too late.
const IN_TIME: Duration = Duration::from_millis(500);

impl<'a> Oracle<'a> {
    /// What of a run's last words is not true; empty if all is.
    pub fn judge(&self, run: &Run) -> Vec<String> {
        match &run.end {
            End::Silence => Vec::new(),
            End::Report(code, report) => self.report(run, *code, report),
            End::Error(code, error) => self.refusal(run, *code, error).into_iter().collect(),
        }
    }

    /// The exchanges that arrived during a run.
    fn during(&self, run: &Run) -> impl Iterator<Item = &'a Exchange> {
        let (from, to) = (run.from, run.to);
        self.exchanges.iter().filter(move |exchange| exchange.arrived >= from && exchange.arrived <= to)
    }

    /// An image that was ever in a region.
    fn image(&self, id: &str, region: &str) -> Option<&'a Known> {
        self.history.image(id).filter(|image| image.region == region)
    }

    /// Every name that a copy of a source may have been given.
    fn names(&self, source: &str, asked: &Asked) -> Vec<&str> {
        let own = self.history.image(source).into_iter().flat_map(|image| &image.names);
        let given = self.exchanges.iter().filter(|exchange| {
            exchange.action == "SyncImages" && exchange.image_ids().any(|id| id == source)
        });
        let given = given.filter_map(|exchange| exchange.request["ImageName"].as_str());
        let mut names: Vec<&str> = own.map(String::as_str).chain(given).collect();
        names.extend(
            self.runs
                .iter()
                .filter(|run| run.asked.images == asked.images)
                .filter_map(|run| run.asked.name.as_deref()),
        );
        names
    }

    /// Whether an image is a copy of a source: an answer said so, or it has the name and looks like it.
    fn is_copy(&self, image: &Known, source: &str, asked: &Asked) -> bool {
        let answered = self.history.accepted.iter().filter(|accepted| accepted.source == source);
        let mut ids = answered.filter_map(|accepted| accepted.copies.get(&image.region)?.as_deref());
        ids.any(|id| id == image.id)
            || image.is_private()
                && self.resembles(image, source)
                && self.names(source, asked).iter().any(|name| image.names.contains(*name))
    }

    /// Whether an image has what every copy of a source has.
    fn resembles(&self, image: &Known, source: &str) -> bool {
        let Some(source) = self.history.image(source) else { return false };
        ["OsName", "Architecture", "ImageSize"].iter().all(|fact| image.facts[fact] == source.facts[fact])
    }

    /// Whether a client cannot know whether a copy was started: an answer was lost on the way, or with a run that was
    /// killed or stopped.
    fn is_uncertain(&self, source: &str, region: &str) -> bool {
        let unheard = |exchange: &Exchange| {
            let mut silent = self.runs.iter().filter(|run| run.deaf || matches!(run.end, End::Silence));
            silent.any(|run| (run.from..=run.to).contains(&exchange.arrived))
        };
        let mut requests = self.exchanges.iter().filter(|exchange| exchange.asks_for_copy(source, region));
        requests.any(|exchange| exchange.is_lost() || unheard(exchange))
    }

    /// What clients received of a region's images during a run, one list after the other, and whether it was all.
    fn lists(&self, run: &Run, region: &'a str) -> impl Iterator<Item = (&'a Exchange, &'a [Value])> {
        let lists = self
            .during(run)
            .filter(move |exchange| exchange.action == "DescribeImages" && exchange.region == region);
        lists.filter_map(|exchange| Some((exchange, exchange.response()?["ImageSet"].as_array()?.as_slice())))
    }

    /// Whether a run saw that an image is ready, in time to say so. Of two runs at once it cannot be said which one
    /// was, and one that is interrupted may drop an answer.
    fn saw_ready(&self, run: &Run, region: &'a str, id: &str) -> bool {
        let in_time = |exchange: &Exchange| exchange.received_at.is_some_and(|at| at + IN_TIME < run.to);
        let shows = |image: &Value| image["ImageId"] == id && image["ImageState"] == "NORMAL";
        let mut lists = self.lists(run, region);
        run.alone
            && !run.interrupted
            && !run.deaf
            && lists.any(|(exchange, images)| in_time(exchange) && images.iter().any(shows))
    }

    /// Whether an image was missing in a list of a region that could have had it.
    fn was_missed(&self, run: &Run, region: &'a str, id: &str) -> bool {
        self.lists(run, region).any(|(exchange, images)| {
            let by_id = exchange.image_ids().next().is_some();
            images.iter().all(|image| image["ImageId"] != id)
                && (!by_id || exchange.image_ids().any(|asked| asked == id))
        })
    }

    /// Whether some answer during a run did not arrive as the endpoint gave it.
    fn had_trouble(&self, run: &Run) -> bool {
        run.deaf || self.during(run).any(|exchange| exchange.received != Some(Received::All))
    }
}
