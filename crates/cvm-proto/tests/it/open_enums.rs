//! Enums that the service may add to: known values are variants, others keep their text.

use std::collections::HashSet;
use std::convert::Infallible;
use std::fmt::Debug;
use std::hash::Hash;
use std::str::FromStr;

use cvm_proto::ErrorCode;
use cvm_proto::api::types::{Architecture, Image, ImageState, RepairProduct, Snapshot};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::every_type::OPEN_ENUMS;

/// Every known value is found by its text, whichever way that comes, and goes back as the same text.
pub(crate) fn known<T>(values: &'static [T])
where
    T: Clone + Ord + Hash + ToString + Serialize + DeserializeOwned + FromStr<Err = Infallible> + Debug,
    T: From<&'static str> + From<String> + PartialEq<str>,
{
    let mut seen = HashSet::new();
    for value in values {
        let text = value.to_string();
        let json = json!(text);
        for read in [
            T::from(&*text.clone().leak()),
            T::from(text.clone()),
            text.parse().unwrap(),
            serde_json::from_value(json.clone()).unwrap(),
            serde_json::from_str(&json.to_string()).unwrap(),
        ] {
            assert_eq!(read, *value);
        }
        assert_eq!(serde_json::to_value(value).unwrap(), json);
        assert!(*value == *text.as_str());
        assert!(seen.insert(value), "{value:?} is there twice");
    }
    let brand_new = T::from("BRAND_NEW");
    assert!(!seen.contains(&brand_new));
    assert_eq!(serde_json::to_value(brand_new).unwrap(), "BRAND_NEW");
}

#[test]
fn every_known_value_is_found_by_its_text() {
    assert_eq!(OPEN_ENUMS.len(), 62);
    for check in OPEN_ENUMS {
        check();
    }
    known(ErrorCode::KNOWN);
}

/// A new state, and one in another case, are read as what they are.
#[test]
fn a_state_can_be_matched() {
    let read = |state: &str| {
        let image: Image = serde_json::from_value(json!({ "ImageState": state })).unwrap();
        match image.image_state {
            ImageState::Normal => "ready".to_string(),
            ImageState::Creating | ImageState::Syncing | ImageState::Importing => "soon".to_string(),
            ImageState::CreateFailed | ImageState::ImportFailed => "never".to_string(),
            ImageState::Other(text) => format!("other: {text}"),
            known => format!("known: {known}"),
        }
    };
    for (state, expected) in [
        ("NORMAL", "ready"),
        ("SYNCING", "soon"),
        ("IMPORTFAILED", "never"),
        ("USING", "known: USING"),
        ("DEFROSTING", "other: DEFROSTING"),
        ("Normal", "other: Normal"),
        ("", "other: "),
    ] {
        assert_eq!(read(state), expected, "{state}");
    }
}

#[test]
fn values_are_equal_and_ordered_as_their_texts() {
    assert_eq!(ImageState::from("NORMAL"), ImageState::Normal);
    assert_eq!(ImageState::Normal, "NORMAL");
    assert_eq!(ImageState::from("DEFROSTING"), ImageState::from("DEFROSTING"));
    assert_ne!(ImageState::from("DEFROSTING"), ImageState::from("DEFROSTED"));
    let mut states = [ImageState::Normal, ImageState::from("DEFROSTING"), ImageState::CreateFailed];
    states.sort();
    assert_eq!(states.map(|state| state.to_string()), ["CREATEFAILED", "DEFROSTING", "NORMAL"]);
    let seen = HashSet::from([ImageState::Normal, ImageState::from("DEFROSTING")]);
    assert!(seen.contains(&ImageState::from("DEFROSTING")) && !seen.contains(&ImageState::Syncing));
}

/// The service leaves members out, and writes `null` where it has nothing.
#[test]
fn what_is_not_there_is_the_empty_text() {
    for json in [json!({}), json!({ "DiskUsage": null }), json!({ "DiskUsage": "" })] {
        let snapshot: Snapshot = serde_json::from_value(json).unwrap();
        assert_eq!(snapshot.disk_usage, "");
        assert_eq!(snapshot.disk_usage, Snapshot::default().disk_usage);
    }
    assert_eq!(serde_json::from_value::<Image>(json!({})).unwrap().architecture, "");
    assert!(serde_json::from_value::<Snapshot>(json!({ "DiskUsage": 5 })).is_err());
}

#[test]
fn values_are_shown_as_the_service_writes_them() {
    assert_eq!(Architecture::X86_64.to_string(), "x86_64");
    assert_eq!(format!("{:?}", RepairProduct::Cpm2_0), "\"CPM2.0\"");
    assert_eq!(format!("{:>8}|", ImageState::Normal), "  NORMAL|");
    // Nothing that steers a terminal gets through, but it is kept.
    let odd = ImageState::from("a\u{1b}[31m");
    assert_eq!((odd.to_string().as_str(), odd.as_str()), (r"a\u{1b}[31m", "a\u{1b}[31m"));
    let ImageState::Other(text) = odd else { panic!("it is not known") };
    assert_eq!((format!("{text:>12}").as_str(), text.as_str()), (r" a\u{1b}[31m", "a\u{1b}[31m"));
}
