//! The catalogue of actions and types that the command line shows and checks against.

use serde_json::{Map, Value, json};

use super::member::{Member, MemberType};
use super::model::{Model, Struct};

pub(super) fn render(model: &Model) -> Result<String, String> {
    let mut actions = Map::new();
    let mut types = Map::new();
    let mut enums = Map::new();
    for action in &model.actions {
        let entry = json!({
            "doc": action.doc,
            "errors": action.errors,
            "rate": action.rate,
            "region": action.needs_region,
            "paged": action.page.as_ref().map(|page| json!({
                "items": page.items_wire,
                "size": page.max,
            })),
            "request": members(&action.request),
            "response": members(&action.response),
        });
        actions.insert(action.name.clone(), entry);
    }
    for resource in &model.resources {
        for s in &resource.structs {
            types.insert(s.name.clone(), json!({"doc": s.doc, "members": members(s)}));
        }
        for e in &resource.enums {
            let values: Vec<_> = e.values.iter().map(|value| [&value.wire, &value.doc]).collect();
            enums.insert(e.name.clone(), json!({"doc": e.doc, "values": values}));
        }
    }
    let catalogue = json!({"version": model.version, "actions": actions, "types": types, "enums": enums});
    let mut text = serde_json::to_string_pretty(&catalogue).map_err(|error| error.to_string())?;
    text.push('\n');
    Ok(text)
}

fn members(s: &Struct) -> Vec<Value> {
    s.members.iter().map(member).collect()
}

fn member(member: &Member) -> Value {
    let mut entry = json!({"name": member.wire, "type": type_name(&member.ty), "doc": member.doc});
    for (name, flag) in [
        ("required", member.required),
        ("nullable", member.nullable),
        ("deprecated", member.deprecated),
        ("secret", member.secret),
    ] {
        if flag {
            entry[name] = true.into();
        }
    }
    entry
}

/// The type as the catalogue writes it: `string`, `integer`, `list<Filter>`, the name of a type or an enum.
fn type_name(ty: &MemberType) -> String {
    match ty {
        MemberType::Text => "string".into(),
        MemberType::Int => "integer".into(),
        MemberType::Uint => "unsigned".into(),
        MemberType::Float => "float".into(),
        MemberType::Bool => "boolean".into(),
        MemberType::Enum(name) | MemberType::Struct(name) => name.clone(),
        MemberType::List(of) => format!("list<{}>", type_name(of)),
    }
}
