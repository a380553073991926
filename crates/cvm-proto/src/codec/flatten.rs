//! Flattened parameters: `Filters.0.Values.1=ap-guangzhou`, as queries and forms write objects and lists.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::percent::shown;
use crate::error::Error;

/// Writes an object as names and values: lists count from 0, booleans are `true` and `false`.
///
/// Members that are absent or null are skipped; an empty list or object leaves no trace, also as an item of a list,
/// whose other items are counted without it. The order is that of the members' names, whatever order the members have.
///
/// # Errors
///
/// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) if it is not an object, or cannot be serialized.
///
/// ```
/// use cvm_proto::codec::flatten::flatten;
/// use serde_json::json;
///
/// let pairs = flatten(&json!({ "ImageIds": ["img-o3ycss2p"], "DryRun": true, "ImageName": null }))?;
/// assert_eq!(pairs, [("DryRun".into(), "true".into()), ("ImageIds.0".into(), "img-o3ycss2p".into())]);
/// # Ok::<(), cvm_proto::Error>(())
/// ```
pub fn flatten(parameters: &(impl Serialize + ?Sized)) -> Result<Vec<(String, String)>, Error> {
    let members = object(parameters)?;
    let mut pairs = Vec::new();
    let mut name = String::new();
    for (key, value) in by_name(members) {
        name.clear();
        name.push_str(&key);
        flatten_value(&mut name, value, &mut pairs);
    }
    Ok(pairs)
}

/// The members of a value that has to be an object.
pub(crate) fn object(parameters: &(impl Serialize + ?Sized)) -> Result<Map<String, Value>, Error> {
    match serde_json::to_value(parameters) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(not_an_object()),
        Err(error) => Err(Error::parameter(format!("the parameters cannot be written: {error}"))),
    }
}

/// The members by their names: a program decides whether the objects of `serde_json` keep another order.
fn by_name(members: Map<String, Value>) -> Vec<(String, Value)> {
    let mut members: Vec<_> = members.into_iter().collect();
    members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    members
}

pub(crate) fn not_an_object() -> Error {
    Error::parameter("the parameters are not an object: give names and values, or an empty object")
}

/// Recursion is as deep as the caller's own value, whose serialization recursed as deep already.
fn flatten_value(name: &mut String, value: Value, pairs: &mut Vec<(String, String)>) {
    let len = name.len();
    match value {
        Value::Null => {}
        Value::Array(items) => {
            // Only items that leave a trace are counted: a gap in the numbers would be refused.
            let mut number = 0_usize;
            for item in items {
                let before = pairs.len();
                name.push('.');
                name.push_str(itoa::Buffer::new().format(number));
                flatten_value(name, item, pairs);
                name.truncate(len);
                number += usize::from(pairs.len() > before);
            }
        }
        Value::Object(members) => {
            for (key, member) in by_name(members) {
                name.push('.');
                name.push_str(&key);
                flatten_value(name, member, pairs);
                name.truncate(len);
            }
        }
        Value::String(text) => pairs.push((name.clone(), text)),
        scalar @ (Value::Bool(_) | Value::Number(_)) => pairs.push((name.clone(), scalar.to_string())),
    }
}

/// The deepest name that is read: the API's own go four deep.
const MAX_DEPTH: usize = 32;

/// A tree of names while it grows.
enum Node {
    Leaf(String),
    Branch(BTreeMap<String, Node>),
}

