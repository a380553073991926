//! What the embedded endpoint checks requests against: parameters, rates and error codes of every action.

use std::collections::{BTreeMap, BTreeSet};

use super::member::MemberType;
use super::model::{Model, Struct};
use super::names;

pub(super) fn render(model: &Model) -> String {
    let types: BTreeMap<&str, &Struct> =
        model.resources.iter().flat_map(|resource| &resource.structs).map(|s| (s.name.as_str(), s)).collect();
    let mut used = BTreeSet::new();
    for action in &model.actions {
        reach(&action.request, &types, &mut used);
    }

    let codes: BTreeSet<&str> =
        model.actions.iter().flat_map(|action| &action.errors).map(|code| &**code).collect();
    let codes: Vec<&str> = codes.into_iter().collect();

    let mut out = String::from(
        "//! Every action of the API, as the endpoint checks requests for it.\n\n\
         use crate::request::params::{Codes, Parameter, ParameterType, Specification, optional, required};\n\n\
         /// Sorted by name.\n\
         pub(crate) static SPECIFICATIONS: &[Specification] = &[\n",
    );
    for action in &model.actions {
        let errors: BTreeSet<_> =
            action.errors.iter().map(|code| codes.partition_point(|known| *known < code.as_str())).collect();
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        out.push_str(&format!(
            "Specification {{ name: {:?}, rate: {:?}, needs_region: {}, parameters: &[{}], errors: Codes(&[{}]) }},\n",
            action.name,
            action.rate,
            action.needs_region,
            members(&action.request),
            errors.join(", ")
        ));
    }
    out.push_str("];\n");
    out.push_str(&format!(
        "\n/// The error codes of all actions, sorted.\npub(crate) static CODES: [&str; {}] = {codes:?};\n",
        codes.len()
    ));
    for name in used {
        let members = members(types[name]);
        out.push_str(&format!("\nconst {}: &[Parameter] = &[{members}];\n", constant(name)));
    }
    out
}

/// Collects the shared types that a structure is made of.
fn reach<'a>(s: &'a Struct, types: &BTreeMap<&'a str, &'a Struct>, used: &mut BTreeSet<&'a str>) {
    for member in &s.members {
        if let MemberType::Struct(name) = member.ty.element()
            && used.insert(name)
        {
            reach(types[name.as_str()], types, used);
        }
    }
}

fn members(s: &Struct) -> String {
    let member = |member: &super::member::Member| {
        let how = if member.required { "required" } else { "optional" };
        format!("{how}({:?}, {})", member.wire, parameter_type(&member.ty))
    };
    s.members.iter().map(member).collect::<Vec<_>>().join(", ")
}

fn parameter_type(ty: &MemberType) -> String {
    match ty {
        MemberType::Text | MemberType::Enum(_) => "ParameterType::Text".into(),
        MemberType::Int => "ParameterType::Int".into(),
        MemberType::Uint => "ParameterType::Count".into(),
        // No request has one. The endpoint does not compile should that change.
        MemberType::Float => "ParameterType::Float".into(),
        MemberType::Bool => "ParameterType::Flag".into(),
        MemberType::Struct(name) => format!("ParameterType::Record({})", constant(name)),
        MemberType::List(of) => format!("ParameterType::List(&{})", parameter_type(of)),
    }
}

fn constant(name: &str) -> String {
    names::snake(name).to_uppercase()
}
