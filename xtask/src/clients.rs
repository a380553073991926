//! Runs official clients, which nobody here wrote, against the embedded endpoint.
//!
//! Each client has a folder in `tests/clients/`: what to install, and a program that prints a line for each step,
//! `pass ...` or `FAIL ...`. It is installed into a scratch folder under `target/`, at the versions written down.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::metadata::Metadata;
use crate::run::{self, cargo};
use crate::test::Tally;
use crate::venv::{PYTHON, Venv};

/// How fast images' time runs: copies take half a second, so that they are seen under way.
const SPEED: &str = "40";

/// How long the endpoint may take to start.
const START: Duration = Duration::from_secs(60);

/// A client that somebody else wrote.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// The official Python SDK, and requests as the SDKs of other languages write them
    Python,
    /// The official Node SDK
    Node,
    /// The official command line
    Tccli,
}

impl Client {
    const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Tccli => "tccli",
        }
    }

    /// The programs that have to be there, and how to get them.
    const fn needs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Python | Self::Tccli => &[(PYTHON, "install Python 3.10 or newer")],
            Self::Node => {
                &[("node", "install Node 18 or newer"), (NPM, "install npm, which comes with Node")]
            }
        }
    }

    /// The files that say what to install.
    const fn manifests(self) -> &'static [&'static str] {
        match self {
            Self::Python | Self::Tccli => &["requirements.txt"],
            Self::Node => &["package.json", "package-lock.json"],
        }
    }

    /// Installs the client into an empty folder.
    fn install(self, scratch: &Path) -> Result<(), String> {
        match self {
            Self::Python | Self::Tccli => {
                Venv::with(&scratch.join("venv"), &scratch.join("requirements.txt")).map(|_| ())
            }
            Self::Node => {
                let args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
                run::run(Command::new(NPM).args(args).current_dir(scratch))
            }
        }
    }

    /// The program that runs the steps.
    fn program(self, sources: &Path, scratch: &Path) -> Command {
        let sources = sources.join(self.name());
        match self {
            Self::Python | Self::Tccli => {
                let mut command = Venv::at(&scratch.join("venv")).python();
                command.arg(sources.join("run.py"));
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(sources.join("run.js")).env("NODE_PATH", scratch.join("node_modules"));
                command
            }
        }
    }
}

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Runs the clients one after the other, all of them if none is named.
pub(crate) fn run(root: &Path, clients: &[Client]) -> Result<Tally, String> {
    let clients = if clients.is_empty() { Client::value_variants() } else { clients };
    clients.iter().try_for_each(|client| need(*client))?;
    run::run(&mut cargo(root, ["build", "--quiet", "--locked", "--package", "cvm-cli", "--bin", "cvm"]))?;
    let target = Metadata::load(root)?.target;
    let cvm = target.join("debug").join(format!("cvm{}", std::env::consts::EXE_SUFFIX));
    let sources = root.join("tests/clients");
    let mut sum = Tally::default();
    for &client in clients {
        let scratch = installed(client, &sources, &target.join("clients").join(client.name()))?;
        // Each has an endpoint of its own: none meets what another has left behind.
        let endpoint = Endpoint::start(&cvm, scratch.join("ready.json"))?;
        let mut program = client.program(&sources, &scratch);
        program.env("CVM_READY_FILE", &endpoint.ready).env("CVM_SCRATCH", &scratch);
        sum = sum.and(Tally::watch(&mut program, read_step)?);
    }
    Ok(sum)
}

/// Counts what one line of a client's program reports.
fn read_step(tally: &mut Tally, line: &str) {
    for (mark, passed) in [("pass ", true), ("FAIL ", false)] {
        if line.starts_with(mark) {
            tally.count(passed);
        }
    }
}

/// The scratch folder of a client, installed anew if what is to be installed has changed.
fn installed(client: Client, sources: &Path, scratch: &Path) -> Result<PathBuf, String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let done = scratch.join("installed");
    let same = |name: &&str| {
        let text = |folder: &Path| fs::read(folder.join(name)).ok();
        text(scratch).is_some() && text(scratch) == text(&sources.join(client.name()))
    };
    if done.exists() && client.manifests().iter().all(same) {
        return Ok(scratch.to_owned());
    }
    println!("installing the client {} into {}", client.name(), scratch.display());
    if scratch.exists() {
        fs::remove_dir_all(scratch).map_err(|error| failed(scratch, error))?;
    }
    fs::create_dir_all(scratch).map_err(|error| failed(scratch, error))?;
    for name in client.manifests() {
        let from = sources.join(client.name()).join(name);
        fs::copy(&from, scratch.join(name)).map_err(|error| failed(&from, error))?;
    }
    client.install(scratch)?;
    fs::write(&done, "").map_err(|error| failed(&done, error))?;
    Ok(scratch.to_owned())
}

/// Tells whoever lacks a program what to do.
fn need(client: Client) -> Result<(), String> {
    for (program, remedy) in client.needs() {
        if let Err(error) = Command::new(program).arg("--version").stdout(Stdio::null()).status() {
            return Err(format!(
                "the client {} needs `{program}`, which cannot be started ({error}): {remedy}",
                client.name()
            ));
        }
    }
    Ok(())
}

/// A running `cvm local`, ended at the latest with this program.
struct Endpoint {
    process: Child,
    /// The file that says where it is.
    ready: PathBuf,
}

impl Endpoint {
    fn start(cvm: &Path, ready: PathBuf) -> Result<Self, String> {
        // One that was killed leaves its file behind.
        let _ = fs::remove_file(&ready);
        let mut command = Command::new(cvm);
        command.args(["local", "--port", "0", "--speed", SPEED, "--ready-file"]).arg(&ready);
        let shown = run::shown(&command);
        let process = command
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start `{shown}`: {error}"))?;
        let mut endpoint = Self { process, ready };
        let give_up = Instant::now() + START;
        while !endpoint.ready.exists() {
            if endpoint.process.try_wait().map_err(|error| error.to_string())?.is_some() {
                return Err(format!("`{shown}` ended before it was ready"));
            }
            if Instant::now() > give_up {
                return Err(format!("`{shown}` was not ready within {} s", START.as_secs()));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(endpoint)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // It has ended already if this fails.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
