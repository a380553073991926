//! What the pages say of the chores, and of Cargo's profiles, is so.

use std::path::Path;
use std::process::Command;

use clap::Parser;

use crate::{Cli, run};

/// The pages that git keeps.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let list = run::output(Command::new("git").current_dir(&root).args(["ls-files", "*.md"])).unwrap();
    let pages: Vec<_> = list
        .lines()
        .map(|path| (path.to_owned(), std::fs::read_to_string(root.join(path)).unwrap()))
        .collect();
    assert!(pages.len() > 10);
    pages
}

#[test]
fn every_chore_in_the_pages_can_be_run() {
    let mut seen = 0;
    for (path, text) in pages() {
        // Up to the end of the line, of the code, or of a comment.
        for chore in text.split("cargo xtask ").skip(1) {
            let end = chore.find(['\n', '`', '#']).unwrap_or(chore.len());
            let words = chore[..end].split([' ', '[', ']']).filter(|word| !word.is_empty());
            let typed = words.filter_map(|word| match word {
                "N" => Some("1"),
                "FOLDER" => Some("folder"),
                // It stands for anything.
                word if word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'.') => None,
                word => Some(word),
            });
            if let Err(error) = Cli::try_parse_from(["cargo xtask"].into_iter().chain(typed)) {
                panic!("{path}: cargo xtask {}: {error}", &chore[..end]);
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn profiles_in_the_pages_are_those_that_are_measured() {
    let profile = |text: &str, name: &str| {
        let text: toml::Table = text.parse().unwrap();
        let mut profile = text["profile"][name].as_table().unwrap().clone();
        profile.remove("inherits");
        profile
    };
    let manifest = include_str!("../../Cargo.toml");
    let mut seen = 0;
    for (path, text) in pages() {
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            assert_eq!(profile(block, "release"), profile(manifest, crate::size::PROFILE), "{path}");
            seen += 1;
        }
    }
    assert_eq!(seen, 1);
}
