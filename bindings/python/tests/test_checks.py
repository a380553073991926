"""What is checked before anything is sent, and what may stand for a number, a list or a dictionary."""

import asyncio
import itertools
import types
from collections import ChainMap, UserDict, deque
from decimal import Decimal
from fractions import Fraction

import pytest

import cvm
from cvm import proto

from conftest import IMAGE


@pytest.mark.parametrize(
    ("method", "parameters", "named"),
    [
        ("describe_images", {"ImageId": [IMAGE]}, "there is no parameter `ImageId`: did you mean `ImageIds`?"),
        ("describe_images", {"image_ids": [IMAGE]}, "there is no parameter `image_ids`: did you mean `ImageIds`?"),
        ("describe_images", {"Frob": 1}, "there is no parameter `Frob`: there are "),
        ("describe_images", {"Filters": [{"Nam": "a", "Values": []}]}, "`Filters[0].Nam`: did you mean `Name`?"),
        ("describe_images", {"Filters": [{"Values": ["a"]}]}, "Filters[0].Name is missing: it is required"),
        ("describe_images", {"Filters": {"Name": "a", "Values": []}}, "Filters is an object: give a list"),
        ("describe_images", {"Filters": ["image-type"]}, "Filters[0] is a text: give an object"),
        ("describe_images", {"ImageIds": IMAGE}, "ImageIds is a text: give a list"),
        ("describe_images", {"ImageIds": [IMAGE, 7]}, "ImageIds[1] is 7: give a text"),
        ("describe_images", {"Limit": "3"}, "Limit is a text: give a whole number from 0"),
        ("describe_images", {"Limit": 3.0}, "Limit is 3.0: give a whole number from 0"),
        ("describe_images", {"Limit": True}, "Limit is true: give a whole number from 0"),
        ("describe_images", {"Limit": -1}, "Limit is -1: give a whole number from 0"),
        ("describe_images", {"Limit": 2**64}, "give a whole number from 0"),
        ("sync_images", {"ImageIds": [IMAGE]}, "DestinationRegions is missing: it is required"),
        ("sync_images", {"ImageIds": None, "DestinationRegions": []}, "ImageIds is missing: it is required"),
        ("sync_images", {"ImageIds": [], "DestinationRegions": [], "DryRun": 1}, "DryRun is 1: give true or false"),
    ],
)
def test_what_an_action_does_not_take_is_named_by_its_path(client, settings, steer, method, parameters, named):
    action = "".join(part.capitalize() for part in method.split("_"))

    async def awaited():
        async with cvm.AsyncClient(**settings) as other:
            await getattr(other, method)(**parameters)

    for ask in (
        lambda: getattr(client, method)(**parameters),
        lambda: asyncio.run(awaited()),
        lambda: proto.Call(proto.Config(**settings), action, parameters),
        lambda: proto.encode(action, parameters),
    ):
        with pytest.raises(cvm.ParameterError) as caught:
            ask()
        assert named in caught.value.message
        assert (caught.value.action, caught.value.code) == (action, None)
    assert steer.endpoint.requests() == []


def test_lists_and_waits_are_checked_as_well(client, steer):
    for ask in (
        lambda: client.paginate("describe_images", Filters=[{"Nam": "a"}]),
        lambda: client.wait("describe_images", bool, Filters=[{"Nam": "a"}]),
    ):
        with pytest.raises(cvm.ParameterError, match="did you mean `Name`"):
            ask()
    assert steer.endpoint.requests() == []


def test_every_mistake_is_told_at_once(client):
    with pytest.raises(cvm.ParameterError) as caught:
        client.sync_images(ImageId=[IMAGE], DryRun="no")
    assert caught.value.message == (
        "there is no parameter `ImageId`: did you mean `ImageIds`? DryRun is a text: give true or false; "
        "DestinationRegions is missing: it is required"
    )


def test_a_name_like_no_other_may_be_newer(client):
    with pytest.raises(cvm.ParameterError, match="; `client.call` sends what is newer than this version$"):
        client.describe_images(Frobnicate=1)


def test_a_call_by_name_checks_nothing(client, steer):
    with pytest.raises(cvm.ServiceError):
        client.call("DescribeImages", {"Newer": {"Than": ["this"]}})
    assert len(steer.requests("DescribeImages")) == 1


def test_no_secret_is_shown(client):
    for password in (5318008, ["5318008"], {"5318008": 5318008}, {5318008}):
        with pytest.raises(cvm.ParameterError, match="Password is ") as caught:
            client.reset_instances_password(InstanceIds=["ins-stopped0"], Password=password)
        assert "5318008" not in str(caught.value)


