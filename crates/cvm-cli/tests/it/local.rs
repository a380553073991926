//! `cvm local`.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{Folder, Ran, cvm, run};

/// A running endpoint, ended at the latest with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts an endpoint on a free port and waits for its ready file.
fn start(folder: &Folder, speed: &str) -> (Server, PathBuf, Value) {
    let ready = folder.0.join("ready.json");
    let child = cvm(&["local", "--port", "0", "--speed", speed, "--ready-file", ready.to_str().unwrap()])
        .spawn()
        .unwrap();
    let mut server = Server(child);
    let give_up = Instant::now() + Duration::from_secs(60);
    while !ready.exists() {
        assert!(server.0.try_wait().unwrap().is_none(), "the endpoint ended before it was ready");
        assert!(Instant::now() < give_up, "no ready file");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Whoever sees the file sees all of it.
    let facts = serde_json::from_str(&std::fs::read_to_string(&ready).unwrap()).unwrap();
    (server, ready, facts)
}

/// The program with what the ready file says.
fn command(facts: &Value, args: &[&str]) -> Command {
    let fact = |name: &str| facts[name].as_str().unwrap().to_owned();
    let mut command = cvm(args);
    command.env("TENCENTCLOUD_ENDPOINT", fact("endpoint"));
    command.env("TENCENTCLOUD_SECRET_ID", fact("secret_id"));
    command.env("TENCENTCLOUD_SECRET_KEY", fact("secret_key"));
    command.env("TENCENTCLOUD_REGION", "ap-shanghai");
    command
}

/// Runs it.
fn through(facts: &Value, args: &[&str]) -> Ran {
    command(facts, args).output().unwrap().into()
}

#[test]
fn once_ready_it_answers_those_who_have_its_key() {
    let folder = Folder::new("answers");
    let (_server, _, facts) = start(&folder, "60");
    let images = through(&facts, &["call", "DescribeImages", "ImageIds.0=img-o3ycss2p"]).ended_with(0).json();
    assert_eq!(images["ImageSet"][0]["ImageState"], "NORMAL");
    through(&facts, &["sync", "img-o3ycss2p", "--to", "ap-guangzhou"]).ended_with(0);
    // The state outlives the command that made it.
    let copies =
        through(&facts, &["call", "DescribeImages", "--region", "ap-guangzhou"]).ended_with(0).json();
    let source = images["ImageSet"][0]["ImageName"].clone();
    let copies = copies["ImageSet"].as_array().unwrap().iter().filter(|image| image["ImageName"] == source);
    assert_eq!(copies.count(), 1);

    let mut wrong = facts.clone();
    wrong["secret_key"] = "another-key".into();
    let ran = through(&wrong, &["call", "DescribeRegions"]).ended_with(5);
    assert!(ran.err.contains("AuthFailure.SignatureFailure"), "{ran:?}");
    wrong["secret_id"] = "AKIDnobody".into();
    let ran = through(&wrong, &["call", "DescribeRegions"]).ended_with(5);
    assert!(ran.err.contains("AuthFailure.SecretIdNotFound"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn asked_to_end_it_ends_well_and_takes_its_file_along() {
    for signal in ["-INT", "-TERM"] {
        let folder = Folder::new(&format!("ends{signal}"));
        let (mut server, ready, _) = start(&folder, "60");
        let asked = Command::new("kill").args([signal, &server.0.id().to_string()]).status().unwrap();
        assert!(asked.success());
        assert_eq!(server.0.wait().unwrap().code(), Some(0), "{signal}");
        assert!(!ready.exists(), "{signal}");
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0, "{signal}");
    }
}

#[test]
fn mistakes() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = run(&["local", "--port", &port]).ended_with(1);
    assert!(ran.err.contains(&port), "{ran:?}");
    let folder = Folder::new("mistakes");
    let nowhere = folder.0.join("none").join("ready.json");
    let ran = run(&["local", "--ready-file", nowhere.to_str().unwrap()]).ended_with(1);
    assert!(ran.err.contains("ready file"), "{ran:?}");
    run(&["local", "--port", "70000"]).ended_with(2);
    run(&["local", "--speed=-1"]).ended_with(2);
}
