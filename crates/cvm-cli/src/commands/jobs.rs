//! `cvm jobs`: the sync jobs that can be gone on with.

use std::path::Path;

use cvm_proto::Outcome;
use serde_json::{Value, json};

use crate::args::{Global, Output};
use crate::failure::{Exit, Failure};
use crate::{journals, output, table};

/// Lists the journals in the folder of the jobs.
pub(crate) fn run(global: &Global) -> Result<Exit, Failure> {
    let paths = journals::list()?;
    if global.output == Output::Json {
        let jobs: Vec<Value> = paths.iter().map(|path| for_programs(path)).collect();
        output::json(&jobs)?;
    } else if paths.is_empty() {
        output::note("cvm: there is no job to go on with");
    } else {
        let rows: Vec<_> = paths.iter().map(|path| for_people(path)).collect();
        output::line(table::lay_out(&["IMAGES", "FROM", "TO", "STATE", "JOURNAL"], &rows))?;
        output::note("cvm: go on with: cvm sync --resume --journal JOURNAL");
    }
    Ok(Exit::Done)
}

fn for_people(path: &Path) -> Vec<String> {
    let shown = path.display().to_string();
    let state = match cvm_journal::read(path) {
        Ok(Some(state)) => state,
        Ok(None) => return vec!["-".into(), "-".into(), "-".into(), "gone".into(), shown],
        Err(error) => return vec!["-".into(), "-".into(), "-".into(), error.to_string(), shown],
    };
    let report = state.report();
    let count = |fits: fn(Outcome) -> bool| report.destinations.iter().filter(|of| fits(of.outcome)).count();
    let (there, started) = (count(Outcome::is_good), count(|outcome| outcome == Outcome::Started));
    let mut text = format!("{there} of {} there", report.destinations.len());
    if started > 0 {
        text.push_str(&format!(", {started} on their way"));
    }
    if cvm_journal::is_in_use(path) {
        text.push_str(", running");
    }
    vec![state.images().join(","), state.source_region().to_owned(), state.regions().join(","), text, shown]
}

fn for_programs(path: &Path) -> Value {
    let mut job = match cvm_journal::read(path) {
        Ok(Some(state)) => json!({
            "images": state.images(),
            "regions": state.regions(),
            "finished": state.is_finished(),
            "report": state.report(),
        }),
        Ok(None) => json!({}),
        Err(error) => json!({ "error": error }),
    };
    job["journal"] = path.display().to_string().into();
    job["running"] = cvm_journal::is_in_use(path).into();
    job
}
