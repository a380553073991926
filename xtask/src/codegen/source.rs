//! The files in `spec/`, as they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The facts of the service.
#[derive(Deserialize, Serialize, Clone, PartialEq)]
pub(crate) struct Facts {
    pub(crate) service: String,
    pub(crate) version: String,
    pub(crate) actions: BTreeMap<String, ActionFacts>,
    pub(crate) types: BTreeMap<String, Vec<MemberFacts>>,
    pub(crate) error_codes: Vec<String>,
}

/// An action: the names of its structures and the codes that its page lists.
#[derive(Deserialize, Serialize, Clone, PartialEq)]
pub(crate) struct ActionFacts {
    pub(crate) input: String,
    pub(crate) output: String,
    pub(crate) errors: Vec<String>,
}

/// A member of a structure.
#[derive(Deserialize, Serialize, Clone, PartialEq)]
pub(crate) struct MemberFacts {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) required: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) nullable: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) deprecated: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fixups {
    pub(super) member: Vec<Fixup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fixup {
    pub(super) name: String,
    pub(super) required: Option<bool>,
    pub(super) nullable: Option<bool>,
    pub(super) reason: String,
}

#[derive(Deserialize)]
pub(super) struct ResourceDocs {
    pub(super) doc: String,
    pub(super) types: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct EnumDocs {
    pub(super) doc: String,
    pub(super) members: Vec<String>,
    pub(super) values: Vec<(String, String)>,
}

#[derive(Deserialize)]
pub(super) struct Limits {
    pub(super) rate: BTreeMap<String, u32>,
    pub(super) max_items: BTreeMap<String, u32>,
    pub(super) max_value: BTreeMap<String, u64>,
    pub(super) max_chars: BTreeMap<String, u32>,
    pub(super) no_region: NoRegion,
}

#[derive(Deserialize)]
pub(super) struct NoRegion {
    pub(super) actions: Vec<String>,
}

#[derive(Deserialize)]
struct Actions {
    actions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Types {
    types: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Members {
    members: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Enums {
    enums: BTreeMap<String, EnumDocs>,
}

#[derive(Deserialize)]
struct Secrets {
    members: Vec<String>,
}

#[derive(Deserialize)]
struct Codes {
    codes: BTreeMap<String, String>,
}

/// Everything in `spec/`.
pub(super) struct Source {
    pub(super) facts: Facts,
    pub(super) fixups: Vec<Fixup>,
    pub(super) resources: BTreeMap<String, ResourceDocs>,
    pub(super) actions: BTreeMap<String, String>,
    pub(super) types: BTreeMap<String, String>,
    pub(super) members: BTreeMap<String, String>,
    pub(super) enums: BTreeMap<String, EnumDocs>,
    pub(super) secrets: Vec<String>,
    pub(super) codes: BTreeMap<String, String>,
    pub(super) limits: Limits,
}

impl Source {
    pub(super) fn read(spec: &Path) -> Result<Self, String> {
        let docs = spec.join("docs");
        Ok(Self {
            facts: facts(&spec.join("cvm-2017-03-12.json"))?,
            fixups: toml::<Fixups>(&spec.join("fixups.toml"))?.member,
            resources: toml(&docs.join("resources.toml"))?,
            actions: toml::<Actions>(&docs.join("actions.toml"))?.actions,
            types: toml::<Types>(&docs.join("types.toml"))?.types,
            members: toml::<Members>(&docs.join("members.toml"))?.members,
            enums: toml::<Enums>(&docs.join("enums.toml"))?.enums,
            secrets: toml::<Secrets>(&docs.join("secrets.toml"))?.members,
            codes: toml::<Codes>(&docs.join("error_codes.toml"))?.codes,
            limits: toml(&docs.join("limits.toml"))?,
        })
    }
}

/// A facts file.
pub(crate) fn facts(path: &Path) -> Result<Facts, String> {
    serde_json::from_str(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

pub(super) fn toml<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    toml::from_str(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

pub(crate) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
