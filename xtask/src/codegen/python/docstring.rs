//! Docstrings.

/// The longest line.
const WIDTH: usize = 100;

/// A docstring of paragraphs that are laid out already, or can be broken anywhere.
pub(super) struct Docstring {
    indent: usize,
    text: String,
}

impl Docstring {
    /// Opens with the first sentence of `text`; the rest is a paragraph of its own.
    pub(super) fn new(indent: usize, text: &str) -> Self {
        let (first, rest) = match text.find(". ") {
            Some(at) => (&text[..=at], text[at + 1..].trim()),
            None => (text, ""),
        };
        // The opening quotes stand on the first line.
        let summary = wrap(first, WIDTH - indent - 3).join(&format!("\n{}", " ".repeat(indent)));
        let mut doc = Self { indent, text: summary };
        if !rest.is_empty() {
            doc.paragraph(rest);
        }
        doc
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.text.push_str("\n\n");
        let lines = wrap(text, WIDTH - self.indent);
        self.lines(&lines, 0);
    }

    /// A heading and what stands below it: names with their descriptions.
    pub(super) fn section(&mut self, heading: &str, entries: impl Iterator<Item = (String, String)>) {
        self.text.push_str("\n\n");
        self.lines(&[format!("{heading}:")], 0);
        for (name, text) in entries {
            self.text.push('\n');
            let mut lines = wrap(&format!("{name}: {text}"), WIDTH - self.indent - 8);
            let rest = lines.split_off(1);
            self.lines(&lines, 4);
            if !rest.is_empty() {
                self.text.push('\n');
                self.lines(&rest, 8);
            }
        }
    }

    fn lines(&mut self, lines: &[String], deeper: usize) {
        let indent = " ".repeat(self.indent + deeper);
        let lines: Vec<String> = lines.iter().map(|line| format!("{indent}{line}")).collect();
        self.text.push_str(&lines.join("\n"));
    }

    /// The docstring with its quotes and its indentation.
    pub(super) fn render(&self) -> String {
        let indent = " ".repeat(self.indent);
        let text = escape(&self.text);
        // Quotes at the very end would run into those that close it.
        if text.contains('\n') || text.ends_with('"') {
            format!("{indent}\"\"\"{text}\n{indent}\"\"\"\n")
        } else {
            format!("{indent}\"\"\"{text}\"\"\"\n")
        }
    }
}

/// A description without what only rustdoc makes something of, the brackets around a code span, and with the names that
/// Python has for true and false.
pub(super) fn plain(text: &str) -> String {
    text.replace("[`", "`").replace("`]", "`").replace("`true`", "`True`").replace("`false`", "`False`")
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .word_separator(textwrap::WordSeparator::AsciiSpace);
    textwrap::wrap(&plain(text), options).into_iter().map(std::borrow::Cow::into_owned).collect()
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sentence_is_one_line() {
        let doc = Docstring::new(4, "The size, in GB, of [`Image`].");
        assert_eq!(doc.render(), "    \"\"\"The size, in GB, of `Image`.\"\"\"\n");
        assert_eq!(Docstring::new(0, "Say \"yes\"").render(), "\"\"\"Say \"yes\"\n\"\"\"\n");
        assert_eq!(Docstring::new(0, r"A \n.").render(), "\"\"\"A \\\\n.\"\"\"\n");
    }

    #[test]
    fn sections_hang() {
        let mut doc = Docstring::new(4, "Lists. Not all.");
        doc.section("Parameters", [("A (int)".to_string(), "long ".repeat(30))].into_iter());
        let long = format!("A (int): {}", "long ".repeat(16)).trim_end().to_string();
        assert_eq!(
            doc.render(),
            format!(
                "    \"\"\"Lists.\n\n    Not all.\n\n    Parameters:\n        {long}\n            {}\n    \"\"\"\n",
                "long ".repeat(14).trim_end()
            )
        );
    }
}