/// Undoes [`flatten`]: an object of objects, lists and, since nothing says more, strings.
///
/// A part of a name that is a number is a place in a list, except the first part.
///
/// # Errors
///
/// [`ErrorKind::Parameter`](crate::ErrorKind::Parameter) naming the parameter if a name has an empty part or more than
/// 32, comes twice, or is both a value and the beginning of another; if a list has other places than 0, 1, 2, ...
pub fn unflatten(pairs: &[(String, String)]) -> Result<Value, Error> {
    let mut root = BTreeMap::new();
    for (name, value) in pairs {
        let bad = |why: &str| Err(Error::parameter(format!("parameter `{}` {why}", shown(name))));
        let (mut path, last) = match name.rsplit_once('.') {
            Some((path, last)) => (Some(path.split('.')), last),
            None => (None, name.as_str()),
        };
        if last.is_empty() || name.split('.').any(str::is_empty) {
            return bad("has an empty part in its name: write it as `Name` or `Name.0.Member`");
        }
        if name.split('.').nth(MAX_DEPTH).is_some() {
            return bad("is nested too deep: at most 32 parts are read");
        }
        let mut branch = &mut root;
        for part in path.iter_mut().flatten() {
            let node = branch.entry(part.into()).or_insert_with(|| Node::Branch(BTreeMap::new()));
            match node {
                Node::Branch(inner) => branch = inner,
                Node::Leaf(_) => return bad("begins with the name of another: one of the two is wrong"),
            }
        }
        match branch.get(last) {
            None => branch.insert(last.into(), Node::Leaf(value.clone())),
            Some(Node::Leaf(_)) => return bad("is there twice: send it once"),
            Some(Node::Branch(_)) => {
                return bad("is the beginning of another's name: one of the two is wrong");
            }
        };
    }
    let members = root.into_iter().map(|(key, node)| {
        let value = node_to_value(&key, node)?;
        Ok((key, value))
    });
    Ok(Value::Object(members.collect::<Result<_, Error>>()?))
}

fn node_to_value(name: &str, node: Node) -> Result<Value, Error> {
    let children = match node {
        Node::Leaf(text) => return Ok(Value::String(text)),
        Node::Branch(children) => children,
    };
    let is_number = |key: &String| key.bytes().all(|b| b.is_ascii_digit());
    let numbers = children.keys().filter(|&key| is_number(key)).count();
    if numbers == 0 {
        let members = children.into_iter().map(|(key, node)| {
            let value = node_to_value(&format!("{name}.{key}"), node)?;
            Ok((key, value))
        });
        return Ok(Value::Object(members.collect::<Result<_, Error>>()?));
    }
    let name = shown(name);
    if numbers < children.len() {
        return Err(Error::parameter(format!(
            "parameter `{name}` has both numbered and named members: a list has numbers, an object names"
        )));
    }
    let mut items: Vec<Option<Node>> = Vec::new();
    items.resize_with(children.len(), || None);
    for (key, node) in children {
        let place = if key.len() > 1 && key.starts_with('0') { None } else { key.parse::<usize>().ok() };
        match place.and_then(|place| items.get_mut(place)) {
            Some(slot) => *slot = Some(node),
            None => {
                return Err(Error::parameter(format!(
                    "parameter `{name}.{}` leaves a gap: a list of {} counts from 0 to {}",
                    shown(&key),
                    items.len(),
                    items.len() - 1
                )));
            }
        }
    }
    // As many places as keys, all different: none is empty.
    let items =
        items.into_iter().flatten().enumerate().map(|(i, node)| node_to_value(&format!("{name}.{i}"), node));
    Ok(Value::Array(items.collect::<Result<_, Error>>()?))
}

