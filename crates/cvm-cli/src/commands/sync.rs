//! `cvm sync`: carries images to other regions.

mod begin;
mod hint;
mod report;
mod resume;
mod stop;

use std::path::Path;

use cvm_proto::SyncReport;
use serde_json::{Value, json};

use self::begin::ReadyJob;
use self::stop::Stop;
use crate::args::{Global, Output, SyncArgs};
use crate::connect::{self, Connection};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::render::SCHEMA_VERSION;
use crate::signals::Signal;
use crate::{journals, output};

/// Copies the images and reports on every destination.
pub(crate) fn run(global: &Global, args: &SyncArgs) -> Result<Exit, Failure> {
    if args.all && args.resume.is_none() {
        return Err(Failure::usage("--all goes with --resume: for every region, write --to all"));
    }
    let stop = Stop::listen(global)?;
    if args.all {
        return resume::all(global, args, &stop);
    }
    let ready = if args.resume.is_some() {
        resume::one(global, args, &stop.cancel)?
    } else {
        let connection = connect::open(global)?;
        let job =
            begin::begin(global, args, &connection, &stop.cancel).map_err(|failure| stop.judge(failure))?;
        Some((connection, job))
    };
    let Some((connection, job)) = ready else {
        // Events are none where no job runs.
        if !args.json {
            print_for_programs(global, args, &Value::Null)?;
        }
        return Ok(Exit::Done);
    };
    let ended = run_to_its_end(global, args, &connection, job, &stop);
    // Programs find on stdout what came of a job, also where it is an error, which has been said on stderr as well.
    let (Ok(outcome) | Err(outcome)) = &ended.outcome;
    // It may have nowhere to go, as the terminal is gone: the signal that says so decides on the code.
    print_for_programs(global, args, outcome).map_err(|failure| failure.or_worse(ended.exit))?;
    Ok(ended.exit)
}

/// How a job ended.
struct JobEnd {
    exit: Exit,
    /// The report, or the error that left none; for programs.
    outcome: Result<Value, Value>,
}

impl JobEnd {
    /// With an error that has been said.
    fn with(failure: &Failure, event: &str) -> Self {
        let outcome = json!({
            "schema_version": SCHEMA_VERSION,
            "event": event,
            "error": failure.to_json(),
            "exit_code": failure.exit as u8,
        });
        Self { exit: failure.exit, outcome: Err(outcome) }
    }
}

/// Runs a job, and says to people what came of it.
fn run_to_its_end(
    global: &Global,
    args: &SyncArgs,
    connection: &Connection,
    job: ReadyJob,
    stop: &Stop,
) -> JobEnd {
    let journal = job.journal();
    let mut progress = if args.json {
        Progress::events()
    } else if global.quiet {
        Progress::nothing()
    } else {
        Progress::for_people(job.images().len(), job.regions().len(), global.verbose == 0)
    };
    stop.speak_beside(&progress);
    if let Some(path) = journal.as_ref().filter(|_| !global.local) {
        stop.leave_behind(hint::resume_later(global, path), path);
    }
    let outcome = job.run(connection, &mut progress);
    let signal = stop.signal();
    progress.finish();
    let mut ended =
        outcome.and_then(|report| with_report(global, signal, &report)).unwrap_or_else(|failure| {
            let failure = stop.judge(failure);
            failure.show(global.format());
            if let Some(path) = journal.as_ref().filter(|_| args.journal.is_none()) {
                journals::drop_if_useless(path);
            }
            JobEnd::with(&failure, "failed")
        });
    if let Some(path) = journal {
        // A run that went well has met the service, which takes no request of a clock that is far off.
        if ended.exit == Exit::Done {
            journals::drop_old();
        }
        let is_finished = leave(&path, global, ended.exit);
        let (Ok(summary) | Err(summary)) = &mut ended.outcome;
        summary["journal"] = path.display().to_string().into();
        summary["finished"] = is_finished.into();
    }
    ended
}

/// A job that has ended with a report; people are shown it.
fn with_report(global: &Global, signal: Option<Signal>, report: &SyncReport) -> Result<JobEnd, Failure> {
    if global.format() != Output::Json {
        report::people(global, report)?;
    }
    if let Some(signal) = signal.filter(|_| !global.is_for_programs()) {
        report::last_words(global, signal, report).into_iter().for_each(output::note);
    }
    let exit = signal.map_or_else(|| report::exit(report), Signal::exit);
    Ok(JobEnd { exit, outcome: Ok(report::summary(report)) })
}

/// Says how to resume a job that has not ended. `true` if it has.
fn leave(journal: &Path, global: &Global, exit: Exit) -> bool {
    match cvm_journal::read(journal) {
        Ok(Some(state)) if !state.is_finished() => {
            // The next embedded endpoint knows nothing of it; and where all is as asked for, quiet is quiet.
            let is_needless = global.local || global.is_for_programs() || global.quiet && exit == Exit::Done;
            if !is_needless {
                hint::resume_later(global, journal).into_iter().for_each(output::note);
            }
            false
        }
        Ok(Some(_)) => true,
        // It has not begun.
        Ok(None) => false,
        Err(error) => {
            output::note(format_args!("cvm: {error}"));
            false
        }
    }
}

/// Prints what came of a job, or of several.
fn print_for_programs(global: &Global, args: &SyncArgs, outcome: &Value) -> Result<(), Failure> {
    if args.json {
        output::json_line(outcome)
    } else if global.format() == Output::Json {
        output::json(outcome)
    } else {
        Ok(())
    }
}
