//! `cvm sync`: carries images to other regions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cvm_journal::{Journal, Journaled};
use cvm_proto::{Cancel, ImageSync, OnConflict, Outcome, SyncReport, SyncRun};
use serde_json::json;

use crate::args::{Conflicts, Global, Output, SyncArgs};
use crate::connect::Link;
use crate::failure::{Exit, Failure};
use crate::progress::Progress;
use crate::signals::{self, Signal};
use crate::{connect, journals, output, table};

/// The first signal lets the job end in order.
const STOPPING: &str = "cvm: stopping, which takes 6 s at most; a second signal stops at once";

/// Copies the images and reports on every destination.
pub(crate) fn run(global: &Global, args: &SyncArgs) -> Result<Exit, Failure> {
    let cancel = Cancel::new();
    let link = connect::open(global)?;
    let job = prepare(global, args, &link, &cancel)?;
    let place = job.place();

    let several = job.images().len() > 1;
    let mut progress = if args.json {
        Progress::events()
    } else if global.quiet {
        Progress::nothing()
    } else {
        Progress::for_people(several, global.verbose == 0)
    };
    let signals = {
        let (cancel, speaker) = (cancel.clone(), progress.speaker());
        signals::listen(move || cancel.cancel(), move |line| speaker.interject(line), Some(STOPPING))?
    };
    let outcome = job.run(&link, &mut progress);
    let signal = signals.first();
    progress.finish();
    let told = outcome.and_then(|report| {
        show(global, args, &report)?;
        if let Some(signal) = signal {
            output::note(last_words(global, signal, &report));
        }
        Ok(exit(&report))
    });
    let told = go_on_later(args, place.as_deref()).and(told);
    match (signal, told) {
        (None, told) => told,
        (Some(signal), Ok(_)) => Ok(signal.exit()),
        // Such as a report that cannot be written, as the terminal is gone.
        (Some(signal), Err(failure)) => Err(failure.after(signal)),
    }
}

/// Shows the report on stdout.
fn show(global: &Global, args: &SyncArgs, report: &SyncReport) -> Result<(), Failure> {
    if args.json {
        let mut last = summary(report);
        last["event"] = "report".into();
        output::line(last)
    } else if global.output == Output::Json {
        output::json(&summary(report))
    } else {
        people(report)
    }
}

/// A job that is ready to run.
enum Ready {
    /// Nobody keeps it: a dry run starts nothing, and an embedded endpoint forgets everything.
    Unkept(Box<ImageSync>),
    Kept(PathBuf, Box<Journaled>),
}

impl Ready {
    fn images(&self) -> &[String] {
        match self {
            Self::Unkept(job) => job.images(),
            Self::Kept(_, job) => job.state().images(),
        }
    }

    fn place(&self) -> Option<PathBuf> {
        match self {
            Self::Unkept(_) => None,
            Self::Kept(path, _) => Some(path.clone()),
        }
    }

    fn run(self, link: &Link, progress: &mut Progress) -> Result<SyncReport, Failure> {
        let show = |event| progress.show(&event);
        Ok(match self {
            Self::Unkept(job) => link.client.run(*job, show)?,
            Self::Kept(_, job) => link.client.run(*job, show)?,
        })
    }
}

/// The job that the options describe, or the one in the journal.
fn prepare(global: &Global, args: &SyncArgs, link: &Link, cancel: &Cancel) -> Result<Ready, Failure> {
    let config = link.client.config();
    let open = |path: &Path| -> Result<Journal, Failure> {
        let journal = Journal::open(path)?;
        let journal = if global.local { journal.embedded() } else { journal };
        Ok(global.profile.iter().fold(journal, Journal::profile))
    };
    if args.resume {
        let path = args.journal.clone().map_or_else(journals::only_one, Ok)?;
        if !path.exists() {
            return Err(Failure::usage(format!("there is no journal {}: name another file", path.display())));
        }
        let job = open(&path)?.resume(this_run(args).cancel_with(cancel), config)?;
        return Ok(Ready::Kept(path, Box::new(job)));
    }
    let Some(from) = args.from.as_deref().or(config.region()) else {
        return Err(Failure::usage("no source region: name the region that the images are in with --from"));
    };
    let job = job(args, from).cancel_with(cancel);
    let path: PathBuf = match &args.journal {
        Some(path) => path.clone(),
        None if args.dry_run || global.local => return Ok(Ready::Unkept(Box::new(job))),
        None => journals::of(&job, from, global, args.name.as_deref())?,
    };
    let job = open(&path)?.begin_or_resume(job, config)?;
    if job.is_resumed() && !global.quiet {
        output::note(format_args!("cvm: resuming the job in {}", path.display()));
    }
    Ok(Ready::Kept(path, Box::new(job)))
}