/// Reads a type from flattened parameters; numbers and booleans are read from their text, booleans in any case.
///
/// # Errors
///
/// As [`unflatten`], and if a value does not fit the type; the sentence names the parameter.
///
/// ```
/// use cvm_proto::codec::flatten::from_flat;
///
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Page { offset: u64, dry_run: Option<bool> }
///
/// let page: Page = from_flat(&[("Offset".into(), "20".into()), ("DryRun".into(), "True".into())])?;
/// assert!(page.offset == 20 && page.dry_run == Some(true));
/// # Ok::<(), cvm_proto::Error>(())
/// ```
pub fn from_flat<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, Error> {
    super::lenient::from_value(unflatten(pairs)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn check(value: &Value, expected: &[(&str, &str)]) {
        assert_eq!(flatten(value).unwrap(), pairs(expected));
    }

    #[test]
    fn written() {
        check(&json!({}), &[]);
        check(&json!({ "A": null, "B": [], "C": {}, "D": [null, []] }), &[]);
        check(&json!({ "A": "", "B": [""] }), &[("A", ""), ("B.0", "")]);
        check(
            &json!({ "A": true, "B": false, "C": -1, "D": 9_223_372_036_854_775_808_u64, "E": 1.5 }),
            &[("A", "true"), ("B", "false"), ("C", "-1"), ("D", "9223372036854775808"), ("E", "1.5")],
        );
        check(
            &json!({ "Filters": [{ "Name": "image-name", "Values": ["a", "é"] }, { "Name": "x", "Values": [] }] }),
            &[
                ("Filters.0.Name", "image-name"),
                ("Filters.0.Values.0", "a"),
                ("Filters.0.Values.1", "é"),
                ("Filters.1.Name", "x"),
            ],
        );
        let eleven: Vec<_> = (0..11).collect();
        assert_eq!(flatten(&json!({ "L": eleven })).unwrap()[10], ("L.10".into(), "10".into()));
    }

    #[test]
    fn only_objects() {
        for value in [json!(null), json!([1]), json!("x")] {
            assert!(flatten(&value).unwrap_err().to_string().contains("not an object"));
        }
    }

    #[test]
    fn read_back() {
        let flat = pairs(&[("L.10", "k"), ("L.9", "j"), ("O.N", "v"), ("7", "top")]);
        let mut all = flat.clone();
        all.extend((0..9).map(|i| (format!("L.{i}"), "x".into())));
        let value = unflatten(&all).unwrap();
        assert_eq!(value["L"].as_array().unwrap().len(), 11);
        assert_eq!((&value["L"][9], &value["L"][10]), (&json!("j"), &json!("k")));
        assert_eq!((&value["O"], &value["7"]), (&json!({ "N": "v" }), &json!("top")));
    }

    fn refuse(list: &[(&str, &str)], name: &str, why: &str) {
        let text = unflatten(&pairs(list)).unwrap_err().to_string();
        assert!(text.contains(&format!("`{name}`")) && text.contains(why), "{list:?}: {text}");
    }

    #[test]
    fn refused() {
        refuse(&[("A.1", "")], "A.1", "gap");
        refuse(&[("A.0", ""), ("A.4294967296", "")], "A.4294967296", "gap");
        refuse(&[("A.99999999999999999999999", "")], "A.99999999999999999999999", "gap");
        refuse(&[("A.00", "")], "A.00", "gap");
        refuse(&[("A.0", ""), ("A.01", "")], "A.01", "gap");
        refuse(&[("A.0", ""), ("A.B", "")], "A", "numbered and named");
        refuse(&[("A.B.1.C", "")], "A.B.1", "gap");
        refuse(&[("A", ""), ("A", "")], "A", "twice");
        refuse(&[("A", ""), ("A.0", "")], "A.0", "begins with");
        refuse(&[("A.0", ""), ("A", "")], "A", "beginning");
        for name in ["", ".", "A.", ".A", "A..B"] {
            refuse(&[(name, "")], name, "empty part");
        }
        let deep = "A.".repeat(100_000) + "A";
        assert!(unflatten(&pairs(&[(&deep, "")])).unwrap_err().to_string().contains("too deep"));
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "PascalCase", default)]
    #[derive(Default)]
    struct Sample {
        limit: u64,
        dry_run: Option<bool>,
        ratio: f64,
        filters: Vec<Filter>,
        inner: Option<Filter>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "PascalCase")]
    struct Filter {
        name: String,
        #[serde(default)]
        values: Vec<String>,
    }

    #[test]
    fn typed() {
        let got: Sample = from_flat(&pairs(&[
            ("Limit", "20"),
            ("DryRun", "TRUE"),
            ("Ratio", "1.5"),
            ("Filters.0.Name", "123"),
            ("Filters.0.Values.0", "true"),
            ("Inner.Name", "n"),
            ("Unknown.0", "skipped"),
        ]))
        .unwrap();
        let filter = |name: &str, values: &[&str]| Filter {
            name: name.into(),
            values: values.iter().map(|&v| v.into()).collect(),
        };
        let expected = Sample {
            limit: 20,
            dry_run: Some(true),
            ratio: 1.5,
            filters: [filter("123", &["true"])].into(),
            inner: Some(filter("n", &[])),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn a_value_that_does_not_fit_is_named() {
        for (name, value, part) in [
            ("Limit", "-1", "-1"),
            ("Limit", "twenty", "twenty"),
            ("Limit", "", "number"),
            ("DryRun", "yes", "yes"),
            ("Ratio", "x", "x"),
            ("Filters.0", "x", "Filters.0"),
            ("Filters", "x", "Filters"),
            ("Filters.0.Values.0", "x", "Name"),
            ("Limit.0", "x", "Limit"),
        ] {
            let text = from_flat::<Sample>(&pairs(&[(name, value)])).unwrap_err().to_string();
            let top = name.split('.').next().unwrap();
            assert!(text.contains(&format!("`{top}")) && text.contains(part), "{name}={value}: {text}");
        }
    }
}
