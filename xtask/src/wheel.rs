//! The wheels of the Python package, as they are released: built for what this machine can build for, checked, and
//! installed where there is nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::metadata::Metadata;
use crate::python::{PACKAGE, install, only_file, source_archive};
use crate::run;
use crate::venv::{PYTHON, Venv};

/// How many MB the package may take where it is installed, compiled files included.
const MOST_MEGABYTES: f64 = 9.5;
/// What every wheel has beside the package.
const NOTICES: [&str; 4] = [
    "licenses/LICENSE-APACHE",
    "licenses/LICENSE-MIT",
    "licenses/THIRD-PARTY-LICENSES.txt",
    "sboms/cvm-sdk.cdx.json",
];
/// The interpreter without a global lock, which takes a wheel of its own: pyo3 knows none before.
const FREE_THREADED: &str = "python3.14t";

/// What a wheel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    /// This machine's system.
    Native,
    /// Linux with glibc, from 2.17 on.
    Manylinux,
    /// Linux with musl, from 1.2 on.
    Musllinux,
}

impl Platform {
    /// Those that wheels are built for here.
    const fn all() -> &'static [Self] {
        if cfg!(target_os = "linux") { &[Self::Manylinux, Self::Musllinux] } else { &[Self::Native] }
    }

    /// The C library of the target, and the tag of the oldest system.
    const fn linux(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Native => None,
            Self::Manylinux => Some(("gnu", "manylinux_2_17")),
            Self::Musllinux => Some(("musl", "musllinux_1_2")),
        }
    }

    /// Whether a wheel for it can be used here.
    fn runs_here(self) -> bool {
        match self {
            Self::Native => true,
            Self::Manylinux => cfg!(target_env = "gnu"),
            Self::Musllinux => cfg!(target_env = "musl"),
        }
    }
}

/// Builds and checks all that this machine can, and leaves it in `out`.
pub(crate) fn run(root: &Path, out: Option<&Path>) -> Outcome {
    let scratch = Metadata::load(root)?.target.join("python");
    let package = root.join(PACKAGE);
    let tools = Venv::with(&scratch.join("wheel-tools"), &package.join("wheel-requirements.txt"))?;
    let out = out.map_or_else(|| scratch.join("dist"), Path::to_owned);
    let failed = |error: std::io::Error| format!("{}: {error}", out.display());
    if out.exists() {
        fs::remove_dir_all(&out).map_err(failed)?;
    }
    fs::create_dir_all(&out).map_err(failed)?;

    let mut files = vec![source_archive(&tools, &package, &scratch.join("sdist"))?];
    // Any interpreter will do for the wheel that is for all of them.
    let mut interpreters = vec![(tools.program("python"), true)];
    if can_start(FREE_THREADED) {
        interpreters.push((PathBuf::from(FREE_THREADED), false));
    } else {
        println!("no wheel of its own for {FREE_THREADED}: there is no such program");
    }
    for &platform in Platform::all() {
        if let Some(why) = missing_target(platform) {
            println!("no wheel for {platform:?}: {why}");
            continue;
        }
        for (interpreter, is_stable) in &interpreters {
            let wheel = build(root, &tools, platform, interpreter, *is_stable, &scratch.join("wheel"))?;
            check(&tools, &wheel, platform, *is_stable)?;
            if platform.runs_here() {
                try_out(&package, &scratch, interpreter, &wheel)?;
            }
            files.push(wheel);
        }
    }
    run::run(tools.python().args(["-m", "twine", "check", "--strict"]).args(&files))?;
    for file in files {
        let kept = out.join(file.file_name().unwrap_or_default());
        fs::copy(&file, &kept).map_err(failed)?;
        println!("{}: {} bytes", kept.display(), size(&kept)?);
    }
    Ok(())
}

/// Why no wheel can be built for a platform; nothing if one can.
fn missing_target(platform: Platform) -> Option<String> {
    let (libc, _) = platform.linux()?;
    let target = target(libc);
    let add = Command::new("rustup").args(["target", "add", &target]).stderr(Stdio::null()).status();
    match add {
        Ok(status) if status.success() => None,
        _ => Some(format!("`rustup target add {target}` failed")),
    }
}

/// The target of this machine's processor with a C library.
fn target(libc: &str) -> String {
    format!("{}-unknown-linux-{libc}", std::env::consts::ARCH)
}

/// Whether there is such a program.
fn can_start(program: &str) -> bool {
    let output = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    output.is_ok_and(|status| status.success())
}

