//! Values as tables, for people.

use serde_json::{Map, Value};

use crate::output::escaped;
use crate::table;

/// A list of objects is a table with a column for each of their members, another list one with a row for each entry. An
/// object is a table of its members; the lists of objects in it follow under their names.
pub(super) fn of(value: &Value) -> String {
    match value {
        Value::Object(members) => object(members),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => objects(items),
        Value::Array(items) => {
            let cells = |item: &Value| match item {
                Value::Array(cells) => cells.iter().map(cell).collect(),
                item => vec![cell(item)],
            };
            let rows: Vec<Vec<String>> = items.iter().map(cells).collect();
            table::lay_out_bare(&rows)
        }
        scalar => escaped(&cell(scalar)).into_owned(),
    }
}

fn object(members: &Map<String, Value>) -> String {
    let is_table = |value: &Value| {
        value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
    };
    let (tables, plain): (Vec<_>, Vec<_>) = members.iter().partition(|(_, value)| is_table(value));
    let rows: Vec<_> = plain.into_iter().map(|(name, value)| vec![name.clone(), cell(value)]).collect();
    let mut parts = Vec::new();
    if !rows.is_empty() || tables.is_empty() {
        parts.push(table::lay_out(&["MEMBER", "VALUE"], &rows));
    }
    for (name, items) in tables {
        let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
        parts.push(format!("{}\n{}", escaped(name), objects(items)));
    }
    parts.join("\n\n")
}

fn objects(items: &[Value]) -> String {
    let mut headings: Vec<&str> = Vec::new();
    for name in items.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !headings.contains(&name.as_str()) {
            headings.push(name);
        }
    }
    let row = |item: &Value| headings.iter().map(|name| item.get(*name).map_or("-".into(), cell)).collect();
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    let headings: Vec<_> = headings.into_iter().map(escaped).collect();
    table::lay_out(&headings.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), &rows)
}

/// What is no text is written as JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_value_has_a_table() {
        for (value, expected) in [
            (json!("镜像\u{1b}"), r"镜像\u{1b}"),
            (json!(["a", "bb"]), "a\nbb"),
            (json!([["镜像", "x"], ["a", "y"]]), "镜像  x\na     y"),
            (json!([]), ""),
            (json!({}), "MEMBER  VALUE"),
            (
                json!([{ "Id": "i", "Size": 5 }, { "Id": "jj", "Tags": ["t"] }]),
                "Id  Size  Tags\ni   5     -\njj  -     [\"t\"]",
            ),
            (
                json!({ "Total": 1, "Set": [{ "Id": "i", "Name": null }], "No": [] }),
                "MEMBER  VALUE\nTotal   1\nNo      []\n\nSet\nId  Name\ni   -",
            ),
        ] {
            assert_eq!(of(&value), expected, "{value}");
        }
    }
}
