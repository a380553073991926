//! Doc comments.

/// `text` as a doc comment: its first sentence is the summary, the rest a paragraph of its own.
pub(super) fn item(text: &str) -> String {
    let (first, rest) = split_sentence(text);
    if rest.is_empty() { lines(first) } else { format!("{}///\n{}", lines(first), lines(rest)) }
}

/// `text` as one paragraph of a doc comment.
pub(super) fn lines(text: &str) -> String {
    // The width of the workspace, less the deepest indentation and the marks.
    textwrap::wrap(&escape(text), textwrap::Options::new(98).break_words(false).word_separator(WORDS))
        .iter()
        .map(|line| format!("/// {line}\n"))
        .collect()
}

const WORDS: textwrap::WordSeparator = textwrap::WordSeparator::AsciiSpace;

/// What Markdown would take for a link or a tag.
fn escape(text: &str) -> String {
    let mut out = String::new();
    let mut code = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '`' => code = !code,
            // A bracket at a code span makes it a link, on purpose.
            '[' if chars.peek() == Some(&'`') => {}
            ']' if out.ends_with('`') => {}
            '[' | ']' | '<' | '>' if !code => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out
}

fn split_sentence(text: &str) -> (&str, &str) {
    match text.find(". ") {
        Some(at) => (&text[..=at], text[at + 1..].trim()),
        None => (text, ""),
    }
}

/// A list of error codes for a doc comment.
pub(super) fn codes(codes: &[String]) -> String {
    let shown: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    lines(&format!("{}.", shown.join(", ")))
}