/// Builds one wheel into an empty folder of its own.
fn build(
    root: &Path,
    tools: &Venv,
    platform: Platform,
    interpreter: &Path,
    is_stable: bool,
    into: &Path,
) -> Result<PathBuf, String> {
    let folder =
        into.join(format!("{platform:?}-{}", interpreter.file_name().unwrap_or_default().to_string_lossy()));
    let mut maturin = Command::new(tools.program("maturin"));
    maturin.current_dir(root).env("PATH", tools.path()?);
    maturin.args(["build", "--locked", "--strip", "--profile", "wheel"]);
    maturin.arg("--manifest-path").arg(root.join(PACKAGE).join("Cargo.toml"));
    maturin.arg("--interpreter").arg(interpreter);
    if !is_stable {
        maturin.arg("--no-default-features");
    }
    if let Some((libc, tag)) = platform.linux() {
        maturin.args(["--zig", "--auditwheel", "check", "--compatibility", tag, "--target", &target(libc)]);
    }
    only_file(maturin.arg("--out").arg(&folder), &folder)
}

/// Checks a wheel without installing it.
fn check(tools: &Venv, wheel: &Path, platform: Platform, is_stable: bool) -> Outcome {
    let members = run::output(tools.python().args(["-m", "zipfile", "--list"]).arg(wheel))?;
    if let Some(name) = missing(&members) {
        return Err(format!("{} has no {name}", wheel.display()));
    }
    // It judges by the libc of this machine; of the other maturin has said that the wheel keeps to it.
    if platform.linux().is_some() && platform.runs_here() {
        run::run(tools.python().args(["-m", "auditwheel", "show"]).arg(wheel))?;
    }
    if is_stable {
        run::run(tools.python().args(["-m", "abi3audit", "--strict", "--summary"]).arg(wheel))?;
    }
    run::run(Command::new(tools.program("check-wheel-contents")).arg(wheel))
}

/// What a wheel should have and does not, by what `zipfile` lists of it.
fn missing(members: &str) -> Option<&'static str> {
    let names: Vec<&str> = members.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let has = |wanted: &str| {
        names.iter().any(|name| name.split_once(".dist-info/").is_some_and(|(_, rest)| rest == wanted))
    };
    NOTICES.into_iter().find(|wanted| !has(wanted))
}

/// Installs a wheel where there is nothing else, runs what has to work there, and measures it.
fn try_out(package: &Path, scratch: &Path, interpreter: &Path, wheel: &Path) -> Outcome {
    let is_usual = interpreter.is_absolute();
    let python = if is_usual { Path::new(PYTHON) } else { interpreter };
    let venv = Venv::fresh_of(python, &scratch.join("bare"))?;
    run::run(&mut install(&venv, wheel))?;
    run::run(venv.python().arg(package.join("tests/smoke.py")))?;
    let installed = run::output(venv.python().arg(package.join("benches/installed.py")).arg("cvm-sdk"))?;
    let megabytes: f64 =
        installed.trim().parse().map_err(|_| format!("installed.py printed {installed:?}"))?;
    println!("installed: {megabytes:.2} MB, {MOST_MEGABYTES:.2} MB at most");
    if megabytes <= MOST_MEGABYTES {
        return Ok(());
    }
    Err(format!("the package takes {megabytes:.2} MB where it is installed, more than {MOST_MEGABYTES}"))
}

fn size(path: &Path) -> Result<u64, String> {
    fs::metadata(path).map(|found| found.len()).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_without_its_notices_is_found() {
        let whole = "File Name                 Modified             Size\n\
                     cvm/__init__.py           1980-01-01 00:00:00  1\n\
                     cvm_sdk-0.1.0.dist-info/licenses/LICENSE-APACHE 1980-01-01 00:00:00 1\n\
                     cvm_sdk-0.1.0.dist-info/licenses/LICENSE-MIT 1980-01-01 00:00:00 1\n\
                     cvm_sdk-0.1.0.dist-info/licenses/THIRD-PARTY-LICENSES.txt 1980-01-01 00:00:00 1\n\
                     cvm_sdk-0.1.0.dist-info/sboms/cvm-sdk.cdx.json 1980-01-01 00:00:00 1\n";
        assert_eq!(missing(whole), None);
        for name in NOTICES {
            assert_eq!(missing(&whole.replace(name, "other")), Some(name));
        }
        assert_eq!(missing(""), Some(NOTICES[0]));
    }

    #[test]
    fn only_linux_wheels_have_tags_of_their_own() {
        assert_eq!(Platform::Native.linux(), None);
        assert_eq!(
            Platform::Manylinux.linux().map(|(libc, _)| target(libc).ends_with("-linux-gnu")),
            Some(true)
        );
        assert_eq!(
            Platform::Musllinux.linux().map(|(libc, _)| target(libc).ends_with("-linux-musl")),
            Some(true)
        );
    }
}
