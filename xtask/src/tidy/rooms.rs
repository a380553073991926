//! The rooms of the core: each uses only rooms listed before it, and files form no circle longer than two.
//!
//! A room is a folder or a file right under `crates/cvm-proto/src/`. What counts is every path in code, tests left out,
//! that begins with `crate`, `super` or a module of the file; what a room's `mod.rs` hands on counts as the file it is in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::rules::CORE_SOURCES;
use super::{File, Findings};

/// The rooms, the lowest first.
const ROOMS: [&str; 18] = [
    "input",
    "output",
    "service",
    "open_enum",
    "error",
    "codec",
    "sign",
    "wire",
    "machine",
    "attempt_end",
    "signer",
    "client",
    "call",
    "api",
    "credential",
    "waiters",
    "regions",
    "image_sync",
];

/// The front page.
const FRONT: &str = "lib";

/// Files that use a room above their own, each with the reason.
const UPWARDS: [(&str, &str, &str); 2] = [
    ("machine", "client", "hands `Job` on: `cvm_proto::machine::Job` is a path that programs use"),
    ("call/action", "api", "calls by an action's name look it up in the generated list of all actions"),
];

/// One file as others name it.
struct Module<'a> {
    file: &'a File,
    /// Its path as a module, without `crate`.
    path: Vec<&'a str>,
    /// What it uses, with the line.
    uses: Vec<Use>,
}

/// A path in the code of a file.
struct Use {
    line: usize,
    path: Vec<String>,
    /// Whether it only hands something on.
    hands_on: bool,
}

/// Checks the files of the core.
pub(super) fn check(files: &[File], found: &mut Findings) {
    let modules = modules(files);
    let by_path: BTreeMap<&[&str], usize> =
        modules.iter().enumerate().map(|(at, module)| (&*module.path, at)).collect();
    let mut edges = vec![BTreeMap::new(); modules.len()];
    let mut used_exceptions = BTreeSet::new();
    for (from, module) in modules.iter().enumerate().filter(|(_, module)| !module.path.is_empty()) {
        for used in &module.uses {
            let Some(to) = target(&modules, &by_path, from, used) else { continue };
            let (room, other) = (module.path[0], modules[to].path[0]);
            let (Some(own_place), Some(other_place)) = (place(room), place(other)) else { continue };
            let own = module.path.join("/");
            if own_place < other_place {
                match UPWARDS.iter().position(|(file, above, _)| *file == own && *above == other) {
                    Some(at) => {
                        used_exceptions.insert(at);
                    }
                    None => found.add(
                        module.file,
                        used.line,
                        format!(
                            "`{room}` uses `{other}`, a room listed after it: ARCHITECTURE.md has their order"
                        ),
                    ),
                }
                continue;
            }
            if to != from && !(used.hands_on && modules[to].path.starts_with(&module.path)) {
                edges[from].entry(to).or_insert(used.line);
            }
        }
    }
    let is_unknown = |module: &&Module<'_>| module.path.first().is_some_and(|room| place(room).is_none());
    for module in modules.iter().filter(is_unknown) {
        found.add(module.file, 1, "a room without a place in the order: add it to ROOMS");
    }
    circles(&modules, &edges, found);
    if let Some(front) = modules.iter().find(|module| module.path.is_empty()).map(|module| module.file) {
        for (at, (own, above, _)) in UPWARDS.iter().enumerate() {
            if !used_exceptions.contains(&at) {
                found.add(front, 1, format!("`{own}` no longer uses `{above}`: remove it from UPWARDS"));
            }
        }
    }
}

/// The place of a room in the order.
fn place(room: &str) -> Option<usize> {
    ROOMS.iter().position(|known| *known == room)
}

/// The core's files; the front page, which names every room, has an empty path.
fn modules(files: &[File]) -> Vec<Module<'_>> {
    let sources = files.iter().filter_map(|file| {
        let path = file.path.strip_prefix(CORE_SOURCES)?.strip_suffix(".rs")?;
        let path = path.strip_suffix("/mod").unwrap_or(path);
        Some((file, if path == FRONT { Vec::new() } else { path.split('/').collect() }))
    });
    sources.map(|(file, path)| Module { uses: uses(&file.text), file, path }).collect()
}

