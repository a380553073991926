//! The ini format, as Python's `configparser` reads it, with line numbers; and changes that leave the rest as it was.
//!
//! A line is `[section]`, `key = value` or `key: value`, a comment after `#` or `;`, or empty. A line that is indented
//! further than the key before it goes on with that key's value. Keys are compared in small letters, section names as
//! they are. A value in a pair of quotes, single or double, is taken without them. What is in `[DEFAULT]` is in every
//! section that does not have the key itself.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use cvm_proto::input;

/// The section whose keys all others have.
pub(crate) const DEFAULT: &str = "DEFAULT";

/// A file, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Ini {
    sections: Vec<Section>,
    defaults: Section,
}

/// A section, in the order of the file.
#[derive(Default)]
pub(crate) struct Section {
    pub(crate) name: String,
    entries: Vec<KeyValue>,
}

/// A key with its value.
#[derive(Clone)]
pub(crate) struct KeyValue {
    key: String,
    pub(crate) value: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_list().entries(self.entries.iter().map(|entry| &entry.key)).finish()
    }
}

impl Ini {
    /// Takes a text apart.
    ///
    /// # Errors
    ///
    /// The line that is wrong, and what is wrong with it. What a line holds is not repeated: it may be a secret.
    pub(crate) fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut ini = Self::default();
        DEFAULT.clone_into(&mut ini.defaults.name);
        let text = lines_ended_alike(text);
        // `None` before the first section.
        let mut current: Option<&mut Section> = None;
        let mut key_indent = None;
        for (number, raw) in text.lines().enumerate() {
            let (line, content) = (number + 1, input::trim(raw));
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            let indent = raw.len() - raw.trim_start().len();
            let last = current.as_deref_mut().and_then(|section| section.entries.last_mut());
            if let (Some(entry), true) = (last, key_indent.is_some_and(|before| indent > before)) {
                entry.value.push('\n');
                entry.value.push_str(content);
                continue;
            }
            if content.starts_with('[') {
                let name = section_name(content)
                    .ok_or_else(|| (line, "a section's name ends with `]`: write `[default]`".to_owned()))?;
                key_indent = None;
                if name == DEFAULT {
                    current = Some(&mut ini.defaults);
                    continue;
                }
                if ini.sections.iter().any(|section| section.name == name) {
                    return Err((line, format!("section `{name}` is there twice: make them one")));
                }
                ini.sections.push(Section { name: name.to_owned(), entries: Vec::new() });
                current = ini.sections.last_mut();
                continue;
            }
            let Some((key, value)) = content.split_once(['=', ':']) else {
                return Err((line, "is neither `[section]` nor `key = value`".to_owned()));
            };
            let key = key.trim().to_ascii_lowercase();
            if key.is_empty() {
                return Err((line, "has no key before the value: write `key = value`".to_owned()));
            }
            let Some(section) = current.as_deref_mut() else {
                return Err((line, "comes before any section: write `[default]` above it".to_owned()));
            };
            if section.has(&key) {
                return Err((
                    line,
                    format!("`{key}` is there twice in section `{}`: keep one", section.name),
                ));
            }
            section.entries.push(KeyValue { key, value: unquoted(value.trim()).to_owned(), line });
            key_indent = Some(indent);
        }
        for section in &mut ini.sections {
            let missing = ini.defaults.entries.iter().filter(|entry| !section.has(&entry.key)).cloned();
            let missing: Vec<KeyValue> = missing.collect();
            section.entries.extend(missing);
        }
        Ok(ini)
    }

    /// Whether every section has this key, unless it says something else.
    pub(crate) fn has_default(&self, key: &str) -> bool {
        self.defaults.has(key)
    }

    /// A section by its name.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The names of all sections.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| &*section.name)
    }
}

impl Section {
    fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// What a key is set to; an empty value counts as unset.
    pub(crate) fn get(&self, key: &str) -> Option<&KeyValue> {
        self.entries.iter().find(|entry| entry.key == key && !entry.value.is_empty())
    }
}

fn section_name(content: &str) -> Option<&str> {
    // A comment may follow, which `configparser` passes over as well.
    Some(content.strip_prefix('[')?.split_once(']')?.0.trim())
}

