//! How large a program is that uses a few actions.

use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::metadata::Metadata;
use crate::run;

/// The program, and its package.
const PROGRAM: &str = "cvm-small";
/// The profile that the README of `cvm-ureq` recommends to whoever wants a small program.
pub(crate) const PROFILE: &str = "small";
/// What three actions over `cvm-ureq` may take, stripped.
const MOST_BYTES: u64 = 3_000_000;

/// Builds the program and checks its size.
pub(crate) fn run(root: &Path) -> Outcome {
    let target = Metadata::load(root)?.target;
    let args = ["build", "--locked", "--profile", PROFILE, "--package", PROGRAM];
    run::run(&mut run::cargo(root, args))?;
    let program = target.join(PROFILE).join(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
    let bytes = fs::metadata(&program).map_err(|error| format!("{}: {error}", program.display()))?.len();
    println!("{PROGRAM}: {bytes} bytes, {MOST_BYTES} at most");
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(format!(
        "{PROGRAM} has {bytes} bytes, more than {MOST_BYTES}: \
         `cargo bloat --profile {PROFILE} -p {PROGRAM} --crates` shows what takes them"
    ))
}
