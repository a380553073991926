//! What a wheel has to say of the crates that are compiled into it: their licences, and a bill of materials.
//!
//! Both are made of what cargo knows, and committed, so that a wheel built from source has them as well. They list the
//! crates of all platforms.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Outcome;
use crate::metadata::{DependencyKind, Metadata, Package};
use crate::run::{self, cargo};

/// The crate that becomes the extension.
const EXTENSION: &str = "cvm-python";
/// The package that it is in.
const DISTRIBUTION: &str = "cvm-sdk";
/// Where the licences go, and the bill of materials.
const LICENSES: &str = "bindings/python/THIRD-PARTY-LICENSES.txt";
const MATERIALS: &str = "bindings/python/cvm-sdk.cdx.json";
/// What wheels are built for: `.github/workflows/wheels.yml`.
const TARGETS: [&str; 8] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
];
/// The licence that is chosen where a crate offers it: one text is enough for all of them.
const CHOSEN: &str = "Apache-2.0";

/// Writes both files, or checks that they fit the lock file.
pub(crate) fn run(root: &Path, check: bool) -> Outcome {
    let metadata = Metadata::load(root)?;
    let crates = compiled_in(root, &metadata)?;
    let files = [(LICENSES, licenses(root, &crates)?), (MATERIALS, materials(root, &metadata, &crates)?)];
    for (path, text) in files {
        let path = root.join(path);
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        if fs::read_to_string(&path).ok().as_ref() == Some(&text) {
            continue;
        }
        if check {
            return Err(format!("{} does not fit Cargo.lock: run `cargo xtask notices`", path.display()));
        }
        fs::write(&path, text).map_err(failed)?;
    }
    Ok(())
}

/// Whose code is in the extension, on any platform, itself included.
fn compiled_in<'a>(root: &Path, metadata: &'a Metadata) -> Result<Vec<&'a Package>, String> {
    let args = ["tree", "--locked", "--package", EXTENSION, "--edges", "normal,no-proc-macro"];
    let more = TARGETS.iter().flat_map(|target| ["--target", target]);
    let format = ["--prefix", "none", "--format", "{p}"];
    let tree = run::output(&mut cargo(root, args.into_iter().chain(more).chain(format)))?;
    let named: BTreeSet<(&str, &str)> = tree.lines().filter_map(name_and_version).collect();
    let find = |(name, version)| {
        let unknown = || format!("cargo tree lists {name} {version}, which cargo metadata does not know");
        metadata.package(name, version).ok_or_else(unknown)
    };
    named.into_iter().map(find).collect()
}

/// Reads `slab v0.4.12 (*)`.
fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

/// The licences of all crates, each text once, below the crates that it is for.
fn licenses(root: &Path, crates: &[&Package]) -> Result<String, String> {
    let chosen = fs::read_to_string(root.join("LICENSE-APACHE"));
    let chosen = chosen.map_err(|error| format!("LICENSE-APACHE: {error}"))?;
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in crates.iter().filter(|package| !package.is_own) {
        let named = format!("{} {}", package.name, package.version);
        let license = package.license.as_deref().ok_or_else(|| format!("{named} states no licence"))?;
        let found = if offers(license, CHOSEN) { vec![chosen.clone()] } else { own_texts(package, license)? };
        for text in found {
            texts.entry(text).or_default().insert(format!("{named} ({license})"));
        }
    }
    let mut out = format!(
        "The extension of {DISTRIBUTION} has code of the crates that are listed here, on one platform or another. Where a\n\
         crate can be had under {CHOSEN}, it is used under that licence.\n"
    );
    let mut texts: Vec<_> = texts.into_iter().collect();
    texts.sort_by(|a, b| a.1.cmp(&b.1));
    for (text, users) in texts {
        let users: Vec<_> = users.into_iter().collect();
        out.push_str(&format!(
            "\n{}\n\n{}\n\n{}\n",
            "=".repeat(100),
            users.join("\n"),
            text.trim_matches('\n')
        ));
    }
    Ok(out)
}

/// Whether a licence expression lets one choose this licence.
fn offers(expression: &str, license: &str) -> bool {
    !expression.contains(" AND ")
        && expression.split(" OR ").flat_map(|part| part.split('/')).any(|one| one == license)
}

