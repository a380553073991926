"""What a program gives to be called: async functions are awaited by the async client, and refused by the blocking one."""

import asyncio
import functools
import gc

import pytest

import cvm

from conftest import IMAGE

REGIONS = ["ap-guangzhou"]

# A coroutine that nobody awaits is just what there must not be.
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning", "error::pytest.PytestUnraisableExceptionWarning")


async def listen(heard, news):
    await asyncio.sleep(0)
    heard.append(news)
    return True


class Listener:
    def __init__(self, heard):
        self.heard = heard

    async def __call__(self, news):
        return await listen(self.heard, news)

    async def method(self, news):
        return await listen(self.heard, news)


def function(heard):
    async def listener(news):
        return await listen(heard, news)

    return listener


#: Async functions that can be told without being called.
OPEN = {
    "a function": function,
    "a partial": lambda heard: functools.partial(listen, heard),
    "a partial of a partial": lambda heard: functools.partial(functools.partial(listen), heard),
    "an object": Listener,
    "a partial of an object": lambda heard: functools.partial(Listener(heard)),
    "a method": lambda heard: Listener(heard).method,
}

#: Those that cannot.
DISGUISED = {
    "a lambda": lambda heard: lambda news: listen(heard, news),
    "a task": lambda heard: lambda news: asyncio.ensure_future(listen(heard, news)),
}


def run_with(**callbacks):
    """Runs a sync job with these callbacks."""
    return lambda client: client.sync_job(IMAGE, to=REGIONS, wait=False).run(**callbacks)


#: Every callback of the package, and what hands it over.
CALLBACKS = {
    "on_progress": lambda callback: lambda client: client.sync(
        IMAGE, to=REGIONS, on_progress=callback, wait=False
    ),
    "on_progress of a job": lambda callback: run_with(on_progress=callback),
    "on_checkpoint": lambda callback: run_with(on_checkpoint=callback),
    "until": lambda callback: lambda client: client.wait("describe_images", callback, ImageIds=[IMAGE]),
}


def each(of):
    return pytest.mark.parametrize("form", of.values(), ids=of)


callbacks = pytest.mark.parametrize("name", CALLBACKS)


def hand_over(name, callback):
    return CALLBACKS[name](callback)


@callbacks
@each(OPEN)
def test_the_blocking_client_refuses_an_async_function(client, steer, name, form):
    heard = []
    with pytest.raises(TypeError, match=name.split()[0] + " is an async function"):
        hand_over(name, form(heard))(client)
    assert heard == steer.endpoint.requests() == []


@callbacks
def test_the_blocking_client_ends_with_an_awaitable_that_it_gets(client, steer, name):
    heard = []
    with pytest.raises(TypeError, match=name.split()[0] + " returned an awaitable"):
        hand_over(name, DISGUISED["a lambda"](heard))(client)
    gc.collect()
    assert heard == [] and steer.requests("SyncImages") == []


@callbacks
@each({**OPEN, **DISGUISED})
def test_the_async_client_awaits(settings, name, form):
    heard = []

    async def main():
        async with cvm.AsyncClient(**settings) as client:
            return await hand_over(name, form(heard))(client)

    asyncio.run(main())
    gc.collect()
    assert heard, "it was called, and its body has not run"


def test_what_an_async_until_says_is_what_counts(settings, steer):
    looks = []

    async def until(answer):
        await asyncio.sleep(0)
        looks.append(answer)
        return len(looks) == 3

    async def main():
        async with cvm.AsyncClient(**settings) as client:
            return await client.wait("describe_images", until, interval=0.05, ImageIds=[IMAGE])

    assert asyncio.run(main()) == looks[2]
    assert len(steer.requests("DescribeImages")) == 3


def test_a_checkpoint_is_written_before_the_job_goes_on(settings, steer):
    states, unwritten = [], []

    async def save(job):
        state, requests = job.to_json(), len(steer.endpoint.requests())
        # Another client's round trip: a job that did not wait would have sent its next request by its end.
        async with cvm.AsyncClient(**settings) as other:
            await other.describe_zones()
        if len(steer.endpoint.requests()) != requests + 1:
            unwritten.append(state)
        states.append(state)

    async def main():
        async with cvm.AsyncClient(**settings) as client:
            return await client.sync_job(IMAGE, to=REGIONS, wait=False).run(on_checkpoint=save)

    asyncio.run(main()).raise_for_failures()
    assert states and unwritten == []


def test_what_an_async_callback_raises_ends_the_job(settings, steer):
    class Stop(Exception):
        pass

    async def stop(event):
        await asyncio.sleep(0)
        raise Stop

    async def main():
        async with cvm.AsyncClient(**settings) as client:
            await client.sync(IMAGE, to=REGIONS, on_progress=stop)

    with pytest.raises(Stop):
        asyncio.run(main())
    assert steer.requests("SyncImages") == []


def generator(news):
    yield news


async def async_generator(news):
    yield news


@callbacks
@pytest.mark.parametrize("callback", [generator, async_generator, functools.partial(generator), "print", 1])
def test_what_would_never_run_is_refused(client, settings, steer, name, callback):
    async def main():
        async with cvm.AsyncClient(**settings) as other:
            await hand_over(name, callback)(other)

    for run in (lambda: hand_over(name, callback)(client), lambda: asyncio.run(main())):
        with pytest.raises(TypeError, match=name.split()[0] + " is a"):
            run()
    assert steer.endpoint.requests() == []


@callbacks
def test_a_generator_that_is_returned_is_an_error(client, name):
    with pytest.raises(TypeError, match=name.split()[0] + " returned a generator"):
        hand_over(name, lambda news: generator(news))(client)
