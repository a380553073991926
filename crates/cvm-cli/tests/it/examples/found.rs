//! Where examples stand: in the pages of this repository, and in the help of each command.

use std::fs;
use std::path::Path;

use crate::help::{of_every_command, under};

/// Examples that belong together, in their order.
pub(super) struct Block {
    /// Where they stand.
    pub(super) place: String,
    pub(super) examples: Vec<Example>,
}

/// A line as it is typed, and what the page shows of its output.
pub(super) struct Example {
    pub(super) place: String,
    pub(super) typed: String,
    pub(super) output: String,
}

/// A page of the repository.
pub(super) struct Page {
    pub(super) path: String,
    pub(super) text: String,
}

/// A block of code in a page.
pub(super) struct Fence {
    /// The line of the fence, counted from 1.
    pub(super) line: usize,
    pub(super) language: String,
    pub(super) text: String,
}

/// All pages: what git does not keep is no page.
pub(super) fn pages() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = Vec::new();
    walk(&root, Path::new(""), &mut pages);
    assert!(pages.len() > 10);
    pages
}

fn walk(root: &Path, folder: &Path, pages: &mut Vec<Page>) {
    for entry in fs::read_dir(root.join(folder)).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let path = folder.join(&name);
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && !["target", "node_modules", "build", "dist"].contains(&&*name) {
                walk(root, &path, pages);
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(root.join(&path)).unwrap();
            pages.push(Page { path: path.to_str().unwrap().replace('\\', "/"), text });
        }
    }
}

/// The blocks of code in a page.
pub(super) fn fences(text: &str) -> impl Iterator<Item = Fence> {
    let mut fences: Vec<Fence> = Vec::new();
    let mut is_open = false;
    for (line, text) in (1..).zip(text.lines()) {
        if let Some(language) = text.trim_start().strip_prefix("```") {
            is_open = !is_open;
            if is_open {
                fences.push(Fence { line, language: language.trim().to_owned(), text: String::new() });
            }
        } else if let Some(fence) = fences.last_mut().filter(|_| is_open) {
            fence.text.push_str(text);
            fence.text.push('\n');
        }
    }
    fences.into_iter()
}

/// What stands between back-ticks in prose, and in which line.
pub(super) fn spans(text: &str) -> Vec<(usize, String)> {
    let mut spans = Vec::new();
    let mut is_open = false;
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim_start().starts_with("```") {
            is_open = !is_open;
        } else if !is_open {
            spans.extend(text.split('`').skip(1).step_by(2).map(|span| (line, span.to_owned())));
        }
    }
    spans
}

/// The lines to type in the pages: after `$` in a `console`, every one in `sh`.
pub(super) fn blocks_of_pages() -> Vec<Block> {
    let mut blocks = Vec::new();
    for page in pages() {
        for fence in fences(&page.text) {
            let prompt = match &*fence.language {
                "console" => "$ ",
                "sh" => "",
                _ => continue,
            };
            let place = format!("{}:{}", page.path, fence.line);
            let examples = examples(&fence.text, prompt, &page.path, fence.line + 1);
            assert!(!examples.is_empty(), "{place}: nothing to type");
            blocks.push(Block { place, examples });
        }
    }
    blocks
}

fn examples(text: &str, prompt: &str, page: &str, first_line: usize) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for (line, text) in (first_line..).zip(text.lines()) {
        match (text.strip_prefix(prompt), examples.last_mut()) {
            (_, Some(last)) if last.typed.ends_with('\\') => {
                last.typed.pop();
                last.typed.push_str(text);
            }
            (Some(typed), _) if !typed.trim().is_empty() => examples.push(Example {
                place: format!("{page}:{line}"),
                typed: typed.to_owned(),
                output: String::new(),
            }),
            (None, Some(last)) => last.output.push_str(text),
            _ => {}
        }
    }
    examples
}

/// The examples in the help of the command and of each command below it.
pub(super) fn blocks_of_help() -> Vec<Block> {
    let block = |(place, help): (String, String)| {
        let lines = under(&help, "Examples:");
        let example =
            |line: &str| Example { place: place.clone(), typed: line.to_owned(), output: String::new() };
        let examples: Vec<Example> = lines.map(example).collect();
        Block { place, examples }
    };
    // As wide as no example is.
    let blocks = of_every_command(Some(300)).into_iter().map(block);
    blocks.filter(|block| !block.examples.is_empty()).collect()
}
