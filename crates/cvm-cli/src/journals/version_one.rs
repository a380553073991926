//! Journals of version 1, which were named by the order of a job's lists, the key and the profile as well.

use std::path::{Path, PathBuf};

use cvm_config::{Origin, Setting, Value};
use cvm_journal::Journal;
use serde::Deserialize;

use super::name::{Identity, SERVICE, endpoint_word, file_name, sorted};
use super::{MAX_BYTES, files};
use crate::args::Global;
use crate::connect;
use crate::failure::Failure;

/// What version 1 wrote, as far as it says which job it is.
#[derive(Deserialize)]
struct VersionOne {
    version: u32,
    from: String,
    job: Job,
}

#[derive(Deserialize)]
struct Job {
    images: Vec<String>,
    to: Vec<String>,
    name: Option<String>,
}

impl VersionOne {
    fn read(path: &Path) -> Option<Self> {
        // What is no journal is left to the list of jobs, which says so.
        let bytes = cvm_files::read(path, MAX_BYTES).ok()??;
        let journal: Self = serde_json::from_slice(&bytes).ok()?;
        Some(journal).filter(|journal| journal.version == 1)
    }

    fn is(&self, job: &Identity<'_>) -> bool {
        self.from == job.source_region
            && sorted(&self.job.images) == sorted(job.images)
            && sorted(&self.job.to) == sorted(job.regions)
            && self.job.name.as_deref() == job.name
    }
}

/// Gives the journal of version 1 that this job has, if there is one, the name that its journal has now.
pub(super) fn rename_to(path: &Path, job: &Identity<'_>, global: &Global) -> Result<(), Failure> {
    // Their endpoint counts as the service's, whichever it was.
    if endpoint_word(job.endpoint) != SERVICE {
        return Ok(());
    }
    let mut old: Vec<PathBuf> = files()?.into_iter().map(|(path, _)| path).collect();
    old.retain(|path| VersionOne::read(path).is_some_and(|journal| journal.is(job)));
    if old.len() > 1 {
        // Those of several accounts.
        let name = old_default_name(job, global)?;
        old.sort_by_cached_key(|path| (path.file_name().is_none_or(|found| *found != *name), path.clone()));
    }
    let Some(old) = old.first() else { return Ok(()) };
    // Whoever has it is to end before it moves.
    let _held = Journal::open(old)?;
    match std::fs::rename(old, path) {
        // Another process has just done it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::other(format!(
            "cannot rename the journal {} to {}: {error}",
            old.display(),
            path.display()
        ))),
        Ok(()) => Ok(()),
    }
}

/// The name that version 1 gave the journal of a job.
fn old_default_name(job: &Identity<'_>, global: &Global) -> Result<String, Failure> {
    let loaded = connect::set_up(global)?.loaded;
    let shown = |setting| {
        let set = |value: &&Value| value.setting == setting && value.origin != Origin::Default;
        loaded.values.iter().find(set).map(|value| value.shown.clone())
    };
    let endpoint = shown(Setting::Endpoint);
    let key = loaded.settings.credential.as_ref().map(|key| key.secret_id().to_owned());
    let account = key.or_else(|| shown(Setting::Profile));
    let Identity { images, source_region, regions, name, .. } = job;
    let identity = format!("{images:?} {source_region:?} {regions:?} {name:?} {endpoint:?} {account:?}");
    Ok(file_name(images.first().map(String::as_str), &identity))
}
