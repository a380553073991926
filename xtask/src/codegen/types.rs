//! The shared types.

use std::collections::BTreeSet;

use super::doc_comment;
use super::model::{Enum, Model, Resource, Struct};

pub(super) fn render(resource: &Resource) -> String {
    let mut out = format!("//! {}\n\n", resource.doc);
    let own: BTreeSet<&str> = resource
        .structs
        .iter()
        .map(|s| s.name.as_str())
        .chain(resource.enums.iter().map(|e| e.name.as_str()))
        .collect();
    let mut macros = Vec::new();
    if !resource.enums.is_empty() {
        macros.push("open_enum_members");
    }
    if !resource.structs.is_empty() {
        macros.push("record");
    }
    if resource.structs.iter().any(has_secret) {
        macros.push("redacted_debug");
    }
    out.push_str(&imports(resource.structs.iter(), &own));
    out.push_str(&format!("use crate::codec::record::{{{}}};\n", macros.join(", ")));
    if !resource.enums.is_empty() {
        out.push_str("use crate::open_enum::open_enum;\n");
    }
    out.push('\n');
    for e in &resource.enums {
        out.push_str(&render_enum(e));
    }
    if !resource.enums.is_empty() {
        let names: Vec<&str> = resource.enums.iter().map(|e| e.name.as_str()).collect();
        out.push_str(&format!("open_enum_members!({});\n\n", names.join(", ")));
    }
    for s in &resource.structs {
        out.push_str(&doc(s));
        out.push_str(&structure(s));
        out.push_str(&implementation(s));
        out.push_str(&table(s));
    }
    out
}

pub(super) fn render_index(model: &Model) -> String {
    let mut out = String::from(
        "//! The types that actions share, by the resource they belong to.\n//!\n\
         //! Where values are known, they are the variants of an enum, and [`OtherValue`](crate::OtherValue) keeps any\n\
         //! other. A value that an answer does not have is the empty text, which is the default.\n\n",
    );
    for resource in &model.resources {
        out.push_str(&format!("mod {};\n", resource.name));
    }
    out.push('\n');
    for resource in &model.resources {
        let mut names: Vec<&str> = resource.structs.iter().map(|s| s.name.as_str()).collect();
        names.extend(resource.enums.iter().map(|e| e.name.as_str()));
        out.push_str(&format!("pub use {}::{{{}}};\n", resource.name, names.join(", ")));
    }
    out
}

/// A test's list of all types.
pub(super) fn render_round_trips(model: &Model) -> String {
    let mut out = String::from(
        "//! Every type of the API, for tests that hold for all of them.\n\nuse cvm_proto::api::{self, types};\n\n\
         use crate::open_enums::known;\nuse crate::round_trip::{Check, answer, request, shared};\n\n/// All requests.\npub(crate) const REQUESTS: &[Check] = &[\n",
    );
    let actions = || model.actions.iter().map(|action| action.name.as_str());
    for name in actions() {
        out.push_str(&format!("request::<api::{name}>(\"{name}\"),\n"));
    }
    out.push_str("];\n\n/// All answers.\npub(crate) const ANSWERS: &[Check] = &[\n");
    for name in actions() {
        out.push_str(&format!("answer::<api::{name}Response>(\"{name}Response\"),\n"));
    }
    out.push_str("];\n\n/// All shared types.\npub(crate) const SHARED: &[Check] = &[\n");
    for s in model.resources.iter().flat_map(|resource| &resource.structs) {
        out.push_str(&format!("shared::<types::{0}>(\"{0}\"),\n", s.name));
    }
    out.push_str("];\n\n/// What holds for all open enums.\npub(crate) const OPEN_ENUMS: &[fn()] = &[\n");
    for e in model.resources.iter().flat_map(|resource| &resource.enums) {
        out.push_str(&format!("|| known(types::{}::KNOWN),\n", e.name));
    }
    out.push_str("];\n");
    out
}

