//! `cvm._actions`: a method for each action, and what a type checker knows of it.

use super::super::action::{is_read_only, repeat_in_words};
use super::super::member::{Member, MemberType};
use super::super::model::{Action, Enum, Model};
use super::super::names;
use super::docstring::Docstring;
use super::{Inputs, hint};

const OPENING: &str = r#""""The actions of the API as methods, shared by both clients."""


def _action(action):
    """Makes the method of a signature and its description.

    It takes any argument: one that is wrong is told what was meant. `__wrapped__` is what `inspect` looks at.
    """

    def method(described):
        def method(self, *positional, **parameters):
            if positional:
                raise TypeError(
                    f"{described.__name__}() takes its parameters as keywords: write {described.__name__}(Name=value), "
                    "or **parameters for a dictionary"
                )
            return self._send(action, parameters)

        return _like(method, described)

    return method


def _awaited(method):
    """The same action for a client whose `_send` gives something to be awaited."""

    async def awaited(self, *positional, **parameters):
        return await method(self, *positional, **parameters)

    _like(awaited, method.__wrapped__)
    awaited.__qualname__ = "Async" + awaited.__qualname__
    return awaited


def _like(method, described):
    method.__doc__ = described.__doc__
    method.__name__ = described.__name__
    method.__qualname__ = described.__qualname__
    method.__wrapped__ = described
    return method


class Actions:
    """A method for each action of the API; `help(cvm.Client.describe_images)` describes one.

    Parameters are keywords with the service's own names, answers are dictionaries.
    """

    __slots__ = ()
"#;

/// What a program with the blocking client alone need not pay for.
const CLOSING: &str = r#"

def __getattr__(name):
    if name != "AsyncActions":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    methods = {name: _awaited(method) for name, method in vars(Actions).items() if not name.startswith("_")}
    made = type(name, (), {"__slots__": (), "__doc__": Actions.__doc__, "__module__": __name__, **methods})
    return globals().setdefault(name, made)
"#;

pub(super) fn render(model: &Model) -> String {
    let mut out = OPENING.to_string();
    for action in &model.actions {
        let parameters = parameters(action, ", ", |member| {
            if member.required { member.wire.clone() } else { format!("{}=None", member.wire) }
        });
        out.push_str(&format!(
            "\n    @_action(\"{}\")\n    def {}({parameters}):\n{}",
            action.name,
            names::snake(&action.name),
            doc(model, action),
        ));
    }
    out.push_str(CLOSING);
    out
}

/// The parameters of an action's method: keywords, first those that are required.
fn parameters(action: &Action, between: &str, written: impl Fn(&Member) -> String) -> String {
    let (required, others): (Vec<&Member>, Vec<&Member>) =
        action.request.members.iter().partition(|member| member.required);
    let keywords: Vec<String> = required.into_iter().chain(others).map(written).collect();
    let opening = if keywords.is_empty() { &["self"][..] } else { &["self", "*"] };
    let all: Vec<&str> = opening.iter().copied().chain(keywords.iter().map(String::as_str)).collect();
    all.join(between)
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
from collections.abc import Callable
from typing import Literal, Optional, Union, overload

from typing_extensions import Unpack

from cvm import types
from cvm._lists import AsyncItems, Items
";

/// The stub: one class for each client, as one gives answers and the other is awaited. What a client's
/// `paginate` and `wait` give depends on the action: type checkers find them in a class that is there for them alone.
pub(super) fn render_stub(model: &Model, inputs: &Inputs) -> String {
    let mut out = STUB_OPENING.to_string();
    for (class, generic, items, def) in [
        ("Actions", "_ListsAndWaits", "Items", "def"),
        ("AsyncActions", "_AsyncListsAndWaits", "AsyncItems", "async def"),
    ] {
        out.push_str(&format!("\nclass {generic}:\n"));
        out.push_str(&paginate(model, items));
        out.push_str(&wait(model, def));
        out.push_str(&format!("\nclass {class}({generic}):\n"));
        for action in &model.actions {
            let parameters = parameters(action, ",\n        ", |member| {
                match (member.required, inputs.hint(&member.ty, &|name| format!("types.{name}"))) {
                    (true, ty) => format!("{}: {ty}", member.wire),
                    (false, ty) => format!("{}: Optional[{ty}] = None", member.wire),
                }
            });
            out.push_str(&format!(
                "    {def} {}(\n        {parameters},\n    ) -> types.{}Response: ...\n",
                names::snake(&action.name),
                action.name,
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
            "    @overload\n    def paginate(\n        self,\n        action: Literal[\"{}\"],\n        \
             *,\n        max_items: Optional[int] = None,\n        resume_token: Optional[str] = None,\n        \
             **parameters: Unpack[types.{1}Request],\n    ) -> {items}[types.{2}, types.{1}Response]: ...\n",
            names::snake(&action.name),
            action.name,
            page.item
        ));
    }
    out
}

fn wait(model: &Model, def: &str) -> String {
    let mut out = String::new();
    for action in model.actions.iter().filter(|action| is_read_only(action)) {
        let name = &action.name;
        out.push_str(&format!(
            "    @overload\n    {def} wait(\n        self,\n        action: Literal[\"{}\"],\n        \
             until: Callable[[types.{name}Response], object],\n        *,\n        interval: float = 5.0,\n        \
             timeout: float = 600.0,\n        **parameters: Unpack[types.{name}Request],\n    ) -> types.{name}Response: ...\n",
            names::snake(name),
        ));
    }
    out
}
