//! Every example of the command's help and of the pages in this repository does what it says.
//!
//! A new one is found by itself. Each block runs for a user of its own, who has what the examples speak of:
//! a profile, files, a job that was interrupted. What must not act here is looked at instead, and nothing is passed over.

mod found;
mod user;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::found::{Block, blocks_of_help, blocks_of_pages, fences, pages, spans};
use self::user::User;
use crate::command::run;

/// The pages with programs in Python, and with profiles: the tests of the Python package run them.
const PYTHON: [&str; 6] = [
    "bindings/python/README.md",
    "bindings/python/docs/concurrency.md",
    "bindings/python/docs/first-steps.md",
    "docs/from-boto3.md",
    "docs/from-tencentcloud-sdk-python.md",
    "docs/three-programs.md",
];

/// The page with a profile of Cargo's, which the chores compare with their own.
const CARGO: &str = "crates/cvm-ureq/README.md";

#[test]
fn every_example_runs() {
    let blocks: Vec<Block> = blocks_of_pages().into_iter().chain(blocks_of_help()).collect();
    let next = AtomicUsize::new(0);
    // Most of the time goes into waiting for copies.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(block) = blocks.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let user = User::new(&block.place);
                    block.examples.iter().for_each(|example| user.run(example));
                }
            });
        }
    });
}

#[test]
fn all_of_them_are_found() {
    let help = blocks_of_help();
    let places: Vec<&str> = help.iter().map(|block| block.place.as_str()).collect();
    for place in
        ["cvm sync", "cvm jobs", "cvm call", "cvm sign", "cvm configure", "cvm config show", "cvm local"]
    {
        assert!(places.contains(&place), "{place}: {places:?}");
    }
    let known = blocks_of_pages();
    for page in
        ["README.md:", "CONTRIBUTING.md:", "bindings/python/README.md:", "crates/cvm-local/docs/serving.md:"]
    {
        assert!(known.iter().any(|block| block.place.starts_with(page)), "{page}");
    }
    assert!(help.iter().map(|block| block.examples.len()).sum::<usize>() >= 20);
}

#[test]
fn somebody_sees_to_every_block() {
    for page in pages() {
        for fence in fences(&page.text) {
            let is_seen_to = match &*fence.language {
                // Here.
                "console" | "sh" | "ini" => true,
                // As the documentation of a crate; none is ignored.
                "rust" | "rust,no_run" => is_documentation(&page.path),
                "python" | "python official" | "python boto3" => PYTHON.contains(&&*page.path),
                "toml" => page.path == CARGO,
                // What the build of the Python reference acts on.
                directive if directive.starts_with('{') => page.path.starts_with("bindings/python/docs/"),
                _ => false,
            };
            assert!(is_seen_to, "{}:{}: no test runs this `{}`", page.path, fence.line, fence.language);
        }
    }
}

/// Whether `cargo test --doc` runs what is in a page: as the page of its own crate, or among the examples.
fn is_documentation(page: &str) -> bool {
    let includes = |file: &str, page: &str| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
        std::fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("include_str!(\"{page}\")")))
    };
    let own = page.strip_suffix("/README.md").map(|package| format!("{package}/src/lib.rs"));
    own.is_some_and(|own| includes(&own, "../README.md"))
        || includes("examples/src/lib.rs", &format!("../../{page}"))
}

#[test]
fn what_prose_says_of_the_command_can_be_typed() {
    let mut seen = 0;
    for page in pages() {
        for (line, span) in spans(&page.text) {
            let Some(rest) = span.strip_prefix("cvm ") else { continue };
            let place = format!("{}:{line}: `{span}`", page.path);
            let words = shlex::split(rest).unwrap_or_else(|| panic!("{place}: a quote is open"));
            let is_name = |word: &&String| word.bytes().all(|byte| byte.is_ascii_lowercase());
            let command: Vec<&str> = words.iter().take_while(is_name).take(2).map(String::as_str).collect();
            let help = run(&[&command[..], &["--help"]].concat());
            assert_eq!(help.code, Some(0), "{place}: {help:?}");
            for option in words.iter().filter(|word| word.starts_with("--") && *word != "--") {
                let option = option.split('=').next().unwrap_or(option);
                let is_there = help.out.split([' ', ',', '\n', '[', '=']).any(|word| word == option);
                assert!(is_there, "{place}: there is no {option}");
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn profiles_in_the_pages_can_be_used() {
    for page in pages() {
        for fence in fences(&page.text).filter(|fence| fence.language == "ini") {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("credentials");
            std::fs::write(&file, &fence.text).unwrap();
            let sections = fence.text.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
            for profile in sections {
                let mut command = crate::command::cvm(&["config", "show", "--profile", profile]);
                let ran = command.env("TENCENTCLOUD_CREDENTIALS_FILE", &file).output().unwrap();
                let ran = crate::command::Ran::from(ran).ended_with(0);
                assert!(ran.out.contains("used: "), "{}:{}: {ran:?}", page.path, fence.line);
            }
        }
    }
}