class Number:
    """A whole number that is no `int`, as those of numpy."""

    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


@pytest.mark.parametrize(
    "ids",
    [
        (IMAGE,),
        {IMAGE},
        frozenset([IMAGE]),
        deque([IMAGE]),
        {IMAGE: 1}.keys(),
        iter([IMAGE]),
        (id for id in [IMAGE]),
        map(str, [IMAGE]),
    ],
    ids=lambda ids: type(ids).__name__,
)
def test_whatever_can_be_iterated_over_is_a_list(client, ids):
    assert client.describe_images(ImageIds=ids, Limit=Number(1))["TotalCount"] == 1


def test_what_numpy_has_is_what_it_stands_for(client):
    numpy = pytest.importorskip("numpy")
    ids = numpy.array([IMAGE])
    assert client.describe_images(ImageIds=ids, Limit=numpy.int64(1), Offset=numpy.uint8(0))["TotalCount"] == 1
    assert client.describe_images(ImageIds=[numpy.str_(IMAGE)], Limit=numpy.array(1))["TotalCount"] == 1
    (planned,) = client.sync(ids, to=numpy.array(["ap-beijing", "ap-beijing"]), dry_run=numpy.bool_(True))
    assert (planned.region, planned.outcome) == ("ap-beijing", "planned")
    for wrong, said in [
        (numpy.float64(3), "is 3.0: give a whole number"),
        (numpy.float32(3), "is 3.0: give a whole number"),
        (numpy.bool_(True), "is true: give a whole number"),
        (numpy.nan, "is NaN: JSON has only finite numbers"),
        (numpy.array([1]), "is a list: give a whole number"),
    ]:
        with pytest.raises(cvm.ParameterError, match=f"Limit {said}"):
            client.describe_images(Limit=wrong)
    with pytest.raises(cvm.ParameterError, match=r"ImageIds\[1\] is 2: give a text"):
        client.describe_images(ImageIds=numpy.array([1, 2]))
    encoded = proto.encode("SyncImages", {"ImageIds": ids, "DestinationRegions": ids, "DryRun": numpy.bool_(False)})
    assert encoded == b'{"ImageIds":["%s"],"DestinationRegions":["%s"],"DryRun":false}' % ((IMAGE.encode(),) * 2)


@pytest.mark.parametrize("number", [Decimal("2.5"), Fraction(5, 2)], ids=repr)
def test_what_stands_for_a_number_is_one(number):
    assert proto.encode("SomethingNew", {"Ratio": number}, checked=False) == b'{"Ratio":2.5}'
    with pytest.raises(cvm.ParameterError, match="Limit is 2.5: give a whole number"):
        proto.encode("DescribeImages", {"Limit": number})


@pytest.mark.parametrize("mapping", [UserDict, ChainMap, types.MappingProxyType])
def test_whatever_maps_names_is_a_dictionary(client, mapping):
    filters = [mapping({"Name": "image-id", "Values": [IMAGE], "Unset": None})]
    with pytest.raises(cvm.ParameterError, match="Nam"):
        client.describe_images(Filters=[mapping({"Nam": "image-id"})])
    assert proto.encode("DescribeImages", {"Filters": filters}) == (
        b'{"Filters":[{"Name":"image-id","Values":["%s"]}]}' % IMAGE.encode()
    )


def test_what_an_iterator_raises_comes_through(client, steer):
    def broken():
        yield IMAGE
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        client.describe_images(ImageIds=broken())
    assert steer.endpoint.requests() == []


def test_a_dictionary_that_changes_while_it_is_read_does_no_harm():
    filters = {"Name": "image-id"}

    def values():
        for at in range(100):
            filters[f"Name{at}"] = at
            yield IMAGE

    filters["Values"] = values()
    assert proto.encode("DescribeImages", {"Filters": [filters]}).count(IMAGE.encode()) == 100


def test_an_iterator_without_an_end_is_stopped(client):
    with pytest.raises(cvm.ParameterError, match="ImageIds is larger than"):
        client.describe_images(ImageIds=itertools.repeat("img-" + 4096 * "0"))


def test_one_class_has_what_is_refused_here_and_there(client):
    with pytest.raises(cvm.ParameterError) as here:
        client.describe_images(Limit="3")
    with pytest.raises(cvm.ParameterError) as there:
        client.describe_images(ImageIds=["no image"])
    assert not isinstance(here.value, cvm.ServiceError)
    assert isinstance(there.value, cvm.InvalidParameterError) and there.value.request_id
    for error in (here.value, there.value):
        assert isinstance(error, ValueError) and isinstance(error, TypeError)
