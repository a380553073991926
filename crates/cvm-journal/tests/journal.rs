//! A journal as its users meet it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cvm_journal::{Journal, is_in_use, read, remove};
use cvm_local::{Clock, CvmLocal};
use cvm_proto::{Cancel, Endpoint, ErrorKind, FromSettings, ImageSync, Outcome, Settings, SyncProgress};
use cvm_ureq::Client;

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn client(local: &CvmLocal) -> Client {
    let mut settings = Settings::default();
    settings.credential = Some(local.credential());
    settings.region = Some("ap-shanghai".into());
    settings.endpoint = Endpoint::explicit(local.endpoint()).unwrap();
    Client::from_settings(settings).unwrap()
}

fn job() -> ImageSync {
    ImageSync::new("img-o3ycss2p").to(["ap-guangzhou", "ap-beijing"])
}

/// Leaves a job on its way in a journal.
fn begin(path: &Path, local: &CvmLocal) {
    let client = client(local);
    let journal = Journal::open(path).unwrap();
    client.run(journal.begin_or_resume(job().wait(false), client.config()).unwrap(), |_| ()).unwrap();
}

/// Why a journal is not taken.
fn refused(path: &Path) -> cvm_proto::Error {
    let local = CvmLocal::start().unwrap();
    Journal::open(path).unwrap().begin_or_resume(job(), client(&local).config()).unwrap_err()
}

#[test]
fn a_job_is_resumed_by_the_next_process() {
    let folder = Folder::new("resume");
    let path = folder.0.join("job.json");
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let client = client(&local);

    let cancel = Cancel::new();
    let begun = Journal::open(&path).unwrap().begin_or_resume(job(), client.config()).unwrap();
    assert!(!begun.is_resumed());
    let report = client
        .run(begun.cancel_with(&cancel), |event| {
            if let SyncProgress::Copying { .. } = event {
                cancel.cancel();
            }
        })
        .unwrap();
    assert!(report.destinations.iter().all(|of| of.outcome == Outcome::Started), "{report:?}");

    local.advance(Duration::from_secs(60));
    // The order of the lists is no part of what the job is.
    let other_way_round = ImageSync::new("img-o3ycss2p").to(["ap-beijing", "ap-guangzhou"]);
    let resumed = Journal::open(&path).unwrap().begin_or_resume(other_way_round, client.config()).unwrap();
    assert!(resumed.is_resumed() && !resumed.state().is_finished());
    let again = client.run(resumed, |_| ()).unwrap();
    assert!(again.is_complete(), "{again:?}");
    let ids = |report: &cvm_proto::SyncReport| {
        let mut ids: Vec<_> = report.destinations.iter().map(|of| of.image_id.clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&again), ids(&report));
    assert!(read(&path).unwrap().unwrap().is_finished());
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(local.secret_key()) && !text.contains(local.secret_id()), "{text}");
}

#[test]
fn two_processes_do_not_share_a_journal() {
    let folder = Folder::new("lock");
    let path = folder.0.join("job.json");
    assert!(!is_in_use(&path));
    let journal = Journal::open(&path).unwrap();
    assert!(is_in_use(&path));
    let error = Journal::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.to_string().contains("is in use"), "{error}");
    assert!(remove(&path).is_err());
    drop(journal);
    assert!(!is_in_use(&path));
    Journal::open(&path).unwrap();
}

#[test]
fn a_dry_run_is_refused_where_a_job_is_kept() {
    let (local, folder) = (CvmLocal::start().unwrap(), Folder::new("dry"));
    let client = client(&local);
    let journal = Journal::open(folder.0.join("job.json")).unwrap();
    let error = journal.begin_or_resume(job().dry_run(true), client.config()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parameter);
    assert!(folder.names().is_empty());
}

#[test]
fn nothing_is_left_of_a_journal_that_is_removed() {
    let folder = Folder::new("remove");
    let path = folder.0.join("job.json");
    begin(&path, &CvmLocal::start().unwrap());
    assert!(folder.names().contains(&"job.json".to_owned()));
    remove(&path).unwrap();
    remove(&path).unwrap();
    if cfg!(unix) {
        assert_eq!(folder.names(), [""; 0]);
    }
}

#[test]
fn no_folder_is_made_for_a_journal() {
    let folder = Folder::new("no-folder");
    let error = Journal::open(folder.0.join("deep").join("er").join("job.json")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal);
    assert!(error.to_string().contains("er is not there: make it first"), "{error}");
    assert_eq!(folder.names(), [""; 0]);
}

