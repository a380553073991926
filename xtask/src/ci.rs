//! Everything that has to pass before a change lands, the quick checks first.

use std::path::Path;
use std::time::Instant;

use crate::run::{self, cargo};
use crate::{Outcome, clients, codegen, deps, msrv, notices, package, python, test, tidy};

/// Runs it all and stops at the first thing that fails.
pub(crate) fn run(root: &Path) -> Outcome {
    step("fmt", || run::run(&mut cargo(root, ["fmt", "--all", "--check"])))?;
    step("codegen", || codegen::run(root, true))?;
    step("notices", || notices::run(root, true))?;
    step("tidy", || tidy::run(root))?;
    step("deps", || deps::run(root))?;
    step("msrv", || msrv::run(root))?;
    step("package", || package::run(root))?;
    step("clippy", || {
        let args = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
        run::run(&mut cargo(root, args))
    })?;
    step("doc", || {
        let args = ["doc", "--locked", "--workspace", "--no-deps"];
        run::run(cargo(root, args).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    let interpreter = step("wheel", || python::installed(root))?;
    let tests = step("test", || test::test(root, &[], Some(interpreter)))?;
    let properties = step("fuzz", || test::fuzz(root, test::CASES_OF_EACH_RUN, None))?;
    let clients = step("clients", || clients::run(root, &[clients::Client::Python]))?;
    let python = step("python", || python::check(root, python::Profile::Dev, &[]))?;
    tests.and(properties).and(clients).and(python).report()
}

/// Runs one step under its name and says how long it took.
fn step<T>(name: &str, run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    println!("==> {name}");
    let start = Instant::now();
    let result = run();
    println!("<== {name}: {:.0} s", start.elapsed().as_secs_f64());
    result
}
