//! An endpoint in a process of its own, and commands against it.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{Folder, Ran, cvm};

/// A running endpoint, ended at the latest with the test.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts an endpoint on a free port and waits for its ready file.
pub(crate) fn start(folder: &Folder, args: &[&str]) -> (Server, PathBuf, Value) {
    let ready = folder.0.join("ready.json");
    // One that was killed leaves its file behind.
    let _ = std::fs::remove_file(&ready);
    let child =
        cvm(&["local", "--port", "0", "--ready-file", ready.to_str().unwrap()]).args(args).spawn().unwrap();
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
pub(crate) fn command(facts: &Value, args: &[&str]) -> Command {
    let fact = |name: &str| facts[name].as_str().unwrap().to_owned();
    let mut command = cvm(args);
    command.env("TENCENTCLOUD_ENDPOINT", fact("endpoint"));
    command.env("TENCENTCLOUD_SECRET_ID", fact("secret_id"));
    command.env("TENCENTCLOUD_SECRET_KEY", fact("secret_key"));
    command.env("TENCENTCLOUD_REGION", "ap-shanghai");
    command
}

/// Runs it.
pub(crate) fn through(facts: &Value, args: &[&str]) -> Ran {
    command(facts, args).output().unwrap().into()
}