#[cfg(unix)]
#[test]
fn whichever_link_leads_to_a_journal_it_has_one_lock() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = Folder::new("links");
    let path = folder.0.join("job.json");
    let link = folder.0.join("link.json");
    let local = CvmLocal::start().unwrap();
    begin(&path, &local);
    symlink("job.json", &link).unwrap();
    let journal = Journal::open(&link).unwrap();
    assert!(is_in_use(&path) && is_in_use(&link));
    assert!(Journal::open(&path).unwrap_err().to_string().contains("is in use"));
    drop(journal);
    begin(&link, &local);
    assert!(link.is_symlink() && read(&path).unwrap().is_some());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    fs::hard_link(&path, folder.0.join("other.json")).unwrap();
    let error = Journal::open(&path).unwrap_err().to_string();
    assert!(error.contains("job.json: it has 2 names (hard links)"), "{error}");
    fs::remove_file(&path).unwrap();
    let error = Journal::open(&link).unwrap_err().to_string();
    assert!(error.contains("link.json: it is a symbolic link to job.json, which is not there"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_that_were_prepared_beside_a_journal_are_not_followed() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new("prepared");
    let path = folder.0.join("job.json");
    let precious = folder.0.join("precious");
    fs::write(&precious, "kept").unwrap();
    symlink("precious", folder.0.join("job.json.tmp")).unwrap();
    begin(&path, &CvmLocal::start().unwrap());
    symlink("precious", folder.0.join("job.json.lock")).unwrap();
    let error = Journal::open(&path).unwrap_err().to_string();
    assert!(error.contains("job.json.lock is a symbolic link: remove it"), "{error}");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "kept");
}

#[test]
fn what_is_no_journal_is_refused_and_stays() {
    let folder = Folder::new("refused");
    let path = folder.0.join("job.json");
    for text in ["", "{}", "{\"version\":7}", "half of a jour"] {
        fs::write(&path, text).unwrap();
        let error = refused(&path);
        assert_eq!(error.kind(), ErrorKind::Journal, "{text}");
        assert!(error.to_string().contains("job.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::File::create(&path).unwrap().set_len((16 << 20) + 1).unwrap();
    for error in [refused(&path), read(&path).unwrap_err()] {
        assert!(error.to_string().contains("it is larger than 16777216 bytes"), "{error}");
    }
    if cfg!(unix) {
        for device in ["/dev/full", "/dev/zero"] {
            for error in [Journal::open(device).unwrap_err(), read(Path::new(device)).unwrap_err()] {
                assert!(error.to_string().contains("it is not a regular file"), "{error}");
            }
        }
    }
    let nowhere = path.join("below-a-file.json");
    assert_eq!(Journal::open(nowhere).unwrap_err().kind(), ErrorKind::Journal);
    assert_eq!(Journal::open("/").unwrap_err().kind(), ErrorKind::Journal);
}

#[test]
fn a_job_whose_journal_cannot_be_written_any_more_names_what_is_on_its_way() {
    let folder = Folder::new("unwritable-later");
    let path = folder.0.join("job.json");
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let client = client(&local);
    let job = Journal::open(&path).unwrap().begin_or_resume(job(), client.config()).unwrap();
    let outcome = client.run(job, |event| {
        if let SyncProgress::Copying { region, .. } = event
            && region == "ap-beijing"
        {
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
            local.advance(Duration::from_secs(60));
        }
    });
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
    let named = |region: &str| {
        let copies = local.images(region);
        let copy = copies.iter().find(|image| image.image_name == "base-ubuntu-22.04").unwrap();
        error.message().contains(&format!("{} in {region}", copy.image_id))
    };
    // The end of the other one was what could not be written.
    assert!(named("ap-guangzhou") != named("ap-beijing"), "{error}");
}

#[test]
fn a_job_whose_journal_cannot_be_written_starts_nothing() {
    let folder = Folder::new("full");
    let path = folder.0.join("job.json");
    let local = CvmLocal::start().unwrap();
    let journal = Journal::open(&path).unwrap();
    let client = client(&local);
    let kept = journal.begin_or_resume(job(), client.config()).unwrap();
    let outcome = client.run(kept, |event| {
        if let SyncProgress::Found { .. } = event {
            // It may be there already.
            let _ = fs::remove_file(&path);
            fs::create_dir(&path).unwrap();
        }
    });
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
    if cfg!(unix) {
        assert_eq!(folder.names(), ["job.json"], "nothing is left beside it");
    }
    assert!(local.requests().iter().all(|request| request.action != "SyncImages"));
}
