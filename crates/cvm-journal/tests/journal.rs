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

#[test]
fn a_job_is_gone_on_with_by_the_next_process() {
    let folder = Folder::new("resume");
    let path = folder.0.join("deep").join("job.json");
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
fn nothing_is_left_of_a_journal_that_is_removed() {
    let folder = Folder::new("remove");
    let path = folder.0.join("job.json");
    let local = CvmLocal::start().unwrap();
    let client = client(&local);
    let journal = Journal::open(&path).unwrap();
    client.run(journal.begin_or_resume(job().wait(false), client.config()).unwrap(), |_| ()).unwrap();
    assert_eq!(folder.names(), ["job.json", "job.json.lock"]);
    remove(&path).unwrap();
    assert_eq!(folder.names(), [""; 0]);
    remove(&path).unwrap();
}

#[test]
fn what_is_no_journal_is_refused_and_stays() {
    let folder = Folder::new("refused");
    let path = folder.0.join("job.json");
    for text in ["", "{}", "{\"version\":7}", "half of a jour"] {
        fs::write(&path, text).unwrap();
        let local = CvmLocal::start().unwrap();
        let journal = Journal::open(&path).unwrap();
        let error = journal.begin_or_resume(job(), client(&local).config()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal, "{text}");
        assert!(error.to_string().contains("job.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    let nowhere = path.join("below-a-file.json");
    assert_eq!(Journal::open(nowhere).unwrap_err().kind(), ErrorKind::Journal);
    assert_eq!(Journal::open("/").unwrap_err().kind(), ErrorKind::Journal);
}

#[test]
fn a_job_whose_journal_cannot_be_written_starts_nothing() {
    let folder = Folder::new("full");
    let path = folder.0.join("job.json");
    let local = CvmLocal::start().unwrap();
    let journal = Journal::open(&path).unwrap();
    // A folder in the place of the file that is written first.
    let obstacle = folder.0.join("job.json.tmp");
    let client = client(&local);
    let kept = journal.begin_or_resume(job(), client.config()).unwrap();
    let outcome = client.run(kept, |event| {
        if let SyncProgress::Found { .. } = event {
            fs::create_dir(&obstacle).unwrap();
        }
    });
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Journal, "{error}");
    assert!(local.requests().iter().all(|request| request.action != "SyncImages"));
}
