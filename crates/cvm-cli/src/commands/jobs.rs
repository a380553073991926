//! `cvm jobs`: the sync jobs that are kept in the jobs' folder.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cvm_proto::{SyncReport, SyncState};
use serde_json::{Value, json};

use crate::args::{Global, JobsArgs, JobsCommand, Output};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::journals::{self, StoredJob, endpoint_word};
use crate::table::{self, Table};
use crate::{output, render};

/// How wide the table is at most where there is no terminal.
const COLUMNS: usize = 80;

/// Lists the jobs, or forgets one.
pub(crate) fn run(global: &Global, args: &JobsArgs) -> Result<Exit, Failure> {
    if let Some(JobsCommand::Forget { id }) = &args.command {
        return forget(global, id);
    }
    journals::drop_locks();
    let mut jobs = journals::list()?;
    let all = jobs.len();
    jobs.retain(|job| args.all || job.is_open() || job.stored.is_err());
    if global.format() == Output::Json {
        output::json(&jobs.iter().map(for_programs).collect::<Vec<Value>>())?;
    } else if global.format() == Output::Text {
        render::rows_as_text(&jobs.iter().map(row).collect::<Vec<_>>())?;
    } else if !jobs.is_empty() {
        for_people(&jobs)?;
    } else if all > 0 {
        output::note("cvm: there is no job to resume; cvm jobs --all shows those that have ended");
    } else {
        output::note("cvm: there is no job");
    }
    Ok(Exit::Done)
}

fn forget(global: &Global, id: &str) -> Result<Exit, Failure> {
    let job = journals::find(id)?;
    if job.is_running() {
        return Err(Failure::other(format!("the job {} is running: end it first", job.id)));
    }
    cvm_journal::remove(&job.path)?;
    if global.format() != Output::Json && !global.quiet {
        let rest = if job.is_open() { "; copies that are on their way continue in the service" } else { "" };
        output::note(format_args!("cvm: the job {} is forgotten{rest}", job.id));
    }
    Ok(Exit::Done)
}

/// A table as wide as the terminal, and under each job what went wrong last.
fn for_people(jobs: &[StoredJob]) -> Result<(), Failure> {
    let headings = ["ID", "AGE", "STATE", "DONE", "IMAGES", "ENDPOINT", "PROFILE"];
    let rows: Vec<Vec<String>> = jobs.iter().map(row).collect();
    // Images, endpoint and profile may have any length.
    let columns = match render::columns() {
        usize::MAX => COLUMNS,
        columns => columns,
    };
    let (headings, rows, between) = match Table::within(columns, &headings, &rows, &[4, 5, 6]) {
        Table::Lines(headings, rows) => (Some(headings), rows, "\n"),
        Table::Blocks(rows) => (None, rows, "\n\n"),
    };
    let with_error = |(job, row): (&StoredJob, String)| match last_error(job) {
        Some(error) => format!("{row}\n{}", table::wrapped(&output::escaped(&error), 2, columns)),
        None => row,
    };
    let text: Vec<String> = headings.into_iter().chain(jobs.iter().zip(rows).map(with_error)).collect();
    output::lines(text.join(between))?;
    let count = |wanted| jobs.iter().filter(|job| state(job) == wanted).count();
    let counts = ["running", "interrupted", "ended", "broken"].map(|state| (count(state), state));
    render::summary(jobs.len(), &render::counted(counts))?;
    if jobs.iter().any(|job| job.is_open() && !job.is_running()) {
        output::note("cvm: resume one with: cvm sync --resume ID");
    }
    Ok(())
}

fn row(job: &StoredJob) -> Vec<String> {
    let mut cells = vec![job.id.clone(), short(age(job)), state(job).into()];
    let Ok(stored) = &job.stored else {
        cells.extend(["-"; 4].map(Into::into));
        return cells;
    };
    let (done, all) = progress(&stored.report());
    cells.extend([
        format!("{done} of {all}"),
        table::abbreviate(stored.images()),
        endpoint_word(stored.endpoint()),
        stored.profile().unwrap_or("-").to_owned(),
    ]);
    cells
}

fn state(job: &StoredJob) -> &'static str {
    match &job.stored {
        _ if job.is_running() => "running",
        Err(_) => "broken",
        Ok(state) if state.is_finished() => "ended",
        Ok(_) => "interrupted",
    }
}

/// How many of the destinations have what was asked for, and how many there are.
fn progress(report: &SyncReport) -> (usize, usize) {
    let done = report.destinations.iter().filter(|of| of.outcome.is_good()).count();
    (done, report.destinations.len())
}

/// What went wrong last, as long as something is missing.
fn last_error(job: &StoredJob) -> Option<String> {
    match &job.stored {
        Err(error) => Some(error.to_string()),
        Ok(stored) if stored.report().is_complete() => None,
        Ok(stored) => stored.last_error().map(str::to_owned),
    }
}

/// When the job was begun, in seconds since 1970, as far as its journal says so.
fn begun(job: &StoredJob) -> Option<u64> {
    job.stored.as_ref().ok().and_then(SyncState::begun)
}

/// The time since the job was begun, or since its file was written.
fn age(job: &StoredJob) -> Duration {
    let begun = begun(job).and_then(|begun| UNIX_EPOCH.checked_add(Duration::from_secs(begun)));
    SystemTime::now().duration_since(begun.unwrap_or(job.written)).unwrap_or_default()
}

/// A time in its largest unit.
fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn for_programs(job: &StoredJob) -> Value {
    let mut value = json!({
        "schema_version": render::SCHEMA_VERSION,
        "id": job.id,
        "journal": job.path.display().to_string(),
        "state": state(job),
        "running": job.is_running(),
        "age_seconds": age(job).as_secs(),
        "written": job.written.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
    });
    let more = match &job.stored {
        Err(error) => json!({ "error": error }),
        Ok(stored) => {
            let report = stored.report();
            let (done, all) = progress(&report);
            json!({
                "endpoint": endpoint_word(stored.endpoint()),
                "profile": stored.profile(),
                "begun": stored.begun(),
                "source_region": stored.source_region(),
                "images": stored.images(),
                "regions": stored.regions(),
                "finished": stored.is_finished(),
                "done": done,
                "destinations": all,
                "last_error": stored.last_error(),
                "report": report,
            })
        }
    };
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let short = |seconds| super::short(Duration::from_secs(seconds));
        assert_eq!([0, 59, 60, 3_599, 3_600, 86_399].map(short), ["0s", "59s", "1m", "59m", "1h", "23h"]);
        assert_eq!(short(100 * 86_400), "100d");
    }
}
