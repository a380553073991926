//! Looks for what no compiler finds.
//!
//! Hand-written files over 500 lines, missing headers, left-over marks, white space, paths of one machine, I/O in the
//! core, links that point nowhere, rooms of the core that use those above them, files that are no text. Every finding is printed as `file:line: what is wrong and what to do`.

mod links;
mod rooms;
mod rules;

use std::path::Path;

use crate::{Outcome, run};

/// A file of the repository.
struct File {
    /// Its path from the root, with `/`.
    path: String,
    /// What is in it.
    text: String,
}

impl File {
    /// The ending of its name.
    fn extension(&self) -> &str {
        self.path
            .rsplit('/')
            .next()
            .and_then(|name| name.rsplit_once('.'))
            .map_or("", |(_, extension)| extension)
    }

    /// Whether a program writes it: such a file says so near its top.
    fn is_generated(&self) -> bool {
        self.text.lines().take(5).any(|line| line.contains(concat!("@", "generated")))
    }

    /// Whether it is taken from elsewhere as it is: the API's specification, published vectors, licences.
    fn is_foreign(&self) -> bool {
        self.path.starts_with("spec/") || self.path.contains("/vectors/") || self.path.starts_with("LICENSE-")
    }

    /// Its lines with their numbers, from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().zip(1..).map(|(line, number)| (number, line))
    }
}

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    what: String,
}

/// Collects findings.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, file: &File, line: usize, what: impl Into<String>) {
        self.0.push(Finding { path: file.path.clone(), line, what: what.into() });
    }
}

/// Goes through every file that git tracks, or would.
pub(crate) fn run(root: &Path) -> Outcome {
    let mut found = Findings::default();
    let files = files(root, &mut found)?;
    for file in files.iter().filter(|file| !file.is_foreign()) {
        rules::check(file, &mut found);
        if file.extension() == "md" {
            links::check(root, file, &mut found);
        }
    }
    rooms::check(&files, &mut found);
    let mut findings = found.0;
    findings.sort();
    for Finding { path, line, what } in &findings {
        println!("{path}:{line}: {what}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files, no findings", files.len());
            Ok(())
        }
        1 => Err("tidy: 1 finding".into()),
        count => Err(format!("tidy: {count} findings")),
    }
}

/// What git tracks or would track. Nothing here has to be anything but text.
fn files(root: &Path, found: &mut Findings) -> Result<Vec<File>, String> {
    let mut list = std::process::Command::new("git");
    list.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = run::output(&mut list)?;
    let mut files = Vec::new();
    for path in list.split('\0').filter(|path| !path.is_empty()) {
        // A file that is tracked and deleted has nothing to be checked.
        let Ok(bytes) = std::fs::read(root.join(path)) else {
            continue;
        };
        let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let is_text = text.is_some();
        let file = File { path: path.to_owned(), text: text.unwrap_or_default() };
        if is_text {
            files.push(file);
        } else {
            found.add(
                &file,
                1,
                "not UTF-8 text: what is built or downloaded does not belong in the repository",
            );
        }
    }
    Ok(files)
}