/// What structures need from elsewhere; `own` types are at hand.
pub(super) fn imports<'a>(structs: impl Iterator<Item = &'a Struct> + Clone, own: &BTreeSet<&str>) -> String {
    let members = || structs.clone().flat_map(|s| &s.members);
    let types: Vec<String> = members().map(super::member::Member::rust_type).collect();
    let mut out = String::new();
    if types.iter().any(|ty| ty.contains("String")) {
        out.push_str("use alloc::string::String;\n");
    }
    if types.iter().any(|ty| ty.contains("Vec<")) {
        out.push_str("use alloc::vec::Vec;\n");
    }
    out.push('\n');
    let shared: BTreeSet<&str> =
        members().filter_map(|member| member.ty.import()).filter(|name| !own.contains(name)).collect();
    if !shared.is_empty() {
        let names: Vec<&str> = shared.into_iter().collect();
        out.push_str(&format!("use crate::api::types::{{{}}};\n", names.join(", ")));
    }
    out
}

pub(super) fn has_secret(s: &Struct) -> bool {
    s.members.iter().any(|member| member.secret)
}

/// The documentation of a shared structure.
fn doc(s: &Struct) -> String {
    format!(
        "{}///\n/// Source: [{1}](https://cloud.tencent.com/document/api/213/15753#{1}), the service's data types.\n",
        doc_comment::item(&s.doc),
        s.name
    )
}

/// The structure itself, without its documentation.
pub(super) fn structure(s: &Struct) -> String {
    let debug = if has_secret(s) { "" } else { "Debug, " };
    let members: String = s.members.iter().map(super::member::Member::declaration).collect();
    format!(
        "#[derive(Clone, {debug}Default, PartialEq)]\n#[non_exhaustive]\npub struct {} {{\n{members}}}\n\n",
        s.name
    )
}

/// Constructor and setters of a structure that is part of requests.
pub(super) fn implementation(s: &Struct) -> String {
    let mut body = String::new();
    let required: Vec<_> = s.members.iter().filter(|member| member.required).collect();
    if !required.is_empty() {
        let (parameters, fields): (Vec<String>, Vec<String>) =
            required.iter().map(|member| member.argument()).unzip();
        let names: Vec<String> = required.iter().map(|member| format!("`{}`", member.wire)).collect();
        let rest = if required.len() == s.members.len() { "" } else { "..Self::default()" };
        let many = if required.len() > 7 { "#[allow(clippy::too_many_arguments)]\n" } else { "" };
        body.push_str(&format!(
            "/// With everything it needs: {}.\n{many}pub fn new({}) -> Self {{\nSelf {{ {}, {rest} }}\n}}\n\n",
            names.join(", "),
            parameters.join(", "),
            fields.join(", ")
        ));
    }
    for member in s.members.iter().filter(|member| member.input && !member.required) {
        body.push_str(&member.setter());
        body.push('\n');
    }
    if body.is_empty() { body } else { format!("impl {} {{\n{}\n}}\n\n", s.name, body.trim_end()) }
}

/// The table that reads and writes a structure.
pub(super) fn table(s: &Struct) -> String {
    let lines: String = s.members.iter().map(super::member::Member::table_line).collect();
    let mut out = if lines.is_empty() {
        format!("record!({} {{}});\n\n", s.name)
    } else {
        format!("record!({} {{\n{}}});\n\n", s.name, indent(&lines, 1))
    };
    if has_secret(s) {
        let fields: Vec<String> = (s.members.iter())
            .map(|member| format!("{}{}", member.field, if member.secret { " secret" } else { "" }))
            .collect();
        out.push_str(&format!("redacted_debug!({} {{ {} }});\n\n", s.name, fields.join(", ")));
    }
    out
}

/// An enum. Its inside is laid out here: rustfmt leaves the inside of a macro alone.
fn render_enum(e: &Enum) -> String {
    let doc = format!("{}///\n{}", doc_comment::item(&e.doc), doc_comment::lines(&fields(e)));
    let mut out = format!("open_enum! {{\n{}    {} {{\n", indent(&doc, 1), e.name);
    for value in &e.values {
        out.push_str(&indent(&doc_comment::lines(&format!("`{}`: {}", value.wire, value.doc)), 2));
        out.push_str(&format!("        {} = \"{}\",\n", value.variant, value.wire));
    }
    out.push_str("    }\n}\n\n");
    out
}

/// Where an enum is met, as links.
fn fields(e: &Enum) -> String {
    let link = |path: &String| {
        let shown = path.trim_start_matches("types::");
        format!("[`{shown}`](field@crate::api::{path})")
    };
    format!("Type of {}.", e.fields.iter().map(link).collect::<Vec<_>>().join(", "))
}

fn indent(text: &str, levels: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", "    ".repeat(levels))).collect()
}
