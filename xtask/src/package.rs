//! What a registry would get of each crate that may go there.

use std::path::Path;

use crate::metadata::Metadata;
use crate::{Outcome, run};

/// What every package has in it beside its sources.
const FILES: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// Makes the packages, and looks into each. They are not built once more: what is in them is what is built here.
pub(crate) fn run(root: &Path) -> Outcome {
    let metadata = Metadata::load(root)?;
    let names: Vec<&str> = metadata
        .workspace_packages()
        .filter(|package| package.published)
        .map(|package| &*package.name)
        .collect();
    for name in &names {
        let args = ["package", "--locked", "--allow-dirty", "--list", "--package", name];
        let list = run::output(&mut run::cargo(root, args))?;
        if let Some(file) = FILES.iter().find(|file| !list.lines().any(|line| line == **file)) {
            return Err(format!("the package {name} has no {file}"));
        }
    }
    let mut package = run::cargo(root, ["package", "--locked", "--allow-dirty", "--no-verify", "--quiet"]);
    package.args(names.iter().flat_map(|name| ["--package", name]));
    run::run(&mut package)?;
    println!("package: {}", names.join(", "));
    Ok(())
}
