//! What a user has who types the examples.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cvm_local::{Clock, CvmLocal};
use pty_process::blocking::open;
use serde_json::Value;
use tempfile::TempDir;

use super::found::Example;
use crate::command::{Ran, at};

/// The job that the examples name.
const JOB: &str = "1f09ab";

/// A home folder, a folder to work in, and an endpoint whose copies take no time.
pub(super) struct User {
    folder: TempDir,
    local: CvmLocal,
}

impl User {
    pub(super) fn new(place: &str) -> Self {
        let local = CvmLocal::builder().clock(Clock::scaled(600.0)).start().unwrap();
        let user = Self { folder: tempfile::tempdir().unwrap(), local };
        let home = user.folder.path();
        let key = user.local.secret_key();
        let profile = format!("[prod]\nsecret_id = {}\nsecret_key = {key}\n", user.local.secret_id());
        fs::create_dir_all(home.join(".tencentcloud")).unwrap();
        fs::write(home.join(".tencentcloud/credentials"), profile).unwrap();
        for (name, text) in [
            ("key.txt", format!("{key}\n")),
            (
                "request.json",
                r#"{"ImageIds": ["img-o3ycss2p"], "DestinationRegions": ["ap-beijing"]}"#.into(),
            ),
            ("requests.jsonl", "{\"action\": \"DescribeImages\", \"timestamp\": 1551113065}\n".into()),
            ("seed.yaml", "number: 7\n".into()),
        ] {
            fs::write(home.join(name), text).unwrap();
        }
        // The command that the examples call, and nothing of the caller's by that name.
        fs::create_dir(home.join("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cvm"), home.join("bin/cvm")).unwrap();
        user.leave_a_job_behind(place);
        user
    }

    /// A job that has not ended, under the ID of the examples.
    fn leave_a_job_behind(&self, place: &str) {
        let sync = "cvm sync img-o3ycss2p --from ap-shanghai --to ap-chengdu --no-wait --quiet";
        let ran = self.shell(sync);
        assert_eq!(ran.code, Some(0), "{place}: {ran:?}");
        let jobs = self.folder.path().join("state/cvm/jobs");
        let is_journal = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
        let job = fs::read_dir(&jobs).unwrap().map(|entry| entry.unwrap().path()).find(is_journal).unwrap();
        fs::rename(job, jobs.join(format!("img-o3ycss2p-{JOB}0123456789.json"))).unwrap();
    }

    /// Runs one example, or looks at it where it must not act.
    pub(super) fn run(&self, example: &Example) {
        let Example { place, typed, output } = example;
        let authority = self.local.endpoint().trim_start_matches("http://");
        let typed = typed.replace("127.0.0.1:8080", authority).replace("localhost:8080", authority);
        let typed = match typed.strip_prefix("cargo run --release --bin cvm -- ") {
            Some(rest) => format!("cvm {rest}"),
            None => typed,
        };
        let words = shlex::split(&typed).unwrap_or_else(|| panic!("{place}: `{typed}`: a quote is open"));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match &*words {
            // The chores' own tests parse it.
            ["cargo", "xtask", ..] => {}
            ["pip", "install", package] => {
                let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
                assert!(root.join(package).join("pyproject.toml").exists(), "{place}: `{typed}`");
            }
            ["cvm", "local", ..] => self.serve(place, &typed.replace("--port 8080", "--port 0")),
            ["cvm", "configure"] => self.configure(place),
            ["cvm" | "curl" | "echo", ..] => {
                if words[0] == "curl" {
                    // The log that it may ask for has something in it.
                    self.shell("cvm call DescribeImages").ended_with(0);
                }
                let ran = self.shell(&typed);
                assert_eq!(ran.code, Some(0), "{place}: `{typed}`: {ran:?}");
                let found = ran.out.trim();
                assert!(
                    !words.contains(&"--query") || !matches!(found, "null" | "[]"),
                    "{place}: finds nothing"
                );
                if !output.is_empty() {
                    let shown = serde_json::from_str(output).unwrap();
                    assert_eq!(shape(&ran.json()), shape(&shown), "{place}: `{typed}`: {ran:?}");
                }
            }
            _ => panic!("{place}: nothing runs `{typed}`"),
        }
    }

    fn shell(&self, typed: &str) -> Ran {
        self.prepared("sh").args(["-c", typed]).output().unwrap().into()
    }

    /// A server up to its first lines; it ends in order when it is interrupted.
    fn serve(&self, place: &str, typed: &str) {
        let mut child = self.prepared("sh").args(["-c", &format!("exec {typed}")]).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut told = Vec::new();
        let last = lines.find(|line| {
            told.push(line.clone());
            line.starts_with("export TENCENTCLOUD_REGION")
        });
        assert!(last.is_some(), "{place}: `{typed}`: {:?}", child.wait_with_output());
        let address = |name: &str| {
            let before = format!("export TENCENTCLOUD_{name}=");
            told.iter().find_map(|line| line.strip_prefix(&before)).unwrap_or_default().to_owned()
        };
        let endpoint = address("ENDPOINT");
        assert!(endpoint.starts_with("http"), "{told:?}");
        // A client that is led there asks no other host.
        assert_eq!([address("STS_ENDPOINT"), address("METADATA_ENDPOINT")], [endpoint.clone(), endpoint]);
        let pid = child.id().to_string();
        assert!(Command::new("sh").args(["-c", &format!("kill -INT {pid}")]).status().unwrap().success());
        lines.for_each(drop);
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(0), "{place}: `{typed}`: {ran:?}");
    }

    /// The questions, answered at a terminal.
    fn configure(&self, place: &str) {
        let (mut terminal, shown) = open().unwrap();
        let prepared = self.prepared("cvm");
        let mut command = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_cvm"))
            .arg("configure")
            .current_dir(self.folder.path());
        for (name, value) in prepared.get_envs() {
            command = match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.spawn(shown).unwrap();
        for (question, answer) in
            [("Secret id", "AKIDtyped"), ("Secret key", "typed"), ("Region", "ap-beijing")]
        {
            wait_for(&mut terminal, question);
            terminal.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
        wait_for(&mut terminal, "profile `default` is in");
        assert!(child.wait().unwrap().success(), "{place}");
        let written = fs::read_to_string(self.folder.path().join(".tencentcloud/credentials")).unwrap();
        assert!(
            written.contains("secret_id = AKIDtyped") && written.contains("region = ap-beijing"),
            "{written}"
        );
    }

    fn prepared(&self, program: &str) -> Command {
        let home = self.folder.path();
        let as_ever = at(&self.local, &[]);
        let mut command = Command::new(program);
        command.arg0(program).current_dir(home);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, value) in as_ever.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", home.join("bin").display()));
        command.env("HOME", home).env("XDG_STATE_HOME", home.join("state"));
        command
    }
}

/// Reads what a terminal shows, up to a text.
fn wait_for(terminal: &mut impl std::io::Read, text: &str) {
    let mut shown = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&shown).contains(text) {
        let read = terminal.read(&mut byte).unwrap_or(0);
        assert!(read == 1, "no `{text}`: {}", String::from_utf8_lossy(&shown));
        shown.push(byte[0]);
    }
}

/// JSON without what is different each time.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) => "".into(),
        Value::Number(_) => 0.into(),
        other => other.clone(),
    }
}
