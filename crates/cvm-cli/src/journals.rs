//! Where the journals of sync jobs are, and what they are called.

use std::path::{Path, PathBuf};

use cvm_config::{Origin, Setting, Value};
use cvm_proto::ImageSync;

use crate::args::Global;
use crate::connect;
use crate::failure::Failure;

/// The folder of the journals: in the state folder of the XDG Base Directory Specification.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    let state = connect::var("XDG_STATE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let state = state.or_else(|| Some(std::env::home_dir()?.join(".local").join("state")));
    let Some(state) = state else {
        return Err(Failure::usage(
            "there is no home folder to keep the job's journal in: name a file with --journal",
        ));
    };
    Ok(state.join("cvm").join("jobs"))
}

/// The journal of a job: the same job has the same one, so that a command that is just run again resumes it. Its folder is
/// made.
pub(crate) fn of(
    job: &ImageSync,
    from: &str,
    global: &Global,
    name: Option<&str>,
) -> Result<PathBuf, Failure> {
    let loaded = connect::load(global)?;
    let shown = |setting| {
        let set = |value: &&Value| value.setting == setting && value.origin != Origin::Default;
        loaded.values.iter().find(set).map(|value| value.shown.clone())
    };
    let endpoint = shown(Setting::Endpoint);
    let key = loaded.settings.credential.as_ref().map(|key| key.secret_id().to_owned());
    // A key that comes and goes says nothing; the profile that leads to it does.
    let account = key.or_else(|| shown(Setting::Profile));
    let identity =
        format!("{:?} {:?} {:?} {name:?} {endpoint:?} {account:?}", job.images(), from, job.regions());
    let first = job.images().first().map_or("none", String::as_str);
    let safe: String = first.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    let folder = folder()?;
    cvm_files::make_private_folder(&folder).map_err(|error| {
        Failure::other(format!("cannot make the folder {} for the job's journal: {error}", folder.display()))
    })?;
    Ok(folder.join(format!("{safe}-{:016x}.json", fnv1a(identity.as_bytes()))))
}

/// FNV-1a: it only has to tell a user's jobs apart, and to stay the same from build to build.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The journals in the folder, in the order of their names; none if there is no folder.
pub(crate) fn list() -> Result<Vec<PathBuf>, Failure> {
    let folder = folder()?;
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Failure::other(format!("cannot read the folder {}: {error}", folder.display())));
        }
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> = paths.filter(|path| is_journal(path)).collect();
    paths.sort();
    Ok(paths)
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "json")
}

/// The only job that can be gone on with.
pub(crate) fn only_one() -> Result<PathBuf, Failure> {
    let mut open = Vec::new();
    for path in list()? {
        if cvm_journal::read(&path)?.is_some_and(|state| !state.is_finished()) {
            open.push(path);
        }
    }
    match open.as_slice() {
        [path] => Ok(path.clone()),
        [] => Err(Failure::usage("there is no job to go on with: name a file with --journal")),
        _ => Err(Failure::usage(
            "there are several jobs to go on with: name one that cvm jobs lists with --journal",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_published_ones() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
