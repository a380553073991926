//! What cargo knows of the workspace: packages, and who depends on whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run;

/// The packages of the workspace and of everything below it, for all platforms.
pub(crate) struct Metadata {
    packages: BTreeMap<String, Package>,
    workspace: BTreeSet<String>,
    /// The folder that everything is built into.
    pub(crate) target: PathBuf,
}

/// One package.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// The `rust-version` it states.
    pub(crate) rust_version: Option<RustVersion>,
    /// Whether it may go to a registry.
    pub(crate) published: bool,
    /// Whether it is of this repository.
    pub(crate) is_own: bool,
    /// Its licence, as an SPDX expression.
    pub(crate) license: Option<String>,
    /// Who wrote it, if it says so.
    pub(crate) authors: Vec<String>,
    /// The folder that it is in.
    pub(crate) folder: PathBuf,
    dependencies: Vec<Dependency>,
}

/// An arrow in the graph.
struct Dependency {
    id: String,
    kinds: Vec<DependencyKind>,
}

/// What a dependency is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DependencyKind {
    /// To run.
    Normal,
    /// To build.
    Build,
    /// To test.
    Dev,
}

/// A Rust version: major, minor, patch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct RustVersion(pub(crate) u32, pub(crate) u32, pub(crate) u32);

impl RustVersion {
    /// Reads `1.88` or `1.88.0`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let version = Self(parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
        parts.next().is_none().then_some(version)
    }
}

impl std::fmt::Display for RustVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)?;
        if self.2 == 0 { Ok(()) } else { write!(f, ".{}", self.2) }
    }
}

impl Metadata {
    /// Asks cargo. The lock file has to be up to date.
    pub(crate) fn load(root: &Path) -> Result<Self, String> {
        let text = run::output(&mut run::cargo(root, ["metadata", "--format-version", "1", "--locked"]))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
        Self::read(&value).ok_or_else(|| "cargo metadata has another shape than expected".into())
    }

    fn read(value: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut packages = BTreeMap::new();
        for package in value["packages"].as_array()? {
            packages.insert(
                package["id"].as_str()?.to_owned(),
                Package {
                    name: package["name"].as_str()?.to_owned(),
                    version: package["version"].as_str()?.to_owned(),
                    rust_version: package["rust_version"].as_str().and_then(RustVersion::parse),
                    published: package["publish"].is_null(),
                    is_own: package["source"].is_null(),
                    license: text(&package["license"]),
                    authors: package["authors"].as_array()?.iter().filter_map(text).collect(),
                    folder: Path::new(package["manifest_path"].as_str()?).parent()?.to_owned(),
                    dependencies: Vec::new(),
                },
            );
        }
        for node in value["resolve"]["nodes"].as_array()? {
            let mut dependencies = Vec::new();
            for dep in node["deps"].as_array()? {
                let kinds = dep["dep_kinds"].as_array()?.iter().map(|kind| match kind["kind"].as_str() {
                    Some("dev") => DependencyKind::Dev,
                    Some("build") => DependencyKind::Build,
                    _ => DependencyKind::Normal,
                });
                dependencies.push(Dependency { id: dep["pkg"].as_str()?.to_owned(), kinds: kinds.collect() });
            }
            packages.get_mut(node["id"].as_str()?)?.dependencies = dependencies;
        }
        let workspace = value["workspace_members"].as_array()?.iter();
        Some(Self {
            packages,
            workspace: workspace.filter_map(|id| id.as_str().map(str::to_owned)).collect(),
            target: value["target_directory"].as_str()?.into(),
        })
    }

    /// The packages of the workspace.
    pub(crate) fn workspace_packages(&self) -> impl Iterator<Item = &Package> {
        self.workspace.iter().filter_map(|id| self.packages.get(id))
    }

    /// A package by its name and version.
    pub(crate) fn package(&self, name: &str, version: &str) -> Option<&Package> {
        self.packages.values().find(|package| package.name == name && package.version == version)
    }

    /// What a package depends on directly, for one of these purposes.
    pub(crate) fn dependencies<'a>(
        &'a self,
        package: &'a Package,
        kinds: &[DependencyKind],
    ) -> Vec<&'a Package> {
        let wanted =
            package.dependencies.iter().filter(|to| to.kinds.iter().any(|kind| kinds.contains(kind)));
        wanted.filter_map(|to| self.packages.get(&to.id)).collect()
    }

    /// Everything below these packages, directly or not. Of what they depend on, the tests do not count.
    pub(crate) fn below<'a>(
        &'a self,
        tops: impl Iterator<Item = &'a Package>,
        kinds: &[DependencyKind],
    ) -> Vec<&'a Package> {
        let mut found = BTreeMap::new();
        let mut open: Vec<&Package> = tops.flat_map(|top| self.dependencies(top, kinds)).collect();
        while let Some(package) = open.pop() {
            if found.insert((&package.name, &package.version), package).is_none() {
                open.extend(self.dependencies(package, &[DependencyKind::Normal, DependencyKind::Build]));
            }
        }
        found.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_versions_compare_by_number() {
        assert_eq!(RustVersion::parse("1.88"), RustVersion::parse("1.88.0"));
        assert!(RustVersion::parse("1.9") < RustVersion::parse("1.88"));
        for bad in ["", "1", "1.x", "1.2.3.4"] {
            assert_eq!(RustVersion::parse(bad), None, "{bad}");
        }
        assert_eq!(RustVersion(1, 88, 0).to_string(), "1.88");
        assert_eq!(RustVersion(1, 85, 1).to_string(), "1.85.1");
    }
}
