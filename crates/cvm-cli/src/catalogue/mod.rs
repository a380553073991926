//! What the service has: actions, types and their members, generated from `spec/`.

pub(crate) mod check;
pub(crate) mod example;
mod secret;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cvm_proto::input;
use serde::Deserialize;

/// The whole catalogue.
#[derive(Deserialize)]
pub(crate) struct Catalogue {
    #[serde(borrow)]
    actions: BTreeMap<&'static str, Action>,
    #[serde(borrow)]
    types: BTreeMap<&'static str, Type>,
    #[serde(borrow)]
    enums: BTreeMap<&'static str, Enum>,
}

/// An action.
#[derive(Deserialize)]
pub(crate) struct Action {
    pub(crate) doc: String,
    #[serde(borrow)]
    pub(crate) errors: Vec<&'static str>,
    pub(crate) rate: Option<u32>,
    pub(crate) region: bool,
    pub(crate) paged: Option<Paged>,
    pub(crate) request: Vec<Member>,
    pub(crate) response: Vec<Member>,
}

/// How an action's answer comes in pages.
#[derive(Deserialize)]
pub(crate) struct Paged {
    /// The largest page.
    pub(crate) size: u64,
}

/// A type that actions share.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Type {
    pub(crate) doc: String,
    pub(crate) members: Vec<Member>,
}

/// A string of which some values are known.
#[derive(Deserialize)]
pub(crate) struct Enum {
    pub(crate) doc: String,
    #[serde(borrow)]
    pub(crate) values: Vec<(&'static str, String)>,
}

/// A member of a request, an answer or a type.
#[derive(Deserialize)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) doc: String,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default)]
    pub(crate) deprecated: bool,
    #[serde(default)]
    pub(crate) secret: bool,
}

/// The type of a member, taken apart.
pub(crate) enum MemberType<'a> {
    Text,
    Integer,
    Unsigned,
    Float,
    Boolean,
    List(&'static str),
    Enum(&'a Enum),
    Type(&'a Type),
}

impl Catalogue {
    /// The catalogue of this build, unpacked and read when it is first asked for.
    pub(crate) fn load() -> &'static Self {
        static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/api.json.deflate"));
        static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| {
            // The build script has packed it.
            miniz_oxide::inflate::decompress_to_vec(PACKED).expect("the catalogue of this build is packed")
        });
        // The text is generated with the program, and a test reads it.
        static CATALOGUE: LazyLock<Catalogue> =
            LazyLock::new(|| serde_json::from_slice(&TEXT).expect("the catalogue of this build can be read"));
        &CATALOGUE
    }

    pub(crate) fn action(&self, name: &str) -> Option<&Action> {
        self.actions.get(name)
    }

    pub(crate) fn actions(&self) -> impl Iterator<Item = (&'static str, &Action)> {
        self.actions.iter().map(|(name, action)| (*name, action))
    }

    /// What the name of a type stands for.
    pub(crate) fn kind(&self, name: &'static str) -> MemberType<'_> {
        if let Some(element) = name.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')) {
            return MemberType::List(element);
        }
        match name {
            "integer" => MemberType::Integer,
            "unsigned" => MemberType::Unsigned,
            "float" => MemberType::Float,
            "boolean" => MemberType::Boolean,
            _ => match (self.enums.get(name), self.types.get(name)) {
                (Some(known), _) => MemberType::Enum(known),
                (None, Some(known)) => MemberType::Type(known),
                (None, None) => MemberType::Text,
            },
        }
    }

    /// Names of actions that one may have meant.
    pub(crate) fn suggest(&self, name: &str) -> Option<&'static str> {
        input::closest(name, self.actions.keys().copied())
    }
}

/// The first sentence of a description.
pub(crate) fn summary(doc: &str) -> &str {
    doc.find(". ").map_or(doc, |end| &doc[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole() {
        let catalogue = Catalogue::load();
        assert_eq!(catalogue.actions.len(), 106);
        for (name, action) in catalogue.actions() {
            for member in action.request.iter().chain(&action.response) {
                let element = member.kind.trim_start_matches("list<").trim_end_matches('>');
                let known = matches!(element, "string" | "integer" | "unsigned" | "float" | "boolean")
                    || catalogue.types.contains_key(element)
                    || catalogue.enums.contains_key(element);
                assert!(known, "{name}.{} has the type {}", member.name, member.kind);
            }
        }
        assert_eq!(catalogue.suggest("SyncImage"), Some("SyncImages"));
        assert_eq!(catalogue.suggest("describeimages"), Some("DescribeImages"));
        assert_eq!(catalogue.suggest("Frobnicate"), None);
    }
}
