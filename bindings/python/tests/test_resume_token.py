"""Lists of which only a part is read, and lists that are left and read on later."""

import asyncio
import itertools
import json
import subprocess
import sys

import pytest

import cvm
from cvm import proto

from conftest import REGION
from test_proto import run


@pytest.fixture(params=["blocking", "async"])
def read(request, settings):
    """Reads so many items of a list, or all: `read(count, ...)` gives them, and the token of the rest."""

    def blocking(count, action, region=REGION, **parameters):
        with cvm.Client(**{**settings, "region": region}) as client:
            items = client.paginate(action, **parameters)
            return list(itertools.islice(items, count)), items.resume_token

    def awaited(count, action, region=REGION, **parameters):
        async def main():
            async with cvm.AsyncClient(**{**settings, "region": region}) as client:
                items, taken = client.paginate(action, **parameters), []
                while count is None or len(taken) < count:
                    try:
                        taken.append(await items.__anext__())
                    except StopAsyncIteration:
                        break
                return taken, items.resume_token

        return asyncio.run(main())

    return {"blocking": blocking, "async": awaited}[request.param]


@pytest.fixture
def whole(client):
    return client.describe_images(Limit=100)["ImageSet"]


@pytest.mark.parametrize("most", [0, 1, 2, 3, 4, 1000])
def test_at_most_so_many_items_are_given(read, whole, steer, most):
    steer.endpoint.clear_requests()
    items, token = read(None, "describe_images", Limit=3, max_items=most)
    assert items == whole[:most]
    assert len(steer.requests("DescribeImages")) == -(-min(most, len(whole)) // 3)
    assert (token is None) == (most >= len(whole))


def test_the_pages_of_a_part_hold_that_part(client, whole):
    pages = list(client.paginate("describe_images", Limit=3, max_items=4).pages())
    assert [len(page["ImageSet"]) for page in pages] == [3, 1]
    assert pages[0]["TotalCount"] == len(whole) > 4


def test_a_list_is_read_on_wherever_it_was_left(read, whole):
    for left_at in range(len(whole) + 1):
        items, token = read(left_at, "describe_images", Limit=3)
        assert items == whole[:left_at]
        if left_at == len(whole):
            assert token is None
        else:
            # The rest may come in pages of another size.
            rest, end = read(None, "describe_images", Limit=4, resume_token=token)
            assert rest == whole[left_at:] and end is None


def test_a_list_is_read_part_after_part(read, whole):
    parts, token = [], None
    while not parts or token is not None:
        part, token = read(None, "describe_images", Limit=3, max_items=2, resume_token=token)
        parts.append(part)
    assert [len(part) for part in parts[:-1]] == [2] * (len(parts) - 1)
    assert list(itertools.chain(*parts)) == whole


def test_another_process_reads_on(client, settings, whole):
    items = client.paginate("describe_images", Limit=3)
    first = list(itertools.islice(items, 4))
    program = """
import json, sys, cvm
settings, token = json.load(sys.stdin)
with cvm.Client(**settings) as client:
    print(json.dumps(list(client.paginate("describe_images", resume_token=token))))
"""
    given = json.dumps([settings, items.resume_token])
    done = subprocess.run([sys.executable, "-c", program], input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert first + json.loads(done.stdout) == whole


def test_pages_are_read_on_after_the_last_one(client, whole):
    items = client.paginate("describe_images", Limit=3)
    first = next(items.pages())
    rest = client.paginate("describe_images", Limit=3, resume_token=items.resume_token)
    assert first["ImageSet"] + list(rest) == whole


def test_a_list_that_an_error_ended_is_read_on(client, steer, whole):
    items = client.paginate("describe_images", Limit=3)
    first = list(itertools.islice(items, 3))
    fault = steer.fault("error", code="UnauthorizedOperation")
    with pytest.raises(cvm.AuthError):
        next(items)
    steer.endpoint.remove_fault(fault)
    assert first + list(client.paginate("describe_images", resume_token=items.resume_token)) == whole


def test_a_token_belongs_to_one_list(read, steer):
    _, token = read(1, "describe_images", Limit=3, InstanceType="S5.MEDIUM2")
    steer.endpoint.clear_requests()
    for why, action, options in [
        ("is of a list of DescribeImages: resume that one", "describe_instances", {}),
        ("is of a list with other parameters", "describe_images", {}),
        ("in the region ap-shanghai", "describe_images", {"InstanceType": "S5.MEDIUM2", "region": "ap-beijing"}),
    ]:
        with pytest.raises(cvm.ParameterError, match=f"the resume token {why}|the resume token is .* {why}"):
            read(1, action, resume_token=token, **options)
    for broken in ("", "img-o3ycss2p", token[1:], token[:-2], token.swapcase()):
        with pytest.raises(cvm.ParameterError, match="the resume token cannot be read"):
            read(1, "describe_images", resume_token=broken, InstanceType="S5.MEDIUM2")
    assert steer.endpoint.requests() == []


def test_what_is_no_number_of_items_is_refused(client):
    with pytest.raises(cvm.ParameterError, match="max_items is -1: give 0 or more"):
        client.paginate("describe_images", max_items=-1)
    with pytest.raises(TypeError):
        client.paginate("describe_images", max_items="3")


def test_a_machine_reads_on(cvm_local, whole):
    config = proto.Config(REGION, **cvm_local.settings())
    pages = proto.Pages(config, "DescribeImages", {"Limit": 4})
    token = pages.resume_token()
    _, news = run(pages)
    assert len(news) > 1 and pages.resume_token() is None
    _, news = run(proto.Pages(config, "DescribeImages", resume_token=token))
    assert [page["ImageSet"] for page in news] == [whole]


def ids(images):
    return [image["ImageId"] for image in images]


def test_pages_leave_out_what_is_left_of_a_page_that_was_begun(settings):
    with cvm.Client(**settings) as client:
        everything = ids(client.paginate("describe_images"))
        items = client.paginate("describe_images", Limit=3)
        assert next(items)["ImageId"] == everything[0]
        assert ids(next(items.pages())["ImageSet"]) == everything[3:6]
        rest = client.paginate("describe_images", Limit=3, resume_token=items.resume_token)
        assert ids(rest) == everything[6:]
        assert ids(items) == everything[6:]


def test_a_list_goes_on_after_ctrl_c_in_the_place_of_a_page(settings):
    def interrupt(_):
        ends.append(len(ends))
        if len(ends) == 2:
            raise KeyboardInterrupt

    ends, given = [], []
    with cvm.Client(**settings) as client:
        everything = ids(client.paginate("describe_images"))
        items = client.with_options(on_attempt=interrupt).paginate("describe_images", Limit=2)
        given += [next(items)["ImageId"], next(items)["ImageId"]]
        with pytest.raises(KeyboardInterrupt):
            next(items)
        given += [next(items)["ImageId"] for _ in everything[2:]]
        assert given == everything


def test_a_list_goes_on_after_a_cancelled_page(settings):
    async def main():
        async with cvm.AsyncClient(**settings) as client:
            items = client.paginate("describe_images", Limit=2)
            given = [await items.__anext__(), await items.__anext__()]
            due = asyncio.ensure_future(items.__anext__())
            await asyncio.sleep(0)
            due.cancel()
            with pytest.raises(asyncio.CancelledError):
                await due
            given += [image async for image in items]
            assert ids(given) == ids([image async for image in client.paginate("describe_images")])

    asyncio.run(main())
