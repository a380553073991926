//! Who may depend on whom, and on how much.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::Outcome;
use crate::metadata::{DependencyKind, Metadata, Package};
use crate::run;

/// The core.
const CORE: &str = "cvm-proto";
/// Where settings and credentials come from; without `std` for programs that read the files themselves.
const SOURCES: &str = "cvm-config";
/// What reads and writes files; it knows nothing of the API.
const FILES: &str = "cvm-files";
/// The core's tree has fewer crates than this, itself included.
const CORE_CRATES: usize = 31;
/// Who may use the embedded endpoint at run time. Anybody may in tests.
const MAY_USE_LOCAL: [&str; 4] = ["cvm-cli", "cvm-scenarios", "cvm-examples", "cvm-python"];
/// Checks all of it.
pub(crate) fn run(root: &Path) -> Outcome {
    let metadata = Metadata::load(root)?;
    directions(&metadata)?;
    bans(root, &metadata)?;
    size(root)?;
    no_std(root, CORE)?;
    no_std(root, SOURCES)?;
    plain_endpoint(root)
}

/// Dependencies run one way: core and files, where settings come from, shells, the rest.
fn directions(metadata: &Metadata) -> Outcome {
    let members: BTreeSet<&str> =
        metadata.workspace_packages().map(|package| package.name.as_str()).collect();
    let all = [DependencyKind::Normal, DependencyKind::Build, DependencyKind::Dev];
    for package in metadata.workspace_packages() {
        let refuse =
            |other: &Package, why: &str| Err(format!("{} depends on {}: {why}", package.name, other.name));
        let direct = metadata.dependencies(package, &all);
        let own = direct.iter().find(|other| members.contains(&*other.name));
        if let Some(other) = own.filter(|_| [CORE, FILES].contains(&&*package.name)) {
            return refuse(other, "it is the base of the workspace and depends on no other crate of it");
        }
        let below = metadata.dependencies(package, &[DependencyKind::Normal, DependencyKind::Build]);
        let above = below
            .iter()
            .find(|other| members.contains(&*other.name) && ![CORE, FILES].contains(&&*other.name));
        if let Some(other) = above.filter(|_| package.name == SOURCES) {
            return refuse(other, "the source of settings must not depend on transports");
        }
        let local = below.iter().find(|other| other.name == "cvm-local");
        if let Some(other) = local.filter(|_| !MAY_USE_LOCAL.contains(&&*package.name)) {
            let why =
                "only the command, the Python package, the examples and tests use the embedded endpoint";
            return refuse(other, why);
        }
    }
    Ok(())
}

/// Nothing anywhere below the workspace, on any platform, that deny.toml bans.
fn bans(root: &Path, metadata: &Metadata) -> Outcome {
    let path = root.join("deny.toml");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let Deny { bans } = toml::from_str(&text).map_err(|error| format!("deny.toml: {error}"))?;
    let below = metadata.below(
        metadata.workspace_packages(),
        &[DependencyKind::Normal, DependencyKind::Build, DependencyKind::Dev],
    );
    let found =
        bans.deny.iter().find_map(|ban| Some((ban, below.iter().find(|package| package.name == ban.name)?)));
    match found {
        Some((ban, package)) => Err(format!(
            "{} {} is in the dependency graph: {}; see `cargo tree -i {} -e all --target all`",
            package.name, package.version, ban.reason, package.name
        )),
        None => Ok(()),
    }
}

/// What is read of deny.toml.
#[derive(Deserialize)]
struct Deny {
    bans: Bans,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

/// The core stays small.
fn size(root: &Path) -> Outcome {
    let tree = run::output(&mut run::cargo(
        root,
        ["tree", "--locked", "-e", "normal", "-p", CORE, "--prefix", "none"],
    ))?;
    let crates: BTreeSet<&str> =
        tree.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| !line.is_empty()).collect();
    println!("{CORE}: {} crates with itself", crates.len());
    if crates.len() < CORE_CRATES {
        return Ok(());
    }
    Err(format!("{CORE} has {} crates in its tree: it may have fewer than {CORE_CRATES}", crates.len()))
}

/// A crate without `std`: it builds, and turns on no dependency's `std`.
fn no_std(root: &Path, package: &str) -> Outcome {
    let features = [
        "tree",
        "--locked",
        "-e",
        "normal,features",
        "-p",
        package,
        "--no-default-features",
        "--prefix",
        "none",
    ];
    let tree = run::output(&mut run::cargo(root, features))?;
    // Procedural macros run on the machine that builds, where there is a standard library.
    let host_only = ["serde_derive", "thiserror-impl", "proc-macro2", "quote", "syn", "unicode-ident"];
    let with_std = tree.lines().find(|line| {
        line.contains("feature \"std\"") && !host_only.iter().any(|name| line.split(' ').next() == Some(name))
    });
    if let Some(line) = with_std {
        return Err(format!("{package} without its features still enables {line}"));
    }
    run::run(&mut run::cargo(
        root,
        ["check", "--locked", "--quiet", "-p", package, "--lib", "--no-default-features"],
    ))
}

/// The embedded endpoint without its features: it builds, and with neither TLS nor YAML.
fn plain_endpoint(root: &Path) -> Outcome {
    let package = ["-p", "cvm-local", "--no-default-features"];
    let tree = ["tree", "--locked", "-e", "normal", "--prefix", "none"].into_iter().chain(package);
    let tree = run::output(&mut run::cargo(root, tree))?;
    let unwanted = ["rcgen", "rustls", "serde-saphyr"];
    if let Some(line) =
        tree.lines().find(|line| unwanted.iter().any(|name| line.split(' ').next() == Some(name)))
    {
        return Err(format!("cvm-local without its features still depends on {line}"));
    }
    let check = ["check", "--locked", "--quiet", "--lib"].into_iter().chain(package);
    run::run(&mut run::cargo(root, check))
}
