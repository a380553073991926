//! The tasks of this workspace, run as `cargo xtask COMMAND`.

mod ci;
mod clients;
mod codegen;
mod deps;
mod metadata;
mod msrv;
mod notices;
mod package;
#[cfg(test)]
mod pages;
mod python;
mod run;
mod size;
mod spec;
mod test;
mod tidy;
mod venv;
mod wheel;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The tasks of this workspace
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything that has to pass before a change lands
    Ci,
    /// Runs all tests, including those in the documentation
    Test {
        /// Arguments for `cargo test`, such as a part of a test's name
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Runs the property tests of all crates, optimised and with many cases
    Fuzz {
        /// How many cases to try with each property
        #[arg(long, default_value_t = test::DEFAULT_CASES, value_parser = clap::value_parser!(u32).range(1..))]
        cases: u32,
        /// Runs only properties with this in their names
        filter: Option<String>,
    },
    /// Kills sync jobs at random moments, meddles with their network, and runs very many at once
    Chaos {
        /// How many times a job is killed
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        kills: u32,
        /// How many jobs to run at least
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
        jobs: u32,
        /// How many jobs to run at once in one process; from 1000 on, their time and memory are checked
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        crowd: u32,
        /// Repeats the choices of an earlier run: the seed that it printed
        #[arg(long)]
        seed: Option<u64>,
        /// Starts no jobs from Python, whose package takes a while to build
        #[arg(long)]
        no_python: bool,
    },
    /// Runs the benchmarks, each beside its floor; without arguments, `size` as well
    Bench {
        /// Arguments for the benchmarks, such as a part of a benchmark's name
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Builds a program of three actions and checks that it stays below 3 MB
    Size,
    /// Runs clients that others wrote against the embedded endpoint, installed under target/
    Clients {
        /// The clients to run; all by default
        clients: Vec<clients::Client>,
    },
    /// Builds the Python package, installs it into environments under target/, and checks it there
    Python {
        /// Builds it as it is released, which takes longer
        #[arg(long)]
        release: bool,
        /// Runs only the tests, with another interpreter, such as that of another version
        #[arg(long, value_name = "PYTHON")]
        interpreter: Option<PathBuf>,
        /// Arguments for pytest, such as a file or `-k PART`; with them, only the tests are run
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Builds the wheels and the source archive of the Python package as they are released, for all that this machine can
    /// build for, and checks them
    Wheel {
        /// Where to leave them; target/python/dist by default
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Measures the Python package beside the official SDK
    BenchPython {
        /// How many times to take each figure
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
    },
    /// Writes the typed API from the facts and descriptions in spec/
    Codegen {
        /// Only checks that the committed files are up to date
        #[arg(long)]
        check: bool,
    },
    /// Writes the licences of the crates in the Python package, and its bill of materials, from Cargo.lock
    Notices {
        /// Only checks that the committed files are up to date
        #[arg(long)]
        check: bool,
    },
    /// Rebuilds the facts in spec/ from the service's API description, and lists what changed
    Spec {
        /// The description: `services/cvm/v20170312/api.json` of the public package tccli
        #[arg(long, value_name = "API.JSON")]
        from: PathBuf,
        /// The error codes of each action: a JSON object of lists, or the Go SDK's client.go; without it they stay as they are
        #[arg(long, value_name = "FILE")]
        errors: Option<PathBuf>,
        /// The examples, whose shapes are kept for tests: `examples.json` beside the description
        #[arg(long, value_name = "EXAMPLES.JSON")]
        examples: Option<PathBuf>,
    },
    /// Looks for what no compiler finds: long files, missing headers, left-over marks, dead links
    Tidy,
    /// Checks which crates depend on which, and how many the core needs
    Deps,
    /// Checks that the stated rust-version is the lowest that the dependencies allow
    Msrv,
    /// Builds the packages for the registry and checks what is in them
    Package,
}

/// How a task ends: well, or with one message for the developer.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let root = root();
    let outcome = match Cli::parse().command {
        Command::Ci => ci::run(&root),
        Command::Test { args } => test::test(&root, &args, None).and_then(test::Tally::report),
        Command::Fuzz { cases, filter } => {
            test::fuzz(&root, cases, filter.as_deref()).and_then(test::Tally::report)
        }
        Command::Chaos { kills, jobs, crowd, seed, no_python } => {
            let storm = test::Storm { kills, jobs, crowd, seed, python: !no_python };
            test::chaos(&root, &storm).and_then(test::Tally::report)
        }
        Command::Bench { args } => {
            let whole = args.is_empty();
            test::bench(&root, &args).and_then(|()| if whole { size::run(&root) } else { Ok(()) })
        }
        Command::Size => size::run(&root),
        Command::Clients { clients } => clients::run(&root, &clients).and_then(test::Tally::report),
        Command::Python { release, interpreter, args } => {
            let profile = if release { python::Profile::Release } else { python::Profile::Dev };
            let tally = match interpreter {
                Some(interpreter) => python::test_with(&root, &interpreter, profile, &args),
                None => python::check(&root, profile, &args),
            };
            tally.and_then(test::Tally::report)
        }
        Command::Wheel { out } => wheel::run(&root, out.as_deref()),
        Command::BenchPython { rounds } => python::bench(&root, rounds),
        Command::Codegen { check } => codegen::run(&root, check),
        Command::Notices { check } => notices::run(&root, check),
        Command::Spec { from, errors, examples } => {
            spec::run(&root, &from, errors.as_deref(), examples.as_deref())
        }
        Command::Tidy => tidy::run(&root),
        Command::Deps => deps::run(&root),
        Command::Msrv => msrv::run(&root),
        Command::Package => package::run(&root),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace: the folder above this crate's.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
