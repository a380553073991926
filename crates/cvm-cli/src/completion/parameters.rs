//! Parameters of an action, as they are typed: `KEY=`, `LIST.0.KEY=`, and the values that are known.

use clap_complete::engine::CompletionCandidate;

use super::{of, regions, with_help};
use crate::catalogue::{Action, Catalogue, Enum, Member, MemberType, summary};

/// What a parameter may become, by the words of the line so far.
pub(super) fn complete(words: &[String], typed: &str) -> Vec<CompletionCandidate> {
    offered(Catalogue::load(), words, typed)
}

fn offered(catalogue: &Catalogue, words: &[String], typed: &str) -> Vec<CompletionCandidate> {
    // The first word that names an action.
    let Some(action) = words.iter().find_map(|word| catalogue.action(word)) else { return Vec::new() };
    match typed.split_once('=') {
        Some((key, value)) => {
            let values = begun(values(catalogue, action, key), value);
            values.into_iter().map(|value| value.add_prefix(format!("{key}="))).collect()
        }
        None => begun(keys(catalogue, action, words, typed), typed),
    }
}

fn begun(mut candidates: Vec<CompletionCandidate>, typed: &str) -> Vec<CompletionCandidate> {
    candidates.retain(|candidate| candidate.get_value().to_string_lossy().starts_with(typed));
    candidates
}

/// The keys that go on from what is typed.
fn keys(catalogue: &Catalogue, action: &Action, words: &[String], typed: &str) -> Vec<CompletionCandidate> {
    let prefix = typed.rfind('.').map_or("", |dot| &typed[..=dot]);
    match path_target(catalogue, action, prefix.strip_suffix('.')) {
        Some(PathTarget::Members(members)) => {
            let key = |member: &Member| {
                let end = if is_object(catalogue, member.kind) { "." } else { "=" };
                (format!("{prefix}{}", member.name), end)
            };
            let is_given =
                |key: &str| words.iter().any(|word| word == key || word.starts_with(&format!("{key}=")));
            let open = members.iter().filter(|member| !member.deprecated && !is_given(&key(member).0));
            open.map(|member| {
                let (key, end) = key(member);
                with_help(key + end, summary(&member.doc))
            })
            .collect()
        }
        Some(PathTarget::Value { kind: MemberType::List(element), .. }) if is_object(catalogue, element) => {
            // Those that there are, and one more.
            let item = |at: usize| format!("{prefix}{at}.");
            let is_there = |at: usize| words.iter().any(|word| word.starts_with(&item(at)));
            let count = (0..words.len()).take_while(|at| is_there(*at)).count();
            (0..=count).map(item).map(CompletionCandidate::new).collect()
        }
        _ => Vec::new(),
    }
}

fn is_object(catalogue: &Catalogue, kind: &'static str) -> bool {
    match catalogue.kind(kind) {
        MemberType::Type(_) => true,
        MemberType::List(element) => is_object(catalogue, element),
        _ => false,
    }
}

/// The values of a key that are known.
fn values(catalogue: &Catalogue, action: &Action, key: &str) -> Vec<CompletionCandidate> {
    let of_enum =
        |known: &Enum| known.values.iter().map(|(value, doc)| with_help(*value, summary(doc))).collect();
    match path_target(catalogue, action, Some(key.trim_end_matches(':'))) {
        Some(PathTarget::Value { kind: MemberType::Boolean, .. }) => of(["true", "false"]),
        Some(PathTarget::Value { kind: MemberType::Enum(known), .. }) => of_enum(known),
        Some(PathTarget::Value { kind: MemberType::List(element), name }) => match catalogue.kind(element) {
            MemberType::Enum(known) => of_enum(known),
            MemberType::Text if name.ends_with("Regions") => regions(),
            _ => Vec::new(),
        },
        Some(PathTarget::Value { kind: MemberType::Text, name }) if name.ends_with("Region") => regions(),
        _ => Vec::new(),
    }
}

/// What a path into a request leads to.
enum PathTarget<'a> {
    Members(&'a [Member]),
    Value { name: &'a str, kind: MemberType<'a> },
}

/// Follows a path of names and numbers; without one, the target is the request.
fn path_target<'a>(
    catalogue: &'a Catalogue,
    action: &'a Action,
    path: Option<&str>,
) -> Option<PathTarget<'a>> {
    let mut target = PathTarget::Members(&action.request);
    for part in path.into_iter().flat_map(|path| path.split('.')) {
        let (name, kind) = match target {
            PathTarget::Members(members) => {
                let member = members.iter().find(|member| member.name == part)?;
                (member.name, member.kind)
            }
            PathTarget::Value { name, kind: MemberType::List(element) } if part.parse::<u16>().is_ok() => {
                (name, element)
            }
            PathTarget::Value { .. } => return None,
        };
        target = match catalogue.kind(kind) {
            MemberType::Type(of) => PathTarget::Members(&of.members),
            kind => PathTarget::Value { name, kind },
        };
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever stands in the line: what is offered goes on from what is typed.
        #[test]
        fn prop_what_is_offered_goes_on_from_what_is_typed(
            typed in "((Filters|DataDisks|Placement|DryRun|DestinationRegions)?[.=:]?[0-9]{0,2}\\.?){0,4}|.{0,12}",
            more in prop::collection::vec("Filters\\.[0-9]{1,20}\\.Name=x|.{0,8}", 0..4),
            action in prop::sample::select(vec!["DescribeImages", "RunInstances", "SyncImages", "Nothing"]),
        ) {
            let words: Vec<String> = ["cvm", "call", action].map(str::to_owned).into_iter().chain(more).collect();
            for candidate in offered(Catalogue::load(), &words, &typed) {
                let value = candidate.get_value().to_str().unwrap();
                prop_assert!(value.starts_with(&typed), "{value} from {typed}");
            }
        }
    }
}
