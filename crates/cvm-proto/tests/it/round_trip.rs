//! Every type of the API survives the wire, in both notations.

use std::fmt::Debug;

use cvm_proto::codec::{envelope, flatten};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::arbitrary::arbitrary;
use crate::every_type::{ANSWERS, REQUESTS, SHARED};

pub(crate) trait Type: Serialize + DeserializeOwned + PartialEq + Debug {}
impl<T: Serialize + DeserializeOwned + PartialEq + Debug> Type for T {}

/// What is tried with a type.
pub(crate) struct Check {
    pub(crate) name: &'static str,
    /// With values made from a seed, there and back.
    round_trip: fn(u64),
    /// Reads JSON and writes what of it has been understood.
    pub(crate) reread: fn(&str) -> Result<Value, String>,
}

pub(crate) const fn shared<T: Type>(name: &'static str) -> Check {
    Check { name, round_trip: shared_round_trip::<T>, reread: reread::<T> }
}

/// An answer is read out of its envelope.
pub(crate) const fn answer<T: Type>(name: &'static str) -> Check {
    Check { name, round_trip: answer_round_trip::<T>, reread: reread_answer::<T> }
}

pub(crate) const fn request<T: Type>(name: &'static str) -> Check {
    Check { name, round_trip: request_round_trip::<T>, reread: reread::<T> }
}

fn reread<T: Type>(json: &str) -> Result<Value, String> {
    let value: T = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(value).unwrap())
}

fn reread_answer<T: Type>(body: &str) -> Result<Value, String> {
    let value: T = envelope::decode(200, body.as_bytes()).map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(value).unwrap())
}

/// To JSON and back.
fn shared_round_trip<T: Type>(seed: u64) {
    let value: T = arbitrary(seed);
    let text = serde_json::to_string(&value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
    assert_eq!(serde_json::from_value::<T>(serde_json::to_value(&value).unwrap()).unwrap(), value);
}

/// To JSON, through the envelope, and back.
fn answer_round_trip<T: Type>(seed: u64) {
    let value: T = arbitrary(seed);
    let body = json!({"Response": value, "Beside": [1]}).to_string();
    assert_eq!(envelope::decode::<T>(200, body.as_bytes()).unwrap(), value, "{body}");
    let nulls = match serde_json::to_value(T::deserialize(json!({})).unwrap()).unwrap() {
        Value::Object(members) => members.into_iter().map(|(name, _)| (name, Value::Null)).collect::<Value>(),
        other => panic!("an answer is an object, not {other}"),
    };
    let empty = json!({"Response": nulls}).to_string();
    envelope::decode::<T>(200, empty.as_bytes()).unwrap_or_else(|error| panic!("{empty}: {error}"));
}

/// To JSON and back, and to flattened parameters and back.
fn request_round_trip<T: Type>(seed: u64) {
    shared_round_trip::<T>(seed);
    let value: T = arbitrary(seed);
    let flat = flatten::flatten(&value).unwrap();
    let back: T = flatten::from_flat(&flat).unwrap_or_else(|error| panic!("{flat:?}: {error}"));
    let json = |value: &T| visible(serde_json::to_value(value).unwrap());
    assert_eq!(json(&back), json(&value), "{flat:?}");
}

/// What the flattened notation can show: empty lists and objects leave no trace in it.
fn visible(value: Value) -> Value {
    let shows = |value: &Value| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Null => false,
        _ => true,
    };
    match value {
        Value::Array(items) => items.into_iter().map(visible).filter(shows).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, visible(value)))
            .filter(|(_, value)| shows(value))
            .collect(),
        plain => plain,
    }
}

fn check(types: &[Check], seed: u64) {
    for Check { name, round_trip, .. } in types {
        // Each type meets other values than its neighbours.
        round_trip(seed.wrapping_add(name.bytes().map(u64::from).sum()));
    }
}

#[test]
fn the_whole_api_is_here() {
    assert_eq!((REQUESTS.len(), ANSWERS.len(), SHARED.len()), (106, 106, 74));
}

/// Found by the property below: an item without a value left a gap in the numbers of the others.
#[test]
fn an_empty_item_leaves_no_gap() {
    let flat =
        flatten::flatten(&json!({"DataDisks": [{}, {"DiskId": "d-1"}, null, {"DiskId": "d-2"}]})).unwrap();
    let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
    assert_eq!(flat, [pair("DataDisks.0.DiskId", "d-1"), pair("DataDisks.1.DiskId", "d-2")]);
    let check = REQUESTS.iter().find(|check| check.name == "ModifyInstanceDiskType").unwrap();
    (check.round_trip)(17_740_127_283_672_204_206);
}

proptest! {
    #[test]
    fn prop_requests_round_trip(seed: u64) {
        check(REQUESTS, seed);
    }

    #[test]
    fn prop_answers_round_trip(seed: u64) {
        check(ANSWERS, seed);
    }

    #[test]
    fn prop_shared_types_round_trip(seed: u64) {
        check(SHARED, seed);
    }
}