/// The texts that a crate comes with; for one that comes with none, the text that its licence stands for.
fn own_texts(package: &Package, license: &str) -> Result<Vec<String>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", package.folder.display());
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(&package.folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if ["LICEN", "COPYING", "NOTICE"].iter().any(|start| name.starts_with(start))
            && entry.path().is_file()
        {
            let text = fs::read_to_string(entry.path()).map_err(failed)?;
            let lines: Vec<_> = text.lines().map(str::trim_end).collect();
            texts.insert(name, lines.join("\n"));
        }
    }
    if texts.is_empty() && license == "MIT" {
        texts.insert(license.into(), mit(package));
    }
    if texts.is_empty() {
        return Err(format!("{} {} has no text of its licence, {license}", package.name, package.version));
    }
    Ok(texts.into_values().collect())
}

/// The MIT licence of a crate that comes without its text.
fn mit(package: &Package) -> String {
    const MIT: &str = include_str!("../../LICENSE-MIT");
    let terms = MIT.find("Permission is hereby granted").map_or(MIT, |start| &MIT[start..]);
    format!("Copyright (c) {}\n\n{terms}", package.authors.join(", "))
}

/// A bill of materials in `CycloneDX` 1.5, which holds nothing that changes from build to build.
fn materials(root: &Path, metadata: &Metadata, crates: &[&Package]) -> Result<String, String> {
    let checksums = checksums(root)?;
    let top = crates.iter().find(|package| package.name == EXTENSION);
    let top = top.ok_or_else(|| format!("{EXTENSION} is not part of itself"))?;
    let components: Vec<Value> = crates
        .iter()
        .filter(|package| package.name != EXTENSION)
        .map(|package| component(package, &checksums))
        .collect();
    let known: BTreeSet<String> = crates.iter().map(|package| url(package)).collect();
    let dependencies = crates.iter().map(|package| {
        let below = metadata.dependencies(package, &[DependencyKind::Normal]);
        let below: BTreeSet<String> = below.into_iter().map(url).filter(|url| known.contains(url)).collect();
        json!({ "ref": url(package), "dependsOn": below })
    });
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": url(top),
                "name": DISTRIBUTION,
                "version": top.version,
                "purl": format!("pkg:pypi/{DISTRIBUTION}@{}", top.version),
                "licenses": [{ "expression": top.license }],
            },
        },
        "components": components,
        "dependencies": dependencies.collect::<Vec<_>>(),
    });
    // A line for each crate: it can be compared, and is not half white space.
    let mut text = document.to_string();
    for start in ["{\"bom-ref\"", "{\"dependsOn\"", "{\"ref\""] {
        text = text.replace(start, &format!("\n{start}"));
    }
    text.push('\n');
    Ok(text)
}

fn component(package: &Package, checksums: &BTreeMap<String, String>) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": url(package),
        "name": package.name,
        "version": package.version,
        "licenses": [{ "expression": package.license.as_deref().map(|license| license.replace('/', " OR ")) }],
        "purl": url(package),
    });
    if let Some(checksum) = checksums.get(&url(package)) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

/// The SHA-256 of each package that is not of this repository, by its URL.
fn checksums(root: &Path) -> Result<BTreeMap<String, String>, String> {
    let text = fs::read_to_string(root.join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    let lock: Lock = toml::from_str(&text).map_err(|error| format!("Cargo.lock: {error}"))?;
    let known = lock.package.into_iter();
    Ok(known.filter_map(|it| Some((format!("pkg:cargo/{}@{}", it.name, it.version), it.checksum?))).collect())
}

/// What is read of Cargo.lock.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The package URL of a crate.
fn url(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apache_is_chosen_where_it_is_one_of_several() {
        for offered in [
            "Apache-2.0",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0",
        ] {
            assert!(offers(offered, CHOSEN), "{offered}");
        }
        for other in [
            "MIT",
            "Apache-2.0 AND ISC",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(!offers(other, CHOSEN), "{other}");
        }
    }

    #[test]
    fn the_lines_of_cargo_tree_are_read() {
        assert_eq!(name_and_version("slab v0.4.12"), Some(("slab", "0.4.12")));
        assert_eq!(name_and_version("slab v0.4.12 (*)"), Some(("slab", "0.4.12")));
        assert_eq!(name_and_version("cvm-proto v0.1.0 (/somewhere)"), Some(("cvm-proto", "0.1.0")));
        assert_eq!(name_and_version(""), None);
    }
}
