//! `cvm sync`: carries images to other regions, one after the other.

use cvm_proto::{ImageSync, Outcome, SyncReport};
use serde_json::{Value, json};

use crate::args::{Global, Output, SyncArgs};
use crate::failure::{Exit, Failure};
use crate::progress::{Progress, Watch};
use crate::{connect, output, table};

/// What came of one image.
struct Ended {
    image: String,
    result: Result<SyncReport, Failure>,
}

/// Copies the images and reports on every destination.
pub(crate) fn run(global: &Global, args: SyncArgs) -> Result<Exit, Failure> {
    let Some(from) = args.from.or_else(|| connect::region(global)) else {
        return Err(Failure::usage("no source region: name the region that the images are in with --from"));
    };
    let mut images: Vec<String> = Vec::new();
    for image in args.images {
        // Named twice, an image would be copied twice.
        if !images.contains(&image) {
            images.push(image);
        }
    }
    let link = connect::open(global)?;
    let watch = Watch::over_interrupts(global.local)?;
    let mut ended = Vec::new();
    for image in images {
        let mut job = ImageSync::new(&image).from(&from).to(&args.to).timeout(args.timeout);
        if let Some(name) = &args.name {
            job = job.name(name);
        }
        let mut progress = Progress::new(&image, &watch, global.verbose == 0);
        let result = link.client.run(job, |event| progress.show(&event)).map_err(Failure::from);
        progress.finish();
        if let Err(failure) = result {
            // The other images would meet the same mistake.
            if failure.exit == Exit::Usage {
                return Err(failure);
            }
            failure.show(global.output);
            ended.push(Ended { image, result: Err(failure) });
        } else {
            ended.push(Ended { image, result });
        }
    }
    match global.output {
        Output::Json => output::json(&summary(&ended))?,
        Output::Table => people(&ended)?,
    }
    Ok(exit(&ended))
}

/// For programs: every report as the core writes it.
fn summary(ended: &[Ended]) -> Value {
    let images = ended.iter().map(|Ended { image, result }| match result {
        Ok(report) => json!(report),
        Err(failure) => json!({ "image_id": image, "destinations": [], "error": failure.to_json() }),
    });
    json!({ "complete": exit(ended) == Exit::Done, "images": images.collect::<Vec<_>>() })
}

/// For people: a table on stdout, and under it, on stderr, why something is missing.
fn people(ended: &[Ended]) -> Result<(), Failure> {
    let reports = || ended.iter().filter_map(|ended| ended.result.as_ref().ok());
    let mut rows = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    for report in reports() {
        for destination in &report.destinations {
            let elapsed = humantime::format_duration(seconds(destination.elapsed));
            rows.push(vec![
                destination.source.clone(),
                destination.region.clone(),
                destination.outcome.as_str().to_owned(),
                destination.image_id.clone().unwrap_or_else(|| "-".into()),
                elapsed.to_string(),
            ]);
            if let Some(error) = &destination.error {
                // A request that was refused is the reason for all of its destinations alike.
                let reason = format!("cvm: {}: {error}", destination.source);
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
        }
    }
    if !rows.is_empty() {
        output::line(table::lay_out(&["IMAGE", "REGION", "OUTCOME", "COPY", "TIME"], &rows))?;
    }
    for reason in reasons {
        output::note(reason);
    }
    Ok(())
}

/// Whole seconds are enough for people.
fn seconds(duration: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_secs(duration.as_secs())
}

/// One code for all images: their own where they agree, else that not every destination has its image.
fn exit(ended: &[Ended]) -> Exit {
    let mut codes = ended.iter().map(|Ended { result, .. }| match result {
        Err(failure) => failure.exit,
        Ok(report) if report.is_complete() => Exit::Done,
        Ok(report) => {
            let still_copying = |outcome| matches!(outcome, Outcome::Copied | Outcome::TimedOut);
            let only_late = report.destinations.iter().all(|destination| still_copying(destination.outcome));
            if only_late { Exit::TimedOut } else { Exit::Incomplete }
        }
    });
    let first = codes.next().unwrap_or(Exit::Done);
    if codes.all(|code| code == first) { first } else { Exit::Incomplete }
}
