//! The shapes of the service's examples: which members they have and of what types, and nothing of their content.
//!
//! The examples are the `examples.json` of the public package `tccli`, beside its API description. What is kept of them
//! is data for the core's tests: names of actions and members, and a neutral value in place of each value.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::render;
use crate::Outcome;
use crate::codegen::source;

const SHAPES: &str = "crates/cvm-proto/tests/data/examples.json";

#[derive(Deserialize)]
struct Examples {
    actions: BTreeMap<String, Vec<Example>>,
}

#[derive(Deserialize)]
struct Example {
    input: String,
    output: String,
}

/// One call: what is sent, and what comes back inside the envelope.
#[derive(Serialize, PartialEq, Debug)]
struct Shape {
    request: Value,
    response: Value,
}

pub(super) fn run(root: &Path, from: &Path) -> Outcome {
    let examples: Examples = serde_json::from_str(&source::read(from)?)
        .map_err(|error| format!("{} has no examples: {error}", from.display()))?;
    let path = root.join(SHAPES);
    let after = render(&shapes(examples)?)?;
    if source::read(&path).is_ok_and(|before| before.as_bytes() == after) {
        println!("{SHAPES} matches {}: nothing changed", from.display());
        return Ok(());
    }
    std::fs::write(&path, after).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{SHAPES} written; try it with `cargo test -p cvm-proto examples`");
    Ok(())
}

fn shapes(examples: Examples) -> Result<BTreeMap<String, Vec<Shape>>, String> {
    let mut out = BTreeMap::new();
    for (action, examples) in examples.actions {
        let mut shapes = Vec::new();
        for example in examples {
            let found = shape(&example).map_err(|why| format!("an example of {action} {why}"))?;
            if !shapes.contains(&found) {
                shapes.push(found);
            }
        }
        out.insert(action, shapes);
    }
    Ok(out)
}

fn shape(example: &Example) -> Result<Shape, String> {
    // The head of a request, and then its body; an example of a GET request has no body.
    let request = match example.input.split_once("\n\n") {
        Some((_, body)) => {
            serde_json::from_str(body).map_err(|error| format!("has a body that is not JSON: {error}"))?
        }
        None => Value::Object(Map::new()),
    };
    let mut answer: Value = serde_json::from_str(&example.output)
        .map_err(|error| format!("has an answer that is not JSON: {error}"))?;
    let response = answer.get_mut("Response").ok_or("has an answer without `Response`")?.take();
    Ok(Shape { request: neutral(request), response: neutral(response) })
}

/// A value of the same type that says nothing. A list keeps one item of each shape. A string of digits stays one, so that
/// a number written as a string can be seen.
fn neutral(value: Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => true.into(),
        Value::Number(number) if number.is_f64() => 0.5.into(),
        Value::Number(_) => 1.into(),
        Value::String(text) if text.is_empty() => text.into(),
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => "1".into(),
        Value::String(_) => "text".into(),
        Value::Array(items) => {
            let mut shapes = Vec::new();
            for shape in items.into_iter().map(neutral) {
                if !shapes.contains(&shape) {
                    shapes.push(shape);
                }
            }
            Value::Array(shapes)
        }
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, neutral(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn example(input: &str, output: &str) -> Example {
        Example { input: input.into(), output: output.into() }
    }

    #[test]
    fn an_example_leaves_its_shape_only() {
        let found = shape(&example(
            "POST / HTTP/1.1\nHost: h\n\n{\"Ids\": [\"img-1\", \"img-2\"], \"Limit\": 0, \"Uin\": \"1234\", \"Name\": \"\"}",
            r#"{"Response": {"Price": 3.25, "Ok": false, "Left": null, "Set": [{"A": 7}, {"A": 8}, {"B": 9}]}}"#,
        ));
        assert_eq!(
            found.expect("a shape"),
            Shape {
                request: json!({"Ids": ["text"], "Limit": 1, "Uin": "1", "Name": ""}),
                response: json!({"Price": 0.5, "Ok": true, "Left": null, "Set": [{"A": 1}, {"B": 1}]}),
            }
        );
    }

    #[test]
    fn a_get_request_has_no_body() {
        let found = shape(&example("https://host/?Action=A\n&B=C", r#"{"Response": {}}"#)).expect("a shape");
        assert_eq!(found.request, json!({}));
    }

    #[test]
    fn what_is_no_example_says_so() {
        let why = |input, output| shape(&example(input, output)).expect_err("refused");
        assert!(why("POST\n\n<html>", "{}").contains("body that is not JSON"));
        assert!(why("POST\n\n{}", "").contains("answer that is not JSON"));
        assert!(why("POST\n\n{}", "{}").contains("without `Response`"));
    }
}
