"""The client for asyncio: the same calls, cancelled, in crowds, and on other loops."""

import asyncio
import sys
import time

import pytest

import cvm

from conftest import IMAGE, elsewhere


def test_a_call(settings):
    async def main():
        async with cvm.AsyncClient(**settings) as client:
            return await client.describe_images(ImageIds=[IMAGE])

    assert asyncio.run(main())["ImageSet"][0]["ImageId"] == IMAGE


@pytest.mark.cvm_local(rate_limits=False)
def test_many_calls_at_once(settings):
    async def main():
        async with cvm.AsyncClient(rate_limit=False, **settings) as client:
            calls = [client.describe_regions() for _ in range(200)]
            return await asyncio.gather(*calls)

    answers = asyncio.run(main())
    assert len({answer["RequestId"] for answer in answers}) == 200


def test_a_call_can_be_a_task(settings):
    async def main():
        async with cvm.AsyncClient(**settings) as client:
            return await asyncio.create_task(client.describe_images(ImageIds=[IMAGE]))

    assert asyncio.run(main())["TotalCount"] == 1


def test_errors_are_those_of_the_blocking_client(settings):
    async def main():
        async with cvm.AsyncClient(**settings) as client:
            await client.describe_images(ImageIds=["img-1"])

    with pytest.raises(cvm.ServiceError) as caught:
        asyncio.run(main())
    assert caught.value.code == "InvalidImageId.Malformed"


def test_lists_are_async_iterators(settings):
    async def main():
        async with cvm.AsyncClient(**settings) as client:
            return [image["ImageId"] async for image in client.paginate("describe_images", Limit=2)]

    ids = asyncio.run(main())
    assert IMAGE in ids
    assert len(ids) > 2


def test_cancelling_a_call_hangs_up(silent):
    async def main():
        async with cvm.AsyncClient(**elsewhere(silent.url)) as client:
            call = asyncio.ensure_future(client.describe_images())
            await asyncio.to_thread(silent.arrived.wait, 10)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            # The request is given up as well, not only the wait for it.
            assert await asyncio.to_thread(silent.gone.wait, 10)

    asyncio.run(main())


def test_a_timeout_of_asyncio_ends_a_call(silent):
    async def main():
        async with cvm.AsyncClient(**elsewhere(silent.url)) as client:
            await asyncio.wait_for(client.describe_images(), 0.2)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(main())
    assert silent.gone.wait(10)


def test_the_loop_runs_others_while_a_call_waits(silent):
    async def main():
        async with cvm.AsyncClient(**elsewhere(silent.url)) as client:
            call = asyncio.ensure_future(client.describe_images())
            await asyncio.get_running_loop().run_in_executor(None, silent.arrived.wait, 60)
            waits = not call.done()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            return waits

    assert asyncio.run(main())


def test_one_client_serves_one_loop_after_the_other(settings):
    client = cvm.AsyncClient(**settings)

    async def main():
        return await client.describe_images(ImageIds=[IMAGE])

    assert asyncio.run(main())["TotalCount"] == asyncio.run(main())["TotalCount"] == 1
    asyncio.run(client.aclose())


def test_a_loop_that_ends_with_calls_under_way_takes_them_along(silent):
    async def main():
        client = cvm.AsyncClient(**elsewhere(silent.url))
        asyncio.ensure_future(client.describe_images())
        await asyncio.to_thread(silent.arrived.wait, 10)

    asyncio.run(main())
    assert silent.gone.wait(10)


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not there")
def test_uvloop(settings):
    uvloop = pytest.importorskip("uvloop")

    async def main():
        async with cvm.AsyncClient(**settings) as client:
            return await asyncio.gather(*(client.describe_regions() for _ in range(20)))

    assert len(uvloop.run(main())) == 20


def test_a_sync_job(settings, steer):
    steer.hurry()
    told = []

    async def main():
        async with cvm.AsyncClient(**settings) as client:
            return await client.sync(IMAGE, to=["ap-guangzhou"], on_progress=told.append)

    report = asyncio.run(main())
    assert [each.region for each in report.destinations] == ["ap-guangzhou"]
    assert report.is_complete
    assert told


def test_waiting(settings, steer):
    steer.hurry()

    async def main():
        async with cvm.AsyncClient(**settings) as client:
            made = await client.create_image(ImageName="waited for", InstanceId="ins-stopped0")
            return await client.wait(
                "describe_images",
                lambda answer: answer["ImageSet"][0]["ImageState"] == "NORMAL",
                interval=0.05,
                ImageIds=[made["ImageId"]],
            )

    start = time.monotonic()
    assert asyncio.run(main())["ImageSet"][0]["ImageState"] == "NORMAL"
    assert time.monotonic() - start < 30
