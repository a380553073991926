"""Lists that come in pages, and waiting for a state."""

import asyncio
import itertools
import time

import pytest

import cvm

from conftest import IMAGE


def test_all_pages(client, steer):
    whole = client.describe_images(Limit=100)
    ids = [image["ImageId"] for image in client.paginate("describe_images", Limit=3)]
    assert ids == [image["ImageId"] for image in whole["ImageSet"]]
    assert len(steer.requests("DescribeImages")) == 1 + -(-whole["TotalCount"] // 3)


def test_pages_are_asked_for_when_they_are_needed(client, steer):
    images = client.paginate("describe_images", Limit=2)
    assert steer.requests("DescribeImages") == []
    assert len(list(itertools.islice(images, 2))) == 2
    assert len(steer.requests("DescribeImages")) == 1


def test_a_list_gives_its_pages_as_they_were_answered(client, settings, steer):
    pages = list(client.paginate("describe_images", Limit=3).pages())
    assert [len(page["ImageSet"]) for page in pages[:-1]] == [3] * (len(pages) - 1)
    assert len(steer.requests("DescribeImages")) == len(pages) > 1
    total = pages[0]["TotalCount"]
    assert sum(len(page["ImageSet"]) for page in pages) == total and all(page["RequestId"] for page in pages)

    images = client.paginate("describe_images", Limit=3)
    first = next(images)
    assert first == pages[0]["ImageSet"][0]
    assert [page["ImageSet"] for page in images.pages()] == [page["ImageSet"] for page in pages[1:]]
    assert list(images) == []

    async def main():
        async with cvm.AsyncClient(**settings) as other:
            return [page["ImageSet"] async for page in other.paginate("describe_images", Limit=3).pages()]

    assert asyncio.run(main()) == [page["ImageSet"] for page in pages]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("DescribeImages", "did you mean `describe_images`"),
        ("describe_image", "did you mean `describe_images`"),
        ("__slots__", "help"),
        ("frobnicate", "help"),
    ],
)
def test_an_action_has_one_name_for_a_client(client, settings, steer, name, hint):
    awaited = cvm.AsyncClient(**settings)
    for ask in (
        lambda: client.paginate(name),
        lambda: client.wait(name, bool),
        lambda: awaited.paginate(name),
        lambda: asyncio.run(awaited.wait(name, bool)),
    ):
        with pytest.raises(cvm.ParameterError, match=f"no method `{name}`: .*{hint}"):
            ask()
    assert steer.endpoint.requests() == []


def test_filters_hold_for_every_page(client):
    filters = [{"Name": "image-type", "Values": ["PUBLIC_IMAGE"]}]
    images = list(client.paginate("describe_images", Filters=filters, Limit=1))
    assert images
    assert {image["ImageType"] for image in images} == {"PUBLIC_IMAGE"}


def test_what_is_no_list_is_refused(client):
    with pytest.raises(cvm.ParameterError, match="SyncImages"):
        list(client.paginate("sync_images"))


def test_an_error_ends_a_list(client, steer):
    images = client.paginate("describe_images", Limit=1)
    next(images)
    steer.fault("error", code="UnauthorizedOperation")
    with pytest.raises(cvm.AuthError):
        next(images)


def test_waiting_for_a_state(client, steer):
    steer.hurry()
    made = client.create_image(ImageName="waited for", InstanceId="ins-stopped0")
    answer = client.wait(
        "describe_images",
        lambda answer: answer["ImageSet"][0]["ImageState"] == "NORMAL",
        interval=0.05,
        ImageIds=[made["ImageId"]],
    )
    assert answer["ImageSet"][0]["ImageId"] == made["ImageId"]


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("run_instances", {}),
        ("run_instances", {"DryRun": True}),
        ("run_instances", {"ClientToken": "once"}),
        ("sync_images", {"ImageIds": [IMAGE], "DestinationRegions": ["ap-beijing"]}),
        ("delete_images", {"ImageIds": [IMAGE]}),
    ],
)
def test_only_what_reads_is_asked_again_and_again(client, settings, steer, action, parameters):
    def until(answer):
        pytest.fail("it was sent")

    async def main():
        async with cvm.AsyncClient(**settings) as other:
            await other.wait(action, until, **parameters)

    watch = cvm.proto.Watch(cvm.proto.Config(**settings), action, parameters)
    for wait in (lambda: client.wait(action, until, **parameters), lambda: asyncio.run(main()), watch.poll):
        with pytest.raises(cvm.ParameterError, match="only reads"):
            wait()
    assert steer.endpoint.requests() == []


def test_an_action_that_is_not_known_may_be_one_that_reads(settings):
    config = cvm.proto.Config(**settings)
    assert isinstance(cvm.proto.Watch(config, "DescribeSomethingNew").poll(), cvm.proto.Send)
    with pytest.raises(cvm.ParameterError, match="only reads"):
        cvm.proto.Watch(config, "SomethingNew", {"Anything": 1}).poll()


def test_waiting_too_long(client):
    start = time.monotonic()
    with pytest.raises(cvm.TimeoutError):
        client.wait("describe_images", lambda answer: False, interval=0.05, timeout=0.4)
    assert time.monotonic() - start < 10


def test_what_the_judge_raises_ends_the_wait(client, steer):
    class Never(Exception):
        pass

    def judge(answer):
        raise Never(answer["TotalCount"])

    with pytest.raises(Never):
        client.wait("describe_images", judge, ImageIds=[IMAGE])
    assert len(steer.requests("DescribeImages")) == 1


def test_what_is_shown_of_a_list_says_what_it_holds(client):
    images = client.paginate("describe_images")
    assert repr(images) == "<Items of ImageSet>"
    list(images)
    assert repr(images) == "<Items of ImageSet, read to its end>"
