//! A state that outlives its endpoint.

use std::path::{Path, PathBuf};

use cvm_local::{Clock, CvmLocal, Seed};
#[cfg(unix)]
use serde_json::Value;
use serde_json::json;

use crate::client::{Client, Raw, plain};

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn start(&self, clock: Clock) -> CvmLocal {
        CvmLocal::builder().clock(clock).state_file(self.0.join("state.json")).start().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn sync(local: &CvmLocal, to: &str) {
    let request = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": [to] });
    Client::new(local).call("SyncImages", &request).unwrap();
}

fn percent(local: &CvmLocal, region: &str) -> Option<i64> {
    local.images(region)[0].sync_percent
}

#[test]
fn images_clock_and_credentials_are_there_again() {
    let folder = Folder::new("again");
    let local = folder.start(Clock::stepped());
    sync(&local, "ap-seoul");
    let role = "/latest/meta-data/cam/security-credentials/cvm-local-role";
    let credential = plain(&local, "GET", role, &[("host", "x")], "").json();
    local.advance(std::time::Duration::from_secs(5));
    drop(local);

    let local = folder.start(Clock::stepped());
    assert_eq!(percent(&local, "ap-seoul"), Some(25), "a clock that stands still stood still");
    let text = |name: &str| credential[name].as_str().unwrap();
    let raw = Raw::post(&local, "DescribeRegions", &json!({})).with("x-tc-token", text("Token"));
    let raw = raw.signed_with(text("TmpSecretId"), text("TmpSecretKey"), &["content-type", "host"]);
    assert_eq!(raw.send(&local).code(), None, "a temporary credential goes on");
    local.reset();
    drop(local);
    assert!(folder.start(Clock::stepped()).images("ap-seoul").is_empty(), "a reset is kept as well");
}

#[test]
fn the_file_goes_before_the_seed() {
    let folder = Folder::new("before");
    let local = folder.start(Clock::real());
    let mut seed = Seed::default();
    seed.accounts[0].keys[0].secret_id = "AKIDanother".into();
    local.reseed(&seed).unwrap();
    drop(local);
    let local = folder.start(Clock::real());
    assert_eq!(local.secret_id(), "AKIDanother");
    Client::new(&local).call("DescribeRegions", &json!({})).unwrap();
}

#[test]
fn a_file_that_is_no_state_is_left_alone() {
    let folder = Folder::new("no-state");
    let file = folder.0.join("state.json");
    for text in ["", "{}", "holiday photographs"] {
        std::fs::write(&file, text).unwrap();
        let error = CvmLocal::builder().state_file(&file).start().unwrap_err().to_string();
        assert!(error.contains("state.json"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[cfg(unix)]
#[test]
fn whichever_link_leads_to_a_file_it_has_one_endpoint() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = Folder::new("link");
    let (file, link) = (folder.0.join("state.json"), folder.0.join("link.json"));
    let local = folder.start(Clock::stepped());
    symlink("state.json", &link).unwrap();
    let start = |path: &Path| CvmLocal::builder().clock(Clock::stepped()).state_file(path).start();
    let error = start(&link).unwrap_err().to_string();
    assert!(error.contains("link.json cannot be used: another endpoint uses it"), "{error}");
    sync(&local, "ap-seoul");
    drop(local);
    assert_eq!(start(&link).unwrap().images("ap-seoul").len(), 1);
    assert!(link.is_symlink());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 2, "nothing is left beside them");

    std::fs::hard_link(&file, folder.0.join("other.json")).unwrap();
    assert!(start(&file).unwrap_err().to_string().contains("hard links"));
    for (path, part) in [(Path::new("/dev/full"), "regular file"), (&folder.0, "folder")] {
        let error = start(path).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_is_not_told() {
    let folder = Folder::new("full");
    let inner = Folder(folder.0.join("inner"));
    std::fs::create_dir(&inner.0).unwrap();
    let local = inner.start(Clock::stepped());
    std::fs::remove_dir_all(&inner.0).unwrap();
    let request = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-seoul"] });
    let sync = Raw::post(&local, "SyncImages", &request).signed(&local, &["content-type", "host"]);
    let refused = sync.send(&local).json();
    assert_eq!(refused["Response"]["Error"]["Code"], "InternalError", "{refused}");
    std::fs::create_dir(&inner.0).unwrap();
    let images = Client::new(&local).region("ap-seoul").call("DescribeImages", &json!({})).unwrap();
    let kept: Value = serde_json::from_slice(&std::fs::read(inner.0.join("state.json")).unwrap()).unwrap();
    let copy = images["ImageSet"][0]["ImageId"].as_str().unwrap();
    assert!(kept["state"].to_string().contains(copy), "and is written before it is told");
}
