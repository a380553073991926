//! Rules that look at one file, line by line.

use super::{File, Findings};

/// The longest hand-written file, in lines. One that wants more wants a folder.
const MAX_LINES: usize = 500;

/// Marks of work that is not finished, taken apart so that this file does not hold them.
const MARKS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
];

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];

/// What the core never touches: clocks, environment, files, sockets, threads.
const IO: [&str; 9] = [
    "std::time",
    "std::env",
    "std::fs",
    "std::net",
    "std::thread",
    "std::io",
    "std::process",
    "SystemTime",
    "Instant",
];

/// Where the core's sources are.
pub(super) const CORE_SOURCES: &str = "crates/cvm-proto/src/";

/// Checks one file.
pub(super) fn check(file: &File, found: &mut Findings) {
    let extension = file.extension();
    let is_code = matches!(extension, "rs" | "py" | "pyi" | "sh" | "toml");
    let is_text = is_code || matches!(extension, "md" | "yml" | "yaml") || file.path == ".ci/run";
    if is_code && !file.is_generated() {
        length(file, found);
    }
    if extension == "rs" {
        module_docs(file, found);
    }
    if file.path.ends_with("Cargo.toml") {
        lints(file, found);
    }
    if file.path.starts_with(CORE_SOURCES) {
        io(file, found);
    }
    if is_text {
        marks(file, found);
        white_space(file, found);
    }
}

fn length(file: &File, found: &mut Findings) {
    let lines = file.lines().count();
    if lines > MAX_LINES {
        found.add(file, lines, format!("{lines} lines, more than {MAX_LINES}: split it into a folder"));
    }
}

/// A source file opens by saying what it is for.
fn module_docs(file: &File, found: &mut Findings) {
    let first = file.lines().find(|(_, line)| {
        let is_attribute = (line.starts_with("#![") && !line.starts_with("#![doc = include_str!"))
            || line.starts_with("#!/");
        let is_plain_comment = line.starts_with("//") && !line.starts_with("//!");
        !(line.is_empty() || is_attribute || is_plain_comment)
    });
    match first {
        Some((_, line)) if line.starts_with("//!") || line.starts_with("#![doc = include_str!") => {}
        Some((number, _)) => {
            found.add(file, number, "no module docs: begin with `//!` and say what the file is for");
        }
        None => found.add(file, 1, "an empty source file: delete it"),
    }
}

/// Every crate takes the workspace's lints.
fn lints(file: &File, found: &mut Findings) {
    let has = |wanted: &str| file.lines().any(|(_, line)| line.trim() == wanted);
    let inherits = file.text.split("\n[lints]\n").nth(1).is_some_and(|rest| {
        rest.lines().take_while(|line| !line.starts_with('[')).any(|line| line.trim() == "workspace = true")
    });
    if has("[package]") && !inherits {
        found.add(file, 1, "does not inherit the workspace's lints: add `[lints]` with `workspace = true`");
    }
}

/// The core does no I/O and reads no clock, not even behind its feature `std`.
fn io(file: &File, found: &mut Findings) {
    for (number, line) in file.lines() {
        let code = line.split("//").next().unwrap_or_default();
        for name in IO.iter().filter(|name| has_word(code, name)) {
            found.add(file, number, format!("`{name}` in the core: only shells touch the outside world"));
        }
    }
}

fn marks(file: &File, found: &mut Findings) {
    for (number, line) in file.lines() {
        for mark in MARKS.iter().filter(|mark| line.contains(*mark)) {
            found.add(file, number, format!("`{mark}`: finish it, or file it"));
        }
        for path in MACHINE_PATHS.iter().filter(|path| has_path(line, path)) {
            found.add(file, number, format!("`{path}` exists on one machine only"));
        }
    }
}

fn white_space(file: &File, found: &mut Findings) {
    for (number, line) in file.lines() {
        if line.trim_end_matches([' ', '\t', '\r']) != line {
            found.add(file, number, "white space at the end of the line");
        }
        if line.contains('\t') {
            found.add(file, number, "a tab: indent with spaces, and write `\\t` in a string");
        }
    }
    // `lines` takes the carriage return of a Windows line for part of the line's end.
    if file.text.contains("\r\n") {
        found.add(file, 1, "Windows line ends");
    }
    let last = file.lines().count();
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        found.add(file, last, "the last line has no line end");
    }
    if file.text.ends_with("\n\n") {
        found.add(file, last, "empty lines at the end of the file");
    }
}

/// Whether `word` stands in the text, not as a part of a longer word.
fn has_word(text: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(part_of_word) && !text[at + word.len()..].starts_with(part_of_word)
    })
}

/// Whether an absolute path that starts like this stands in the text, not one that merely has it in its middle.
fn has_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        !text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | ')'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[(usize, &str)]) {
        let mut found = Findings::default();
        super::check(&File { path: path.into(), text: text.into() }, &mut found);
        let got: Vec<(usize, &str)> = found.0.iter().map(|finding| (finding.line, &*finding.what)).collect();
        assert_eq!(got.len(), expected.len(), "{path}: {got:?}");
        for ((line, what), (expected_line, part)) in got.iter().zip(expected) {
            assert!(line == expected_line && what.contains(part), "{path}: {got:?}");
        }
    }

    #[test]
    fn long_files() {
        let long = format!("//! Long.\n{}", "fn f() {}\n".repeat(MAX_LINES));
        check("src/a.rs", &long, &[(MAX_LINES + 1, "split it into a folder")]);
        check("src/a.rs", &long.replacen("Long.", concat!("@", "generated"), 1), &[]);
        check("a.json", &long, &[]);
    }

    #[test]
    fn headers() {
        check("src/a.rs", "#![no_std]\n\n//! Docs.\nuse x;\n", &[]);
        check("src/a.rs", "// why\nuse x;\n", &[(2, "module docs")]);
        check("src/a.rs", "", &[(1, "empty source")]);
        check("a/Cargo.toml", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n", &[]);
        check(
            "a/Cargo.toml",
            "[package]\nname = \"a\"\n\n[lints]\n\n[x]\nworkspace = true\n",
            &[(1, "lints")],
        );
        check("Cargo.toml", "[workspace]\nmembers = []\n", &[]);
    }

    #[test]
    fn marks_and_white_space() {
        check("a.md", concat!("fine\nTO", "DO later\n"), &[(2, "finish it")]);
        check("a.sh", concat!("cd /ro", "ot/x\n"), &[(1, "one machine")]);
        check("a.md", concat!("github.com/ro", "ot/x is an address\n"), &[]);
        check("a.md", "one \ntwo", &[(1, "at the end of the line"), (2, "has no line end")]);
        check("a.md", "one\r\n", &[(1, "Windows")]);
        check("a.md", "one\n\n", &[(2, "empty lines")]);
        check("a.md", "\tone\n", &[(1, "tab")]);
    }

    #[test]
    fn the_core_touches_nothing() {
        let path = "crates/cvm-proto/src/call.rs";
        check(path, "//! A call.\nuse std::time::Duration;\n", &[(2, "std::time")]);
        check(path, "//! A call.\nlet at = Instant::now();\n", &[(2, "Instant")]);
        check(path, "//! Not an Instant.\n// SystemTime is the shell's\nstruct InstanceInstants;\n", &[]);
        check("crates/cvm-ureq/src/lib.rs", "//! A shell.\nuse std::time::Instant;\n", &[]);
    }
}
