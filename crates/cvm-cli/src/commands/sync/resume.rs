//! `cvm sync --resume`: which jobs are resumed, and with which profile.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use cvm_config::Setting;
use cvm_proto::{Cancel, Error, SyncState};

use super::begin::{ReadyJob, open, this_run};
use super::stop::Stop;
use super::{JobEnd, print_for_programs, run_to_its_end};
use crate::args::{Global, Output, SyncArgs};
use crate::connect::{self, Connection};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journals::{self, StoredJob};
use crate::{output, table};

/// The one job that the options name, ready to run; none if none is named, and none is left to resume.
pub(super) fn one(
    global: &Global,
    args: &SyncArgs,
    cancel: &Cancel,
) -> Result<Option<(Connection, ReadyJob)>, Failure> {
    let Some(path) = which(args)? else {
        nothing_to_resume(global);
        return Ok(None);
    };
    // What is resumed is read again under the lock: this is for the profile alone.
    let Some(state) = cvm_journal::read(&path)? else {
        return Err(Failure::usage(format!("there is no journal {}: name another file", path.display())));
    };
    let own = own_profile(global, &state).filter(|_| global.profile.is_none());
    let connection = connect_with(global, own)?;
    let job = ready(&path, global, args, &connection, cancel)?;
    if !global.quiet && !args.json {
        output::note(format_args!("cvm: resuming the job in {}", path.display()));
    }
    Ok(Some((connection, job)))
}

fn nothing_to_resume(global: &Global) {
    if global.format() != Output::Json && !global.quiet {
        output::note("cvm: there is no job to resume");
    }
}

fn ready(
    path: &Path,
    global: &Global,
    args: &SyncArgs,
    connection: &Connection,
    cancel: &Cancel,
) -> Result<ReadyJob, Failure> {
    let job = open(path, global, connection)?.resume(this_run(args, cancel), connection.client.config())?;
    Ok(ReadyJob::Journaled(path.to_owned(), Box::new(job)))
}

/// The profile that a job was begun with, unless it is the one that is set anyway.
fn own_profile<'a>(global: &Global, state: &'a SyncState) -> Option<&'a str> {
    let set = || Setting::Profile.variables().iter().find_map(|name| connect::var(name));
    // The embedded endpoint has its own credential, and no profile's.
    state.profile().filter(|_| !global.local).filter(|own| set().is_none_or(|set| set != *own))
}

/// A client with this profile, or with what the options say.
fn connect_with(global: &Global, own: Option<&str>) -> Result<Connection, Failure> {
    let Some(own) = own else { return connect::open(global) };
    let global = Global { profile: Some(own.to_owned()), ..global.clone() };
    connect::open(&global)
        .map_err(|failure| failure.about(format_args!("the job was begun with the profile `{own}`")))
}

/// The journal that is named, or the only one there is, if there is one.
fn which(args: &SyncArgs) -> Result<Option<PathBuf>, Failure> {
    let id = args.resume.as_deref().unwrap_or_default();
    match &args.journal {
        Some(path) if id.is_empty() => return Ok(Some(path.clone())),
        Some(_) => {
            return Err(Failure::usage(format!(
                "--resume {id} and --journal both name a job: leave one out"
            )));
        }
        None if id.is_empty() => {}
        None if id.starts_with("img-") => {
            return Err(Failure::usage(format!(
                "--resume takes a job as it was begun: leave {id} out, or name the job by its ID, which cvm jobs shows"
            )));
        }
        None => return Ok(Some(journals::find(id)?.path)),
    }
    let (mut open, mut running) = (Vec::new(), Vec::new());
    for job in journals::list()? {
        match &job.stored {
            Err(error) => pass_over(&job, &broken(&job, error)),
            Ok(_) if !job.is_open() => {}
            Ok(_) if job.is_running() => running.push(job),
            Ok(_) => open.push(job),
        }
    }
    match (open.as_slice(), running.as_slice()) {
        ([job], _) => Ok(Some(job.path.clone())),
        ([], []) => Ok(None),
        ([], [job, ..]) => Err(Failure::other(format!("the job {} is running: wait for its end", job.id))),
        _ => Err(Failure::usage(
            "there are several jobs to resume: name one by its ID, which cvm jobs shows, or resume them with --all",
        )),
    }
}

