//! Who may depend on whom, and on how much.

use std::collections::BTreeSet;
use std::path::Path;

use crate::Outcome;
use crate::metadata::{Kind, Metadata, Package};
use crate::run;

/// The core.
const CORE: &str = "cvm-proto";
/// Where settings and credentials come from.
const SOURCES: &str = "cvm-config";
/// What reads and writes files; it knows nothing of the API.
const FILES: &str = "cvm-files";
/// The core's tree has fewer crates than this, itself included.
const CORE_CRATES: usize = 30;
/// Who may use the embedded endpoint at run time. Anybody may in tests.
const MAY_USE_LOCAL: [&str; 4] = ["cvm-cli", "cvm-conformance", "cvm-examples", "cvm-python"];
/// What must not come in anywhere: other TLS and crypto libraries beside rustls with ring.
const BANNED: [&str; 5] = ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"];

/// Checks all of it.
pub(crate) fn run(root: &Path) -> Outcome {
    let metadata = Metadata::load(root)?;
    directions(&metadata)?;
    bans(&metadata)?;
    size(root)?;
    no_std(root)
}

/// Dependencies run one way: core and files, where settings come from, shells, the rest.
fn directions(metadata: &Metadata) -> Outcome {
    let members: BTreeSet<&str> = metadata.members().map(|package| package.name.as_str()).collect();
    let all = [Kind::Normal, Kind::Build, Kind::Dev];
    for package in metadata.members() {
        let refuse =
            |other: &Package, why: &str| Err(format!("{} depends on {}: {why}", package.name, other.name));
        let direct = metadata.dependencies(package, &all);
        let own = direct.iter().find(|other| members.contains(&*other.name));
        if let Some(other) = own.filter(|_| [CORE, FILES].contains(&&*package.name)) {
            return refuse(other, "it is the base of all, and depends on no other crate of the workspace");
        }
        let below = metadata.dependencies(package, &[Kind::Normal, Kind::Build]);
        let above = below
            .iter()
            .find(|other| members.contains(&*other.name) && ![CORE, FILES].contains(&&*other.name));
        if let Some(other) = above.filter(|_| package.name == SOURCES) {
            return refuse(other, "where settings come from is below the transports that use them");
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

/// Nothing banned anywhere below the workspace, on any platform.
fn bans(metadata: &Metadata) -> Outcome {
    let below = metadata.below(metadata.members(), &[Kind::Normal, Kind::Build, Kind::Dev]);
    match below.iter().find(|package| BANNED.contains(&&*package.name)) {
        Some(package) => Err(format!(
            "{} {} is in the dependency graph: TLS is rustls with ring; see `cargo tree -i {} -e all --target all`",
            package.name, package.version, package.name
        )),
        None => Ok(()),
    }
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
    Err(format!("{CORE} has {} crates in its tree; it keeps below {CORE_CRATES}", crates.len()))
}

/// The core without `std`: it builds, and turns on no dependency's `std`.
fn no_std(root: &Path) -> Outcome {
    let features = [
        "tree",
        "--locked",
        "-e",
        "normal,features",
        "-p",
        CORE,
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
        return Err(format!("{CORE} without its features still turns on {line}"));
    }
    run::run(&mut run::cargo(
        root,
        ["check", "--locked", "--quiet", "-p", CORE, "--lib", "--no-default-features"],
    ))
}
