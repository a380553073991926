//! The stated rust-version: the lowest that the published crates' dependencies allow, no higher and no lower.
//!
//! That our own code asks for no newer standard library is clippy's part (`incompatible_msrv`).

use std::path::Path;

use crate::Outcome;
use crate::metadata::{DependencyKind, Metadata, RustVersion};

/// The first version that knows the workspace's edition.
const EDITION_2024: RustVersion = RustVersion(1, 85, 0);

/// Compares what the workspace states with what its dependencies state.
pub(crate) fn run(root: &Path) -> Outcome {
    let metadata = Metadata::load(root)?;
    let published = || metadata.workspace_packages().filter(|package| package.published);
    let names: Vec<&str> = metadata.workspace_packages().map(|package| package.name.as_str()).collect();
    let highest = metadata
        .below(published(), &[DependencyKind::Normal, DependencyKind::Build])
        .into_iter()
        .filter(|package| !names.contains(&package.name.as_str()))
        .filter_map(|package| Some((package.rust_version?, format!("{} {}", package.name, package.version))))
        .max()
        .unwrap_or((EDITION_2024, "the edition".into()));
    let (needed, by) = if highest.0 < EDITION_2024 { (EDITION_2024, "the edition".into()) } else { highest };
    for package in published() {
        match package.rust_version {
            Some(stated) if stated == needed => {}
            Some(stated) => {
                return Err(format!(
                    "{} states rust-version {stated}, but {by} needs {needed}: set it in the workspace's Cargo.toml",
                    package.name
                ));
            }
            None => {
                return Err(format!(
                    "{} states no rust-version: inherit that of the workspace",
                    package.name
                ));
            }
        }
    }
    println!("rust-version {needed}, set by {by}");
    Ok(())
}