/// Resumes all jobs, each with its own profile; the worst of their exit codes counts.
pub(super) fn all(global: &Global, args: &SyncArgs, stop: &Stop) -> Result<Exit, Failure> {
    if let Some(id) = args.resume.as_deref().filter(|id| !id.is_empty()) {
        return Err(Failure::usage(format!("--all resumes all jobs: leave the ID {id} out, or --all")));
    }
    let mut connections = BTreeMap::new();
    let mut worst = Exit::Done;
    let mut outcomes = Vec::new();
    let jobs = journals::list()?;
    for job in jobs.iter().filter(|job| job.stored.is_err() || job.is_open()) {
        if let Some(signal) = stop.signal() {
            worst = worst.or_worse(signal.exit());
            break;
        }
        let ended = match prepare(job, global, args, &mut connections, &stop.cancel) {
            Ok((connection, ready)) => run_to_its_end(global, args, connection, ready, stop),
            Err(failure) => passed_over(job, global, failure),
        };
        worst = worst.or_worse(ended.exit);
        let (Ok(mut outcome) | Err(mut outcome)) = ended.outcome;
        outcome["id"] = job.id.clone().into();
        outcome["exit_code"] = (ended.exit as u8).into();
        if args.json {
            print_for_programs(global, args, &outcome).map_err(|failure| failure.or_worse(worst))?;
        }
        outcomes.push(outcome);
    }
    if outcomes.is_empty() {
        nothing_to_resume(global);
    }
    if !args.json {
        print_for_programs(global, args, &outcomes.into()).map_err(|failure| failure.or_worse(worst))?;
    }
    Ok(worst)
}

type Connections = BTreeMap<Option<String>, Connection>;

fn prepare<'a>(
    job: &StoredJob,
    global: &Global,
    args: &SyncArgs,
    connections: &'a mut Connections,
    cancel: &Cancel,
) -> Result<(&'a Connection, ReadyJob), Failure> {
    let state = job.stored.as_ref().map_err(|error| broken(job, error))?;
    let own = own_profile(global, state);
    let connection = match connections.entry(own.map(str::to_owned)) {
        Entry::Occupied(connection) => connection.into_mut(),
        Entry::Vacant(place) => place.insert(connect_with(global, own)?),
    };
    let ready = ready(&job.path, global, args, connection, cancel)?;
    if !global.quiet && !args.json {
        let (images, regions) = (table::abbreviate(state.images()), table::abbreviate(state.regions()));
        let profile = own.map(|own| format!(", with the profile {own}")).unwrap_or_default();
        let text = format!("cvm: resuming the job {}: {images} to {regions}{profile}", job.id);
        output::note(text);
    }
    Ok((connection, ready))
}

/// A job that cannot be resumed here: the others are, and one day it may be.
fn passed_over(job: &StoredJob, global: &Global, why: Failure) -> JobEnd {
    let why = why.ending_with(Exit::Incomplete);
    if global.format() != Output::Json {
        pass_over(job, &why);
    }
    let mut ended = JobEnd::with(&why, "passed_over");
    if let Err(outcome) = &mut ended.outcome {
        outcome["journal"] = job.path.display().to_string().into();
    }
    ended
}

fn pass_over(job: &StoredJob, why: &Failure) {
    output::note(format_args!("cvm: passing over the job {}: {why}", job.id));
}

/// A file that is no journal, or none that can be read.
fn broken(job: &StoredJob, error: &Error) -> Failure {
    Failure::other(format!("{error}; this removes it: cvm jobs forget {}", job.id))
}
