//! Parameters of an action as they are typed: `KEY=VALUE`, `KEY:=JSON`, dots for lists and objects.

use cvm_proto::codec::flatten;
use cvm_proto::input;
use serde_json::Value;

use crate::failure::Failure;

/// Puts the parameters together into the object that they describe.
pub(crate) fn parse(parameters: &[impl AsRef<str>]) -> Result<Value, Failure> {
    let mut values = Vec::new();
    let mut places = Vec::new();
    for parameter in parameters {
        let (key, value) = split(parameter.as_ref())?;
        // The core knows how dots become lists and objects, with texts at the leaves. A leaf here is the number of
        // its value.
        places.push((key.to_owned(), values.len().to_string()));
        values.push(value);
    }
    let mut tree = flatten::unflatten(&places)?;
    fill(&mut tree, &mut values);
    Ok(tree)
}

/// One parameter's name and value.
fn split(parameter: &str) -> Result<(&str, Value), Failure> {
    let Some((key, value)) = parameter.split_once('=') else {
        return Err(Failure::usage(format!(
            "parameter `{parameter}` has no `=`: write KEY=VALUE, or KEY:=JSON"
        )));
    };
    let Some(key) = key.strip_suffix(':') else { return Ok((key, guess(value))) };
    match input::json(value.as_bytes()) {
        Ok(value) => Ok((key, value)),
        Err(error) => Err(Failure::usage(format!("the value of `{key}` {error}"))),
    }
}

/// JSON where there is no doubt about it, else a text.
///
/// A number counts as one only if JSON writes it just so: of `007`, `1e3` or an account id of thirty digits nothing
/// may be lost.
fn guess(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Bool(_) | Value::Array(_) | Value::Object(_))) => value,
        Ok(Value::Number(number)) if number.to_string() == text => Value::Number(number),
        _ => Value::String(text.to_owned()),
    }
}

/// Puts each value where its number stands.
fn fill(tree: &mut Value, values: &mut [Value]) {
    match tree {
        Value::Object(members) => members.values_mut().for_each(|member| fill(member, values)),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, values)),
        Value::String(number) => {
            if let Some(value) = number.parse().ok().and_then(|at: usize| values.get_mut(at)) {
                *tree = value.take();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(parameters: &[&str], expected: &Value) {
        assert_eq!(&parse(parameters).unwrap(), expected, "{parameters:?}");
    }

    #[test]
    fn types_are_guessed_where_there_is_no_doubt() {
        check(&[], &json!({}));
        check(
            &["Limit=20", "Offset=-1", "DryRun=true"],
            &json!({ "Limit": 20, "Offset": -1, "DryRun": true }),
        );
        check(&["ImageIds=[\"img-1\"]"], &json!({ "ImageIds": ["img-1"] }));
        check(&["A={\"B\": null}"], &json!({ "A": { "B": null } }));
        for text in
            ["", "img-1", "null", "007", "1e3", "123456789012345678901234567890", "\"x\"", "[x", "a=b", "1 "]
        {
            check(&[&format!("Name={text}")], &json!({ "Name": text }));
        }
    }

    #[test]
    fn json_is_taken_as_it_is() {
        check(&["Name:=\"2026\"", "X:=null"], &json!({ "Name": "2026", "X": null }));
        check(&["Name=a:=b"], &json!({ "Name": "a:=b" }));
    }

    #[test]
    fn dots_go_into_lists_and_objects() {
        check(
            &[
                "ImageIds.0=img-1",
                "ImageIds.1=img-2",
                "Filters.0.Name=image-type",
                "Filters.0.Values=[\"X\"]",
            ],
            &json!({ "ImageIds": ["img-1", "img-2"], "Filters": [{ "Name": "image-type", "Values": ["X"] }] }),
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (parameters, part) in [
            (&["Limit"][..], "`Limit` has no `=`"),
            (&["Limit:=x"], "`Limit` is not JSON"),
            (&["A.0=1", "A.2=1"], "A"),
            (&["A=1", "A=2"], "A"),
            (&["A=1", "A.B=2"], "A"),
            (&["=1"], "parameter"),
        ] {
            let failure = parse(parameters).unwrap_err();
            assert_eq!(failure.exit, crate::exit::Exit::Usage, "{parameters:?}");
            assert!(failure.to_string().contains(part), "{parameters:?}: {failure}");
        }
    }

    proptest::proptest! {
        /// Whatever is typed: a request, or a sentence of one line.
        #[test]
        fn prop_any_parameters_are_read_or_refused(
            typed in proptest::collection::vec("[A-B]{0,2}(\\.[0-9]{1,20}|\\.[A-B])*:?=?(1|true|\\[|\\{\\}|\"x|.{0,6})|.{0,12}", 0..5),
        ) {
            match parse(&typed) {
                Ok(request) => proptest::prop_assert!(request.is_object()),
                Err(failure) => proptest::prop_assert_eq!(failure.to_string().lines().count(), 1),
            }
        }
    }
}