/// The text with line ends of one kind; Python reads all three as such.
fn lines_ended_alike(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A value without the one pair of quotes around it; a command line may begin and end with words in quotes of their own.
fn unquoted(value: &str) -> &str {
    let inside =
        |quote| value.strip_prefix(quote)?.strip_suffix(quote).filter(|inside| !inside.contains(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

/// A value as it is to be written, so that the same is read; none if no quotes can hold it.
pub(crate) fn written(value: &str) -> Option<String> {
    let forms = [value.to_owned(), format!("\"{value}\""), format!("'{value}'")];
    forms.into_iter().find(|form| unquoted(form) == value)
}

/// The text with these keys of a section set, or taken out where there is no value; all else stays as it is.
///
/// The text has been [parsed](Ini::parse) before, so each key is there once at most. Values are written as they are.
pub(crate) fn set(text: &str, section: &str, changes: &[(&str, Option<&str>)]) -> String {
    let mut open: Vec<(&str, &str)> =
        changes.iter().filter_map(|&(key, value)| Some((key, value?))).collect();
    let mut lines: Vec<String> = Vec::new();
    let (mut inside, mut key_indent, mut dropping, mut end) = (false, None, false, None);
    for raw in lines_ended_alike(text).lines() {
        let content = input::trim(raw);
        let indent = raw.len() - raw.trim_start().len();
        let mut line = Some(raw.to_owned());
        if content.is_empty() || content.starts_with(['#', ';']) {
            lines.extend(line);
            continue;
        }
        if key_indent.is_some_and(|before| indent > before) {
            // It goes on with a value, and goes where that goes.
            line = line.filter(|_| !dropping);
        } else if content.starts_with('[') {
            inside = section_name(content) == Some(section);
            key_indent = None;
        } else {
            key_indent = Some(indent);
            let key = content.split(['=', ':']).next().unwrap_or_default().trim().to_ascii_lowercase();
            let change = changes.iter().find(|(changed, _)| inside && *changed == key);
            dropping = change.is_some();
            if let Some((key, value)) = change {
                open.retain(|(open, _)| open != key);
                line = value.map(|value| format!("{key} = {value}").trim_end().to_owned());
            }
        }
        lines.extend(line);
        if inside {
            end = Some(lines.len());
        }
    }
    let mut added = String::new();
    for (key, value) in open {
        let _ = writeln!(added, "{}", format!("{key} = {value}").trim_end());
    }
    if let Some(end) = end {
        lines.splice(end..end, added.lines().map(str::to_owned));
    } else {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!("[{section}]"));
        lines.extend(added.lines().map(str::to_owned));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_configparser_reads() {
        let text = "\u{feff}# keys\n[default]\nSecret_ID = AKIDone\nsecret_key: \"with = inside\"\ntoken =\n\n\
                    [ prod ]  ; of the shop\n  secret_id=AKIDtwo\n  note = one\n    two\n  region = ap-beijing\n";
        let ini = Ini::parse(text).unwrap();
        let get = |section: &str, key: &str| {
            ini.section(section).unwrap().get(key).map(|entry| (entry.value.as_str(), entry.line))
        };
        assert_eq!(get("default", "secret_id"), Some(("AKIDone", 3)));
        assert_eq!(get("default", "secret_key"), Some(("with = inside", 4)));
        assert_eq!(get("default", "token"), None);
        assert_eq!(get("prod", "note"), Some(("one\ntwo", 9)));
        assert_eq!(get("prod", "region"), Some(("ap-beijing", 11)));
        assert_eq!(ini.names().collect::<Vec<_>>(), ["default", "prod"]);
    }

    fn value<'a>(ini: &'a Ini, section: &str, key: &str) -> Option<(&'a str, usize)> {
        ini.section(section).unwrap().get(key).map(|entry| (entry.value.as_str(), entry.line))
    }

    #[test]
    fn one_pair_of_quotes_comes_off() {
        for (written, read) in [
            (r#""a b""#, "a b"),
            ("'a b'", "a b"),
            ("' a '", " a "),
            (r#""it's""#, "it's"),
            (r#"'say "x"'"#, r#"say "x""#),
            (r#""a" "b""#, r#""a" "b""#),
            ("'a' 'b'", "'a' 'b'"),
            (r#""a'"#, r#""a'"#),
            ("'", "'"),
            (r#"""a""#, r#"""a""#),
            ("a'b'", "a'b'"),
        ] {
            let ini = Ini::parse(&format!("[s]\nkey = {written}\n")).unwrap();
            assert_eq!(value(&ini, "s", "key"), Some((read, 2)), "{written}");
        }
        let empty = Ini::parse("[s]\na = ''\nb = \"\"\n").unwrap();
        assert_eq!((value(&empty, "s", "a"), value(&empty, "s", "b")), (None, None));
    }

    #[test]
    fn every_section_has_what_is_in_default() {
        let text = "[DEFAULT]\nregion = ap-a\ntoken = t\n[p]\nRegion = ap-p\n[q]\ntoken =\n[DEFAULT]\nnote = n\n[default]\n";
        let ini = Ini::parse(text).unwrap();
        for (section, key, expected) in [
            ("p", "region", Some(("ap-p", 5))),
            ("p", "token", Some(("t", 3))),
            ("q", "region", Some(("ap-a", 2))),
            ("q", "token", None),
            ("q", "note", Some(("n", 9))),
            ("default", "region", Some(("ap-a", 2))),
        ] {
            assert_eq!(value(&ini, section, key), expected, "{section} {key}");
        }
        assert_eq!(ini.names().collect::<Vec<_>>(), ["p", "q", "default"], "it is no profile itself");
        assert!(ini.section("DEFAULT").is_none() && ini.has_default("note") && !ini.has_default("x"));
        let (line, why) = Ini::parse("[DEFAULT]\na = b\n[DEFAULT]\nA = c\n").unwrap_err();
        assert_eq!((line, &*why), (4, "`a` is there twice in section `DEFAULT`: keep one"));
    }

    #[test]
    fn lines_end_in_any_way_and_marks_are_no_text() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("\u{feff}[p]{end}a = 1{end}  2{end}\u{feff}[q]{end}b = 3\u{feff}{end}");
            let ini = Ini::parse(&text).unwrap();
            assert_eq!((value(&ini, "p", "a"), value(&ini, "q", "b")), (Some(("1\n2", 2)), Some(("3", 5))));
            assert_eq!(set(&text, "q", &[("b", Some("4"))]).lines().last(), Some("b = 4"), "{end:?}");
        }
    }

    mod properties {
        use super::*;
        use proptest::prelude::*;

        proptest! {
            /// Whatever is in a file: it is read, or the line that is wrong is one that there is.
            #[test]
            fn any_text(text in "([\\[\\]a-cD-F=:;# \"'\\t]{0,12}(\n|\r\n|\r)){0,12}", any: String) {
                for text in [text, any] {
                    if let Err((line, why)) = Ini::parse(&text) {
                        let lines = lines_ended_alike(&text).lines().count();
                        prop_assert!((1..=lines).contains(&line) && !why.is_empty());
                    }
                }
            }

            /// What is written is what is read, and all that was there before stays.
            #[test]
            fn changes(old in "(\\[[a-c]\\]\n|[d-f] ?[=:] ?[x-z]{0,3}\n|# [a-z]{0,3}\n|\n|  [x-z]\n){0,10}",
                       value in "[!-~&&[^\n]]{1,8}", section in "[a-c]", key in "[d-g]") {
                if let (Ok(before), Some(form)) = (Ini::parse(&old), written(&value)) {
                    let new = set(&old, &section, &[(&key, Some(&form))]);
                    let after = Ini::parse(&new).unwrap();
                    prop_assert_eq!(after.section(&section).and_then(|s| s.get(&key)).map(|e| &*e.value), Some(&*value));
                    for name in before.names() {
                        for other in ["d", "e", "f"].into_iter().filter(|other| (name, *other) != (&*section, &*key)) {
                            let get = |ini: &Ini| Some(ini.section(name)?.get(other)?.value.clone());
                            prop_assert_eq!(get(&before), get(&after), "{} of {} in {}", other, name, &new);
                        }
                    }
                    let taken_out = Ini::parse(&set(&new, &section, &[(&key, None)])).unwrap();
                    prop_assert!(taken_out.section(&section).is_none_or(|section| !section.has(&key)));
                }
            }
        }
    }

    #[test]
    fn changes_leave_the_rest_alone() {
        let text = "# mine\n[default]\nsecret_id = a\n# kept\nsecret_key = b\n  c\n\n[prod]\nregion = x\n";
        let changed =
            set(text, "default", &[("secret_id", Some("n")), ("secret_key", None), ("token", Some("t"))]);
        assert_eq!(changed, "# mine\n[default]\nsecret_id = n\n# kept\ntoken = t\n\n[prod]\nregion = x\n");
        let changed = set(text, "new", &[("secret_id", Some("n")), ("token", None)]);
        assert_eq!(changed, format!("{text}\n[new]\nsecret_id = n\n"));
        assert_eq!(set("", "default", &[("a", Some("b"))]), "[default]\na = b\n");
        assert_eq!(set("[default]", "default", &[("a", Some("b"))]), "[default]\na = b\n");
    }
}