/// What belongs to this run of the job.
fn this_run(args: &SyncArgs) -> SyncRun {
    let run = SyncRun::new().delete_failed(args.delete_failed).wait(!args.no_wait).dry_run(args.dry_run);
    let run = args.timeout.into_iter().fold(run, SyncRun::timeout);
    let run = args.settle.into_iter().fold(run, SyncRun::settle);
    args.destination_timeout.into_iter().fold(run, SyncRun::destination_timeout)
}

fn job(args: &SyncArgs, from: &str) -> ImageSync {
    let on_conflict = match args.on_conflict {
        Conflicts::Fail => OnConflict::Fail,
        Conflicts::Skip => OnConflict::Skip,
    };
    let job = ImageSync::of(&args.images)
        .from(from)
        .to(&args.to)
        .on_conflict(on_conflict)
        .encrypt(args.encrypt)
        .same_attributes(args.same_attributes)
        .with_run(this_run(args));
    let job = args.name.iter().fold(job, ImageSync::name);
    let job = args.kms_key_id.iter().fold(job, ImageSync::kms_key_id);
    args.max_size.into_iter().fold(job, ImageSync::max_size)
}

/// What goes on without the program.
fn last_words(global: &Global, signal: Signal, report: &SyncReport) -> String {
    let mut text = format!("cvm: {}", signal.participle());
    if global.local {
        text.push_str("; the embedded endpoint and its copies end with the command");
        return text;
    }
    let started = report.destinations.iter().filter(|of| of.outcome == Outcome::Started);
    let mut ids = started.filter_map(|of| Some((&of.region, of.image_id.as_ref()?))).peekable();
    if ids.peek().is_some() {
        text.push_str("; these copies go on in the service:");
    }
    for (region, id) in ids {
        text.push_str(&format!("\n  cvm call DescribeImages --region {region} ImageIds.0={id}"));
    }
    text
}

/// Says how to go on with a job that has not ended; one that has leaves nothing in the folder of the jobs.
fn go_on_later(args: &SyncArgs, journal: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = journal else { return Ok(()) };
    let finished = cvm_journal::read(path)?.is_none_or(|state| state.is_finished());
    if !finished {
        output::note(format_args!("cvm: go on with: cvm sync --resume --journal {}", path.display()));
    } else if args.journal.is_none() {
        cvm_journal::remove(path)?;
    }
    Ok(())
}

/// For programs: the report as the core writes it, and whether all is well.
fn summary(report: &SyncReport) -> serde_json::Value {
    let mut summary = json!(report);
    summary["complete"] = (exit(report) == Exit::Done).into();
    summary
}

/// For people: a table on stdout, and under it, on stderr, why something is missing.
fn people(report: &SyncReport) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let mut remarks: Vec<String> = Vec::new();
    for destination in &report.destinations {
        // Whole seconds are enough for people.
        let elapsed = Duration::from_secs(destination.elapsed.as_secs());
        rows.push(vec![
            destination.source.clone(),
            destination.region.clone(),
            destination.outcome.as_str().to_owned(),
            destination.image_id.clone().unwrap_or_else(|| "-".into()),
            humantime::format_duration(elapsed).to_string(),
        ]);
        let (source, region) = (&destination.source, &destination.region);
        // A request that was refused is the reason for all of its destinations alike.
        let errors = destination.error.iter().map(|error| format!("cvm: {source}: {error}"));
        let notes = destination.notes.iter().map(|note| format!("cvm: {source}: {region}: {note}"));
        for remark in errors.chain(notes) {
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
        }
    }
    output::line(table::lay_out(&["IMAGE", "REGION", "OUTCOME", "COPY", "TIME"], &rows))?;
    remarks.iter().for_each(output::note);
    Ok(())
}

/// All is well if every destination has its copy, or what else was asked for: to be started, to be planned.
fn exit(report: &SyncReport) -> Exit {
    let all = |fits: fn(&cvm_proto::Destination) -> bool| report.destinations.iter().all(fits);
    let is_good = |of: &cvm_proto::Destination| {
        let as_asked = matches!(of.outcome, Outcome::Started | Outcome::Planned) && of.error.is_none();
        of.outcome.is_good() || as_asked
    };
    if all(is_good) {
        Exit::Done
    } else if all(|of| of.outcome.is_good() || of.outcome == Outcome::TimedOut) {
        Exit::TimedOut
    } else {
        Exit::Incomplete
    }
}