/// The file that a path leads to, if it is one of the core.
fn target(
    modules: &[Module<'_>],
    by_path: &BTreeMap<&[&str], usize>,
    from: usize,
    used: &Use,
) -> Option<usize> {
    let own = &modules[from].path;
    let is_front = modules[from].file.path.ends_with("/mod.rs");
    let mut path: Vec<&str> = Vec::new();
    let mut rest = used.path.iter().map(String::as_str).peekable();
    if rest.peek() == Some(&"crate") {
        rest.next();
    } else {
        path.extend(own);
        // Another crate, unless it is a module of this file.
        if rest.peek() != Some(&"super") {
            let child: Vec<&str> = path.iter().copied().chain(rest.peek().copied()).collect();
            if !is_front || !by_path.contains_key(&*child) {
                return None;
            }
        }
        while rest.next_if_eq(&"super").is_some() {
            path.pop();
        }
    }
    path.extend(rest);
    follow(modules, by_path, &path, 8).filter(|&at| !modules[at].path.is_empty())
}

/// The file of a whole path, through what `mod.rs` files hand on.
fn follow(
    modules: &[Module<'_>],
    by_path: &BTreeMap<&[&str], usize>,
    path: &[&str],
    depth: usize,
) -> Option<usize> {
    let len = (0..=path.len()).rev().find(|&len| by_path.contains_key(&path[..len]))?;
    let at = by_path[&path[..len]];
    let (module, Some(name)) = (&modules[at], path.get(len)) else { return Some(at) };
    let handed_on = module
        .uses
        .iter()
        .find(|used| used.hands_on && used.path.last().is_some_and(|last| last == name || last == "*"));
    match handed_on {
        Some(used) if depth > 0 && used.path[0] != "crate" => {
            let mut inner = module.path.clone();
            inner.extend(used.path.iter().map(String::as_str));
            Some(follow(modules, by_path, &inner, depth - 1).unwrap_or(at))
        }
        _ => Some(at),
    }
}

/// Reports every circle of three files or more, by its shortest way round.
fn circles(modules: &[Module<'_>], edges: &[BTreeMap<usize, usize>], found: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (from, targets) in edges.iter().enumerate() {
        for (&to, &line) in targets {
            let Some(way) = way_back(edges, to, from) else { continue };
            let members: BTreeSet<usize> = way.iter().copied().collect();
            if seen.insert(members) {
                let names: Vec<String> = way.iter().map(|&at| modules[at].path.join("/")).collect();
                let what = format!("a circle of {} files: {} and back", names.len(), names.join(", "));
                found.add(modules[from].file, line, what);
            }
        }
    }
}

/// The shortest way from one file to another that is not the direct one.
fn way_back(edges: &[BTreeMap<usize, usize>], from: usize, to: usize) -> Option<Vec<usize>> {
    let mut before = BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        for &next in edges[at].keys().filter(|&&next| (at, next) != (from, to)) {
            if before.contains_key(&next) {
                continue;
            }
            before.insert(next, at);
            if next == to {
                let mut way = vec![to];
                while way[way.len() - 1] != from {
                    way.push(before[&way[way.len() - 1]]);
                }
                way.reverse();
                return Some(way);
            }
            queue.push_back(next);
        }
    }
    None
}

/// Every path in the code of a file.
fn uses(text: &str) -> Vec<Use> {
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut uses = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(code.lines()) {
        let line = line.split("//").next().unwrap_or_default();
        let trimmed = line.trim_start();
        let begins = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "];
        if open.is_none() && begins.iter().any(|begin| trimmed.starts_with(begin)) {
            open = Some((number, String::new()));
        }
        if let Some((first, statement)) = &mut open {
            statement.push_str(line.trim());
            statement.push(' ');
            if line.contains(';') {
                let hands_on = statement.starts_with("pub");
                let tree = statement.split_once("use ").map_or("", |(_, tree)| tree);
                let tree = tree.trim().trim_end_matches(';');
                expand(&[], tree, &mut |path| uses.push(Use { line: *first, path, hands_on }));
                open = None;
            }
            continue;
        }
        for start in ["crate::", "super::"] {
            for (at, _) in line.match_indices(start) {
                if !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':')) {
                    let end = line[at..].find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':')));
                    let path = &line[at..end.map_or(line.len(), |end| at + end)];
                    let path = path.split("::").filter(|part| !part.is_empty()).map(Into::into).collect();
                    uses.push(Use { line: number, path, hands_on: false });
                }
            }
        }
    }
    uses
}

