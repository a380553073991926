//! From the options to a job that is ready to run.

use std::path::{Path, PathBuf};

use cvm_journal::{Journal, Journaled};
use cvm_proto::{
    Cancel, ImageSync, OnConflict, PreparedSync, SyncEndpoint, SyncReport, SyncRun, SyncState, WhichRegions,
    input,
};

use crate::args::{Conflicts, Global, SyncArgs};
use crate::connect::Connection;
use crate::failure::Failure;
use crate::journals::{self, Identity};
use crate::output;
use crate::progress::Progress;

/// A job that is ready to run.
pub(super) enum ReadyJob {
    /// Nobody keeps it: a dry run starts nothing, and an embedded endpoint forgets everything.
    Unkept(Box<PreparedSync>),
    Journaled(PathBuf, Box<Journaled>),
}

impl ReadyJob {
    pub(super) fn images(&self) -> &[String] {
        match self {
            Self::Unkept(job) => job.state().images(),
            Self::Journaled(_, job) => job.state().images(),
        }
    }

    pub(super) fn regions(&self) -> &[String] {
        match self {
            Self::Unkept(job) => job.state().regions(),
            Self::Journaled(_, job) => job.state().regions(),
        }
    }

    /// Where it is kept.
    pub(super) fn journal(&self) -> Option<PathBuf> {
        match self {
            Self::Unkept(_) => None,
            Self::Journaled(path, _) => Some(path.clone()),
        }
    }

    pub(super) fn run(self, connection: &Connection, progress: &mut Progress) -> Result<SyncReport, Failure> {
        let show = |event| progress.show(&event);
        Ok(match self {
            Self::Unkept(job) => connection.client.run(*job, show)?,
            Self::Journaled(_, job) => connection.client.run(*job, show)?,
        })
    }
}

/// The job that the options describe, begun or resumed.
pub(super) fn begin(
    global: &Global,
    args: &SyncArgs,
    connection: &Connection,
    cancel: &Cancel,
) -> Result<ReadyJob, Failure> {
    let config = connection.client.config();
    let Some(from) = args.from.as_deref().map(input::trim).or(config.region()) else {
        return Err(Failure::usage("no source region: name the region that the images are in with --from"));
    };
    // The job is what its regions are: they are known before it is.
    let which = WhichRegions::of(&args.to).except(&args.except).from(from).cancel_with(cancel);
    let regions = connection.client.run(which, |never| match never {})?;
    let job = job(args, from, regions, cancel);
    let endpoint = if global.local { SyncEndpoint::embedded() } else { SyncEndpoint::of(config) };
    let identity = Identity {
        endpoint: &endpoint,
        source_region: from,
        images: job.images(),
        regions: job.regions(),
        name: args.name.as_deref(),
    };
    let path = match &args.journal {
        Some(path) => path.clone(),
        None if global.local => {
            return Ok(ReadyJob::Unkept(Box::new(job.begin_or_resume(None, endpoint, config)?)));
        }
        None if args.dry_run => {
            // What the job has done tells what a run would do.
            let stored = journals::known(&identity)?;
            return Ok(ReadyJob::Unkept(Box::new(job.begin_or_resume(stored, endpoint, config)?)));
        }
        None => {
            journals::drop_locks();
            journals::of(&identity, global)?
        }
    };
    let job = open(&path, global, connection)?.begin_or_resume(job, config)?;
    if job.is_resumed() && !global.quiet && !args.json {
        output::note(format_args!("cvm: resuming the job in {}", path.display()));
    }
    Ok(ReadyJob::Journaled(path, Box::new(job)))
}

/// A journal of this endpoint.
pub(super) fn open(path: &Path, global: &Global, connection: &Connection) -> Result<Journal, Failure> {
    let mut journal = Journal::open(path)?;
    if global.local {
        let is_lost =
            |state: &SyncState| !state.is_finished() && *state.endpoint() == SyncEndpoint::embedded();
        if cvm_journal::read(path)?.as_ref().is_some_and(is_lost) {
            return Err(Failure::usage(format!(
                "the job in {} was begun with --local, and its embedded endpoint has ended with that command: remove the file",
                path.display()
            )));
        }
        journal = journal.embedded();
    }
    Ok(connection.profile.iter().fold(journal, Journal::profile))
}

/// What belongs to this run of the job.
pub(super) fn this_run(args: &SyncArgs, cancel: &Cancel) -> SyncRun {
    let run = SyncRun::new()
        .delete_failed(args.delete_failed)
        .own_copies(args.own_copies)
        .wait(!args.no_wait)
        .dry_run(args.dry_run)
        .cancel_with(cancel);
    let run = args.timeout.into_iter().fold(run, SyncRun::timeout);
    let run = args.settle.into_iter().fold(run, SyncRun::settle);
    let run = args.poll_every.into_iter().fold(run, SyncRun::poll_every);
    args.destination_timeout.into_iter().fold(run, SyncRun::destination_timeout)
}

fn job(args: &SyncArgs, from: &str, to: Vec<String>, cancel: &Cancel) -> ImageSync {
    let on_conflict = match args.on_conflict {
        Conflicts::Fail => OnConflict::Fail,
        Conflicts::Skip => OnConflict::Skip,
    };
    let job = ImageSync::of(&args.images)
        .from(from)
        .to(to)
        .on_conflict(on_conflict)
        .encrypt(args.encrypt)
        .same_attributes(args.same_attributes)
        .with_run(this_run(args, cancel));
    let job = args.name.iter().fold(job, ImageSync::name);
    let job = args.kms_key_id.iter().fold(job, ImageSync::kms_key_id);
    args.max_size.into_iter().fold(job, ImageSync::max_size)
}
