//! What changed between two states of the facts, a line each.

use std::collections::BTreeMap;

use crate::codegen::source::{Facts, MemberFacts};

pub(super) fn between(before: &Facts, after: &Facts) -> Vec<String> {
    let mut out = Vec::new();
    for (name, old, new) in pairs(&before.actions, &after.actions) {
        match (old, new) {
            (None, Some(_)) => out.push(format!("+ action {name}")),
            (Some(_), None) => out.push(format!("- action {name}")),
            (Some(old), Some(new)) => {
                if (&old.input, &old.output) != (&new.input, &new.output) {
                    out.push(format!("~ action {name}: {} and {}", new.input, new.output));
                }
                let fresh = new.errors.iter().filter(|code| !old.errors.contains(code));
                out.extend(fresh.map(|code| format!("+ error {code} of {name}")));
                let gone = old.errors.iter().filter(|code| !new.errors.contains(code));
                out.extend(gone.map(|code| format!("- error {code} of {name}")));
            }
            (None, None) => {}
        }
    }
    for (name, old, new) in pairs(&before.types, &after.types) {
        match (old, new) {
            (None, Some(_)) => out.push(format!("+ type {name}")),
            (Some(_), None) => out.push(format!("- type {name}")),
            (Some(old), Some(new)) => members(name, old, new, &mut out),
            (None, None) => {}
        }
    }
    let fresh = after.error_codes.iter().filter(|code| !before.error_codes.contains(code));
    out.extend(fresh.map(|code| format!("+ error code {code}")));
    out
}

fn members(owner: &str, old: &[MemberFacts], new: &[MemberFacts], out: &mut Vec<String>) {
    let by_name = |members: &[MemberFacts]| -> BTreeMap<String, MemberFacts> {
        members.iter().map(|member| (member.name.clone(), member.clone())).collect()
    };
    for (name, old, new) in pairs(&by_name(old), &by_name(new)) {
        match (old, new) {
            (None, Some(new)) => out.push(format!("+ member {owner}.{name}: {}", describe(new))),
            (Some(_), None) => out.push(format!("- member {owner}.{name}")),
            (Some(old), Some(new)) if old != new => {
                let mut what = Vec::new();
                if old.type_name != new.type_name {
                    what.push(format!("{} to {}", old.type_name, new.type_name));
                }
                for (was, is, yes, no) in [
                    (old.required, new.required, "required", "optional"),
                    (old.nullable, new.nullable, "nullable", "never null"),
                    (old.deprecated, new.deprecated, "deprecated", "current"),
                ] {
                    if was != is {
                        let word = |flag| if flag { yes } else { no };
                        what.push(format!("{} to {}", word(was), word(is)));
                    }
                }
                out.push(format!("~ member {owner}.{name}: {}", what.join(", ")));
            }
            _ => {}
        }
    }
}

fn describe(member: &MemberFacts) -> String {
    let mut words = vec![member.type_name.as_str()];
    words.extend(member.required.then_some("required"));
    words.extend(member.nullable.then_some("nullable"));
    words.extend(member.deprecated.then_some("deprecated"));
    words.join(", ")
}

/// Every key of either map, with what each has there.
fn pairs<'a, T>(
    before: &'a BTreeMap<String, T>,
    after: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = (&'a String, Option<&'a T>, Option<&'a T>)> {
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter().map(|key| (key, before.get(key), after.get(key)))
}
