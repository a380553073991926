"""What an editor, a notebook and a mock know of the methods before one is called."""

import asyncio
import inspect
import json
import pathlib
import pickle
import subprocess
import sys
from unittest.mock import create_autospec

import pytest

import cvm
from cvm import types

from conftest import IMAGE

SPEC = pathlib.Path(__file__).parents[3] / "spec" / "cvm-2017-03-12.json"
CLIENTS = pytest.mark.parametrize("kind", [cvm.Client, cvm.AsyncClient])


@CLIENTS
def test_every_method_has_the_parameters_of_its_action(kind):
    spec = json.loads(SPEC.read_text(encoding="utf-8"))
    methods = {name.replace("_", ""): method for name, method in inspect.getmembers(kind, inspect.isfunction)}
    for action, shape in spec["actions"].items():
        first, *parameters = inspect.signature(methods[action.lower()]).parameters.values()
        assert first.name == "self"
        assert {parameter.kind for parameter in parameters} <= {inspect.Parameter.KEYWORD_ONLY}
        members = spec["types"][shape["input"]]
        assert {parameter.name for parameter in parameters} == {member["name"] for member in members}, action
        required = getattr(types, shape["input"]).__required_keys__
        assert {parameter.name for parameter in parameters if parameter.default is parameter.empty} == required
        assert {parameter.default for parameter in parameters if parameter.name not in required} <= {None}


@CLIENTS
def test_what_a_shell_completes_and_shows(settings, kind):
    method = kind(**settings).sync_images
    assert str(inspect.signature(method)).startswith("(*, ImageIds, DestinationRegions, DryRun=None")
    assert "DestinationRegions (list[str], required)" in inspect.getdoc(method)
    name = "AsyncActions" if kind is cvm.AsyncClient else "Actions"
    assert (method.__name__, method.__qualname__) == ("sync_images", f"{name}.sync_images")
    assert pickle.loads(pickle.dumps(kind.sync_images)) is kind.sync_images


@pytest.mark.parametrize("use_jedi", [True, False], ids=["with jedi", "without jedi"])
@CLIENTS
def test_a_notebook_completes_parameters(settings, kind, use_jedi):
    completer = pytest.importorskip("IPython.core.completer")
    shell = completer.IPCompleter(namespace={"client": kind(**settings)}, use_jedi=use_jedi)
    for line, name in [("client.describe_images(Im", "ImageIds="), ("client.sync_images(Dest", "DestinationRegions=")]:
        with completer.provisionalcompleter():
            assert name in [each.text for each in shell.completions(line, len(line))]


def test_a_mock_takes_what_the_client_takes():
    client = create_autospec(cvm.Client, instance=True)
    client.describe_images.return_value = {"TotalCount": 0}
    assert client.describe_images(ImageIds=[IMAGE]) == {"TotalCount": 0}
    with pytest.raises(TypeError, match="ImageId"):
        client.describe_images(ImageId=[IMAGE])
    with pytest.raises(TypeError, match="DestinationRegions"):
        client.sync_images(ImageIds=[IMAGE])


def test_a_mock_of_the_async_client_is_awaited():
    client = create_autospec(cvm.AsyncClient, instance=True)
    client.describe_images.return_value = {"TotalCount": 0}
    assert asyncio.run(client.describe_images(Limit=1)) == {"TotalCount": 0}
    with pytest.raises(TypeError, match="Limt"):
        asyncio.run(client.describe_images(Limt=1))


def test_a_script_does_not_pay_for_the_async_client():
    program = "import cvm, cvm._actions; assert 'AsyncActions' not in vars(cvm._actions)"
    subprocess.run([sys.executable, "-c", program], check=True)


@CLIENTS
@pytest.mark.parametrize(
    "name, hint",
    [
        ("descibe_images", ". Did you mean: 'describe_images'?"),
        ("DescribeImages", ". Did you mean: 'describe_images'?"),
        ("describeImages", ". Did you mean: 'describe_images'?"),
        ("get_paginator", ": use paginate"),
        ("get_waiter", ": use wait_until_image_normal(), wait_until_instances() or wait()"),
        ("xyzzy", ""),
        ("_repr_html_", ""),
    ],
)
def test_a_name_that_is_no_method_says_which_was_meant(settings, kind, name, hint):
    client = kind(**settings)
    with pytest.raises(AttributeError) as caught:
        getattr(client, name)
    assert str(caught.value) == f"'{kind.__name__}' object has no attribute '{name}'{hint}"
    assert not hasattr(client, name) and getattr(client, name, None) is None


def test_a_client_that_is_not_made_yet_lacks_attributes_like_any_object():
    client = cvm.Client.__new__(cvm.Client)
    for name in ("_core", "region"):
        with pytest.raises(AttributeError, match="has no attribute"):
            getattr(client, name)


def test_parameters_are_keywords(client):
    said = r"^describe_images\(\) takes its parameters as keywords: write describe_images\(Name=value\)"
    with pytest.raises(TypeError, match=said):
        client.describe_images({"Limit": 1})
