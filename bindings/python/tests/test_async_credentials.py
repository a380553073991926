"""Functions that give an async client its credentials: where they run, and what ends them."""

import asyncio
import threading

import pytest

import cvm

HIDDEN = "hidden-key-0123456789"


class Sealed(Exception):
    pass


def test_an_async_function_runs_in_the_loop_of_the_call(place, key):
    async def main():
        async def give():
            seen.append((asyncio.get_running_loop(), threading.current_thread()))
            await asyncio.sleep(0)
            return key

        async with cvm.AsyncClient(credentials=give, rate_limit=False, **place) as client:
            await asyncio.gather(*(client.describe_regions() for _ in range(8)))
        return asyncio.get_running_loop()

    seen = []
    loop = asyncio.run(main())
    assert seen == [(loop, threading.current_thread())]


def test_a_plain_function_holds_up_no_loop(place, key):
    async def main():
        def give():
            loop.call_soon_threadsafe(ran.set)
            assert let_go.wait(60)
            return key

        loop, ran, let_go = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
        async with cvm.AsyncClient(credentials=give, **place) as client:
            call = asyncio.create_task(client.describe_regions())
            await ran.wait()
            let_go.set()
            return await call

    assert asyncio.run(main())["TotalCount"] > 0


def test_a_plain_function_may_return_an_awaitable(place, key):
    async def later():
        return key

    async def main():
        async with cvm.AsyncClient(credentials=lambda: later(), **place) as client:
            return await client.describe_regions()

    assert asyncio.run(main())["TotalCount"] > 0


def test_what_an_async_function_raises_is_the_cause(place):
    async def give():
        raise Sealed(HIDDEN)

    async def main(function):
        async with cvm.AsyncClient(credentials=function, **place) as client:
            await client.describe_regions()

    with pytest.raises(cvm.CredentialError, match="raised Sealed") as refused:
        asyncio.run(main(give))
    assert isinstance(refused.value.__cause__, Sealed)
    with pytest.raises(cvm.CredentialError, match="returned a str: return a cvm.Credentials"):
        asyncio.run(main(lambda: "AKIDx"))


def test_a_call_that_is_cancelled_cancels_its_function(place, key):
    async def main():
        begun, ended = asyncio.Event(), asyncio.Event()

        async def give():
            if begun.is_set():
                return key
            begun.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.set()
                raise

        async with cvm.AsyncClient(credentials=give, **place) as client:
            first = asyncio.create_task(client.describe_regions())
            await begun.wait()
            second = asyncio.create_task(client.describe_regions())
            first.cancel()
            await asyncio.wait_for(ended.wait(), 30)
            with pytest.raises(asyncio.CancelledError):
                await first
            # Who waited asks in its turn.
            return await asyncio.wait_for(second, 30)

    assert asyncio.run(main())["TotalCount"] > 0


def test_a_call_gives_up_in_time_however_long_its_function_takes(place):
    async def main():
        async with cvm.AsyncClient(credentials=lambda: asyncio.sleep(60), call_timeout=0.3, **place) as client:
            await client.describe_regions()

    with pytest.raises(cvm.TimeoutError, match="no credential"):
        asyncio.run(main())


def test_a_function_that_is_cancelled_is_a_sentence(place):
    async def give():
        asyncio.current_task().cancel()
        await asyncio.sleep(60)

    async def main():
        async with cvm.AsyncClient(credentials=give, **place) as client:
            await client.describe_regions()

    with pytest.raises(cvm.CredentialError, match="was cancelled before it gave any"):
        asyncio.run(main())


def test_loops_of_several_threads_share_what_was_given(place, key):
    asked = []

    async def give():
        asked.append(1)
        return key

    async def main():
        return await client.describe_regions()

    client = cvm.AsyncClient(credentials=give, rate_limit=False, **place)
    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1


def test_a_plain_function_that_runs_out_of_items_has_failed(place):
    def give():
        return next(iter([]))

    async def main():
        async with cvm.AsyncClient(credentials=give, **place) as client:
            await client.describe_regions()

    with pytest.raises(cvm.CredentialError) as caught:
        asyncio.run(main())
    assert "StopIteration" in str(caught.value.__cause__)
