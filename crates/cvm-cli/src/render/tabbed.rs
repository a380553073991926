//! Values as tab-separated text, laid out as the AWS command lays them out.
//!
//! An object is one line of its scalars, in the order of their names; each list or object in it follows on lines that begin
//! with its name in capitals. The objects of one list have the same columns. A list of scalars is one line; nothing is
//! escaped.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Map, Value};

/// The text; nothing at all for what is empty.
pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    item(&mut text, value, None, None);
    text
}

fn item(out: &mut String, value: &Value, name: Option<&str>, columns: Option<&BTreeSet<&str>>) {
    match value {
        Value::Object(members) => object(out, members, name, columns),
        Value::Array(items) => list(out, items, name),
        scalar => line(out, None, &[shown(scalar)]),
    }
}

fn object(
    out: &mut String,
    members: &Map<String, Value>,
    name: Option<&str>,
    columns: Option<&BTreeSet<&str>>,
) {
    let sorted: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    let own: BTreeSet<&str> = sorted.iter().copied().filter(|name| is_scalar(&members[*name])).collect();
    let columns = columns.unwrap_or(&own);
    let cells: Vec<String> =
        columns.iter().map(|name| members.get(*name).map(shown).unwrap_or_default()).collect();
    if !cells.is_empty() {
        line(out, name, &cells);
    }
    for nested in sorted.difference(columns) {
        item(out, &members[*nested], Some(nested), None);
    }
}

fn list(out: &mut String, items: &[Value], name: Option<&str>) {
    if items.iter().any(Value::is_object) {
        let members = items.iter().filter_map(Value::as_object).flatten();
        let columns: BTreeSet<&str> =
            members.filter(|(_, value)| is_scalar(value)).map(|(name, _)| name.as_str()).collect();
        for each in items {
            item(out, each, name, Some(&columns));
        }
        return;
    }
    let (scalars, nested): (Vec<&Value>, Vec<&Value>) = items.iter().partition(|item| is_scalar(item));
    let cells: Vec<String> = scalars.into_iter().map(shown).collect();
    match name {
        _ if cells.is_empty() => {}
        None => line(out, None, &cells),
        // Below a name each has a line of its own.
        name => cells.iter().for_each(|cell| line(out, name, std::slice::from_ref(cell))),
    }
    for each in nested {
        item(out, each, name, None);
    }
}

fn line(out: &mut String, name: Option<&str>, cells: &[String]) {
    if let Some(name) = name {
        let _ = write!(out, "{}\t", name.to_uppercase());
    }
    let _ = writeln!(out, "{}", cells.join("\t"));
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

/// A scalar in that command's words.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::String(text) => text.clone(),
        // Where objects stand beside lists, the columns may name what is none.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What `awscli/text.py` makes of each.
    #[test]
    fn a_value_is_laid_out_as_the_aws_command_lays_it_out() {
        for (value, expected) in [
            (json!("镜像 a"), "镜像 a"),
            (json!(50), "50"),
            (json!(null), "None"),
            (json!(true), "True"),
            (json!(["img-1", "img-2", 3, null]), "img-1\timg-2\t3\tNone"),
            (json!(""), ""),
            (json!([]), ""),
            (json!({}), ""),
            (json!([["img-1", "a"], ["img-2", "b"]]), "img-1\ta\nimg-2\tb"),
            (json!(["x", ["y", "z"]]), "x\ny\tz"),
            (json!({ "b": 1, "a": "x", "c": false }), "x\t1\tFalse"),
            (json!({ "Total": 2, "Ids": ["a", "b"] }), "2\nIDS\ta\nIDS\tb"),
            (
                json!({ "Set": [{ "Id": "i", "Name": "n" }, { "Id": "j" }], "Total": 2 }),
                "2\nSET\ti\tn\nSET\tj\t",
            ),
            (
                json!([{ "Id": "i", "Tags": [{ "Value": "v", "Key": "k" }] }, { "Id": "j", "Tags": [] }]),
                "i\nTAGS\tk\tv\nj",
            ),
            (json!({ "A": { "C": 1, "B": { "D": 2 } } }), "A\t1\nB\t2"),
            (json!({ "A": [["x", "y"], ["z"]] }), "A\tx\nA\ty\nA\tz"),
            (json!({ "A": ["s", ["t"]] }), "A\ts\nA\tt"),
            (json!("a\tb\nc\u{1b}"), "a\tb\nc\u{1b}"),
        ] {
            let is_empty =
                value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
            assert_eq!(
                text(&value),
                if is_empty { String::new() } else { format!("{expected}\n") },
                "{value}"
            );
        }
    }
}
