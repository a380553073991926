//! The Python package: built, installed into clean environments, checked and measured there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::metadata::Metadata;
use crate::run::{self, cargo};
use crate::test::Tally;
use crate::venv::Venv;

/// The package's folder.
pub(crate) const PACKAGE: &str = "bindings/python";
/// The official SDK, at the version that it is compared with; `httpx` is what its async client needs.
const OFFICIAL: &str = "bindings/python/benches/requirements.txt";

/// How the extension is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// With overflow checks and debug assertions, and with what `cargo test` has built already.
    Dev,
    /// As it is released.
    Release,
}

impl Profile {
    const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Release => "wheel",
        }
    }
}

/// Builds the wheel and runs everything that has to hold for it; only pytest if it has arguments.
pub(crate) fn check(root: &Path, profile: Profile, args: &[String]) -> Result<Tally, String> {
    let target = Metadata::load(root)?.target;
    let scratch = target.join("python");
    let package = root.join(PACKAGE);
    let tools = Venv::with(&scratch.join("tools"), &package.join("tests/requirements.txt"))?;
    let wheel = wheel(root, &tools, profile, &scratch.join("wheels"))?;

    // An environment of its own shows what the package really needs.
    let clean = Venv::fresh(&scratch.join("clean"))?;
    run::run(&mut install(&clean, &wheel))?;
    run::run(clean.python().arg(package.join("tests/smoke.py")))?;

    let tally = pytest(&tools, &wheel, &package, &scratch, args)?;
    if args.is_empty() {
        types(&tools, &package, &scratch)?;
        sdist(&tools, &package, &target, profile)?;
    }
    Ok(tally)
}

/// Builds the wheel for another interpreter and runs its tests there.
pub(crate) fn test_with(
    root: &Path,
    interpreter: &Path,
    profile: Profile,
    args: &[String],
) -> Result<Tally, String> {
    let name = interpreter.to_string_lossy().replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
    let scratch = Metadata::load(root)?.target.join("python/interpreters").join(name);
    let package = root.join(PACKAGE);
    let venv = Venv::fitting(interpreter, &scratch.join("tools"), &package.join("tests/requirements.txt"))?;
    let wheel = wheel(root, &venv, profile, &scratch.join("wheels"))?;
    pytest(&venv, &wheel, &package, &scratch, args)
}

/// Installs the wheel and runs its tests.
fn pytest(
    venv: &Venv,
    wheel: &Path,
    package: &Path,
    scratch: &Path,
    args: &[String],
) -> Result<Tally, String> {
    run::run(install(venv, wheel).args(["--force-reinstall", "--no-deps"]))?;
    let mut pytest = venv.python();
    // Away from the sources, so that what is imported is what was installed.
    pytest
        .args(["-m", "pytest", "-p", "no:cacheprovider", "--config-file"])
        .arg(package.join("pyproject.toml"));
    pytest.current_dir(scratch);
    if args.is_empty() {
        pytest.arg(package.join("tests"));
    } else {
        pytest.args(args).current_dir(package);
    }
    Tally::watch(&mut pytest, read_pytest)
}

/// An interpreter that has the package as it is now, and nothing else.
pub(crate) fn installed(root: &Path) -> Result<PathBuf, String> {
    let scratch = Metadata::load(root)?.target.join("python");
    let tools = Venv::with(&scratch.join("tools"), &root.join(PACKAGE).join("tests/requirements.txt"))?;
    let wheel = wheel(root, &tools, Profile::Dev, &scratch.join("wheels"))?;
    let venv = Venv::fresh(&scratch.join("installed"))?;
    run::run(&mut install(&venv, &wheel))?;
    Ok(venv.program("python"))
}

/// Builds the wheel into an empty folder.
fn wheel(root: &Path, tools: &Venv, profile: Profile, into: &Path) -> Result<PathBuf, String> {
    let mut maturin = Command::new(tools.program("maturin"));
    maturin.current_dir(root).args(["build", "--quiet", "--locked", "--strip", "--profile", profile.name()]);
    maturin.arg("--manifest-path").arg(root.join(PACKAGE).join("Cargo.toml"));
    maturin.arg("--interpreter").arg(tools.program("python"));
    only_file(maturin.arg("--out").arg(into), into)
}

/// Runs what writes one file into a folder that is emptied for it.
pub(crate) fn only_file(command: &mut Command, folder: &Path) -> Result<PathBuf, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)?;
    run::run(command)?;
    match fs::read_dir(folder).map_err(failed)?.next() {
        Some(entry) => Ok(entry.map_err(failed)?.path()),
        None => Err(format!("`{}` wrote nothing into {}", run::shown(command), folder.display())),
    }
}

/// The pip that installs a wheel and asks nobody for anything.
pub(crate) fn install(venv: &Venv, wheel: &Path) -> Command {
    let mut pip = venv.pip("install");
    pip.arg("--no-index").arg(wheel);
    pip
}

/// What type checkers say of a program, and whether the stubs are true.
fn types(tools: &Venv, package: &Path, scratch: &Path) -> Outcome {
    let program = package.join("tests/typed_program.py");
    let python = tools.program("python");
    let mypy = |module: &str| {
        let mut command = tools.python();
        command.current_dir(scratch).args(["-m", module]);
        command
    };
    let cache = scratch.join("mypy");
    run::run(mypy("mypy").args(["--strict", "--cache-dir"]).arg(&cache).arg(&program))?;
    run::run(mypy("mypy").args(["--strict", "--package", "cvm", "--cache-dir"]).arg(&cache))?;
    run::run(mypy("pyright").arg("--pythonpath").arg(&python).arg(&program))?;
    // For a package pyright goes by the interpreter that it finds first, whatever it is told.
    let first = python.parent().map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(first.into_iter().chain(std::env::split_paths(&path)));
    let path = path.map_err(|error| format!("PATH: {error}"))?;
    run::run(mypy("pyright").env("PATH", path).args(["--ignoreexternal", "--verifytypes", "cvm"]))?;
    let known = package.join("tests/stubtest.allowlist");
    run::run(mypy("mypy.stubtest").arg("--allowlist").arg(known).arg("cvm"))
}

