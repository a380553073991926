//! Rebuilds the facts file from the service's own API description, and lists what changed.
//!
//! The description is the `api.json` of the public package `tccli` (`services/cvm/v20170312/api.json`). It lists no
//! error codes; those are taken from `--errors`, or kept as they are.

mod changes;
mod errors;
mod examples;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::codegen::source::{self, ActionFacts, Facts, MemberFacts};

const FACTS: &str = "spec/cvm-2017-03-12.json";

#[derive(Deserialize)]
struct Description {
    actions: BTreeMap<String, DescribedAction>,
    objects: BTreeMap<String, DescribedObject>,
    metadata: DescribedService,
}

#[derive(Deserialize)]
struct DescribedAction {
    input: String,
    output: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct DescribedObject {
    members: Vec<DescribedMember>,
}

#[derive(Deserialize)]
struct DescribedMember {
    name: String,
    #[serde(rename = "type")]
    outer_type: String,
    member: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    value_allowed_null: bool,
    #[serde(default)]
    disabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedService {
    api_version: String,
    service_short_name: String,
}

pub(crate) fn run(root: &Path, from: &Path, errors: Option<&Path>, examples: Option<&Path>) -> Outcome {
    rewrite_facts(root, from, errors)?;
    examples.map_or(Ok(()), |examples| examples::run(root, examples))
}

fn rewrite_facts(root: &Path, from: &Path, errors: Option<&Path>) -> Outcome {
    let path = root.join(FACTS);
    let before = source::facts(&path)?;
    let description: Description = serde_json::from_str(&source::read(from)?)
        .map_err(|error| format!("{} is not an API description: {error}", from.display()))?;
    let codes = errors.map(errors::read).transpose()?;
    let after = facts(description, &before, codes)?;
    let changes = changes::between(&before, &after);
    if changes.is_empty() {
        println!("{FACTS} matches {}: nothing changed", from.display());
        return Ok(());
    }
    for change in &changes {
        println!("{change}");
    }
    std::fs::write(&path, render(&after)?).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{FACTS} written; describe what is new in spec/docs/, then run `cargo xtask codegen`");
    Ok(())
}

fn facts(
    description: Description,
    before: &Facts,
    codes: Option<BTreeMap<String, Vec<String>>>,
) -> Result<Facts, String> {
    if description.metadata.service_short_name != before.service {
        return Err(format!(
            "this describes the service {}, not the one of {FACTS}",
            description.metadata.service_short_name
        ));
    }
    if description.metadata.api_version != before.version {
        return Err(format!(
            "this describes the version {}, not the one of {FACTS}",
            description.metadata.api_version
        ));
    }
    let errors_of = |name: &String| match codes.as_ref().and_then(|codes| codes.get(name)) {
        Some(codes) => codes.clone(),
        None => before.actions.get(name).map(|action| action.errors.clone()).unwrap_or_default(),
    };
    let actions: BTreeMap<String, ActionFacts> = (description.actions.into_iter())
        .filter(|(_, action)| action.status != "offline")
        .map(|(name, action)| {
            let errors = errors_of(&name);
            (name, ActionFacts { input: action.input, output: action.output, errors })
        })
        .collect();
    let types = (description.objects.into_iter())
        .map(|(name, object)| {
            Ok((name, object.members.into_iter().map(member).collect::<Result<_, String>>()?))
        })
        .collect::<Result<_, String>>()?;
    let listed = actions.values().flat_map(|action| action.errors.iter().cloned());
    let error_codes: BTreeSet<String> = before.error_codes.iter().cloned().chain(listed).collect();
    Ok(Facts {
        service: before.service.clone(),
        version: before.version.clone(),
        actions,
        types,
        error_codes: error_codes.into_iter().collect(),
    })
}

fn member(described: DescribedMember) -> Result<MemberFacts, String> {
    let type_name = match described.outer_type.as_str() {
        "string" | "int" | "bool" | "float" | "object" => described.member,
        "list" => format!("list<{}>", described.member),
        other => return Err(format!("the member {} has the unknown type {other}", described.name)),
    };
    Ok(MemberFacts {
        name: described.name,
        type_name,
        required: described.required,
        nullable: described.value_allowed_null,
        deprecated: described.disabled,
    })
}

/// JSON as all files of facts are laid out.
fn render(facts: &impl Serialize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let layout = serde_json::ser::PrettyFormatter::with_indent(b" ");
    facts
        .serialize(&mut serde_json::Serializer::with_formatter(&mut out, layout))
        .map_err(|error| error.to_string())?;
    out.push(b'\n');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(text: &str) -> Description {
        serde_json::from_str(text).expect("a description")
    }

    const EMPTY: &str = r#""metadata":{"apiVersion":"2017-03-12","serviceShortName":"cvm"}"#;

    fn before() -> Facts {
        let member = |name: &str, type_name: &str, required| MemberFacts {
            name: name.into(),
            type_name: type_name.into(),
            required,
            nullable: false,
            deprecated: false,
        };
        Facts {
            service: "cvm".into(),
            version: "2017-03-12".into(),
            actions: BTreeMap::from([(
                "CopyThing".into(),
                ActionFacts { input: "In".into(), output: "Out".into(), errors: vec!["Bad.Thing".into()] },
            )]),
            types: BTreeMap::from([
                ("In".into(), vec![member("Ids", "list<string>", true)]),
                ("Out".into(), vec![member("Gone", "string", false)]),
            ]),
            error_codes: vec!["Bad.Thing".into()],
        }
    }

    #[test]
    fn a_newer_description_gives_facts_and_tells_the_difference() {
        let text = format!(
            r#"{{{EMPTY},"actions":{{
                "CopyThing":{{"input":"In","output":"Out","status":"online"}},
                "OldThing":{{"input":"In","output":"Out","status":"offline"}},
                "NewThing":{{"input":"In","output":"Out"}}}},
            "objects":{{
                "In":{{"members":[{{"name":"Ids","type":"list","member":"string","required":false}}]}},
                "Out":{{"members":[{{"name":"Size","type":"int","member":"uint64","value_allowed_null":true}}]}}}}}}"#
        );
        let codes = BTreeMap::from([("NewThing".to_string(), vec!["New.Code".to_string()])]);
        let after = facts(description(&text), &before(), Some(codes)).expect("facts");
        assert_eq!(after.actions["CopyThing"].errors, ["Bad.Thing"], "kept where none are given");
        assert_eq!(after.error_codes, ["Bad.Thing", "New.Code"]);
        assert_eq!(
            changes::between(&before(), &after),
            [
                "+ action NewThing",
                "~ member In.Ids: required to optional",
                "- member Out.Gone",
                "+ member Out.Size: uint64, nullable",
                "+ error code New.Code",
            ]
        );
    }

    #[test]
    fn another_service_is_refused() {
        let text =
            r#"{"metadata":{"apiVersion":"2017-03-12","serviceShortName":"vpc"},"actions":{},"objects":{}}"#;
        assert!(facts(description(text), &before(), None).err().expect("refused").contains("service vpc"));
    }

    #[test]
    fn the_facts_file_is_written_as_it_is() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FACTS);
        let text = source::read(&path).expect("the facts file");
        let again = render(&source::facts(&path).expect("facts")).expect("text");
        assert!(again == text.into_bytes(), "a rewrite changes only what the service changed");
    }
}
