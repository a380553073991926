//! Signals while a request hangs: how the command ends, when, and with which code.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command};
use std::thread;
use std::time::{Duration, Instant};

use cvm_local::{Clock, CvmLocal};

use crate::command::{Folder, Ran};
use crate::hanging::Hanging;

/// What each signal ends with.
const CODES: [(&str, i32); 3] = [("INT", 130), ("TERM", 143), ("HUP", 129)];

const SYNC: [&str; 4] = ["sync", "img-o3ycss2p", "--to", "ap-guangzhou"];

/// The command once one of its requests hangs.
struct Stuck {
    child: Child,
    stderr: BufReader<ChildStderr>,
    _local: CvmLocal,
    _way: Hanging,
    folder: Folder,
}

impl Stuck {
    fn new(test: &str, action: &'static str, args: &[&str], ignored: &str) -> Self {
        let folder = Folder::new(test);
        let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
        let way = Hanging::at(&local, action);
        let mut command = way.command(&local, args);
        if !ignored.is_empty() {
            command = shell(&command, ignored);
        }
        let mut child = command.env("XDG_STATE_HOME", &folder.0).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        way.wait();
        Self { child, stderr, _local: local, _way: way, folder }
    }

    fn signal(&self, signals: &[&str]) {
        let pid = self.child.id();
        let kill: String = signals.iter().map(|signal| format!("kill -{signal} {pid};")).collect();
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Reads on to a line that holds this.
    fn read_to(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "no `{text}`");
        }
    }

    /// What it comes to, and when.
    fn end(mut self) -> (Ran, Duration, Folder) {
        let began = Instant::now();
        let mut err = String::new();
        self.stderr.read_to_string(&mut err).unwrap();
        let ran = Ran { err, ..self.child.wait_with_output().unwrap().into() };
        (ran, began.elapsed(), self.folder)
    }
}

/// The same command from a shell that ignores a signal, as `nohup` does.
fn shell(command: &Command, ignored: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("trap '' {ignored}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(std::process::Stdio::null());
    shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    shell
}

#[test]
fn each_signal_ends_the_job_in_order_and_in_time() {
    thread::scope(|scope| {
        for (signal, code) in CODES {
            scope.spawn(move || {
                let stuck = Stuck::new(&format!("read-{signal}"), "DescribeImages", &SYNC, "");
                stuck.signal(&[signal]);
                let (ran, took, _folder) = stuck.end();
                assert!(took < Duration::from_secs(4), "{took:?}: a read is given up: {ran:?}");
                let ran = ran.ended_with(code);
                assert!(ran.out.contains("cancelled"), "{ran:?}");
                assert!(ran.err.contains("cvm: stopping"), "{ran:?}");
            });
            scope.spawn(move || {
                let stuck = Stuck::new(&format!("write-{signal}"), "SyncImages", &SYNC, "");
                stuck.signal(&[signal]);
                let (ran, took, _folder) = stuck.end();
                // Six seconds, and some for a busy machine; the request has thirty.
                assert!(took < Duration::from_secs(12), "{took:?}: {ran:?}");
                assert!(took > Duration::from_secs(4), "{took:?}: its answer is worth waiting for: {ran:?}");
                let ran = ran.ended_with(code);
                assert!(ran.out.contains("unknown"), "{ran:?}");
                assert!(ran.err.contains("cvm sync --resume --journal"), "{ran:?}");
            });
        }
    });
}

#[test]
fn a_signal_ends_the_job_also_while_it_asks_for_the_regions() {
    let stuck = Stuck::new("regions", "DescribeRegions", &["sync", "img-o3ycss2p", "--to", "all"], "");
    stuck.signal(&["TERM"]);
    let (ran, took, _folder) = stuck.end();
    assert!(took < Duration::from_secs(4), "{took:?}: {ran:?}");
    let ran = ran.ended_with(143);
    assert!(ran.err.contains("cancelled before it was known which regions are meant"), "{ran:?}");
}

#[test]
fn a_second_signal_ends_it_at_once_with_the_code_of_the_first() {
    let mut stuck = Stuck::new("second", "SyncImages", &SYNC, "");
    stuck.signal(&["TERM"]);
    stuck.read_to("cvm: stopping");
    stuck.signal(&["INT"]);
    let (ran, took, folder) = stuck.end();
    assert!(took < Duration::from_secs(4), "{took:?}: {ran:?}");
    let ran = ran.ended_with(143);
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!(lines[0], "cvm: stopped at once by a second signal");
    let resume = lines[1].strip_prefix("cvm: resume it with: cvm ").unwrap();
    assert_eq!(lines.len(), 2, "{ran:?}");
    assert_eq!(ran.out, "");
    let jobs = folder.0.join("cvm").join("jobs");
    let journals = std::fs::read_dir(jobs).unwrap().map(|entry| entry.unwrap().path());
    assert!(journals.into_iter().any(|path| resume.contains(path.to_str().unwrap())), "{resume}");
}

/// `timeout` sends its signal to the command, and then to the group that the command is in.
#[test]
fn a_signal_that_comes_twice_at_once_is_one() {
    let stuck = Stuck::new("twice", "DescribeImages", &SYNC, "");
    stuck.signal(&["TERM", "TERM"]);
    let (ran, ..) = stuck.end();
    let ran = ran.ended_with(143);
    assert!(ran.out.contains("cancelled"), "{ran:?}");
}

#[test]
fn a_signal_that_is_ignored_at_the_start_stays_ignored() {
    for (ignored, other, code) in [("HUP", "TERM", 143), ("INT", "HUP", 129), ("TERM", "INT", 130)] {
        let stuck = Stuck::new(&format!("ignored-{ignored}"), "DescribeImages", &SYNC, ignored);
        stuck.signal(&[ignored]);
        stuck.signal(&[other]);
        let (ran, ..) = stuck.end();
        ran.ended_with(code);
    }
}

/// Where nothing has to be brought to an end, the system ends the program: shells report 128 and the signal.
#[test]
fn a_call_is_ended_by_the_signal_itself() {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let call = ["call", "DescribeRegions"];
        let mut stuck = Stuck::new(&format!("call-{signal}"), "DescribeRegions", &call, "");
        stuck.signal(&[signal]);
        assert_eq!(stuck.child.wait().unwrap().signal(), Some(number));
    }
}