/// Builds the package from its source archive, as pip does where there is no wheel.
fn sdist(tools: &Venv, package: &Path, target: &Path, profile: Profile) -> Outcome {
    let scratch = target.join("python");
    let archive = source_archive(tools, package, &scratch.join("sdist"))?;
    let mut pip = tools.pip("wheel");
    // What crates.io's crates are compiled to is found where the wheel before has left it.
    pip.args(["--no-deps", "--no-index", "--no-build-isolation"]).arg(archive);
    pip.env("CARGO_TARGET_DIR", target).env("PATH", tools.path()?);
    // Not `--locked`: the archive has the lock file of the whole workspace, and only a part of its members.
    pip.env("MATURIN_PEP517_ARGS", format!("--quiet --strip --profile {}", profile.name()));
    let folder = scratch.join("sdist-wheel");
    only_file(pip.arg("--wheel-dir").arg(&folder), &folder).map(|_| ())
}

/// Writes the source archive into an empty folder.
pub(crate) fn source_archive(tools: &Venv, package: &Path, folder: &Path) -> Result<PathBuf, String> {
    let mut maturin = Command::new(tools.program("maturin"));
    maturin.args(["sdist", "--manifest-path"]).arg(package.join("Cargo.toml"));
    let archive = only_file(maturin.arg("--out").arg(folder), folder)?;
    let members = run::output(tools.python().args(["-m", "tarfile", "--list"]).arg(&archive))?;
    match members.lines().map(str::trim_end).find(|member| is_of_tests(member)) {
        Some(member) => Err(format!("{} has {member}: only what builds belongs there", archive.display())),
        None => Ok(archive),
    }
}

/// Whether a member of a source archive is for tests, or an example. Manifests and roots of crates are not: those that only
/// tests depend on have to be there for cargo.
fn is_of_tests(member: &str) -> bool {
    let is_needed = member.ends_with("/Cargo.toml") || member.ends_with("/src/lib.rs");
    !is_needed && ["/tests/", "/benches/", "/examples/"].iter().any(|folder| member.contains(folder))
}

/// Counts what one line of pytest reports.
fn read_pytest(tally: &mut Tally, line: &str) {
    let line = line.trim().trim_matches('=').trim();
    // `12 passed, 1 skipped in 63.45s (0:01:03)` is the last line, and the only one of that form.
    let Some((counts, _)) =
        line.rsplit_once(" in ").filter(|(_, time)| time.starts_with(|c: char| c.is_ascii_digit()))
    else {
        return;
    };
    for count in counts.split(", ") {
        if let Some((number, what)) = count.split_once(' ')
            && let Ok(number) = number.parse()
        {
            match what {
                "passed" => tally.add(number, 0, 0),
                "failed" | "error" | "errors" => tally.add(0, number, 0),
                "skipped" => tally.add(0, 0, number),
                _ => {}
            }
        }
    }
}

/// Measures the released package beside the official SDK.
pub(crate) fn bench(root: &Path, rounds: u32) -> Outcome {
    let target = Metadata::load(root)?.target;
    let scratch = target.join("python");
    let tools = Venv::with(&scratch.join("tools"), &root.join(PACKAGE).join("tests/requirements.txt"))?;
    let wheel = wheel(root, &tools, Profile::Release, &scratch.join("wheels"))?;
    let ours = Venv::fresh(&scratch.join("clean"))?;
    run::run(&mut install(&ours, &wheel))?;
    let official = Venv::with(&scratch.join("official"), &root.join(OFFICIAL))?;

    let server = "bare-server";
    let build =
        ["build", "--quiet", "--locked", "--release", "--package", "cvm-scenarios", "--example", server];
    run::run(&mut cargo(root, build))?;
    let server = target.join("release/examples").join(format!("{server}{}", std::env::consts::EXE_SUFFIX));
    let mut bench = tools.python();
    bench.arg(root.join(PACKAGE).join("benches/bench.py"));
    bench.arg("--server").arg(server);
    bench.arg("--ours").arg(ours.program("python")).arg("--official").arg(official.program("python"));
    run::run(bench.arg("--rounds").arg(rounds.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_archive_is_for_building() {
        for needed in
            ["a-1/crates/cvm-proto/src/lib.rs", "a-1/tests/Cargo.toml", "a-1/tests/meddler/src/lib.rs"]
        {
            assert!(!is_of_tests(needed), "{needed}");
        }
        for other in [
            "a-1/crates/cvm-cli/tests/it/main.rs",
            "a-1/tests/src/raw.rs",
            "a-1/bindings/python/benches/bench.py",
        ] {
            assert!(is_of_tests(other), "{other}");
        }
    }

    #[test]
    fn counts_what_pytest_prints() {
        let mut tally = Tally::default();
        read_pytest(&mut tally, "tests/test_fork.py ...   [ 12%]\n");
        read_pytest(&mut tally, "FAILED tests/test_a.py::test_b - 3 failed in a row\n");
        read_pytest(&mut tally, "==== 2 failed, 12 passed, 1 skipped, 1 error in 63.45s (0:01:03) ====\n");
        let mut expected = Tally::default();
        expected.add(12, 3, 1);
        assert_eq!(tally, expected);
    }
}
