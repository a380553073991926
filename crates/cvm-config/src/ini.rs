//! The ini format, as Python's `configparser` reads it, with line numbers; and changes that leave the rest as it was.
//!
//! A line is `[section]`, `key = value` or `key: value`, a comment after `#` or `;`, or empty. A line that is indented
//! further than the key before it goes on with that key's value. Keys are compared in small letters, section names as
//! they are. A value in double quotes is taken without them.

use std::fmt::Write;

/// A file, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Ini {
    sections: Vec<Section>,
}

/// A section, in the order of the file.
#[derive(Default)]
pub(crate) struct Section {
    pub(crate) name: String,
    entries: Vec<Entry>,
}

/// A key with its value.
pub(crate) struct Entry {
    key: String,
    pub(crate) value: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl std::fmt::Debug for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
        let mut key_indent = None;
        for (number, raw) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let (line, content) = (number + 1, raw.trim());
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            let indent = raw.len() - raw.trim_start().len();
            let last = ini.sections.last_mut().and_then(|section| section.entries.last_mut());
            if let (Some(entry), true) = (last, key_indent.is_some_and(|before| indent > before)) {
                entry.value.push('\n');
                entry.value.push_str(content);
                continue;
            }
            if content.starts_with('[') {
                let name = section_name(content)
                    .ok_or_else(|| (line, "a section's name ends with `]`: write `[default]`".to_owned()))?;
                if ini.section(name).is_some() {
                    return Err((line, format!("section `{name}` is there twice: make them one")));
                }
                ini.sections.push(Section { name: name.to_owned(), entries: Vec::new() });
                key_indent = None;
                continue;
            }
            let Some((key, value)) = content.split_once(['=', ':']) else {
                return Err((line, "is neither `[section]` nor `key = value`".to_owned()));
            };
            let key = key.trim().to_ascii_lowercase();
            if key.is_empty() {
                return Err((line, "has no key before the value: write `key = value`".to_owned()));
            }
            let Some(section) = ini.sections.last_mut() else {
                return Err((line, "comes before any section: write `[default]` above it".to_owned()));
            };
            if section.get(&key).is_some() {
                return Err((
                    line,
                    format!("`{key}` is there twice in section `{}`: keep one", section.name),
                ));
            }
            section.entries.push(Entry { key, value: unquoted(value.trim()).to_owned(), line });
            key_indent = Some(indent);
        }
        Ok(ini)
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
    /// What a key is set to; an empty value counts as unset.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key && !entry.value.is_empty())
    }
}

fn section_name(content: &str) -> Option<&str> {
    // A comment may follow, which `configparser` passes over as well.
    Some(content.strip_prefix('[')?.split_once(']')?.0.trim())
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

/// The text with these keys of a section set, or taken out where there is no value; all else stays as it is.
///
/// The text has been [parsed](Ini::parse) before, so each key is there once at most.
pub(crate) fn set(text: &str, section: &str, changes: &[(&str, Option<&str>)]) -> String {
    let mut open: Vec<(&str, &str)> =
        changes.iter().filter_map(|&(key, value)| Some((key, value?))).collect();
    let mut lines: Vec<String> = Vec::new();
    let (mut inside, mut key_indent, mut dropping, mut end) = (false, None, false, None);
    for raw in text.lines() {
        let content = raw.trim_start_matches('\u{feff}').trim();
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
                line = value.map(|value| format!("{key} = {value}"));
            }
        }
        lines.extend(line);
        if inside {
            end = Some(lines.len());
        }
    }
    let mut added = String::new();
    for (key, value) in open {
        let _ = writeln!(added, "{key} = {value}");
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
