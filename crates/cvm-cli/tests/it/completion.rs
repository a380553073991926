//! What shells complete, asked as they ask, and in the shells that are there.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use cvm_local::{Clock, CvmLocal};
use pty_process::Size;
use pty_process::blocking::{Pty, open};
use tempfile::TempDir;

use crate::command::{Ran, at};
use crate::help::of_every_command;

/// A user with profiles and jobs, and an endpoint that must not hear of anything.
struct User {
    home: TempDir,
    local: CvmLocal,
}

impl User {
    fn new() -> Self {
        let local = CvmLocal::builder().clock(Clock::scaled(600.0)).start().unwrap();
        let user = Self { home: tempfile::tempdir().unwrap(), local };
        for (path, text) in [
            (".tencentcloud/credentials", "[prod]\nregion = ap-somewhere\n[staging]\n[my own]\n[DEFAULT]\n"),
            (".tccli/work.credential", "{}"),
            ("request.json", "{}"),
        ] {
            let path = user.home.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        user
    }

    /// The same, whose jobs were begun: one has ended, and one has not. Gives their IDs.
    fn with_jobs() -> (Self, [String; 2]) {
        let user = Self::new();
        let sync = ["sync", "img-o3ycss2p", "--quiet", "--to"];
        user.run(&[&sync[..], &["ap-beijing", "--on-conflict", "skip", "--no-wait"]].concat()).ended_with(0);
        let open = user.run(&["jobs", "--output", "json"]).ended_with(0).json();
        user.run(&[&sync[..], &["ap-chengdu"]].concat()).ended_with(0);
        let all = user.run(&["jobs", "--all", "--output", "json"]).ended_with(0).json();
        let ids: Vec<String> =
            all.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect();
        let open = open[0]["id"].as_str().unwrap().to_owned();
        let other = ids.into_iter().find(|id| *id != open).unwrap();
        user.local.clear_requests();
        (user, [open, other])
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = at(&self.local, args);
        command.env("HOME", self.home.path()).env("USERPROFILE", self.home.path());
        command.env("XDG_STATE_HOME", self.home.path().join("state")).current_dir(self.home.path());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// What fish is told of a line, each with its description.
    fn told(&self, line: &str) -> Vec<(String, String)> {
        let mut command = self.command(&[&["--"], &*line.split(' ').collect::<Vec<_>>()].concat());
        // Whoever has no credential in the environment would ask the instance's metadata service for one.
        command.env("TENCENTCLOUD_METADATA_ENDPOINT", self.local.endpoint());
        command.env_remove("TENCENTCLOUD_INSTANCE_ROLE").env_remove("TENCENTCLOUD_SECRET_ID");
        command.env_remove("TENCENTCLOUD_SECRET_KEY").env("COMPLETE", "fish");
        let ran = Ran::from(command.output().unwrap()).ended_with(0);
        assert_eq!(ran.err, "", "{line}");
        assert_eq!(self.local.requests().len(), 0, "{line}");
        let split = |line: &str| {
            let (value, help) = line.split_once('\t').unwrap_or((line, ""));
            (value.to_owned(), help.to_owned())
        };
        ran.out.lines().map(split).collect()
    }

    fn values(&self, line: &str) -> Vec<String> {
        self.told(line).into_iter().map(|(value, _)| value).collect()
    }
}

#[test]
fn each_kind_of_word_is_completed() {
    let user = User::new();
    for (line, expected) in [
        ("cvm des", &["describe"][..]),
        ("cvm describe SyncIm", &["SyncImages"]),
        ("cvm call DescribeImageQ", &["DescribeImageQuota"]),
        ("cvm sign --action SyncIm", &["SyncImages"]),
        ("cvm sync --to ap-sh", &["ap-shanghai", "ap-shanghai-fsi", "ap-shenzhen-fsi"]),
        ("cvm sync --to ap-beijing,ap-sing", &["ap-beijing,ap-singapore"]),
        ("cvm sync --from ap-se", &["ap-seoul"]),
        ("cvm images --regions ap-se", &["ap-seoul"]),
        ("cvm quota --regions ap-se", &["ap-seoul"]),
        ("cvm images --region na-", &["na-siliconvalley", "na-ashburn"]),
        ("cvm --region eu", &["eu-frankfurt"]),
        ("cvm call DescribeImages --profile ", &["my own", "prod", "staging", "work"]),
        ("cvm sync --to=ap-beijing,ap-sing", &["--to=ap-beijing,ap-singapore"]),
        ("cvm --profile=s", &["--profile=staging"]),
        ("cvm call --language ", &["zh-CN", "en-US"]),
        ("cvm call DescribeImages --json req", &["request.json"]),
        ("cvm images --type sh", &["shared"]),
        ("cvm config sh", &["show"]),
        ("cvm no-such-command x", &[]),
    ] {
        let mut values = user.values(line);
        if line.ends_with("ap-sh") {
            values.sort_unstable();
        }
        assert_eq!(values, expected, "{line}");
    }
    assert!(user.values("cvm --").contains(&"--region".into()));
    assert!(user.values("cvm describe ").len() > 100);
    let told = user.told("cvm describe SyncIm");
    assert!(told[0].1.len() > 10, "an action is described: {told:?}");
    // A region that is set, and that the service does not list.
    let mut set = user.command(&["--", "cvm", "--profile", "prod", "--region", "ap-some"]);
    set.env("COMPLETE", "fish").env("TENCENTCLOUD_REGION", "ap-somewhere");
    assert_eq!(Ran::from(set.output().unwrap()).ended_with(0).out, "ap-somewhere\n");
}

#[test]
fn parameters_of_the_action_are_completed() {
    let user = User::new();
    for (line, expected) in [
        ("cvm call DescribeImages Lim", &["Limit="][..]),
        ("cvm call DescribeImages Fil", &["Filters."]),
        ("cvm call DescribeImages Filters.", &["Filters.0."]),
        ("cvm call DescribeImages Filters.0.N", &["Filters.0.Name="]),
        ("cvm call DescribeImages Filters.0.Name=x Filters.", &["Filters.0.", "Filters.1."]),
        ("cvm call DescribeImages Filters.0.Name=x Filters.0.", &["Filters.0.Values="]),
        ("cvm call DescribeImages Limit=5 Limi", &[]),
        ("cvm call SyncImages DestinationRegions=ap-se", &["DestinationRegions=ap-seoul"]),
        ("cvm call SyncImages DryRun=", &["DryRun=true", "DryRun=false"]),
        ("cvm call RunInstances InstanceChargeType=PRE", &["InstanceChargeType=PREPAID"]),
        ("cvm call RunInstances Placement.Zo", &["Placement.Zone="]),
        (
            "cvm call RunInstances DataDisks.0.DiskType=CLOUD_B",
            &["DataDisks.0.DiskType=CLOUD_BASIC", "DataDisks.0.DiskType=CLOUD_BSSD"],
        ),
        ("cvm --region ap-seoul call --all-pages DescribeImages Lim", &["Limit="]),
        ("cvm sign --action DescribeImages Lim", &["Limit="]),
        ("cvm call DescribeSomethingNew Lim", &[]),
        ("cvm call DescribeImages Nothing.0.N", &[]),
        ("cvm call DescribeImages Limit.0.", &[]),
        ("cvm call DescribeImages =", &[]),
        ("cvm call DescribeImages ...", &[]),
    ] {
        assert_eq!(user.values(line), expected, "{line}");
    }
    let all = user.values("cvm call DescribeImages ");
    assert!(
        ["ImageIds=", "Filters.", "Limit=", "Offset="].iter().all(|key| all.contains(&(*key).into())),
        "{all:?}"
    );
}

#[test]
fn jobs_are_completed_by_their_ids() {
    let (user, [open, ended]) = User::with_jobs();
    let resumable = user.values("cvm sync --resume ");
    assert!(resumable.contains(&open) && !resumable.contains(&ended), "{resumable:?}");
    let all = user.values("cvm jobs forget ");
    assert!(all.contains(&open) && all.contains(&ended), "{all:?}");
    let told = user.told(&format!("cvm jobs forget {}", &open[..5]));
    assert!(told.iter().any(|(id, help)| *id == open && help == "img-o3ycss2p to ap-beijing"), "{told:?}");
    assert_eq!(user.values("cvm sync img"), ["img-o3ycss2p"]);
}

#[test]
fn nothing_is_said_where_nothing_can_be_found_out() {
    let user = User::new();
    let home = user.home.path();
    fs::write(home.join(".tencentcloud/credentials"), b"\xFF\xFE[\0").unwrap();
    fs::create_dir_all(home.join("state/cvm")).unwrap();
    fs::write(home.join("state/cvm/jobs"), "no folder").unwrap();
    for line in ["cvm --profile ", "cvm sync --resume ", "cvm jobs forget ", "cvm sync "] {
        user.values(line);
    }
    assert!(user.values("cvm --region ap-se").contains(&"ap-seoul".into()));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        for args in [&["--"][..], &["--", "cvm"], &["--", "cvm", "call", ""], &["--", "", "", ""]] {
            for index in ["", "0", "3", "99", "x"] {
                let mut command = user.command(args);
                command.env("COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", index);
                let ran = Ran::from(command.output().unwrap()).ended_with(0);
                assert_eq!(ran.err, "", "{shell} {args:?} {index}");
            }
        }
    }
    // The variable of another program does not turn a run of the command into something else.
    for value in ["", "1", "tcsh", "bash"] {
        let ran = Ran::from(user.command(&["actions", "quota"]).env("COMPLETE", value).output().unwrap());
        assert!(ran.ended_with(0).out.contains("DescribeImageQuota"), "{value}");
    }
}

/// How a shell loads the script, by the help.
fn line_of(shell: &str) -> String {
    let help =
        of_every_command(Some(120)).into_iter().find(|(command, _)| command == "cvm completions").unwrap().1;
    let line = help.lines().find_map(|line| line.trim().strip_prefix(&format!("{shell} "))).unwrap();
    line.trim().split("   ").next().unwrap().to_owned()
}

fn is_there(shell: &str) -> bool {
    let is_there = Command::new(shell).arg("--version").output().is_ok();
    if !is_there {
        println!("there is no {shell} here");
    }
    is_there
}

/// A shell at a terminal.
struct Typing {
    terminal: Arc<Pty>,
    shown: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    child: std::process::Child,
}

impl Typing {
    fn in_shell(user: &User, shell: &str, args: &[&str]) -> Self {
        let (terminal, seen) = open().unwrap();
        terminal.resize(Size::new(24, 100)).unwrap();
        let mut command = pty_process::blocking::Command::new(shell).args(args).env("TERM", "xterm");
        let prepared = user.command(&[]);
        for (name, value) in prepared.get_envs() {
            command = match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let own = Path::new(env!("CARGO_BIN_EXE_cvm")).parent().unwrap().display();
        let path = format!("{own}:{}", std::env::var("PATH").unwrap_or_default());
        let child = command.env("PATH", path).env("PS1", "> ").env("ZDOTDIR", user.home.path());
        let child = child.current_dir(user.home.path()).spawn(seen).unwrap();
        let (send, shown) = channel();
        let terminal = Arc::new(terminal);
        let read_from = Arc::clone(&terminal);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read) = (&*read_from).read(&mut buffer) {
                if read == 0 || send.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { terminal, shown, screen: vt100::Parser::new(24, 100, 0), child }
    }

    fn types(&mut self, text: &str) {
        (&*self.terminal).write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the screen shows a text.
    fn shows(&mut self, text: &str) {
        let give_up = Instant::now() + Duration::from_secs(60);
        while !self.screen.screen().contents().contains(text) {
            let left = give_up.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.shown.recv_timeout(left) else {
                panic!("no `{text}`:\n{}", self.screen.screen().contents());
            };
            self.screen.process(&bytes);
        }
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is typed up to the tab, and what the line then is; `!` is typed behind it, where the word goes on.
const LINES: [(&str, &str); 11] = [
    ("cvm descr", "cvm describe !"),
    ("cvm describe SyncIma", "cvm describe SyncImages !"),
    ("cvm sync --to ap-beijing,ap-singa", "cvm sync --to ap-beijing,ap-singapore !"),
    ("cvm sync --to=ap-singa", "cvm sync --to=ap-singapore !"),
    ("cvm sync --to=ap-beijing,ap-singa", "cvm sync --to=ap-beijing,ap-singapore !"),
    ("cvm --profile stag", "cvm --profile staging !"),
    ("cvm --profile my", r"cvm --profile my\ own !"),
    ("cvm --profile=my", r"cvm --profile=my\ own !"),
    ("cvm call DescribeImages Filters.0.Na", "cvm call DescribeImages Filters.0.Name=!"),
    ("cvm call DescribeImages Filt", "cvm call DescribeImages Filters.!"),
    ("cvm call SyncImages DryRun=t", "cvm call SyncImages DryRun=true !"),
];

fn types_and_tabs(user: &User, typing: &mut Typing, open: &str) {
    for (typed, expected) in LINES {
        typing.types(&format!("{typed}\t!"));
        typing.shows(expected);
        // The line is taken away.
        typing.types("\x15");
    }
    typing.types(&format!("cvm sync --resume {}\t!", &open[..5]));
    typing.shows(&format!("cvm sync --resume {open} !"));
    assert_eq!(user.local.requests().len(), 0);
}

#[test]
fn bash_completes() {
    if !is_there("bash") {
        return;
    }
    let (user, [open, _]) = User::with_jobs();
    let mut typing = Typing::in_shell(&user, "bash", &["--norc", "--noprofile", "-i"]);
    typing.shows("> ");
    typing.types(&format!("{}; echo loa''ded\n", line_of("bash")));
    typing.shows("loaded\n");
    types_and_tabs(&user, &mut typing, &open);
}

#[test]
fn zsh_completes() {
    if !is_there("zsh") {
        return;
    }
    let (user, [open, _]) = User::with_jobs();
    let mut typing = Typing::in_shell(&user, "zsh", &["-f", "-i"]);
    typing.shows("> ");
    typing.types(&format!("autoload -U compinit; compinit -u -D; {}; echo loa''ded\n", line_of("zsh")));
    typing.shows("loaded\n");
    types_and_tabs(&user, &mut typing, &open);
}

#[test]
fn fish_completes() {
    if !is_there("fish") {
        return;
    }
    let (user, [open, _]) = User::with_jobs();
    let own = Path::new(env!("CARGO_BIN_EXE_cvm")).parent().unwrap().display();
    let path = format!("{own}:{}", std::env::var("PATH").unwrap_or_default());
    let resume = format!("cvm sync --resume {}", &open[..5]);
    // It is asked for the words, and quotes them itself where they are typed.
    let plain = LINES.into_iter().filter(|(_, expected)| !expected.contains('\\'));
    for (typed, expected) in plain.chain([(&*resume, &*format!("cvm sync --resume {open} !"))]) {
        let typed = format!("{}; complete -C '{typed}'", line_of("fish"));
        let mut fish = Command::new("fish");
        for (name, value) in user.command(&[]).get_envs() {
            match value {
                Some(value) => fish.env(name, value),
                None => fish.env_remove(name),
            };
        }
        let ran = Ran::from(fish.args(["--no-config", "-c", &typed]).env("PATH", &path).output().unwrap());
        let word = expected.trim_end_matches([' ', '!']).rsplit(' ').next().unwrap();
        let told = ran.ended_with(0);
        assert_eq!(told.out.lines().next().unwrap_or_default().split('\t').next(), Some(word), "{told:?}");
        assert_eq!(told.err, "");
    }
}
