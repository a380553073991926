//! The shapes of the service's own examples: what they send can be written, and nothing is lost of what they answer.
//!
//! `cargo xtask spec --examples` makes the data from the examples that the service publishes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::every_type::{ANSWERS, REQUESTS};
use crate::round_trip::Check;

#[derive(Deserialize)]
struct Example {
    request: Value,
    response: Value,
}

/// Where the request of an example contradicts the service's own description of its type.
struct Contradiction {
    action: &'static str,
    /// The member, as a JSON pointer.
    member: &'static str,
    /// What the description says, in place of the example's value.
    described: i64,
}

const CONTRADICTIONS: &[Contradiction] = &[
    // One of three examples writes this number as a string. It is described as int64, and written as a number by the
    // other examples and by the SDKs.
    Contradiction {
        action: "InquiryPriceRunInstances",
        member: "/InternetAccessible/InternetMaxBandwidthOut",
        described: 1,
    },
];

fn examples() -> BTreeMap<String, Vec<Example>> {
    serde_json::from_str(include_str!("../data/examples.json")).unwrap()
}

fn find(checks: &'static [Check], name: &str) -> &'static Check {
    checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("there is no type {name}"))
}

/// What of `before` is not in `after`, and what is there that was not; `null` and empty values count as absent.
fn differences(before: &Value, after: &Value, path: &str, out: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (name, value) in before {
                let path = format!("{path}.{name}");
                match after.get(name) {
                    Some(after) => differences(value, after, &path, out),
                    None if is_nothing(value) => {}
                    None => out.push(format!("{path} is lost")),
                }
            }
            let added =
                after.iter().filter(|(name, value)| !before.contains_key(*name) && !is_nothing(value));
            out.extend(added.map(|(name, _)| format!("{path}.{name} is made up")));
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (i, (before, after)) in before.iter().zip(after).enumerate() {
                differences(before, after, &format!("{path}.{i}"), out);
            }
        }
        // A price of `1` is written as `1.0`.
        (Value::Number(before), Value::Number(after)) if before.as_f64() == after.as_f64() => {}
        _ if before == after || (is_nothing(before) && is_nothing(after)) => {}
        _ => out.push(format!("{path} was {before} and is {after}")),
    }
}

/// What stands for a member that is not there: the neutral values of the data are none of these.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_nothing),
    }
}

fn findings() -> Vec<String> {
    let mut out = Vec::new();
    let mut look =
        |checks, name: &str, json: &Value, after: fn(&Check, &Value) -> Result<Value, String>| match after(
            find(checks, name),
            json,
        ) {
            Ok(after) => differences(json, &after, name, &mut out),
            Err(error) => out.push(format!("{name}: {error}")),
        };
    for (action, examples) in examples() {
        for Example { mut request, response } in examples {
            for Contradiction { member, described, .. } in
                CONTRADICTIONS.iter().filter(|found| found.action == action)
            {
                if let Some(value) = request.pointer_mut(member) {
                    *value = (*described).into();
                }
            }
            look(REQUESTS, &action, &request, |check, json| (check.reread)(&json.to_string()));
            look(ANSWERS, &format!("{action}Response"), &response, |check, json| {
                (check.reread)(&json!({ "Response": json }).to_string())
            });
        }
    }
    out
}

#[test]
fn every_action_has_an_example() {
    let examples = examples();
    assert!(REQUESTS.iter().map(|check| check.name).eq(examples.keys().map(String::as_str)));
    assert!(examples.values().all(|examples| !examples.is_empty()));
}

#[test]
fn examples_lose_nothing() {
    assert_eq!(findings(), [""; 0]);
}

#[test]
fn a_contradiction_is_one() {
    let examples = examples();
    for Contradiction { action, member, .. } in CONTRADICTIONS {
        let check = find(REQUESTS, action);
        let refused = examples[*action].iter().map(|example| &example.request).any(|request| {
            request.pointer(member).is_some() && (check.reread)(&request.to_string()).is_err()
        });
        assert!(refused, "no example of {action} contradicts the type of {member} any more");
    }
}
