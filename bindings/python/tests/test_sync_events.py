"""The events of a sync job: what a program gets, what type checkers are told, and what the JSON Schema says are one."""

import json
import pathlib
import re
import typing

import pytest

import cvm
from cvm import _cvm, _sync_events
from cvm._sync_events import RunOptions, SyncOptions

from conftest import IMAGE

SCHEMAS = pathlib.Path(__file__).parents[3] / "docs" / "schemas"

SCALARS = {"string": str, "integer": int, "number": float, "boolean": bool}


def schema(name):
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))


def described(definition, home):
    """The members that a schema describes, and those that are required."""
    members, required = dict(definition.get("properties", {})), set(definition.get("required", ()))
    for part in definition.get("allOf", ()):
        members_of_part, required_of_part = described(*resolved(part, home))
        members, required = {**members_of_part, **members}, required | required_of_part
    return members, required


def resolved(definition, home):
    """What a schema refers to, and the schema that it stands in."""
    if "$ref" not in definition:
        return definition, home
    file, _, path = definition["$ref"].partition("#/$defs/")
    home = home if not file else schema(file[: -len(".schema.json")])
    return home["$defs"][path], home


def differences(typed, definition, home, place):
    """Where a type of Python says something else than a schema."""
    definition, home = resolved(definition, home)
    kind = definition.get("type")
    if "const" in definition or "enum" in definition:
        allowed = set(definition.get("enum", [definition.get("const")]))
        known = set(typing.get_args(typed)) if typing.get_origin(typed) is typing.Literal else typed
        return [] if known == allowed else [f"{place}: {known} is not {allowed}"]
    if kind == "array":
        if typing.get_origin(typed) is not list:
            return [f"{place}: {typed} is no list"]
        return differences(*typing.get_args(typed), definition["items"], home, f"{place}[]")
    if kind == "object" or "allOf" in definition:
        if not hasattr(typed, "__required_keys__"):
            return [f"{place}: {typed} is no TypedDict"]
        members, required = described(definition, home)
        hints = typing.get_type_hints(typed)
        found = []
        if hints.keys() != members.keys():
            found.append(f"{place}: {sorted(hints)} are not {sorted(members)}")
        if typed.__required_keys__ != required:
            found.append(f"{place}: {sorted(typed.__required_keys__)} are required, not {sorted(required)}")
        for name in hints.keys() & members.keys():
            found += differences(hints[name], members[name], home, f"{place}.{name}")
        return found
    kinds = kind if isinstance(kind, list) else [kind]
    expected = {SCALARS[kind] for kind in kinds if kind != "null"} | ({type(None)} if "null" in kinds else set())
    known = set(typing.get_args(typed)) or {typed}
    return [] if known == expected else [f"{place}: {typed} is not {kinds}"]


EVENTS = {typing.get_args(typing.get_type_hints(each)["event"])[0]: each for each in typing.get_args(cvm.SyncEvent)}


def test_the_types_of_events_say_what_the_schema_says():
    home = schema("sync-event")
    assert EVENTS.keys() == home["$defs"].keys()
    assert [each["$ref"] for each in home["oneOf"]] == [f"#/$defs/{name}" for name in home["$defs"]]
    found = [each for name, typed in EVENTS.items() for each in differences(typed, home["$defs"][name], home, name)]
    assert found == []


def test_outcomes_and_bases_are_those_of_the_schema():
    destination = schema("sync-report")["$defs"]["destination"]["properties"]
    assert set(typing.get_args(cvm.Outcome)) == set(destination["outcome"]["enum"])
    assert set(typing.get_args(cvm.Basis)) == set(destination["basis"]["enum"])


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (typing.TypedDict("Busy", {"event": typing.Literal["busy"]}), "source"),
        (typing.TypedDict("Busy", {"event": typing.Literal["busy"], "source": int}), "is not"),
        (typing.TypedDict("Busy", {"event": typing.Literal["bussy"], "source": str}), "bussy"),
        (typing.TypedDict("Busy", {"event": typing.Literal["busy"], "source": str}, total=False), "required"),
    ],
)
def test_the_comparison_tells_a_difference(wrong, what):
    home = schema("sync-event")
    assert what in " ".join(differences(wrong, home["$defs"]["busy"], home, "busy"))


def is_of(value, typed):
    """Whether a value is what its type says, with no member that the type does not have."""
    if hasattr(typed, "__required_keys__"):
        hints = typing.get_type_hints(typed)
        return typed.__required_keys__ <= value.keys() <= hints.keys() and all(
            is_of(value[name], hints[name]) for name in value
        )
    if typing.get_origin(typed) is typing.Literal:
        return value in typing.get_args(typed)
    if typing.get_origin(typed) is list:
        return isinstance(value, list) and all(is_of(each, *typing.get_args(typed)) for each in value)
    if typing.get_origin(typed) is typing.Union:
        return any(is_of(value, each) for each in typing.get_args(typed))
    return isinstance(value, (int, float) if typed is float else typed) and not isinstance(value, bool)


def test_what_a_job_reports_is_of_its_type(client, steer):
    steer.endpoint.set_clock(speed=300)
    steer.fault("copy-fails", region="ap-beijing", times=1)
    steer.fault("error", code="InternalError", action="DescribeImages", region="ap-seoul", times=4)
    events = []
    client.sync(IMAGE, to=["ap-guangzhou", "ap-beijing", "ap-seoul"], poll_every=0.05, on_progress=events.append)
    client.sync(IMAGE, to=["ap-guangzhou"], on_progress=events.append)
    assert {"found", "submitted", "copying", "ended"} <= {event["event"] for event in events}
    assert [event for event in events if not is_of(event, EVENTS[event["event"]])] == []
    assert any("error" in event for event in events) and any("basis" in event for event in events)


def test_every_option_of_a_job_is_described_where_the_others_are():
    of_job, of_run = _cvm.sync_options()
    described = re.findall(r"^- (.*?):", re.sub(r"^ +", "", cvm.Client.sync_job.__doc__, flags=re.M), flags=re.M)
    names = re.findall(r"``(\w+)``", " ".join(described))
    assert sorted(names) == sorted({*of_job, *of_run})
    assert SyncOptions.__annotations__.keys() | RunOptions.__annotations__.keys() == {*of_job, *of_run}
    assert not _sync_events.SyncOptions.__required_keys__
