//! Example requests, made from the types of their members.

use serde_json::{Map, Value, json};

use super::{Catalogue, Member, MemberType};

/// How much of a request to show.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Extent {
    /// What cannot be left out.
    Required,
    /// Everything.
    All,
}

impl Catalogue {
    /// A request with a value for each member: one that shows its type, or the first of the known ones.
    pub(crate) fn example(&self, members: &[Member], extent: Extent) -> Value {
        let shown = members.iter().filter(|member| match extent {
            Extent::Required => member.required,
            Extent::All => !member.deprecated,
        });
        let members: Map<String, Value> = shown
            .map(|member| (member.name.to_string(), self.example_value(member.name, member.kind, extent)))
            .collect();
        Value::Object(members)
    }

    fn example_value(&self, name: &str, kind: &'static str, extent: Extent) -> Value {
        match self.kind(kind) {
            MemberType::Text => Value::String(example_text(name)),
            MemberType::Integer | MemberType::Unsigned => json!(1),
            MemberType::Float => json!(1.0),
            MemberType::Boolean => json!(false),
            MemberType::Enum(known) => known.values.first().map_or(json!(""), |(value, _)| json!(value)),
            // Types do not contain themselves, so this ends.
            MemberType::Type(known) => self.example(&known.members, extent),
            MemberType::List(element) => json!([self.example_value(name, element, extent)]),
        }
    }
}

/// A text as the service has them, where the name tells the form.
fn example_text(name: &str) -> String {
    let name = name
        .strip_suffix('s')
        .filter(|name| name.ends_with("Id") || name.ends_with("Region"))
        .unwrap_or(name);
    match name {
        "ImageId" => "img-o3ycss2p",
        "InstanceId" => "ins-9bxebleo",
        "KeyId" => "skey-mv6utgdh",
        "SnapshotId" => "snap-7puvl3uf",
        "DestinationRegion" | "Region" => "ap-guangzhou",
        "Zone" => "ap-guangzhou-3",
        "InstanceType" => "S5.LARGE4",
        _ => name,
    }
    .to_string()
}
