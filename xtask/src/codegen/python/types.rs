//! `cvm.types`: a `TypedDict` for every structure, with the service's own names.

use std::collections::{BTreeMap, BTreeSet};

use super::super::member::{Member, MemberType};
use super::super::model::{Enum, Model, Struct};
use super::docstring::Docstring;
use super::{Inputs, hint};

const OPENING: &str = r#""""What is sent and answered, as types: `TypedDict`s with the service's own names.

Nothing here is needed to make a call, and `import cvm` does not load it: it is for annotations.
Where the time of an import counts, only the type checker needs to see it.

    if TYPE_CHECKING:
        from cvm.types import DescribeImagesRequest, Image

A member of a request that is `None` is left out. Of an answer, a member is there if its type says
so, except that the service may leave out an empty list. Members that only some of the actions fill
in may be absent: read them with `get`.
"""

from collections.abc import Iterator
from typing import Literal, Optional, Protocol, TypedDict, TypeVar, Union

_T = TypeVar("_T", covariant=True)


class _Collection(Protocol[_T]):
    """A list, a tuple, a set. A text is none: it can only be asked for texts."""

    def __contains__(self, item: object, /) -> bool: ...
    def __iter__(self) -> Iterator[_T]: ...
    def __len__(self) -> int: ...


Many = Union[_Collection[_T], Iterator[_T]]
"""What may be given as a list: anything that can be iterated over but a text."""
"#;

pub(super) fn render(model: &Model, inputs: &Inputs) -> Result<String, String> {
    let mut out = OPENING.to_string();
    let mut names = BTreeSet::from(["Many".to_string()]);
    for e in model.resources.iter().flat_map(|resource| &resource.enums) {
        unique(&mut names, &e.name)?;
        out.push_str(&known_values(e));
    }
    let shared: BTreeMap<&str, &Struct> =
        model.resources.iter().flat_map(|resource| &resource.structs).map(|s| (s.name.as_str(), s)).collect();
    for s in shared.values() {
        define(s, &shared, inputs, &mut names, &mut out)?;
    }
    for action in &model.actions {
        let request = format!("{}Request", action.name);
        unique(&mut names, &request)?;
        unique(&mut names, &action.response.name)?;
        let doc = format!("What `{}` takes.", action.name);
        out.push_str(&structure(&action.request, &request, &doc, Some(inputs))?);
        let answer = format!("What `{}` answers.", action.name);
        out.push_str(&structure(&action.response, &action.response.name, &answer, None)?);
    }
    Ok(out)
}

/// Writes a structure after those that it is made of: an annotation that is no text costs a fraction at import.
fn define(
    s: &Struct,
    shared: &BTreeMap<&str, &Struct>,
    inputs: &Inputs,
    names: &mut BTreeSet<String>,
    out: &mut String,
) -> Result<(), String> {
    if !names.insert(s.name.clone()) {
        return Ok(());
    }
    for member in &s.members {
        if let MemberType::Struct(name) = member.ty.element() {
            define(shared[name.as_str()], shared, inputs, names, out)?;
        }
    }
    let given = inputs.only.contains(&s.name).then_some(inputs);
    out.push_str(&structure(s, &s.name, &s.doc, given)?);
    if inputs.apart.contains(&s.name) {
        let name = format!("{}Input", s.name);
        unique(names, &name)?;
        let doc =
            format!("What may be given as [`{}`]: its lists are anything that can be iterated over.", s.name);
        out.push_str(&structure(s, &name, &doc, Some(inputs))?);
    }
    Ok(())
}

fn unique(names: &mut BTreeSet<String>, name: &str) -> Result<(), String> {
    if names.insert(name.to_string()) { Ok(()) } else { Err(format!("two Python types are called {name}")) }
}

/// Text of which some values are known. The service adds others, so that any text is of the type.
fn known_values(e: &Enum) -> String {
    let values: String = e.values.iter().map(|value| format!("        {:?},\n", value.wire)).collect();
    let mut doc = Docstring::new(0, &e.doc);
    doc.section(
        "Known values",
        e.values.iter().map(|value| (format!("`{}`", value.wire), value.doc.clone())),
    );
    format!("\n{} = Union[\n    str,\n    Literal[\n{values}    ],\n]\n{}", e.name, doc.render())
}

fn structure(s: &Struct, name: &str, doc: &str, given: Option<&Inputs>) -> Result<String, String> {
    for member in &s.members {
        if KEYWORDS.contains(&&*member.wire) {
            return Err(format!("{}.{}: a keyword of Python cannot be a member", s.name, member.wire));
        }
    }
    let mut out = String::new();
    for name in hidden(s) {
        out.push_str(&format!("\n\n_{name} = {name}\n"));
    }
    let (always, maybe): (Vec<&Member>, Vec<&Member>) =
        s.members.iter().partition(|member| !member.input || member.required);
    let class = |name: &str, bases: &str, doc: &str, members: &[&Member]| {
        let members: String = members.iter().map(|member| attribute(s, member, given)).collect();
        format!("\n\nclass {name}({bases}):\n{}{members}", Docstring::new(4, doc).render())
    };
    match (always.is_empty(), maybe.is_empty()) {
        (_, true) => out.push_str(&class(name, "TypedDict", doc, &always)),
        (true, false) => out.push_str(&class(name, "TypedDict, total=False", doc, &maybe)),
        // `Required` and `NotRequired` are not in the `typing` of every Python that is supported.
        (false, false) => {
            let base = format!("_{name}Required");
            out.push_str(&class(&base, "TypedDict", "What has to be there.", &always));
            out.push_str(&class(name, &format!("{base}, total=False"), doc, &maybe));
        }
    }
    Ok(out)
}

/// The types of a structure's members that have the name of another member: in the class, that name is the member.
fn hidden(s: &Struct) -> BTreeSet<&str> {
    let types = s.members.iter().filter_map(|member| Some((member, member.ty.import()?)));
    types
        .filter(|(of, name)| s.members.iter().any(|other| other.wire == *name && other.wire != of.wire))
        .map(|(_, name)| name)
        .collect()
}

fn attribute(s: &Struct, member: &Member, given: Option<&Inputs>) -> String {
    let hidden = hidden(s);
    let name = |name: &str| if hidden.contains(name) { format!("_{name}") } else { name.to_string() };
    let mut ty = given.map_or_else(|| hint(&member.ty), |inputs| inputs.hint(&member.ty, &name));
    // Of what is sent, `None` is left out; answers have the same structures, with null for what there is not.
    if member.nullable || member.input && !member.required {
        ty = format!("Optional[{ty}]");
    }
    let mut doc = Docstring::new(4, &member.doc);
    if member.deprecated {
        doc.paragraph("The service no longer recommends it.");
    }
    format!("\n    {}: {ty}\n{}", member.wire, doc.render())
}

const KEYWORDS: [&str; 3] = ["None", "True", "False"];
