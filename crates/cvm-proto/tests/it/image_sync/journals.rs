//! Whatever a journal holds: it is refused, or the job in it ends as any other.

use std::time::Duration;

use cvm_proto::{ErrorKind, ImageSync, SyncEndpoint, SyncRun, SyncState};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::service::Service;
use super::world::{Kill, World};
use crate::driver::config;

/// What builds before this one wrote; version 1 has no checksum.
const OLD: [&str; 2] =
    [include_str!("../../data/sync-v1-sent.json"), include_str!("../../data/sync-v1-copying.json")];

fn job() -> ImageSync {
    ImageSync::of(["img-source01", "img-source02"]).to(["ap-guangzhou", "ap-beijing", "ap-tokyo"])
}

/// What a process leaves behind that was killed while this request was out.
fn left_behind(request: usize) -> Vec<u8> {
    let mut world = World::new(Service::default());
    let _ = world.process(&job().timeout(Duration::from_secs(600)), Kill::During(request));
    // Before it has seen its sources, it keeps nothing.
    world.disk.unwrap_or_else(|| left_behind(6))
}

#[test]
fn a_journal_that_contradicts_itself_is_refused() {
    let old: Value = serde_json::from_str(OLD[0]).unwrap();
    let target = old["sources"][0]["targets"][0].clone();
    for (pointer, value) in [
        ("/job/to", json!([])),
        ("/job/images", json!([])),
        ("/job/images", json!(["img-source01", "img-source01"])),
        ("/job/to", json!(["ap-beijing", "ap-guangzhou", "ap-tokyo"])),
        ("/sources", json!([])),
        ("/sources/0/targets", json!([])),
        ("/sources/0/targets", json!([target, target, target, target])),
        ("/sources/0/targets/1/region", json!("ap-guangzhou")),
        ("/sources/0/image_id", json!("img-source02")),
    ] {
        let mut changed = old.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        let error = SyncState::from_bytes(changed.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Journal);
        assert!(error.to_string().contains("it contradicts itself"), "{pointer}: {error}");
    }
}

/// One change to a value anywhere in a tree.
#[derive(Clone, Debug)]
struct Change {
    at: Index,
    other: Index,
    how: u8,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (any::<Index>(), any::<Index>(), 0_u8..8);
    prop::collection::vec(change.prop_map(|(at, other, how)| Change { at, other, how }), 1..5)
}

/// The places of all values below this one, as JSON pointers.
fn places(value: &Value, here: &str, into: &mut Vec<String>) {
    into.push(here.to_owned());
    match value {
        Value::Array(items) => {
            (0..).zip(items).for_each(|(at, item)| places(item, &format!("{here}/{at}"), into));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| places(member, &format!("{here}/{name}"), into));
        }
        _ => {}
    }
}

fn change(tree: &mut Value, change: &Change) {
    let mut all = Vec::new();
    places(tree, "", &mut all);
    let other = tree.pointer(&all[change.other.index(all.len())]).cloned().unwrap_or_default();
    let value = tree.pointer_mut(&all[change.at.index(all.len())]).unwrap();
    match (value, change.how) {
        (value, 0) => *value = other,
        (value, 1) => *value = Value::Null,
        (Value::Array(items), 2) => drop(items.pop()),
        (Value::Array(items), 3) => items.extend(items.first().cloned()),
        (Value::Array(items), 4) => items.reverse(),
        (Value::Array(items), _) => items.clear(),
        (Value::Object(members), _) => {
            let name = all[change.other.index(all.len())].rsplit('/').next().unwrap_or_default().to_owned();
            members.remove(&name);
        }
        (Value::Number(number), 2) => *number = u64::MAX.into(),
        (Value::Number(number), 3) => *number = i64::MAX.into(),
        (Value::Number(number), 4) => *number = (-1).into(),
        (Value::Number(number), _) => *number = 0.into(),
        (Value::String(text), 2) => text.clear(),
        (Value::String(text), 3) => *text = "img-source02".into(),
        (Value::String(text), 4) => *text = "ap-shanghai".into(),
        (Value::String(text), 5) => *text = "\u{1b}[31m 镜像\n".into(),
        (Value::String(text), _) => *text = "ap-beijing".into(),
        (value, _) => *value = json!(true),
    }
}

/// Does with a state all that can be done with it.
fn use_up(state: SyncState) -> Result<(), TestCaseError> {
    let report = state.report();
    let _ = (state.images(), state.regions(), state.source_region(), state.endpoint().to_string());
    let _ =
        (state.profile(), state.begun(), state.last_error(), report.is_complete(), report.failures().count());
    let bytes = state.to_bytes();
    let read = SyncState::from_bytes(&bytes);

    let mut world = World::new(Service::default());
    let endpoint = SyncEndpoint::of(&world.config());
    // The same job is asked for again, and the one that is there is resumed.
    let again = job().begin_or_resume(Some(state.clone()), endpoint.clone(), &config());
    match read {
        Ok(read) => prop_assert_eq!(read.to_bytes(), bytes),
        Err(error) => {
            prop_assert_eq!(error.kind(), ErrorKind::Journal);
            prop_assert!(again.is_err() && state.resume(SyncRun::new(), &endpoint).is_err(), "{}", error);
            return Ok(());
        }
    }
    match state.resume(SyncRun::new().timeout(Duration::from_secs(600)), &endpoint) {
        Ok(prepared) => {
            let process = world.begin(prepared, None);
            let outcome = world.drive(process, Kill::Never);
            prop_assert!(outcome.is_some(), "nobody kills it");
        }
        Err(error) => {
            prop_assert!(matches!(error.kind(), ErrorKind::Config | ErrorKind::Journal), "{}", error);
        }
    }
    Ok(())
}

/// As a case is a whole job.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn prop_any_bytes_are_refused_with_one_line(bytes: Vec<u8>, text in "\\{\"version\":[0-3],?.{0,40}\\}?") {
        for bytes in [&bytes[..], text.as_bytes()] {
            let error = SyncState::from_bytes(bytes).unwrap_err();
            prop_assert_eq!((error.kind(), error.to_string().lines().count()), (ErrorKind::Journal, 1));
        }
    }

    /// Its checksum tells a journal that was changed from one that was not.
    #[test]
    fn prop_changed_bytes_are_refused(request in 1_usize..30, at: Index, byte: u8, how in 0..3) {
        let bytes = left_behind(request);
        let at = at.index(bytes.len());
        let mut changed = bytes.clone();
        match how {
            0 => changed[at] = byte,
            1 => changed.insert(at, byte),
            _ => drop(changed.remove(at)),
        }
        prop_assert!(changed == bytes || SyncState::from_bytes(&changed).is_err());
    }

    #[test]
    fn prop_what_is_well_formed_ends_as_any_other_job(request in 1_usize..30, changes in changes()) {
        let bytes = left_behind(request);
        let mut tree: Value = serde_json::from_slice(&bytes).unwrap();
        let mut tree = tree.get_mut("state").map(Value::take).unwrap_or(tree);
        for one in &changes {
            change(&mut tree, one);
        }
        // A program that keeps the state in a place of its own reads it as a serde value.
        if let Ok(state) = serde_json::from_value::<SyncState>(tree) {
            use_up(state)?;
        }
    }

    #[test]
    fn prop_so_does_what_a_build_before_wrote(which: bool, changes in changes()) {
        let mut tree: Value = serde_json::from_str(OLD[usize::from(which)]).unwrap();
        for one in &changes {
            change(&mut tree, one);
        }
        if let Ok(state) = SyncState::from_bytes(tree.to_string().as_bytes()) {
            use_up(state)?;
        }
    }
}
