//! `cvm._actions`: a method for each action, and what a type checker knows of it.

use super::super::action::{is_read_only, repeat_in_words};
use super::super::member::{Member, MemberType};
use super::super::model::{Action, Enum, Model};
use super::super::names;
use super::docstring::Docstring;
use super::hint;

const OPENING: &str = r#""""The actions of the API as methods, shared by both clients."""


class Actions:
    """A method for each action of the API; `help(cvm.Client.describe_images)` describes one.

    Parameters are keywords with the service's own names, answers are dictionaries.
    """

    __slots__ = ()
"#;

pub(super) fn render(model: &Model) -> String {
    let mut out = OPENING.to_string();
    for action in &model.actions {
        out.push_str(&format!(
            "\n    def {}(self, **parameters):\n{}        return self._send(\"{}\", parameters)\n",
            names::snake(&action.name),
            doc(model, action),
            action.name
        ));
    }
    out.push_str(
        "\n\n# What differs is what `_send` gives: an answer here, something to be awaited there.\n\
         AsyncActions = Actions\n",
    );
    out
}

fn doc(model: &Model, action: &Action) -> String {
    let mut doc = Docstring::new(8, &action.doc);
    let mut facts = Vec::new();
    if let Some(rate) = action.rate {
        facts.push(format!("At most {rate} requests a second."));
    }
    facts.push(repeat_in_words(action).into());
    if !action.needs_region {
        facts.push("Needs no region.".into());
    }
    if action.page.is_some() {
        facts.push(format!("`paginate(\"{}\")` goes through all pages.", names::snake(&action.name)));
    }
    doc.paragraph(&facts.join(" "));
    if !action.request.members.is_empty() {
        doc.section("Parameters", action.request.members.iter().map(|member| entry(model, member)));
    }
    doc.section("Returns", action.response.members.iter().map(|member| entry(model, member)));
    if !action.errors.is_empty() {
        doc.section("Raises", [("ServiceError".into(), action.errors.join(", "))].into_iter());
    }
    doc.render()
}

/// A member with its type and its description.
fn entry(model: &Model, member: &Member) -> (String, String) {
    let mut text = member.doc.clone();
    let mut kind = hint(&member.ty);
    if let MemberType::Enum(name) = member.ty.element() {
        kind = kind.replace(name.as_str(), "str");
        let all = || model.resources.iter().flat_map(|resource| &resource.enums);
        if let Some(Enum { values, .. }) = all().find(|e| &e.name == name) {
            let values: Vec<String> = values.iter().map(|value| format!("`{}`", value.wire)).collect();
            if values.iter().any(|value| !text.contains(value)) {
                text.push_str(&format!(" Known values: {}.", values.join(", ")));
            }
        }
    }
    if member.nullable {
        kind.push_str(" or None");
    }
    if member.required {
        kind.push_str(", required");
    }
    if member.deprecated {
        text.push_str(" The service no longer recommends it.");
    }
    (format!("{} ({kind})", member.wire), text)
}

const STUB_OPENING: &str = "\
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Literal, overload

from typing_extensions import Unpack

from cvm import types
";

/// The stub: one class for each client, as one gives answers and the other gives what is awaited. What a client's
/// `paginate` and `wait` give depends on the action: type checkers find them in a class that is there for them alone.
pub(super) fn render_stub(model: &Model) -> String {
    let mut out = STUB_OPENING.to_string();
    for (class, typed, answer, items, def) in [
        ("Actions", "_ListsAndWaits", "types.NAMEResponse", "Iterator", "def"),
        (
            "AsyncActions",
            "_AsyncListsAndWaits",
            "Coroutine[Any, Any, types.NAMEResponse]",
            "AsyncIterator",
            "async def",
        ),
    ] {
        out.push_str(&format!("\nclass {typed}:\n"));
        out.push_str(&paginate(model, items));
        out.push_str(&wait(model, def));
        out.push_str(&format!("\nclass {class}({typed}):\n"));
        for action in &model.actions {
            out.push_str(&format!(
                "    def {}(\n        self, **parameters: Unpack[types.{}Request]\n    ) -> {}: ...\n",
                names::snake(&action.name),
                action.name,
                answer.replace("NAME", &action.name)
            ));
        }
    }
    out
}

fn paginate(model: &Model, items: &str) -> String {
    let mut out = String::new();
    for action in &model.actions {
        let Some(page) = &action.page else { continue };
        out.push_str(&format!(
            "    @overload\n    def paginate(\n        self,\n        action: Literal[\"{}\", \"{1}\"],\n        \
             **parameters: Unpack[types.{1}Request],\n    ) -> {items}[types.{2}]: ...\n",
            names::snake(&action.name),
            action.name,
            page.item
        ));
    }
    out.push_str(&format!(
        "    @overload\n    def paginate(self, action: str, **parameters: Any) -> {items}[Any]: ...\n"
    ));
    out
}

fn wait(model: &Model, def: &str) -> String {
    let mut out = String::new();
    let mut overload = |actions: &str, answer: &str, parameters: &str| {
        out.push_str(&format!(
            "    @overload\n    {def} wait(\n        self,\n        action: {actions},\n        \
             until: Callable[[{answer}], object],\n        *,\n        interval: float = 5.0,\n        \
             timeout: float = 600.0,\n        **parameters: {parameters},\n    ) -> {answer}: ...\n"
        ));
    };
    for action in model.actions.iter().filter(|action| is_read_only(action)) {
        let name = &action.name;
        overload(
            &format!("Literal[\"{}\", \"{name}\"]", names::snake(name)),
            &format!("types.{name}Response"),
            &format!("Unpack[types.{name}Request]"),
        );
    }
    overload("str", "dict[str, Any]", "Any");
    out
}
