"""`cvm.types`: real types at run time, and true to what the endpoint answers."""

import typing

import pytest

import cvm
from cvm import types

from conftest import IMAGE


def test_every_action_has_its_types():
    methods = [name for name in vars(cvm.Client.__mro__[1]) if not name.startswith("_")]
    assert "sync_images" in methods
    for name in methods:
        words = "".join(part.capitalize() for part in name.split("_")).lower()
        assert {words + "request", words + "response"} <= {known.lower() for known in vars(types)}


def test_hints_can_be_read():
    for name, kind in vars(types).items():
        if isinstance(kind, type) and hasattr(kind, "__required_keys__"):
            hints = typing.get_type_hints(kind)
            assert set(hints) == kind.__required_keys__ | kind.__optional_keys__, name


def test_what_is_required():
    assert types.SyncImagesRequest.__required_keys__ == {"ImageIds", "DestinationRegions"}
    assert types.DescribeImagesRequest.__required_keys__ == set()


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda client: client.describe_images(ImageIds=[IMAGE]), types.DescribeImagesResponse),
        (lambda client: client.describe_regions(), types.DescribeRegionsResponse),
        (lambda client: client.describe_instances(Limit=1), types.DescribeInstancesResponse),
        (
            lambda client: client.sync_images(
                ImageIds=[IMAGE], DestinationRegions=["ap-guangzhou"], ImageSetRequired=True
            ),
            types.SyncImagesResponse,
        ),
    ],
)
def test_answers_are_of_their_types(client, call, kind):
    matches(call(client), kind, kind.__name__)


def matches(value, kind, path):
    """Asserts that a value is of a type, as far as types of the API go."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        assert isinstance(value, list), path
        for at, item in enumerate(value):
            matches(item, arguments[0], f"{path}[{at}]")
    elif origin is typing.Union:
        if value is None:
            assert type(None) in arguments, path
        else:
            matches(value, arguments[0], path)
    elif hasattr(kind, "__required_keys__"):
        hints = typing.get_type_hints(kind)
        assert set(value) <= set(hints), path
        for name, item in value.items():
            matches(item, hints[name], f"{path}.{name}")
    else:
        assert type(value) is kind, path