/// The paths of a tree such as `a::{self, b::c}`.
fn expand(before: &[String], tree: &str, add: &mut dyn FnMut(Vec<String>)) {
    let tree = tree.trim();
    let (head, group) = tree.split_once('{').map_or((tree, None), |(head, group)| (head, Some(group)));
    let head = head.split(" as ").next().unwrap_or_default();
    let mut path = before.to_vec();
    path.extend(
        head.split("::").map(str::trim).filter(|part| !part.is_empty() && *part != "self").map(Into::into),
    );
    let Some(group) = group else { return add(path) };
    let group = group.trim_end();
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&path, &group[start..at], add);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !group[start..].trim().is_empty() {
        expand(&path, &group[start..], add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let files: Vec<File> = files
            .iter()
            .map(|(path, text)| File { path: format!("{CORE_SOURCES}{path}"), text: (*text).into() })
            .collect();
        let mut found = Findings::default();
        super::check(&files, &mut found);
        let got: Vec<&str> = found.0.iter().map(|finding| &*finding.what).collect();
        assert_eq!(got.len(), expected.len(), "{got:?}");
        for (got, part) in got.iter().zip(expected) {
            assert!(got.contains(part), "{got}");
        }
    }

    #[test]
    fn a_room_may_use_those_before_it() {
        check(&[("error/mod.rs", ""), ("wire/a.rs", "use crate::error::Error;\n")], &[]);
    }

    #[test]
    fn a_room_may_not_use_one_above_it() {
        let wire = ("wire/mod.rs", "mod a;\npub use a::Request;\n");
        for wrong in [
            "use crate::wire::Request;\n",
            "use crate::{\n    codec,\n    wire::Request,\n};\n",
            "use crate::wire::{a::{Request}};\n",
            "fn f() {\n    crate::wire::f();\n}\n",
            "use super::wire::a::Request;\n",
        ] {
            check(&[("error.rs", wrong), wire, ("wire/a.rs", "")], &["`error` uses `wire`"]);
        }
        let front = ("lib.rs", "mod wire;\npub use wire::Request;\n");
        let needed = [
            ("machine.rs", "pub use crate::client::Job;\n"),
            ("client.rs", ""),
            ("call/action.rs", "use crate::api;\n"),
            ("api.rs", ""),
        ];
        let error = ("error.rs", "fn f() -> crate::Request {}\n");
        check(&[&[front, wire, ("wire/a.rs", ""), error], &needed[..]].concat(), &["`error` uses `wire`"]);
        check(
            &[
                ("error.rs", "// crate::wire\n\n#[cfg(test)]\nmod tests {\n    use crate::wire::A;\n}\n"),
                wire,
            ],
            &[],
        );
    }

    #[test]
    fn an_exception_that_nobody_needs_is_named() {
        let machine = ("machine.rs", "pub use crate::client::Job;\n");
        check(
            &[("lib.rs", "mod machine;\n"), machine, ("client.rs", "")],
            &["`call/action` no longer uses `api`"],
        );
    }

    #[test]
    fn a_room_without_a_place_is_named() {
        check(&[("cellar.rs", "")], &["add it to ROOMS"]);
    }

    #[test]
    fn two_files_may_need_each_other_and_three_may_not() {
        let front = ("wire/mod.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\npub use c::C;\n");
        let (a, b) = (("wire/a.rs", "use super::b::B;\n"), ("wire/b.rs", "use crate::wire::A;\n"));
        check(&[front, a, b], &[]);
        let b = ("wire/b.rs", "use super::c::C;\nuse super::a::A;\n");
        check(&[front, a, b, ("wire/c.rs", "use super::A;\n")], &["a circle of 3 files"]);
    }
}
