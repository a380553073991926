//! Links between the Markdown files: what they point at has to be there.

use std::path::Path;

use super::{File, Findings};

/// Checks the links of one file. Other sites are not asked.
pub(super) fn check(root: &Path, file: &File, found: &mut Findings) {
    let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    for (number, link) in links(&file.text) {
        let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
        if link.contains("://") || link.starts_with("mailto:") {
            continue;
        }
        let target = if path.is_empty() { root.join(&file.path) } else { root.join(folder).join(path) };
        if !target.exists() {
            found.add(file, number, format!("the link `{link}` points nowhere"));
            continue;
        }
        let Some(anchor) = anchor.filter(|_| target.extension().is_some_and(|extension| extension == "md"))
        else {
            continue;
        };
        let text = std::fs::read_to_string(&target).unwrap_or_default();
        if !headings(&text).any(|heading| heading == anchor) {
            found.add(file, number, format!("the link `{link}` points to a heading that does not exist"));
        }
    }
}

/// The targets of `[text](target)` outside code, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        // Every second part lies between back-ticks. Of a link whose text is code, `](target)` lies outside.
        for part in line.split('`').step_by(2) {
            for (at, _) in part.match_indices("](") {
                let target = &part[at + 2..];
                if let Some(end) = target.find(')') {
                    links.push((number, target[..end].split(' ').next().unwrap_or_default()));
                }
            }
        }
    }
    links
}

/// The anchors of the headings, as the common renderers make them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

/// The lines outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_links_outside_code() {
        let text = "see [a](b.md) and [`c`](d/e.md#f)\n```\n[x](y)\n```\n`[x](y)` [g](#h)\n";
        assert_eq!(links(text), [(1, "b.md"), (1, "d/e.md#f"), (5, "#h")]);
    }

    #[test]
    fn makes_anchors_of_headings() {
        let text = "# The `cvm` command\n```\n# no heading\n```\n## Exit codes, and why\n";
        assert_eq!(headings(text).collect::<Vec<_>>(), ["the-cvm-command", "exit-codes-and-why"]);
    }

    #[test]
    fn a_dead_link_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = File { path: "README.md".into(), text: "[a](src/main.rs) [b](src/none.rs)\n".into() };
        let mut found = Findings::default();
        check(root, &file, &mut found);
        let dead: Vec<&str> = found.0.iter().map(|finding| &*finding.what).collect();
        assert_eq!(dead, ["the link `src/none.rs` points nowhere"]);
    }
}
