//! Tests, property tests with many cases, benchmarks.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::metadata::{DependencyKind, Metadata};
use crate::python;
use crate::run;

/// How many cases `cargo xtask fuzz` tries each property with, as it does every night.
pub(crate) const DEFAULT_CASES: u32 = 10_000;

/// How many `cargo xtask ci` tries: each run has other cases, and ten times as many would take minutes of each.
pub(crate) const CASES_OF_EACH_RUN: u32 = 1_000;

/// A property test has this in its path.
const PROPERTY: &str = "prop";

/// What test runs said, added up.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u32,
    failed: u32,
    ignored: u32,
    broken: bool,
}

impl Tally {
    /// Counts what one line of a test run reports.
    fn read(&mut self, line: &str) {
        let Some(result) = line.trim().strip_prefix("test result: ") else {
            return;
        };
        let mut words = result.split([' ', ';']).filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            let Ok(count) = word.parse::<u32>() else { continue };
            match words.peek() {
                Some(&"passed") => self.passed += count,
                Some(&"failed") => self.failed += count,
                Some(&"ignored") => self.ignored += count,
                _ => {}
            }
        }
    }

    /// Counts one test.
    pub(crate) fn count(&mut self, passed: bool) {
        if passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// Counts many tests.
    pub(crate) fn add(&mut self, passed: u32, failed: u32, ignored: u32) {
        self.passed += passed;
        self.failed += failed;
        self.ignored += ignored;
    }

    /// Runs a test program and reads each line that it prints.
    pub(crate) fn watch(command: &mut Command, read: fn(&mut Self, &str)) -> Result<Self, String> {
        let mut tally = Self::default();
        let ended_well = run::watch(command, |line| read(&mut tally, line))?;
        tally.broken = !ended_well;
        Ok(tally)
    }

    /// Adds two runs.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
            broken: self.broken || other.broken,
        }
    }

    /// Prints the sum; an error if a test failed, a test program did not run to its end, or there was no test at all.
    pub(crate) fn report(self) -> Outcome {
        println!("{} passed, {} failed, {} skipped", self.passed, self.failed, self.ignored);
        match self {
            Self { passed: 0, failed: 0, .. } if !self.broken => Err("no test ran".into()),
            Self { failed: 0, broken: false, .. } => Ok(()),
            Self { failed: 0, .. } => Err("a test program did not build or did not run to its end".into()),
            Self { failed, .. } => Err(format!("{failed} tests failed")),
        }
    }
}

/// Where tests find an interpreter that has the Python package; without it they do without Python.
const PYTHON: &str = "CVM_TEST_PYTHON";

/// Every test of the workspace.
pub(crate) fn test(root: &Path, args: &[String], python: Option<PathBuf>) -> Result<Tally, String> {
    let mut command = run::cargo(root, ["test", "--workspace", "--no-fail-fast"]);
    command.args(args).envs(python.map(|python| (PYTHON, python)));
    Tally::watch(&mut command, Tally::read)
}

/// Every property of the workspace, in the profile `fuzz`: optimised, with overflow checks and debug assertions.
pub(crate) fn fuzz(root: &Path, cases: u32, filter: Option<&str>) -> Result<Tally, String> {
    let metadata = Metadata::load(root)?;
    let mut command = run::cargo(root, ["test", "--profile", "fuzz", "--no-fail-fast", "--lib", "--tests"]);
    for package in metadata.workspace_packages() {
        if metadata
            .dependencies(package, &[DependencyKind::Dev])
            .iter()
            .any(|dependency| dependency.name == "proptest")
        {
            command.args(["--package", &package.name]);
        }
    }
    command.args(["--", filter.unwrap_or(PROPERTY)]).env("PROPTEST_CASES", cases.to_string());
    println!("{cases} cases for each property");
    Tally::watch(&mut command, Tally::read)
}

/// How much of it `chaos` asks for.
pub(crate) struct Storm {
    pub(crate) kills: u32,
    pub(crate) jobs: u32,
    /// How many jobs run at once in one process.
    pub(crate) crowd: u32,
    pub(crate) seed: Option<u64>,
    /// Whether jobs are started from Python too.
    pub(crate) python: bool,
}

/// The sync job hit at random moments, and in a crowd: the same tests as ever, only more of it.
pub(crate) fn chaos(root: &Path, storm: &Storm) -> Result<Tally, String> {
    let test = |package: &str, test: &str| {
        run::cargo(root, ["test", "--profile", "fuzz", "--package", package, "--test", test])
    };
    let mut hit = test("cvm-cli", "it");
    hit.args(["--", "--nocapture", "chaos::"]);
    hit.env("CVM_CHAOS_KILLS", storm.kills.to_string()).env("CVM_CHAOS_JOBS", storm.jobs.to_string());
    if let Some(seed) = storm.seed {
        hit.env("CVM_CHAOS_SEED", seed.to_string());
    }
    if storm.python {
        hit.env(PYTHON, python::installed(root)?);
    }
    let mut crowd = test("cvm-scenarios", "many_jobs");
    crowd.args(["--", "--nocapture"]).env("CVM_CHAOS_CROWD", storm.crowd.to_string());
    Ok(Tally::watch(&mut hit, Tally::read)?.and(Tally::watch(&mut crowd, Tally::read)?))
}

/// The benchmarks of the core, and those of whole calls.
pub(crate) fn bench(root: &Path, args: &[String]) -> Outcome {
    let mut command =
        run::cargo(root, ["bench", "--package", "cvm-proto", "--package", "cvm-scenarios", "--bench", "*"]);
    if !args.is_empty() {
        command.arg("--").args(args);
    }
    run::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_cargo_test_prints() {
        let mut tally = Tally::default();
        tally.read("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.02s\n");
        tally.read("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s");
        tally.read("test sign::tests::the_99_passed ... ok");
        assert_eq!(tally, Tally { passed: 16, failed: 2, ignored: 1, broken: false });
    }

    #[test]
    fn a_run_is_good_only_if_tests_ran_and_passed() {
        let good = Tally { passed: 1, ..Tally::default() };
        assert!(good.report().is_ok());
        assert!(Tally::default().report().is_err());
        assert!(Tally { failed: 1, ..good }.report().is_err());
        assert!(Tally { broken: true, ..good }.report().is_err());
        assert!(good.and(Tally { broken: true, ..good }).report().is_err());
    }
}
